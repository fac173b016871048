/* The report at the end of a replay, as tables.  The JSON form is in run_json.c. */
#include "cli/run_report.h"

#include "base/units.h"

static const char TRACE[] = "from the trace";
static const char MODEL[] = "modelled";

const char *replay_basis(const struct replay_report *r)
{
    bool jobs = r->files->scenario.jobs == JOBS_TRACE;
    if (r->traced)
        return jobs ? "traced faults and jobs, modelled costs" : "traced faults, modelled jobs";
    return jobs ? "traced jobs, modelled faults" : MODEL;
}

/* Are repairs of the trace cut short by what the scenario assumes of escalated ones? */
static bool repairs_cut(const struct replay_report *r)
{
    const struct scenario *s = &r->files->scenario;
    return s->escalated.n > 0 && s->policy.care.escalate;
}

static const struct output_column figures[] = {
    { .key = "figure", .title = "FIGURE" },
    { .key = "value", .title = "VALUE", .right = true },
    { .key = "basis", .title = "BASIS" },
    { 0 },
};

static void row_real(struct output *o, const char *figure, double value, const char *unit,
                     const char *basis)
{
    char shown[48];
    (void)snprintf(shown, sizeof(shown), "%.3f%s", value, unit);
    output_text(o, figure);
    output_real_as(o, value, shown);
    output_text(o, basis);
}

static void row_count(struct output *o, const char *figure, uint64_t value, const char *basis)
{
    output_text(o, figure);
    output_int(o, (int64_t)value);
    output_text(o, basis);
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;
}

/* The trace as a whole, also where the run ends before it. */
static void print_trace(struct output *o, const struct fault_trace_stats *s)
{
    row_real(o, "length of the fault trace", s->days, " d", TRACE);
    row_count(o, "faults in it", s->faults, TRACE);
    row_real(o, "mean share of nodes down", 100.0 * s->down_fraction_mean, " %", TRACE);
    row_real(o, "down again within 1 day", 100.0 * s->refault_d1, " %", TRACE);
    row_real(o, "down again within 7 days", 100.0 * s->refault_d7, " %", TRACE);
    row_real(o, "down again within 30 days", 100.0 * s->refault_d30, " %", TRACE);
    row_real(o, "repair, mean", s->repair_days_mean, " d", TRACE);
    row_real(o, "repair, median", s->repair_days_p50, " d", TRACE);
}

static void print_figures(struct output *o, const struct replay_report *r)
{
    const struct account_totals *t = &r->result->totals;
    const char *basis = replay_basis(r);
    const char *jobs = r->files->scenario.jobs == JOBS_TRACE ? TRACE : MODEL;
    int64_t out = t->gpu_ms[ACCOUNT_DRAINING] + t->gpu_ms[ACCOUNT_DOWN] +
                  t->gpu_ms[ACCOUNT_REPAIRING] + t->gpu_ms[ACCOUNT_VALIDATING];
    output_begin(o, figures, OUTPUT_ROWS);
    if (r->traced)
        print_trace(o, &r->stats);
    row_real(o, "length of the run", r->result->horizon_days, " d", "given");
    row_count(o, "faults that happened in it", r->result->faults, r->traced ? TRACE : MODEL);
    row_real(o, "mean share out of service, gate and probation with it", share(out, t->wall_gpu_ms),
             " %", !r->traced        ? MODEL
                   : repairs_cut(r) ? "traced repairs, cut by assumed escalation, modelled gate"
                                    : "traced repairs, modelled gate");
    row_count(o, "incidents", r->result->incidents, basis);
    row_count(o, "attempts that a fault stopped", r->result->kills, basis);
    row_real(o, "goodput: productive over available", 100.0 * r->result->goodput, " %", basis);
    row_real(o, "ETTR: productive over wall time of jobs", 100.0 * r->result->ettr, " %", basis);
    row_count(o, "jobs submitted", r->result->jobs_submitted, jobs);
    row_count(o, "jobs done", r->result->jobs_done, basis);
    row_count(o, "jobs that ended by their own error", r->result->jobs_failed, MODEL);
    row_count(o, "jobs queued or running at the end",
              r->result->jobs_submitted - r->result->jobs_done - r->result->jobs_failed -
                  r->result->jobs_cancelled, basis);
    output_end(o, NULL);
}

