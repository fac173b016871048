/*
 * A year of the largest site, scenarios/year-250k.yaml: 250,000 GPUs and
 * 1,000,000 optics, simulated from the first fault to the last with the real
 * controller, on one core.  Beside it the controller alone on a script of as
 * many events: what the simulated world adds is the difference.
 */
#include <string.h>

#include "fleet/site.h"
#include "sim/run.h"
#include "bench/stand.h"

#define SCENARIO "scenarios/year-250k.yaml"
#define PEER_EVENTS 3000000u

static void load(struct measure *m, struct scenario *sc, struct fleet **f)
{
    struct mw_error err = { .text = "" };
    struct problems problems = { 0 };
    struct text yaml = { 0 };
    const char *const quick[] = { "horizon=30d" };
    err.code = scenario_load_file(SCENARIO, quick, m->quick ? 1 : 0, sc, &problems, &err);
    if (err.code < 0)
        measure_fail(m, &err);
    err.code = site_new(sc->site_shape, sc->site_gpus, &yaml, &err);
    if (err.code < 0)
        measure_fail(m, &err);
    const struct site_source source = { .yaml = yaml.data, .size = yaml.length, .name = SCENARIO };
    err.code = site_load(&source, f, &problems, &err);
    if (err.code < 0)
        measure_fail(m, &err);
    text_fini(&yaml);
    problems_fini(&problems);
}

/* What the scenario asks of a year must have happened: a short year is no claim. */
struct counted {
    uint64_t node_faults, optic_faults, flaps;
};

static void count_event(void *ctx, const struct run_view *v, const struct event *ev,
                        const void *tail)
{
    struct counted *c = ctx;
    (void)tail;
    if (ev->kind != EV_FINDING_OPENED)
        return;
    const struct body_finding *f = &ev->body.finding;
    if (strcmp(v->scenario->policy.care.class[f->class].name, "flap") == 0)
        c->flaps++;
    else if (component_kind_of(f->component) == COMPONENT_OPTIC)
        c->optic_faults++;
    else
        c->node_faults++;
}

static void add_count(struct measure *m, const char *key, const char *what, double n, double least)
{
    measure_add(m, &(struct figure){ .key = key, .what = what, .value = n, .unit = "",
                                     .sense = AT_LEAST, .target = least });
}

/* CPU seconds that the controller alone takes for as many events. */
static double controller_s(struct measure *m, uint64_t events)
{
    struct stand s;
    stand_init(&s, m, SITE_LARGE, m->quick ? PEER_EVENTS / 10 : PEER_EVENTS);
    double took = stand_live_s(&s) * (double)events / (double)s.events;
    stand_fini(&s);
    return took;
}

int main(int argc, char **argv)
{
    static struct scenario sc;
    struct measure m;
    struct fleet *f = NULL;
    struct counted n = { 0 };
    struct run_result r;
    struct mw_error err = { .text = "" };
    measure_begin(&m, "site_year", argc, argv);
    double begun = measure_cpu_s();
    load(&m, &sc, &f);
    double loaded = measure_cpu_s();
    const struct run_options o = { .scenario = &sc, .fleet = f, .seed = sc.seed,
                                   .event = count_event, .ctx = &n };
    err.code = run_scenario(&o, &r, &err);
    if (err.code < 0)
        measure_fail(&m, &err);
    double took = measure_cpu_s() - begun, peak = measure_peak_gib();
    uint32_t optics = f->count[COMPONENT_OPTIC];
    fleet_destroy(f);
    measure_add(&m, &(struct figure){
        .key = "site_year_s", .what = "a year of 250,000 GPUs, site file to report", .value = took,
        .unit = "s", .sense = AT_MOST, .target = 60,
        .limit = (double)r.events * sizeof(struct event) / measure_copy_rate(),
        .limit_what = "copying the events once", .peer = controller_s(&m, r.events),
        .peer_what = "the controller alone, as many scripted events" });
    measure_note(&m, "%.2f s of it the site file; %.2f M events; goodput %.4f, ettr %.4f",
                 loaded - begun, (double)r.events / 1e6, r.goodput, r.ettr);
    measure_add(&m, &(struct figure){ .key = "site_year_gib", .what = "memory at its peak",
                                      .value = peak, .unit = "GiB", .sense = AT_MOST,
                                      .target = 4 });
    add_count(&m, "optics", "optics on the site", optics, 1e6);
    add_count(&m, "node_faults", "findings of node faults", (double)n.node_faults, 50000);
    add_count(&m, "optic_faults", "findings of optic faults", (double)n.optic_faults, 20000);
    add_count(&m, "flaps", "link flaps", (double)n.flaps, 1e6);
    add_count(&m, "jobs", "jobs submitted", (double)r.jobs_submitted, 200000);
    return measure_end(&m);
}
