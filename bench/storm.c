/*
 * The worst minute: 100,000 findings at once on a site of 250,000 GPUs with jobs
 * on it.  How long until the controller has taken and answered them all, and,
 * in the middle of it, how long a restart takes with every order and stop still
 * without a result, each handed to the world once more.
 */
#include <stdio.h>

#include "base/units.h"
#include "bench/stand.h"
#include "store/journal_sqlite.h"

#define BEFORE 200000u /* events of ordinary life first, so that jobs run */
#define FINDINGS 100000u
#define COMMIT_EVERY 1024u

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
    stand_fini(&s);
    return measure_end(&m);
}
