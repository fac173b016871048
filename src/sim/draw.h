/*
 * Durations drawn from the laws of a scenario.  A draw is a pure function of
 * its law and of random bits that the caller keys; nothing is kept.
 */
#ifndef MW_SIM_DRAW_H
#define MW_SIM_DRAW_H

#include "sim/scenario.h"

/* No drawn duration is longer: a time in this century plus it still fits an int64. */
#define DRAW_NS_MAX (INT64_C(100) * 365 * MW_NS_PER_DAY)

/* u in (0, 1).  Negative and not-a-number results count as 0. */
int64_t draw_ns(const struct scenario_draw *d, double u);

/* Picks a branch with `bits`, then draws it with u; 0 for an empty mixture. */
int64_t draw_mix_ns(const struct scenario_mix *m, uint64_t bits, double u);

/* The same in whole milliseconds, rounded to the nearest. */
int64_t draw_ms(const struct scenario_draw *d, double u);

#endif
