/* History is a fold over the record: whole, in pieces or killed on the way, the same rows. */
#include "api/projector.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/feeds.h"
#include "control/rig.h"
#include "store/store_testing.h"

#define STEPS 1500

/* A record of a senseless world, and a controller that follows it. */
struct bench {
    struct rig *rig;
    struct journal *journal;
    struct control *follower;
    struct history_store *history;
    struct projector projector;
    uint32_t commit_every; /* events */
    uint64_t stop_at;      /* this process kills itself when it has told this event; 0 */
};

static struct rig *make_record(uint64_t seed)
{
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(64, &p);
    for (uint64_t i = 0; i < STEPS; i++)
        rig_chaos(r, seed, i);
    return r;
}

static void begin(struct bench *b, struct rig *r, const char *dir)
{
    struct mw_error err = { 0 };
    *b = (struct bench){ .rig = r, .journal = rig_copy(r, core_seq(r->control->core)),
                         .commit_every = 100 };
    const struct control_options o = { .fleet = r->fleet, .policy = &r->policy,
                                       .journal = b->journal };
    assert_int_equal(control_create(&o, &b->follower, &err), 0);
    assert_int_equal(control_follow_begin(b->follower, 0, &err), 0);
    assert_int_equal(history_open(dir, b->journal, &b->history, &err), 0);
    projector_init(&b->projector, b->history, 0);
}

static void end(struct bench *b)
{
    history_close(b->history);
    projector_fini(&b->projector);
    control_destroy(b->follower);
    journal_destroy(b->journal);
}

static int tell(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct bench *b = ctx;
    assert_int_equal(control_follow(b->follower, ev, tail, last, NULL), 0);
    projector_told(&b->projector, b->follower, ev, tail, last);
    if (ev->seq % b->commit_every == 0)
        assert_int_equal(history_commit(b->history, NULL), 0);
    if (b->stop_at && ev->seq == b->stop_at)
        (void)kill(getpid(), SIGKILL);
    return 0;
}

static void fold(struct bench *b)
{
    struct mw_error err = { 0 };
    assert_int_equal(b->journal->ops->read(b->journal, 1, tell, b, &err), 0);
    assert_int_equal(history_commit(b->history, &err), 0);
}

static struct mw_hash128 hash(struct bench *b)
{
    struct mw_hash128 h = { 0 };
    assert_int_equal(history_hash(b->history, &h, NULL), 0);
    return h;
}

/* ---- what it says --------------------------------------------------------------------------- */

struct counted {
    const struct bench *b;
    uint32_t n;
    uint64_t before;
    int64_t lost;
};

static int count_incident(void *ctx, const struct history_incident *row)
{
    struct counted *c = ctx;
    assert_true(c->before == 0 || row->closed_seq < c->before);
    assert_true(row->closed_seq > row->incident && row->closed_ms >= row->opened_ms);
    c->before = row->closed_seq;
    c->lost += row->lost_gpu_ms;
    c->n++;
    return 0;
}

static void every_incident_that_closed_is_there_once_with_what_it_cost(void **state)
{
    struct bench b;
    struct counted c = { .b = &b };
    int64_t lost = 0;
    uint32_t closed = 0;
    begin(&b, *state, NULL);
    fold(&b);
    for (uint32_t i = 0; i < b.rig->log_length; i++) {
        const struct event *ev = &b.rig->log[i].ev;
        if (ev->kind != EV_INCIDENT_CLOSED)
            continue;
        struct history_incident row;
        assert_true(history_incident_get(b.history, ev->body.incident.incident, &row));
        assert_int_equal(row.closed_seq, ev->seq);
        assert_int_equal(row.lost_gpu_ms, ev->body.incident.lost_gpu_ms);
        assert_int_equal(row.class, ev->body.incident.class);
        assert_int_equal(row.node, ev->body.incident.node);
        lost += row.lost_gpu_ms;
        closed++;
    }
    assert_true(closed > 5);
    const struct history_range all = { 0 };
    assert_int_equal(history_incidents_each(b.history, &all, count_incident, &c, NULL), 0);
    assert_int_equal(c.n, closed);
    assert_int_equal(c.lost, lost);
    const struct board *board = b.follower->board;
    for (uint32_t s = 0; s < board->incidents_used; s++) {
        struct history_incident row;
        if (!board->incident_id[s])
            continue;
        uint32_t parent = board->incident_parent[s];
        assert_true(history_incident_get(b.history, board->incident_id[s], &row));
        assert_int_equal(row.closed_seq, 0);
        assert_int_equal(row.parent, parent == MW_NONE ? 0 : board->incident_id[parent]);
    }
    end(&b);
}

static int check_job(void *ctx, const struct history_job *row)
{
    struct counted *c = ctx;
    assert_true(c->before == 0 || row->ended_seq < c->before);
    assert_true(row->how != 0 && row->ended_ms >= row->submitted_ms);
    assert_true(row->held_gpu_ms >= 0 && history_job_lost(row) >= 0);
    assert_true(history_job_productive(row) >= 0);
    assert_true(!row->started_ms || row->started_ms >= row->submitted_ms);
    c->before = row->ended_seq;
    c->n++;
    return 0;
}

