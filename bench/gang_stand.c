/* See gang_stand.h. */
#include "bench/gang_stand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "base/text.h"
#include "base/units.h"
#include "bench/driver.h"
#include "fleet/site.h"

#define START_NS INT64_C(1700000000000000000)

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

double gang_percentile_us(const struct gang_times *t, uint32_t percent)
{
    must(t->length > 0 && percent <= 100);
    uint64_t *sorted = malloc(t->length * sizeof(*sorted));
    must(sorted);
    memcpy(sorted, t->ns, t->length * sizeof(*sorted));
    qsort(sorted, t->length, sizeof(*sorted), by_value);
    double us = (double)sorted[(uint64_t)(t->length - 1) * percent / 100] / 1e3;
    free(sorted);
    return us;
}

void gang_add_time(struct gang_times *t, uint64_t ns)
{
    if (t->length == t->room) {
        t->room = MW_MAX(4096u, t->room * 2);
        t->ns = realloc(t->ns, t->room * sizeof(*t->ns));
        must(t->ns);
    }
    t->ns[t->length++] = ns;
}

void gang_times_fini(struct gang_times *t)
{
    free(t->ns);
    *t = (struct gang_times){ 0 };
}

static void act(void *ctx, const struct event *action, const void *tail)
{
    struct gang_stand *s = ctx;
    const struct body_place *p = &action->body.place;
    if (action->kind != EV_ATTEMPT_PLACED)
        return;
    s->placed[p->job % GANG_OFFERS_MAX] = (struct gang_life){
        .job = p->job, .slot = p->slot, .attempt = p->attempt, .nodes = p->nodes,
        .groups = p->groups };
    s->first_node[p->job % GANG_OFFERS_MAX] = ((const uint32_t *)tail)[0];
}

static void stop_on(const struct gang_stand *s, int rc, struct mw_error *err)
{
    if (rc == 0)
        return;
    err->code = rc;
    measure_fail(s->measure, err);
}

void gang_stand_init(struct gang_stand *s, struct measure *m, struct journal *j, const char *shape,
                     uint32_t gpus)
{
    struct text yaml = { 0 };
    struct site_problems problems = { 0 };
    struct mw_error err = { .text = "" };
    struct control_policy policy = driver_policy();
    *s = (struct gang_stand){ .measure = m, .now_ns = START_NS };
    policy.work.at_once = true;
    stop_on(s, site_new(shape, gpus, &yaml, &err), &err);
    const struct site_source source = { .yaml = yaml.data, .size = yaml.length, .name = "bench" };
    stop_on(s, site_load(&source, &s->fleet, &problems, &err), &err);
    text_fini(&yaml);
    site_problems_fini(&problems);
    const struct control_options o = { .fleet = s->fleet, .policy = &policy, .journal = j,
                                       .act = act, .act_ctx = s };
    stop_on(s, control_create(&o, &s->control, &err), &err);
    stop_on(s, control_begin(s->control, START_NS, &err), &err);
    s->life = calloc(GANG_RUNNING_MAX, sizeof(*s->life));
    must(s->life);
}

void gang_stand_fini(struct gang_stand *s)
{
    control_destroy(s->control);
    fleet_destroy(s->fleet);
    free(s->life);
}

static void tell(struct gang_stand *s, const struct event *ev)
{
    struct mw_error err = { .text = "" };
    enum admit a = ADMIT_OK;
    stop_on(s, core_submit(s->control->core, s->now_ns, ev, NULL, &a, &err), &err);
    must(a == ADMIT_OK);
}

void gang_commit(struct gang_stand *s)
{
    struct mw_error err = { .text = "" };
    stop_on(s, core_commit(s->control->core, &err), &err);
}

uint64_t gang_offer(struct gang_stand *s, uint32_t nodes)
{
    struct event ev = { .kind = EV_JOB_SUBMITTED, .source = SOURCE_PERSON, .actor = 1,
                        .observed_ns = s->now_ns };
    ev.body.job = (struct body_job){ .job = ++s->jobs, .nodes = nodes,
                                     .gpus = nodes * s->fleet->node_gpus[0],
                                     .work_ms = MW_MS_PER_DAY, .write_ms = 10000,
                                     .restart_ms = 60000 };
    tell(s, &ev);
    return s->jobs;
}

