/* A copy of the site beside its writer: the same state at every commit, whatever comes between. */
#include "api/replica.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/bench.h"
#include "store/journal_sqlite.h"
#include "store/store_testing.h"

/* A writer with a record on disk, and a replica of it. */
struct pair {
    char journal[256];
    struct bench *writer;
    struct replica *replica;
    uint64_t told, groups; /* the last event that the listener heard; ends of groups */
};

static void on_told(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct pair *p = ctx;
    assert_int_equal(ev->seq, p->told + 1);
    assert_true((tail != NULL) == (ev->tail_size > 0));
    p->told = ev->seq;
    p->groups += last;
}

static void open_replica(struct pair *p, const uint8_t *rules)
{
    struct mw_error err = { 0 };
    const struct replica_options o = { .journal_dir = p->journal, .rules = rules };
    if (replica_create(&o, &p->replica, &err) < 0)
        fail_msg("%s", err.text);
    replica_listen(p->replica, on_told, p);
    p->told = replica_seq(p->replica);
}

static struct pair *pair_make(void)
{
    struct pair *p = calloc(1, sizeof(*p));
    testing_dir(p->journal);
    p->writer = bench_make_in(MODE_ACT, p->journal, 0);
    return p;
}

static void pair_free(struct pair *p)
{
    replica_destroy(p->replica);
    bench_free(p->writer);
    testing_dir_remove(p->journal);
    free(p);
}

static void catch_up(struct pair *p)
{
    struct mw_error err = { 0 };
    bool more = true;
    while (more)
        if (replica_catch_up(p->replica, 0, &more, &err) < 0)
            fail_msg("%s", err.text);
}

/* The writer's state and the copy's are the same, bit by bit. */
static void same(struct pair *p)
{
    const struct control *w = live_control(p->writer->live), *r = replica_control(p->replica);
    assert_int_equal(replica_seq(p->replica), core_seq(w->core));
    assert_int_equal(core_now(r->core), core_now(w->core));
    assert_true(mw_hash128_equal(core_state_hash(r->core), core_state_hash(w->core)));
}

/* Something that fills several planes. */
static void happen(struct pair *p, uint32_t i)
{
    struct bench *b = p->writer;
    uint32_t node = i * 7 % NODES;
    switch (i % 4) {
    case 0:
        assert_int_equal(act(b, API_HOLD, node, 0), 0);
        break;
    case 1:
        lose_gpu(b, node);
        break;
    case 2:
        (void)act(b, API_RELEASE, (i - 2) * 7 % NODES, 0);
        break;
    default:
        reboot(b, node);
        let_settle(b);
        break;
    }
}

static void the_copy_is_the_same_at_every_commit(void **state)
{
    (void)state;
    struct pair *p = pair_make();
    open_replica(p, NULL);
    for (uint32_t i = 0; i < 60; i++) {
        happen(p, i);
        catch_up(p);
        same(p);
    }
    assert_int_equal(p->told, replica_seq(p->replica));
    assert_true(p->groups > 60);
    assert_true(care_open_incidents(replica_control(p->replica)->care) > 0);
    pair_free(p);
}

static void a_copy_that_begins_late_begins_with_the_snapshot(void **state)
{
    (void)state;
    struct pair *p = pair_make();
    for (uint32_t i = 0; i < 20; i++)
        happen(p, i);
    assert_int_equal(live_snapshot(p->writer->live, NULL), 0);
    uint64_t at = core_seq(live_control(p->writer->live)->core);
    for (uint32_t i = 20; i < 40; i++)
        happen(p, i);
    open_replica(p, control_policy_sha256(&p->writer->policy).bytes);
    assert_true(replica_seq(p->replica) >= at); /* nothing before it is read */
    catch_up(p);
    same(p);
    happen(p, 41);
    catch_up(p);
    same(p);
    pair_free(p);
}

