/*
 * A replay that is asked and commanded from another thread, as the API does it,
 * with its record on disk beside.  No test waits for a length of time: what is
 * to be reached is asked of the mailbox until it says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/replay_daemon.h"
#include "cli/replay_folder.h"
#include "fleet/site.h"
#include "store/journal_sqlite.h"

#define PERSON 1042u

struct lab {
    struct scenario_files files;
    struct journal *journal;
    char folder[64];
    struct replay_daemon_options options;
    struct asks *asks;
    pthread_t writer;
    sem_t begun;
    bool joined, ended;
    _Atomic bool full;        /* the disk */
    uint32_t notes;
    int rc;
    struct mw_error err;
    struct ask_answer answer; /* the last one */
    bool answered;
};

static struct lab lab;

/* ---- the daemon on its thread -------------------------------------------------------------- */

static int on_begun(void *ctx, struct asks **ret, struct mw_error *err)
{
    struct lab *l = ctx;
    int rc = asks_create(&l->asks, err);
    if (rc == 0)
        asks_replays(l->asks);
    *ret = l->asks;
    (void)sem_post(&l->begun);
    return rc;
}

static void on_ended(void *ctx)
{
    struct lab *l = ctx;
    l->ended = true;
}

static void on_note(void *ctx, const char *text)
{
    struct lab *l = ctx;
    assert_non_null(strstr(text, l->notes++ == 0 ? "takes nothing" : "written again"));
}

static void *write_on(void *ctx)
{
    struct lab *l = ctx;
    l->rc = replay_daemon_run(&l->options, &l->err);
    return NULL;
}

/* The month of scenarios/small.yaml, without crashes of its daemon. */
static void load(struct scenario_files *f, struct mw_error *err)
{
    static const char *const set[] = { "crashes=0" };
    struct problems problems = { 0 };
    struct text yaml = { 0 };
    assert_int_equal(scenario_load_file("scenarios/small.yaml", set, 1, &f->scenario, &problems,
                                        err), 0);
    assert_int_equal(site_new(f->scenario.site_shape, f->scenario.site_gpus, &yaml, err), 0);
    assert_int_equal(site_load(&(struct site_source){ .yaml = yaml.data, .size = yaml.length,
                                                      .name = "small" },
                               &f->fleet, &problems, err), 0);
    text_fini(&yaml);
    problems_fini(&problems);
}

static bool is_full(void *ctx, const char *site)
{
    const struct lab *l = ctx;
    return atomic_load(&l->full) && strcmp(site, "head.write") == 0;
}

static struct journal *open_journal(const char *folder)
{
    const struct journal_sqlite_options simulated = { .simulated = true,
                                                      .rare = { is_full, &lab } };
    struct journal *j = NULL;
    struct mw_error err = { 0 };
    assert_int_equal(journal_sqlite_open(folder, &simulated, &j, &err), 0);
    return j;
}

static int set_up(void **state)
{
    (void)state;
    memset(&lab, 0, sizeof(lab));
    load(&lab.files, &lab.err);
    (void)snprintf(lab.folder, sizeof(lab.folder), "/tmp/mw-replay-XXXXXX");
    assert_non_null(mkdtemp(lab.folder));
    lab.journal = open_journal(lab.folder);
    lab.options = (struct replay_daemon_options){
        .files = &lab.files, .seed = lab.files.scenario.seed, .journal = lab.journal,
        .folder = lab.folder, .stop_fd = eventfd(0, EFD_NONBLOCK),
        .told = { .ctx = &lab, .begun = on_begun, .ended = on_ended, .note = on_note } };
    return sem_init(&lab.begun, 0, 0);
}

static void begin(double speed, bool paused)
{
    lab.options.speed = speed;
    lab.options.paused = paused;
    assert_int_equal(pthread_create(&lab.writer, NULL, write_on, &lab), 0);
    assert_int_equal(sem_wait(&lab.begun), 0);
}

