/*
 * Random stories on the simulated cluster: faults, persons, commands that are
 * lost or not answered, slurmctld away, the daemon killed at any step; and
 * checkers that look from outside.
 *
 * usage: sweep_test [SEEDS [FIRST]]   with one seed its record is printed
 *
 * What is checked, always: no person's drain is lifted or overwritten by one who
 * was told of it; nothing goes out in a mode below act; a job never has two
 * attempts at once, nor a node two jobs; nothing contradicts the record.  Once
 * the faults have stopped: every order is answered; the record and Slurm say the
 * same of every node and job.  After all: what was recorded is decided the same
 * again, and the same seed records the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/parse.h"
#include "base/random.h"
#include "tests/contract/canon.h"
#include "sim/slurm_twin.h"
#include "tests/contract/stage.h"

#define STORY_S 150   /* of things that go wrong */
#define QUIET_S 1200  /* until everything is as it should be, at most */
#define DEFAULT_SEEDS 200
#define TWICE_EVERY 16
#define LOOKS 20

struct sweep {
    uint64_t seed, thrown;
    struct stage stage;
    struct world world;
    struct slurm_twin *twin;
    uint32_t checked;               /* notes of the record that were looked at */
    uint32_t on[STAGE_JOBS_MAX];    /* attempt that a job has now, by the record; 0 = none */
    uint32_t held[WORLD_NODES];     /* job that a node has, by the record; 0 = none */
    char why[512];                  /* what Slurm and the record do not agree on */
};

static struct sweep the_sweep;

static uint64_t below(struct sweep *w, uint64_t bound)
{
    return mw_random_below(mw_random_u64(w->seed, 7, 1, w->thrown++), bound);
}

static bool odds(struct sweep *w, uint32_t percent)
{
    return below(w, 100) < percent;
}

/* ---- checkers -------------------------------------------------------------------------------- */

#define broken(w, fmt, ...)                                                                       \
    fail_msg("seed %llu: " fmt, (unsigned long long)(w)->seed, __VA_ARGS__)

static uint32_t job_at(const struct sweep *w, uint64_t job)
{
    for (uint32_t i = 0; i < w->stage.jobs; i++)
        if (w->stage.job[i] == job)
            return i;
    broken(w, "the record has a job %llu that nobody submitted", (unsigned long long)job);
    return 0;
}

static void check_allocated(struct sweep *w, const struct note *n)
{
    const struct body_place *p = &n->ev.body.place;
    const uint32_t *node = n->tail;
    uint32_t job = job_at(w, p->job);
    if (w->on[job])
        broken(w, "job %u gets attempt %u while %u runs", job + 1, p->attempt, w->on[job]);
    w->on[job] = p->attempt;
    for (uint32_t i = 0; i < p->nodes; i++) {
        if (w->held[node[i]])
            broken(w, "node %u gets job %u and has %u", node[i] + 1, job + 1, w->held[node[i]]);
        w->held[node[i]] = job + 1;
    }
}

static void check_ended(struct sweep *w, const struct event *ev)
{
    uint32_t job = job_at(w, ev->body.progress.job);
    w->on[job] = 0;
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        if (w->held[i] == job + 1)
            w->held[i] = 0;
}

static void check_record(struct sweep *w)
{
    const struct stage *s = &w->stage;
    for (; w->checked < s->length; w->checked++) {
        const struct note *n = &s->log[w->checked];
        switch (n->ev.kind) {
        case EV_ATTEMPT_ALLOCATED:
            check_allocated(w, n);
            break;
        case EV_ATTEMPT_ENDED:
            check_ended(w, &n->ev);
            break;
        case EV_CONTRADICTION:
            broken(w, "a contradiction at %llu", (unsigned long long)n->ev.seq);
            break;
        case EV_CASCADE_STOPPED:
            broken(w, "a cascade without an end at %llu", (unsigned long long)n->ev.seq);
            break;
        default:
            break;
        }
    }
}

