/* The loop with planes of straw: order, groups, commits, sources, timers, the way back. */
#include "core/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"
#include "core/journal_memory.h"

#define SOURCES 32

/*
 * A plane of straw.  A command whose `hall` is the plane's number asks it for `node` decisions
 * (orders when mode is 1, drains when it is 2, else node.moved); `slot` is the answer of admit();
 * a command with ref 777 does not fit the state of the plane whose number is `hall`.
 */
struct straw {
    uint32_t id, wanted, used;
    uint8_t mode;
    uint64_t sum, row[16];
    int64_t due;
    uint64_t due_id, pending;
    struct column column[4];
    char *calls; /* shared by all */
};

struct bench {
    struct straw straw[PLANE_COUNT];
    char calls[4096];
    struct journal *journal;
    struct journal_ops ops; /* of the journal, some replaced */
    struct core *core;
    uint64_t acted[256];
    uint32_t acts, trip_at; /* the guard refuses drains when set, and trips */
};

static void note(struct straw *s, const char *what)
{
    size_t at = strlen(s->calls);
    if (at + 3 < sizeof(((struct bench *)0)->calls)) {
        s->calls[at] = "bgcmw"[s->id];
        s->calls[at + 1] = what[0];
        s->calls[at + 2] = '\0';
    }
}

static enum admit straw_admit(const void *self, const struct event *ev, const void *tail)
{
    (void)self;
    (void)tail;
    return ev->kind == EV_COMMAND ? (enum admit)ev->body.command.slot : ADMIT_OK;
}

static uint8_t straw_apply(void *self, const struct event *ev, const void *tail)
{
    struct straw *s = self;
    note(s, ev->kind == EV_COMMAND ? "C" : ev->kind == EV_TIMER_FIRED ? "T" : "d");
    s->sum = mw_mix64(s->sum + ev->seq * 31 + ev->kind + (tail ? *(const uint8_t *)tail : 0));
    s->row[s->used % 16] = s->sum;
    s->used = MW_MIN(s->used + 1, 16u);
    if (ev->kind == EV_TIMER_FIRED && ev->body.timer.plane == s->id)
        s->due = MW_NEVER;
    if (ev->kind == EV_COMMAND && ev->body.command.hall == s->id) {
        s->wanted = ev->body.command.node;
        s->mode = ev->body.command.mode;
        return ev->body.command.ref == 777 ? 9 : 0;
    }
    if (event_info(ev->kind)->class == EVENT_DECISION && s->wanted > 0)
        s->wanted--;
    if (ev->kind == EV_ORDER_OPENED)
        s->pending = ev->seq;
    return 0;
}

static bool straw_decide(void *self, struct decision *out)
{
    struct straw *s = self;
    if (s->wanted == 0)
        return false;
    out->ev.kind = s->mode == 1 ? EV_ORDER_OPENED : s->mode == 2 ? EV_DRAIN_ORDERED : EV_NODE_MOVED;
    return true;
}

static void straw_quiet(void *self)
{
    ((struct straw *)self)->wanted = 0;
}

static int64_t straw_due(const void *self, uint64_t *ret_id)
{
    *ret_id = ((const struct straw *)self)->due_id;
    return ((const struct straw *)self)->due;
}

static uint64_t straw_pending(const void *self, uint32_t *at)
{
    return (*at)++ == 0 ? ((const struct straw *)self)->pending : 0;
}

static struct column_list straw_columns(const void *self)
{
    const struct straw *s = self;
    return (struct column_list){ .owner = "straw", .item = s->column, .length = 4 };
}

static enum guard_reason straw_check(const void *self, const struct event *d, bool *trips)
{
    const struct bench *b = self;
    (void)d;
    *trips = b->trip_at != 0;
    return b->trip_at ? GUARD_HALL_RATE : GUARD_PASS;
}

static void straw_lower(const void *self, enum guard_reason reason, struct event *d,
                        struct event *tripped)
{
    (void)self;
    *d = (struct event){ .kind = EV_ADVICE, .cause = d->cause };
    d->body.advice.reason = (uint8_t)reason;
    if (tripped) {
        *tripped = *d;
        tripped->kind = EV_GUARD_TRIPPED;
    }
}

static void bench_act(void *ctx, const struct event *action, const void *tail)
{
    struct bench *b = ctx;
    (void)tail;
    assert_true(action->seq <= b->journal->head.seq); /* never before it is committed */
    assert_true(b->acts < MW_ARRAY_LEN(b->acted));
    b->acted[b->acts++] = action->seq;
}

