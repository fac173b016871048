/*
 * Cable by cable: what is plugged where the file says something else.  Every
 * link that is part of one difference is part of no other.
 */
#include "live/fabric_check.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "live/fabric_map.h"

static const struct {
    const char *code, *doc;
} faults[] = {
#define X(e, code, doc) { code, doc },
    FABRIC_FAULTS(X)
#undef X
};

const char *fabric_fault_code(uint32_t fault)
{
    must(fault < FABRIC_FAULT_COUNT);
    return faults[fault].code;
}

const char *fabric_fault_doc(uint32_t fault)
{
    must(fault < FABRIC_FAULT_COUNT);
    return faults[fault].doc;
}

void fabric_result_fini(struct fabric_result *r)
{
    mw_free(r->item);
    *r = (struct fabric_result){ .length = 0 };
}

uint32_t fabric_result_faults(const struct fabric_result *r)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < FABRIC_FAULT_COUNT; i++)
        n += r->count[i];
    return n;
}

struct check {
    const struct fabric_map *m;
    const struct fabric_check_options *o;
    struct fabric_result r;
    bool *told; /* port rows of the fabric whose link is part of what was said */
    bool failed;
};

/* A new difference, zeroed but for what it is; a spare one when the list is full. */
static struct fabric_difference *add(struct check *c, enum fabric_fault fault, uint32_t cable,
                                     struct fabric_difference *spare)
{
    struct fabric_result *r = &c->r;
    struct fabric_difference *d = spare;
    r->count[fault]++;
    if (r->length == r->room && r->room < FABRIC_DIFFERENCES_MAX) {
        uint32_t room = r->room == 0 ? 64 : r->room * 2;
        room = MW_MIN(room, (uint32_t)FABRIC_DIFFERENCES_MAX);
        struct fabric_difference *item = mw_resize(r->item, room, sizeof(*item));
        c->failed = c->failed || item == NULL;
        if (item != NULL) {
            r->item = item;
            r->room = room;
        }
    }
    if (r->length < r->room)
        d = &r->item[r->length++];
    *d = (struct fabric_difference){ .fault = (uint8_t)fault, .cable = cable, .port = MW_NONE };
    return d;
}

static void tell_link(struct check *c, uint32_t slot)
{
    uint32_t port = c->m->port[slot];
    if (port == MW_NONE)
        return;
    c->told[port] = true;
    if (c->m->f->port[port].peer != MW_NONE)
        c->told[c->m->f->port[port].peer] = true;
}

static bool has_link(const struct check *c, uint32_t slot)
{
    uint32_t port = c->m->port[slot];
    return port != MW_NONE && c->m->f->port[port].peer != MW_NONE;
}

/* The site's component of a slot. */
static uint64_t component_of(const struct fabric_map *m, uint32_t slot)
{
    return slot < m->nics ? component_id(COMPONENT_NIC, slot)
                          : component_id(COMPONENT_SWITCH, m->slot_switch[slot - m->nics]);
}

/* Whether the device of a slot is in the fabric at all. */
static bool device_seen(const struct fabric_map *m, uint32_t slot)
{
    return slot < m->nics ? m->port[slot] != MW_NONE : m->seen[m->slot_switch[slot - m->nics]];
}

static bool node_gone(const struct fabric_map *m, uint32_t slot)
{
    return slot < m->nics && m->node_found[m->fleet->nic_node[slot]] == 0;
}

/* ---- one cable ----------------------------------------------------------------------------- */

/* "no link; the port is polling" */
static void say_missing(struct check *c, uint32_t cable, uint32_t a, uint32_t b)
{
    struct fabric_difference spare, *d = add(c, FABRIC_MISSING, cable, &spare);
    const struct fabric_map *m = c->m;
    uint32_t port = m->port[a] != MW_NONE ? m->port[a] : m->port[b];
    uint32_t physical = port != MW_NONE ? m->f->port[port].physical : 0;
    d->port = port;
    fabric_map_place(m, a, d->at);
    fabric_map_place(m, b, d->expected);
    (void)snprintf(d->found, sizeof(d->found), "no link%s%s", physical != 0 ? ", " : "",
                   fabric_physical_name(physical));
    if (physical == FABRIC_DISABLED)
        (void)snprintf(d->todo, sizeof(d->todo), "the port was disabled: ibportstate enables it");
    else if ((a < m->nics && m->port[a] == MW_NONE) || (b < m->nics && m->port[b] == MW_NONE))
        (void)snprintf(d->todo, sizeof(d->todo),
                       "the adapter does not show: see that its host is up and has its driver, "
                       "then the plugs at both ends");
    else
        (void)snprintf(d->todo, sizeof(d->todo), "see the plugs at both ends; reseat, then "
                                                 "exchange the cable");
}

