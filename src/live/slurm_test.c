/*
 * The adapter over a port that is played by hand: what the real Slurm does only
 * once in a long while (silence, cut answers, refusals) and what takes minutes.
 */
#include "live/slurm.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "core/journal_memory.h"
#include "fleet/site.h"
#include "live/policy.h"
#include "live/slurm_text.h"

#define START_NS (1700000000 * MW_NS_PER_S)
#define S "\x1f"
#define CALLS_MAX 512

/* A command that was started: its words, joined by blanks. */
struct call {
    char words[1024];
    char end[SLURM_END_SIZE + 1];
    process_done_fn *done;
    void *ctx;
};

struct world {
    struct fleet *fleet;
    struct journal *journal;
    struct control *control;
    struct slurm *slurm;
    int64_t now_ns;
    struct call call[CALLS_MAX];
    uint32_t calls, answered; /* started so far; of them the first `answered` have ended */
    const char *nodes, *jobs; /* what sinfo and squeue say; '#' stands for the end mark */
    const char *refuse;       /* commands that hold this word fail with `refusal` */
    const char *refusal;
    bool silent;              /* nothing is answered */
    uint32_t acts;            /* commands so far that change something */
    uint32_t kinds[EVENT_KIND_MAX]; /* recorded since clear() */
    struct event last[EVENT_KIND_MAX];
    char last_tail[EVENT_KIND_MAX][SLURM_FORMAT_MAX];
    uint64_t noted;
};

static const char SITE[] =
    "site: t\nmodels:\n  - {name: box, gpus: 8, nics: 0, power_w: 1kW}\nhalls:\n  - {name: hall}\n"
    "breakers:\n  - {name: main, limit_w: 1MW}\npdus:\n  - {name: pdu, breaker: main}\n"
    "racks:\n  - {name: k1, hall: hall, feeds: [pdu]}\n"
    "nodes:\n  - {name: \"n[1-8]\", model: box, rack: k1, group: g1}\n";

static const char IDLE[] = "idle" S "Unknown" S "Unknown" S "n[1-8]" S "none#";
#define JOB_LINE(id, state, nodes, restarts, start)                                              \
    #id S #id S state S nodes S #restarts S "1" S start S "N/A" S "1700000000" S "10:00" S "2" S \
    "gres:gpu:8" S "N/A" S "N/A" S "1000" S "NO" S "None" S "train#"

/* ---- the port ------------------------------------------------------------------------------- */

static int start(void *self, const struct process_request *q, process_done_fn *done, void *ctx,
                 struct mw_error *err)
{
    struct world *w = self;
    (void)err;
    assert_true(w->calls < CALLS_MAX);
    assert_true(q->deadline_ns > 0);
    struct call *c = &w->call[w->calls++];
    *c = (struct call){ .done = done, .ctx = ctx };
    for (uint32_t i = 0; q->argv[i]; i++) {
        size_t n = strlen(c->words);
        (void)snprintf(c->words + n, sizeof(c->words) - n, "%s%s", i ? " " : "", q->argv[i]);
    }
    w->acts += strncmp(c->words, "scontrol", 8) == 0 && !strstr(c->words, " show ");
    const char *end = strrchr(c->words, '\x1e');
    if (end)
        memcpy(c->end, end, SLURM_END_SIZE);
    return 0;
}

/* `say` with the end mark and a line break for each '#'. */
static void end_call(struct world *w, uint32_t at, const char *say, int exit_code,
                     const char *error)
{
    struct call *c = &w->call[at];
    struct text out = { 0 };
    for (const char *p = say; *p != '\0'; p++) {
        if (*p == '#') {
            text_add(&out, c->end);
            text_add(&out, "\n");
        } else {
            text_add_n(&out, p, 1);
        }
    }
    const struct process_result r = { .exit_code = exit_code, .out = text_string(&out),
                                      .err = error, .out_size = out.length,
                                      .err_size = strlen(error) };
    process_done_fn *done = c->done;
    c->done = NULL;
    if (done)
        done(c->ctx, &r);
    text_fini(&out);
}

