/*
 * Numbered events of agents against a real controller, over connections that
 * break, a disk that is full and a daemon that dies.  What would break for the
 * user: an agent that is told that a fact is durable, and drops it, when the record
 * has it not.
 */
#include "live/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/units.h"
#include "core/journal_memory.h"
#include "fleet/site.h"
#include "live/agents_private.h"
#include "live/policy.h"
#include "live/spool.h"

#define T0 (1700000000 * MW_NS_PER_S)
#define NODES 8
#define NODE 3
#define FACTS 200
#define SEEDS 60
#define STEPS 300

struct bench {
    struct fleet *fleet;
    struct control_policy policy;
    struct journal *journal;
    const struct journal_ops *real_ops;
    struct journal_ops ops;
    struct live *live;
    struct live_options options;
    int64_t now_ns;
    bool disk_full;
    /* the agent */
    struct spool *spool;
    bool connected;
    uint64_t facts, acks;
    bool opened[FACTS + 1]; /* in the record, by its e */
    uint64_t seed, nth;
};

static struct bench *of_ops;

static int commit_or_fail(struct journal *j, struct mw_error *err)
{
    if (!of_ops->disk_full)
        return of_ops->real_ops->commit(j, err);
    return mw_fail(err, MW_ENOSPC, "no space left on device");
}

static uint64_t below(struct bench *b, uint64_t bound)
{
    return mw_random_below(mw_random_u64(b->seed, 7, 1, b->nth++), bound);
}

/* ---- the record ---------------------------------------------------------------------------- */

/* The fact of event e is a GPU at bus e that has gone. */
static uint32_t number_of(uint64_t e)
{
    return agents_number(LIVE_GPU, AGENT_GPUS_MAX + (uint32_t)e);
}

static int look(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct bench *b = ctx;
    (void)tail;
    (void)last;
    for (uint64_t e = 1; e <= b->facts; e++)
        if (ev->kind == EV_FINDING_OPENED && ev->body.finding.finding == number_of(e))
            b->opened[e] = true;
    return 0;
}

static void read_record(struct bench *b)
{
    memset(b->opened, 0, sizeof(b->opened));
    assert_int_equal(b->journal->ops->read(b->journal, 1, look, b, NULL), 0);
}

/* ---- the connection ------------------------------------------------------------------------ */

static bool send_frame(void *ctx, uint32_t peer, const struct agent_frame *f)
{
    struct bench *b = ctx;
    if (!b->connected || peer != NODE)
        return false;
    if (f->verb != AGENT_ACK)
        return true;
    read_record(b);
    for (uint64_t e = 1; e <= f->n; e++)
        if (!b->opened[e])
            fail_msg("seed %llu: %llu was acknowledged and is not in the record",
                     (unsigned long long)b->seed, (unsigned long long)e);
    b->acks++;
    if (below(b, 4) > 0) /* else the connection breaks before it arrives */
        spool_ack(b->spool, f->n);
    else
        b->connected = false;
    return true;
}

static void connect_agent(struct bench *b)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .boot = "boot" };
    struct mw_error err = { 0 };
    uint32_t got = MW_NONE;
    (void)snprintf(f.name, sizeof(f.name), "%s",
                   fleet_name(b->fleet, component_id(COMPONENT_NODE, NODE)));
    (void)snprintf(f.spool, sizeof(f.spool), "%s", spool_id(b->spool));
    f.e = spool_first(b->spool);
    assert_int_equal(live_agent_hello(b->live, b->now_ns, &f, &got, &err), 0);
    assert_int_equal(got, NODE);
    b->connected = true;
    spool_rewind(b->spool);
}

/* What one read of the socket gives: some lines, and one commit. */
static void deliver(struct bench *b)
{
    char out[4 * AGENT_FRAME_MAX];
    size_t n = spool_next(b->spool, out, 1000 + below(b, 4000));
    for (size_t at = 0; at < n && b->connected;) {
        struct agent_record r;
        struct agent_frame f;
        assert_int_equal(agent_record_first(out + at, n - at, &r, NULL), 1);
        assert_int_equal(agent_frame_read(out + at, r.size, &f, NULL), 0);
        live_agent_heard_more(b->live, b->now_ns, NODE, &f);
        at += r.whole;
    }
    (void)!live_agents_end(b->live, b->now_ns, NULL);
}

