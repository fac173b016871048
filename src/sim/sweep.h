/*
 * The main test of the program: thousands of worlds, each unlike the others,
 * with every fault of messages and crashes at every place, all invariants
 * checked after every group.
 *
 * A seed decides everything about its world: size and shape of the site, which
 * processes break it and how often, policy, crews, jobs, messages, crashes.  At
 * the end comes a quiet time in which nothing new breaks: all jobs must end in
 * it.  Small worlds are short and crash at every step.
 */
#ifndef MW_SIM_SWEEP_H
#define MW_SIM_SWEEP_H

#include "sim/run.h"

#define SWEEP_SMALL_EVERY 50u /* of so many seeds one is small */
#define SWEEP_SMALL_EVENTS_MAX 2000u
#define SWEEP_TWICE_EVERY 20u /* of so many seeds one is run twice */
#define SWEEP_FAULTS_MIN 50u  /* in each world that is not small */
#define SWEEP_CRASHES_MIN 5u

/* A made-up world.  fleet is owned. */
struct sweep_world {
    struct scenario scenario;
    struct fleet *fleet;
    int64_t quiet_ns;
    struct world_doings doings;
    bool small;
};
MW_MUST_USE int sweep_world_make(uint64_t seed, struct sweep_world *ret, struct mw_error *err);
void sweep_world_fini(struct sweep_world *w);

struct sweep_result {
    struct run_result run;
    bool small, twice;
};
/* Runs a seed with all checks.  MW_EBUG with the text of what was violated; the text does not
 * repeat the seed.  Marks are added to. */
MW_MUST_USE int sweep_seed(uint64_t seed, struct marks *marks, struct sweep_result *ret,
                           struct mw_error *err);

#endif