static void answer_all(struct world *w)
{
    for (; w->answered < w->calls && !w->silent; w->answered++) {
        const struct call *c = &w->call[w->answered];
        bool jobs = strncmp(c->words, "squeue", 6) == 0, nodes = strncmp(c->words, "sinfo", 5) == 0;
        if (w->refuse && strstr(c->words, w->refuse))
            end_call(w, w->answered, "", 1, w->refusal);
        else if (strstr(c->words, "-o %x"))
            end_call(w, w->answered, "n[1-2]\n", 0, "");
        else
            end_call(w, w->answered, jobs ? w->jobs : nodes ? w->nodes : "", 0, "");
    }
}

static void time_out_all(struct world *w)
{
    for (; w->answered < w->calls; w->answered++) {
        const struct process_result r = { .exit_code = -1, .timed_out = true, .out = "",
                                          .err = "" };
        struct call *c = &w->call[w->answered];
        process_done_fn *done = c->done;
        c->done = NULL;
        done(c->ctx, &r);
    }
}

/* ---- the world ------------------------------------------------------------------------------ */

static int note(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct world *w = ctx;
    (void)last;
    w->noted = ev->seq;
    w->kinds[ev->kind]++;
    w->last[ev->kind] = *ev;
    size_t n = MW_MIN(ev->tail_size, sizeof(w->last_tail[0]) - 1);
    if (n > 0)
        memcpy(w->last_tail[ev->kind], tail, n);
    w->last_tail[ev->kind][n] = '\0';
    return 0;
}

static void commit(struct world *w)
{
    assert_int_equal(core_commit(w->control->core, NULL), 0);
    assert_int_equal(w->journal->ops->read(w->journal, w->noted + 1, note, w, NULL), 0);
}

static void clear(struct world *w)
{
    memset(w->kinds, 0, sizeof(w->kinds));
}

/* Time passes by steps of 10 ms; what was started is answered one step later. */
static void pass(struct world *w, int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 10) {
        w->now_ns += 10 * MW_NS_PER_MS;
        answer_all(w);
        if (w->answered == w->calls)
            w->answered = w->calls = 0;
        if (slurm_next_due(w->slurm) > w->now_ns && i + 10 < ms && w->calls == 0)
            continue;
        assert_int_equal(core_advance(w->control->core, w->now_ns, NULL), 0);
        slurm_tick(w->slurm, w->now_ns);
        commit(w);
    }
}

static void act(void *ctx, const struct event *action, const void *tail)
{
    struct world *w = ctx;
    slurm_act(w->slurm, w->now_ns, action, tail);
}

static enum admit submit(void *ctx, const struct event *fact, const void *tail)
{
    struct world *w = ctx;
    enum admit a;
    assert_int_equal(core_submit(w->control->core, w->now_ns, fact, tail, &a, NULL), 0);
    return a;
}

static void open_slurm(struct world *w)
{
    const struct slurm_options o = { .control = w->control,
                                     .facts = { .submit = submit, .ctx = w },
                                     .process = { .self = w, .start = start } };
    assert_int_equal(slurm_create(&o, &w->slurm, NULL), 0);
}

/* Another adapter, which remembers nothing. */
static void restart(struct world *w)
{
    slurm_destroy(w->slurm);
    answer_all(w); /* what still ran is told to nobody */
    w->answered = w->calls = 0;
    open_slurm(w);
}

static int setup(void **state)
{
    static struct world w;
    struct control_policy p = live_policy();
    struct site_problems problems = { 0 };
    const struct site_source site = { .yaml = SITE, .size = sizeof(SITE) - 1, .name = "t" };
    w = (struct world){ .now_ns = START_NS, .nodes = IDLE, .jobs = "" };
    p.guard.mode = MODE_ACT;
    assert_int_equal(site_load(&site, &w.fleet, &problems, NULL), 0);
    assert_int_equal(journal_memory_create(&(struct journal_memory_options){ 0 }, &w.journal), 0);
    const struct control_options c = { .fleet = w.fleet, .policy = &p, .journal = w.journal,
                                       .act = act, .act_ctx = &w, .board.jobs_max = 100 };
    assert_int_equal(control_create(&c, &w.control, NULL), 0);
    assert_int_equal(control_begin(w.control, w.now_ns, NULL), 0);
    open_slurm(&w);
    commit(&w);
    clear(&w);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    slurm_destroy(w->slurm);
    w->silent = false;
    answer_all(w); /* what still ran is told to nobody, and nothing is left of it */
    control_destroy(w->control);
    journal_destroy(w->journal);
    fleet_destroy(w->fleet);
    return 0;
}

