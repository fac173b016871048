/*
 * The replay itself: one pass over the groups in their order, each over all
 * cells.  No allocation, no state.
 */
#include "signal/straggler_replay.h"

/* A transfer that ends this long before its last member starts was recorded wrongly: it counts as
 * no time at all; less is clock error and is kept, so that it averages out.  Of the method. */
#define CLOCK_ERROR_S 1e-2

/* The latest of the step's data-parallel ranks, for all of them. */
static void join_dps(const struct straggler_trace *t, double *at)
{
    for (uint32_t s = 0; s < t->steps; s++) {
        double *of_step = &at[(size_t)s * t->dps];
        double latest = of_step[0];
        for (uint32_t d = 1; d < t->dps; d++)
            latest = MW_MAX(latest, of_step[d]);
        for (uint32_t d = 0; d < t->dps; d++)
            of_step[d] = latest;
    }
}

static void group_run(const struct straggler_trace *t, const struct straggler_graph *g,
                      const struct straggler_group *group, const double *work, double *end,
                      double *at)
{
    uint32_t cells = t->cells;

    for (uint32_t c = 0; c < cells; c++)
        at[c] = 0.0;
    for (uint32_t i = 0; i < group->count; i++) {
        uint32_t op = g->member[group->first + i];
        for (uint32_t e = g->dep_first[op]; e < g->dep_first[op + 1]; e++) {
            const double *before = &end[(size_t)g->dep[e] * cells];
            for (uint32_t c = 0; c < cells; c++)
                at[c] = MW_MAX(at[c], before[c]);
        }
    }
    if (group->all_dps)
        join_dps(t, at);
    for (uint32_t i = 0; i < group->count; i++) {
        size_t row = (size_t)g->member[group->first + i] * cells;
        for (uint32_t c = 0; c < cells; c++)
            end[row + c] = at[c] + work[row + c];
    }
}

/* The mean over the steps of the latest end among the operations of these kinds. */
static double mean_end(const struct straggler_trace *t, const double *end, uint32_t kinds,
                       double *at)
{
    double sum = 0.0;

    for (uint32_t c = 0; c < t->cells; c++)
        at[c] = 0.0;
    for (uint32_t i = 0; i < t->ops; i++) {
        if ((straggler_kind_bit(t->op[i].kind) & kinds) == 0)
            continue;
        for (uint32_t c = 0; c < t->cells; c++)
            at[c] = MW_MAX(at[c], end[(size_t)i * t->cells + c]);
    }
    join_dps(t, at);
    for (uint32_t s = 0; s < t->steps; s++)
        sum += at[(size_t)s * t->dps];
    return sum / t->steps;
}

struct straggler_step_time straggler_replay(const struct straggler_trace *t,
                                            const struct straggler_graph *g, const double *work_s,
                                            double *end_s, double *at_s)
{
    uint32_t optimizer = t->kinds & straggler_kind_bit(KIND_OPTIMIZER);

    must(t->steps > 0 && t->cells == t->steps * t->dps);
    for (uint32_t i = 0; i < g->groups; i++)
        group_run(t, g, &g->group[i], work_s, end_s, at_s);
    return (struct straggler_step_time){
        .all = mean_end(t, end_s, UINT32_MAX, at_s),
        .optimizer = mean_end(t, end_s, optimizer != 0 ? optimizer : UINT32_MAX, at_s),
    };
}

void straggler_work(const struct straggler_trace *t, const struct straggler_graph *g,
                    double *ret_work_s, double *at_s)
{
    uint32_t cells = t->cells;

    for (uint32_t i = 0; i < g->groups; i++) {
        const struct straggler_group *group = &g->group[i];
        const double *first = &t->start[(size_t)g->member[group->first] * cells];
        for (uint32_t c = 0; c < cells; c++)
            at_s[c] = first[c];
        for (uint32_t m = 1; m < group->count; m++) {
            const double *start = &t->start[(size_t)g->member[group->first + m] * cells];
            for (uint32_t c = 0; c < cells; c++)
                at_s[c] = MW_MAX(at_s[c], start[c]);
        }
        if (group->all_dps)
            join_dps(t, at_s);
        for (uint32_t m = 0; m < group->count; m++) {
            size_t row = (size_t)g->member[group->first + m] * cells;
            for (uint32_t c = 0; c < cells; c++) {
                double left = t->start[row + c] + t->duration[row + c] - at_s[c];
                left = left <= -CLOCK_ERROR_S ? 0.0 : left;
                ret_work_s[row + c] = group->comm ? left : t->duration[row + c];
            }
        }
    }
}
