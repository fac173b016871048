/* Links as rows: cables, their ends and optics, and whether something is wrong with them. */
#include "api/resource_tables.h"

#include "base/mem.h"

struct links {
    uint32_t incident[1]; /* per cable: row of the board's incidents on it or on an optic of it */
};

static uint32_t cable_of(const struct fleet *f, uint64_t about)
{
    uint32_t i = component_index_of(about);
    if (component_kind_of(about) == COMPONENT_CABLE && i < f->count[COMPONENT_CABLE])
        return i;
    return component_kind_of(about) == COMPONENT_OPTIC && i < f->count[COMPONENT_OPTIC]
               ? f->optic_cable[i] : MW_NONE;
}

int api_make_links(const struct api_view_of *of, struct api_rows *ret, struct mw_error *err)
{
    const struct board *b = of->control->board;
    uint32_t count = b->fleet->count[COMPONENT_CABLE];
    struct links *d = mw_calloc((size_t)count + 1, sizeof(d->incident[0]));
    ret->data = d;
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < count; i++)
        d->incident[i] = MW_NONE;
    for (uint32_t slot = 0; slot < b->incidents_used; slot++) {
        uint32_t cable = b->incident_id[slot] ? cable_of(b->fleet, b->incident_component[slot])
                                              : MW_NONE;
        if (cable != MW_NONE)
            d->incident[cable] = slot;
    }
    ret->count = count;
    return 0;
}

/* Links between switches are everybody's whose halls are not narrowed. */
bool api_sees_link(struct api_rows *r, uint32_t cable, const struct principal *who)
{
    const struct board *b = r->of->control->board;
    uint32_t node = b->fleet->cable_node[cable];
    return node != MW_NONE ? api_sees_node_row(b, node, who) : who->halls == 0;
}

static const struct fleet *fleet_of(const struct api_rows *r)
{
    return r->of->control->board->fleet;
}

static void get_name(struct api_rows *r, uint32_t cable, struct api_value *ret)
{
    *ret = api_value_name(fleet_of(r), COMPONENT_CABLE, cable);
}

static const char *end_kind(const struct fleet *f, const struct fleet_port *p)
{
    static const char *const tier[] = { "?", "leaf", "spine", "core" };
    uint32_t i = component_index_of(p->component);
    if (component_kind_of(p->component) != COMPONENT_SWITCH)
        return "node";
    return f->switch_tier[i] < MW_ARRAY_LEN(tier) ? tier[f->switch_tier[i]] : "?";
}

static void get_kind(struct api_rows *r, uint32_t cable, struct api_value *ret)
{
    const struct fleet *f = fleet_of(r);
    struct text *t = api_scratch(r);
    text_addf(t, "%s-%s", end_kind(f, &f->cable_end[0][cable]),
              end_kind(f, &f->cable_end[1][cable]));
    *ret = api_value_scratch(r, VALUE_TEXT);
}

static void get_end(struct api_rows *r, uint32_t cable, uint32_t end, struct api_value *ret)
{
    const struct fleet *f = fleet_of(r);
    const struct fleet_port *p = &f->cable_end[end][cable];
    struct text *t = api_scratch(r);
    text_add(t, fleet_name(f, p->component));
    if (component_kind_of(p->component) == COMPONENT_SWITCH)
        text_addf(t, ":%u", p->port);
    *ret = api_value_scratch(r, VALUE_TEXT);
}

static void get_a(struct api_rows *r, uint32_t cable, struct api_value *ret)
{
    get_end(r, cable, 0, ret);
}

static void get_b(struct api_rows *r, uint32_t cable, struct api_value *ret)
{
    get_end(r, cable, 1, ret);
}

static void get_node(struct api_rows *r, uint32_t cable, struct api_value *ret)
{
    *ret = api_value_name(fleet_of(r), COMPONENT_NODE, fleet_of(r)->cable_node[cable]);
}

static void get_optic_a(struct api_rows *r, uint32_t cable, struct api_value *ret)
{
    *ret = api_value_name(fleet_of(r), COMPONENT_OPTIC, fleet_of(r)->cable_optic[0][cable]);
}

static void get_optic_b(struct api_rows *r, uint32_t cable, struct api_value *ret)
{
    *ret = api_value_name(fleet_of(r), COMPONENT_OPTIC, fleet_of(r)->cable_optic[1][cable]);
}

/* What the open incident's class does to a job says how bad the link is. */
static void get_state(struct api_rows *r, uint32_t cable, struct api_value *ret)
{
    const struct links *d = r->data;
    const struct control *c = r->of->control;
    uint32_t slot = d->incident[cable];
    if (slot == MW_NONE) {
        *ret = api_value_text("up");
        return;
    }
    uint16_t class = c->board->incident_class[slot];
    uint8_t effect = class < c->policy.care.classes ? c->policy.care.class[class].effect
                                                    : EFFECT_KILLS;
    *ret = api_value_text(effect == EFFECT_KILLS   ? "down"
                          : effect == EFFECT_SLOWS ? "degraded"
                                                   : "suspect");
}

static void get_incident(struct api_rows *r, uint32_t cable, struct api_value *ret)
{
    const struct links *d = r->data;
    *ret = api_value_incident(r->of->control->board, d->incident[cable]);
}

const struct api_field api_link_fields[] = {
    { "name", FIELD_TEXT, BASIS_NONE, "Link", "the cable's name", get_name },
    { "kind", FIELD_TEXT, BASIS_NONE, "Kind", "what it joins: node-leaf, leaf-spine …", get_kind },
    { "a", FIELD_TEXT, BASIS_NONE, "A", "one end: a NIC, or switch:port", get_a },
    { "b", FIELD_TEXT, BASIS_NONE, "B", "the other end", get_b },
    { "node", FIELD_TEXT, BASIS_NONE, "Node", "the node that one end is on; null between switches",
      get_node },
    { "optic_a", FIELD_TEXT, BASIS_NONE, "Optic A", "the optical module at A; null for copper",
      get_optic_a },
    { "optic_b", FIELD_TEXT, BASIS_NONE, "Optic B", "the optical module at B; null for copper",
      get_optic_b },
    { "state", FIELD_TEXT, BASIS_NONE, "State", "up; or by what its open incident does to jobs: "
      "down, degraded, suspect", get_state },
    { "incident", FIELD_INT, BASIS_NONE, "Incident", "the open incident on it or on an optic of "
      "it", get_incident },
    { 0 },
};