static void check_always(struct sweep *w)
{
    check_record(w);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        struct slurm_twin_node n = slurm_twin_node(w->twin, i);
        if (n.lifted || n.overwritten)
            broken(w, "a person's drain of node %u was %s", i + 1,
                   n.lifted ? "lifted" : "overwritten");
    }
    if (w->stage.mode != MODE_ACT && slurm_twin_changes(w->twin))
        broken(w, "%llu changes of Slurm in a mode that may not",
               (unsigned long long)slurm_twin_changes(w->twin));
}

/* Is it an answer to the order, a newer order about the same, which takes its place, or the end of
 * what it was about? */
static bool settles(const struct event *ev, const struct event *order)
{
    const struct body_engine *o = &order->body.engine;
    switch (ev->kind) {
    case EV_ENGINE_ANSWERED:
        return ev->cause == order->seq;
    case EV_ENGINE_ORDER:
        return ev->body.engine.job == o->job && (o->job || ev->body.engine.node == o->node);
    case EV_ATTEMPT_ENDED:
        return o->job && ev->body.progress.job == o->job && ev->body.progress.how != HOW_STOPPED;
    case EV_JOB_CANCELLED:
        return o->job && ev->body.command.ref == o->job;
    case EV_INCIDENT_CLOSED:
        return !o->job && ev->body.incident.incident == o->incident;
    default:
        return false;
    }
}

static uint64_t unanswered(const struct stage *s)
{
    for (uint32_t i = 0; i < s->length; i++) {
        bool settled = s->log[i].ev.kind != EV_ENGINE_ORDER;
        for (uint32_t k = i + 1; k < s->length && !settled; k++)
            settled = settles(&s->log[k].ev, &s->log[i].ev);
        if (!settled)
            return s->log[i].ev.seq;
    }
    return 0;
}

/* Was it left in service because the guard said so? */
static bool advised(const struct stage *s, uint32_t node)
{
    for (uint32_t i = s->length; i-- > 0;) {
        const struct event *ev = &s->log[i].ev;
        if (ev->kind == EV_ADVICE && ev->body.advice.node == node)
            return true;
        if (ev->kind == EV_ENGINE_ORDER && !ev->body.engine.job && ev->body.engine.node == node &&
            ev->body.engine.class != BOARD_CLASS_PERSON)
            return false;
    }
    return false;
}

#define differs(w, fmt, ...)                                                                      \
    ((void)snprintf((w)->why, sizeof((w)->why), fmt, __VA_ARGS__), false)

/* Does the record say of the node what Slurm says? */
static bool agrees_on_node(struct sweep *w, uint32_t node)
{
    const struct control *c = live_control(w->stage.live);
    struct slurm_twin_node n = slurm_twin_node(w->twin, node);
    bool in = guard_node_reported(c->guard, node) == SERVICE_IN;
    bool ours = strncmp(n.reason, "mw:", 3) == 0 && strncmp(n.reason, "mw:person ", 10) != 0;
    bool incident = c->board->node_incident[node] != MW_NONE;
    uint32_t slot = c->board->node_job[node];
    if (in != n.in)
        return differs(w, "node %u: Slurm has it %s, the record %s (%s)", node + 1,
                       n.in ? "in" : "out", in ? "in" : "out", n.reason);
    if (ours && !incident)
        return differs(w, "node %u is out for \"%s\" and has no incident", node + 1, n.reason);
    if (w->stage.mode == MODE_ACT && incident && n.in &&
        c->board->node_health[node] != HEALTH_READY && !advised(&w->stage, node))
        return differs(w, "node %u is %s and takes jobs", node + 1,
                       health_name(c->board->node_health[node]));
    if (n.job != (slot == MW_NONE ? 0 : c->board->job_id[slot]))
        return differs(w, "node %u has job %u, by the record another", node + 1, n.job);
    return true;
}

