/* A site of a size, the driver's script for it, and controllers to run it on. */
#ifndef MW_BENCH_STAND_H
#define MW_BENCH_STAND_H

#include "driver.h"
#include "measure.h"

#define SITE_SMALL 3200u
#define SITE_LARGE 250000u

struct stand {
    struct measure *measure;
    struct fleet *fleet;
    struct control_policy policy;
    struct script script;
    struct mw_hash128 hash; /* of the state after the script */
    uint64_t events;        /* that the script makes */
    double site_s;          /* CPU time to compile the site file */
};

/* Makes the site (shape hgx-h100) and records a script of about `events`.  What fails ends the
 * program, here and below. */
void stand_init(struct stand *s, struct measure *m, uint32_t gpus, uint64_t events);
void stand_fini(struct stand *s);

/* A fresh controller over a journal. */
struct control *stand_control(const struct stand *s, struct journal *j, bool trace_hash);

/* Plays a part of the script; one that starts at 0 begins the site. */
void stand_play(const struct stand *s, struct control *c, struct script_range range);

/* The whole script. */
static inline struct script_range stand_whole(const struct stand *s, uint32_t every)
{
    return (struct script_range){ .to = s->script.length, .every = every };
}

/* CPU seconds of the whole script over a journal that keeps nothing. */
double stand_live_s(const struct stand *s);

/* The controller must have come to the very state that was recorded. */
void stand_same(const struct stand *s, const struct control *c);

#endif