static void find(struct world *w, uint32_t node, uint16_t class)
{
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + node,
                        .observed_ns = w->now_ns };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, node),
                                             .finding = 1, .node = node, .class = class };
    assert_int_equal(submit(w, &ev, NULL), ADMIT_OK);
    commit(w);
}

static void command(struct world *w, const struct body_command *c)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 1042,
                        .observed_ns = w->now_ns, .body.command = *c };
    assert_int_equal(submit(w, &ev, NULL), ADMIT_OK);
    commit(w);
}

static void set_mode(struct world *w, uint8_t mode)
{
    const struct body_command c = { .verb = CMD_SET_MODE, .mode = mode, .hall = MW_NONE,
                                    .node = MW_NONE, .slot = MW_NONE };
    command(w, &c);
}

static void wish(struct world *w, enum engine_verb verb, uint32_t node, uint64_t job)
{
    const struct body_command c = { .verb = CMD_ENGINE, .engine = (uint8_t)verb, .node = node,
                                    .ref = job, .hall = MW_NONE, .slot = MW_NONE };
    command(w, &c);
}

static void leave_slurmctld(struct world *w)
{
    w->refuse = "s"; /* in every command */
    w->refusal = "Unable to contact slurm controller (connect failure)\n";
}

static const struct body_engine *answered(struct world *w)
{
    return &w->last[EV_ENGINE_ANSWERED].body.engine;
}

static uint32_t count_calls(const struct world *w, const char *word)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->calls; i++)
        n += strstr(w->call[i].words, word) != NULL;
    return n;
}

/* ---- polls ---------------------------------------------------------------------------------- */

static void a_slow_slurmctld_has_one_poll_at_a_time_and_then_some_rest(void **state)
{
    struct world *w = *state;
    w->silent = true;
    pass(w, 5000); /* it takes five seconds to answer */
    assert_int_equal(w->calls, 2);
    w->silent = false;
    pass(w, 10);
    w->silent = true;
    pass(w, 10000);
    assert_int_equal(w->calls, 0); /* three quarters of the time are others' */
    pass(w, 11000);
    assert_int_equal(w->calls, 2);
}

static void silence_is_one_finding_on_the_site_and_nothing_else(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 3000);
    assert_int_equal(w->kinds[EV_ATTEMPT_RUNNING], 1);
    clear(w);
    w->silent = true;
    for (int i = 0; i < 40; i++) {
        pass(w, 1000);
        time_out_all(w);
    }
    assert_int_equal(w->kinds[EV_FINDING_OPENED], 1);
    const struct body_finding *f = &w->last[EV_FINDING_OPENED].body.finding;
    assert_int_equal(f->component, component_id(COMPONENT_SITE, 0));
    assert_int_equal(f->node, MW_NONE);
    assert_int_equal(f->class, LIVE_ENGINE_SILENT);
    assert_int_equal(f->finding, SLURM_FINDING_SILENT);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED] + w->kinds[EV_NODE_MOVED], 0);
    w->silent = false;
    pass(w, 6000);
    assert_int_equal(w->kinds[EV_FINDING_CLOSED], 1);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED] + w->kinds[EV_NODE_MOVED], 0);
}

static void an_answer_that_is_cut_short_ends_no_job(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 3000);
    clear(w);
    w->jobs = "";
    w->nodes = "idle" S "Unknown" S "Unknown" S "n[1-8]" S "none"; /* no end mark */
    pass(w, 5000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED], 0);
    assert_true(slurm_stats(w->slurm).polls_failed > 0);
    w->nodes = IDLE;
    w->jobs = "8" S "rubbish#"; /* a record that cannot be read may be anyone's */
    pass(w, 8000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED], 0);
    assert_true(slurm_stats(w->slurm).lines_bad > 0);
    w->jobs = "";
    pass(w, 8000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED], 1);
    assert_int_equal(w->last[EV_ATTEMPT_ENDED].body.progress.how, HOW_UNKNOWN);
}

