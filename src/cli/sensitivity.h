/*
 * What the goodput and ETTR of a scenario hang on: the same scenario with one
 * assumption halved, and with half as much again, each over several seeds, for
 * one seed's queue is luck.
 */
#ifndef MW_CLI_SENSITIVITY_H
#define MW_CLI_SENSITIVITY_H

#include "cli/run_many.h"
#include "cli/scenario_files.h"

#define SENSITIVITY_SEEDS 5
#define SENSITIVITIES 8

/* Changes are the mean of the differences between runs of the same seed. */
struct sensitivity {
    const char *what; /* "restart time"; NULL = the scenario does not have it */
    struct estimate low, high;           /* of goodput: halved, and half as much again */
    struct estimate ettr_low, ettr_high; /* of ETTR, the same */
};
struct sensitivity_table {
    struct estimate as_is, ettr_as_is; /* goodput, ETTR */
    bool interrupted;                  /* Ctrl-C: nothing here counts */
    struct sensitivity row[SENSITIVITIES];
};

/* Seeds from `seed` on; on all processors, with a progress bar.  `base` is the scenario that is
 * changed: that of the files, or another policy for it. */
MW_MUST_USE int sensitivity_run(const struct cli_context *ctx, const struct scenario_files *f,
                                const struct scenario *base, uint64_t seed,
                                struct sensitivity_table *ret, struct mw_error *err);

#endif
