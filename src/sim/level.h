/*
 * How many of something there were at once, and for how long: nodes out of
 * service, nodes under repair.  Quantiles are of time: with the 0.999 quantile
 * of nodes out as spares, there are enough for 99.9 % of the time.
 */
#ifndef MW_SIM_LEVEL_H
#define MW_SIM_LEVEL_H

#include "base/error.h"

struct level {
    int64_t *ns;      /* owned: time spent at each count */
    uint32_t max;     /* counts go from 0 to this */
    uint32_t now;
    int64_t since_ns; /* when it became so; the first time counts from 0 = not begun */
};

MW_MUST_USE int level_init(struct level *l, uint32_t max); /* MW_ENOMEM */
void level_fini(struct level *l);

void level_begin(struct level *l, int64_t now_ns); /* counted from here on */
void level_move(struct level *l, bool up, int64_t now_ns);

/* The least count that is not passed for this share of the time up to now_ns; 0 before it began. */
uint32_t level_quantile(const struct level *l, double share, int64_t now_ns);

#endif
