/*
 * Owns the two ports that the libraries open.  Requests for counters go out in
 * a window; an answer finds its request by the number in its transaction id.
 */
#include "gather/fabric_sweep.h"

#include <infiniband/ibnetdisc.h>
#include <infiniband/mad.h>
#include <infiniband/umad.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/map.h"
#include "base/mem.h"

#define SMPS_AT_ONCE 8     /* of the discovery; chosen: switches answer them by a slow processor */
#define WINDOW 32          /* counter requests under way */
#define RETRIES 2
#define CAP_EXT_SPEEDS (1u << 14)   /* PortInfo.CapabilityMask */
#define PM_EXT_WIDTH (1u << 9)      /* ClassPortInfo.CapabilityMask: PortCountersExtended */
#define PM_EXT_WIDTH_NOIETF (1u << 10)
#define PM_XMIT_WAIT (1u << 12)
#define PM2_EXT_ERRORS (1u << 1)    /* ClassPortInfo.CapabilityMask2: 64-bit error counters */
#define EXT_ERRORS_OFFSET 72        /* bytes, of the first of them in PortCountersExtended */
#define KNOWN_MAX FABRIC_NODES_MAX

/* What a node's performance agent can do: asked once. */
struct ability {
    uint16_t mask;
    uint32_t mask2;
    bool known;
};

struct fabric_sweep {
    struct ibmad_port *mad; /* for counters */
    int umad, agent;
    char ca[UMAD_CA_NAME_LEN];
    int port;
    struct map known; /* GUID -> row of ability */
    struct ability *ability; /* owned; KNOWN_MAX rows grow as needed */
    uint32_t abilities, abilities_room;
    struct request *request; /* owned; of this round */
    uint32_t requests, requests_room;
    uint64_t trid;
    void *buffer; /* owned: one MAD with its header */
};

enum what { ASK_ABILITY, ASK_COUNTERS, ASK_EXTENDED };

struct request {
    uint32_t port;   /* row of the fabric */
    uint16_t lid;
    uint8_t what, tries;
    bool answered;
    uint32_t ability; /* row */
};

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* ---- opening ------------------------------------------------------------------------------- */

/* The adapter and its port: as asked, else the first that has a link. */
static int choose(struct fabric_sweep *s, const struct fabric_sweep_options *o,
                  struct mw_error *err)
{
    umad_port_t port = { .portnum = 0 };
    if (umad_init() < 0)
        return mw_fail(err, MW_ENOTFOUND, "this machine has no InfiniBand management device");
    if (umad_get_port(o->ca, o->port, &port) < 0 && o->ca != NULL)
        return mw_fail(err, MW_ENOTFOUND, "there is no adapter %s with port %d here", o->ca,
                       o->port);
    if (port.ca_name[0] == '\0')
        return mw_fail(err, MW_ENOTFOUND, "no InfiniBand adapter with a port that is up is here");
    memcpy(s->ca, port.ca_name, sizeof(s->ca));
    s->port = port.portnum;
    umad_release_port(&port);
    return 0;
}

int fabric_sweep_open(const struct fabric_sweep_options *o, struct fabric_sweep **ret,
                      struct mw_error *err)
{
    int classes[] = { IB_PERFORMANCE_CLASS };
    struct fabric_sweep *s = mw_calloc(1, sizeof(*s));
    if (s == NULL || map_init(&s->known, KNOWN_MAX) != 0) {
        fabric_sweep_close(s);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    madrpc_show_errors(0);
    int rc = choose(s, o, err);
    if (rc == 0) {
        s->mad = mad_rpc_open_port(s->ca, s->port, classes, 1);
        if (s->mad == NULL)
            rc = mw_fail(err, MW_EDENIED,
                         "cannot open %s port %d: is ib_umad loaded, and may this user use "
                         "/dev/infiniband/umad*?", s->ca, s->port);
    }
    /* Its header is larger once a port is open: not before. */
    if (rc == 0 && (s->buffer = mw_calloc(1, umad_size() + IB_MAD_SIZE)) == NULL)
        rc = mw_fail(err, MW_ENOMEM, "out of memory");
    if (rc != 0) {
        fabric_sweep_close(s);
        return rc;
    }
    s->umad = mad_rpc_portid(s->mad);
    s->agent = mad_rpc_class_agent(s->mad, IB_PERFORMANCE_CLASS);
    s->trid = now_us() << 20;
    *ret = s;
    return 0;
}

void fabric_sweep_close(struct fabric_sweep *s)
{
    if (s == NULL)
        return;
    if (s->mad != NULL)
        mad_rpc_close_port(s->mad);
    map_fini(&s->known);
    mw_free(s->ability);
    mw_free(s->request);
    mw_free(s->buffer);
    mw_free(s);
}

/* ---- finding ------------------------------------------------------------------------------- */

static uint8_t lanes(uint32_t bits)
{
    /* bit: 1x, 4x, 8x, 12x, 2x */
    static const uint8_t of[] = { 1, 4, 8, 12, 2 };
    uint8_t most = 0;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(of); i++)
        if ((bits >> i & 1) != 0)
            most = MW_MAX(most, of[i]);
    return most;
}

