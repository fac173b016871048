/*
 * The daemon's time: UTC that never goes back and never stands still.
 *
 * It runs with the monotonic clock and is led back to UTC: a step of the
 * system's clock of up to a minute is worked off at half or one and a half
 * speed, so that no silence is seen that was not and none is missed; a longer
 * step forward (the machine slept) is taken at once.  Pure: both clocks' readings
 * are given.
 */
#ifndef MW_LIVE_CLOCK_H
#define MW_LIVE_CLOCK_H

#include "base/base.h"

struct live_clock {
    int64_t now_ns;       /* UTC, as told last */
    int64_t monotonic_ns; /* then */
};

/* *c zeroed at first.  Returns the time, ns UTC. */
int64_t live_clock_at(struct live_clock *c, int64_t utc_ns, int64_t monotonic_ns);

/* The same with the system's clocks. */
int64_t live_clock_now(struct live_clock *c);

#endif
