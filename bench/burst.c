/*
 * One breaker, everything dark: a site of 250,000 GPUs with one feed to each
 * rack and one main breaker, full of jobs, and 100,000 findings at once.  How
 * long until all are taken, answered and durable, as one incident with all
 * others its symptoms and one work order.  Twice, for the order of arrival
 * matters: rack by rack, so that racks, PDUs and breakers are blamed on the way,
 * and all over the site, so that it is clear sooner.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "bench/stand.h"
#include "fleet/site.h"
#include "store/journal_sqlite.h"

#define FINDINGS 100000u
#define COMMIT_EVERY 1024u
#define JOBS 480u /* of 64 nodes */
#define STRIDE 7919u /* a prime that does not divide the number of nodes: every node once */

struct bench {
    struct measure measure;
    struct fleet *fleet;
    struct control_policy policy;
    struct control *control;
    uint64_t orders;
};

static void stop_on(struct bench *b, int rc, struct mw_error *err)
{
    if (rc == 0)
        return;
    err->code = rc;
    measure_fail(&b->measure, err);
}

/* The text with every `old` replaced. */
static void replace(struct text *t, const char *old, const char *new)
{
    struct text out = { 0 };
    const char *from = text_string(t), *at;
    for (; (at = strstr(from, old)) != NULL; from = at + strlen(old)) {
        text_add_n(&out, from, (size_t)(at - from));
        text_add(&out, new);
    }
    text_add(&out, from);
    text_fini(t);
    *t = out;
}

static void make_site(struct bench *b, uint32_t gpus)
{
    struct text yaml = { 0 };
    struct site_problems problems = { 0 };
    struct mw_error err = { .text = "" };
    stop_on(b, site_new("hgx-h100", gpus, &yaml, &err), &err);
    replace(&yaml, ", \"h{1}-r{2}-pdu-b\"]", "]");
    replace(&yaml, "breakers:\n", "breakers:\n  - {name: site-main, limit_w: 900MW}\n");
    replace(&yaml, "limit_w: 12000000}", "limit_w: 12000000, parent: site-main}");
    const struct site_source source = { .yaml = yaml.data, .size = yaml.length, .name = "bench" };
    stop_on(b, site_load(&source, &b->fleet, &problems, &err), &err);
    text_fini(&yaml);
    site_problems_fini(&problems);
}

static void count_order(void *ctx, const struct event *action, const void *tail)
{
    struct bench *b = ctx;
    (void)tail;
    b->orders += action->kind == EV_ORDER_OPENED;
}

static void submit(struct bench *b, int64_t now_ns, const struct event *ev)
{
    struct mw_error err = { .text = "" };
    enum admit a;
    stop_on(b, core_submit(b->control->core, now_ns, ev, NULL, &a, &err), &err);
    must(a == ADMIT_OK);
}

static void let_pass(struct bench *b, int64_t ns)
{
    struct mw_error err = { .text = "" };
    stop_on(b, core_advance(b->control->core, core_now(b->control->core) + ns, &err), &err);
    stop_on(b, core_commit(b->control->core, &err), &err);
}

static void fill(struct bench *b)
{
    uint32_t fit = b->fleet->count[COMPONENT_NODE] / 64;
    for (uint64_t job = 1; job <= MW_MIN(JOBS, fit); job++) {
        struct event ev = { .kind = EV_JOB_SUBMITTED, .source = SOURCE_TENANT, .tenant = 1 };
        ev.body.job = (struct body_job){ .job = job, .work_ms = MW_MS_PER_DAY,
                                         .write_ms = MW_MS_PER_MIN, .restart_ms = MW_MS_PER_MIN,
                                         .gpus = 512, .nodes = 64 };
        submit(b, core_now(b->control->core), &ev);
    }
    let_pass(b, MW_NS_PER_MIN);
}