static uint32_t rate(uint32_t bits, uint32_t extended)
{
    static const uint32_t plain[] = { 2500, 5000, 10000 };
    static const uint32_t more[] = { 14062, 25781, 53125, 106250, 212500 };
    uint32_t most = 0;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(plain); i++)
        if ((bits >> i & 1) != 0)
            most = plain[i];
    for (uint32_t i = 0; i < MW_ARRAY_LEN(more); i++)
        if ((extended >> i & 1) != 0)
            most = more[i];
    return most;
}

static uint32_t field(ibnd_port_t *p, enum MAD_FIELDS f)
{
    return mad_get_field(p->info, 0, f);
}

static void take_port_info(ibnd_node_t *n, ibnd_port_t *p, struct fabric_port *row)
{
    ibnd_port_t *able = n->type == IB_NODE_SWITCH && n->ports[0] != NULL ? n->ports[0] : p;
    bool ext = (field(able, IB_PORT_CAPMASK_F) & CAP_EXT_SPEEDS) != 0;
    row->state = (uint8_t)field(p, IB_PORT_STATE_F);
    row->physical = (uint8_t)field(p, IB_PORT_PHYS_STATE_F);
    row->state = row->state > FABRIC_ACTIVE ? 0 : row->state;
    row->physical = row->physical > FABRIC_PHY_TEST ? 0 : row->physical;
    row->rate = (struct fabric_rate){
        .width = lanes(field(p, IB_PORT_LINK_WIDTH_ACTIVE_F)),
        .width_enabled = lanes(field(p, IB_PORT_LINK_WIDTH_ENABLED_F)),
        .width_supported = lanes(field(p, IB_PORT_LINK_WIDTH_SUPPORTED_F)),
        .speed = rate(field(p, IB_PORT_LINK_SPEED_ACTIVE_F),
                      ext ? field(p, IB_PORT_LINK_SPEED_EXT_ACTIVE_F) : 0),
        .speed_enabled = rate(field(p, IB_PORT_LINK_SPEED_ENABLED_F),
                              ext ? field(p, IB_PORT_LINK_SPEED_EXT_ENABLED_F) : 0),
        .speed_supported = rate(field(p, IB_PORT_LINK_SPEED_SUPPORTED_F),
                                ext ? field(p, IB_PORT_LINK_SPEED_EXT_SUPPORTED_F) : 0),
    };
}

static ibnd_port_t *port_at(ibnd_node_t *n, int number)
{
    return number <= n->numports && n->ports != NULL ? n->ports[number] : NULL;
}

static uint32_t lid_of(ibnd_node_t *n)
{
    for (int i = n->type == IB_NODE_SWITCH ? 0 : 1; i <= n->numports; i++) {
        ibnd_port_t *p = port_at(n, i);
        if (p != NULL && p->base_lid != 0)
            return p->base_lid;
    }
    return n->smalid;
}

static int add_nodes(ibnd_fabric_t *found, struct fabric *f, struct map *rows,
                     struct mw_error *err)
{
    int rc = 0;
    for (ibnd_node_t *n = found->nodes; n != NULL && rc == 0; n = n->next) {
        struct fabric_node row = { .guid = n->guid, .kind = (uint8_t)n->type,
            .ports = (uint8_t)MW_MIN(n->numports, FABRIC_NUMBER_MAX), .lid = lid_of(n) };
        uint32_t at;
        if (n->type < FABRIC_CA || n->type > FABRIC_ROUTER || f->nodes == FABRIC_NODES_MAX ||
            map_get(rows, n->guid) != MW_NONE)
            continue;
        memcpy(row.name, n->nodedesc, MW_MIN(sizeof(n->nodedesc), (size_t)FABRIC_NAME_MAX));
        rc = fabric_add(f, &row, &at, err);
        if (rc == 0)
            map_put(rows, n->guid, at);
    }
    return rc;
}

