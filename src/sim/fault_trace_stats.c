/*
 * What a fault trace says about a fleet: how often, how long, how soon again.
 * Counts only; the definitions are in fault_trace.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "sim/fault_trace.h"

static int compare_intervals(const void *a, const void *b)
{
    const struct down_interval *x = a, *y = b;

    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    /* Equal starts merge anyway: the longer first, then the class, for a total order. */
    if (x->end_ns != y->end_ns)
        return x->end_ns > y->end_ns ? -1 : 1;
    return x->class < y->class ? -1 : x->class > y->class;
}

static int compare_i64(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

int fault_trace_intervals(const struct fault_trace *t, struct down_interval **ret, uint32_t *ret_n)
{
    must(t != NULL && ret != NULL && ret_n != NULL);
    struct down_interval *all = mw_calloc(t->faults, sizeof(*all));
    if (all == NULL)
        return MW_ENOMEM;
    for (uint32_t i = 0; i < t->faults; i++)
        all[i] = (struct down_interval){t->fault[i].node, t->fault[i].class,
                                        t->fault[i].start_ns, t->fault[i].end_ns};
    qsort(all, t->faults, sizeof(*all), compare_intervals);
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->faults; i++) {
        if (n > 0 && all[n - 1].node == all[i].node && all[i].start_ns <= all[n - 1].end_ns)
            all[n - 1].end_ns = MW_MAX(all[n - 1].end_ns, all[i].end_ns);
        else
            all[n++] = all[i];
    }
    must(n <= t->faults);
    *ret = all;
    *ret_n = n;
    return 0;
}

/* The value at rank floor(q n), from 0. */
static double quantile_days(const int64_t *sorted, uint32_t n, uint32_t percent)
{
    if (n == 0)
        return 0.0;
    uint32_t rank = (uint32_t)((uint64_t)n * percent / 100);
    return (double)sorted[MW_MIN(rank, n - 1)] / (double)MW_NS_PER_DAY;
}

static void count_repairs(int64_t *length, uint32_t n, struct fault_trace_stats *s)
{
    double sum = 0.0;

    qsort(length, n, sizeof(*length), compare_i64);
    for (uint32_t i = 0; i < n; i++)
        sum += (double)length[i];
    s->repair_days_mean = n > 0 ? sum / n / (double)MW_NS_PER_DAY : 0.0;
    s->repair_days_p50 = quantile_days(length, n, 50);
    s->repair_days_p90 = quantile_days(length, n, 90);
}

/* Down time, refaults and repairs; `length` has room for n. */
static void count_intervals(const struct fault_trace *t, const struct down_interval *d, uint32_t n,
                            int64_t *length, struct fault_trace_stats *s)
{
    uint32_t ended = 0, again[3] = {0};
    double down_ns = 0.0;

    for (uint32_t i = 0; i < n; i++) {
        bool over = d[i].end_ns != MW_NEVER;
        down_ns += (double)((over ? d[i].end_ns : t->length_ns) - d[i].start_ns);
        if (!over)
            continue;
        length[ended++] = d[i].end_ns - d[i].start_ns;
        if (i + 1 == n || d[i + 1].node != d[i].node)
            continue;
        int64_t gap = d[i + 1].start_ns - d[i].end_ns;
        must(gap > 0);
        again[0] += gap <= 1 * MW_NS_PER_DAY;
        again[1] += gap <= 7 * MW_NS_PER_DAY;
        again[2] += gap <= 30 * MW_NS_PER_DAY;
    }
    if (t->length_ns > 0)
        s->down_fraction_mean = down_ns / (double)t->length_ns / s->nodes;
    if (ended > 0) {
        s->refault_d1 = (double)again[0] / ended;
        s->refault_d7 = (double)again[1] / ended;
        s->refault_d30 = (double)again[2] / ended;
    }
    count_repairs(length, ended, s);
}

int fault_trace_stats(const struct fault_trace *t, uint32_t nodes, struct fault_trace_stats *ret,
                      struct mw_error *err)
{
    struct down_interval *down mw_cleanup(mw_freep) = NULL;
    int64_t *length mw_cleanup(mw_freep) = NULL;
    struct fault_trace_stats s = {.nodes = nodes, .faults = t->faults};

    must(ret != NULL);
    if (nodes == 0 || nodes < t->nodes_seen)
        return mw_fail(err, MW_EINVAL,
                       "%u nodes are too few: %u different nodes have faults in the trace; name "
                       "how many servers it covers",
                       nodes, t->nodes_seen);
    int rc = fault_trace_intervals(t, &down, &s.intervals);
    if (rc != 0)
        return mw_fail(err, rc, "out of memory for %u faults", t->faults);
    length = mw_calloc(s.intervals, sizeof(*length));
    if (length == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for %u faults", t->faults);
    s.days = (double)t->length_ns / (double)MW_NS_PER_DAY;
    count_intervals(t, down, s.intervals, length, &s);
    *ret = s;
    return 0;
}