static bool agrees_on_job(struct sweep *w, uint32_t job)
{
    const struct board *b = live_control(w->stage.live)->board;
    struct slurm_twin_job j = slurm_twin_job(w->twin, w->stage.job[job]);
    uint32_t slot = board_job_find(b, w->stage.job[job]);
    const char *is = !j.state ? "over" : strcmp(j.state, "RUNNING") == 0 ? "runs"
                     : strcmp(j.state, "PENDING") == 0 ? "waits" : "over";
    const char *said = slot == MW_NONE ? "over" : b->job_state[slot] == JOB_RUNNING ? "runs"
                       : b->job_state[slot] == JOB_QUEUED ? "waits" : "something else";
    if (strcmp(is, said) != 0)
        return differs(w, "job %u %s, and by the record it %s", job + 1, is, said);
    return true;
}

static bool agrees(struct sweep *w)
{
    uint64_t order = unanswered(&w->stage);
    bool all = true;
    if (order)
        return differs(w, "order %llu was never answered", (unsigned long long)order);
    for (uint32_t i = 0; i < WORLD_NODES && all; i++)
        all = agrees_on_node(w, i);
    for (uint32_t i = 0; i < w->stage.jobs && all; i++)
        all = agrees_on_job(w, i);
    return all;
}

/* Jobs go on ending and starting, nodes return, and are seen a moment later. */
static void check_end(struct sweep *w)
{
    check_always(w);
    for (uint32_t i = 0; !agrees(w); i++) {
        if (i == LOOKS)
            broken(w, "%s", w->why);
        stage_pass(&w->stage, 700 * MW_NS_PER_MS);
    }
    stage_rederive(&w->stage);
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void submit(struct sweep *w)
{
    if (w->stage.jobs < STAGE_JOBS_MAX)
        (void)stage_sbatch(&w->stage, (uint32_t)(1 + below(w, 5)), (uint32_t)(5 + below(w, 200)));
}

static void cancel(struct sweep *w)
{
    if (w->stage.jobs)
        slurm_twin_scancel(w->twin, w->stage.job[below(w, w->stage.jobs)]);
}

static void person_drains(struct sweep *w)
{
    slurm_twin_drain(w->twin, (uint32_t)below(w, WORLD_NODES), "eve", "eve: let me see");
}

static void person_resumes(struct sweep *w)
{
    slurm_twin_resume(w->twin, (uint32_t)below(w, WORLD_NODES));
}

static void slurmd_dies(struct sweep *w)
{
    slurm_twin_slurmd(w->twin, (uint32_t)below(w, WORLD_NODES), false);
}

static void slurmd_back(struct sweep *w)
{
    slurm_twin_slurmd(w->twin, (uint32_t)below(w, WORLD_NODES), true);
}

static void node_dies(struct sweep *w)
{
    w->world.node(w->world.self, (uint32_t)below(w, WORLD_NODES), false);
}

static void node_back(struct sweep *w)
{
    w->world.node(w->world.self, (uint32_t)below(w, WORLD_NODES), true);
}

static void agent_alone(struct sweep *w)
{
    slurm_twin_agent(w->twin, (uint32_t)below(w, WORLD_NODES), odds(w, 60));
}

static void kernel_says(struct sweep *w)
{
    static const char *const LINE[] = {
        "NVRM: Xid (PCI:0000:19:00): 79, pid=9, name=python, GPU has fallen off the bus.",
        "NVRM: Xid (PCI:0000:3b:00): 63, pid='<unknown>', name=<unknown>, Row Remapper: New row",
        "NVRM: Xid (PCI:0000:19:00): 31, pid=17, name=python, Ch 00000010, MMU Fault",
        "NVRM: Xid (PCI:0000:5d:00): 48, pid=12, An uncorrectable double bit error (DBE)",
        "usb 1-1: new high-speed USB device number 4", "NVRM: Xid (PCI:", "" };
    slurm_twin_kernel(w->twin, (uint32_t)below(w, WORLD_NODES), LINE[below(w, MW_ARRAY_LEN(LINE))]);
}

static void ctld_away(struct sweep *w)
{
    slurm_twin_ctld(w->twin, false);
    stage_pass(&w->stage, (int64_t)below(w, 15) * MW_NS_PER_S);
    slurm_twin_ctld(w->twin, true);
}

static void commands_fail(struct sweep *w)
{
    uint32_t lost = (uint32_t)below(w, 300);
    slurm_twin_faults(w->twin, odds(w, 50) ? lost : 0, odds(w, 50) ? lost : 0);
}

static void daemon_dies(struct sweep *w)
{
    if (odds(w, 50))
        stage_kill(&w->stage);
    else
        w->stage.kill_at_order = true;
}

/* A crew does what care asked for. */
static void crew_repairs(struct sweep *w)
{
    struct stage *s = &w->stage;
    for (uint32_t i = s->length; i-- > 0 && !s->dead;) {
        struct event ev = s->log[i].ev;
        enum admit admit = ADMIT_OK;
        struct mw_error err;
        if (ev.kind != EV_ORDER_OPENED)
            continue;
        struct event fact = { .source = SOURCE_CREW, .actor = 7, .cause = ev.seq,
                              .observed_ns = s->world.now(s->world.self) };
        fact.body.order = ev.body.order;
        fact.body.order.result = RESULT_OK;
        fact.kind = EV_ORDER_TAKEN;
        if (live_command(s->live, fact.observed_ns, &fact, NULL, &admit, &err) < 0)
            broken(w, "%s", err.text);
        if (s->dead)
            return;
        fact.kind = EV_ORDER_ENDED;
        if (live_command(s->live, fact.observed_ns, &fact, NULL, &admit, &err) < 0)
            broken(w, "%s", err.text);
        return;
    }
}

/* A person asks us, who may not ask Slurm, for what persons ask of it. */
static void person_wishes(struct sweep *w)
{
    static const uint8_t VERB[] = { ENGINE_HOLD, ENGINE_RELEASE, ENGINE_REQUIRE, ENGINE_RESERVE,
                                    ENGINE_UNRESERVE, ENGINE_REQUEUE, ENGINE_DRAIN };
    struct stage *s = &w->stage;
    uint8_t verb = VERB[below(w, MW_ARRAY_LEN(VERB))];
    uint64_t job = s->jobs ? s->job[below(w, s->jobs)] : 0;
    bool of_job = verb == ENGINE_HOLD || verb == ENGINE_RELEASE || verb == ENGINE_REQUEUE;
    bool many = verb == ENGINE_REQUIRE || verb == ENGINE_RESERVE;
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 9 };
    enum admit admit = ADMIT_OK;
    struct mw_error err;
    if (s->dead || s->mode != MODE_ACT) /* else the checker could not tell it from automation */
        return;
    ev.body.command = (struct body_command){
        .ref = of_job || verb == ENGINE_REQUIRE ? job : 0, .verb = CMD_ENGINE, .engine = verb,
        .node = of_job ? MW_NONE : (uint32_t)below(w, WORLD_NODES - 1), .hall = MW_NONE,
        .slot = MW_NONE, .count = many ? 1 + (uint32_t)below(w, 2) : 0,
        .length_ms = verb == ENGINE_RESERVE ? 60000 : 0 };
    if (live_command(s->live, s->world.now(s->world.self), &ev, NULL, &admit, &err) < 0)
        broken(w, "%s", err.text);
}