static void two_records_of_one_job_are_not_believed(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000")
              JOB_LINE(7, "COMPLETED", "n[1-2]", 0, "1700000000");
    pass(w, 2000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED], 0);
    assert_true(slurm_stats(w->slurm).lines_bad > 0);
}

static void an_answer_that_is_the_same_is_counted_and_said_once(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    w->nodes = "idle+drain" S "eve" S "1700000000" S "n[3,5]" S "fan#"
               "idle" S "Unknown" S "Unknown" S "n[1-2,4,6-8]" S "none#";
    pass(w, 20000);
    assert_int_equal(w->kinds[EV_NODE_REPORTED], 2);
    assert_string_equal(w->last_tail[EV_NODE_REPORTED], "eve: fan");
    assert_int_equal(w->kinds[EV_JOB_SUBMITTED], 1);
    assert_string_equal(w->last_tail[EV_JOB_SUBMITTED], "train");
    assert_int_equal(w->kinds[EV_ATTEMPT_RUNNING], 1);
    struct slurm_stats s = slurm_stats(w->slurm);
    assert_int_equal(s.polls_unchanged, s.polls - 1);
}

static void a_slurmctld_that_has_just_started_knows_nothing_of_nodes(void **state)
{
    struct world *w = *state;
    pass(w, 2000);
    clear(w);
    w->nodes = "unknown" S "Unknown" S "Unknown" S "n[1-8]" S "none#";
    pass(w, 5000);
    assert_int_equal(w->kinds[EV_NODE_REPORTED] + w->kinds[EV_FINDING_OPENED] +
                     w->kinds[EV_NODES_ADOPTED], 0);
}

static void nodes_and_jobs_that_the_site_lacks_are_counted(void **state)
{
    struct world *w = *state;
    w->nodes = "idle" S "Unknown" S "Unknown" S "n[1-8],x[1-3]" S "none#";
    w->jobs = JOB_LINE(7, "RUNNING", "x[1-2]", 0, "1700000000");
    pass(w, 2000);
    assert_int_equal(slurm_stats(w->slurm).nodes_unknown, 3);
    assert_int_equal(slurm_stats(w->slurm).jobs_refused, 1);
    assert_int_equal(w->kinds[EV_ATTEMPT_ALLOCATED], 0);
}

static void nodes_come_in_the_order_of_the_site_whatever_the_list_says(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n8,n[3,1],n3", 0, "1700000000");
    pass(w, 2000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ALLOCATED], 1);
    assert_int_equal(w->last[EV_ATTEMPT_ALLOCATED].body.place.nodes, 3);
    const uint32_t *node = (const uint32_t *)(const void *)w->last_tail[EV_ATTEMPT_ALLOCATED];
    assert_int_equal(node[0], 0);
    assert_int_equal(node[1], 2);
    assert_int_equal(node[2], 7);
}

static void jobs_over_before_we_looked_are_left_out(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(5, "COMPLETED", "n1", 0, "1600000000");
    w->now_ns += MW_NS_PER_MIN; /* submitted a minute ago */
    pass(w, 3000);
    assert_int_equal(w->kinds[EV_JOB_SUBMITTED], 0);
}

static void a_restart_between_two_polls_is_told_by_its_count(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 3, "1700000000");
    pass(w, 2000);
    assert_int_equal(w->last[EV_JOB_SUBMITTED].body.job.category, 3);
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 4, "1700000001"); /* on the same nodes */
    pass(w, 2000);
    assert_int_equal(w->kinds[EV_ATTEMPT_ENDED], 1);
    assert_int_equal(w->kinds[EV_ATTEMPT_ALLOCATED], 2);
    assert_int_equal(w->last[EV_ATTEMPT_RUNNING].body.running.attempt, 2);
}