/* Every GPU of a node in turn, until enough findings are out. */
static void trip(struct bench *b, uint32_t findings, uint32_t stride)
{
    struct mw_error err = { .text = "" };
    uint32_t nodes = b->fleet->count[COMPONENT_NODE];
    int64_t now_ns = core_now(b->control->core) + MW_NS_PER_S;
    for (uint32_t i = 0; i < findings; i++) {
        uint32_t node = (uint32_t)((uint64_t)i * stride % nodes);
        struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + node,
                            .observed_ns = now_ns };
        ev.body.finding = (struct body_finding){
            .component = component_id(COMPONENT_GPU, b->fleet->node_gpu_first[node] + i / nodes),
            .finding = i + 1, .node = node, .class = 0 };
        submit(b, now_ns, &ev);
        if (i % COMMIT_EVERY == 0)
            stop_on(b, core_commit(b->control->core, &err), &err);
    }
    let_pass(b, MW_NS_PER_S); /* what came in groups of its own */
}

static uint32_t main_incident(const struct bench *b)
{
    const struct board *d = b->control->board;
    for (uint32_t slot = 0; slot < d->incidents_used; slot++)
        if (d->incident_id[slot] && d->incident_parent[slot] == MW_NONE)
            return slot;
    return MW_NONE;
}

static void measure_burst(struct bench *b, uint32_t findings, uint32_t stride, struct figure f)
{
    struct mw_error err = { .text = "" };
    struct journal *j = NULL;
    char path[MEASURE_PATH_MAX + 32];
    (void)snprintf(path, sizeof(path), "%s/%s", measure_folder(&b->measure), f.key);
    stop_on(b, journal_sqlite_open(path, NULL, &j, &err), &err);
    const struct control_options o = { .fleet = b->fleet, .policy = &b->policy, .journal = j,
                                       .act = count_order, .act_ctx = b };
    stop_on(b, control_create(&o, &b->control, &err), &err);
    stop_on(b, control_begin(b->control, INT64_C(1700000000000000000), &err), &err);
    fill(b);
    b->orders = 0;
    uint64_t before = core_seq(b->control->core);
    double start = measure_wall_s(), cpu = measure_cpu_s();
    trip(b, findings, stride);
    f.value = measure_wall_s() - start;
    cpu = measure_cpu_s() - cpu;
    uint64_t events = core_seq(b->control->core) - before;
    uint32_t root = main_incident(b), open = care_open_incidents(b->control->care);
    must(care_root_incidents(b->control->care) == 1);
    must(fleet_find(b->fleet, "site-main") == b->control->board->incident_component[root]);
    let_pass(b, MW_NS_PER_MIN);
    must(b->orders == 1 && core_stats(b->control->core)->cascades_stopped == 0);
    f.unit = "s";
    f.sense = AT_MOST;
    f.target = 5;
    measure_add(&b->measure, &f);
    measure_note(&b->measure, "%.2f s of it CPU time; %u incidents, %u of them right below the "
                 "cause, 1 work order, %.2f M events, at most %llu decisions in a group", cpu, open,
                 b->control->board->incident_symptoms[root], (double)events / 1e6,
                 (unsigned long long)core_stats(b->control->core)->rounds_max);
    control_destroy(b->control);
    journal_destroy(j);
}

int main(int argc, char **argv)
{
    struct bench b = { .policy = control_policy_default() };
    measure_begin(&b.measure, "burst", argc, argv);
    uint32_t findings = b.measure.quick ? FINDINGS / 10 : FINDINGS;
    make_site(&b, b.measure.quick ? SITE_LARGE / 10 : SITE_LARGE);
    measure_burst(&b, findings, 1, (struct figure){
        .key = "burst_racks_s",
        .what = "100,000 findings of one breaker, rack by rack: one incident" });
    measure_burst(&b, findings, STRIDE, (struct figure){
        .key = "burst_spread_s",
        .what = "100,000 findings of one breaker, all over: one incident" });
    fleet_destroy(b.fleet);
    return measure_end(&b.measure);
}