static struct bench *bench_on(struct journal *j, bool rederiving)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct plane plane[PLANE_COUNT];
    b->journal = j;
    for (uint32_t p = 0; p < PLANE_COUNT; p++) {
        struct straw *s = &b->straw[p];
        s->id = p;
        s->due = MW_NEVER;
        s->calls = b->calls;
        const struct column column[4] = { COLUMN("used", &s->used, 1, NULL),
                                          COLUMN("sum", &s->sum, 1, NULL),
                                          COLUMN("row", s->row, 16, &s->used),
                                          COLUMN("pending", &s->pending, 1, NULL) };
        memcpy(s->column, column, sizeof(column));
        plane[p] = (struct plane){ .name = "straw", .self = s, .admit = straw_admit,
                                   .apply = straw_apply, .decide = straw_decide,
                                   .quiet = straw_quiet, .next_due = straw_due,
                                   .pending = straw_pending, .columns = straw_columns };
    }
    const struct core_config config = { .journal = j, .plane = plane, .sources_max = SOURCES,
                                        .guard = { .self = b, .check = straw_check,
                                                   .lower = straw_lower },
                                        .act = bench_act, .act_ctx = b, .trace_hash = true,
                                        .rederiving = rederiving };
    assert_int_equal(core_create(&config, &b->core, NULL), 0);
    return b;
}

static struct bench *bench_make(void)
{
    struct journal *j = NULL;
    assert_int_equal(journal_memory_create(NULL, &j), 0);
    return bench_on(j, false);
}

static void bench_free(struct bench *b, bool with_journal)
{
    core_destroy(b->core);
    if (with_journal)
        journal_destroy(b->journal);
    free(b);
}

static struct event command(uint32_t plane, uint32_t decisions, uint8_t mode)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 1 };
    ev.body.command.hall = plane;
    ev.body.command.node = decisions;
    ev.body.command.mode = mode;
    return ev;
}

static enum admit submit(struct bench *b, int64_t now_ns, const struct event *ev)
{
    enum admit a = ADMIT_COUNT;
    assert_int_equal(core_submit(b->core, now_ns, ev, ev->tail_size ? "tail" : NULL, &a, NULL), 0);
    return a;
}

/* Kinds of the committed record from `from` on. */
struct kinds {
    uint16_t kind[512];
    uint64_t cause[512];
    int64_t time[512];
    uint32_t length, groups;
};

static int kinds_visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct kinds *k = ctx;
    (void)tail;
    assert_true(k->length < 512);
    k->kind[k->length] = ev->kind;
    k->time[k->length] = ev->time_ns;
    k->cause[k->length++] = ev->cause;
    k->groups += last;
    return 0;
}

static struct kinds record(struct bench *b)
{
    struct kinds k = { .length = 0 };
    assert_int_equal(core_commit(b->core, NULL), 0);
    assert_int_equal(b->journal->ops->read(b->journal, 1, kinds_visit, &k, NULL), 0);
    return k;
}

/* ---- groups --------------------------------------------------------------------------------- */

static void a_fact_and_its_cascade_are_one_group_and_every_plane_sees_it_in_order(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = command(PLANE_CARE, 2, 0);
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    /* command: guard care money work; then one decision after the other, each shown to all */
    assert_string_equal(b->calls, "gCcCmCwC" "gdcdmdwd" "gdcdmdwd");
    assert_int_equal(b->journal->head.seq, 0);
    struct kinds k = record(b);
    assert_int_equal(k.groups, 1);
    assert_int_equal(k.length, 3);
    assert_int_equal(k.kind[0], EV_COMMAND);
    assert_int_equal(k.kind[2], EV_NODE_MOVED);
    assert_int_equal(k.cause[1], 1);
    assert_int_equal(k.cause[2], 1);
    assert_int_equal(core_stats(b->core)->decisions, 2);
    bench_free(b, true);
}

static void nothing_is_handed_out_before_it_is_durable(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = command(PLANE_CARE, 3, 1);
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    assert_int_equal(b->acts, 0);
    assert_int_equal(core_commit(b->core, NULL), 0); /* bench_act checks the head too */
    assert_int_equal(b->acts, 6);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(b->acted[i], i < 3 ? 2 + i : 3 + i);
    assert_int_equal(core_commit(b->core, NULL), 0);
    assert_int_equal(b->acts, 6);
    bench_free(b, true);
}

