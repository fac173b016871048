/*
 * The worst minute: 100,000 findings at once on a site of 250,000 GPUs with jobs
 * on it.  How long until the controller has taken and answered them all, and,
 * in the middle of it, how long a restart takes with every order and stop still
 * without a result, each handed to the world once more.
 *
 * And the long storm: 4,200 findings a second for five minutes (the rate at
 * which the open peer's store restarted: NVSentinel's own test), a commit every
 * tenth of a second as they come in, none lost.  It is played as fast as it
 * goes: one core keeps up when that takes less than the five minutes.
 */
#include <stdio.h>

#include "base/units.h"
#include "bench/stand.h"
#include "store/journal_sqlite.h"

#define BEFORE 200000u /* events of ordinary life first, so that jobs run */
#define FINDINGS 100000u
#define COMMIT_EVERY 1024u
#define RATE 4200u /* findings a second … */
#define LONG_S 300u /* … for so long */
#define OPEN_S 10u  /* each is over after this */

struct storm {
    uint64_t orders, stops, others; /* actions seen */
};

static void count_action(void *ctx, const struct event *action, const void *tail)
{
    struct storm *s = ctx;
    (void)tail;
    if (action->kind == EV_ORDER_OPENED)
        s->orders++;
    else if (action->kind == EV_ATTEMPT_STOP)
        s->stops++;
    else
        s->others++;
}

static struct journal *open_journal(struct measure *m, const char *path)
{
    struct journal *j = NULL;
    struct mw_error err = { .text = "" };
    if (journal_sqlite_open(path, NULL, &j, &err) < 0)
        measure_fail(m, &err);
    return j;
}

static struct control *make_control(const struct stand *s, struct journal *j, struct storm *seen)
{
    struct control *c = NULL;
    struct mw_error err = { .text = "" };
    const struct control_options o = { .fleet = s->fleet, .policy = &s->policy, .journal = j,
                                       .act = count_action, .act_ctx = seen };
    if (control_create(&o, &c, &err) < 0)
        measure_fail(s->measure, &err);
    return c;
}

/* Every GPU of a node in turn, until enough findings are out; none may be lost. */
static void blow(const struct stand *s, struct control *c, uint32_t findings)
{
    struct mw_error err = { .text = "" };
    uint32_t nodes = s->fleet->count[COMPONENT_NODE];
    int64_t now_ns = core_now(c->core) + MW_NS_PER_S;
    for (uint32_t i = 0; i < findings; i++) {
        uint32_t node = i % nodes;
        enum admit a;
        struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + node,
                            .observed_ns = now_ns };
        ev.body.finding = (struct body_finding){
            .component = component_id(COMPONENT_GPU, s->fleet->node_gpu_first[node] + i / nodes),
            .finding = (UINT64_C(1) << 39) + i, .node = node, .class = 0 };
        if (core_submit(c->core, now_ns, &ev, NULL, &a, &err) < 0 ||
            (i % COMMIT_EVERY == 0 && core_commit(c->core, &err) < 0))
            measure_fail(s->measure, &err);
        must(a == ADMIT_OK);
    }
    if (core_commit(c->core, &err) < 0 || core_snapshot(c->core, &err) < 0)
        measure_fail(s->measure, &err);
}

static void measure_restart(const struct stand *s, const char *path, struct mw_hash128 hash)
{
    struct mw_error err = { .text = "" };
    struct storm again = { 0 };
    double start = measure_wall_s();
    struct journal *j = open_journal(s->measure, path);
    struct control *c = make_control(s, j, &again);
    if (core_recover(c->core, true, &err) < 0)
        measure_fail(s->measure, &err);
    double took = measure_wall_s() - start;
    must(mw_hash128_equal(core_state_hash(c->core), hash));
    measure_add(s->measure, &(struct figure){
        .key = "storm_restart_s", .what = "restart from a snapshot in the middle of it",
        .value = took, .unit = "s", .sense = AT_MOST, .target = 5 });
    measure_note(s->measure, "%llu orders, %llu stops and %llu other actions handed out again",
                 (unsigned long long)again.orders, (unsigned long long)again.stops,
                 (unsigned long long)again.others);
    control_destroy(c);
    journal_destroy(j);
}

/* The i-th of the long storm begins or ends: another GPU each, round the site. */
static void tell_finding(const struct stand *s, struct control *c, uint64_t i, uint16_t kind,
                         int64_t now_ns)
{
    struct mw_error err = { .text = "" };
    enum admit a;
    uint32_t gpu = (uint32_t)(i % s->fleet->gpus_total), node = s->fleet->gpu_node[gpu];
    struct event ev = { .kind = kind, .source = SOURCE_NODE + node, .observed_ns = now_ns };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_GPU, gpu),
                                             .finding = (UINT64_C(3) << 38) + i, .node = node,
                                             .class = (uint16_t)(i % 4) };
    if (core_submit(c->core, now_ns, &ev, NULL, &a, &err) < 0)
        measure_fail(s->measure, &err);
    must(a == ADMIT_OK);
}

