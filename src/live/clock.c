/* The daemon's time.  See clock.h. */
#include "live/clock.h"

#include <time.h>

#include "base/units.h"

#define LEAP_NS MW_NS_PER_MIN

int64_t live_clock_at(struct live_clock *c, int64_t utc_ns, int64_t monotonic_ns)
{
    must(c && utc_ns > 0);
    int64_t passed = monotonic_ns - c->monotonic_ns;
    must(c->now_ns == 0 || passed >= 0);
    int64_t behind = utc_ns - (c->now_ns + passed);
    c->monotonic_ns = monotonic_ns;
    if (c->now_ns == 0 || behind > LEAP_NS)
        c->now_ns = utc_ns;
    else
        c->now_ns += passed + MW_MAX(-passed / 2, MW_MIN(behind, passed / 2));
    return c->now_ns;
}

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    must(clock_gettime(id, &t) == 0);
    return t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

int64_t live_clock_now(struct live_clock *c)
{
    return live_clock_at(c, read_ns(CLOCK_REALTIME), read_ns(CLOCK_MONOTONIC));
}