static int no_commit(struct journal *j, struct mw_error *err)
{
    (void)j;
    return mw_fail(err, MW_ENOSPC, "full");
}

static int no_append(struct journal *j, const struct group *g, struct mw_error *err)
{
    (void)j;
    (void)g;
    return mw_fail(err, MW_EIO, "gone");
}

static void a_commit_that_fails_can_be_tried_again(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    const struct journal_ops *good = b->journal->ops;
    struct event ev = command(PLANE_CARE, 1, 1);
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    b->ops = *good;
    b->ops.commit = no_commit;
    b->journal->ops = &b->ops;
    assert_int_equal(core_commit(b->core, NULL), MW_ENOSPC);
    assert_int_equal(b->acts, 0);
    b->journal->ops = good;
    assert_int_equal(core_commit(b->core, NULL), 0);
    assert_int_equal(b->acts, 1);
    bench_free(b, true);
}

static void a_journal_that_takes_nothing_more_stops_the_core(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    const struct journal_ops *good = b->journal->ops;
    struct event ev = command(PLANE_CARE, 1, 1);
    struct mw_error err = { 0 };
    enum admit a;
    b->ops = *good;
    b->ops.append = no_append;
    b->journal->ops = &b->ops;
    assert_int_equal(core_submit(b->core, 1000, &ev, NULL, &a, &err), MW_EIO);
    b->journal->ops = good; /* too late: the state is ahead of the record */
    assert_int_equal(core_submit(b->core, 1000, &ev, NULL, &a, &err), MW_EIO);
    assert_int_equal(core_advance(b->core, 2000, &err), MW_EIO);
    assert_int_equal(core_commit(b->core, &err), MW_EIO);
    assert_int_equal(b->acts, 0);
    assert_non_null(strstr(err.text, "recover"));
    bench_free(b, true);
}

static void a_cascade_of_64_decisions_is_quiet_and_one_of_65_is_stopped(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = command(PLANE_CARE, CORE_ROUNDS_MAX, 0);
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    assert_int_equal(core_stats(b->core)->cascades_stopped, 0);
    assert_int_equal(core_stats(b->core)->rounds_max, CORE_ROUNDS_MAX);
    ev = command(PLANE_CARE, CORE_ROUNDS_MAX + 1, 0);
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    assert_int_equal(core_stats(b->core)->cascades_stopped, 1);
    struct kinds k = record(b);
    assert_int_equal(k.length, 2 * (1 + CORE_ROUNDS_MAX) + 1);
    assert_int_equal(k.kind[k.length - 1], EV_CASCADE_STOPPED);
    ev = command(PLANE_CARE, 1, 0);
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK); /* what was left over is dropped */
    assert_int_equal(core_seq(b->core), k.length + 2);
    bench_free(b, true);
}

static void what_does_not_fit_is_recorded_beside_the_event(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = command(PLANE_MONEY, 1, 0);
    ev.body.command.ref = 777;
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    struct kinds k = record(b);
    assert_int_equal(k.length, 3);
    assert_int_equal(k.kind[1], EV_CONTRADICTION);
    assert_int_equal(k.kind[2], EV_NODE_MOVED); /* life goes on */
    struct event got;
    assert_int_equal(b->journal->ops->get(b->journal, 2, &got, NULL, NULL), 0);
    assert_int_equal(got.body.contradiction.plane, PLANE_MONEY);
    assert_int_equal(got.body.contradiction.code, 9);
    assert_int_equal(got.body.contradiction.event, 1);
    struct bench *again = bench_on(b->journal, false);
    assert_int_equal(core_recover(again->core, false, NULL), 0);
    assert_int_equal(core_seq(again->core), 3); /* not a second time */
    assert_true(mw_hash128_equal(core_state_hash(b->core), core_state_hash(again->core)));
    assert_true(mw_hash128_equal(core_trace_hash(b->core), core_trace_hash(again->core)));
    bench_free(again, false);
    bench_free(b, true);
}

