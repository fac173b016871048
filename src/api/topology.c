/* Groups, segments, switches.  See topology.h. */
#include "api/topology.h"

#include <string.h>

#include "api/json_out.h"
#include "api/mark.h"
#include "base/mem.h"
#include "base/units.h"
#include "fleet/hostlist.h"

struct making {
    const struct topology_of *of;
    const struct board *board;
    const struct fleet *fleet;
    struct json_out out;
    const char **name;    /* owned: room for the racks of a group */
    uint32_t names;
    uint32_t *segment;    /* owned: groups by how many free nodes they have */
    uint32_t segments;
    uint32_t spares_from;
    uint8_t *link_down;   /* owned: per cable */
    uint8_t *switch_down; /* owned: per switch: it has an incident itself */
};

static void raw(struct making *m, const char *s)
{
    json_out_raw(&m->out, s, strlen(s));
}

static void text(struct making *m, const char *s)
{
    json_out_text(&m->out, s, strlen(s));
}

static void number(struct making *m, const char *key, int64_t n)
{
    raw(m, key);
    json_out_int(&m->out, n);
}

/* ---- groups --------------------------------------------------------------------------------- */

/* Jobs of a tenant that the principal does not see are there, without their numbers. */
static void add_job(struct making *m, uint32_t job, bool *first)
{
    const struct board *b = m->board;
    if (!access_sees_tenant(m->of->who, b->job_tenant[job]))
        return;
    number(m, *first ? "" : ",", (int64_t)b->job_id[job]);
    *first = false;
}

/* Was the job on a node of the group before this one?  Its nodes in a group stand together mostly,
 * so looking back is short. */
static bool seen_before(const struct making *m, const uint32_t *node, uint32_t at)
{
    uint32_t job = m->board->node_job[node[at]];
    for (uint32_t i = at; i-- > 0;)
        if (m->board->node_job[node[i]] == job)
            return true;
    return false;
}

static bool is_spare(const struct making *m, uint32_t node)
{
    return api_mark_with_spares(api_mark_node(m->of->control, node), node, m->spares_from) ==
           MARK_SPARE;
}

/* Neither at work nor ready for it. */
static bool is_out(const struct making *m, uint32_t node)
{
    uint8_t mark = api_mark_node(m->of->control, node);
    return mark >= MARK_SUSPECT && mark <= MARK_OUT;
}

/* The racks that it is on: "h1-r01-k[1-8]". */
static bool add_name(struct making *m, const uint32_t *node, uint32_t nodes)
{
    struct text t = { 0 };
    uint32_t racks = 0, last = MW_NONE;
    for (uint32_t i = 0; i < nodes; i++) {
        uint32_t rack = m->fleet->node_rack[node[i]];
        if (rack != last && rack != MW_NONE && racks < m->names)
            m->name[racks++] = fleet_name(m->fleet, component_id(COMPONENT_RACK, rack));
        last = rack;
    }
    if (hostlist_add(&t, m->name, racks) < 0)
        t.failed = true;
    raw(m, "{\"name\":");
    text(m, text_string(&t));
    bool good = !t.failed;
    text_fini(&t);
    return good;
}

static bool add_group(struct making *m, uint32_t group)
{
    const struct fleet *f = m->fleet;
    const uint32_t *node = &f->group_nodes.item[f->group_nodes.first[group]];
    uint32_t nodes = f->group_nodes.first[group + 1] - f->group_nodes.first[group];
    uint32_t free = 0, spares = 0, out = 0;
    bool first = true, good = add_name(m, node, nodes);
    number(m, ",\"group\":", group);
    number(m, ",\"block\":", f->group_block ? f->group_block[group] : 0);
    number(m, ",\"pod\":", f->group_pod ? f->group_pod[group] : 0);
    number(m, ",\"nodes\":", nodes);
    raw(m, ",\"jobs\":[");
    for (uint32_t i = 0; i < nodes; i++) {
        free += board_schedulable(m->board, node[i]);
        spares += is_spare(m, node[i]);
        out += is_out(m, node[i]);
        if (m->board->node_job[node[i]] != MW_NONE && !seen_before(m, node, i))
            add_job(m, m->board->node_job[node[i]], &first);
    }
    number(m, "],\"free\":", free);
    number(m, ",\"spares\":", spares);
    number(m, ",\"out\":", out);
    raw(m, "}");
    m->segment[MW_MIN(free, m->segments - 1)]++;
    return good;
}

static bool sees_hall(const struct making *m, uint32_t hall)
{
    return m->of->who->halls == 0 ||
           (hall != MW_NONE &&
            access_sees_hall(m->of->who,
                             fleet_name(m->fleet, component_id(COMPONENT_HALL, hall))));
}

/* A group of nodes is in one hall. */
static bool sees_group(const struct making *m, uint32_t group)
{
    const struct fleet *f = m->fleet;
    return sees_hall(m, f->node_hall[f->group_nodes.item[f->group_nodes.first[group]]]);
}

