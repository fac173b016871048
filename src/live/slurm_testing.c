/* A real cluster, a real adapter, and a record to look into. */
#include "live/slurm_testing.h"

#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "core/journal_memory.h"
#include "fleet/site.h"
#include "live/policy.h"
#include "live/process_run.h"

#define EXPECT_S 40

int64_t slurm_testing_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

const char *slurm_testing_shell(struct slurm_testing *t, const char *fmt, ...)
{
    char command[4096];
    int n = snprintf(command, sizeof(command), "LAB=%s; export SLURM_CONF=$LAB/slurm.conf; ",
                     t->dir);
    va_list args;
    va_start(args, fmt);
    n += vsnprintf(command + n, sizeof(command) - (size_t)n, fmt, args);
    va_end(args);
    assert_in_range(n, 1, sizeof(command) - 1);
    FILE *f = popen(command, "re");
    assert_non_null(f);
    size_t size = fread(t->output, 1, sizeof(t->output) - 1, f);
    t->output[size] = '\0';
    if (size > 0 && t->output[size - 1] == '\n')
        t->output[size - 1] = '\0';
    int status = pclose(f);
    if (status != 0)
        fail_msg("status %d: %s\n%s", status, command, t->output);
    return t->output;
}

void slurm_testing_start(struct slurm_testing *t, uint32_t nodes)
{
    memset(t, 0, sizeof(*t));
    memcpy(t->dir, "/tmp/mw-slurm-XXXXXX", sizeof("/tmp/mw-slurm-XXXXXX"));
    assert_non_null(mkdtemp(t->dir));
    (void)snprintf(t->conf, sizeof(t->conf), "%s/slurm.conf", t->dir);
    /* a job that does not heed SIGTERM is not waited for */
    (void)slurm_testing_shell(t, "echo KillWait=1 >$LAB.extra && script/slurm-lab start $LAB "
                              "--nodes %u --slurm-conf-extra $LAB.extra 2>&1", nodes);
}

void slurm_testing_stop(struct slurm_testing *t)
{
    (void)slurm_testing_shell(t, "script/slurm-lab stop $LAB 2>&1 && rm -r $LAB $LAB.extra");
}

uint64_t slurm_testing_sbatch(struct slurm_testing *t, const char *words)
{
    const char *said = slurm_testing_shell(
        t, "cd $LAB && sbatch --parsable -o /dev/null %s", words);
    uint64_t job;
    assert_int_equal(mw_parse_u64(said, &job), 0);
    return job;
}

void slurm_testing_kill(struct slurm_testing *t, const char *pid_file, int signal)
{
    (void)slurm_testing_shell(t, "kill -%d $(cat $LAB/pids/%s)", signal, pid_file);
}

uint32_t slurm_testing_node(const struct slurm_testing *t, const char *name)
{
    uint64_t id = fleet_find(t->fleet, name);
    assert_int_equal(component_kind_of(id), COMPONENT_NODE);
    return component_index_of(id);
}

/* ---- the controller ------------------------------------------------------------------------- */

static int note(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct slurm_testing *t = ctx;
    (void)last;
    if (t->log_length == t->log_room) {
        t->log_room = t->log_room ? 2 * t->log_room : 256;
        t->log = mw_resize(t->log, t->log_room, sizeof(*t->log));
        assert_non_null(t->log);
    }
    struct slurm_testing_event *e = &t->log[t->log_length++];
    e->ev = *ev;
    e->tail = ev->tail_size > 0 ? mw_strndup(tail, ev->tail_size) : NULL;
    return 0;
}

static void commit(struct slurm_testing *t)
{
    struct mw_error err = { 0 };
    uint64_t from = t->log_length > 0 ? t->log[t->log_length - 1].ev.seq + 1 : 1;
    assert_int_equal(core_commit(t->control->core, &err), 0);
    assert_int_equal(t->journal->ops->read(t->journal, from, note, t, &err), 0);
}

static void act(void *ctx, const struct event *action, const void *tail)
{
    struct slurm_testing *t = ctx;
    if (t->slurm)
        slurm_act(t->slurm, slurm_testing_now(), action, tail);
}

