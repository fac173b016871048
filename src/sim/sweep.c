/*
 * One seed of the sweep: made, run, checked, and now and then run again.
 */
#include "sim/sweep.h"

static int run_once(uint64_t seed, const struct sweep_world *w, struct marks *marks,
                    struct run_result *ret, struct mw_error *err)
{
    struct run_options o = {.scenario = &w->scenario, .fleet = w->fleet, .seed = seed,
                            .check = true, .quiet_ns = w->quiet_ns,
                            .doings = w->doings, .marks = marks};
    if (w->small)
        o.events_max = SWEEP_SMALL_EVENTS_MAX - 200; /* the end adds some */
    return run_scenario(&o, ret, err);
}

static bool same(const struct run_result *a, const struct run_result *b)
{
    return mw_hash128_equal(a->state_hash, b->state_hash) &&
           mw_hash128_equal(a->trace_hash, b->trace_hash) && a->events == b->events;
}

/* Did the world do what it is for, and nothing that must not be? */
static int check_wild(const struct sweep_result *r, struct mw_error *err)
{
    if (r->small && r->run.events > SWEEP_SMALL_EVENTS_MAX)
        return mw_fail(err, MW_EBUG, "a small world has %llu events, more than %u",
                       (unsigned long long)r->run.events, SWEEP_SMALL_EVENTS_MAX);
    if (r->run.world.machine_killed_jobs > 0)
        return mw_fail(err, MW_EBUG, "machines reset nodes under %llu jobs that worked",
                       (unsigned long long)r->run.world.machine_killed_jobs);
    if (r->small)
        return 0;
    if (r->run.faults < SWEEP_FAULTS_MIN)
        return mw_fail(err, MW_EBUG, "the world is too tame: %llu faults, fewer than %u",
                       (unsigned long long)r->run.faults, SWEEP_FAULTS_MIN);
    if (r->run.crashes < SWEEP_CRASHES_MIN)
        return mw_fail(err, MW_EBUG, "the world is too tame: %llu crashes, fewer than %u",
                       (unsigned long long)r->run.crashes, SWEEP_CRASHES_MIN);
    return 0;
}

static int run_seed(uint64_t seed, const struct sweep_world *w, struct marks *marks,
                    struct sweep_result *ret, struct mw_error *err)
{
    struct run_result again;
    *ret = (struct sweep_result){.small = w->small, .twice = seed % SWEEP_TWICE_EVERY == 0};
    int rc = run_once(seed, w, marks, &ret->run, err);
    if (rc == 0)
        rc = check_wild(ret, err);
    if (rc != 0 || !ret->twice)
        return rc;
    rc = run_once(seed, w, marks, &again, err);
    if (rc == 0 && !same(&ret->run, &again))
        rc = mw_fail(err, MW_EBUG, "run twice, it did not end in the same state");
    return rc;
}

int sweep_seed(uint64_t seed, struct marks *marks, struct sweep_result *ret, struct mw_error *err)
{
    struct sweep_world w = {0};
    int rc = sweep_world_make(seed, &w, err);
    if (rc == 0)
        rc = run_seed(seed, &w, marks, ret, err);
    sweep_world_fini(&w);
    return rc;
}
