/* The shortest round trip of the last few says how far two clocks are apart. */
#include "live/skew.h"

#define LATEST_US INT64_C(7258118400000000) /* 2200-01-01 */

bool skew_take(struct skew *s, int64_t t0_us, int64_t t1_us, int64_t t2_us)
{
    must(s != NULL);
    if (t0_us <= 0 || t1_us <= 0 || t2_us < t0_us || t1_us > LATEST_US || t2_us > LATEST_US)
        return false;
    uint32_t at = s->taken % SKEW_KEPT;
    s->round_us[at] = t2_us - t0_us;
    s->skew_us[at] = t0_us + (t2_us - t0_us) / 2 - t1_us;
    s->taken++;
    return true;
}

bool skew_read(const struct skew *s, int64_t *ret_skew_us, int64_t *ret_error_us)
{
    uint32_t kept = MW_MIN(s->taken, (uint32_t)SKEW_KEPT), best = 0;
    must(ret_skew_us != NULL && ret_error_us != NULL);
    if (kept == 0)
        return false;
    for (uint32_t i = 1; i < kept; i++)
        if (s->round_us[i] < s->round_us[best])
            best = i;
    *ret_skew_us = s->skew_us[best];
    *ret_error_us = (s->round_us[best] + 1) / 2;
    return true;
}