static int add_ports(ibnd_fabric_t *found, struct fabric *f, const struct map *rows,
                     struct mw_error *err)
{
    int rc = 0;
    for (ibnd_node_t *n = found->nodes; n != NULL && rc == 0; n = n->next) {
        uint32_t row = map_get(rows, n->guid);
        for (int i = 1; row != MW_NONE && i <= f->node[row].ports && rc == 0; i++) {
            ibnd_port_t *p = port_at(n, i);
            if (p == NULL)
                continue;
            uint32_t near = fabric_port_of(f, row, (uint32_t)i), far = MW_NONE;
            take_port_info(n, p, &f->port[near]);
            if (p->remoteport != NULL && p->remoteport->node != NULL)
                far = map_get(rows, p->remoteport->node->guid);
            if (far != MW_NONE)
                far = fabric_port_of(f, far, (uint32_t)p->remoteport->portnum);
            if (far != MW_NONE)
                rc = fabric_join(f, near, far, err);
        }
    }
    return rc;
}

static int discover(struct fabric_sweep *s, const struct fabric_sweep_options *o,
                    struct fabric *ret, struct mw_error *err)
{
    struct ibnd_config config = { .max_smps = SMPS_AT_ONCE, .timeout_ms = (unsigned)o->timeout_ms,
                                  .retries = RETRIES };
    struct map rows = { .place = NULL };
    ibnd_fabric_t *found = ibnd_discover_fabric(s->ca, s->port, NULL, &config);
    if (found == NULL)
        return mw_fail(err, MW_EUNREACHABLE, "the fabric behind %s port %d does not answer", s->ca,
                       s->port);
    int rc = map_init(&rows, FABRIC_NODES_MAX);
    if (rc != 0)
        rc = mw_fail(err, rc, "out of memory");
    if (rc == 0)
        rc = add_nodes(found, ret, &rows, err);
    if (rc == 0)
        rc = add_ports(found, ret, &rows, err);
    map_fini(&rows);
    ibnd_destroy_fabric(found);
    return rc;
}

/* ---- counters ------------------------------------------------------------------------------ */

static int ask(struct fabric_sweep *s, uint32_t row, const struct fabric *f, int timeout_ms)
{
    struct request *q = &s->request[row];
    uint8_t data[IB_PC_DATA_SZ] = { 0 };
    ib_portid_t to = { .lid = q->lid, .qp = 1, .qkey = IB_DEFAULT_QP1_QKEY };
    static const unsigned attribute[] = { CLASS_PORT_INFO, IB_GSI_PORT_COUNTERS,
                                          IB_GSI_PORT_COUNTERS_EXT };
    ib_rpc_t rpc = { .mgtclass = IB_PERFORMANCE_CLASS, .method = IB_MAD_METHOD_GET,
                     .attr = { .id = attribute[q->what] }, .dataoffs = IB_PC_DATA_OFFS,
                     .datasz = IB_PC_DATA_SZ, .timeout = timeout_ms,
                     .trid = (s->trid & ~UINT64_C(0xffffffff)) | row };
    if (q->what != ASK_ABILITY)
        mad_set_field(data, 0, IB_PC_PORT_SELECT_F, f->port[q->port].number);
    memset(s->buffer, 0, umad_size() + IB_MAD_SIZE);
    if (mad_build_pkt(s->buffer, &rpc, &to, NULL, data) < 0)
        return -1;
    q->tries++;
    return umad_send(s->umad, s->agent, s->buffer, IB_MAD_SIZE, timeout_ms, 0);
}

static void take_ability(struct ability *a, uint8_t *pc)
{
    a->mask = (uint16_t)mad_get_field(pc, 0, IB_CPI_CAPMASK_F);
    a->mask2 = mad_get_field(pc, 0, IB_CPI_CAPMASK2_F);
    a->known = true;
}

static void take_counters(struct fabric_reading *r, uint8_t *pc, uint16_t mask)
{
    static const enum MAD_FIELDS fields[FABRIC_COUNTER_COUNT] = {
        IB_PC_ERR_SYM_F, IB_PC_LINK_RECOVERS_F, IB_PC_LINK_DOWNED_F, IB_PC_ERR_RCV_F,
        IB_PC_ERR_PHYSRCV_F, IB_PC_ERR_SWITCH_REL_F, IB_PC_XMT_DISCARDS_F, IB_PC_ERR_XMTCONSTR_F,
        IB_PC_ERR_RCVCONSTR_F, IB_PC_ERR_LOCALINTEG_F, IB_PC_ERR_EXCESS_OVR_F,
        IB_PC_VL15_DROPPED_F, IB_PC_XMT_WAIT_F, IB_PC_XMT_BYTES_F, IB_PC_RCV_BYTES_F,
        IB_PC_XMT_PKTS_F, IB_PC_RCV_PKTS_F,
    };
    for (uint32_t c = 0; c < FABRIC_COUNTER_COUNT; c++) {
        uint32_t bit = UINT32_C(1) << c;
        if ((r->wide & bit) != 0 || (c == FABRIC_XMIT_WAIT && (mask & PM_XMIT_WAIT) == 0))
            continue;
        r->value[c] = mad_get_field(pc, 0, fields[c]);
        r->has |= bit;
    }
}

