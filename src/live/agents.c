/*
 * Who is there: hello, beats, silence, and which silences are deaths.  Hands
 * what an agent says to agents_findings.c and agents_jobs.c.
 */
#include "live/agents.h"

#include <string.h>

#include "base/mem.h"
#include "live/agents_private.h"
#include "live/slurm.h"

#define TICK_NS (100 * MW_NS_PER_MS)
#define LATE_NS (300 * MW_NS_PER_MS)     /* a tick so late means that we slept */
#define TOGETHER_NS MW_NS_PER_S          /* silences within this are at once */
#define COMMON_GRACE_NS (3 * MW_NS_PER_S) /* agents try again at least every 2 s */
#define LEASE_SCAN_NS MW_NS_PER_S
#define COMMON_LEAST 3
#define EVENT_OLD_NS (30 * 24 * MW_NS_PER_HOUR) /* an older time is that of a clock gone wrong */

/* ---- making -------------------------------------------------------------------------------- */

static bool allocate(struct agents *a)
{
    uint32_t n = a->nodes;
    a->leases_max = 4096 + 4 * n;
    a->agent = mw_calloc(n, sizeof(*a->agent));
    a->gpu = mw_calloc((size_t)n * AGENT_GPUS_MAX, sizeof(*a->gpu));
    a->check = mw_calloc(n, sizeof(*a->check));
    a->lease = mw_calloc(a->leases_max, sizeof(*a->lease));
    a->bmc = mw_calloc(n, sizeof(*a->bmc));
    for (uint32_t i = 0; a->bmc && i < n; i++)
        a->bmc[i] = MW_NONE;
    a->gather = mw_calloc(AGENT_GATHERS_MAX, sizeof(*a->gather));
    a->spool = mw_calloc(n + AGENT_GATHERS_MAX, sizeof(*a->spool));
    a->pending = mw_calloc(n + AGENT_GATHERS_MAX, sizeof(*a->pending));
    return a->agent && a->gpu && a->check && a->lease && a->bmc && a->gather && a->spool &&
           a->pending && map_init(&a->lease_index, a->leases_max) == 0;
}