static void end(void)
{
    assert_int_equal(eventfd_write(lab.options.stop_fd, 1), 0);
    assert_int_equal(pthread_join(lab.writer, NULL), 0);
    lab.joined = true;
    if (lab.rc != 0)
        fail_msg("%s", lab.err.text);
}

static int tear_down(void **state)
{
    (void)state;
    if (!lab.joined)
        end();
    asks_destroy(lab.asks);
    journal_destroy(lab.journal);
    (void)close(lab.options.stop_fd);
    scenario_files_fini(&lab.files);
    json_decref(lab.answer.json);
    (void)sem_destroy(&lab.begun);
    return replay_folder_remove(lab.folder, &lab.err);
}

/* ---- asking -------------------------------------------------------------------------------- */

static void told(void *ctx, struct ask_answer *a)
{
    struct lab *l = ctx;
    json_decref(l->answer.json);
    l->answer = *a;
    a->json = NULL;
    l->answered = true;
}

static int answer(void)
{
    struct pollfd fd = { .fd = asks_bell(lab.asks), .events = POLLIN };
    while (!lab.answered) {
        (void)poll(&fd, 1, -1);
        asks_hear(lab.asks);
    }
    return lab.answer.code;
}

/* wish NULL = just ask */
static int replay(const char *wish)
{
    json_t *o = wish != NULL ? json_loads(wish, 0, NULL) : NULL;
    lab.answered = false;
    assert_int_equal(asks_replay(lab.asks, o, told, &lab, &lab.err), 0);
    return answer();
}

static int command(const struct api_command *c)
{
    lab.answered = false;
    assert_int_equal(asks_command(lab.asks, PERSON, c, told, &lab, &lab.err), 0);
    return answer();
}

static const char *text_of(const char *key)
{
    return json_string_value(json_object_get(lab.answer.json, key));
}

static void wait_until(const char *replay_state)
{
    do
        assert_int_equal(replay(NULL), 0);
    while (strcmp(text_of("state"), replay_state) != 0);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void a_paused_replay_answers_and_its_clock_stands_still(void **state)
{
    (void)state;
    begin(10800, true);
    assert_int_equal(replay(NULL), 0);
    assert_string_equal(text_of("state"), "paused");
    assert_string_equal(text_of("scenario"), "small");
    assert_string_equal(text_of("rests_on"), "modelled");
    assert_string_equal(text_of("now"), text_of("start"));
    lab.answered = false;
    assert_int_equal(asks_status(lab.asks, told, &lab, &lab.err), 0);
    assert_int_equal(answer(), 0);
    assert_string_equal(text_of("program"), "millwright");
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(lab.answer.json, "replay"), "state")), "paused");
    assert_int_equal(replay("{\"speed\": \"x\"}"), MW_EINVAL);
}

/* At this speed the next thing is often a second and more of real time away: who asks in between
 * must not set the clock back. */
static void to_be_asked_all_the_time_does_not_hold_time_up(void **state)
{
    char before[32] = "";
    (void)state;
    begin(600, false);
    do {
        assert_int_equal(replay(NULL), 0);
        assert_true(strcmp(text_of("now"), before) >= 0);
        (void)snprintf(before, sizeof(before), "%s", text_of("now"));
    } while (strcmp(before, "2024-01-01T00:25:00.000Z") < 0);
}

static void it_goes_to_a_moment_and_stands_there(void **state)
{
    (void)state;
    begin(10800, true);
    assert_int_equal(replay("{\"until\": \"2024-01-05T06:00:00Z\"}"), 0);
    wait_until("paused");
    assert_string_equal(text_of("now"), "2024-01-05T06:00:00.000Z");
    struct asks_news news = asks_news(lab.asks);
    int64_t now_ns;
    assert_int_equal(mw_parse_time("2024-01-05T06:00:00Z", &now_ns), 0);
    while (news.now_ns < now_ns)
        news = asks_news(lab.asks);
    assert_int_equal(news.now_ns, now_ns);
    assert_int_equal(replay("{\"until\": \"2024-01-05T05:00:00Z\"}"), MW_EINVAL);
}

