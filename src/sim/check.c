/*
 * A second opinion on everything that must always hold.  It shares no code with
 * the planes, only the event table.
 */
#include "sim/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "core/event_fields.h"
#include "sim/check_care.h"

enum job_shadow {
    SHADOW_NONE,
    SHADOW_QUEUED,
    SHADOW_PLACED,
    SHADOW_STOPPING,
    SHADOW_CANCELLED, /* and its attempt is not over yet */
    SHADOW_ENDED
};
enum { TAKEN_BY_AUTOMATION = 1, TAKEN_BY_PERSON = 2 };

static bool is_live(uint8_t state)
{
    return state > SHADOW_NONE && state < SHADOW_ENDED;
}

struct action_seen {
    uint64_t seq, hash;
    uint32_t life; /* of the controller that gave it to the world last; 0 = none did */
};

struct check {
    const struct fleet *fleet;
    struct control_policy policy;
    uint32_t nodes, halls;
    uint8_t *health, *held;
    uint8_t *taken; /* 0 = in service as far as the guard goes, or who took it */
    uint64_t *node_job;
    uint32_t taken_now;
    int64_t **hall_takes; /* per hall: the last `budget` times, a ring */
    uint32_t *hall_budget, *hall_at;
    uint32_t fleet_budget;
    uint8_t *job; /* by number - 1 */
    uint64_t jobs, jobs_room, jobs_live;
    uint64_t *acked;
    struct action_seen *action;
    uint32_t actions, actions_room;
    uint32_t life;    /* of the controller, from 1 */
    struct check_care *care;
    int64_t begin_ms; /* the adoption: accounts run from here */
    char text[256];
};

static void violated(struct check *c, const char *fmt, ...) MW_PRINTF(2, 3);
static void violated(struct check *c, const char *fmt, ...)
{
    va_list args;
    if (c->text[0] != '\0')
        return;
    va_start(args, fmt);
    (void)vsnprintf(c->text, sizeof(c->text), fmt, args);
    va_end(args);
}

/* ---- making -------------------------------------------------------------------------------- */

static uint32_t budget_of(uint32_t nodes, uint32_t permille_x10)
{
    return MW_MAX(1, (uint32_t)((uint64_t)nodes * permille_x10 / 10000));
}

static bool make_halls(struct check *c)
{
    c->hall_budget = mw_calloc(c->halls, sizeof(*c->hall_budget));
    c->hall_at = mw_calloc(c->halls, sizeof(*c->hall_at));
    c->hall_takes = mw_calloc(c->halls, sizeof(*c->hall_takes));
    if (!c->hall_budget || !c->hall_at || !c->hall_takes)
        return false;
    for (uint32_t n = 0; n < c->nodes; n++)
        c->hall_budget[c->fleet->node_hall[n]]++;
    for (uint32_t h = 0; h < c->halls; h++) {
        c->hall_budget[h] = budget_of(c->hall_budget[h], c->policy.guard.hall_permille_x10);
        c->hall_takes[h] = mw_calloc(c->hall_budget[h], sizeof(int64_t));
        if (c->hall_takes[h] == NULL)
            return false;
        for (uint32_t i = 0; i < c->hall_budget[h]; i++)
            c->hall_takes[h][i] = INT64_MIN / 2;
    }
    return true;
}

int check_create(const struct fleet *f, const struct control_policy *p, struct check **ret)
{
    struct check *c = mw_calloc(1, sizeof(*c));
    if (c == NULL)
        return MW_ENOMEM;
    *c = (struct check){.fleet = f, .policy = *p, .nodes = f->count[COMPONENT_NODE],
                        .halls = f->count[COMPONENT_HALL], .begin_ms = -1, .life = 1};
    c->fleet_budget = budget_of(c->nodes, p->guard.fleet_permille_x10);
    c->health = mw_calloc(c->nodes, sizeof(*c->health));
    c->held = mw_calloc(c->nodes, sizeof(*c->held));
    c->taken = mw_calloc(c->nodes, sizeof(*c->taken));
    c->node_job = mw_calloc(c->nodes, sizeof(*c->node_job));
    c->acked = mw_calloc((size_t)c->nodes + SOURCE_NODE, sizeof(*c->acked));
    if (!c->health || !c->held || !c->taken || !c->node_job || !c->acked || !make_halls(c) ||
        check_care_create(f, &p->care, &c->care) < 0) {
        check_destroy(c);
        return MW_ENOMEM;
    }
    *ret = c;
    return 0;
}

