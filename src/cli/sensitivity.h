/*
 * What the goodput of a scenario hangs on: the same scenario with one
 * assumption halved, and with half as much again, each over several seeds, for
 * one seed's queue is luck.
 */
#ifndef MW_CLI_SENSITIVITY_H
#define MW_CLI_SENSITIVITY_H

#include "cli/run_many.h"
#include "cli/scenario_files.h"

#define SENSITIVITY_SEEDS 5
#define SENSITIVITIES 3

struct sensitivity {
    const char *what; /* "restart time"; NULL = the scenario does not have it */
    struct estimate low, high; /* change of goodput, halved and half as much again: the mean of
                                  the differences between runs of the same seed */
};
struct sensitivity_table {
    struct estimate as_is; /* goodput */
    bool interrupted;      /* Ctrl-C: nothing here counts */
    struct sensitivity row[SENSITIVITIES];
};

/* Seeds from `seed` on; on all processors, with a progress bar. */
MW_MUST_USE int sensitivity_run(const struct cli_context *ctx, const struct scenario_files *f,
                                uint64_t seed, struct sensitivity_table *ret,
                                struct mw_error *err);

#endif