static const struct output_column time_columns[] = {
    { .key = "class", .title = "GPU TIME" },
    { .key = "gpu_hours", .title = "GPU-HOURS", .right = true },
    { .key = "share_percent", .title = "SHARE (%)", .right = true },
    { .key = "lost_usd", .title = "LOST", .right = true },
    { .key = "basis", .title = "BASIS" },
    { 0 },
};

/* What the time in a class rests on. */
static const char *class_basis(const struct replay_report *r, uint32_t class)
{
    if (r->traced && (class == ACCOUNT_DOWN || class == ACCOUNT_REPAIRING))
        return repairs_cut(r) ? "traced repairs, cut by assumed escalation" : "traced repairs";
    return class == ACCOUNT_VALIDATING ? "modelled gate" : replay_basis(r);
}

static int64_t price_of(const struct replay_report *r, int64_t gpu_ms)
{
    return account_price(gpu_ms,
                         r->files->scenario.policy.account.microdollars_per_gpu_hour);
}

static void cell_usd(struct output *o, int64_t microdollars)
{
    char shown[40];
    mw_format_usd(microdollars, shown, sizeof(shown));
    output_real_as(o, (double)microdollars / (double)MW_MICRODOLLARS_PER_DOLLAR, shown);
}

static void cell_hours(struct output *o, int64_t gpu_ms)
{
    output_real(o, (double)gpu_ms / (double)MW_MS_PER_HOUR, 0);
}

static void print_time(struct output *o, const struct replay_report *r)
{
    const struct account_totals *t = &r->result->totals;
    output_begin(o, time_columns, OUTPUT_ROWS);
    for (uint32_t c = 0; c < ACCOUNT_CLASS_COUNT; c++) {
        if (!t->gpu_ms[c])
            continue;
        output_text(o, account_class_name(c));
        cell_hours(o, t->gpu_ms[c]);
        output_real(o, share(t->gpu_ms[c], t->wall_gpu_ms), 3);
        if (account_class_lost(c))
            cell_usd(o, price_of(r, t->gpu_ms[c]));
        else
            output_null(o);
        output_text(o, class_basis(r, c));
    }
    output_end(o, NULL);
}

const char *replay_cause_name(const struct replay_report *r, uint32_t cause)
{
    const struct care_policy *p = &r->files->scenario.policy.care;
    switch (cause) {
    case CAUSE_NONE:
        return "(no incident: first start, latency)";
    case CAUSE_CHECKPOINT:
        return "(checkpoints: insurance)";
    case CAUSE_PERSON:
        return "(a person)";
    case CAUSE_PREEMPT:
        return "(room made for another job)";
    default:
        return cause < p->classes ? p->class[cause].name : "?";
    }
}

static const struct output_column cause_columns[] = {
    { .key = "cause", .title = "LOST TO" },
    { .key = "nodes_out_gpu_hours", .title = "NODES OUT (GPU-h)", .right = true },
    { .key = "jobs_gpu_hours", .title = "JOBS (GPU-h)", .right = true },
    { .key = "lost_usd", .title = "LOST", .right = true },
    { .key = "basis", .title = "BASIS" },
    { 0 },
};

/* What a cause cost: time of nodes out of service, and time of jobs. */
static void sum_cause(const struct account_totals *t, uint32_t cause, int64_t *ret_nodes,
                      int64_t *ret_jobs)
{
    *ret_nodes = *ret_jobs = 0;
    for (uint32_t c = 0; c < ACCOUNT_CLASS_COUNT; c++) {
        bool node = c == ACCOUNT_DRAINING || c == ACCOUNT_DOWN || c == ACCOUNT_REPAIRING ||
                    c == ACCOUNT_VALIDATING;
        *(node ? ret_nodes : ret_jobs) += t->by_cause[cause][c];
    }
}