void check_destroy(struct check *c)
{
    if (c == NULL)
        return;
    for (uint32_t h = 0; c->hall_takes != NULL && h < c->halls; h++)
        mw_free(c->hall_takes[h]);
    mw_free(c->hall_takes);
    mw_free(c->hall_budget);
    mw_free(c->hall_at);
    mw_free(c->health);
    mw_free(c->held);
    mw_free(c->taken);
    mw_free(c->node_job);
    mw_free(c->acked);
    mw_free(c->job);
    mw_free(c->action);
    check_care_destroy(c->care);
    mw_free(c);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static void job_set(struct check *c, uint64_t job, uint8_t state)
{
    while (job > c->jobs_room) {
        uint64_t room = MW_MAX(c->jobs_room * 2, 256);
        uint8_t *grown = mw_resize(c->job, room, 1);
        if (grown == NULL) {
            violated(c, "out of memory while checking");
            return;
        }
        memset(grown + c->jobs_room, SHADOW_NONE, room - c->jobs_room);
        c->job = grown;
        c->jobs_room = room;
    }
    uint8_t *was = &c->job[job - 1];
    c->jobs_live = c->jobs_live + is_live(state) - is_live(*was);
    c->jobs = MW_MAX(c->jobs, job);
    *was = state;
}

static uint8_t job_of(const struct check *c, uint64_t job)
{
    return job >= 1 && job <= c->jobs ? c->job[job - 1] : SHADOW_NONE;
}

static void placed(struct check *c, const struct event *ev, const void *tail)
{
    const struct body_place *b = &ev->body.place;
    if (job_of(c, b->job) != SHADOW_QUEUED)
        violated(c, "event %llu places job %llu, which is not queued",
                 (unsigned long long)ev->seq, (unsigned long long)b->job);
    for (uint32_t i = 0; i < ev->tail_size / sizeof(uint32_t); i++) {
        uint32_t n;
        memcpy(&n, (const uint8_t *)tail + i * sizeof(n), sizeof(n));
        if (n >= c->nodes) {
            violated(c, "event %llu places a job on node %u, which does not exist",
                     (unsigned long long)ev->seq, n);
            continue;
        }
        if (c->node_job[n] != 0)
            violated(c, "event %llu places job %llu on node %u, which has job %llu",
                     (unsigned long long)ev->seq, (unsigned long long)b->job, n,
                     (unsigned long long)c->node_job[n]);
        if (c->health[n] != HEALTH_READY || c->held[n] != 0)
            violated(c, "event %llu places job %llu on node %u, which is %s%s",
                     (unsigned long long)ev->seq, (unsigned long long)b->job, n,
                     health_name(c->health[n]), c->held[n] ? " and held by a person" : "");
        c->node_job[n] = b->job;
    }
    job_set(c, b->job, SHADOW_PLACED);
}

static void ended(struct check *c, const struct event *ev)
{
    const struct body_progress *b = &ev->body.progress;
    uint8_t was = job_of(c, b->job);
    if (!is_live(was) || was == SHADOW_QUEUED)
        violated(c, "event %llu ends an attempt of job %llu, which has none",
                 (unsigned long long)ev->seq, (unsigned long long)b->job);
    for (uint32_t n = 0; n < c->nodes; n++) {
        if (c->node_job[n] == b->job)
            c->node_job[n] = 0;
    }
    /* Its own error ends a job, unless it was asked to stop: then it starts again. */
    bool own = b->how == HOW_FAILED && b->node == MW_NONE && b->class == UINT16_MAX &&
               was == SHADOW_PLACED;
    bool over = own || was == SHADOW_CANCELLED || b->how == HOW_DONE || b->how == HOW_CANCELLED;
    job_set(c, b->job, over ? SHADOW_ENDED : SHADOW_QUEUED);
}

static void cancelled(struct check *c, const struct event *ev)
{
    uint64_t job = ev->body.command.ref;
    uint8_t was = job_of(c, job);
    if (!is_live(was)) {
        violated(c, "event %llu cancels job %llu, which is over or never was",
                 (unsigned long long)ev->seq, (unsigned long long)job);
        return;
    }
    job_set(c, job, was == SHADOW_QUEUED ? SHADOW_ENDED : SHADOW_CANCELLED);
}

/* ---- nodes --------------------------------------------------------------------------------- */

static void adopted(struct check *c, const struct event *ev)
{
    const struct body_adopt *a = &ev->body.adopt;
    if (c->begin_ms < 0)
        c->begin_ms = mw_ms(ev->time_ns);
    for (uint32_t i = 0; i < a->count && a->first + i < c->nodes; i++)
        c->health[a->first + i] = a->health;
}

static void moved(struct check *c, const struct event *ev)
{
    const struct body_node *b = &ev->body.node;
    if (b->node >= c->nodes || b->to >= HEALTH_COUNT) {
        violated(c, "event %llu moves node %u to health %u", (unsigned long long)ev->seq, b->node,
                 b->to);
        return;
    }
    if (c->health[b->node] != b->from || !health_may_move(b->from, b->to))
        violated(c, "event %llu moves node %u from %s to %s, but it is %s",
                 (unsigned long long)ev->seq, b->node, health_name(b->from), health_name(b->to),
                 health_name(c->health[b->node]));
    c->health[b->node] = b->to;
    if (b->to == HEALTH_READY || b->to == HEALTH_RETIRED) {
        c->taken_now -= c->taken[b->node] != 0;
        c->taken[b->node] = 0;
    }
}

static bool share_domain(const struct fleet *f, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t pdu = f->rack_pdu[i / 2][a];
        if (pdu != MW_NONE && pdu == f->rack_pdu[i % 2][b])
            return true;
    }
    return f->rack_cdu[a] != MW_NONE && f->rack_cdu[a] == f->rack_cdu[b];
}

