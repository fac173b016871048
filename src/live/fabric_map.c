/*
 * Builds the slots of a site and lays the fabric's ports on them.
 */
#include "live/fabric_map.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void fabric_map_destroy(struct fabric_map *m)
{
    if (m == NULL)
        return;
    mw_free(m->switch_first);
    mw_free(m->slot_switch);
    mw_free(m->cable);
    mw_free(m->want);
    mw_free(m->port);
    mw_free(m->slot);
    mw_free(m->seen);
    mw_free(m->host_node);
    mw_free(m->node_found);
    mw_free(m);
}

static uint32_t *rows(size_t n)
{
    uint32_t *p = mw_calloc(n, sizeof(*p));
    if (p != NULL)
        memset(p, 0xff, n * sizeof(*p));
    return p;
}

static int allocate(struct fabric_map *m)
{
    const struct fleet *fleet = m->fleet;
    uint32_t switches = fleet->count[COMPONENT_SWITCH];
    m->nics = fleet->count[COMPONENT_NIC];
    m->switch_first = rows(switches);
    if (m->switch_first == NULL)
        return MW_ENOMEM;
    m->slots = m->nics;
    for (uint32_t i = 0; i < switches; i++) {
        m->switch_first[i] = m->slots;
        m->slots += fleet->switch_ports[i];
    }
    m->slot_switch = rows(m->slots - m->nics);
    m->cable = rows(m->slots);
    m->want = rows(m->slots);
    m->port = rows(m->slots);
    m->slot = rows(m->f->ports);
    m->seen = mw_calloc(switches, sizeof(*m->seen));
    m->host_node = rows(m->names->hosts);
    m->node_found = mw_calloc(fleet->count[COMPONENT_NODE], 1);
    return m->slot_switch == NULL || m->cable == NULL || m->want == NULL || m->port == NULL ||
                   m->slot == NULL || m->seen == NULL || m->host_node == NULL ||
                   m->node_found == NULL ? MW_ENOMEM : 0;
}

static uint32_t slot_of_end(const struct fabric_map *m, struct fleet_port end)
{
    uint32_t row = component_index_of(end.component);
    if (component_kind_of(end.component) == COMPONENT_NIC)
        return row;
    must(end.port >= 1 && end.port <= m->fleet->switch_ports[row]);
    return m->switch_first[row] + end.port - 1;
}

static void lay_cables(struct fabric_map *m)
{
    const struct fleet *fleet = m->fleet;
    for (uint32_t i = 0; i < fleet->count[COMPONENT_SWITCH]; i++)
        for (uint32_t k = 0; k < fleet->switch_ports[i]; k++)
            m->slot_switch[m->switch_first[i] - m->nics + k] = i;
    for (uint32_t c = 0; c < fleet->count[COMPONENT_CABLE]; c++) {
        uint32_t a = slot_of_end(m, fleet->cable_end[0][c]);
        uint32_t b = slot_of_end(m, fleet->cable_end[1][c]);
        m->cable[a] = m->cable[b] = c;
        m->want[a] = b;
        m->want[b] = a;
    }
}

static void bind_port(struct fabric_map *m, uint32_t port, uint32_t slot)
{
    if (m->port[slot] != MW_NONE)
        return; /* two of one name: the first has it, the other is not in the file */
    m->slot[port] = slot;
    m->port[slot] = port;
}

static void lay_switches(struct fabric_map *m)
{
    for (uint32_t n = 0; n < m->f->nodes; n++) {
        const struct fabric_node *d = &m->f->node[n];
        uint64_t id = d->kind == FABRIC_SWITCH ? fleet_find(m->fleet, m->names->who[n]) : 0;
        if (id == 0 || component_kind_of(id) != COMPONENT_SWITCH)
            continue;
        uint32_t row = component_index_of(id);
        m->seen[row] = true;
        for (uint32_t k = 0; k < MW_MIN((uint32_t)d->ports, m->fleet->switch_ports[row]); k++)
            bind_port(m, d->port_first + k, m->switch_first[row] + k);
    }
}

/* ---- hosts --------------------------------------------------------------------------------- */

#define NICS_MAX 64

/* The adapters' ports of one host, by their number. */
struct host {
    uint32_t node;  /* of the site */
    uint32_t found; /* ports */
    uint32_t port[NICS_MAX], device[NICS_MAX];
};

/* By the devices' own numbers: each below the file's count, no two the same. */
static bool by_device(const struct fabric_map *m, const struct host *h)
{
    uint64_t taken = 0;
    uint32_t nics = m->fleet->node_nics[h->node];
    for (uint32_t i = 0; i < h->found; i++) {
        uint32_t d = h->device[i];
        if (d >= nics || (taken >> d & 1) != 0)
            return false;
        taken |= UINT64_C(1) << d;
    }
    return true;
}

/* The switch of the file on which a port's link ends; MW_NONE. */
static uint32_t far_switch(const struct fabric_map *m, uint32_t port)
{
    uint32_t peer = m->f->port[port].peer;
    uint32_t slot = peer != MW_NONE ? m->slot[peer] : MW_NONE;
    return slot != MW_NONE && slot >= m->nics ? m->slot_switch[slot - m->nics] : MW_NONE;
}