static void print_causes(struct output *o, const struct replay_report *r)
{
    bool printed[CAUSE_COUNT] = { false };
    output_begin(o, cause_columns, OUTPUT_ROWS);
    for (;;) {
        int64_t best = 0, nodes, jobs;
        uint32_t at = CAUSE_COUNT;
        for (uint32_t c = 0; c < CAUSE_COUNT; c++) {
            sum_cause(&r->result->totals, c, &nodes, &jobs);
            if (!printed[c] && nodes + jobs > best) {
                best = nodes + jobs;
                at = c;
            }
        }
        if (at == CAUSE_COUNT)
            break;
        printed[at] = true;
        sum_cause(&r->result->totals, at, &nodes, &jobs);
        output_text(o, replay_cause_name(r, at));
        cell_hours(o, nodes);
        cell_hours(o, jobs);
        cell_usd(o, price_of(r, nodes + jobs));
        output_text(o, at < CAUSE_NONE ? replay_basis(r) : MODEL);
    }
    output_end(o, "nothing was lost");
}

static const struct output_column worst_columns[] = {
    { .key = "node", .title = "WORST NODES" },
    { .key = "incidents", .title = "INCIDENTS", .right = true },
    { .key = "lost_gpu_hours", .title = "GPU-HOURS", .right = true },
    { .key = "lost_usd", .title = "LOST", .right = true },
    { .key = "basis", .title = "BASIS" },
    { 0 },
};

static void print_worst(struct output *o, const struct replay_report *r)
{
    output_begin(o, worst_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < REPLAY_WORST; i++) {
        const struct replay_node *n = &r->view->worst[i];
        if (n->node == MW_NONE)
            break;
        output_text(o, fleet_name(r->files->fleet, component_id(COMPONENT_NODE, n->node)));
        output_int(o, n->incidents);
        cell_hours(o, n->lost_gpu_ms);
        cell_usd(o, price_of(r, n->lost_gpu_ms));
        output_text(o, replay_basis(r));
    }
    output_end(o, "no node cost anything");
}

static const struct output_column sensitivity_columns[] = {
    { .key = "assumption", .title = "ASSUMPTION" },
    { .key = "goodput_percent", .title = "GOODPUT, 5 SEEDS (%)", .right = true },
    { .key = "change_minus_50_points", .title = "-50 % CHANGES IT BY", .right = true },
    { .key = "change_plus_50_points", .title = "+50 % CHANGES IT BY", .right = true },
    { .key = "ettr_percent", .title = "ETTR (%)", .right = true },
    { .key = "ettr_change_minus_50_points", .title = "-50 %", .right = true },
    { .key = "ettr_change_plus_50_points", .title = "+50 %", .right = true },
    { 0 },
};

/* Mean and half of the 95 % interval. */
static void cell_estimate(struct output *o, const struct estimate *e, const char *fmt)
{
    char shown[48];
    (void)snprintf(shown, sizeof(shown), fmt, 100.0 * e->mean, 50.0 * (e->hi - e->lo));
    output_real_as(o, 100.0 * e->mean, shown);
}

static void gap(struct output *o)
{
    if (output_form_of(o) != OUTPUT_CSV)
        (void)fputc('\n', output_file(o));
}

void replay_report_print(const struct cli_context *ctx, const struct replay_report *r)
{
    struct output *o = ctx->output;
    print_figures(o, r);
    gap(o);
    print_time(o, r);
    gap(o);
    print_causes(o, r);
    gap(o);
    print_worst(o, r);
    if (r->sensitivity) {
        gap(o);
        replay_sensitivity_print(o, r->sensitivity);
    }
}

void replay_sensitivity_print(struct output *o, const struct sensitivity_table *t)
{
    output_begin(o, sensitivity_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < SENSITIVITIES; i++) {
        if (!t->row[i].what)
            continue;
        output_text(o, t->row[i].what);
        cell_estimate(o, &t->as_is, "%.2f ± %.2f");
        cell_estimate(o, &t->row[i].low, "%+.2f ± %.2f");
        cell_estimate(o, &t->row[i].high, "%+.2f ± %.2f");
        cell_estimate(o, &t->ettr_as_is, "%.2f ± %.2f");
        cell_estimate(o, &t->row[i].ettr_low, "%+.2f ± %.2f");
        cell_estimate(o, &t->row[i].ettr_high, "%+.2f ± %.2f");
    }
    output_end(o, NULL);
}