/* Automation takes a node: of what it has out already, all in the same domain is in the same
 * rack. */
static void check_domain(struct check *c, const struct event *ev, uint32_t node)
{
    const struct fleet *f = c->fleet;
    uint32_t rack = f->node_rack[node];
    for (uint32_t n = 0; n < c->nodes && rack != MW_NONE; n++) {
        uint32_t other = f->node_rack[n];
        if (c->taken[n] != TAKEN_BY_AUTOMATION || other == rack || other == MW_NONE)
            continue;
        if (share_domain(f, rack, other))
            violated(c, "event %llu takes node %u: node %u is out already, in another rack of the "
                     "same power or cooling domain", (unsigned long long)ev->seq, node, n);
    }
}

static void drained(struct check *c, const struct event *ev)
{
    uint32_t n = ev->body.drain.node;
    if (n >= c->nodes) {
        violated(c, "event %llu drains node %u, which does not exist",
                 (unsigned long long)ev->seq, n);
        return;
    }
    bool takes = c->health[n] == HEALTH_READY && !c->taken[n];
    uint32_t hall = c->fleet->node_hall[n];
    int64_t now_ms = mw_ms(ev->time_ns);
    if (takes && ev->actor == 0) {
        int64_t *at = &c->hall_takes[hall][c->hall_at[hall]];
        if (now_ms - *at < c->policy.guard.window_ms)
            violated(c, "event %llu takes node %u: more than %u nodes of hall %u in its window",
                     (unsigned long long)ev->seq, n, c->hall_budget[hall], hall);
        if (c->taken_now >= c->fleet_budget)
            violated(c, "event %llu takes node %u: more than %u nodes of the fleet at once",
                     (unsigned long long)ev->seq, n, c->fleet_budget);
        if (c->policy.guard.domain_rule)
            check_domain(c, ev, n);
        *at = now_ms;
        c->hall_at[hall] = (c->hall_at[hall] + 1) % c->hall_budget[hall];
    }
    if (takes) {
        c->taken[n] = ev->actor == 0 ? TAKEN_BY_AUTOMATION : TAKEN_BY_PERSON;
        c->taken_now++;
    }
    c->health[n] = HEALTH_SUSPECT;
}

static void commanded(struct check *c, const struct event *ev)
{
    const struct body_command *b = &ev->body.command;
    if (ev->actor == 0)
        violated(c, "event %llu is a command without a person", (unsigned long long)ev->seq);
    bool holds = b->verb == CMD_HOLD || b->verb == CMD_DRAIN;
    if (b->node < c->nodes && (holds || b->verb == CMD_RELEASE))
        c->held[b->node] = holds;
}