static void happen(struct bench *b)
{
    char line[128];
    uint64_t e = 0;
    if (b->facts == FACTS)
        return;
    b->facts++;
    int n = snprintf(line, sizeof(line), "kmsg text=NVRM:%%20Xid%%20(PCI:0000:%02x:00):%%2079,"
                     "%%20GPU%%20has%%20fallen%%20off%%20the%%20bus.\n", (unsigned)b->facts);
    assert_int_equal(spool_put(b->spool, line, (size_t)n, &e, NULL), 0);
    assert_int_equal(e, b->facts);
}

/* ---- the daemon ---------------------------------------------------------------------------- */

static void begin_live(struct bench *b)
{
    struct mw_error err = { 0 };
    if (live_create(&b->options, b->now_ns, &b->live, &err) != 0)
        fail_msg("%s", err.text);
}

/* It dies: what was not committed is gone. */
static void restart(struct bench *b)
{
    live_destroy(TAKE(b->live));
    b->journal->ops = b->real_ops;
    journal_memory_crash(b->journal);
    b->journal->ops = &b->ops;
    b->disk_full = false;
    b->connected = false;
    begin_live(b);
}

static struct bench *bench_make(uint64_t seed)
{
    struct bench *b = calloc(1, sizeof(*b));
    const struct journal_memory_options memory = { .chain = true };
    const struct spool_options spool = { .boot = "boot" };
    struct mw_error err = { 0 };
    of_ops = b;
    b->seed = seed;
    b->now_ns = T0;
    b->policy = live_policy();
    assert_int_equal(site_simple(NODES, &b->fleet, &err), 0);
    assert_int_equal(journal_memory_create(&memory, &b->journal), 0);
    assert_int_equal(spool_open(&spool, &b->spool, &err), 0);
    b->real_ops = b->journal->ops;
    b->ops = *b->real_ops;
    b->ops.commit = commit_or_fail;
    b->journal->ops = &b->ops;
    b->options = (struct live_options){ .fleet = b->fleet, .policy = &b->policy,
                                        .journal = b->journal, .mode = MODE_OBSERVE,
                                        .send = send_frame, .send_ctx = b };
    begin_live(b);
    return b;
}

static void bench_free(struct bench *b)
{
    live_destroy(b->live);
    b->journal->ops = b->real_ops;
    journal_destroy(b->journal);
    fleet_destroy(b->fleet);
    spool_close(b->spool);
    free(b);
}

/* ---- stories ------------------------------------------------------------------------------- */

static void wait_a_moment(struct bench *b)
{
    b->now_ns += 200 * MW_NS_PER_MS;
    (void)!live_tick(b->live, b->now_ns, NULL);
}

static void step(struct bench *b)
{
    switch (below(b, 16)) {
    case 0:
        b->disk_full = !b->disk_full;
        return;
    case 1:
        restart(b);
        return;
    case 2:
        b->connected = false;
        return;
    case 3:
        spool_rewind(b->spool); /* no acknowledgement for a while: sent again, on the same line */
        return;
    case 4:
    case 5:
    case 6:
        wait_a_moment(b);
        return;
    case 7:
    case 8:
    case 9:
        if (!b->connected)
            connect_agent(b);
        else
            deliver(b);
        return;
    default:
        happen(b);
    }
}

static void whatever_happens_no_fact_is_lost_and_none_is_acknowledged_too_early(void **state)
{
    uint64_t acks = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct bench *b = bench_make(seed);
        for (int i = 0; i < STEPS; i++)
            step(b);
        b->disk_full = false;
        for (int i = 0; i < 1000 && spool_unacked(b->spool) > 0; i++) {
            wait_a_moment(b);
            if (!b->connected)
                connect_agent(b);
            if (!spool_waits(b->spool))
                spool_rewind(b->spool);
            deliver(b);
        }
        assert_int_equal(spool_unacked(b->spool), 0);
        restart(b);
        read_record(b);
        for (uint64_t e = 1; e <= b->facts; e++)
            assert_true(b->opened[e]);
        acks += b->acks;
        bench_free(b);
    }
    assert_true(acks > 10 * SEEDS);
}