static uint64_t big_endian(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static void set_wide(struct fabric_reading *r, uint32_t c, uint64_t value)
{
    r->value[c] = value;
    r->has |= UINT32_C(1) << c;
    r->wide |= UINT32_C(1) << c;
}

static void take_extended(struct fabric_reading *r, uint8_t *pc, const struct ability *a)
{
    set_wide(r, FABRIC_XMIT_DATA, mad_get_field64(pc, 0, IB_PC_EXT_XMT_BYTES_F));
    set_wide(r, FABRIC_RCV_DATA, mad_get_field64(pc, 0, IB_PC_EXT_RCV_BYTES_F));
    set_wide(r, FABRIC_XMIT_PACKETS, mad_get_field64(pc, 0, IB_PC_EXT_XMT_PKTS_F));
    set_wide(r, FABRIC_RCV_PACKETS, mad_get_field64(pc, 0, IB_PC_EXT_RCV_PKTS_F));
    if ((a->mask2 & PM2_EXT_ERRORS) == 0)
        return;
    /* In the order of the table, symbol errors to waits; libibmad 44 has no names for them. */
    for (uint32_t c = FABRIC_SYMBOL_ERRORS; c <= FABRIC_XMIT_WAIT; c++)
        set_wide(r, c, big_endian(pc + EXT_ERRORS_OFFSET + 8 * (size_t)c));
}

/* An answer, or the end of a request that got none. */
static uint32_t take_answer(struct fabric_sweep *s, struct fabric_round *round)
{
    uint8_t *mad = umad_get_mad(s->buffer);
    uint32_t row = (uint32_t)(mad_get_field64(mad, 0, IB_MAD_TRID_F) & 0xffffffff);
    if (row >= s->requests || s->request[row].answered)
        return MW_NONE;
    struct request *q = &s->request[row];
    if (umad_status(s->buffer) != 0 || mad_get_field(mad, 0, IB_MAD_STATUS_F) != 0)
        return row;
    q->answered = true;
    uint8_t *pc = mad + IB_PC_DATA_OFFS;
    struct ability *a = &s->ability[q->ability];
    if (q->what == ASK_ABILITY)
        take_ability(a, pc);
    else if (q->what == ASK_COUNTERS)
        take_counters(&round->reading[q->port], pc, a->mask);
    else
        take_extended(&round->reading[q->port], pc, a);
    return row;
}

/* All requests of the list, WINDOW at once, each RETRIES times more. */
static void ask_all(struct fabric_sweep *s, struct fabric_round *round, int timeout_ms)
{
    uint32_t next = 0, under_way = 0, lost = 0;
    while (next < s->requests || under_way > 0) {
        while (under_way < WINDOW && next < s->requests)
            under_way += ask(s, next++, &round->fabric, timeout_ms) >= 0;
        int length = IB_MAD_SIZE;
        if (under_way == 0)
            continue;
        if (umad_recv(s->umad, s->buffer, &length, timeout_ms * 2) < 0) {
            /* Nothing at all in twice the time: what is under way is lost. */
            under_way = 0;
            if (++lost > 4)
                return;
            continue;
        }
        uint32_t row = take_answer(s, round);
        if (row == MW_NONE)
            continue;
        must(under_way > 0);
        under_way--;
        if (!s->request[row].answered && s->request[row].tries <= RETRIES)
            under_way += ask(s, row, &round->fabric, timeout_ms) >= 0;
    }
}

static int add_request(struct fabric_sweep *s, const struct request *q)
{
    if (s->requests == s->requests_room) {
        uint32_t room = s->requests_room == 0 ? 1024 : s->requests_room * 2;
        struct request *p = mw_resize(s->request, room, sizeof(*p));
        if (p == NULL)
            return MW_ENOMEM;
        s->request = p;
        s->requests_room = room;
    }
    s->request[s->requests++] = *q;
    return 0;
}

/* The row for a node's ability, made when it is new; MW_NONE when there is no room. */
static uint32_t ability_of(struct fabric_sweep *s, uint64_t guid)
{
    uint32_t row = map_get(&s->known, guid);
    if (row != MW_NONE || s->abilities == KNOWN_MAX)
        return row;
    if (s->abilities == s->abilities_room) {
        uint32_t room = s->abilities_room == 0 ? 1024 : s->abilities_room * 2;
        struct ability *p = mw_resize(s->ability, room, sizeof(*p));
        if (p == NULL)
            return MW_NONE;
        s->ability = p;
        s->abilities_room = room;
    }
    s->ability[s->abilities] = (struct ability){ .known = false };
    map_put(&s->known, guid, s->abilities);
    return s->abilities++;
}

/* The lid by which a port's counters are asked for: an adapter's ports have one each, but only the
 * first is kept; a second port is reached through it as well (PortSelect). */
static bool readable(const struct fabric *f, const struct fabric_port *p, bool hosts)
{
    const struct fabric_node *n = &f->node[p->node];
    return p->peer != MW_NONE && n->lid != 0 && n->lid < 0xc000 &&
           (n->kind == FABRIC_SWITCH || (hosts && n->kind == FABRIC_CA));
}

/* Who has not said yet what it can. */
static int ask_abilities(struct fabric_sweep *s, const struct fabric_sweep_options *o,
                         struct fabric_round *round)
{
    const struct fabric *f = &round->fabric;
    uint32_t last = MW_NONE;
    s->requests = 0;
    for (uint32_t i = 0; i < f->ports; i++) {
        const struct fabric_port *p = &f->port[i];
        if (p->node == last || !readable(f, p, o->hosts))
            continue;
        last = p->node;
        struct request q = { .port = i, .lid = (uint16_t)f->node[last].lid, .what = ASK_ABILITY,
                             .ability = ability_of(s, f->node[last].guid) };
        if (q.ability == MW_NONE)
            return MW_ENOMEM;
        if (!s->ability[q.ability].known && add_request(s, &q) != 0)
            return MW_ENOMEM;
    }
    ask_all(s, round, o->timeout_ms);
    return 0;
}

static int ask_counters(struct fabric_sweep *s, const struct fabric_sweep_options *o,
                        struct fabric_round *round)
{
    const struct fabric *f = &round->fabric;
    int rc = 0;
    s->requests = 0;
    s->trid += UINT64_C(1) << 32;
    for (uint32_t i = 0; i < f->ports && rc == 0; i++) {
        const struct fabric_port *p = &f->port[i];
        if (!readable(f, p, o->hosts))
            continue;
        const struct fabric_node *n = &f->node[p->node];
        struct request q = { .port = i, .lid = (uint16_t)n->lid, .what = ASK_COUNTERS,
                             .ability = ability_of(s, n->guid) };
        must(q.ability != MW_NONE);
        rc = add_request(s, &q);
        q.what = ASK_EXTENDED;
        if (rc == 0 && (s->ability[q.ability].mask & (PM_EXT_WIDTH | PM_EXT_WIDTH_NOIETF)) != 0)
            rc = add_request(s, &q);
        round->asked++;
    }
    if (rc != 0)
        return rc;
    ask_all(s, round, o->timeout_ms);
    for (uint32_t i = 0; i < s->requests; i++)
        if (s->request[i].what == ASK_COUNTERS)
            round->failed += !s->request[i].answered;
    return 0;
}

int fabric_sweep_round(struct fabric_sweep *s, const struct fabric_sweep_options *o,
                       struct fabric_round *ret, struct mw_error *err)
{
    uint64_t start = now_us();
    int rc = discover(s, o, &ret->fabric, err);
    uint64_t found = now_us();
    ret->discover_us = found - start;
    if (rc != 0)
        return rc;
    if (ret->fabric.ports > ret->reading_room) {
        void *p = mw_resize(ret->reading, ret->fabric.ports, sizeof(*ret->reading));
        if (p == NULL)
            return mw_fail(err, MW_ENOMEM, "out of memory");
        ret->reading = p;
        ret->reading_room = ret->fabric.ports;
    }
    if (ret->fabric.ports > 0)
        memset(ret->reading, 0, ret->fabric.ports * sizeof(*ret->reading));
    if (o->counters && (ask_abilities(s, o, ret) != 0 || ask_counters(s, o, ret) != 0))
        return mw_fail(err, MW_ENOMEM, "out of memory");
    ret->read_us = now_us() - found;
    ret->done = true;
    return 0;
}