/* The free NIC whose cable ends on the port's switch; then the first free one. */
static void by_switch(struct fabric_map *m, const struct host *h)
{
    uint32_t first = m->fleet->node_nic_first[h->node], nics = m->fleet->node_nics[h->node];
    for (int wanted = 1; wanted >= 0; wanted--)
        for (uint32_t i = 0; i < h->found; i++) {
            uint32_t far = far_switch(m, h->port[i]);
            for (uint32_t k = 0; k < nics && m->slot[h->port[i]] == MW_NONE; k++) {
                uint32_t want = m->want[first + k];
                bool there = want != MW_NONE && want >= m->nics && far != MW_NONE &&
                             m->slot_switch[want - m->nics] == far;
                if (m->port[first + k] == MW_NONE && (there || wanted == 0))
                    bind_port(m, h->port[i], first + k);
            }
        }
}

static void lay_host(struct fabric_map *m, const struct host *h)
{
    uint32_t first = m->fleet->node_nic_first[h->node], nics = m->fleet->node_nics[h->node];
    m->node_found[h->node] = (uint8_t)h->found;
    bool order = h->found == nics, device = !order && by_device(m, h);
    for (uint32_t i = 0; i < h->found && (order || device); i++)
        bind_port(m, h->port[i], first + (order ? i : h->device[i]));
    if (!order && !device)
        by_switch(m, h);
}

static int lay_hosts(struct fabric_map *m)
{
    struct host *host = mw_calloc(m->names->hosts, sizeof(*host));
    if (host == NULL)
        return MW_ENOMEM;
    for (uint32_t i = 0; i < m->f->ports; i++) {
        const struct fabric_port *p = &m->f->port[i];
        uint32_t nic = m->names->nic[i];
        if (nic == MW_NONE)
            continue;
        struct host *h = &host[m->names->host[p->node]];
        must(nic < NICS_MAX);
        h->port[nic] = i;
        h->device[nic] = fabric_names_device(&m->f->node[p->node]);
        h->found = MW_MAX(h->found, nic + 1);
    }
    for (uint32_t i = 0; i < m->names->hosts; i++) {
        uint64_t id = fleet_find(m->fleet, m->names->who[m->names->host_first[i]]);
        if (id == 0 || component_kind_of(id) != COMPONENT_NODE)
            continue;
        host[i].node = m->host_node[i] = component_index_of(id);
        lay_host(m, &host[i]);
    }
    mw_free(host);
    return 0;
}

int fabric_map_create(const struct fabric *f, const struct fabric_names *names,
                      const struct fleet *fleet, struct fabric_map **ret, struct mw_error *err)
{
    struct fabric_map *m = mw_calloc(1, sizeof(*m));
    int rc = m == NULL ? MW_ENOMEM : 0;
    if (rc == 0) {
        *m = (struct fabric_map){ .f = f, .names = names, .fleet = fleet };
        rc = allocate(m);
    }
    if (rc == 0) {
        lay_cables(m);
        lay_switches(m);
        rc = lay_hosts(m);
    }
    if (rc != 0) {
        fabric_map_destroy(m);
        return mw_fail(err, rc, "out of memory for the ports of the site");
    }
    *ret = m;
    return 0;
}

uint32_t fabric_map_cable(const struct fabric_map *m, uint32_t port)
{
    must(port < m->f->ports);
    return m->slot[port] == MW_NONE ? MW_NONE : m->cable[m->slot[port]];
}

uint32_t fabric_map_have(const struct fabric_map *m, uint32_t slot)
{
    uint32_t port = m->port[slot];
    uint32_t peer = port != MW_NONE ? m->f->port[port].peer : MW_NONE;
    return peer != MW_NONE ? m->slot[peer] : MW_NONE;
}

void fabric_map_place(const struct fabric_map *m, uint32_t slot, char ret[FABRIC_PLACE_MAX])
{
    if (slot < m->nics) {
        (void)snprintf(ret, FABRIC_PLACE_MAX, "%s",
                       fleet_name(m->fleet, component_id(COMPONENT_NIC, slot)));
        return;
    }
    uint32_t sw = m->slot_switch[slot - m->nics];
    (void)snprintf(ret, FABRIC_PLACE_MAX, "%s:%u",
                   fleet_name(m->fleet, component_id(COMPONENT_SWITCH, sw)),
                   slot - m->switch_first[sw] + 1);
}

void fabric_map_port_place(const struct fabric_map *m, uint32_t port, char ret[FABRIC_PLACE_MAX])
{
    const struct fabric_port *p = &m->f->port[port];
    if (m->slot[port] != MW_NONE)
        fabric_map_place(m, m->slot[port], ret);
    else if (m->f->node[p->node].kind == FABRIC_CA && m->names->who[p->node][0] != '\0')
        (void)snprintf(ret, FABRIC_PLACE_MAX, "%s (%s)", m->names->who[p->node],
                       m->f->node[p->node].name);
    else
        (void)snprintf(ret, FABRIC_PLACE_MAX, "%s:%u",
                       m->names->who[p->node][0] != '\0' ? m->names->who[p->node]
                                                         : m->f->node[p->node].name, p->number);
}
