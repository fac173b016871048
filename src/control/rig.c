/*
 * The bench itself: making it, time, the record as it grows.  What the world
 * says is in rig_world.c.
 */
#include "control/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"
#include "core/journal_memory.h"
#include "fleet/site.h"

#define EXPECT_MAX 4096

/* ---- the tap: a journal before the journal -------------------------------------------------- */

struct tap {
    struct journal base;
    struct journal *under;
    struct rig *rig;
};

static struct tap *tap_of(struct journal *j)
{
    return (struct tap *)(void *)j;
}

static int tap_sync(struct tap *t, int r)
{
    t->base.head = t->under->head;
    t->base.next_seq = t->under->next_seq;
    t->base.epoch = t->under->epoch;
    return r;
}

/* Room for one more item of a growing array. */
static void rig_room(void **array, uint32_t length, uint32_t *room, size_t size)
{
    if (length < *room)
        return;
    *room = *room ? *room * 2 : 256;
    void *bigger = mw_resize(*array, *room, size);
    assert_non_null(bigger);
    *array = bigger;
}

static int tap_append(struct journal *j, const struct group *g, struct mw_error *err)
{
    struct tap *t = tap_of(j);
    struct rig *r = t->rig;
    if (r->fail_append) {
        int code = r->fail_append;
        r->fail_append = 0;
        return mw_fail(err, code, "the rig was told to fail this append");
    }
    if (r->hashes) {
        rig_room((void **)&r->hash, r->groups, &r->hash_room, sizeof(r->hash[0]));
        r->hash[r->groups] = core_state_hash(r->control->core);
    }
    r->groups++;
    return tap_sync(t, t->under->ops->append(t->under, g, err));
}

static int tap_commit(struct journal *j, struct mw_error *err)
{
    struct tap *t = tap_of(j);
    if (t->rig->fail_commit) {
        int code = t->rig->fail_commit;
        t->rig->fail_commit = 0;
        return mw_fail(err, code, "the rig was told to fail this commit");
    }
    return tap_sync(t, t->under->ops->commit(t->under, err));
}

static int tap_read(struct journal *j, uint64_t from, journal_visit_fn *visit, void *ctx,
                    struct mw_error *err)
{
    return tap_of(j)->under->ops->read(tap_of(j)->under, from, visit, ctx, err);
}

static int tap_get(struct journal *j, uint64_t seq, struct event *ev, void *tail,
                   struct mw_error *err)
{
    return tap_of(j)->under->ops->get(tap_of(j)->under, seq, ev, tail, err);
}

static int tap_snapshot_put(struct journal *j, uint64_t seq, const void *data, size_t size,
                            struct mw_error *err)
{
    return tap_of(j)->under->ops->snapshot_put(tap_of(j)->under, seq, data, size, err);
}

static int tap_snapshot_get(struct journal *j, uint64_t seq_max, uint64_t *ret_seq, char **ret,
                            size_t *ret_size, struct mw_error *err)
{
    return tap_of(j)->under->ops->snapshot_get(tap_of(j)->under, seq_max, ret_seq, ret, ret_size,
                                               err);
}

static int tap_blob_put(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE], const void *data,
                        size_t size, struct mw_error *err)
{
    return tap_of(j)->under->ops->blob_put(tap_of(j)->under, sha256, data, size, err);
}

static int tap_blob_get(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE], char **ret,
                        size_t *ret_size, struct mw_error *err)
{
    return tap_of(j)->under->ops->blob_get(tap_of(j)->under, sha256, ret, ret_size, err);
}

static void tap_destroy(struct journal *j)
{
    journal_destroy(tap_of(j)->under);
    mw_free(j);
}

static const struct journal_ops TAP = { .append = tap_append, .commit = tap_commit,
                                        .read = tap_read, .get = tap_get,
                                        .blob_put = tap_blob_put, .blob_get = tap_blob_get,
                                        .snapshot_put = tap_snapshot_put,
                                        .snapshot_get = tap_snapshot_get,
                                        .destroy = tap_destroy };