/* ---- orders --------------------------------------------------------------------------------- */

static const char OURS[] = "down+drain" S "root" S "1700000000" S "n2" S "mw:kernel 1 x#"
                           "idle" S "Unknown" S "Unknown" S "n[1,3-8]" S "none#";

static void what_is_as_ordered_already_takes_no_command(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->nodes = OURS;
    find(w, 1, LIVE_KERNEL);
    pass(w, 100);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 1);
    assert_int_equal(answered(w)->result, RESULT_OK);
    assert_int_equal(answered(w)->order, w->last[EV_ENGINE_ANSWERED].cause);
    assert_string_equal(w->last_tail[EV_ENGINE_ANSWERED], "down+drain, root: mw:kernel 1 x");
    assert_int_equal(slurm_stats(w->slurm).pending, 0);
}

static void a_refusal_for_good_is_said_at_once(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->nodes = "idle" S "Unknown" S "Unknown" S "n2" S "none#";
    w->refuse = "State=DRAIN";
    w->refusal = "slurm_update error: Access/permission denied\n";
    find(w, 1, LIVE_KERNEL);
    pass(w, 1000);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 1);
    assert_int_equal(answered(w)->result, RESULT_FAILED);
    assert_string_equal(w->last_tail[EV_ENGINE_ANSWERED],
                        "slurm_update error: Access/permission denied");
}

static void other_refusals_are_tried_for_ten_minutes_with_pauses(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->nodes = "idle" S "Unknown" S "Unknown" S "n2" S "none#";
    w->refuse = "State=DRAIN";
    w->refusal = "slurm_update error: Job/step already completing or completed\n";
    find(w, 1, LIVE_KERNEL);
    pass(w, 9 * MW_MS_PER_MIN);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 0);
    assert_in_range(slurm_stats(w->slurm).retries, 50, 100);
    pass(w, 2 * MW_MS_PER_MIN);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 1);
    assert_int_equal(answered(w)->result, RESULT_FAILED);
    assert_non_null(strstr(w->last_tail[EV_ENGINE_ANSWERED], "already completing"));
}

static void silence_is_no_refusal(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->refuse = "s";
    w->refusal = "slurm_update error: Unable to contact slurm controller (connect failure)\n";
    find(w, 1, LIVE_KERNEL);
    pass(w, 30 * MW_MS_PER_MIN);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 0);
    w->refuse = NULL;
    w->nodes = OURS;
    pass(w, 20000);
    assert_int_equal(answered(w)->result, RESULT_OK);
}

static void a_newer_order_takes_the_place_of_an_older_one(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->silent = true;
    find(w, 1, LIVE_KERNEL);
    uint64_t first = w->last[EV_ENGINE_ORDER].seq;
    struct event again = w->last[EV_ENGINE_ORDER];
    again.seq += 1000;
    slurm_act(w->slurm, w->now_ns, &again, NULL);
    slurm_act(w->slurm, w->now_ns, &again, NULL); /* one given before is ignored */
    assert_int_equal(slurm_stats(w->slurm).pending, 2);
    pass(w, 20);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 1);
    assert_int_equal(answered(w)->order, first);
    assert_int_equal(answered(w)->result, RESULT_UNKNOWN);
    assert_int_equal(slurm_stats(w->slurm).pending, 1);
}

static void a_node_that_slurm_does_not_have_is_said(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->nodes = "";
    find(w, 1, LIVE_KERNEL);
    pass(w, 100);
    assert_int_equal(answered(w)->result, RESULT_FAILED);
    assert_string_equal(w->last_tail[EV_ENGINE_ANSWERED], "Slurm has no node n2");
}

/* A job on n[1-2] whose node n2 goes down; Slurm has done its part. */
static void lose_a_node(struct world *w)
{
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 2000);
    w->nodes = OURS;
    w->jobs = JOB_LINE(7, "PENDING", "", 1, "1700000130");
    clear(w);
}