static void it_reads_in_steps_and_says_when_there_is_more(void **state)
{
    (void)state;
    struct pair *p = pair_make();
    open_replica(p, NULL);
    for (uint32_t i = 0; i < 30; i++)
        happen(p, i);
    bool more = true;
    uint32_t steps = 0;
    for (uint64_t before = 0; more; steps++) {
        assert_int_equal(replica_catch_up(p->replica, 5, &more, NULL), 0);
        assert_true(replica_seq(p->replica) > before);
        before = replica_seq(p->replica);
    }
    assert_true(steps > 5);
    same(p);
    pair_free(p);
}

static void under_new_rules_it_is_made_again_and_nothing_is_told_twice(void **state)
{
    (void)state;
    struct pair *p = pair_make();
    open_replica(p, NULL);
    for (uint32_t i = 0; i < 12; i++)
        happen(p, i);
    catch_up(p);
    bench_free(p->writer);
    /* The daemon is started again with another policy: a new epoch. */
    p->writer = bench_make_in(MODE_ACT, p->journal, 1000000);
    catch_up(p);
    assert_int_equal(replica_rebuilt(p->replica), 1);
    same(p);
    assert_int_equal(replica_control(p->replica)->policy.account.microdollars_per_gpu_hour,
                     p->writer->policy.account.microdollars_per_gpu_hour);
    for (uint32_t i = 12; i < 20; i++)
        happen(p, i);
    catch_up(p);
    same(p);
    assert_int_equal(replica_rebuilt(p->replica), 1);
    pair_free(p);
}

static void a_wrong_hint_about_the_rules_is_found_out(void **state)
{
    (void)state;
    struct pair *p = pair_make();
    for (uint32_t i = 0; i < 8; i++)
        happen(p, i);
    struct control_sha256 first = control_policy_sha256(&p->writer->policy);
    bench_free(p->writer);
    p->writer = bench_make_in(MODE_ACT, p->journal, 1000000);
    happen(p, 9);
    open_replica(p, first.bytes); /* those of the epoch before */
    catch_up(p);
    same(p);
    pair_free(p);
}

static void where_no_record_has_begun_there_is_nothing_to_follow_yet(void **state)
{
    (void)state;
    char journal[256];
    struct mw_error err = { 0 };
    struct replica *r = NULL;
    struct journal *j = NULL;
    testing_dir(journal);
    const struct replica_options o = { .journal_dir = journal };
    assert_int_equal(replica_create(&o, &r, &err), MW_ENOTFOUND);
    assert_int_equal(journal_sqlite_open(journal, NULL, &j, &err), 0);
    assert_int_equal(replica_create(&o, &r, &err), MW_ENOTFOUND);
    journal_destroy(j);
    testing_dir_remove(journal);
}

static void the_time_of_the_site_never_goes_back(void **state)
{
    (void)state;
    struct pair *p = pair_make();
    open_replica(p, NULL);
    happen(p, 1);
    catch_up(p);
    int64_t recorded_ns = core_now(replica_control(p->replica)->core);
    assert_int_equal(replica_now_ns(p->replica), recorded_ns);
    replica_now_is(p->replica, recorded_ns + 5);
    replica_now_is(p->replica, recorded_ns - 5);
    assert_int_equal(replica_now_ns(p->replica), recorded_ns + 5);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_copy_is_the_same_at_every_commit),
        cmocka_unit_test(a_copy_that_begins_late_begins_with_the_snapshot),
        cmocka_unit_test(it_reads_in_steps_and_says_when_there_is_more),
        cmocka_unit_test(under_new_rules_it_is_made_again_and_nothing_is_told_twice),
        cmocka_unit_test(a_wrong_hint_about_the_rules_is_found_out),
        cmocka_unit_test(where_no_record_has_begun_there_is_nothing_to_follow_yet),
        cmocka_unit_test(the_time_of_the_site_never_goes_back),
    };
    return cmocka_run_group_tests_name("replica", tests, NULL, NULL);
}
