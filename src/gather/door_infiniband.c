/*
 * The InfiniBand door: one fabric.  mw-fabric finds it and reads the counters of
 * its ports every round; this file keeps totals, says every switch as a machine
 * with its ports, and, where it has the site file, every cable that is not as
 * the file says.  Link down, errors and slow links are conditions that the
 * daemon's rules find in the readings (signal/rules.c).
 *
 *   node: ib0            the fabric itself, as a machine
 *   ca, port             the adapter to ask through; the first with a link unless told
 *   site: site.yaml      cables are compared with this file
 *   names: FILE          a node name map, 0xGUID "name"
 *   hosts: true          also the ports of host adapters; for hosts without mw-agent, which
 *                        reads them itself
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "fleet/site.h"
#include "gather/doors.h"
#include "gather/out.h"
#include "live/fabric_check.h"
#include "live/fabric_child.h"
#include "signal/metric.h"

#define FILE_BYTES_MAX ((size_t)16 << 20)
#define FINDINGS_MAX 256    /* differences of cables said one by one; the rest is a number */
#define SERIES_PER_PORT 26
#define ERROR_COUNTERS ((UINT32_C(1) << FABRIC_XMIT_WAIT) - 1)
#define MIB 1048576.0

/* A switch or an adapter as it was seen before. */
struct known {
    uint64_t guid;
    uint32_t machine;
    uint8_t ports;
    bool here;    /* in this round */
    bool away;    /* said to be silent */
    bool *linked; /* owned; port 1.. has had a link */
    struct fabric_totals *total; /* owned; port 1.. */
};

/* A difference that was said. */
struct said {
    uint32_t machine;
    uint8_t fault;
    bool again; /* found in this round */
    char at[FABRIC_PLACE_MAX];
};

struct infiniband {
    const struct door_spec *spec;
    struct door_out *out;
    struct fabric_child *child;
    struct fabric_round round;
    struct fleet *fleet; /* owned; NULL: no site file */
    char *names;         /* owned: the text of the node name map; NULL = none */
    bool hosts;
    uint32_t machine;    /* the fabric itself */
    struct map by_guid;  /* GUID -> row of known */
    struct known *known; /* owned */
    uint32_t knowns, knowns_room, links_down;
    struct said *said;   /* owned; FINDINGS_MAX */
    uint32_t saids;
};

static int64_t wall_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- opening ------------------------------------------------------------------------------- */

static void infiniband_close(void *state)
{
    struct infiniband *d = state;
    if (d == NULL)
        return;
    fabric_child_destroy(d->child);
    fabric_round_fini(&d->round);
    fleet_destroy(d->fleet);
    mw_free(d->names);
    map_fini(&d->by_guid);
    for (uint32_t i = 0; i < d->knowns; i++) {
        mw_free(d->known[i].linked);
        mw_free(d->known[i].total);
    }
    mw_free(d->known);
    mw_free(d->said);
    mw_free(d);
}

static int load_site(struct infiniband *d, const char *path, struct mw_error *err)
{
    struct problems problems = { 0 };
    int rc = site_load_file(path, &d->fleet, &problems, err);
    if (rc == MW_ESYNTAX && problems.length > 0) {
        char first[400];
        problem_format(&problems.item[0], first, sizeof(first));
        rc = mw_fail(err, rc, "%s", first);
    }
    problems_fini(&problems);
    return rc;
}