static struct journal *tap_make(struct rig *r)
{
    struct tap *t = mw_calloc(1, sizeof(*t));
    assert_non_null(t);
    *t = (struct tap){ .base = { .ops = &TAP }, .under = r->journal, .rig = r };
    (void)tap_sync(t, 0);
    return &t->base;
}

/* ---- making --------------------------------------------------------------------------------- */

static struct care_class class_of(const char *name, uint8_t effect, uint8_t drain)
{
    struct care_class k = { .effect = effect, .drain = drain, .count = 1,
                            .gate_ms = 30 * MW_MS_PER_MIN, .probation_ms = MW_MS_PER_HOUR };
    memcpy(k.name, name, strlen(name));
    return k;
}

struct control_policy rig_policy(void)
{
    struct control_policy p = control_policy_default();
    p.care.classes = RIG_CLASSES;
    p.care.class[RIG_KILLS] = class_of("kills", EFFECT_KILLS, 0);
    p.care.class[RIG_SLOWS] = class_of("slows", EFFECT_SLOWS, DRAIN_AT_CHECKPOINT);
    p.care.class[RIG_DEFERS] = class_of("defers", EFFECT_DEFERS, DRAIN_NOW);
    p.care.class[RIG_IN_PLACE] = class_of("in-place", EFFECT_SLOWS, 0);
    p.care.class[RIG_FLAPS] = class_of("flaps", EFFECT_KILLS, 0);
    p.care.class[RIG_FLAPS].count = 3;
    p.care.class[RIG_FLAPS].window_ms = 10 * MW_MS_PER_MIN;
    p.care.class[RIG_FLAPS].gate_ms = p.care.class[RIG_FLAPS].probation_ms = 0;
    p.care.class[RIG_NEVER] = class_of("never", EFFECT_KILLS, 0);
    p.care.class[RIG_NEVER].count = 0;
    return p;
}

static void rig_act(void *ctx, const struct event *action, const void *tail)
{
    struct rig *r = ctx;
    (void)tail;
    rig_room((void **)&r->acted, r->acted_length, &r->acted_room, sizeof(r->acted[0]));
    r->acted[r->acted_length++] = *action;
}

static int rig_visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct rig *r = ctx;
    (void)last;
    rig_room((void **)&r->log, r->log_length, &r->log_room, sizeof(r->log[0]));
    struct rig_event *e = &r->log[r->log_length++];
    *e = (struct rig_event){ .ev = *ev };
    if (ev->tail_size) {
        e->tail = mw_calloc(ev->tail_size, 1);
        assert_non_null(e->tail);
        memcpy(e->tail, tail, ev->tail_size);
    }
    return 0;
}

static void rig_read(struct rig *r)
{
    assert_int_equal(r->journal->ops->read(r->journal, r->log_length + 1, rig_visit, r, NULL), 0);
}

struct rig *rig_make_on(struct fleet *f, const struct control_policy *p, struct journal *j,
                        bool use_snapshot)
{
    struct mw_error err = { 0 };
    struct rig *r = mw_calloc(1, sizeof(*r));
    assert_non_null(r);
    r->fleet = f;
    r->policy = *p;
    r->journal = j;
    r->now_ns = MW_MAX(RIG_START_NS, j->head.time_ns);
    r->tap = tap_make(r);
    struct control_options o = { .fleet = f, .policy = &r->policy, .journal = r->tap,
                                 .act = rig_act, .act_ctx = r, .trace_hash = true,
                                 .board = { .jobs_max = 1024 } };
    o.board.incidents_max = MW_MAX(256u, 2 * f->count[COMPONENT_NODE]);
    int rc = control_create(&o, &r->control, &err);
    if (rc == 0)
        rc = j->head.seq ? core_recover(r->control->core, use_snapshot, &err)
                         : control_begin(r->control, r->now_ns, &err);
    if (rc < 0)
        fail_msg("%s", err.text);
    rig_read(r);
    rig_forget(r);
    return r;
}