static void commit_now(const struct stand *s, struct control *c)
{
    struct mw_error err = { .text = "" };
    if (core_commit(c->core, &err) < 0)
        measure_fail(s->measure, &err);
}

/* Gives how many were opened. */
static uint64_t blow_long(const struct stand *s, struct control *c, uint32_t seconds)
{
    const int64_t start_ns = core_now(c->core) + MW_NS_PER_S, gap_ns = MW_NS_PER_S / RATE;
    uint64_t opened = (uint64_t)seconds * RATE, behind = (uint64_t)OPEN_S * RATE;
    for (uint64_t i = 0; i < opened; i++) {
        int64_t now_ns = start_ns + (int64_t)i * gap_ns;
        tell_finding(s, c, i, EV_FINDING_OPENED, now_ns);
        if (i >= behind)
            tell_finding(s, c, i - behind, EV_FINDING_CLOSED, now_ns);
        if (i % (RATE / 10) == 0)
            commit_now(s, c);
    }
    commit_now(s, c);
    return opened;
}

static void measure_long(const struct stand *s, struct measure *m)
{
    char path[MEASURE_PATH_MAX + 32];
    struct storm seen = { 0 };
    uint32_t seconds = m->quick ? LONG_S / 30 + OPEN_S : LONG_S;
    (void)snprintf(path, sizeof(path), "%s/long", measure_folder(m));
    struct journal *j = open_journal(m, path);
    struct control *c = make_control(s, j, &seen);
    stand_play(s, c, stand_whole(s, COMMIT_EVERY));
    uint64_t before = core_stats(c->core)->facts, events = core_seq(c->core);
    double start = measure_wall_s(), cpu = measure_cpu_s();
    uint64_t opened = blow_long(s, c, seconds);
    double took = measure_wall_s() - start;
    must(core_stats(c->core)->facts - before >= 2 * opened - (uint64_t)OPEN_S * RATE);
    must(core_stats(c->core)->contradictions == 0);
    measure_add(m, &(struct figure){
        .key = "storm_findings_per_s", .what = "findings a second, one core, durable, none lost",
        .value = (double)opened / took, .unit = "findings/s", .sense = AT_LEAST, .target = RATE });
    measure_note(m, "%llu findings opened and closed as in %u s took %.1f s, %.1f s of it CPU "
                 "time; %.1f M events, %llu orders", (unsigned long long)opened, seconds, took,
                 measure_cpu_s() - cpu, (double)(core_seq(c->core) - events) / 1e6,
                 (unsigned long long)seen.orders);
    control_destroy(c);
    journal_destroy(j);
}

int main(int argc, char **argv)
{
    struct measure m;
    struct stand s;
    struct storm seen = { 0 };
    char path[MEASURE_PATH_MAX + 32];
    measure_begin(&m, "storm", argc, argv);
    uint32_t findings = m.quick ? FINDINGS / 10 : FINDINGS;
    stand_init(&s, &m, SITE_LARGE, BEFORE);
    (void)snprintf(path, sizeof(path), "%s/journal", measure_folder(&m));
    struct journal *j = open_journal(&m, path);
    struct control *c = make_control(&s, j, &seen);
    stand_play(&s, c, stand_whole(&s, COMMIT_EVERY));
    uint64_t before = core_seq(c->core);
    const struct storm quiet = seen;
    double start = measure_wall_s(), cpu = measure_cpu_s();
    blow(&s, c, findings);
    double took = measure_wall_s() - start;
    uint64_t events = core_seq(c->core) - before;
    measure_add(&m, &(struct figure){
        .key = "storm_s", .what = "100,000 findings at once taken, answered, durable",
        .value = took, .unit = "s", .sense = AT_MOST, .target = 5,
        .limit = (double)events * sizeof(struct event) / measure_copy_rate(),
        .limit_what = "copying the events once" });
    measure_note(&m, "%.2f s of it CPU time; %u incidents, %llu orders, %llu attempts to stop, "
                 "%.2f M events", measure_cpu_s() - cpu, care_open_incidents(c->care),
                 (unsigned long long)(seen.orders - quiet.orders),
                 (unsigned long long)(seen.stops - quiet.stops), (double)events / 1e6);
    struct mw_hash128 hash = core_state_hash(c->core);
    control_destroy(c);
    journal_destroy(j);
    measure_restart(&s, path, hash);
    measure_long(&s, &m);
    stand_fini(&s);
    return measure_end(&m);
}
