/*
 * Tiers from where the hosts are; groups of hosts from their leaves.
 */
#include "live/import_fabric.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MANAGEMENT_HOSTS 2 /* so few hosts do not make a leaf of a switch among leaves with more */

struct work {
    const struct fabric *f;
    const struct import_fabric_options *o;
    struct fabric_names names;
    struct import_site *s;
    uint32_t *hosts;  /* owned: node -> host ports on it, of a switch */
    uint8_t *tier;    /* owned: node -> enum switch_tier, 0 = not yet */
    uint32_t *row;    /* owned: node of the fabric -> row of switches; host -> row of nodes */
    uint32_t *host_row;
    uint64_t *leaves; /* owned: host -> a hash of the set of its leaves */
    struct mw_error *err;
};

static bool part_of_site(const struct work *w, uint32_t node)
{
    return w->names.who[node][0] != '\0';
}

/* The node at the other end of a port; MW_NONE. */
static uint32_t far_node(const struct work *w, uint32_t port)
{
    uint32_t peer = w->f->port[port].peer;
    uint32_t node = peer != MW_NONE ? w->f->port[peer].node : MW_NONE;
    return node != MW_NONE && part_of_site(w, node) ? node : MW_NONE;
}

/* ---- tiers --------------------------------------------------------------------------------- */

static void count_hosts(struct work *w)
{
    for (uint32_t i = 0; i < w->f->ports; i++) {
        uint32_t far = w->names.nic[i] != MW_NONE ? far_node(w, i) : MW_NONE;
        if (far != MW_NONE && w->f->node[far].kind == FABRIC_SWITCH)
            w->hosts[far]++;
    }
}

/* A switch with a management host or two, all of whose neighbours have more, is not a leaf. */
static bool is_leaf(const struct work *w, uint32_t node)
{
    const struct fabric_node *d = &w->f->node[node];
    uint32_t neighbours = 0;
    if (w->hosts[node] == 0 || w->hosts[node] > MANAGEMENT_HOSTS)
        return w->hosts[node] > 0;
    for (uint32_t i = 0; i < d->ports; i++) {
        uint32_t far = far_node(w, d->port_first + i);
        if (far == MW_NONE || w->f->node[far].kind != FABRIC_SWITCH)
            continue;
        neighbours++;
        if (w->hosts[far] <= MANAGEMENT_HOSTS)
            return true;
    }
    return neighbours < 2;
}

/* Switches next to the tier below, that have none yet. */
static void climb(struct work *w, uint8_t below, uint8_t tier)
{
    for (uint32_t i = 0; i < w->f->ports; i++) {
        uint32_t node = w->f->port[i].node, far = far_node(w, i);
        if (w->f->node[node].kind == FABRIC_SWITCH && w->tier[node] == 0 && far != MW_NONE &&
            w->tier[far] == below)
            w->tier[node] = tier;
    }
}

static void find_tiers(struct work *w)
{
    count_hosts(w);
    for (uint32_t i = 0; i < w->f->nodes; i++)
        if (w->f->node[i].kind == FABRIC_SWITCH && is_leaf(w, i))
            w->tier[i] = SWITCH_LEAF;
    climb(w, SWITCH_LEAF, SWITCH_SPINE);
    climb(w, SWITCH_SPINE, SWITCH_CORE);
    for (uint32_t i = 0; i < w->f->nodes; i++) {
        if (w->f->node[i].kind != FABRIC_SWITCH)
            continue;
        if (w->tier[i] == 0)
            w->tier[i] = SWITCH_CORE;
        if (w->hosts[i] > 0 && w->tier[i] != SWITCH_LEAF)
            import_remark(w->s, "%s is taken for no leaf, though %u host%s on it",
                          w->names.who[i], w->hosts[i], w->hosts[i] == 1 ? " is" : "s are");
    }
}

/* ---- switches, nodes ----------------------------------------------------------------------- */

static int add_switches(struct work *w)
{
    int rc = 0;
    for (uint32_t i = 0; i < w->f->nodes && rc == 0; i++) {
        const struct fabric_node *d = &w->f->node[i];
        struct import_switch sw = { .ports = d->ports, .rack = MW_NONE, .tier = w->tier[i] };
        char guid[32];
        if (d->kind != FABRIC_SWITCH || !part_of_site(w, i))
            continue;
        (void)snprintf(sw.name, sizeof(sw.name), "%s", w->names.who[i]);
        (void)snprintf(guid, sizeof(guid), "0x%016" PRIx64, d->guid);
        rc = import_add_switch(w->s, &sw, &w->row[i], w->err);
        if (rc == 0 && d->guid != 0)
            rc = import_add_serial(w->s, w->s->sw[w->row[i]].name, guid, w->err);
    }
    return rc;
}

