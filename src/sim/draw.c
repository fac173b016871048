/*
 * Durations from laws.  Only base/exact arithmetic, so that a seed gives the
 * same world from every compiler.
 */
#include "sim/draw.h"

#include "base/random.h"

static double draw_value(const struct scenario_draw *d, double u)
{
    switch ((enum scenario_law)d->law) {
    case LAW_FIXED:
        return d->a;
    case LAW_EXPONENTIAL:
        return d->a > 0.0 ? mw_draw_exponential(u, d->a) : 0.0;
    case LAW_WEIBULL:
        return d->a > 0.0 && d->b > 0.0 ? mw_draw_weibull(u, d->b, d->a) : 0.0;
    case LAW_LOGNORMAL:
        return d->a > 0.0 ? mw_draw_lognormal(u, d->a, d->b) : 0.0;
    case LAW_UNIFORM:
        return d->a + (d->b - d->a) * u;
    }
    return 0.0;
}

int64_t draw_ns(const struct scenario_draw *d, double u)
{
    must(u > 0.0 && u < 1.0);
    double value = draw_value(d, u);
    if (!(value > 0.0))
        return 0;
    return value >= (double)DRAW_NS_MAX ? DRAW_NS_MAX : (int64_t)value;
}

int64_t draw_mix_ns(const struct scenario_mix *m, uint64_t bits, double u)
{
    must(m->n <= SCENARIO_MIX_MAX);
    if (m->n == 0)
        return 0;
    double total = 0.0;
    for (uint32_t i = 0; i < m->n; i++)
        total += m->share[i];
    double at = mw_unit_of(bits) * total;
    uint32_t pick = 0;
    while (pick + 1 < m->n && at >= m->share[pick]) {
        at -= m->share[pick];
        pick++;
    }
    return draw_ns(&m->draw[pick], u);
}

int64_t draw_ms(const struct scenario_draw *d, double u)
{
    return (draw_ns(d, u) + MW_NS_PER_MS / 2) / MW_NS_PER_MS;
}
