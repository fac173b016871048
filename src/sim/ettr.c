/* ETTR in closed form; base/exact only. */
#include "sim/ettr.h"

#include "base/exact.h"

double ettr_mttf_hours(double rate_per_1000_node_days, uint32_t nodes)
{
    must(rate_per_1000_node_days > 0.0 && nodes > 0);
    return 24000.0 / (rate_per_1000_node_days * nodes);
}

double ettr_wall_per_interval(const struct ettr_case *c)
{
    must(c->mttf > 0.0 && c->interval > 0.0);
    double m = c->mttf;
    return m * mw_exp(c->restart / m) * (mw_exp((c->interval + c->write) / m) - 1.0);
}

double ettr_exact(const struct ettr_case *c)
{
    return c->interval / ettr_wall_per_interval(c);
}

double ettr_first_order(const struct ettr_case *c)
{
    must(c->mttf > 0.0 && c->interval > 0.0);
    return (1.0 - (c->restart + c->interval / 2.0) / c->mttf) / (1.0 + c->write / c->interval);
}

double ettr_interval(double write, double mttf)
{
    must(write > 0.0 && mttf > 0.0);
    return mw_sqrt(2.0 * write * mttf);
}

double ettr_failures_needed(const struct ettr_case *c, double relative)
{
    must(relative > 0.0);
    double loss = (c->restart + c->interval / 2.0) / c->mttf;
    return loss * loss / (relative * relative);
}