struct gang_life gang_placed(struct gang_stand *s, uint64_t job)
{
    struct gang_life life = s->placed[job % GANG_OFFERS_MAX];
    must(life.job == job);
    struct event runs = { .kind = EV_ATTEMPT_RUNNING, .source = SOURCE_PERSON, .actor = 1,
                          .observed_ns = s->now_ns };
    runs.body.running = (struct body_running){ .job = life.job, .slot = life.slot,
                                               .attempt = life.attempt };
    tell(s, &runs);
    s->placed_four += life.nodes == GANG_FOUR;
    s->crossed += life.nodes == GANG_FOUR && life.groups > 1;
    return life;
}

struct gang_life gang_submit(struct gang_stand *s, uint32_t nodes, struct gang_times *t)
{
    double start = measure_wall_s();
    uint64_t job = gang_offer(s, nodes);
    gang_commit(s);
    if (t)
        gang_add_time(t, (uint64_t)((measure_wall_s() - start) * 1e9));
    return gang_placed(s, job);
}

void gang_end(struct gang_stand *s, const struct gang_life *life)
{
    struct event ev = { .kind = EV_ATTEMPT_ENDED, .source = SOURCE_PERSON, .actor = 1,
                        .observed_ns = s->now_ns };
    ev.body.progress = (struct body_progress){
        .job = life->job, .slot = life->slot, .attempt = life->attempt, .how = HOW_DONE,
        .node = MW_NONE, .class = UINT16_MAX, .stopped_ms = mw_ms(s->now_ns) };
    tell(s, &ev);
}

/* Some gangs with one commit; gives how many nodes they take. */
static uint32_t fill_some(struct gang_stand *s, uint32_t nodes, bool large)
{
    uint64_t job[64];
    uint32_t jobs = 0, used = 0;
    while (jobs < MW_ARRAY_LEN(job) && used < nodes) {
        uint32_t want = 8u << mw_random_below(mw_random_u64(5, s->step++, 0, 0), 7);
        want = large ? want : GANG_FOUR;
        job[jobs++] = gang_offer(s, want);
        used += want;
    }
    gang_commit(s);
    for (uint32_t i = 0; i < jobs; i++)
        s->life[s->running++] = gang_placed(s, job[i]);
    return used;
}

void gang_fill(struct gang_stand *s)
{
    uint32_t nodes = s->fleet->count[COMPONENT_NODE], half = nodes / 2, most = nodes / 100 * 95;
    uint32_t used = 0;
    while (used < half)
        used += fill_some(s, half - used, true);
    while (used < most)
        used += fill_some(s, most - used, false);
    s->crossed = s->placed_four = 0;
}

struct gang_life *gang_any(struct gang_stand *s, bool four)
{
    for (;;) {
        uint64_t i = mw_random_below(mw_random_u64(6, s->step++, 0, 0), s->running);
        if (!four || s->life[i].nodes == GANG_FOUR)
            return &s->life[i];
    }
}

void gang_churn(struct gang_stand *s, uint32_t cycles, struct gang_times *t)
{
    for (uint32_t i = 0; i < cycles; i++) {
        struct gang_life *one = gang_any(s, false);
        s->now_ns += MW_NS_PER_MS;
        gang_end(s, one);
        *one = gang_submit(s, one->nodes, one->nodes == GANG_FOUR ? t : NULL);
    }
}

double gang_busy(const struct gang_stand *s)
{
    return 1.0 - (double)work_free_nodes(s->control->work) /
                     (double)s->fleet->count[COMPONENT_NODE];
}

double gang_part_of_four(const struct gang_stand *s)
{
    uint32_t four = 0;
    for (uint32_t i = 0; i < s->running; i++)
        four += s->life[i].nodes == GANG_FOUR;
    return (double)four / s->running;
}

double gang_resident_mib(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    must(f && fscanf(f, "%*u %lu", &pages) == 1);
    (void)fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}
