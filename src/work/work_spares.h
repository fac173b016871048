/*
 * Spares: nodes kept free so that a job that loses one starts again at once.
 *
 * How many (SPARES_SIZED): the smallest k with P(nodes out at once <= k) >= the
 * policy's quantile.  Nodes out are taken as binomial, Binomial(N, q) with
 * q = rT / (1 + rT), the share of time that a node is out which fails at rate r
 * and is out for T (the steady state of an alternating renewal process: Barlow &
 * Proschan 1965).  ByteRobust (SOSP'25) sizes its warm standbys as the P99 of
 * such a binomial.  r and T are measured here: faults that took a node out of
 * service over node-hours so far, and the mean time out (of those still out, the
 * time so far: the estimate for a sample cut short).  Both begin with what the
 * policy says, as strong as a month of this fleet.  Domains: where all nodes of a
 * rack or of a PDU were taken out within SPARES_DOMAIN_MS of each other, the
 * largest such domain is kept on top, for such failures are not independent.
 *
 * Who may have them: jobs that are new leave the last k free nodes alone.
 * Restarts may take them.  Where policy.preempt is on, jobs that may be
 * interrupted may have them too, and make room when a restart needs them: nodes
 * under such jobs count as spares that are lent.  A job that would not fit beside
 * the spares though all else ended may take them: else it would wait for ever.
 *
 * Where: spares are a number, not a set of nodes.  Gangs are put into the
 * tightest group that holds them (gang.h), so what stays free, and what is lent,
 * lies in the groups that large gangs leave over.
 */
#ifndef MW_WORK_WORK_SPARES_H
#define MW_WORK_WORK_SPARES_H

#include "work/work_private.h"

#define SPARES_LOOK_MS MW_MS_PER_HOUR          /* the sum is done no more often */
#define SPARES_PRIOR_MS (30 * MW_MS_PER_DAY)   /* the policy's figures weigh as much */
#define SPARES_DOMAIN_MS (10 * MW_MS_PER_MIN)  /* out within this of each other: one failure */

MW_MUST_USE bool spares_init(struct work *w); /* false: out of memory */
void spares_fini(struct work *w);

/* A node's health changed in the course of an incident, or nodes were adopted. */
void spares_moved(struct work *w, uint32_t node, uint8_t from, bool fault);
void spares_adopted(struct work *w);
/* The queue is looked at: is it time for the sum? */
void spares_pulse(struct work *w);
bool spares_decide(struct work *w, struct decision *out);
void spares_apply(struct work *w, const struct event *ev);

uint32_t spares_target(const struct work *w);
/* Free nodes that this job has to leave, with so many nodes under jobs that may be interrupted. */
uint32_t spares_kept(const struct work *w, uint32_t slot, uint32_t lent);

/* The smallest k with P(X <= k) >= quantile_ppm / 10^6, X of Binomial(n, q). */
uint32_t spares_quantile(uint32_t n, double q, uint32_t quantile_ppm);

#endif