struct rig *rig_make(uint32_t nodes, const struct control_policy *p)
{
    struct fleet *f = NULL;
    struct journal *j = NULL;
    struct mw_error err = { 0 };
    if (site_simple(nodes, &f, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(journal_memory_create(NULL, &j), 0);
    struct control_policy standard = rig_policy();
    struct rig *r = rig_make_on(f, p ? p : &standard, j, false);
    r->own_fleet = true;
    return r;
}

void rig_free(struct rig *r)
{
    if (!r)
        return;
    control_destroy(r->control);
    journal_destroy(r->tap);
    if (r->own_fleet)
        fleet_destroy(r->fleet);
    for (uint32_t i = 0; i < r->log_length; i++)
        mw_free(r->log[i].tail);
    mw_free(r->log);
    mw_free(r->fact);
    mw_free(r->acted);
    mw_free(r->hash);
    mw_free(r);
}

/* ---- facts and time ------------------------------------------------------------------------- */

void rig_commit(struct rig *r)
{
    struct mw_error err = { 0 };
    if (core_commit(r->control->core, &err) < 0)
        fail_msg("%s", err.text);
    rig_read(r);
}

enum admit rig_submit(struct rig *r, const struct event *ev, const void *tail)
{
    struct mw_error err = { 0 };
    struct rig_fact f = { .now_ns = r->now_ns, .ev = *ev };
    if (!f.ev.observed_ns)
        f.ev.observed_ns = r->now_ns;
    assert_true(ev->tail_size <= sizeof(f.tail));
    if (ev->tail_size)
        memcpy(f.tail, tail, ev->tail_size);
    if (core_submit(r->control->core, r->now_ns, &f.ev, f.tail, &f.admit, &err) < 0)
        fail_msg("%s", err.text);
    rig_room((void **)&r->fact, r->facts, &r->facts_room, sizeof(r->fact[0]));
    f.seq_after = core_seq(r->control->core);
    r->fact[r->facts++] = f;
    if (!r->by_hand)
        rig_commit(r);
    return f.admit;
}

void rig_wait(struct rig *r, int64_t ns)
{
    struct mw_error err = { 0 };
    r->now_ns += ns;
    if (core_advance(r->control->core, r->now_ns, &err) < 0)
        fail_msg("%s", err.text);
    if (!r->by_hand)
        rig_commit(r);
}

/* ---- the record ----------------------------------------------------------------------------- */

void rig_forget(struct rig *r)
{
    r->mark = r->log_length;
}

void rig_expect(struct rig *r, const char *names)
{
    char got[EXPECT_MAX] = "";
    size_t at = 0;
    for (; r->mark < r->log_length; r->mark++) {
        const struct event *ev = &r->log[r->mark].ev;
        if (ev->kind == EV_TIMER_FIRED && ev->body.timer.plane == PLANE_WORK)
            continue;
        int n = snprintf(got + at, sizeof(got) - at, "%s%s", at ? " " : "",
                         event_info(ev->kind)->name);
        assert_true(n > 0 && at + (size_t)n < sizeof(got));
        at += (size_t)n;
    }
    assert_string_equal(got, names);
}

static bool is_about(const struct event *ev, uint32_t node)
{
    switch (ev->kind) {
    case EV_ORDER_OPENED:
    case EV_ORDER_TAKEN:
    case EV_ORDER_ENDED:
    case EV_ACTION_STARTED:
    case EV_ACTION_ENDED:
    case EV_ORDER_ESCALATED:
    case EV_ORDER_WITHDRAWN:
        return ev->body.order.node == node;
    case EV_STEP_CHOSEN:
        return ev->body.step.node == node;
    case EV_GATE_STARTED:
    case EV_GATE_ENDED:
        return ev->body.gate.node == node;
    case EV_NODE_MOVED:
        return ev->body.node.node == node;
    case EV_DRAIN_ORDERED:
        return ev->body.drain.node == node;
    case EV_ADVICE:
    case EV_GUARD_TRIPPED:
        return ev->body.advice.node == node;
    case EV_INCIDENT_OPENED:
    case EV_INCIDENT_JOINED:
    case EV_INCIDENT_CLOSED:
        return ev->body.incident.node == node;
    case EV_ATTEMPT_STOP:
        return ev->body.stop.node == node;
    default:
        return false;
    }
}

const struct rig_event *rig_last(const struct rig *r, uint32_t kind)
{
    for (uint32_t i = r->log_length; i-- > 0;)
        if (r->log[i].ev.kind == kind)
            return &r->log[i];
    fail_msg("no %s was recorded", event_info(kind)->name);
    return NULL;
}

const struct rig_event *rig_last_of(const struct rig *r, uint32_t kind, uint32_t node)
{
    for (uint32_t i = r->log_length; i-- > 0;)
        if (r->log[i].ev.kind == kind && is_about(&r->log[i].ev, node))
            return &r->log[i];
    fail_msg("no %s of node %u was recorded", event_info(kind)->name, node);
    return NULL;
}

uint32_t rig_count(const struct rig *r, uint32_t kind)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->log_length; i++)
        n += r->log[i].ev.kind == kind;
    return n;
}

