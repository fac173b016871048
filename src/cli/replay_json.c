/* A replay's report as one JSON document: the keys of a run, and what a replay adds. */
#include "base/units.h"
#include "cli/run_json.h"
#include "cli/run_report.h"

static json_t *hours(int64_t gpu_ms)
{
    return json_real((double)gpu_ms / (double)MW_MS_PER_HOUR);
}

static json_t *usd(const struct replay_report *r, int64_t gpu_ms)
{
    int64_t price = r->files->scenario.policy.account.microdollars_per_gpu_hour;
    return json_real((double)account_price(gpu_ms, price) / (double)MW_MICRODOLLARS_PER_DOLLAR);
}

static json_t *trace_json(const struct fault_trace_stats *s)
{
    return json_pack("{s:i, s:i, s:f, s:f, s:{s:f, s:f, s:f}, s:{s:f, s:f, s:f}, s:s}",
                     "nodes", (int)s->nodes, "faults", (int)s->faults, "days", s->days,
                     "down_fraction_mean", s->down_fraction_mean, "refault", "d1", s->refault_d1,
                     "d7", s->refault_d7, "d30", s->refault_d30, "repair_days", "mean",
                     s->repair_days_mean, "p50", s->repair_days_p50, "p90", s->repair_days_p90,
                     "basis", "trace");
}

static json_t *causes_json(const struct replay_report *r)
{
    json_t *list = json_array();
    for (uint32_t c = 0; c < CAUSE_COUNT; c++) {
        json_t *classes = json_object();
        int64_t sum = 0;
        for (uint32_t k = 0; k < ACCOUNT_CLASS_COUNT; k++) {
            int64_t ms = r->result->totals.by_cause[c][k];
            if (ms)
                (void)json_object_set_new(classes, account_class_name(k), hours(ms));
            sum += ms;
        }
        if (sum)
            (void)json_array_append_new(
                list, json_pack("{s:s, s:o, s:o, s:o}", "cause", replay_cause_name(r, c),
                                "gpu_hours", hours(sum), "lost_usd", usd(r, sum),
                                "classes_gpu_hours", classes));
        else
            json_decref(classes);
    }
    return list;
}

static json_t *worst_json(const struct replay_report *r)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < REPLAY_WORST; i++) {
        const struct replay_node *n = &r->view->worst[i];
        if (n->node == MW_NONE)
            break;
        const char *name =
            fleet_name(r->files->fleet, component_id(COMPONENT_NODE, n->node));
        (void)json_array_append_new(
            list, json_pack("{s:s, s:i, s:o, s:o}", "node", name, "incidents",
                            (int)n->incidents, "lost_gpu_hours", hours(n->lost_gpu_ms),
                            "lost_usd", usd(r, n->lost_gpu_ms)));
    }
    return list;
}

static json_t *estimate_json(const struct estimate *e)
{
    return json_pack("{s:f, s:f, s:f}", "mean", e->mean, "lo", e->lo, "hi", e->hi);
}

json_t *replay_report_json(const struct replay_report *r)
{
    json_t *o = run_json(r->result);
    (void)json_object_set_new(o, "scenario", json_string(r->files->scenario.name));
    (void)json_object_set_new(o, "basis", json_string(replay_basis(r)));
    if (r->traced)
        (void)json_object_set_new(o, "trace", trace_json(&r->stats));
    (void)json_object_set_new(o, "causes", causes_json(r));
    (void)json_object_set_new(o, "worst_nodes", worst_json(r));
    (void)json_object_set_new(o, "sensitivity", replay_sensitivity_json(r->sensitivity));
    return o;
}

json_t *replay_sensitivity_json(const struct sensitivity_table *t)
{
    json_t *list = json_array();
    for (uint32_t i = 0; t && i < SENSITIVITIES; i++) {
        const struct sensitivity *s = &t->row[i];
        if (s->what)
            (void)json_array_append_new(
                list, json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "assumption", s->what,
                                "seeds", SENSITIVITY_SEEDS, "goodput", estimate_json(&t->as_is),
                                "change_minus_50", estimate_json(&s->low), "change_plus_50",
                                estimate_json(&s->high), "ettr", estimate_json(&t->ettr_as_is),
                                "ettr_change_minus_50", estimate_json(&s->ettr_low),
                                "ettr_change_plus_50", estimate_json(&s->ettr_high)));
    }
    return list;
}