static void the_requeue_comes_after_the_node_is_down_and_after_the_jobs_end(void **state)
{
    struct world *w = *state;
    lose_a_node(w);
    w->silent = true; /* keep what is asked */
    find(w, 1, LIVE_KERNEL);
    pass(w, 50);
    assert_int_equal(w->kinds[EV_ENGINE_ORDER], 2); /* down n2; requeue 7 */
    assert_int_equal(count_calls(w, "-j 7"), 0);
    w->silent = false;
    pass(w, 30);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 1);
    assert_int_equal(answered(w)->verb, ENGINE_DOWN);
    for (int i = 0; i < 100 && answered(w)->verb != ENGINE_REQUEUE; i++)
        pass(w, 10);
    assert_int_equal(answered(w)->result, RESULT_OK);
    assert_true(w->last[EV_ATTEMPT_ENDED].seq < w->last[EV_ENGINE_ANSWERED].seq);
    assert_int_equal(w->last[EV_ATTEMPT_ENDED].body.progress.node, 1);
    assert_int_equal(w->last[EV_ATTEMPT_ENDED].body.progress.class, LIVE_KERNEL);
}

static struct event requeue_avoiding(const struct world *w)
{
    struct event ev = { .kind = EV_ENGINE_ORDER, .seq = 999, .tail_size = 8 };
    ev.body.engine = (struct body_engine){
        .job = 7, .node = 1, .slot = MW_NONE, .job_slot = board_job_find(w->control->board, 7),
        .attempt = 1, .class = LIVE_KERNEL, .verb = ENGINE_REQUEUE };
    return ev;
}

static void nodes_to_avoid_join_the_jobs_own(void **state)
{
    struct world *w = *state;
    const uint32_t avoid[] = { 4, 6 };
    lose_a_node(w);
    pass(w, 1500);
    struct event ev = requeue_avoiding(w);
    slurm_act(w->slurm, w->now_ns, &ev, avoid);
    for (int i = 0; i < 50; i++) {
        slurm_tick(w->slurm, w->now_ns += 10 * MW_NS_PER_MS);
        if (count_calls(w, "StartTime=") > 0)
            break;
        answer_all(w);
    }
    assert_int_equal(count_calls(w, "JobId=7 StartTime=now+1 ExcNodeList=n[1-2],n[5,7]"), 1);
}

static void what_cannot_be_avoided_is_not(void **state)
{
    struct world *w = *state;
    const uint32_t avoid[] = { 4, 6 };
    lose_a_node(w);
    pass(w, 1500);
    w->refuse = "ExcNodeList";
    w->refusal = "slurm_update error: Requested node configuration is not available\n";
    struct event ev = requeue_avoiding(w);
    slurm_act(w->slurm, w->now_ns, &ev, avoid);
    for (int i = 0; i < 50 && count_calls(w, "StartTime=now+1") < 2; i++) {
        slurm_tick(w->slurm, w->now_ns += 10 * MW_NS_PER_MS);
        answer_all(w);
    }
    assert_int_equal(count_calls(w, "ExcNodeList"), 1);
    assert_int_equal(count_calls(w, "JobId=7 StartTime=now+1"), 2);
}

static void a_poll_that_was_asked_before_an_answer_is_not_used(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    find(w, 1, LIVE_KERNEL);
    w->nodes = OURS;
    pass(w, 500);
    assert_int_equal(answered(w)->result, RESULT_OK);
    pass(w, 1000);
    clear(w);
    /* A poll begins; it will say that the node is in service, from before it was put down again. */
    w->silent = true;
    pass(w, 1500);
    uint32_t poll = w->calls;
    assert_int_equal(poll, 2);
    struct event again = w->last[EV_ENGINE_ORDER];
    again.seq += 1000;
    slurm_act(w->slurm, w->now_ns, &again, NULL);
    pass(w, 20);
    assert_int_equal(w->calls, 3);
    end_call(w, 2, OURS, 0, ""); /* the order is read back and answered */
    pass(w, 10);
    end_call(w, 0, IDLE, 0, "");
    end_call(w, 1, "", 0, "");
    w->answered = w->calls;
    pass(w, 10);
    assert_int_equal(w->kinds[EV_NODES_ADOPTED], 0);
    assert_int_equal(w->kinds[EV_NODE_REPORTED], 0);
    w->silent = false;
    w->nodes = IDLE;
    pass(w, 2000); /* one that was asked later is */
    assert_int_equal(w->kinds[EV_NODES_ADOPTED], 1);
}