/* The end at `a` is right; its cable goes to another place than `b`. */
static void say_wrong(struct check *c, uint32_t cable, uint32_t a, uint32_t b)
{
    const struct fabric_map *m = c->m;
    uint32_t peer = m->f->port[m->port[a]].peer, x = m->slot[peer];
    bool same = x != MW_NONE && component_of(m, x) == component_of(m, b);
    struct fabric_difference spare;
    struct fabric_difference *d = add(c, same ? FABRIC_WRONG_PORT : FABRIC_WRONG_NODE, cable,
                                      &spare);
    char there[FABRIC_PLACE_MAX];
    d->port = m->port[a];
    fabric_map_place(m, a, d->at);
    fabric_map_place(m, b, d->expected);
    fabric_map_port_place(m, peer, d->found);
    int n = snprintf(d->todo, sizeof(d->todo), "move the plug from %.90s to %.90s", d->found,
                     d->expected);
    if (has_link(c, b) && n > 0 && (size_t)n < sizeof(d->todo)) {
        fabric_map_port_place(m, m->f->port[m->port[b]].peer, there);
        (void)snprintf(d->todo + n, sizeof(d->todo) - (size_t)n, " (taken by %.60s)", there);
    }
    tell_link(c, a);
}

/* a-b and a2-b2 of the file are plugged a-b2 and a2-b: exchange the plugs at b and b2, which is
 * where they are on one device if they are. */
static void say_swapped(struct check *c, const uint32_t end[4], uint32_t cable)
{
    const struct fabric_map *m = c->m;
    uint32_t a = end[0], b = end[1], a2 = end[2], b2 = end[3];
    struct fabric_difference spare, *d = add(c, FABRIC_SWAPPED, cable, &spare);
    char one[FABRIC_PLACE_MAX], two[FABRIC_PLACE_MAX];
    d->port = m->port[a];
    fabric_map_place(m, a, d->at);
    fabric_map_place(m, b, d->expected);
    fabric_map_place(m, b2, d->found);
    bool far = component_of(m, a) != component_of(m, a2) ||
               component_of(m, b) == component_of(m, b2);
    fabric_map_place(m, far ? b : a, one);
    fabric_map_place(m, far ? b2 : a2, two);
    (void)snprintf(d->todo, sizeof(d->todo), "exchange the plugs at %.90s and %.90s", one, two);
    tell_link(c, a);
    tell_link(c, a2);
}

static bool told(const struct check *c, uint32_t slot)
{
    return c->m->port[slot] != MW_NONE && c->told[c->m->port[slot]];
}

/* Whether a's link is at b2, and b's at the other end of the cable that b2 should have. */
static bool is_swap(const struct check *c, uint32_t a, uint32_t b, uint32_t *ret_a2,
                    uint32_t *ret_b2)
{
    uint32_t b2 = fabric_map_have(c->m, a), a2 = fabric_map_have(c->m, b);
    if (b2 == MW_NONE || a2 == MW_NONE || b2 == b || c->m->want[b2] != a2)
        return false;
    *ret_a2 = a2;
    *ret_b2 = b2;
    return true;
}

static bool is_right(const struct check *c, uint32_t a, uint32_t b)
{
    uint32_t have = fabric_map_have(c->m, a);
    if (have == b)
        return true;
    return c->o->any_port && have != MW_NONE &&
           component_of(c->m, have) == component_of(c->m, b);
}

static void check_cable(struct check *c, uint32_t cable, uint32_t a, uint32_t b)
{
    const struct fabric_map *m = c->m;
    uint32_t end[4] = { a, b, MW_NONE, MW_NONE };
    if (!device_seen(m, a) && !device_seen(m, b) && !node_gone(m, a) && !node_gone(m, b)) {
        c->r.outside++;
        return;
    }
    c->r.cables++;
    if (is_right(c, a, b)) {
        c->r.right++;
        tell_link(c, a);
        return;
    }
    /* Said of the switch or of the whole node already. */
    if ((a >= m->nics && !device_seen(m, a)) || (b >= m->nics && !device_seen(m, b)) ||
        node_gone(m, a) || node_gone(m, b))
        return;
    if (told(c, a) && told(c, b)) /* the other half of an exchange */
        return;
    if (is_swap(c, a, b, &end[2], &end[3]))
        say_swapped(c, end, cable);
    else if (has_link(c, a) && !told(c, a))
        say_wrong(c, cable, a, b);
    else if (has_link(c, b) && !told(c, b))
        say_wrong(c, cable, b, a);
    else if (!has_link(c, a) || !has_link(c, b)) /* or another's plug is in its place */
        say_missing(c, cable, a, b);
}

