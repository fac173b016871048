/*
 * The loop.  It owns the order of events, the group being built, and the last
 * number taken from each source; it never looks into a body except where the
 * event table says so.
 */
#include "core/core_private.h"

#include <string.h>

#include "base/mem.h"
#include "base/units.h"

static int core_die(struct core *c, int r)
{
    c->dead = true;
    return r;
}

/* Puts one event at the end of the open group and shows it to the planes that take it. */
static void core_append(struct core *c, const struct event *ev, const void *tail)
{
    size_t size = event_frame_size(ev);
    must(c->group_size + size <= GROUP_BYTES_MAX);
    struct event *in_group = (struct event *)(void *)(c->group + c->group_size);
    *in_group = *ev;
    in_group->seq = ++c->seq;
    in_group->time_ns = c->time_ns;
    in_group->epoch = c->config.journal->epoch;
    in_group->version = EVENT_VERSION;
    /* What no field names may be a struct's padding, that is anything; events are hashed whole. */
    memset(in_group->body.bytes + c->body[ev->kind], 0, sizeof(ev->body) - c->body[ev->kind]);
    const void *in_tail = NULL;
    if (ev->tail_size) {
        uint8_t *to = c->group + c->group_size + sizeof(*ev);
        memset(c->group + c->group_size + size - 8, 0, 8);
        memcpy(to, tail, ev->tail_size);
        in_tail = to;
    }
    c->group_size += (uint32_t)size;
    c->group_count++;
    core_apply_event(c, in_group, in_tail);
}

static void core_contradiction(struct core *c, const struct event *ev, uint32_t plane, uint8_t code)
{
    must(ev->kind != EV_CONTRADICTION);
    c->stats.contradictions++;
    struct event out = { .kind = EV_CONTRADICTION, .cause = ev->seq };
    out.body.contradiction = (struct body_contradiction){
        .event = ev->seq, .node = MW_NONE, .kind = ev->kind, .plane = (uint8_t)plane,
        .code = code };
    if (!c->replaying)
        core_append(c, &out, NULL);
}

void core_apply_event(struct core *c, const struct event *ev, const void *tail)
{
    must_context(ev->seq, ev->kind);
    uint32_t mask = c->takes[ev->kind];
    uint32_t wrong = PLANE_COUNT;
    uint8_t code = 0;
    for (; mask; mask &= mask - 1) {
        uint32_t p = (uint32_t)__builtin_ctz(mask);
        uint8_t got = c->plane[p].apply(c->plane[p].self, ev, tail);
        if (MW_UNLIKELY(got) && !code) {
            code = got;
            wrong = p;
        }
    }
    if (ev->source_seq)
        c->source_last[ev->source] = ev->source_seq;
    if (c->trace)
        mw_hasher_add(c->trace, ev, event_frame_size(ev));
    if (MW_UNLIKELY(code))
        core_contradiction(c, ev, wrong, code);
}

void core_quiet(struct core *c)
{
    for (uint32_t p = 0; p < PLANE_COUNT; p++)
        if (c->plane[p].quiet)
            c->plane[p].quiet(c->plane[p].self);
}

/* The guard's say: passes, or turns the decision into advice. */
static void core_append_decision(struct core *c, struct decision *d)
{
    struct event tripped;
    tripped.kind = EV_NONE;
    const struct event_info *info = event_info(d->ev.kind);
    must(info->name && info->class == EVENT_DECISION);
    bool guarded = info->flags & (EVENT_TAKES | EVENT_ENGINE | EVENT_MODE);
    if (guarded && d->ev.actor == 0 && c->config.guard.check) {
        bool trips = false;
        enum guard_reason why = c->config.guard.check(c->config.guard.self, &d->ev, &trips);
        if (why != GUARD_PASS) {
            c->config.guard.lower(c->config.guard.self, why, &d->ev, trips ? &tripped : NULL);
            c->stats.advice++;
        }
    }
    c->stats.decisions++;
    uint32_t at = c->group_size;
    core_append(c, &d->ev, d->tail);
    if (event_info(d->ev.kind)->flags & (EVENT_ACTION | EVENT_NOTICE))
        core_stage_action(c, at);
    if (tripped.kind) {
        c->stats.trips++;
        c->stats.decisions++;
        core_append(c, &tripped, NULL);
    }
}

/* The next decision of the first plane that has one; false when all is quiet. */
static bool core_ask(struct core *c, struct decision *d)
{
    *d = (struct decision){ .tail = c->tail }; /* a plane with nothing to decide leaves it so */
    for (uint32_t p = 0; p < PLANE_COUNT; p++) {
        const struct plane *pl = &c->plane[p];
        if (!pl->decide || !pl->decide(pl->self, d))
            continue;
        if (!d->ev.cause)
            d->ev.cause = c->group_first;
        if (!d->ev.observed_ns)
            d->ev.observed_ns = c->time_ns;
        return true;
    }
    return false;
}

/* One fact and everything that follows from it, as one group. */
static int core_group(struct core *c, const struct event *fact, const void *tail,
                      struct mw_error *err)
{
    c->group_first = c->seq + 1;
    c->group_count = 0;
    c->group_size = 0;
    c->stats.facts++;
    core_append(c, fact, tail);
    uint64_t rounds = 0;
    struct decision d;
    bool more;
    for (; (more = core_ask(c, &d)) && rounds < CORE_ROUNDS_MAX; rounds++)
        core_append_decision(c, &d);
    if (MW_UNLIKELY(more)) {
        struct event stop = { .kind = EV_CASCADE_STOPPED, .cause = c->group_first };
        stop.body.cascade.rounds = CORE_ROUNDS_MAX;
        core_append(c, &stop, NULL);
        c->stats.cascades_stopped++;
    }
    core_quiet(c);
    c->stats.rounds_max = MW_MAX(c->stats.rounds_max, rounds);
    c->stats.groups++;
    c->stats.events += c->group_count;
    struct group g = core_last_group(c);
    int r = c->config.journal->ops->append(c->config.journal, &g, err);
    if (r < 0)
        return core_die(c, r);
    c->staged++;
    return 0;
}