/* ---- actions ------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct event *ev, const void *tail)
{
    uint64_t hash = mw_hash64_of(ev, sizeof(*ev));
    return ev->tail_size > 0 ? hash ^ mw_hash64_of(tail, ev->tail_size) : hash;
}

static void remember_action(struct check *c, const struct event *ev, const void *tail)
{
    if (c->actions == c->actions_room) {
        uint32_t room = MW_MAX(c->actions_room * 2, 256);
        struct action_seen *grown = mw_resize(c->action, room, sizeof(*grown));
        if (grown == NULL) {
            violated(c, "out of memory while checking");
            return;
        }
        c->action = grown;
        c->actions_room = room;
    }
    c->action[c->actions++] = (struct action_seen){.seq = ev->seq, .hash = hash_of(ev, tail)};
}

void check_action(struct check *c, const struct event *ev, const void *tail)
{
    uint32_t low = 0, high = c->actions;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (c->action[middle].seq < ev->seq)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == c->actions || c->action[low].seq != ev->seq ||
        c->action[low].hash != hash_of(ev, tail)) {
        violated(c, "the world was given action %llu, which is not such an event of the record",
                 (unsigned long long)ev->seq);
        return;
    }
    if (c->action[low].life == c->life) /* a new life asks again for what has no result */
        violated(c, "the world was given action %llu twice", (unsigned long long)ev->seq);
    c->action[low].life = c->life;
}

/* Padding is part of what is hashed: whatever a compiler leaves there must not show. */
static void padding_is_zero(struct check *c, const struct event *ev)
{
    const struct event_body_info *body = event_body_of(ev->kind);
    uint8_t left[sizeof(ev->body)];
    uint8_t any = 0;
    memcpy(left, ev->body.bytes, sizeof(left));
    for (uint32_t i = 0; i < body->fields; i++)
        memset(left + body->field[i].offset, 0, body->field[i].size);
    for (uint32_t i = 0; i < sizeof(left); i++)
        any |= left[i];
    if (any)
        violated(c, "event %llu, %s: bytes that no field names are not zero",
                 (unsigned long long)ev->seq, event_info(ev->kind)->name);
}

void check_event(struct check *c, const struct event *ev, const void *tail)
{
    padding_is_zero(c, ev);
    if (event_info(ev->kind)->flags & (EVENT_ACTION | EVENT_NOTICE))
        remember_action(c, ev, tail);
    check_care_event(c->care, ev);
    if (check_care_text(c->care) != NULL)
        violated(c, "%s", check_care_text(c->care));
    switch (ev->kind) {
    case EV_NODES_ADOPTED: adopted(c, ev); break;
    case EV_NODE_MOVED: moved(c, ev); break;
    case EV_DRAIN_ORDERED: drained(c, ev); break;
    case EV_COMMAND: commanded(c, ev); break;
    case EV_JOB_SUBMITTED: job_set(c, ev->body.job.job, SHADOW_QUEUED); break;
    case EV_JOB_CANCELLED: cancelled(c, ev); break;
    case EV_ATTEMPT_PLACED: placed(c, ev, tail); break;
    case EV_ATTEMPT_STOP:
        if (job_of(c, ev->body.stop.job) == SHADOW_PLACED)
            job_set(c, ev->body.stop.job, SHADOW_STOPPING);
        break;
    case EV_ATTEMPT_ENDED: ended(c, ev); break;
    case EV_CASCADE_STOPPED:
        violated(c, "event %llu: a cascade did not end", (unsigned long long)ev->seq);
        break;
    case EV_CONTRADICTION:
        violated(c, "event %llu: plane %u found that event %llu did not fit (code %u)",
                 (unsigned long long)ev->seq, ev->body.contradiction.plane,
                 (unsigned long long)ev->body.contradiction.event, ev->body.contradiction.code);
        break;
    default: break;
    }
}

/* ---- the state ----------------------------------------------------------------------------- */

void check_acknowledged(struct check *c, uint32_t source, uint64_t source_seq)
{
    must(source < c->nodes + SOURCE_NODE);
    c->acked[source] = MW_MAX(c->acked[source], source_seq);
}