static enum admit submit(void *ctx, const struct event *fact, const void *tail)
{
    struct slurm_testing *t = ctx;
    struct mw_error err = { 0 };
    enum admit a = ADMIT_OK;
    if (core_submit(t->control->core, slurm_testing_now(), fact, tail, &a, &err) != 0)
        fail_msg("a fact was not taken: %s", err.text);
    return a;
}

static void make(struct slurm_testing *t, const struct control_policy *p)
{
    struct mw_error err = { 0 };
    const struct control_options c = { .fleet = t->fleet, .policy = p, .journal = t->journal,
                                       .act = act, .act_ctx = t };
    assert_int_equal(control_create(&c, &t->control, &err), 0);
    const struct slurm_options o = { .control = t->control,
                                     .facts = { .submit = submit, .ctx = t },
                                     .process = process_run_port(t->run), .conf = t->conf,
                                     .command_ns = t->command_ns, .silence_ns = t->silence_ns };
    assert_int_equal(slurm_create(&o, &t->slurm, &err), 0);
}

void slurm_testing_open(struct slurm_testing *t, uint8_t mode)
{
    struct mw_error err = { 0 };
    struct site_problems problems = { 0 };
    char site[96];
    struct control_policy p = live_policy();
    p.guard.mode = mode;
    for (uint32_t i = 0; i < p.care.classes; i++)
        p.care.class[i].probation_ms = MW_MIN(p.care.class[i].probation_ms, MW_MS_PER_S);
    (void)snprintf(site, sizeof(site), "%s/site.yaml", t->dir);
    if (site_load_file(site, &t->fleet, &problems, &err) != 0)
        fail_msg("%s", err.text);
    t->base = event_base_new();
    assert_non_null(t->base);
    assert_int_equal(process_run_create(t->base, 16, &t->run, &err), 0);
    assert_int_equal(journal_memory_create(&(struct journal_memory_options){ 0 }, &t->journal), 0);
    make(t, &p);
    assert_int_equal(control_begin(t->control, slurm_testing_now(), &err), 0);
    commit(t);
    t->mark = 0;
}

void slurm_testing_reopen(struct slurm_testing *t)
{
    struct mw_error err = { 0 };
    const struct control_policy p = t->control->policy;
    slurm_destroy(t->slurm);
    control_destroy(t->control);
    journal_memory_crash(t->journal);
    make(t, &p);
    assert_int_equal(control_recover(t->control, false, &err), 0);
}

static void mend(struct slurm_testing *t)
{
    static const char script[] =
        "$LAB/ctl start-slurmctld; scancel -u $(id -un); "
        "for n in $(sinfo -h -N -o %N | sort -u); do $LAB/ctl start-slurmd $n; done; "
        "for i in $(seq 150); do "
        "  [ \"$(sinfo -h -o %T | sort -u)\" = idle ] && [ -z \"$(squeue -h)\" ] && exit 0; "
        "  sleep 0.2; "
        "  for n in $(sinfo -h -N -t down,drain -o %N | sort -u); do "
        "    scontrol update NodeName=$n State=RESUME 2>/dev/null; done; "
        "done; sinfo; squeue; exit 1";
    (void)slurm_testing_shell(t, "%s", script);
}

void slurm_testing_close(struct slurm_testing *t)
{
    process_run_destroy(t->run);
    slurm_destroy(t->slurm);
    control_destroy(t->control);
    journal_destroy(t->journal);
    fleet_destroy(t->fleet);
    event_base_free(t->base);
    for (uint32_t i = 0; i < t->log_length; i++)
        mw_free(t->log[i].tail);
    mw_free(t->log);
    t->log = NULL;
    t->log_length = t->log_room = t->mark = 0;
    t->command_ns = t->silence_ns = 0;
    t->slurm = NULL;
    mend(t);
}

/* ---- time ----------------------------------------------------------------------------------- */