static void the_guard_turns_what_takes_into_advice_unless_a_person_asks(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = command(PLANE_CARE, 1, 2);
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    b->trip_at = 1;
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    struct kinds k = record(b);
    const uint16_t want[] = { EV_COMMAND, EV_DRAIN_ORDERED, EV_COMMAND, EV_ADVICE,
                              EV_GUARD_TRIPPED };
    assert_int_equal(k.length, MW_ARRAY_LEN(want));
    assert_memory_equal(k.kind, want, sizeof(want));
    assert_int_equal(core_stats(b->core)->trips, 1);
    assert_int_equal(core_stats(b->core)->advice, 1);
    bench_free(b, true);
}

/* ---- admission ------------------------------------------------------------------------------ */

static void facts_of_a_source_are_taken_in_its_order(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = command(PLANE_CARE, 0, 0);
    ev.source_seq = 1;
    ev.seq = 1;
    assert_int_equal(submit(b, 1, &ev), ADMIT_OK);
    assert_int_equal(submit(b, 1, &ev), ADMIT_DUPLICATE);
    ev.source_seq = 3;
    assert_int_equal(submit(b, 1, &ev), ADMIT_GAP);
    assert_int_equal(core_source_seq(b->core, SOURCE_PERSON), 1);
    ev.source_seq = 2;
    ev.body.command.slot = ADMIT_STALE; /* refused for good: counted all the same */
    assert_int_equal(submit(b, 1, &ev), ADMIT_STALE);
    assert_int_equal(core_source_seq(b->core, SOURCE_PERSON), 2);
    ev.body.command.slot = 0;
    ev.source_seq = 3;
    assert_int_equal(submit(b, 1, &ev), ADMIT_OK);
    ev.source_seq = 9; /* 4 to 8 were acknowledged as refused in an earlier life */
    ev.seq = 9;
    assert_int_equal(submit(b, 1, &ev), ADMIT_OK);
    ev.source_seq = 11;
    ev.seq = 10;
    assert_int_equal(submit(b, 1, &ev), ADMIT_GAP);
    ev.source = SOURCE_TENANT; /* another source counts for itself */
    ev.source_seq = ev.seq = 1;
    assert_int_equal(submit(b, 1, &ev), ADMIT_OK);
    ev.source = SOURCES;
    assert_int_equal(submit(b, 1, &ev), ADMIT_IMPOSSIBLE);
    bench_free(b, true);
}

static void a_refused_fact_changes_no_state(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = command(PLANE_CARE, 3, 0);
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    struct mw_hash128 was = core_state_hash(b->core);
    for (uint32_t a = ADMIT_DUPLICATE; a < ADMIT_GAP; a++) {
        ev.body.command.slot = a;
        ev.source_seq++;
        assert_int_equal(submit(b, 2000, &ev), a);
        assert_int_equal(core_stats(b->core)->refused[a], 1);
    }
    assert_true(mw_hash128_equal(core_state_hash(b->core), was));
    assert_int_equal(core_seq(b->core), 4);
    bench_free(b, true);
}

static void only_facts_that_can_be_are_taken(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = command(PLANE_CARE, 0, 0);
    const uint16_t never[] = { EV_NONE, 9, EVENT_KIND_MAX, UINT16_MAX, EV_NODE_MOVED, EV_ADVICE };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(never); i++) {
        ev.kind = never[i];
        assert_int_equal(submit(b, 1, &ev), ADMIT_IMPOSSIBLE);
    }
    ev.kind = EV_FINDING_OPENED;
    ev.tail_size = 4; /* a finding has no tail */
    assert_int_equal(submit(b, 1, &ev), ADMIT_IMPOSSIBLE);
    ev = command(PLANE_CARE, 0, 0);
    ev.flags = 1;
    assert_int_equal(submit(b, 1, &ev), ADMIT_IMPOSSIBLE);
    ev.flags = 0;
    ev.tail_size = 4;
    assert_int_equal(submit(b, 1, &ev), ADMIT_OK);
    bench_free(b, true);
}

static void bug_a_timer_is_fired_by_the_core_alone(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = { .kind = EV_TIMER_FIRED, .source = SOURCE_CLOCK };
    assert_int_equal(submit(b, 1, &ev), ADMIT_IMPOSSIBLE);
    bench_free(b, true);
}

/* ---- time ----------------------------------------------------------------------------------- */

