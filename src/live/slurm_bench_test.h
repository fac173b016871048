/*
 * The Slurm adapter over a port that is played by hand: the bench of
 * slurm_test.c and slurm_orders_test.c.  For tests only.
 */
#ifndef MW_LIVE_SLURM_BENCH_TEST_H
#define MW_LIVE_SLURM_BENCH_TEST_H

#include "live/slurm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

static inline int start(void *self, const struct process_request *q, process_done_fn *done,
                        void *ctx, struct mw_error *err)
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
static inline void end_call(struct world *w, uint32_t at, const char *say, int exit_code,
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

static inline void answer_all(struct world *w)
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

static inline void time_out_all(struct world *w)
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

static inline int note(void *ctx, const struct event *ev, const void *tail, bool last)
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

static inline void commit(struct world *w)
{
    assert_int_equal(core_commit(w->control->core, NULL), 0);
    assert_int_equal(w->journal->ops->read(w->journal, w->noted + 1, note, w, NULL), 0);
}

static inline void clear(struct world *w)
{
    memset(w->kinds, 0, sizeof(w->kinds));
}

/* Time passes by steps of 10 ms; what was started is answered one step later. */
static inline void pass(struct world *w, int64_t ms)
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

static inline void act(void *ctx, const struct event *action, const void *tail)
{
    struct world *w = ctx;
    slurm_act(w->slurm, w->now_ns, action, tail);
}

static inline enum admit submit(void *ctx, const struct event *fact, const void *tail)
{
    struct world *w = ctx;
    enum admit a;
    assert_int_equal(core_submit(w->control->core, w->now_ns, fact, tail, &a, NULL), 0);
    return a;
}

static inline void open_slurm(struct world *w)
{
    const struct slurm_options o = { .control = w->control,
                                     .facts = { .submit = submit, .ctx = w },
                                     .process = { .self = w, .start = start } };
    assert_int_equal(slurm_create(&o, &w->slurm, NULL), 0);
}

/* Another adapter, which remembers nothing. */
static inline void restart(struct world *w)
{
    slurm_destroy(w->slurm);
    answer_all(w); /* what still ran is told to nobody */
    w->answered = w->calls = 0;
    open_slurm(w);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline void find(struct world *w, uint32_t node, uint16_t class)
{
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + node,
                        .observed_ns = w->now_ns };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, node),
                                             .finding = 1, .node = node, .class = class };
    assert_int_equal(submit(w, &ev, NULL), ADMIT_OK);
    commit(w);
}

static inline void command(struct world *w, const struct body_command *c)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 1042,
                        .observed_ns = w->now_ns, .body.command = *c };
    assert_int_equal(submit(w, &ev, NULL), ADMIT_OK);
    commit(w);
}

static inline void set_mode(struct world *w, uint8_t mode)
{
    const struct body_command c = { .verb = CMD_SET_MODE, .mode = mode, .hall = MW_NONE,
                                    .node = MW_NONE, .slot = MW_NONE };
    command(w, &c);
}

static inline void wish(struct world *w, enum engine_verb verb, uint32_t node, uint64_t job)
{
    const struct body_command c = { .verb = CMD_ENGINE, .engine = (uint8_t)verb, .node = node,
                                    .ref = job, .hall = MW_NONE, .slot = MW_NONE };
    command(w, &c);
}

static inline void leave_slurmctld(struct world *w)
{
    w->refuse = "s"; /* in every command */
    w->refusal = "Unable to contact slurm controller (connect failure)\n";
}

static inline const struct body_engine *answered(struct world *w)
{
    return &w->last[EV_ENGINE_ANSWERED].body.engine;
}

static inline uint32_t count_calls(const struct world *w, const char *word)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->calls; i++)
        n += strstr(w->call[i].words, word) != NULL;
    return n;
}

/* ---- polls ---------------------------------------------------------------------------------- */

#define PLAYED_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
