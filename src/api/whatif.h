/*
 * What if: the simulator asked how the site would do with other spares, crews, checkpoints or
 * failure rates.  The scenario is run as it is and changed, over the same seeds, each run a
 * process of its own (`mw sim run SCENARIO --json --seed S --set …`), so that the daemon's thread
 * never computes and a person can repeat any column.  Intervals are Student's t at 95 %, of the
 * changes over the differences between runs of one seed.  All of it is modelled.
 *
 * How a lever becomes settings of the scenario:
 *   spares           so many nodes more are kept (less: negative) than now; both runs keep a fixed
 *                    number: what the scenario says, or where it sizes them what is kept now
 *   crews            so many crews instead of the scenario's; 0 = as many as there is work
 *   checkpoint_cost  times the time that writing a checkpoint takes, of all jobs
 *   failure_rate     times the rate of every fault process, and the rate that the interval between
 *                    checkpoints is set from; of a fault trace, which cannot be stretched: the
 *                    trace and on top a process of faults that kill, at (times - 1) the rate that
 *                    the policy says such faults have
 */
#ifndef MW_API_WHATIF_H
#define MW_API_WHATIF_H

#include <jansson.h>

#include "api/operations.h"

#define WHATIF_RUNS_MAX 20u
#define WHATIF_DAYS_MAX 366u
#define WHATIF_DEADLINE_S 120 /* of one run */
#define WHATIF_SETS_MAX 96u

struct whatif_wish {
    uint32_t runs, days;
    bool has_spares, has_crews;
    int32_t spares;
    uint32_t crews;
    double checkpoint_cost, failure_rate; /* 1 = as it is */
};

/* {"runs":5,"days":30,"spares":2,"crews":2,"checkpoint_cost":1.5,"failure_rate":2.0}; runs and days
 * may be left out, and all levers but one.  MW_ESYNTAX, MW_EINVAL; *ret_field is the key to blame,
 * or "". */
MW_MUST_USE int whatif_read(const char *body, size_t size, struct whatif_wish *ret,
                            const char **ret_field, struct mw_error *err);

/* "key=value" for --set, of both columns. */
struct whatif_plan {
    char *base[WHATIF_SETS_MAX], *changed[WHATIF_SETS_MAX]; /* owned */
    uint32_t bases, changes;
    uint32_t days;          /* as run: the scenario may be shorter */
    uint64_t seed;          /* the first */
    json_t *levers, *notes; /* owned: for the result */
};
struct whatif_scenario {
    const char *path, *yaml;
    size_t size;
    uint32_t spares_now; /* how many nodes the site keeps now */
};
/* MW_EINVAL: the scenario does not have what a lever is about (the text says what); MW_ESYNTAX.
 * whatif_plan_fini() either way. */
MW_MUST_USE int whatif_plan(const struct whatif_scenario *s, const struct whatif_wish *w,
                            struct whatif_plan *ret, struct mw_error *err);
void whatif_plan_fini(struct whatif_plan *p);

/* Runs of both columns as `mw sim run --json` told them become the rows of a result. */
json_t *whatif_rows(json_t *const *base, json_t *const *changed, uint32_t runs);

struct event_base;
struct whatif_options {
    struct event_base *base;
    struct operations *operations;
    const char *program; /* the path of mw */
    struct whatif_scenario scenario;
};
/* Begins; *ret is its operation.  MW_EBUSY and as whatif_plan(). */
MW_MUST_USE int whatif_start(const struct whatif_options *o, const struct whatif_wish *w,
                             struct operation **ret, struct mw_error *err);

#endif