static void slots_of(const struct fabric_map *m, uint32_t cable, uint32_t *a, uint32_t *b)
{
    struct fleet_port end = m->fleet->cable_end[0][cable];
    uint32_t row = component_index_of(end.component);
    *a = component_kind_of(end.component) == COMPONENT_NIC ? row
                                                           : m->switch_first[row] + end.port - 1;
    *b = m->want[*a];
    must(*b != MW_NONE);
}

/* ---- devices ------------------------------------------------------------------------------- */

/* A switch that is not there counts when one of its neighbours is; else it is another network's. */
static void check_switches(struct check *c)
{
    const struct fabric_map *m = c->m;
    for (uint32_t i = 0; i < m->fleet->count[COMPONENT_SWITCH]; i++) {
        bool near = false;
        struct fabric_difference spare;
        for (uint32_t k = 0; !m->seen[i] && k < m->fleet->switch_ports[i]; k++) {
            uint32_t want = m->want[m->switch_first[i] + k];
            near = near || (want != MW_NONE && device_seen(m, want));
        }
        if (!near)
            continue;
        struct fabric_difference *d = add(c, FABRIC_NO_SWITCH, MW_NONE, &spare);
        (void)snprintf(d->at, sizeof(d->at), "%s",
                       fleet_name(m->fleet, component_id(COMPONENT_SWITCH, i)));
        (void)snprintf(d->found, sizeof(d->found), "not in the fabric");
        (void)snprintf(d->todo, sizeof(d->todo), "see that it has power and bears this name; its "
                                                 "cables are not listed");
    }
}

/* A node whose file says that it is cabled to a switch of this fabric. */
static void check_nodes(struct check *c)
{
    const struct fabric_map *m = c->m;
    for (uint32_t n = 0; n < m->fleet->count[COMPONENT_NODE]; n++) {
        bool near = false;
        struct fabric_difference spare;
        for (uint32_t k = 0; m->node_found[n] == 0 && k < m->fleet->node_nics[n]; k++) {
            uint32_t want = m->want[m->fleet->node_nic_first[n] + k];
            near = near || (want != MW_NONE && device_seen(m, want));
        }
        if (!near)
            continue;
        struct fabric_difference *d = add(c, FABRIC_NO_NODE, MW_NONE, &spare);
        (void)snprintf(d->at, sizeof(d->at), "%s",
                       fleet_name(m->fleet, component_id(COMPONENT_NODE, n)));
        (void)snprintf(d->found, sizeof(d->found), "none of its adapters");
        (void)snprintf(d->todo, sizeof(d->todo),
                       "see that it is up, has its driver and bears this name; its cables are not "
                       "listed");
    }
}

static void say_unknown(struct check *c, uint32_t node)
{
    const struct fabric_map *m = c->m;
    struct fabric_difference spare, *d = add(c, FABRIC_UNKNOWN, MW_NONE, &spare);
    bool leaf = m->f->node[node].kind == FABRIC_SWITCH;
    (void)snprintf(d->at, sizeof(d->at), "%s", m->names->who[node]);
    (void)snprintf(d->found, sizeof(d->found), "%s", m->f->node[node].name);
    (void)snprintf(d->todo, sizeof(d->todo),
                   leaf ? "add the switch and its cables to the file, or correct its name"
                        : "add the node to the file, or correct its name");
    for (uint32_t i = 0; i < m->f->node[node].ports; i++) {
        uint32_t port = m->f->node[node].port_first + i, peer = m->f->port[port].peer;
        c->told[port] = true;
        if (peer != MW_NONE)
            c->told[peer] = true;
    }
}