static void a_job_lives_in_history_as_long_as_it_does_on_the_board(void **state)
{
    struct bench b;
    struct counted c = { .b = &b };
    uint32_t submitted = 0;
    begin(&b, *state, NULL);
    fold(&b);
    for (uint32_t i = 0; i < b.rig->log_length; i++) {
        const struct event *ev = &b.rig->log[i].ev;
        struct history_job row;
        if (ev->kind != EV_JOB_SUBMITTED)
            continue;
        submitted++;
        uint64_t job = ev->body.job.job;
        bool lives = board_job_find(b.follower->board, job) != MW_NONE;
        if (history_job_live(b.history, job, &row) != lives)
            fail_msg("job %llu: the board says that it %s", (unsigned long long)job,
                     lives ? "lives" : "is over");
        assert_true(history_job_get(b.history, job, &row));
    }
    const struct history_range all = { 0 };
    assert_int_equal(history_jobs_each(b.history, &all, check_job, &c, NULL), 0);
    assert_true(submitted > 20 && c.n > 5);
    assert_int_equal(c.n + b.follower->board->jobs_live, submitted);
    assert_int_equal(history_jobs_ended(b.history, 0), c.n);
    const struct history_range two = { .before_seq = c.before, .most = 2 };
    struct counted none = { .b = &b };
    assert_int_equal(history_jobs_each(b.history, &two, check_job, &none, NULL), 0);
    assert_int_equal(none.n, 0); /* the last one told was the oldest */
    end(&b);
}

static int check_sample(void *ctx, const struct history_sample *row)
{
    struct counted *c = ctx;
    int64_t sum = 0;
    for (uint32_t k = 0; k < CAUSE_COUNT; k++)
        sum += row->lost_by[k];
    assert_int_equal(sum, row->lost_gpu_ms);
    assert_true(row->time_ms > c->lost && row->seq > c->before);
    assert_true(row->available_gpu_ms >= row->productive_gpu_ms);
    c->lost = row->time_ms;
    c->before = row->seq;
    c->n++;
    return 0;
}

static void samples_are_of_their_moment_and_ten_minutes_apart(void **state)
{
    struct bench b;
    struct counted c = { .b = &b }, few = { .b = &b };
    struct account_totals t;
    struct history_sample last, at;
    begin(&b, *state, NULL);
    fold(&b);
    assert_true(history_sample_before(b.history, INT64_MAX, &last));
    const struct history_span_ms all = { mw_ms(RIG_START_NS), last.time_ms, HISTORY_POINTS_MAX };
    assert_int_equal(history_series(b.history, &all, check_sample, &c, NULL), 0);
    int64_t length_ms = last.time_ms - mw_ms(RIG_START_NS);
    assert_true(c.n > 10 && c.n <= length_ms / PROJECTOR_SAMPLE_MS + 2);
    const struct history_span_ms ten = { mw_ms(RIG_START_NS), last.time_ms, 10 };
    assert_int_equal(history_series(b.history, &ten, check_sample, &few, NULL), 0);
    assert_true(few.n <= 10 && few.n >= 2);
    assert_int_equal(few.lost, last.time_ms); /* the end of what is asked for is in it */
    projector_sample(b.follower, b.follower->journal->head.time_ns, &at);
    account_settle(b.follower->account, b.follower->journal->head.time_ns, &t);
    assert_int_equal(at.lost_uusd, t.lost_microdollars);
    assert_int_equal(at.productive_gpu_ms, t.gpu_ms[ACCOUNT_PRODUCTIVE]);
    end(&b);
}

static void sums_between_two_samples_are_in_proportion(void **state)
{
    struct bench b;
    struct history_sample first, next, now, half;
    begin(&b, *state, NULL);
    fold(&b);
    projector_sample(b.follower, b.follower->journal->head.time_ns, &now);
    assert_true(history_sample_before(b.history, now.time_ms - 3 * MW_MS_PER_HOUR, &first));
    assert_true(history_sample_after(b.history, first.time_ms, &next));
    int64_t middle_ms = (first.time_ms + next.time_ms) / 2;
    assert_true(feeds_sums_at(b.history, &now, middle_ms, &half));
    int64_t expected = first.lost_gpu_ms + (next.lost_gpu_ms - first.lost_gpu_ms) / 2;
    assert_true(llabs(half.lost_gpu_ms - expected) <= next.lost_gpu_ms - first.lost_gpu_ms);
    assert_true(half.lost_gpu_ms >= first.lost_gpu_ms && half.lost_gpu_ms <= next.lost_gpu_ms);
    assert_true(feeds_sums_at(b.history, &now, now.time_ms + 5, &half));
    assert_int_equal(half.lost_gpu_ms, now.lost_gpu_ms);
    assert_false(feeds_sums_at(b.history, &now, mw_ms(RIG_START_NS) - 1, &half));
    end(&b);
}