static int open_parts(struct infiniband *d, struct mw_error *err)
{
    const char *site = door_setting(d->spec, "site", NULL);
    const char *names = door_setting(d->spec, "names", NULL);
    struct fabric_child_options o = { .program = door_setting(d->spec, "program", NULL),
        .ca = door_setting(d->spec, "ca", NULL), .port = door_setting(d->spec, "port", NULL),
        .deadline_ms = d->spec->deadline_ms, .counters = true };
    size_t size;
    d->hosts = o.hosts = strcmp(door_setting(d->spec, "hosts", "false"), "true") == 0;
    d->said = mw_calloc(FINDINGS_MAX, sizeof(*d->said));
    if (d->said == NULL || map_init(&d->by_guid, FABRIC_NODES_MAX) != 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = fabric_child_create(&o, &d->child, err);
    if (rc == 0 && site != NULL)
        rc = load_site(d, site, err);
    if (rc == 0 && names != NULL)
        rc = mw_read_file(names, FILE_BYTES_MAX, false, &d->names, &size, err);
    if (rc == 0 && names != NULL) /* its mistakes are said now, of a fabric without nodes */
        rc = fabric_names_map(&d->round.fabric, d->names, names, err);
    return rc;
}

static int infiniband_open(const struct door_spec *spec, struct door_out *out, void **ret,
                           struct mw_error *err)
{
    struct infiniband *d = mw_calloc(1, sizeof(*d));
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    d->spec = spec;
    d->out = out;
    int rc = open_parts(d, err);
    if (rc != 0) {
        infiniband_close(d);
        return rc;
    }
    d->machine = door_out_machine(out, spec->name, spec->node, false, 32);
    *ret = d;
    return 0;
}

/* ---- who was seen before ------------------------------------------------------------------- */

static struct known *known_of(struct infiniband *d, const struct fabric_node *n, const char *who)
{
    uint32_t row = map_get(&d->by_guid, n->guid);
    if (row != MW_NONE)
        return &d->known[row];
    if (d->knowns == d->knowns_room) {
        uint32_t room = d->knowns_room == 0 ? 64 : d->knowns_room * 2;
        struct known *p = mw_resize(d->known, room, sizeof(*p));
        if (p == NULL || d->knowns == FABRIC_NODES_MAX)
            return NULL;
        d->known = p;
        d->knowns_room = room;
    }
    struct known *k = &d->known[d->knowns];
    *k = (struct known){ .guid = n->guid, .ports = n->ports };
    k->linked = mw_calloc(n->ports, sizeof(*k->linked));
    k->total = mw_calloc(n->ports, sizeof(*k->total));
    if (k->linked == NULL || k->total == NULL) {
        mw_free(k->linked);
        mw_free(k->total);
        return NULL;
    }
    k->machine = door_out_machine(d->out, d->spec->name, who, false,
                                  n->ports * SERIES_PER_PORT + 16u);
    map_put(&d->by_guid, n->guid, d->knowns++);
    return k;
}

/* ---- one port ------------------------------------------------------------------------------ */

/* Which counter is which reading, in what unit of the metric one of its units is. */
static const struct {
    uint16_t metric;
    uint8_t counter;
    double unit;
} readings[] = {
    { M_IB_SYMBOL_ERRORS, FABRIC_SYMBOL_ERRORS, 1 },
    { M_IB_LINK_RECOVERIES, FABRIC_LINK_RECOVERIES, 1 },
    { M_IB_LINK_DOWNED, FABRIC_LINK_DOWNED, 1 },
    { M_IB_RCV_ERRORS, FABRIC_RCV_ERRORS, 1 },
    { M_IB_RCV_REMOTE_ERRORS, FABRIC_RCV_REMOTE, 1 },
    { M_IB_RCV_RELAY_ERRORS, FABRIC_RCV_RELAY, 1 },
    { M_IB_XMIT_DISCARDS, FABRIC_XMIT_DISCARDS, 1 },
    { M_IB_XMIT_CONSTRAINTS, FABRIC_XMIT_CONSTRAINT, 1 },
    { M_IB_RCV_CONSTRAINTS, FABRIC_RCV_CONSTRAINT, 1 },
    { M_IB_INTEGRITY_ERRORS, FABRIC_INTEGRITY, 1 },
    { M_IB_BUFFER_OVERRUNS, FABRIC_OVERRUNS, 1 },
    { M_IB_VL15_DROPPED, FABRIC_VL15_DROPPED, 1 },
    { M_IB_XMIT_WAIT, FABRIC_XMIT_WAIT, 1 },
    { M_IB_XMIT_MIB, FABRIC_XMIT_DATA, 4 / MIB }, /* counted in words of four bytes */
    { M_IB_RCV_MIB, FABRIC_RCV_DATA, 4 / MIB },
    { M_IB_XMIT_KPACKETS, FABRIC_XMIT_PACKETS, 1e-3 },
    { M_IB_RCV_KPACKETS, FABRIC_RCV_PACKETS, 1e-3 },
};

static void put_counters(struct infiniband *d, uint32_t machine, uint32_t instance,
                         struct fabric_totals *t, const struct fabric_reading *r)
{
    fabric_totals_add(t, r);
    for (size_t i = 0; i < MW_ARRAY_LEN(readings); i++)
        if ((t->has >> readings[i].counter & 1) != 0)
            door_out_put(d->out, machine, readings[i].metric, instance,
                         (double)t->total[readings[i].counter] * readings[i].unit);
    door_out_put_int(d->out, machine, M_IB_COUNTERS_FULL, instance,
                     __builtin_popcount(t->full & ERROR_COUNTERS));
    door_out_put_int(d->out, machine, M_IB_COUNTER_RESETS, instance, t->resets);
}

/* What both ends allow; a rate of a port that is down says nothing. */
static void put_rate(struct infiniband *d, uint32_t machine, uint32_t instance,
                     const struct fabric_port *p)
{
    const struct fabric *f = &d->round.fabric;
    const struct fabric_rate *x = &p->rate;
    const struct fabric_rate *y = p->peer != MW_NONE ? &f->port[p->peer].rate : x;
    bool up = p->peer != MW_NONE && x->width > 0;
    uint32_t width = y->width_enabled > 0 ? MW_MIN(x->width_enabled, y->width_enabled)
                                          : x->width_enabled;
    uint32_t speed = y->speed_enabled > 0 ? MW_MIN(x->speed_enabled, y->speed_enabled)
                                          : x->speed_enabled;
    door_out_put(d->out, machine, M_IB_RATE_GBPS, instance,
                 up ? fabric_rate_gbps(x->width, x->speed) : (double)NAN);
    door_out_put(d->out, machine, M_IB_WIDTH, instance, up ? x->width : (double)NAN);
    door_out_put(d->out, machine, M_IB_LANE_MBPS, instance, up ? x->speed : (double)NAN);
    door_out_put(d->out, machine, M_IB_WIDTH_ENABLED, instance, up ? width : (double)NAN);
    door_out_put(d->out, machine, M_IB_LANE_ENABLED_MBPS, instance, up ? speed : (double)NAN);
}

static void say_port(struct infiniband *d, const struct fabric_names *names, uint32_t port,
                     uint32_t machine, uint32_t instance)
{
    const struct fabric *f = &d->round.fabric;
    const struct fabric_port *p = &f->port[port];
    char name[FABRIC_WHO_MAX + 16], peer_port[16] = "", guid[24];
    const char *peer = NULL;
    (void)snprintf(name, sizeof(name), "%s:%u", names->who[p->node], p->number);
    (void)snprintf(guid, sizeof(guid), "0x%016llx", (unsigned long long)f->node[p->node].guid);
    if (p->peer != MW_NONE) {
        const struct fabric_port *q = &f->port[p->peer];
        peer = names->who[q->node];
        (void)snprintf(peer_port, sizeof(peer_port), "%u",
                       names->nic[p->peer] != MW_NONE ? names->nic[p->peer] : q->number);
    }
    struct door_part part = { .scope = "port", .n = instance, .name = name, .serial = guid,
                              .peer = peer, .peer_port = peer_port[0] != '\0' ? peer_port : NULL };
    if (peer != NULL) /* one that is down is still known by what it was joined to */
        door_out_part(d->out, machine, &part);
}

/* Ports that never had a link are nobody's: they are not said. */
static void take_port(struct infiniband *d, const struct fabric_names *names, struct known *k,
                      uint32_t port, uint32_t instance)
{
    const struct fabric_port *p = &d->round.fabric.port[port];
    uint32_t at = p->number - 1u;
    if (at >= k->ports || (p->peer == MW_NONE && !k->linked[at]))
        return;
    k->linked[at] = true;
    d->links_down += p->peer == MW_NONE;
    say_port(d, names, port, k->machine, instance);
    door_out_put_int(d->out, k->machine, M_IB_STATE, instance,
                     p->peer == MW_NONE ? FABRIC_DOWN : p->state);
    door_out_put_int(d->out, k->machine, M_IB_PHYS_STATE, instance, p->physical);
    put_rate(d, k->machine, instance, p);
    if (d->round.reading[port].has != 0)
        put_counters(d, k->machine, instance, &k->total[at], &d->round.reading[port]);
}

static void take_node(struct infiniband *d, const struct fabric_names *names, uint32_t node)
{
    const struct fabric_node *n = &d->round.fabric.node[node];
    bool is_switch = n->kind == FABRIC_SWITCH;
    if (names->who[node][0] == '\0' || (!is_switch && !d->hosts))
        return;
    struct known *k = known_of(d, n, names->who[node]);
    if (k == NULL || k->machine == MW_NONE)
        return;
    k->here = true;
    for (uint32_t i = 0; i < n->ports; i++) {
        uint32_t port = n->port_first + i;
        uint32_t instance = is_switch ? i + 1 : names->nic[port];
        if (instance != MW_NONE)
            take_port(d, names, k, port, instance);
    }
    door_out_flush(d->out, k->machine, wall_ms());
    door_out_source(d->out, k->machine, d->spec->name, DOOR_OK, "");
    k->away = false;
}

/* A switch that was there and is not. */
static void say_away(struct infiniband *d)
{
    for (uint32_t i = 0; i < d->knowns; i++) {
        struct known *k = &d->known[i];
        if (!k->here && !k->away) {
            door_out_source(d->out, k->machine, d->spec->name, DOOR_SILENT,
                            "it is not in the fabric any more");
            k->away = true;
        }
    }
}

/* ---- cables -------------------------------------------------------------------------------- */

/* The machine of a difference: the switch or the host that it is at, else the fabric. */
static uint32_t machine_at(struct infiniband *d, const struct fabric_difference *x)
{
    char name[FABRIC_PLACE_MAX];
    uint64_t id = fleet_find(d->fleet, x->at);
    uint32_t node = id != 0 && component_kind_of(id) == COMPONENT_NIC
                        ? d->fleet->nic_node[component_index_of(id)] : MW_NONE;
    (void)snprintf(name, sizeof(name), "%s",
                   node == MW_NONE ? x->at
                                   : fleet_name(d->fleet, component_id(COMPONENT_NODE, node)));
    name[strcspn(name, ": ")] = '\0';
    id = fleet_find(d->fleet, name);
    if (id == 0 || (component_kind_of(id) != COMPONENT_NODE &&
                    component_kind_of(id) != COMPONENT_SWITCH))
        return d->machine;
    return door_out_machine(d->out, d->spec->name, name, false, 1);
}

static void say_difference(struct infiniband *d, const struct fabric_difference *x)
{
    char text[DOOR_TEXT_MAX];
    uint32_t machine = machine_at(d, x), i = 0;
    (void)snprintf(text, sizeof(text), "%.60s: %.40s%s%.40s%s%.40s", fabric_fault_doc(x->fault),
                   x->at, x->expected[0] != '\0' ? ", the file says " : "", x->expected,
                   x->found[0] != '\0' ? ", found " : "", x->found);
    struct door_finding f = { .class_name = x->fault == FABRIC_UNKNOWN ? "host" : "link",
                              .name = x->at, .code = fabric_fault_code(x->fault), .text = text,
                              .up = true };
    if (x->fault == FABRIC_NO_NODE)
        f.class_name = "host";
    while (i < d->saids && (d->said[i].machine != machine || d->said[i].fault != x->fault ||
                            strcmp(d->said[i].at, x->at) != 0))
        i++;
    if (i == FINDINGS_MAX)
        return;
    if (i == d->saids) {
        d->said[d->saids] = (struct said){ .machine = machine, .fault = x->fault };
        memcpy(d->said[d->saids++].at, x->at, sizeof(x->at));
    }
    d->said[i].again = true;
    door_out_finding(d->out, machine, &f);
}

/* What was said and is not so any more. */
static void take_back(struct infiniband *d)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < d->saids; i++) {
        struct said *s = &d->said[i];
        struct door_finding f = { .class_name = "link", .name = s->at,
                                  .code = fabric_fault_code(s->fault), .text = "", .up = false };
        if (s->fault == FABRIC_UNKNOWN || s->fault == FABRIC_NO_NODE)
            f.class_name = "host";
        if (!s->again)
            door_out_finding(d->out, s->machine, &f);
        else
            d->said[left++] = *s;
    }
    d->saids = left;
}