int agents_create(const struct agents_options *o, struct agents **ret, struct mw_error *err)
{
    must(o && ret && o->control && o->facts.submit && o->send && o->silence_ns >= 0);
    must(o->control->policy.care.classes >= LIVE_CLASS_COUNT); /* rows are named by live/policy.h */
    struct agents *a = mw_calloc(1, sizeof(*a));
    if (!a)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    a->o = *o;
    a->board = o->control->board;
    a->nodes = a->board->nodes;
    a->beat_ns = agents_beat_ns(a->nodes);
    if (a->o.silence_ns == 0)
        a->o.silence_ns = agents_silence_ns(a->nodes);
    a->due_ns = MW_NEVER;
    a->expecting = true;
    if (!allocate(a)) {
        agents_destroy(a);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    int rc = agents_readings_create(a, err);
    if (rc < 0) {
        agents_destroy(a);
        return rc;
    }
    *ret = a;
    return 0;
}

void agents_destroy(struct agents *a)
{
    if (!a)
        return;
    agents_readings_destroy(a->readings);
    mw_free(a->agent);
    mw_free(a->gpu);
    mw_free(a->check);
    mw_free(a->lease);
    mw_free(a->acting);
    mw_free(a->bmc);
    mw_free(a->gather);
    mw_free(a->spool);
    mw_free(a->pending);
    map_fini(&a->lease_index);
    mw_free(a);
}

/* ---- findings about silence ---------------------------------------------------------------- */

struct body_finding agents_finding_of(uint32_t node, uint32_t number)
{
    return (struct body_finding){ .component = component_id(COMPONENT_NODE, node),
                                  .finding = number, .node = node,
                                  .class = (uint16_t)agents_class_of(number) };
}

enum admit agents_finding(struct agents *a, int64_t now_ns, uint32_t kind, uint32_t node,
                          const struct body_finding *f)
{
    bool late = kind == EV_FINDING_OPENED && a->event_ns != 0;
    struct event fact = { .kind = (uint16_t)kind, .source = SOURCE_NODE + node,
                          .observed_ns = late ? MW_MIN(a->event_ns, now_ns) : now_ns };
    must(f->finding > 0 && f->finding >> 40 == 0 && node < a->nodes);
    fact.body.finding = *f;
    return a->o.facts.submit(a->o.facts.ctx, &fact, NULL);
}

/* The other finding about silence, when it was open, is over: this one says more. */
static void close_silence(struct agents *a, int64_t now_ns, uint32_t node, enum live_class class)
{
    uint32_t number = agents_number(class, 0);
    struct body_finding f = agents_finding_of(node, number);
    if (agents_is_open(a, node, number))
        (void)agents_finding(a, now_ns, EV_FINDING_CLOSED, node, &f);
}

/* The node is dead (WATCH_SILENT), or only its agent (WATCH_LOST). */
static void report_silent(struct agents *a, int64_t now_ns, uint32_t node, enum agent_watch as)
{
    bool dead = as == WATCH_SILENT;
    enum live_class class = dead ? LIVE_NODE_SILENT : LIVE_AGENT_LOST;
    struct body_finding f = agents_finding_of(node, agents_number(class, 0));
    struct agent *g = &a->agent[node];
    enum admit was = agents_finding(a, now_ns, EV_FINDING_OPENED, node, &f);
    if (was == ADMIT_GAP)
        return; /* the next tick judges it again */
    if (dead)
        close_silence(a, now_ns, node, LIVE_AGENT_LOST);
    a->common -= g->watch == WATCH_COMMON;
    g->watch = (uint8_t)as;
    g->fell_ns = now_ns;
    a->stats.silences += dead;
    a->stats.lost += !dead;
    a->stats.findings_left_out += was != ADMIT_OK && was != ADMIT_DUPLICATE;
}

/* The one finding on the site, as wide as its class: opened or closed when it is not so already. */
static void report_common(struct agents *a, int64_t now_ns, bool on)
{
    uint32_t number = agents_number(LIVE_AGENTS_SILENT, 0);
    if (care_finding_is_open(a->o.control->care, SOURCE_FABRIC, number) == on)
        return;
    struct event fact = { .kind = on ? EV_FINDING_OPENED : EV_FINDING_CLOSED,
                          .observed_ns = now_ns, .source = SOURCE_FABRIC };
    fact.body.finding = (struct body_finding){ .component = component_id(COMPONENT_SITE, 0),
                                               .finding = number, .node = MW_NONE,
                                               .class = LIVE_AGENTS_SILENT };
    (void)a->o.facts.submit(a->o.facts.ctx, &fact, NULL);
}

/* ---- frames -------------------------------------------------------------------------------- */

/* It is there: whatever its silence was taken for. */
static void alive(struct agents *a, int64_t now_ns, uint32_t node)
{
    struct agent *g = &a->agent[node];
    if (g->watch != WATCH_HEARD) {
        a->common -= g->watch == WATCH_COMMON;
        g->watch = WATCH_HEARD;
        g->beats = 0;
    }
    g->asked = false;
    g->busy_ns = 0;
    g->heard_ns = MW_MAX(g->heard_ns, now_ns);
    if (a->due_ns == MW_NEVER) { /* nothing was due: this is no late tick */
        a->tick_ns = now_ns;
        a->due_ns = now_ns + TICK_NS;
    }
}

/* Whether the node has an agent is in the record, and its witness: one that does not come back
 * after a restart of ours is missed. */
static void watched(struct agents *a, int64_t now_ns, uint32_t node, const char *witness)
{
    struct event fact = { .kind = EV_NODE_WATCHED, .observed_ns = now_ns,
                          .source = SOURCE_NODE + node };
    fact.body.watch = (struct body_watch){ .node = node, .watched = witness != NULL };
    if (witness)
        agents_witness_read(witness, &fact.body.watch);
    (void)a->o.facts.submit(a->o.facts.ctx, &fact, NULL);
}

static int node_hello(struct agents *a, int64_t now_ns, const struct agent_frame *hello,
                      uint32_t *ret_node, struct mw_error *err)
{
    uint64_t id = fleet_find(a->board->fleet, hello->name);
    if (id == 0 || component_kind_of(id) != COMPONENT_NODE) {
        a->stats.frames_refused++;
        return mw_fail(err, MW_ENOTFOUND, "the site file has no node \"%s\": start mw-agent with "
                       "--node NAME as in the site file", hello->name);
    }
    uint32_t node = component_index_of(id);
    struct agent *g = &a->agent[node];
    uint64_t boot = mw_hash64_of(hello->boot, strnlen(hello->boot, sizeof(hello->boot)));
    a->stats.frames++;
    alive(a, now_ns, node);
    g->beats = 0;
    g->expected = false;
    agents_gpus(a, node, hello->text);
    agents_adopt(a, now_ns);
    bool rebooted = g->boot != 0 && g->boot != boot;
    g->boot = boot;
    if (rebooted) {
        agents_rebooted(a, now_ns, node);
        agents_actions_booted(a, now_ns, node);
    }
    watched(a, now_ns, node, hello->probe);
    *ret_node = node;
    return 0;
}

int agents_hello(struct agents *a, int64_t now_ns, const struct agent_frame *hello,
                 uint32_t *ret_peer, struct mw_error *err)
{
    must(a && hello && ret_peer && hello->verb == AGENT_HELLO);
    if (hello->version < AGENT_PROTOCOL_OLDEST || hello->version > AGENT_PROTOCOL) {
        a->stats.frames_refused++;
        return mw_fail(err, MW_EVERSION, "the agent speaks version %u of the protocol, this daemon "
                       "%d: use a mw-agent of the same release", hello->version, AGENT_PROTOCOL);
    }
    int rc = hello->role == AGENT_ROLE_GATHER
                 ? agents_gather_hello(a, now_ns, hello, ret_peer, err)
                 : node_hello(a, now_ns, hello, ret_peer, err);
    if (rc == 0) {
        agents_spool_hello(a, *ret_peer, hello);
        agents_readings_hello(a, now_ns, *ret_peer, hello);
    }
    return rc;
}

void agents_beat(struct agents *a, int64_t now_ns, uint32_t node)
{
    struct agent *g = &a->agent[node];
    alive(a, now_ns, node);
    a->stats.beats++;
    if (g->beats == AGENT_BEATS_BACK)
        return;
    bool open = agents_is_open(a, node, agents_number(LIVE_NODE_SILENT, 0)) ||
                agents_is_open(a, node, agents_number(LIVE_AGENT_LOST, 0));
    if (++g->beats == 1) { /* not in hello: the connection is not this node's before it is over */
        agents_ask(a, node);
        agents_actions_ask(a, now_ns, node);
    }
    if (g->beats < AGENT_BEATS_BACK || !open)
        return;
    close_silence(a, now_ns, node, LIVE_NODE_SILENT);
    close_silence(a, now_ns, node, LIVE_AGENT_LOST);
    if (agents_is_open(a, node, agents_number(LIVE_NODE_SILENT, 0)) ||
        agents_is_open(a, node, agents_number(LIVE_AGENT_LOST, 0)))
        g->beats--; /* it could not be recorded: the next beat tries again */
}

static void node_heard(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f)
{
    alive(a, now_ns, node);
    switch (f->verb) {
    case AGENT_BEAT:
        agents_beat(a, now_ns, node);
        return;
    case AGENT_KMSG:
        agents_kmsg(a, now_ns, node, f);
        return;
    case AGENT_UNIT:
        agents_unit(a, now_ns, node, f);
        return;
    case AGENT_DISK:
        agents_disk(a, now_ns, node, f);
        return;
    case AGENT_EXIT:
        agents_exit(a, now_ns, node, f);
        return;
    case AGENT_PROGRESS:
        agents_progress(a, now_ns, node, f);
        return;
    case AGENT_CHECKED:
        agents_checked(a, now_ns, node, f);
        agents_said(a, now_ns, node, f);
        return;
    case AGENT_SOURCE:
    case AGENT_PART:
    case AGENT_FINDING:
        agents_said(a, now_ns, node, f);
        return;
    case AGENT_ACTED:
        agents_acted(a, now_ns, node, f);
        return;
    case AGENT_BYE:
        a->agent[node].watch = WATCH_PARKED;
        watched(a, now_ns, node, NULL);
        return;
    default: /* a second hello, or our own verbs */
        a->stats.frames_refused++;
    }
}

bool agents_heard(struct agents *a, int64_t now_ns, uint32_t peer, const struct agent_frame *f)
{
    must(a && f && peer < a->nodes + AGENT_GATHERS_MAX);
    a->stats.frames++;
    if (!agents_spool_takes(a, peer, f)) {
        if (peer < a->nodes)
            alive(a, now_ns, peer);
        return false;
    }
    /* It may have waited in the spool for the link: care asks what happened together. */
    a->event_ns = f->e > 0 && f->at_ms * MW_NS_PER_MS > now_ns - EVENT_OLD_NS
                      ? f->at_ms * MW_NS_PER_MS : 0;
    if (peer < a->nodes)
        node_heard(a, now_ns, peer, f);
    else
        agents_gather_heard(a, now_ns, peer, f);
    a->event_ns = 0;
    return true;
}

void agents_lost(struct agents *a, int64_t now_ns, uint32_t peer)
{
    must(a && peer < a->nodes + AGENT_GATHERS_MAX);
    (void)now_ns; /* it may come again at once: only silence counts */
    agents_readings_lost(a, peer);
    if (peer >= a->nodes)
        a->gather[peer - a->nodes].connected = false;
}

/* ---- silence ------------------------------------------------------------------------------- */

struct silence_count {
    uint32_t heard, expired, near; /* near: overdue so far that it will expire within a second */
    uint32_t fresh;                /* reported within the last second */
};

static int64_t near_ns(const struct agents *a)
{
    int64_t near = a->o.silence_ns - a->beat_ns - a->beat_ns / 4;
    return MW_MIN(MW_MAX(near, a->beat_ns * 3 / 2), a->o.silence_ns);
}

static struct silence_count count_silent(const struct agents *a, int64_t now_ns)
{
    struct silence_count c = { 0 };
    int64_t near = near_ns(a);
    for (uint32_t n = 0; n < a->nodes; n++) {
        const struct agent *g = &a->agent[n];
        int64_t age = now_ns - g->heard_ns;
        if (g->watch == WATCH_HEARD) {
            c.heard++;
            c.expired += age >= a->o.silence_ns;
            c.near += age >= near;
        }
        c.fresh += g->watch == WATCH_SILENT && now_ns - g->fell_ns < TOGETHER_NS;
    }
    return c;
}

/* How many may fall silent at once and still be taken for dead. */
static uint32_t limit_of(const struct agents *a, const struct silence_count *c)
{
    return MW_MAX((uint32_t)COMMON_LEAST, (c->heard + c->fresh + a->common) / 10);
}

static enum agents_probe probe(struct agents *a, uint32_t node)
{
    char address[80];
    if (!a->o.probe || !agents_witness(a, node, address, sizeof(address)))
        return AGENTS_PROBE_NONE;
    return a->o.probe(a->o.probe_ctx, node, address);
}

/* A second witness before a node is taken for dead; false when there is none, or none that came. */
static bool ask_witness(struct agents *a, int64_t now_ns, uint32_t node)
{
    struct agent *g = &a->agent[node];
    if (g->asked)
        return now_ns - g->probe_ns < AGENT_PROBE_NS;
    enum agents_probe was = probe(a, node);
    if (was == AGENTS_PROBE_BUSY) {
        if (g->busy_ns == 0)
            g->busy_ns = now_ns;
        return now_ns - g->busy_ns < AGENT_BUSY_NS;
    }
    g->busy_ns = 0;
    if (was == AGENTS_PROBE_NONE)
        return false;
    g->asked = true;
    g->probe_ns = now_ns;
    return true;
}

void agents_probed(struct agents *a, int64_t now_ns, uint32_t node, bool answers)
{
    must(a && node < a->nodes);
    struct agent *g = &a->agent[node];
    if (!g->asked ||
        (g->watch != WATCH_HEARD && g->watch != WATCH_LOST && g->watch != WATCH_COMMON))
        return; /* its agent is back, or it was too late */
    if (answers && g->watch != WATCH_LOST)
        report_silent(a, now_ns, node, WATCH_LOST);
    else if (!answers)
        report_silent(a, now_ns, node, WATCH_SILENT);
    g->asked = false;
    g->probe_ns = now_ns;
}

/* Nodes that answer while their agent does not may die as well. */
static void ask_again(struct agents *a, int64_t now_ns)
{
    for (uint32_t n = 0; n < a->nodes; n++) {
        struct agent *g = &a->agent[n];
        if (g->watch != WATCH_LOST)
            continue;
        int64_t age_ns = now_ns - g->probe_ns;
        if (age_ns < (g->asked ? AGENT_PROBE_NS : AGENT_PROBE_AGAIN_NS))
            continue;
        enum agents_probe was = g->asked ? AGENTS_PROBE_NONE : probe(a, n);
        if (was == AGENTS_PROBE_BUSY)
            continue; /* the next tick tries it */
        if (was == AGENTS_PROBE_NONE)
            report_silent(a, now_ns, n, WATCH_SILENT);
        g->asked = true;
        g->probe_ns = now_ns;
    }
}

static void judge_expired(struct agents *a, int64_t now_ns, bool together)
{
    for (uint32_t n = 0; n < a->nodes; n++) {
        struct agent *g = &a->agent[n];
        if (g->watch != WATCH_HEARD || now_ns - g->heard_ns < a->o.silence_ns)
            continue;
        if (!together) {
            if (!ask_witness(a, now_ns, n))
                report_silent(a, now_ns, n, WATCH_SILENT);
            continue;
        }
        a->stats.silences_common += a->common == 0;
        a->common++;
        a->common_over_ns = now_ns; /* more may follow: not over yet */
        g->watch = WATCH_COMMON;
        g->fell_ns = now_ns;
        g->asked = false; /* in a common silence an answer that does not come proves nothing */
    }
}

/* Silent with others: dead when Slurm says so too, or when the others are back and it is not, nor
 * its witness. */
static void judge_common(struct agents *a, int64_t now_ns, bool few)
{
    for (uint32_t n = 0; n < a->nodes && a->common > 0; n++) {
        const struct agent *g = &a->agent[n];
        if (g->watch != WATCH_COMMON)
            continue;
        bool said = care_finding_is_open(a->o.control->care, SOURCE_ENGINE, slurm_node_finding(n));
        bool left = few && now_ns - a->common_over_ns >= COMMON_GRACE_NS;
        if (said || (left && !ask_witness(a, now_ns, n)))
            report_silent(a, now_ns, n, WATCH_SILENT);
    }
}

/* We slept, and heard nobody while we did: that is not their silence. */
static void forgive(struct agents *a, int64_t now_ns)
{
    int64_t gap = now_ns - a->tick_ns;
    if (now_ns - a->due_ns < LATE_NS)
        return;
    a->stats.late_ticks++;
    for (uint32_t n = 0; n < a->nodes; n++)
        a->agent[n].heard_ns = MW_MIN(now_ns, a->agent[n].heard_ns + gap);
}

static void judge(struct agents *a, int64_t now_ns)
{
    struct silence_count c = count_silent(a, now_ns);
    uint32_t limit = limit_of(a, &c);
    if (c.expired > 0)
        judge_expired(a, now_ns, c.near + c.fresh + a->common > limit);
    bool few = a->common <= limit;
    if (!few)
        a->common_over_ns = now_ns;
    judge_common(a, now_ns, few);
    if (!few || a->common == 0)
        report_common(a, now_ns, !few);
    a->stats.watched = c.heard - c.expired;
}

static int64_t next_due(const struct agents *a)
{
    int64_t due = a->tick_ns + TICK_NS;
    for (uint32_t n = 0; n < a->nodes; n++)
        if (a->agent[n].watch == WATCH_HEARD)
            due = MW_MIN(due, MW_MAX(a->agent[n].heard_ns + a->o.silence_ns, a->tick_ns + 1));
    return due;
}

/* Those that had an agent before we began are given some time to say hello. */
static void expect(struct agents *a, int64_t now_ns)
{
    a->expecting = false;
    for (uint32_t n = 0; n < a->nodes; n++) {
        if (!a->board->node_watched[n] || a->agent[n].watch != WATCH_NEVER)
            continue;
        alive(a, now_ns, n);
        a->agent[n].heard_ns = now_ns + COMMON_GRACE_NS;
        a->agent[n].expected = true;
    }
}

void agents_tick(struct agents *a, int64_t now_ns)
{
    must(a != NULL);
    if (a->expecting)
        expect(a, now_ns);
    agents_adopt(a, now_ns);
    if (a->due_ns == MW_NEVER)
        return;
    forgive(a, now_ns);
    a->tick_ns = now_ns;
    judge(a, now_ns);
    ask_again(a, now_ns);
    if (now_ns >= a->lease_due_ns) {
        agents_leases(a, now_ns);
        a->lease_due_ns = now_ns + LEASE_SCAN_NS;
    }
    agents_checks_due(a, now_ns);
    agents_actions_due(a, now_ns);
    agents_readings_tick(a, now_ns);
    a->due_ns = next_due(a);
}

int64_t agents_next_due(const struct agents *a)
{
    return a->expecting ? 0 : a->due_ns;
}

void agents_act(struct agents *a, int64_t now_ns, const struct event *action)
{
    must(a && action);
    if (action->kind == EV_ACTION_STARTED)
        agents_action_started(a, now_ns, action);
    if (action->kind == EV_ACTION_STARTED && a->due_ns == MW_NEVER)
        a->tick_ns = a->due_ns = now_ns;
    if (action->kind != EV_GATE_STARTED)
        return;
    const struct body_gate *gate = &action->body.gate;
    must(gate->node < a->nodes && gate->class < a->o.control->policy.care.classes);
    struct check *c = &a->check[gate->node];
    if (c->seq == action->seq)
        return;
    a->checks += c->seq == 0; /* a later gate of the node takes the place of an earlier one */
    *c = (struct check){ .seq = action->seq, .gate = *gate, /* its result is 0 */
                         .due_ns = now_ns + gate->length_ms * MW_NS_PER_MS + 5 * MW_NS_PER_S };
    if (a->due_ns == MW_NEVER) {
        a->tick_ns = now_ns;
        a->due_ns = now_ns + TICK_NS;
    }
    agents_ask(a, gate->node);
}

struct agents_stats agents_stats(const struct agents *a)
{
    return a->stats;
}