static void the_heat_map_of_a_day_can_be_seen_again(void **state)
{
    struct bench b;
    struct history_sample last;
    int64_t time_ms;
    begin(&b, *state, NULL);
    fold(&b);
    uint32_t gpus = b.follower->board->fleet->count[COMPONENT_GPU];
    uint8_t *frame = calloc(gpus, 1);
    assert_non_null(frame);
    assert_true(history_sample_before(b.history, INT64_MAX, &last));
    assert_int_equal(history_heat_get(b.history, last.time_ms, frame, gpus, &time_ms), 0);
    assert_int_equal(time_ms, last.time_ms);
    assert_int_equal(history_heat_get(b.history, last.time_ms, frame, gpus + 8, &time_ms),
                     MW_ENOTFOUND);
    assert_int_equal(history_heat_get(b.history, last.time_ms - 2 * HISTORY_HEAT_MS, frame, gpus,
                                      &time_ms), MW_ENOTFOUND);
    free(frame);
    end(&b);
}

/* ---- kills, damage, other records ----------------------------------------------------------- */

/* A process folds, commits now and then, and is killed as it has told an event. */
static void fold_until_killed(struct rig *r, const char *dir, uint64_t seq)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct bench b;
        begin(&b, r, dir);
        b.stop_at = seq;
        fold(&b);
        _exit(1); /* nobody killed it */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void killed_anywhere_it_goes_on_without_a_row_too_many_or_too_few(void **state)
{
    struct rig *r = *state;
    struct bench whole, pieces;
    char dir[256];
    uint64_t end_seq = core_seq(r->control->core);
    begin(&whole, r, NULL);
    fold(&whole);
    struct mw_hash128 expected = hash(&whole);
    testing_dir(dir);
    for (uint64_t i = 1; i < 12; i++)
        fold_until_killed(r, dir, end_seq * i / 12 + i % 3 * 37);
    begin(&pieces, r, dir);
    assert_string_equal(history_where(pieces.history), "file");
    uint64_t before_seq = history_seq(pieces.history);
    assert_true(before_seq > end_seq / 2 && before_seq <= end_seq * 11 / 12 + 74);
    fold(&pieces);
    assert_true(mw_hash128_equal(hash(&pieces), expected));
    assert_int_equal(history_seq(pieces.history), end_seq);
    end(&pieces);
    end(&whole);
    testing_dir_remove(dir);
}

static void a_history_of_another_record_is_begun_again(void **state)
{
    struct rig *r = *state, *other = make_record(99);
    struct bench b;
    char dir[256];
    testing_dir(dir);
    begin(&b, r, dir);
    fold(&b);
    end(&b);
    begin(&b, r, dir);
    assert_int_equal(history_seq(b.history), core_seq(r->control->core));
    end(&b);
    begin(&b, other, dir);
    assert_int_equal(history_seq(b.history), 0);
    assert_string_equal(history_where(b.history), "file");
    fold(&b);
    end(&b);
    rig_free(other);
    testing_dir_remove(dir);
}

static void damage_is_begun_again_and_no_folder_means_memory(void **state)
{
    struct rig *r = *state;
    struct bench whole, b;
    char dir[256], path[300];
    testing_dir(dir);
    begin(&whole, r, dir);
    fold(&whole);
    struct mw_hash128 expected = hash(&whole);
    end(&whole);
    (void)snprintf(path, sizeof(path), "%s/%s", dir, HISTORY_NAME);
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    assert_int_equal(fwrite("this is not a database at all", 1, 29, f), 29);
    assert_int_equal(fclose(f), 0);
    begin(&b, r, dir);
    assert_int_equal(history_seq(b.history), 0);
    fold(&b);
    assert_true(mw_hash128_equal(hash(&b), expected));
    end(&b);
    testing_dir_remove(dir);
    begin(&b, r, "/nowhere/at/all");
    assert_non_null(strstr(history_where(b.history), "in memory"));
    fold(&b);
    assert_true(mw_hash128_equal(hash(&b), expected));
    assert_false(history_stopped(b.history));
    end(&b);
}

static void what_it_has_it_is_not_told_again(void **state)
{
    struct bench b;
    begin(&b, *state, NULL);
    fold(&b);
    struct mw_hash128 expected = hash(&b);
    const struct rig_event *e = &b.rig->log[b.rig->log_length / 2];
    projector_told(&b.projector, b.follower, &e->ev, e->tail, true);
    assert_true(mw_hash128_equal(hash(&b), expected));
    end(&b);
}

static int setup(void **state)
{
    *state = make_record(7);
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_incident_that_closed_is_there_once_with_what_it_cost),
        cmocka_unit_test(a_job_lives_in_history_as_long_as_it_does_on_the_board),
        cmocka_unit_test(samples_are_of_their_moment_and_ten_minutes_apart),
        cmocka_unit_test(sums_between_two_samples_are_in_proportion),
        cmocka_unit_test(the_heat_map_of_a_day_can_be_seen_again),
        cmocka_unit_test(killed_anywhere_it_goes_on_without_a_row_too_many_or_too_few),
        cmocka_unit_test(a_history_of_another_record_is_begun_again),
        cmocka_unit_test(damage_is_begun_again_and_no_folder_means_memory),
        cmocka_unit_test(what_it_has_it_is_not_told_again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
