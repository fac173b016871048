/*
 * A trace of faults: read (StepFun's JSON, "InfiniteHBD-Trace"), counted, and
 * handed to the simulated world.
 *
 * A node is down while it has an open fault; touching intervals merge; the
 * trace runs from day 0 to its last event; refault(d) is the share of ended
 * down intervals after which the same node goes down again within d days.
 */
#ifndef MW_SIM_FAULT_TRACE_H
#define MW_SIM_FAULT_TRACE_H

#include "base/error.h"

struct trace_fault {
    int64_t start_ns, end_ns; /* from the start of the trace; end = MW_NEVER when it never ended */
    uint32_t node;            /* dense, in order of first appearance */
    uint16_t class;           /* row of class_name */
    uint16_t desc;            /* row of desc_name */
};

struct fault_trace {
    struct trace_fault *fault; /* by (start, node, order in the file) */
    uint32_t faults;
    uint32_t nodes_seen;       /* nodes that ever faulted */
    int64_t length_ns;         /* to the last event */
    char (*class_name)[64];
    uint32_t classes;
    char (*desc_name)[64];
    uint32_t descs;
};
void fault_trace_destroy(struct fault_trace *t);

/* Errors name the record (number from 0) and field. */
MW_MUST_USE int fault_trace_parse(const char *json, size_t size, const char *file_name,
                                  struct fault_trace **ret, struct mw_error *err);

struct fault_trace_stats {
    uint32_t nodes, faults, intervals; /* intervals = merged down intervals */
    double days;
    double down_fraction_mean;
    double refault_d1, refault_d7, refault_d30; /* shares 0..1 */
    double repair_days_mean, repair_days_p50, repair_days_p90;
};
MW_MUST_USE int fault_trace_stats(const struct fault_trace *t, uint32_t nodes,
                                  struct fault_trace_stats *ret, struct mw_error *err);

/* Merged down intervals of all nodes, by (node, start). Caller frees with mw_free. */
struct down_interval {
    uint32_t node;
    uint16_t class; /* of the fault that opened it */
    int64_t start_ns, end_ns;
};
MW_MUST_USE int fault_trace_intervals(const struct fault_trace *t, struct down_interval **ret,
                                      uint32_t *ret_n);

#endif