static int compare_cables(struct infiniband *d, const struct fabric_names *names,
                          struct mw_error *err)
{
    struct fabric_check_options o = { .any_port = strcmp(door_setting(d->spec, "any_port", "false"),
                                                         "true") == 0 };
    struct fabric_result r = { .length = 0 };
    int rc = fabric_check(&d->round.fabric, names, d->fleet, &o, &r, err);
    if (rc != 0)
        return rc;
    for (uint32_t i = 0; i < d->saids; i++)
        d->said[i].again = false;
    for (uint32_t i = 0; i < r.length; i++)
        say_difference(d, &r.item[i]);
    take_back(d);
    door_out_put_int(d->out, d->machine, M_FABRIC_MISCABLED, 0, fabric_result_faults(&r));
    fabric_result_fini(&r);
    return 0;
}

/* ---- a round ------------------------------------------------------------------------------- */

static void put_fabric(struct infiniband *d)
{
    const struct fabric_round *r = &d->round;
    door_out_put_int(d->out, d->machine, M_FABRIC_SWITCHES, 0,
                     fabric_count(&r->fabric, FABRIC_SWITCH));
    door_out_put_int(d->out, d->machine, M_FABRIC_HCAS, 0, fabric_count(&r->fabric, FABRIC_CA));
    door_out_put_int(d->out, d->machine, M_FABRIC_LINKS, 0, fabric_links(&r->fabric));
    door_out_put_int(d->out, d->machine, M_FABRIC_LINKS_DOWN, 0, d->links_down);
    door_out_put_int(d->out, d->machine, M_FABRIC_SWEEP_MS, 0,
                     (int64_t)((r->discover_us + r->read_us) / 1000));
    door_out_put_int(d->out, d->machine, M_FABRIC_PORTS_READ, 0, r->asked - r->failed);
    door_out_put_int(d->out, d->machine, M_FABRIC_PORTS_UNREAD, 0, r->failed);
    door_out_flush(d->out, d->machine, wall_ms());
}