struct doing {
    void (*act)(struct sweep *w);
    uint32_t weight;
};
static const struct doing DOINGS[] = {
    { submit, 22 }, { cancel, 5 }, { person_drains, 6 }, { person_resumes, 6 }, { slurmd_dies, 6 },
    { slurmd_back, 8 }, { node_dies, 6 }, { node_back, 10 }, { agent_alone, 4 },
    { kernel_says, 6 }, { ctld_away, 3 }, { commands_fail, 4 }, { daemon_dies, 6 },
    { crew_repairs, 6 }, { person_wishes, 5 },
};

static void something(struct sweep *w)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(DOINGS); i++)
        sum += DOINGS[i].weight;
    uint64_t at = below(w, sum);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(DOINGS); i++) {
        if (at < DOINGS[i].weight) {
            DOINGS[i].act(w);
            return;
        }
        at -= DOINGS[i].weight;
    }
}

/* Faults stop; what broke works again.  What persons have out they keep out. */
static void peace(struct sweep *w)
{
    slurm_twin_faults(w->twin, 0, 0);
    slurm_twin_ctld(w->twin, true);
    w->stage.kill_at_order = false;
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        slurm_twin_slurmd(w->twin, i, true);
        slurm_twin_agent(w->twin, i, true);
    }
}