static void an_event_that_comes_again_changes_nothing(void **state)
{
    struct bench *b = bench_make(1);
    (void)state;
    b->connected = true;
    happen(b);
    connect_agent(b);
    deliver(b);
    uint64_t seq = b->journal->head.seq;
    spool_rewind(b->spool);
    b->connected = true;
    connect_agent(b);
    b->facts = 1;
    char line[256];
    size_t n = spool_next(b->spool, line, sizeof(line));
    struct agent_frame f;
    if (n > 0) { /* its acknowledgement was lost */
        assert_int_equal(agent_frame_read(line, n - 1, &f, NULL), 0);
        assert_int_equal(live_agent_heard(b->live, b->now_ns, NODE, &f, NULL), 0);
        assert_int_equal(live_agents_stats(b->live).events_again, 1);
    }
    assert_int_equal(b->journal->head.seq, seq);
    bench_free(b);
}

static void an_event_past_one_that_was_not_taken_waits_for_it(void **state)
{
    struct bench *b = bench_make(2);
    struct agent_frame f = { .verb = AGENT_KMSG, .e = 2,
                             .text = "NVRM: Xid (PCI:0000:02:00): 79, GPU has fallen off" };
    (void)state;
    happen(b);
    happen(b);
    connect_agent(b);
    assert_int_equal(live_agent_heard(b->live, b->now_ns, NODE, &f, NULL), 0);
    assert_int_equal(live_agents_stats(b->live).events_early, 1);
    read_record(b);
    assert_false(b->opened[2]);
    for (int i = 0; i < 50 && spool_unacked(b->spool) > 0; i++) {
        if (!b->connected)
            connect_agent(b);
        spool_rewind(b->spool);
        deliver(b);
    }
    read_record(b);
    assert_true(b->opened[1] && b->opened[2]);
    bench_free(b);
}

struct seen {
    int64_t observed_ns, time_ns;
};

static int see(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct seen *s = ctx;
    (void)tail;
    (void)last;
    if (ev->kind == EV_FINDING_OPENED)
        *s = (struct seen){ .observed_ns = ev->observed_ns, .time_ns = ev->time_ns };
    return 0;
}

/* Faults of one cause are told by their times: the link's outage must not make them look late. */
static void a_fact_that_waited_for_the_link_is_recorded_as_of_when_it_happened(void **state)
{
    static const struct {
        int64_t at_ms, observed_ns;
    } says[] = {
        { T0 / MW_NS_PER_MS - 60000, T0 - 60 * MW_NS_PER_S },
        { T0 / MW_NS_PER_MS + 5000, T0 },           /* its clock is ahead: not in the future */
        { T0 / MW_NS_PER_MS - INT64_C(86400000) * 365, T0 }, /* a clock that was never set */
        { 0, T0 },
    };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(says); i++) {
        struct bench *b = bench_make(4);
        struct seen s = { 0 };
        struct agent_frame f = { .verb = AGENT_KMSG, .e = 1, .at_ms = says[i].at_ms,
                                 .text = "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off" };
        b->facts = 1;
        connect_agent(b);
        assert_int_equal(live_agent_heard(b->live, T0, NODE, &f, NULL), 0);
        assert_int_equal(b->journal->ops->read(b->journal, 1, see, &s, NULL), 0);
        assert_int_equal(s.observed_ns, says[i].observed_ns);
        assert_int_equal(s.time_ns, T0);
        bench_free(b);
    }
}

static void an_agent_of_version_1_needs_no_numbers(void **state)
{
    struct bench *b = bench_make(3);
    struct agent_frame f = { .verb = AGENT_HELLO, .version = 1, .boot = "boot" };
    struct agent_frame k = { .verb = AGENT_KMSG,
                             .text = "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off" };
    uint32_t got = MW_NONE;
    (void)state;
    b->facts = 1;
    b->connected = true;
    (void)snprintf(f.name, sizeof(f.name), "%s",
                   fleet_name(b->fleet, component_id(COMPONENT_NODE, NODE)));
    assert_int_equal(live_agent_hello(b->live, b->now_ns, &f, &got, NULL), 0);
    assert_int_equal(live_agent_heard(b->live, b->now_ns, NODE, &k, NULL), 0);
    read_record(b);
    assert_true(b->opened[1]);
    assert_int_equal(b->acks, 0);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_no_fact_is_lost_and_none_is_acknowledged_too_early),
        cmocka_unit_test(an_event_that_comes_again_changes_nothing),
        cmocka_unit_test(an_event_past_one_that_was_not_taken_waits_for_it),
        cmocka_unit_test(a_fact_that_waited_for_the_link_is_recorded_as_of_when_it_happened),
        cmocka_unit_test(an_agent_of_version_1_needs_no_numbers),
    };
    return cmocka_run_group_tests_name("live/live_events", tests, NULL, NULL);
}
