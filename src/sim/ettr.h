/*
 * The expected share of wall time in which a job makes progress (ETTR), in closed
 * form: what a simulation of exponential failures must come out at.
 *
 * A job checkpoints after every `interval` of work, which takes `write`; it fails
 * at rate 1/mttf at any time, restarts included; after a failure it takes
 * `restart` and goes on from its last whole checkpoint.  All times in one unit.
 */
#ifndef MW_SIM_ETTR_H
#define MW_SIM_ETTR_H

#include "base/base.h"

struct ettr_case {
    double mttf, restart, write, interval; /* > 0 */
};

/* Failures per 1,000 node-days of a job on so many nodes -> its MTTF in hours. */
double ettr_mttf_hours(double rate_per_1000_node_days, uint32_t nodes);

/* Wall time that one interval of progress takes on average:
 * M e^(u0/M) (e^((interval + w)/M) - 1).  Exact for exponential failures. */
double ettr_wall_per_interval(const struct ettr_case *c);

/* interval over that. */
double ettr_exact(const struct ettr_case *c);

/* (1 - (u0 + interval/2)/M) / (1 + w/interval): the form in "Revisiting Reliability"
 * (arXiv 2410.21680).  First order in 1/M; it may be negative where it no longer holds. */
double ettr_first_order(const struct ettr_case *c);

/* sqrt(2 w M): Young's interval. */
double ettr_interval(double write, double mttf);

/* How many failures a simulation must see for a standard error of `relative` in its ETTR: the loss
 * of one failure is about u0 + interval/2, and each is drawn anew. */
double ettr_failures_needed(const struct ettr_case *c, double relative);

#endif