static void timers_fire_in_order_of_due_time_and_plane_before_the_fact(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    b->straw[PLANE_WORK].due = 700;
    b->straw[PLANE_CARE].due = 700;
    b->straw[PLANE_CARE].due_id = 11;
    assert_int_equal(core_next_due(b->core), 700);
    struct event ev = command(PLANE_CARE, 0, 0);
    assert_int_equal(submit(b, 900, &ev), ADMIT_OK);
    assert_int_equal(core_next_due(b->core), MW_NEVER);
    struct kinds k = record(b);
    assert_int_equal(k.length, 3);
    assert_int_equal(k.groups, 3);
    struct event got[2];
    for (uint64_t i = 0; i < 2; i++)
        assert_int_equal(b->journal->ops->get(b->journal, i + 1, &got[i], NULL, NULL), 0);
    assert_int_equal(got[0].body.timer.plane, PLANE_CARE);
    assert_int_equal(got[0].body.timer.id, 11);
    assert_int_equal(got[0].time_ns, 700);
    assert_int_equal(got[1].body.timer.plane, PLANE_WORK);
    assert_int_equal(k.kind[2], EV_COMMAND);
    b->straw[PLANE_WORK].due = 1000;
    b->straw[PLANE_CARE].due = 1100;
    assert_int_equal(submit(b, 1200, &ev), ADMIT_OK);
    k = record(b);
    assert_int_equal(k.length, 6);
    for (uint64_t i = 0; i < 2; i++)
        assert_int_equal(b->journal->ops->get(b->journal, i + 4, &got[i], NULL, NULL), 0);
    assert_int_equal(got[0].body.timer.plane, PLANE_WORK);
    assert_int_equal(got[0].time_ns, 1000);
    assert_int_equal(got[1].body.timer.plane, PLANE_CARE);
    bench_free(b, true);
}

static void bug_a_late_fact_comes_after_the_timers_of_its_raised_time(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = command(PLANE_CARE, 0, 0);
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    b->straw[PLANE_WORK].due = 1000; /* as a plane may do when it is asked at 1000 */
    assert_int_equal(submit(b, 400, &ev), ADMIT_OK);
    struct kinds k = record(b);
    assert_int_equal(k.length, 3);
    assert_int_equal(k.kind[1], EV_TIMER_FIRED);
    assert_int_equal(k.time[2], 1000);
    assert_int_equal(core_now(b->core), 1000);
    bench_free(b, true);
}

/* ---- the way back --------------------------------------------------------------------------- */

static void fill(struct bench *b)
{
    for (uint32_t i = 0; i < 6; i++) {
        struct event ev = command(i % PLANE_COUNT, i, (uint8_t)(i % 2));
        ev.source_seq = i + 1;
        ev.tail_size = i % 3 ? 4 : 0;
        assert_int_equal(submit(b, 1000 * i, &ev), ADMIT_OK);
    }
    assert_int_equal(core_commit(b->core, NULL), 0);
}

static void a_snapshot_and_the_record_give_the_same_state(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    fill(b);
    assert_int_equal(core_snapshot(b->core, NULL), 0);
    struct event ev = command(PLANE_CARE, 2, 1);
    ev.source_seq = 7;
    assert_int_equal(submit(b, 9000, &ev), ADMIT_OK);
    assert_int_equal(core_commit(b->core, NULL), 0);
    for (uint32_t with = 0; with < 2; with++) {
        struct bench *again = bench_on(b->journal, false);
        assert_int_equal(core_recover(again->core, with == 1, NULL), 0);
        assert_true(mw_hash128_equal(core_state_hash(b->core), core_state_hash(again->core)));
        assert_int_equal(core_source_seq(again->core, SOURCE_PERSON), 7);
        assert_int_equal(core_now(again->core), 9000);
        /* a plane tells of its newest order only: a pending action goes out again */
        assert_int_equal(again->acts, 1);
        assert_int_equal(again->acted[0], b->straw[PLANE_CARE].pending);
        bench_free(again, false);
    }
    bench_free(b, true);
}

/* Puts these bytes in place of the snapshot and recovers. */
static int recover_from(struct bench *b, const char *data, size_t size, struct mw_error *err)
{
    assert_int_equal(b->journal->ops->snapshot_put(b->journal, core_seq(b->core), data, size, NULL),
                     0);
    struct bench *again = bench_on(b->journal, false);
    int r = core_recover(again->core, true, err);
    bench_free(again, false);
    return r;
}