static bool add_groups(struct making *m)
{
    bool good = true, first = true;
    raw(m, ",\"groups\":[");
    for (uint32_t g = 0; good && g < m->fleet->groups; g++) {
        if (m->fleet->group_nodes.first[g] == m->fleet->group_nodes.first[g + 1] ||
            !sees_group(m, g))
            continue;
        raw(m, first ? "" : ",");
        first = false;
        good = add_group(m, g);
    }
    raw(m, "],\"idle_segments\":[");
    first = true;
    for (uint32_t s = 1; s < m->segments; s++) {
        if (m->segment[s] == 0)
            continue;
        number(m, first ? "{\"size\":" : ",{\"size\":", s);
        number(m, ",\"count\":", m->segment[s]);
        raw(m, "}");
        first = false;
    }
    raw(m, "]");
    return good;
}

/* ---- switches ------------------------------------------------------------------------------- */

/* Links that an open incident is about, by their cable, an optic at an end, or a NIC. */
static void mark_links(struct making *m)
{
    const struct board *b = m->board;
    const struct fleet *f = m->fleet;
    for (uint32_t s = 0; s < b->incidents_used; s++) {
        uint64_t on = b->incident_component[s];
        uint32_t i = component_index_of(on), cable = MW_NONE;
        if (!b->incident_id[s])
            continue;
        if (component_kind_of(on) == COMPONENT_CABLE)
            cable = i;
        else if (component_kind_of(on) == COMPONENT_OPTIC)
            cable = f->optic_cable[i];
        else if (component_kind_of(on) == COMPONENT_NIC)
            cable = f->nic_cable[i];
        else if (component_kind_of(on) == COMPONENT_SWITCH)
            m->switch_down[i] = 1;
        if (cable != MW_NONE)
            m->link_down[cable] = 1;
    }
}

static void add_switch(struct making *m, uint32_t sw, bool first)
{
    const struct fleet *f = m->fleet;
    uint32_t begin = f->switch_cables.first[sw], end = f->switch_cables.first[sw + 1], down = 0;
    for (uint32_t i = begin; i < end; i++)
        down += m->link_down[f->switch_cables.item[i]];
    raw(m, first ? "{\"name\":" : ",{\"name\":");
    text(m, fleet_name(f, component_id(COMPONENT_SWITCH, sw)));
    number(m, ",\"links\":", end - begin);
    number(m, ",\"links_down\":", down);
    raw(m, m->switch_down[sw] ? ",\"down\":true}" : ",\"down\":false}");
}

static bool sees_switch(const struct making *m, uint32_t sw)
{
    return sees_hall(m, m->fleet->switch_hall[sw]);
}

static void add_tier(struct making *m, const char *key, bool leaves)
{
    bool first = true;
    raw(m, key);
    for (uint32_t s = 0; s < m->fleet->count[COMPONENT_SWITCH]; s++) {
        if ((m->fleet->switch_tier[s] == SWITCH_LEAF) != leaves || !sees_switch(m, s))
            continue;
        add_switch(m, s, first);
        first = false;
    }
    raw(m, "]");
}

static uint32_t rails(const struct fleet *f)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < f->count[COMPONENT_NIC]; i++)
        most = MW_MAX(most, f->nic_rail[i] + 1u);
    return most;
}

/* ---- the document --------------------------------------------------------------------------- */

static bool make_room(struct making *m)
{
    const struct fleet *f = m->fleet;
    m->segments = 2;
    for (uint32_t g = 0; g < f->groups; g++)
        m->segments = MW_MAX(m->segments,
                             f->group_nodes.first[g + 1] - f->group_nodes.first[g] + 1);
    m->names = m->segments;
    m->name = mw_calloc(m->names, sizeof(*m->name));
    m->segment = mw_calloc(m->segments, sizeof(*m->segment));
    m->link_down = mw_calloc(f->count[COMPONENT_CABLE] + 1u, 1);
    m->switch_down = mw_calloc(f->count[COMPONENT_SWITCH] + 1u, 1);
    return m->name && m->segment && m->link_down && m->switch_down;
}

static bool write_all(struct making *m)
{
    raw(m, "{\"now\":");
    json_out_time_ms(&m->out, mw_ms(m->of->now_ns));
    number(m, ",\"revision\":", (int64_t)core_seq(m->of->control->core));
    bool good = add_groups(m);
    number(m, ",\"rails\":", rails(m->fleet));
    add_tier(m, ",\"leaves\":[", true);
    add_tier(m, ",\"spines\":[", false);
    raw(m, ",\"rests_on\":");
    text(m, words_basis(&m->of->control->policy));
    raw(m, "}\n");
    return good;
}

int topology_write(const struct topology_of *t, struct evbuffer *to, struct mw_error *err)
{
    must(t && t->control && t->words && t->who && to);
    struct making m = { .of = t, .board = t->control->board, .fleet = t->control->board->fleet };
    bool good = make_room(&m);
    if (good) {
        m.spares_from = api_mark_spares_from(t->control);
        mark_links(&m);
        json_out_begin(&m.out, to);
        good = write_all(&m);
        good = json_out_end(&m.out) && good;
    }
    mw_free(m.name);
    mw_free(m.segment);
    mw_free(m.link_down);
    mw_free(m.switch_down);
    return good ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}