struct reading {
    uint64_t from, incidents;
    uint64_t commands; /* of ours */
    struct event last;
};

static int look(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct reading *r = ctx;
    (void)tail;
    (void)last;
    r->commands += ev->kind == EV_COMMAND && ev->actor == PERSON;
    r->incidents += ev->kind == EV_INCIDENT_OPENED && ev->seq >= r->from;
    r->last = *ev;
    return 0;
}

/* As somebody beside the writer sees the record. */
static struct reading read_record(uint64_t from)
{
    const struct journal_sqlite_options o = { .read_only = true };
    struct reading r = { .from = from };
    struct journal *j = NULL;
    assert_int_equal(journal_sqlite_open(lab.folder, &o, &j, &lab.err), 0);
    assert_int_equal(j->ops->read(j, 1, look, &r, &lab.err), 0);
    journal_destroy(j);
    return r;
}

static void it_goes_to_the_next_incident(void **state)
{
    (void)state;
    begin(10800, true);
    assert_int_equal(replay("{\"until\": \"incident\"}"), 0);
    wait_until("paused");
    uint64_t seq = asks_news(lab.asks).seq;
    while (read_record(1).incidents == 0)
        assert_int_equal(replay(NULL), 0);
    assert_int_equal(read_record(1).incidents, 1);
    assert_int_equal(replay("{\"until\": \"incident\"}"), 0);
    wait_until("paused");
    while (read_record(seq + 1).incidents == 0)
        assert_int_equal(replay(NULL), 0);
}

static void a_command_is_in_the_record_before_it_is_acknowledged(void **state)
{
    (void)state;
    struct api_command c = { .verb = API_HOLD, .reason = "a visitor" };
    (void)snprintf(c.node, sizeof(c.node), "%s",
                   fleet_name(lab.files.fleet, component_id(COMPONENT_NODE, 3)));
    begin(10800, true);
    assert_int_equal(replay("{\"until\": \"2024-01-03T00:00:00Z\"}"), 0);
    wait_until("paused");
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(command(&c), 0);
        struct reading r = read_record(1);
        assert_true(r.last.seq >= lab.answer.seq && r.commands == i + 1);
        assert_int_equal(asks_news(lab.asks).seq, r.last.seq);
    }
    assert_int_equal(command(&(struct api_command){ .verb = API_HOLD, .node = "nobody",
                                                    .reason = "x" }), MW_ENOTFOUND);
    assert_int_equal(replay("{\"paused\": false, \"speed\": 0}"), 0);
    int rc = command(&c); /* while it hurries; or it was at its end before we were */
    assert_true(rc == MW_ECONFLICT || (rc == 0 && read_record(1).commands == 4));
}

static void several_nodes_are_held_by_one_command_while_it_is_paused(void **state)
{
    (void)state;
    struct api_command c = { .verb = API_DRAIN, .reason = "hoses" };
    begin(10800, true);
    assert_int_equal(replay("{\"until\": \"2024-01-03T00:00:00Z\"}"), 0);
    wait_until("paused");
    (void)snprintf(c.node, sizeof(c.node), "%s,%s",
                   fleet_name(lab.files.fleet, component_id(COMPONENT_NODE, 3)),
                   fleet_name(lab.files.fleet, component_id(COMPONENT_NODE, 5)));
    assert_int_equal(command(&c), 0);
    uint64_t seq = lab.answer.seq;
    struct reading r = read_record(1);
    assert_true(r.last.seq >= seq);
    assert_int_equal(replay(NULL), 0);
    assert_string_equal(text_of("now"), "2024-01-03T00:00:00.000Z");
    c.verb = API_RELEASE;
    assert_int_equal(command(&c), 0);
    assert_int_equal(command(&(struct api_command){ .verb = API_JOB_HOLD, .job = 1,
                                                    .reason = "x" }), MW_ECONFLICT);
}