/* ---- one seed -------------------------------------------------------------------------------- */

static void open_sweep(struct sweep *w, uint64_t seed)
{
    static const uint8_t MODE[] = { MODE_OBSERVE, MODE_ADVISE, MODE_APPROVE };
    *w = (struct sweep){ .seed = seed };
    w->world = world_twin(seed);
    w->twin = world_twin_of(&w->world);
    stage_open(&w->stage, &w->world, odds(w, 80) ? MODE_ACT : MODE[below(w, 3)]);
}

static void close_sweep(struct sweep *w)
{
    stage_close(&w->stage);
    w->world.destroy(w->world.self);
}

static struct mw_hash128 trace_of(const struct stage *s)
{
    struct mw_hasher *h = mw_hasher_create();
    assert_non_null(h);
    for (uint32_t i = 0; i < s->length; i++) {
        mw_hasher_add(h, &s->log[i].ev, sizeof(s->log[i].ev));
        mw_hasher_add(h, s->log[i].tail, s->log[i].ev.tail_size);
    }
    struct mw_hash128 trace = mw_hasher_result(h);
    mw_hasher_destroy(h);
    return trace;
}

static struct mw_hash128 tell(struct sweep *w, uint64_t seed)
{
    open_sweep(w, seed);
    int64_t end = w->world.now(w->world.self) + STORY_S * MW_NS_PER_S;
    while (w->world.now(w->world.self) < end) {
        something(w);
        stage_pass(&w->stage, (int64_t)(1 + below(w, 3000)) * MW_NS_PER_MS);
        check_always(w);
    }
    peace(w);
    stage_pass(&w->stage, 30 * MW_NS_PER_S);
    (void)stage_until(&w->stage, stage_quiet, 0, 0, QUIET_S);
    stage_pass(&w->stage, 30 * MW_NS_PER_S);
    check_end(w);
    return trace_of(&w->stage);
}

static uint64_t first_seed = 1, seeds = DEFAULT_SEEDS;

static void random_stories_end_well(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++) {
        struct sweep *w = &the_sweep;
        struct mw_hash128 trace = tell(w, seed);
        if (seeds == 1)
            return; /* its record is shown */
        close_sweep(w);
        if (seed % TWICE_EVERY)
            continue;
        struct mw_hash128 again = tell(w, seed);
        close_sweep(w);
        if (!mw_hash128_equal(trace, again))
            broken(w, "%s", "the same seed recorded something else");
    }
}

static int show(void **state)
{
    const struct stage *s = &the_sweep.stage;
    (void)state;
    for (uint32_t i = 0; i < s->length; i++) {
        char line[CANON_LINE_MAX];
        canon_print(s, i, line);
        print_message("%8u %8.3f %s\n", i + 1,
                      (double)(s->log[i].ev.time_ns - s->log[0].ev.time_ns) / 1e9, line);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[] = { cmocka_unit_test(random_stories_end_well) };
    if ((argc > 1 && mw_parse_u64(argv[1], &seeds) < 0) ||
        (argc > 2 && mw_parse_u64(argv[2], &first_seed) < 0) || argc > 3) {
        (void)fprintf(stderr, "usage: %s [SEEDS [FIRST]]\n", argv[0]);
        return 2;
    }
    if (seeds == 1)
        tests[0].teardown_func = show;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