struct mw_hash128 rig_hash(const struct rig *r)
{
    return core_state_hash(r->control->core);
}

/* ---- the record again ----------------------------------------------------------------------- */

struct gather {
    rig_group_fn *each;
    void *ctx;
    uint8_t *bytes;
    struct group g;
};

static int gather_visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct gather *k = ctx;
    if (k->g.count++ == 0)
        k->g.first_seq = ev->seq;
    memset(k->bytes + k->g.size, 0, event_frame_size(ev));
    memcpy(k->bytes + k->g.size, ev, sizeof(*ev));
    if (ev->tail_size)
        memcpy(k->bytes + k->g.size + sizeof(*ev), tail, ev->tail_size);
    k->g.size += (uint32_t)event_frame_size(ev);
    if (!last)
        return 0;
    k->each(k->ctx, &k->g);
    k->g = (struct group){ .bytes = k->bytes };
    return 0;
}

void rig_groups(const struct rig *r, rig_group_fn *each, void *ctx)
{
    struct gather k = { .each = each, .ctx = ctx, .bytes = mw_calloc(1, GROUP_BYTES_MAX) };
    assert_non_null(k.bytes);
    k.g.bytes = k.bytes;
    assert_int_equal(r->journal->ops->read(r->journal, 1, gather_visit, &k, NULL), 0);
    mw_free(k.bytes);
}

struct copy {
    struct journal *to;
    uint64_t seq_max;
};

static void copy_group(void *ctx, const struct group *g)
{
    const struct copy *k = ctx;
    if (g->first_seq + g->count - 1 > k->seq_max)
        return;
    assert_int_equal(k->to->ops->append(k->to, g, NULL), 0);
}

/* What the epoch at the beginning stands for. */
static void copy_blobs(const struct rig *r, struct journal *to)
{
    const struct body_epoch *e = &r->log[0].ev.body.epoch;
    const uint8_t *const sum[] = { e->rules, e->config };
    for (uint32_t i = 0; r->log_length && i < MW_ARRAY_LEN(sum); i++) {
        char *data = NULL;
        size_t size = 0;
        if (r->journal->ops->blob_get(r->journal, sum[i], &data, &size, NULL) == 0)
            assert_int_equal(to->ops->blob_put(to, sum[i], data, size, NULL), 0);
        mw_free(data);
    }
}

struct journal *rig_copy(const struct rig *r, uint64_t seq_max)
{
    struct copy k = { .seq_max = seq_max };
    assert_int_equal(journal_memory_create(NULL, &k.to), 0);
    rig_groups(r, copy_group, &k);
    copy_blobs(r, k.to);
    assert_int_equal(k.to->ops->commit(k.to, NULL), 0);
    assert_int_equal(k.to->head.seq, seq_max);
    return k.to;
}

void rig_repeat(struct rig *r, const struct rig *other, uint32_t from)
{
    for (uint32_t i = from; i < other->facts; i++) {
        const struct rig_fact *f = &other->fact[i];
        r->now_ns = f->now_ns;
        assert_int_equal(rig_submit(r, &f->ev, f->tail), f->admit);
    }
}