static void while_the_disk_is_full_it_stands_still_and_goes_on_afterwards(void **state)
{
    (void)state;
    struct api_command c = { .verb = API_HOLD, .reason = "a visitor" };
    (void)snprintf(c.node, sizeof(c.node), "%s",
                   fleet_name(lab.files.fleet, component_id(COMPONENT_NODE, 3)));
    begin(10800, true);
    assert_int_equal(replay("{\"until\": \"2024-01-03T00:00:00Z\"}"), 0);
    wait_until("paused");
    assert_int_equal(command(&c), 0);
    uint64_t seq = lab.answer.seq;
    atomic_store(&lab.full, true);
    assert_int_equal(command(&c), MW_ENOSPC);
    assert_non_null(strstr(lab.answer.err.text, "taken, and not durable yet"));
    assert_int_equal(command(&c), MW_ENOSPC);
    assert_non_null(strstr(lab.answer.err.text, "nothing was changed"));
    assert_int_equal(replay("{\"paused\": false, \"speed\": 0}"), 0);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(replay(NULL), 0);
    assert_string_equal(text_of("now"), "2024-01-03T00:00:00.000Z");
    assert_int_equal(asks_news(lab.asks).seq, seq);
    atomic_store(&lab.full, false);
    wait_until("ended");
    end();
    assert_int_equal(read_record(1).commands, 2);
    assert_int_equal(lab.notes, 2);
}

static void at_the_end_it_can_be_looked_at_and_not_commanded(void **state)
{
    (void)state;
    struct api_command c = { .verb = API_SET_MODE, .mode = MODE_OBSERVE, .reason = "x" };
    begin(0, false);
    wait_until("ended");
    assert_string_equal(text_of("now"), text_of("end"));
    assert_int_equal(command(&c), MW_ECONFLICT);
    assert_int_equal(replay("{\"speed\": 5}"), MW_ECONFLICT);
    uint64_t seq = asks_news(lab.asks).seq;
    end();
    assert_true(lab.ended);
    assert_int_equal(lab.journal->head.seq, seq);
}

static void to_be_watched_changes_nothing_that_happens(void **state)
{
    (void)state;
    struct run_result r = { 0 };
    struct run_options o = scenario_files_options(&lab.files);
    char folder[] = "/tmp/mw-replay-XXXXXX";
    assert_non_null(mkdtemp(folder));
    o.seed = lab.options.seed;
    o.journal = open_journal(folder);
    assert_int_equal(run_scenario(&o, &r, &lab.err), 0);
    begin(0, false);
    assert_int_equal(replay("{\"paused\": true}"), 0);
    assert_int_equal(replay("{\"paused\": false, \"speed\": 1e7}"), 0);
    wait_until("ended");
    end();
    assert_int_equal(lab.journal->head.seq, o.journal->head.seq);
    assert_memory_equal(lab.journal->head.hash, o.journal->head.hash, MW_SHA256_SIZE);
    journal_destroy(o.journal);
    assert_int_equal(replay_folder_remove(folder, &lab.err), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        T(a_paused_replay_answers_and_its_clock_stands_still),
        T(to_be_asked_all_the_time_does_not_hold_time_up),
        T(it_goes_to_a_moment_and_stands_there),
        T(it_goes_to_the_next_incident),
        T(a_command_is_in_the_record_before_it_is_acknowledged),
        T(several_nodes_are_held_by_one_command_while_it_is_paused),
        T(while_the_disk_is_full_it_stands_still_and_goes_on_afterwards),
        T(at_the_end_it_can_be_looked_at_and_not_commanded),
        T(to_be_watched_changes_nothing_that_happens),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