static void tick(struct slurm_testing *t)
{
    struct mw_error err = { 0 };
    int64_t now_ns = slurm_testing_now();
    int64_t due_ns = MW_MIN(slurm_next_due(t->slurm), core_next_due(t->control->core));
    int64_t pause_ns = MW_MIN(MW_MAX(due_ns - now_ns, 0), 20 * MW_NS_PER_MS);
    const struct timeval pause = { .tv_usec = pause_ns / MW_NS_PER_US };
    (void)event_base_loopexit(t->base, &pause);
    (void)event_base_loop(t->base, EVLOOP_ONCE);
    now_ns = slurm_testing_now();
    assert_int_equal(core_advance(t->control->core, now_ns, &err), 0);
    slurm_tick(t->slurm, now_ns);
    commit(t);
}

bool slurm_testing_until(struct slurm_testing *t, int64_t seconds, slurm_testing_fn *until,
                         uint64_t arg)
{
    int64_t end_ns = slurm_testing_now() + seconds * MW_NS_PER_S;
    while (!until(t, arg)) {
        if (slurm_testing_now() > end_ns)
            return false;
        tick(t);
    }
    return true;
}

void slurm_testing_rest(struct slurm_testing *t, int64_t ms)
{
    int64_t end_ns = slurm_testing_now() + ms * MW_NS_PER_MS;
    while (slurm_testing_now() < end_ns)
        tick(t);
}

static bool is_about(const struct event *ev, uint64_t about)
{
    switch (ev->kind) {
    case EV_JOB_SUBMITTED:
        return ev->body.job.job == about;
    case EV_ATTEMPT_ALLOCATED:
        return ev->body.place.job == about;
    case EV_ATTEMPT_RUNNING:
        return ev->body.running.job == about;
    case EV_ATTEMPT_ENDED:
        return ev->body.progress.job == about;
    case EV_JOB_CANCELLED:
        return ev->body.command.ref == about;
    case EV_ENGINE_ORDER:
    case EV_ENGINE_ANSWERED:
        return ev->body.engine.verb == about;
    default:
        return true;
    }
}

static void print_log(const struct slurm_testing *t)
{
    for (uint32_t i = 0; i < t->log_length; i++) {
        const struct event *ev = &t->log[i].ev;
        print_error("%s %llu %s %.*s\n", i == t->mark ? ">" : " ", (unsigned long long)ev->seq,
                    event_info(ev->kind)->name,
                    event_info(ev->kind)->tail == TAIL_TEXT ? (int)ev->tail_size : 0,
                    t->log[i].tail ? (const char *)t->log[i].tail : "");
    }
    print_error("trouble: %s\n", slurm_stats(t->slurm).trouble);
}

const struct event *slurm_testing_expect(struct slurm_testing *t, uint32_t kind, uint64_t about)
{
    int64_t end_ns = slurm_testing_now() + EXPECT_S * MW_NS_PER_S;
    for (uint32_t i = t->mark;; i++) {
        while (i == t->log_length && slurm_testing_now() < end_ns)
            tick(t);
        if (i == t->log_length) {
            print_log(t);
            fail_msg("no %s of %llu", event_info(kind)->name, (unsigned long long)about);
        }
        const struct event *ev = &t->log[i].ev;
        if (ev->kind != kind || (about && !is_about(ev, about)))
            continue;
        t->mark = i + 1;
        return ev;
    }
}

uint32_t slurm_testing_count(const struct slurm_testing *t, uint32_t kind)
{
    uint32_t n = 0;
    for (uint32_t i = t->mark; i < t->log_length; i++)
        n += t->log[i].ev.kind == kind;
    return n;
}

const char *slurm_testing_tail(const struct slurm_testing *t)
{
    assert_true(t->mark > 0);
    const char *tail = t->log[t->mark - 1].tail;
    return tail ? tail : "";
}

void slurm_testing_finding(struct slurm_testing *t, uint32_t node, uint16_t class, bool open)
{
    struct event ev = { .kind = open ? EV_FINDING_OPENED : EV_FINDING_CLOSED,
                        .source = SOURCE_NODE + node, .observed_ns = slurm_testing_now() };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, node),
                                             .finding = 1, .node = node, .class = class };
    assert_int_equal(submit(t, &ev, NULL), ADMIT_OK);
    commit(t);
}