static void a_snapshot_cut_anywhere_or_with_bytes_to_spare_is_refused(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    fill(b);
    assert_int_equal(core_snapshot(b->core, NULL), 0);
    char *data = NULL;
    size_t size = 0;
    uint64_t seq = 0;
    assert_int_equal(b->journal->ops->snapshot_get(b->journal, UINT64_MAX, &seq, &data, &size,
                                                   NULL), 0);
    for (size_t cut = 0; cut < size; cut++) {
        struct mw_error err = { 0 };
        int r = recover_from(b, data, cut, &err);
        assert_true(r == MW_ECORRUPT || r == MW_EVERSION);
        assert_non_null(strstr(err.text, "snapshot"));
    }
    char *longer = calloc(1, size + 1);
    memcpy(longer, data, size);
    assert_int_equal(recover_from(b, longer, size + 1, NULL), MW_ECORRUPT);
    longer[0] ^= 1;
    assert_int_equal(recover_from(b, longer, size, NULL), MW_EVERSION);
    assert_int_equal(recover_from(b, data, size, NULL), 0);
    free(longer);
    mw_free(data);
    bench_free(b, true);
}

static void a_record_with_sources_this_site_has_not_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    _Alignas(8) struct event ev = command(PLANE_CARE, 0, 0);
    ev.seq = 1;
    ev.epoch = b->journal->epoch;
    ev.version = EVENT_VERSION;
    ev.source = SOURCES + 5;
    const struct group g = { .first_seq = 1, .count = 1, .size = sizeof(ev), .bytes = &ev };
    assert_int_equal(b->journal->ops->append(b->journal, &g, NULL), 0);
    assert_int_equal(b->journal->ops->commit(b->journal, NULL), 0);
    struct mw_error err = { 0 };
    assert_int_equal(core_recover(b->core, false, &err), MW_ECORRUPT);
    assert_non_null(strstr(err.text, "site file"));
    bench_free(b, true);
}

static void a_core_that_rederives_hands_nothing_out(void **state)
{
    (void)state;
    struct journal *j = NULL;
    assert_int_equal(journal_memory_create(NULL, &j), 0);
    struct bench *b = bench_on(j, true);
    struct event ev = command(PLANE_CARE, 3, 1);
    assert_int_equal(submit(b, 1000, &ev), ADMIT_OK);
    assert_int_equal(core_commit(b->core, NULL), 0);
    assert_int_equal(b->acts, 0);
    bench_free(b, true);
}

static void many_groups_are_committed_by_themselves(void **state)
{
    (void)state;
    struct bench *b = bench_make();
    struct event ev = command(PLANE_CARE, 0, 0);
    for (uint32_t i = 1; i <= CORE_STAGED_MAX; i++)
        assert_int_equal(submit(b, i, &ev), ADMIT_OK);
    assert_int_equal(b->journal->head.seq, 0);
    assert_int_equal(submit(b, CORE_STAGED_MAX + 1, &ev), ADMIT_OK);
    assert_int_equal(b->journal->head.seq, CORE_STAGED_MAX);
    bench_free(b, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fact_and_its_cascade_are_one_group_and_every_plane_sees_it_in_order),
        cmocka_unit_test(nothing_is_handed_out_before_it_is_durable),
        cmocka_unit_test(a_commit_that_fails_can_be_tried_again),
        cmocka_unit_test(a_journal_that_takes_nothing_more_stops_the_core),
        cmocka_unit_test(a_cascade_of_64_decisions_is_quiet_and_one_of_65_is_stopped),
        cmocka_unit_test(what_does_not_fit_is_recorded_beside_the_event),
        cmocka_unit_test(the_guard_turns_what_takes_into_advice_unless_a_person_asks),
        cmocka_unit_test(facts_of_a_source_are_taken_in_its_order),
        cmocka_unit_test(a_refused_fact_changes_no_state),
        cmocka_unit_test(only_facts_that_can_be_are_taken),
        cmocka_unit_test(bug_a_timer_is_fired_by_the_core_alone),
        cmocka_unit_test(timers_fire_in_order_of_due_time_and_plane_before_the_fact),
        cmocka_unit_test(bug_a_late_fact_comes_after_the_timers_of_its_raised_time),
        cmocka_unit_test(a_snapshot_and_the_record_give_the_same_state),
        cmocka_unit_test(a_snapshot_cut_anywhere_or_with_bytes_to_spare_is_refused),
        cmocka_unit_test(a_record_with_sources_this_site_has_not_is_refused_with_a_reason),
        cmocka_unit_test(a_core_that_rederives_hands_nothing_out),
        cmocka_unit_test(many_groups_are_committed_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