/* ---- what was wrong once -------------------------------------------------------------------- */

static void bug_a_forgotten_order_is_repeated_only_where_the_mode_is_act(void **state)
{
    struct world *w = *state;
    for (uint32_t act = 0; act < 2; act++) {
        pass(w, 1000);
        w->nodes = OURS;
        if (!act) {
            find(w, 1, LIVE_KERNEL);
            pass(w, 3000);
            assert_int_equal(answered(w)->result, RESULT_OK);
        }
        set_mode(w, act ? MODE_ACT : MODE_OBSERVE);
        pass(w, 3000);
        leave_slurmctld(w);
        pass(w, 5000);
        w->refuse = NULL;
        w->nodes = IDLE;
        w->acts = 0;
        pass(w, 8000);
        assert_int_equal(w->acts > 0, act);
    }
}

static void bug_an_order_that_has_not_acted_ends_with_the_mode(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 2000);
    leave_slurmctld(w);
    find(w, 1, LIVE_KERNEL);
    pass(w, 5000);
    uint32_t open = slurm_stats(w->slurm).pending;
    assert_true(open > 0 && w->kinds[EV_ENGINE_ANSWERED] == 0);
    set_mode(w, MODE_OBSERVE);
    pass(w, 20000);
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], open);
    assert_int_equal(answered(w)->result, RESULT_FAILED);
    assert_string_equal(w->last_tail[EV_ENGINE_ANSWERED], "the mode is not act any more");
    w->refuse = NULL;
    w->acts = 0;
    pass(w, 60000);
    assert_int_equal(w->acts, 0);
    assert_int_equal(slurm_stats(w->slurm).pending, 0);
}

static void bug_a_persons_requeue_is_not_given_to_the_run_after_it(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 2000);
    wish(w, ENGINE_REQUEUE, MW_NONE, 7);
    for (int i = 0; i < 100 && w->acts == 0; i++)
        pass(w, 10);
    assert_int_equal(w->acts, 1);
    const struct event order = w->last[EV_ENGINE_ORDER];
    assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 0);
    restart(w);
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 1, "1700000005"); /* by now */
    w->acts = 0;
    slurm_act(w->slurm, w->now_ns, &order, NULL); /* handed out again */
    pass(w, 2000);
    assert_int_equal(w->acts, 0);
    assert_int_equal(answered(w)->result, RESULT_OK);
}

static void bug_an_order_that_was_lost_while_we_were_away_is_repeated(void **state)
{
    struct world *w = *state;
    pass(w, 1000);
    w->nodes = OURS;
    find(w, 1, LIVE_KERNEL);
    pass(w, 3000);
    assert_int_equal(answered(w)->result, RESULT_OK);
    restart(w);
    w->acts = 0;
    w->nodes = IDLE; /* the machine of both was started anew */
    pass(w, 3000);
    assert_int_equal(w->kinds[EV_NODES_ADOPTED], 0);
    assert_true(w->acts > 0);
    w->nodes = OURS;
    pass(w, 3000);
    assert_int_equal(w->kinds[EV_NODES_ADOPTED], 0);
}

static void bug_orders_of_people_and_of_automation_do_not_answer_each_other(void **state)
{
    struct world *w = *state;
    for (uint32_t care_first = 0; care_first < 2; care_first++) {
        uint32_t node = 1 + care_first;
        w->nodes = IDLE;
        pass(w, 3000);
        clear(w);
        leave_slurmctld(w);
        if (care_first)
            find(w, node, LIVE_KERNEL);
        wish(w, ENGINE_DRAIN, node, 0);
        pass(w, 1000);
        if (!care_first)
            find(w, node, LIVE_KERNEL);
        pass(w, 2000);
        assert_int_equal(w->kinds[EV_ENGINE_ORDER], 2);
        assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 0);
        w->refuse = NULL;
        w->nodes = "down" S "root" S "1700000000" S "n[2-3]" S "mw-person 1042#"
                   "idle" S "Unknown" S "Unknown" S "n[1,4-8]" S "none#";
        pass(w, 12000);
        assert_int_equal(w->kinds[EV_ENGINE_ANSWERED], 2);
        assert_int_equal(answered(w)->result, RESULT_OK);
        wish(w, ENGINE_RESUME, node, 0);
        w->nodes = IDLE;
        pass(w, 3000);
    }
}