static void check_unknown(struct check *c)
{
    const struct fabric_map *m = c->m;
    for (uint32_t n = 0; n < m->f->nodes; n++) {
        const struct fabric_node *d = &m->f->node[n];
        if (m->names->who[n][0] == '\0')
            continue;
        uint64_t id = fleet_find(m->fleet, m->names->who[n]);
        enum component_kind kind = id != 0 ? component_kind_of(id) : COMPONENT_NONE;
        uint32_t host = m->names->host[n];
        bool first = host == MW_NONE || m->names->host_first[host] == n;
        if (first && kind != (d->kind == FABRIC_SWITCH ? COMPONENT_SWITCH : COMPONENT_NODE))
            say_unknown(c, n);
    }
}

/* ---- links --------------------------------------------------------------------------------- */

static bool is_switch(const struct fabric *f, uint32_t port)
{
    return f->node[f->port[port].node].kind == FABRIC_SWITCH;
}

static void check_extra(struct check *c)
{
    const struct fabric *f = c->m->f;
    for (uint32_t i = 0; i < f->ports; i++) {
        uint32_t peer = f->port[i].peer;
        struct fabric_difference spare;
        if (peer == MW_NONE || c->told[i] || c->told[peer] ||
            c->m->names->who[f->port[i].node][0] == '\0' ||
            c->m->names->who[f->port[peer].node][0] == '\0')
            continue;
        if (is_switch(f, peer) && !is_switch(f, i)) /* said from the switch's side */
            continue;
        c->told[i] = c->told[peer] = true;
        struct fabric_difference *d = add(c, FABRIC_EXTRA, MW_NONE, &spare);
        d->port = i;
        fabric_map_port_place(c->m, i, d->at);
        fabric_map_port_place(c->m, peer, d->found);
        (void)snprintf(d->todo, sizeof(d->todo), "unplug it, or add it to the file's cables");
    }
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a == 0 ? b : b == 0 ? a : MW_MIN(a, b);
}

static void check_rate(struct check *c, uint32_t i)
{
    const struct fabric *f = c->m->f;
    const struct fabric_port *p = &f->port[i], *q = &f->port[p->peer];
    const struct fabric_rate *x = &p->rate, *y = &q->rate;
    uint32_t width = least(x->width_enabled, y->width_enabled);
    uint32_t speed = least(x->speed_enabled, y->speed_enabled);
    struct fabric_difference spare;
    if (x->width == 0 || x->speed == 0 || (x->width >= width && x->speed >= speed))
        return;
    struct fabric_difference *d = add(c, FABRIC_SLOW, fabric_map_cable(c->m, i), &spare);
    d->port = i;
    fabric_map_port_place(c->m, i, d->at);
    (void)snprintf(d->expected, sizeof(d->expected), "%ux%s", width, fabric_speed_name(speed));
    (void)snprintf(d->found, sizeof(d->found), "%ux%s", x->width, fabric_speed_name(x->speed));
    (void)snprintf(d->todo, sizeof(d->todo),
                   "reseat the cable and train again (ibportstate reset); then exchange it");
}

static void check_rates(struct check *c)
{
    const struct fabric *f = c->m->f;
    for (uint32_t i = 0; i < f->ports; i++) {
        uint32_t peer = f->port[i].peer;
        if (peer != MW_NONE && is_switch(f, i) && (!is_switch(f, peer) || i < peer))
            check_rate(c, i);
    }
}

int fabric_check(const struct fabric *f, const struct fabric_names *names,
                 const struct fleet *fleet, const struct fabric_check_options *o,
                 struct fabric_result *ret, struct mw_error *err)
{
    struct fabric_map *m = NULL;
    int rc = fabric_map_create(f, names, fleet, &m, err);
    if (rc != 0)
        return rc;
    struct check c = { .m = m, .o = o, .told = mw_calloc(f->ports, sizeof(*c.told)) };
    c.failed = c.told == NULL;
    if (!c.failed) {
        check_switches(&c);
        check_nodes(&c);
        for (uint32_t cable = 0; cable < fleet->count[COMPONENT_CABLE]; cable++) {
            uint32_t a, b;
            slots_of(m, cable, &a, &b);
            check_cable(&c, cable, a, b);
        }
        check_unknown(&c);
        check_extra(&c);
        check_rates(&c);
    }
    mw_free(c.told);
    fabric_map_destroy(m);
    if (c.failed) {
        fabric_result_fini(&c.r);
        return mw_fail(err, MW_ENOMEM, "out of memory for the differences");
    }
    *ret = c.r;
    return 0;
}
