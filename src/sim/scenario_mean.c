/* The means of a scenario's laws (draw.h has the values).  The same bits on every compiler. */
#include "base/exact.h"
#include "sim/scenario.h"

double scenario_draw_mean(const struct scenario_draw *d)
{
    switch ((enum scenario_law)d->law) {
    case LAW_FIXED:
    case LAW_EXPONENTIAL:
        return d->a;
    case LAW_WEIBULL:
        return d->a * mw_gamma(1.0 + 1.0 / d->b);
    case LAW_LOGNORMAL:
        return d->a * mw_exp(d->b * d->b / 2.0);
    case LAW_UNIFORM:
        return (d->a + d->b) / 2.0;
    }
    must(false && "a law of the table");
    return 0.0;
}