/* The plane whose timer is next, by (due, plane); its due time and id. */
static uint32_t core_next_timer(const struct core *c, int64_t *ret_due, uint64_t *ret_id)
{
    uint32_t best = PLANE_COUNT;
    *ret_due = MW_NEVER;
    for (uint32_t p = 0; p < PLANE_COUNT; p++) {
        uint64_t id = 0;
        if (!c->plane[p].next_due)
            continue;
        int64_t due = c->plane[p].next_due(c->plane[p].self, &id);
        if (due < *ret_due) {
            *ret_due = due;
            *ret_id = id;
            best = p;
        }
    }
    return best;
}

int core_advance(struct core *c, int64_t now_ns, struct mw_error *err)
{
    must(c && !c->acting);
    if (c->dead)
        return mw_fail(err, MW_EIO, "the core stopped after a failed journal; recover it");
    for (;;) {
        int64_t due;
        uint64_t id = 0;
        uint32_t p = core_next_timer(c, &due, &id);
        if (due > now_ns || p == PLANE_COUNT)
            break;
        must(c->takes[EV_TIMER_FIRED] & (1u << p)); /* else it would be due for ever */
        int r = c->staged >= CORE_STAGED_MAX ? core_commit(c, err) : 0;
        if (r < 0)
            return r;
        c->time_ns = MW_MAX(c->time_ns, due);
        struct event ev = { .kind = EV_TIMER_FIRED, .source = SOURCE_CLOCK, .observed_ns = due };
        ev.body.timer = (struct body_timer){ .id = id, .due_ns = due, .plane = (uint8_t)p };
        r = core_group(c, &ev, NULL, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static enum admit core_admit(const struct core *c, const struct event *fact, const void *tail)
{
    const struct event_info *info = event_info(fact->kind);
    if (!info->name || info->class != EVENT_FACT || event_check(fact) < 0)
        return ADMIT_IMPOSSIBLE;
    if (fact->kind == EV_TIMER_FIRED)
        return ADMIT_IMPOSSIBLE; /* only core_advance fires timers */
    for (uint32_t mask = info->planes; mask; mask &= mask - 1) {
        const struct plane *p = &c->plane[__builtin_ctz(mask)];
        enum admit a = p->admit ? p->admit(p->self, fact, tail) : ADMIT_OK;
        if (a != ADMIT_OK)
            return a;
    }
    return ADMIT_OK;
}

/* Is it the next fact of its source? */
static enum admit core_source_check(struct core *c, const struct event *fact)
{
    if (fact->source >= c->config.sources_max)
        return ADMIT_IMPOSSIBLE;
    if (!fact->source_seq)
        return ADMIT_OK;
    uint64_t seen = MW_MAX(c->source_last[fact->source], c->source_seen[fact->source]);
    if (fact->source_seq <= seen)
        return ADMIT_DUPLICATE;
    uint64_t expected = fact->seq ? MW_MAX(seen + 1, fact->seq) : fact->source_seq;
    return fact->source_seq == expected ? ADMIT_OK : ADMIT_GAP;
}

int core_submit(struct core *c, int64_t now_ns, const struct event *fact, const void *tail,
                enum admit *ret, struct mw_error *err)
{
    must(c && fact && ret);
    must(!c->acting);
    now_ns = MW_MAX(now_ns, c->time_ns);
    int r = c->staged >= CORE_STAGED_MAX ? core_commit(c, err) : 0;
    if (r == 0 && fact->kind != EV_EPOCH) /* what is due then is due under the new rules */
        r = core_advance(c, now_ns, err);
    if (r < 0)
        return r;
    enum admit a = core_source_check(c, fact);
    if (a == ADMIT_OK) {
        struct event ev = *fact;
        ev.seq = 0;
        ev.version = EVENT_VERSION;
        a = core_admit(c, &ev, tail);
        if (fact->source_seq)
            c->source_seen[fact->source] = fact->source_seq;
        if (a == ADMIT_OK) {
            c->time_ns = now_ns;
            r = core_group(c, &ev, tail, err);
        }
    }
    c->stats.refused[a]++;
    *ret = a;
    return r;
}

int core_commit(struct core *c, struct mw_error *err)
{
    must(c && !c->acting);
    if (c->dead)
        return mw_fail(err, MW_EIO, "the core stopped after a failed journal; recover it");
    if (c->staged == 0)
        return 0;
    int r = c->config.journal->ops->commit(c->config.journal, err);
    if (r < 0)
        return r; /* still staged: the caller may try again */
    c->staged = 0;
    c->stats.commits++;
    core_hand_out(c);
    return 0;
}

bool core_failed(const struct core *c)
{
    return c->dead;
}

int64_t core_next_due(const struct core *c)
{
    int64_t due;
    uint64_t id;
    (void)core_next_timer(c, &due, &id);
    return due;
}

int64_t core_now(const struct core *c)
{
    return c->time_ns;
}

uint64_t core_seq(const struct core *c)
{
    return c->seq;
}

uint64_t core_source_seq(const struct core *c, uint32_t source)
{
    must(source < c->config.sources_max);
    return MW_MAX(c->source_last[source], c->source_seen[source]);
}

const struct core_stats *core_stats(const struct core *c)
{
    return &c->stats;
}

struct group core_last_group(const struct core *c)
{
    return (struct group){ .first_seq = c->group_first, .count = c->group_count,
                           .size = c->group_size, .bytes = c->group };
}