/* Hosts on the same leaves are one group: the sum of the leaves' numbers, mixed. */
static void find_leaves(struct work *w)
{
    for (uint32_t i = 0; i < w->f->ports; i++) {
        uint32_t host = w->names.host[w->f->port[i].node], far = far_node(w, i);
        if (w->names.nic[i] != MW_NONE && far != MW_NONE)
            w->leaves[host] += mw_mix64((uint64_t)far + 1);
    }
}

static int group_of(struct work *w, struct map *groups, uint32_t host, uint32_t *ret_group,
                    uint32_t *ret_rack)
{
    char name[IMPORT_NAME_MAX];
    uint32_t group = map_get(groups, w->leaves[host]);
    int rc = 0;
    if (group == MW_NONE) {
        (void)snprintf(name, sizeof(name), "group-%u", w->s->groups + 1);
        rc = import_add_group(w->s, name, &group, w->err);
        (void)snprintf(name, sizeof(name), "rack-%u", w->s->groups);
        if (rc == 0)
            rc = import_add_rack(w->s, name, 0, ret_rack, w->err);
        if (rc == 0)
            map_put(groups, w->leaves[host], group);
    }
    *ret_group = *ret_rack = group; /* a rack for each */
    return rc;
}

static int add_host(struct work *w, struct map *groups, uint32_t host)
{
    struct import_node n = { .group = MW_NONE };
    struct import_model m = { .nics = w->names.host_nics[host] };
    (void)snprintf(n.name, sizeof(n.name), "%s", w->names.who[w->names.host_first[host]]);
    m.gpus = w->o->gpus == MW_NONE ? m.nics : w->o->gpus;
    (void)snprintf(m.name, sizeof(m.name), "node-%ugpu-%unic", m.gpus, m.nics);
    int rc = import_model_of(w->s, &m, &n.model, w->err);
    if (rc == 0)
        rc = group_of(w, groups, host, &n.group, &n.rack);
    return rc != 0 ? rc : import_add_node(w->s, &n, &w->host_row[host], w->err);
}

static int add_hosts(struct work *w)
{
    struct map groups;
    int rc = map_init(&groups, w->names.hosts + 1);
    if (rc != 0)
        return mw_fail(w->err, rc, "out of memory");
    find_leaves(w);
    for (uint32_t h = 0; h < w->names.hosts && rc == 0; h++)
        rc = add_host(w, &groups, h);
    map_fini(&groups);
    return rc;
}

/* ---- cables -------------------------------------------------------------------------------- */

static bool end_of(const struct work *w, uint32_t port, struct import_end *ret)
{
    uint32_t node = w->f->port[port].node, nic = w->names.nic[port];
    if (!part_of_site(w, node))
        return false;
    if (w->f->node[node].kind == FABRIC_SWITCH)
        *ret = (struct import_end){ .row = w->row[node], .port = w->f->port[port].number };
    else if (nic != MW_NONE)
        *ret = (struct import_end){ .nic = true, .row = w->host_row[w->names.host[node]],
                                    .port = nic };
    return w->f->node[node].kind == FABRIC_SWITCH || nic != MW_NONE;
}

static int add_cables(struct work *w)
{
    int rc = 0;
    for (uint32_t i = 0; i < w->f->ports && rc == 0; i++) {
        struct import_cable c = { .copper = false };
        uint32_t peer = w->f->port[i].peer;
        if (peer == MW_NONE || peer < i || !end_of(w, i, &c.end[0]) || !end_of(w, peer, &c.end[1]))
            continue;
        bool nics = c.end[0].nic && c.end[1].nic;
        bool loop = !nics && !c.end[0].nic && !c.end[1].nic && c.end[0].row == c.end[1].row;
        if (nics || loop)
            import_remark(w->s, "left out: a link between %s and %s, which no site file has",
                          w->names.who[w->f->port[i].node], w->names.who[w->f->port[peer].node]);
        else
            rc = import_add_cable(w->s, &c, w->err);
    }
    return rc;
}