void check_died(struct check *c)
{
    c->life++;
}

void check_recovered(struct check *c, const struct control *k)
{
    for (uint32_t s = 0; s < c->nodes + SOURCE_NODE; s++) {
        if (core_source_seq(k->core, s) < c->acked[s])
            violated(c,
                     "after a recovery source %u is known up to fact %llu, %llu was acknowledged",
                     s, (unsigned long long)core_source_seq(k->core, s),
                     (unsigned long long)c->acked[s]);
    }
}

static void check_nodes(struct check *c, const struct board *b)
{
    for (uint32_t n = 0; n < c->nodes; n++) {
        uint32_t slot = b->node_job[n];
        uint64_t job = slot == MW_NONE ? 0 : b->job_id[slot];
        bool held = b->node_holds[n] != 0;
        if (b->node_health[n] != c->health[n])
            violated(c, "the board says node %u is %s, the record says %s", n,
                     health_name(b->node_health[n]), health_name(c->health[n]));
        if (job != c->node_job[n])
            violated(c, "the board says node %u has job %llu, the record says %llu", n,
                     (unsigned long long)job, (unsigned long long)c->node_job[n]);
        if (held != (c->held[n] != 0))
            violated(c, "the board says node %u is %sheld by a person, the record says otherwise",
                     n, held ? "" : "not ");
    }
}

static void check_jobs(struct check *c, const struct board *b)
{
    for (uint64_t job = 1; job <= c->jobs; job++) {
        uint8_t state = c->job[job - 1];
        uint32_t slot = board_job_find(b, job);
        bool live = is_live(state);
        if (live != (slot != MW_NONE)) {
            violated(c, "job %llu is %s the board, the record says otherwise",
                     (unsigned long long)job, slot != MW_NONE ? "on" : "not on");
            continue;
        }
        if (live && (b->job_state[slot] == JOB_QUEUED) != (state == SHADOW_QUEUED))
            violated(c, "the board has job %llu in state %u, the record has it %s",
                     (unsigned long long)job, b->job_state[slot],
                     state == SHADOW_QUEUED ? "queued" : "placed");
    }
}

static void check_accounts(struct check *c, const struct control *k, int64_t now_ns)
{
    struct account_totals t;
    account_settle(k->account, now_ns, &t);
    int64_t sum = 0;
    for (uint32_t i = 0; i < ACCOUNT_CLASS_COUNT; i++) {
        sum += t.gpu_ms[i];
        if (t.gpu_ms[i] < 0)
            violated(c, "account %s is negative: %lld GPU-ms", account_class_name(i),
                     (long long)t.gpu_ms[i]);
    }
    int64_t wall = (mw_ms(now_ns) - c->begin_ms) * c->fleet->gpus_total;
    if (sum != wall || t.wall_gpu_ms != wall)
        violated(c, "the accounts sum to %lld GPU-ms and say %lld, the wall clock says %lld",
                 (long long)sum, (long long)t.wall_gpu_ms, (long long)wall);
}

void check_state(struct check *c, const struct control *k, int64_t now_ns, bool deep)
{
    if (k->board->jobs_live != c->jobs_live)
        violated(c, "%u jobs are on the board, the record says %llu", k->board->jobs_live,
                 (unsigned long long)c->jobs_live);
    if (guard_taken(k->guard) != c->taken_now)
        violated(c, "the guard says %u nodes are taken, the record says %u",
                 guard_taken(k->guard), c->taken_now);
    if (!deep || c->begin_ms < 0)
        return;
    check_nodes(c, k->board);
    check_jobs(c, k->board);
    check_accounts(c, k, now_ns);
}

void check_quiet(struct check *c)
{
    for (uint64_t job = 1; job <= c->jobs && c->jobs_live > 0; job++) {
        if (is_live(c->job[job - 1]))
            violated(c, "%llu jobs did not end in the quiet time, the first is job %llu, %s",
                     (unsigned long long)c->jobs_live, (unsigned long long)job,
                     c->job[job - 1] == SHADOW_QUEUED ? "queued" : "placed");
    }
}

const char *check_text(const struct check *c)
{
    return c->text[0] != '\0' ? c->text : NULL;
}
