/*
 * What the world reads rather than draws: the workload and the fault trace.
 * Nodes of a trace stand for nodes of the site by a keyed permutation, so that
 * the bad ones are spread over racks.
 */
#include "sim/world_parts.h"

#include "base/mem.h"

/* ---- the fault trace ----------------------------------------------------------------------- */

static int permute_nodes(struct world *w)
{
    struct feeds *f = &w->feeds;
    f->trace_node = mw_calloc(w->nodes, sizeof(*f->trace_node));
    if (f->trace_node == NULL)
        return MW_ENOMEM;
    for (uint32_t i = 0; i < w->nodes; i++)
        f->trace_node[i] = i;
    for (uint32_t i = w->nodes; i > 1; i--) {
        uint64_t bits = world_bits(w, 0, PROCESS_TRACE, 0, i);
        uint32_t with = (uint32_t)mw_random_below(bits, i);
        uint32_t kept = f->trace_node[i - 1];
        f->trace_node[i - 1] = f->trace_node[with];
        f->trace_node[with] = kept;
    }
    return 0;
}

/* The last interval of (node, start) order that begins at or before this fault. */
static uint32_t interval_of(const struct down_interval *v, uint32_t n,
                            const struct trace_fault *f)
{
    uint32_t low = 0, high = n;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        bool before = v[middle].node != f->node ? v[middle].node < f->node
                                                : v[middle].start_ns <= f->start_ns;
        if (before)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int trace_ends(struct world *w)
{
    const struct fault_trace *t = w->config.trace;
    struct down_interval *v = NULL;
    uint32_t n = 0;
    int rc = fault_trace_intervals(t, &v, &n);
    if (rc != 0)
        return rc;
    w->feeds.trace_end_ns = mw_calloc(t->faults, sizeof(w->feeds.trace_end_ns[0]));
    rc = w->feeds.trace_end_ns == NULL ? MW_ENOMEM : 0;
    for (uint32_t i = 0; rc == 0 && i < t->faults; i++) {
        const struct down_interval *in = &v[interval_of(v, n, &t->fault[i])];
        must(in->node == t->fault[i].node && in->start_ns <= t->fault[i].start_ns);
        w->feeds.trace_end_ns[i] =
            in->end_ns == MW_NEVER ? MW_NEVER - 1 : w->start_ns + in->end_ns;
    }
    mw_free(v);
    return rc;
}

static uint16_t class_of(const struct world *w, const struct trace_fault *f)
{
    const struct fault_trace *t = w->config.trace;
    return scenario_trace_class(w->scenario, t->class_name[f->class], t->desc_name[f->desc]);
}

static int trace_init(struct world *w, struct mw_error *err)
{
    const struct fault_trace *t = w->config.trace;
    if (t == NULL)
        return 0;
    if (t->nodes_seen > w->nodes)
        return mw_fail(err, MW_EINVAL,
                       "the fault trace has faults of %u nodes, the site has %u nodes: "
                       "use a site of at least that size",
                       t->nodes_seen, w->nodes);
    if (permute_nodes(w) != 0 || trace_ends(w) != 0)
        return mw_fail(err, MW_ENOMEM, "out of memory for a fault trace of %u faults", t->faults);
    for (uint32_t i = 0; i < t->faults; i++) {
        if (class_of(w, &t->fault[i]) == UINT16_MAX)
            return mw_fail(err, MW_EINVAL,
                           "the fault trace has a fault of class \"%s\" (%s), which no class of "
                           "the scenario takes: name it under a class's trace, or add the class "
                           "unknown",
                           t->class_name[t->fault[i].class], t->desc_name[t->fault[i].desc]);
    }
    return 0;
}

static void trace_next(struct world *w, uint32_t row)
{
    const struct fault_trace *t = w->config.trace;
    if (t != NULL && row < t->faults && w->start_ns + t->fault[row].start_ns < w->quiet_ns)
        world_push(w, w->start_ns + t->fault[row].start_ns,
                   (struct queue_what){.kind = AT_TRACE, .a = row});
}

void feeds_trace(struct world *w, uint32_t trace_row)
{
    const struct trace_fault *t = &w->config.trace->fault[trace_row];
    uint32_t node = w->feeds.trace_node[t->node];
    uint16_t class = class_of(w, t);
    must(class < w->scenario->policy.care.classes);
    struct fault_new n = {.component = component_id(COMPONENT_NODE, node), .nth = trace_row,
                          .detect_ns = (int64_t)w->scenario->trace_detect_ns, .node = node,
                          .class = class, .process = PROCESS_TRACE,
                          .effect = w->scenario->policy.care.class[class].effect,
                          .flags = FAULT_CLEARS};
    if (n.effect == EFFECT_KILLS)
        n.flags |= FAULT_KILLS;
    if (n.effect == EFFECT_SLOWS)
        n.slow_ppm = (uint32_t)(w->scenario->trace_slow_share * 1e6);
    n.clears_ns = t->end_ns == MW_NEVER ? MW_NEVER : t->end_ns - t->start_ns;
    (void)faults_begin(w, &n);
    trace_next(w, trace_row + 1);
}

/* ---- the workload -------------------------------------------------------------------------- */

static uint32_t least_gpus(const struct fleet *f, uint32_t nodes)
{
    uint32_t least = UINT8_MAX;
    for (uint32_t n = 0; n < nodes; n++) {
        if (f->node_gpus[n] > 0)
            least = MW_MIN(least, f->node_gpus[n]);
    }
    return least;
}

void feeds_next_job(struct world *w)
{
    struct feeds *f = &w->feeds;
    f->job_ready = f->workload != NULL && workload_next(f->workload, &f->next_job);
    if (!f->job_ready)
        return;
    int64_t at_ns = w->start_ns + f->next_job.submit_ns;
    if (at_ns < w->quiet_ns)
        world_push(w, MW_MAX(at_ns, w->now_ns), (struct queue_what){.kind = AT_JOB});
}

int feeds_init(struct world *w, struct mw_error *err)
{
    const struct world_config *c = &w->config;
    int rc = trace_init(w, err);
    if (rc != 0)
        return rc;
    w->feeds.node_gpus = least_gpus(w->fleet, w->nodes);
    if (w->scenario->jobs == JOBS_NONE)
        return 0;
    struct workload_source source = {w->scenario, w->seed, w->nodes * w->feeds.node_gpus,
                                     c->job_trace, c->job_trace_size};
    return workload_create(&source, &w->feeds.workload, err);
}

void feeds_fini(struct world *w)
{
    workload_destroy(w->feeds.workload);
    mw_free(w->feeds.trace_node);
    mw_free(w->feeds.trace_end_ns);
}

void feeds_start(struct world *w)
{
    trace_next(w, 0);
    feeds_next_job(w);
}