/* An adapter's GUID stands for its NIC's serial number. */
static int add_guids(struct work *w)
{
    int rc = 0;
    for (uint32_t i = 0; i < w->f->ports && rc == 0; i++) {
        const struct fabric_node *d = &w->f->node[w->f->port[i].node];
        char component[IMPORT_NAME_MAX + 16], guid[32];
        if (w->names.nic[i] == MW_NONE || d->guid == 0)
            continue;
        uint32_t row = w->host_row[w->names.host[w->f->port[i].node]];
        (void)snprintf(component, sizeof(component), "%s-nic%u", w->s->node[row].name,
                       w->names.nic[i]);
        (void)snprintf(guid, sizeof(guid), "0x%016" PRIx64, d->guid);
        if (d->ports > 1)
            (void)snprintf(guid, sizeof(guid), "0x%016" PRIx64 "/%u", d->guid,
                           w->f->port[i].number);
        rc = import_add_serial(w->s, component, guid, w->err);
    }
    return rc;
}

static const char head[] =
    "# Made from %s by `mw import ibnetdiscover`.\n"
    "#\n"
    "# Hosts, their adapters, switches and cables with their ports are the fabric's.  NIC k of a\n"
    "# node is the k-th adapter of that host.  Tiers are found from where the hosts are; hosts on\n"
    "# the same leaves are one placement group.  What a fabric does not know is assumed here, so\n"
    "# that the site can be used at once; replace what you know (docs/site.md):\n"
    "#   gpus     %s\n"
    "#   power    power_w of the models is 0; breakers: and pdus: are missing\n"
    "#   racks    one for each placement group, in one hall\n"
    "#   cooling  add cdus:, cdu: to the racks, and liquid: true to the models that need it\n"
    "#   cables   taken for optical; copper: true says otherwise\n"
    "# A cable without a port is on the next free one, in the order of the file.\n";

static int allocate(struct work *w)
{
    w->hosts = mw_calloc(w->f->nodes, sizeof(*w->hosts));
    w->tier = mw_calloc(w->f->nodes, 1);
    w->row = mw_calloc(w->f->nodes, sizeof(*w->row));
    w->host_row = mw_calloc(w->names.hosts, sizeof(*w->host_row));
    w->leaves = mw_calloc(w->names.hosts, sizeof(*w->leaves));
    return w->hosts == NULL || w->tier == NULL || w->row == NULL || w->host_row == NULL ||
                   w->leaves == NULL ? mw_fail(w->err, MW_ENOMEM, "out of memory") : 0;
}

static int fill(struct work *w)
{
    uint32_t hall;
    int rc = import_add_hall(w->s, "hall", &hall, w->err);
    find_tiers(w);
    if (rc == 0)
        rc = add_switches(w);
    if (rc == 0)
        rc = add_hosts(w);
    if (rc == 0)
        rc = add_cables(w);
    if (rc == 0)
        rc = add_guids(w);
    if (rc == 0 && (w->s->nodes == 0 || w->s->switches == 0))
        rc = mw_fail(w->err, MW_EINVAL, "%s: a site needs hosts and switches; here are %u and %u",
                     w->o->source, w->s->nodes, w->s->switches);
    if (w->names.unnamed > 0)
        import_remark(w->s, "%u devices have no name of their own and are called by their GUID: "
                            "--names FILE names them", w->names.unnamed);
    if (w->names.left_out > 0)
        import_remark(w->s, "%u devices are left out: the switches' own aggregation nodes, "
                            "routers", w->names.left_out);
    return rc != 0 ? rc : import_site_sort(w->s, w->err);
}

int import_fabric(const struct fabric *f, const struct import_fabric_options *o,
                  struct import_site *ret, struct mw_error *err)
{
    struct mw_error own = { 0 };
    struct work w = { .f = f, .o = o, .s = ret, .err = err != NULL ? err : &own };
    int rc = fabric_names_make(f, &w.names, w.err);
    if (rc == 0)
        rc = allocate(&w);
    if (rc == 0)
        rc = fill(&w);
    (void)snprintf(ret->name, sizeof(ret->name), "%s", o->site != NULL ? o->site : "fabric");
    text_addf(&ret->head, head, o->source,
              o->gpus == MW_NONE ? "as many as adapters" : "as --gpus said");
    ret->models_remark = o->gpus == MW_NONE ? "assumed: gpus, power_w" : "assumed: power_w";
    ret->racks_remark = "assumed: one a placement group, without power and cooling";
    ret->switches_remark = "tiers: found from where the hosts are";
    fabric_names_fini(&w.names);
    mw_free(w.hosts);
    mw_free(w.tier);
    mw_free(w.row);
    mw_free(w.host_row);
    mw_free(w.leaves);
    return rc;
}