static int take_round(struct infiniband *d, struct mw_error *err)
{
    struct fabric_names names = { .hosts = 0 };
    int rc = d->names != NULL ? fabric_names_map(&d->round.fabric, d->names, "names", err) : 0;
    if (rc == 0)
        rc = fabric_names_make(&d->round.fabric, &names, err);
    if (rc != 0)
        return rc;
    d->links_down = 0;
    for (uint32_t i = 0; i < d->knowns; i++)
        d->known[i].here = false;
    for (uint32_t i = 0; i < d->round.fabric.nodes; i++)
        take_node(d, &names, i);
    say_away(d);
    if (d->fleet != NULL)
        rc = compare_cables(d, &names, err);
    put_fabric(d);
    fabric_names_fini(&names);
    return rc;
}

static int infiniband_poll(void *state, int64_t now_ms, struct mw_error *err)
{
    struct infiniband *d = state;
    struct mw_error own = { 0 };
    (void)now_ms;
    err = err != NULL ? err : &own;
    int rc = fabric_child_round(d->child, &d->round, err);
    if (rc == 0)
        rc = take_round(d, err);
    /* A fabric that does not answer says nothing of its ports: they are not down for that. */
    door_out_source(d->out, d->machine, d->spec->name,
                    rc == 0 ? DOOR_OK : rc == MW_ENOTFOUND ? DOOR_ABSENT : DOOR_SILENT,
                    rc == 0 ? "" : err->text);
    return rc;
}

static const struct schema_field fields[] = {
    { .name = "ca", .type = SCHEMA_TEXT, .min = 1, .max = 63,
      .help = "the adapter to ask through" },
    { .name = "port", .type = SCHEMA_INT, .min = 1, .max = 254, .help = "its port" },
    { .name = "site", .type = SCHEMA_TEXT, .min = 1, .max = 4000,
      .help = "the site file whose cables are compared" },
    { .name = "names", .type = SCHEMA_TEXT, .min = 1, .max = 4000, .help = "a node name map" },
    { .name = "hosts", .type = SCHEMA_BOOL, .help = "also read the ports of host adapters" },
    { .name = "any_port", .type = SCHEMA_BOOL, .help = "compare devices, not port numbers" },
    { .name = "program", .type = SCHEMA_TEXT, .min = 1, .max = 4000,
      .help = "where mw-fabric lies" },
    { 0 },
};

const struct door_kind door_infiniband = {
    .kind = "infiniband",
    .fields = fields,
    .open = infiniband_open,
    .poll = infiniband_poll,
    .close = infiniband_close,
};
