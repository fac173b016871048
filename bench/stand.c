/* Sites and scripts for benchmarks.  See stand.h. */
#include "bench/stand.h"

#include "base/text.h"
#include "core/journal_memory.h"
#include "fleet/site.h"

static void stop_on(const struct stand *s, int rc, struct mw_error *err)
{
    if (rc == 0)
        return;
    err->code = rc;
    measure_fail(s->measure, err);
}

static void make_site(struct stand *s, uint32_t gpus)
{
    struct text yaml = { 0 };
    struct site_problems problems = { 0 };
    struct mw_error err = { .text = "" };
    stop_on(s, site_new("hgx-h100", gpus, &yaml, &err), &err);
    const struct site_source source = { .yaml = yaml.data, .size = yaml.length, .name = "bench" };
    double start = measure_cpu_s();
    stop_on(s, site_load(&source, &s->fleet, &problems, &err), &err);
    s->site_s = measure_cpu_s() - start;
    text_fini(&yaml);
    site_problems_fini(&problems);
}

void stand_init(struct stand *s, struct measure *m, uint32_t gpus, uint64_t events)
{
    static const struct journal_memory_options discard = { .discard = true };
    struct mw_error err = { .text = "" };
    struct driver *d = NULL;
    struct journal *j = NULL;
    struct control *c = NULL;
    *s = (struct stand){ .measure = m, .policy = driver_policy() };
    make_site(s, gpus);
    stop_on(s, driver_create(s->fleet, &s->script, &d), &err);
    stop_on(s, journal_memory_create(&discard, &j), &err);
    const struct control_options o = { .fleet = s->fleet, .policy = &s->policy, .journal = j,
                                       .act = driver_act, .act_ctx = d };
    stop_on(s, control_create(&o, &c, &err), &err);
    stop_on(s, driver_run(d, c, events, &err), &err);
    s->hash = core_state_hash(c->core);
    s->events = core_seq(c->core);
    must(core_stats(c->core)->contradictions == 0);
    control_destroy(c);
    journal_destroy(j);
    driver_destroy(d);
}

void stand_fini(struct stand *s)
{
    fleet_destroy(s->fleet);
    script_fini(&s->script);
}

struct control *stand_control(const struct stand *s, struct journal *j, bool trace_hash)
{
    struct mw_error err = { .text = "" };
    struct control *c = NULL;
    const struct control_options o = { .fleet = s->fleet, .policy = &s->policy, .journal = j,
                                       .trace_hash = trace_hash };
    stop_on(s, control_create(&o, &c, &err), &err);
    return c;
}

void stand_play(const struct stand *s, struct control *c, struct script_range range)
{
    struct mw_error err = { .text = "" };
    if (range.from == 0)
        stop_on(s, script_begin(c, &err), &err);
    stop_on(s, script_run(&s->script, c, range, &err), &err);
}

double stand_live_s(const struct stand *s)
{
    static const struct journal_memory_options discard = { .discard = true };
    struct mw_error err = { .text = "" };
    struct journal *j = NULL;
    stop_on(s, journal_memory_create(&discard, &j), &err);
    struct control *c = stand_control(s, j, false);
    double start = measure_cpu_s();
    stand_play(s, c, stand_whole(s, 64));
    double took = measure_cpu_s() - start;
    stand_same(s, c);
    control_destroy(c);
    journal_destroy(j);
    return took;
}

void stand_same(const struct stand *s, const struct control *c)
{
    struct mw_error err = { .text = "" };
    if (core_seq(c->core) == s->events && mw_hash128_equal(core_state_hash(c->core), s->hash))
        return;
    stop_on(s, mw_fail(&err, MW_EBUG, "the script led to another state at event %llu",
                       (unsigned long long)core_seq(c->core)), &err);
}