static void bug_a_job_that_completes_may_not_start_at_once(void **state)
{
    struct world *w = *state;
    w->jobs = JOB_LINE(7, "RUNNING", "n[1-2]", 0, "1700000000");
    pass(w, 2000);
    w->nodes = OURS;
    w->jobs = JOB_LINE(7, "COMPLETING", "n[1-2]", 1, "1700000000");
    find(w, 1, LIVE_KERNEL);
    uint32_t delays = 0;
    for (int i = 0; i < 300; i++) {
        uint32_t before = w->acts;
        pass(w, 10);
        delays += w->acts > before && count_calls(w, "StartTime=now+10") > 0;
    }
    assert_int_equal(delays, 1); /* said once, while it completes */
    w->jobs = JOB_LINE(7, "PENDING", "", 1, "N/A");
    uint32_t starts = 0;
    for (int i = 0; i < 300; i++) {
        uint32_t before = w->acts;
        pass(w, 10);
        starts += w->acts > before && count_calls(w, "StartTime=now+1 ") +
                                          count_calls(w, "StartTime=now+1") > 0;
    }
    assert_int_equal(starts, 1);
    assert_int_equal(answered(w)->result, RESULT_OK);
}

int main(void)
{
#define PLAYED_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        PLAYED_TEST(a_slow_slurmctld_has_one_poll_at_a_time_and_then_some_rest),
        PLAYED_TEST(silence_is_one_finding_on_the_site_and_nothing_else),
        PLAYED_TEST(an_answer_that_is_cut_short_ends_no_job),
        PLAYED_TEST(two_records_of_one_job_are_not_believed),
        PLAYED_TEST(an_answer_that_is_the_same_is_counted_and_said_once),
        PLAYED_TEST(a_slurmctld_that_has_just_started_knows_nothing_of_nodes),
        PLAYED_TEST(nodes_and_jobs_that_the_site_lacks_are_counted),
        PLAYED_TEST(nodes_come_in_the_order_of_the_site_whatever_the_list_says),
        PLAYED_TEST(jobs_over_before_we_looked_are_left_out),
        PLAYED_TEST(a_restart_between_two_polls_is_told_by_its_count),
        PLAYED_TEST(what_is_as_ordered_already_takes_no_command),
        PLAYED_TEST(a_refusal_for_good_is_said_at_once),
        PLAYED_TEST(other_refusals_are_tried_for_ten_minutes_with_pauses),
        PLAYED_TEST(silence_is_no_refusal),
        PLAYED_TEST(a_newer_order_takes_the_place_of_an_older_one),
        PLAYED_TEST(a_node_that_slurm_does_not_have_is_said),
        PLAYED_TEST(the_requeue_comes_after_the_node_is_down_and_after_the_jobs_end),
        PLAYED_TEST(nodes_to_avoid_join_the_jobs_own),
        PLAYED_TEST(what_cannot_be_avoided_is_not),
        PLAYED_TEST(a_poll_that_was_asked_before_an_answer_is_not_used),
        PLAYED_TEST(bug_a_forgotten_order_is_repeated_only_where_the_mode_is_act),
        PLAYED_TEST(bug_an_order_that_has_not_acted_ends_with_the_mode),
        PLAYED_TEST(bug_a_persons_requeue_is_not_given_to_the_run_after_it),
        PLAYED_TEST(bug_an_order_that_was_lost_while_we_were_away_is_repeated),
        PLAYED_TEST(bug_orders_of_people_and_of_automation_do_not_answer_each_other),
        PLAYED_TEST(bug_a_job_that_completes_may_not_start_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
