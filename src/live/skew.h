/*
 * How far a node's clock is from the daemon's, from exchanges of clock frames:
 * the agent's time when it asked (t0), the daemon's when it answered (t1), the
 * agent's when the answer came (t2).  With equal ways the daemon's clock showed
 * t1 when the agent's showed (t0 + t2) / 2; the error of that is at most half the
 * round trip (Cristian's method; RFC 5905 §8 with one server timestamp).  Of the
 * last SKEW_KEPT exchanges the one with the shortest round trip counts.
 * Pure: arithmetic only.
 */
#ifndef MW_LIVE_SKEW_H
#define MW_LIVE_SKEW_H

#include "base/base.h"

#define SKEW_KEPT 8

struct skew {
    int64_t skew_us[SKEW_KEPT], round_us[SKEW_KEPT];
    uint32_t taken; /* exchanges so far */
};

/* Unix times in µs.  false, and nothing is kept: the answer came before the question (a clock was
 * set in between), or a time is not after 1970 and before 2200. */
bool skew_take(struct skew *s, int64_t t0_us, int64_t t1_us, int64_t t2_us);

/* The node's clock minus the daemon's, and the most that this may be off. false: not known yet. */
bool skew_read(const struct skew *s, int64_t *ret_skew_us, int64_t *ret_error_us);

#endif
