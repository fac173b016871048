/* A run's result as JSON.  See run_json.h. */
#include "cli/run_json.h"

#include <stdio.h>

#include "base/units.h"
#include "sim/scenario_schema.h"

static double seconds(int64_t ms)
{
    return (double)ms / (double)MW_MS_PER_S;
}

static json_t *classes_json(const struct account_totals *t)
{
    json_t *o = json_object();
    for (uint32_t c = 0; c < ACCOUNT_CLASS_COUNT; c++)
        (void)json_object_set_new(o, account_class_name(c), json_real(seconds(t->gpu_ms[c])));
    return o;
}

static void set_hash(json_t *o, const char *key, struct mw_hash128 h)
{
    char hex[MW_HEX128_MAX];
    mw_hex128(h, hex);
    (void)json_object_set_new(o, key, json_string(hex));
}

static void set_count(json_t *o, const char *key, uint64_t n)
{
    (void)json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void set_real(json_t *o, const char *key, double x)
{
    (void)json_object_set_new(o, key, json_real(x));
}

static void set_counts(json_t *o, const struct run_result *r)
{
    set_count(o, "jobs_submitted", r->jobs_submitted);
    set_count(o, "jobs_done", r->jobs_done);
    set_count(o, "jobs_failed", r->jobs_failed);
    set_count(o, "jobs_cancelled", r->jobs_cancelled);
    set_count(o, "incidents", r->incidents);
    set_count(o, "orders", r->orders);
    set_count(o, "gates", r->gates);
    set_count(o, "gates_failed", r->gates_failed);
    set_count(o, "drains", r->drains);
    set_count(o, "advice", r->core.advice);
    set_count(o, "guard_trips", r->core.trips);
    set_count(o, "crashes", r->crashes);
    set_count(o, "messages_lost", r->messages_lost);
    set_count(o, "messages_late", r->messages_late);
    set_count(o, "messages_doubled", r->messages_doubled);
    set_count(o, "messages_reordered", r->messages_reordered);
}

/* By the row of the class in the policy, for a result does not carry names. */
static json_t *findings_json(const struct run_result *r)
{
    json_t *o = json_object();
    for (uint32_t i = 0; i < r->classes && i < BOARD_CLASSES_MAX; i++) {
        char row[12];
        (void)snprintf(row, sizeof(row), "%u", i);
        (void)json_object_set_new(o, row, json_integer((json_int_t)r->findings[i]));
    }
    return o;
}

/* What only the simulated world knows. */
static void set_truth(json_t *o, const struct run_result *r)
{
    set_count(o, "refaults", r->refaults);
    set_count(o, "large_attempts", r->large_ended);
    set_count(o, "large_stopped", r->large_stopped);
    set_count(o, "nodes_out_p99", r->out_p99);
    set_count(o, "nodes_out_p999", r->out_p999);
    set_count(o, "repairing_p99", r->repairing_p99);
    set_count(o, "false_alarms", r->world.alarms);
    set_count(o, "drains_false", r->world.drains_false);
    set_count(o, "stops_false", r->world.stops_false);
    set_count(o, "lemons_true", r->world.lemons_true);
    set_count(o, "lemons_false", r->world.lemons_false);
    set_count(o, "lemons_uncured", r->world.lemons_uncured);
    set_count(o, "orders_escalated", r->world.orders_escalated);
    set_count(o, "orders_wrong", r->world.orders_wrong);
    set_count(o, "relapses", r->world.relapses);
    set_count(o, "parts_used", r->world.parts_used);
    set_count(o, "nodes_swapped", r->world.nodes_swapped);
}

static json_t *steps_json(const struct outcome_counts *n)
{
    json_t *o = json_object();
    for (uint32_t i = 0; i < STEP_COUNT; i++)
        set_count(o, scenario_step_words[i], n->steps[i]);
    return o;
}

/* By row of the scenario's classes, where any. */
static json_t *restarts_json(const struct outcome_counts *n)
{
    json_t *o = json_object();
    for (uint32_t i = 0; i < BOARD_CLASSES_MAX; i++) {
        char row[12];
        (void)snprintf(row, sizeof(row), "%u", i);
        if (n->restarts_by_class[i] > 0)
            set_count(o, row, n->restarts_by_class[i]);
    }
    set_count(o, "person", n->restarts_by_person);
    set_count(o, "room", n->restarts_by_room);
    set_count(o, "other", n->restarts_by_other);
    return o;
}

/* What became of what was decided, as the record says it. */
static json_t *outcome_json(const struct run_result *r)
{
    const struct outcome_counts *n = &r->outcome;
    double weeks = r->horizon_days / 7.0 * (double)r->nodes / 1000.0;
    json_t *o = json_object();
    set_count(o, "returns", n->returns);
    set_count(o, "refaults_7d", n->refaults_7d);
    set_count(o, "refaults_30d", n->refaults_30d);
    set_count(o, "causes", n->causes);
    set_count(o, "suppressed", n->suppressed);
    set_count(o, "escalations", n->escalations);
    set_count(o, "withdrawn", n->withdrawn);
    set_count(o, "lemons", n->lemons);
    set_count(o, "retired", n->retired);
    set_count(o, "preemptions", n->preemptions);
    set_count(o, "spares_used", n->spares_used);
    set_count(o, "restarts", n->restarts);
    (void)json_object_set_new(o, "restarts_by", restarts_json(n));
    (void)json_object_set_new(o, "steps", steps_json(n));
    set_real(o, "downtime_hours", seconds(n->down_ms) / 3600.0);
    set_real(o, "downtime_longest_tenth",
             n->down_ms > 0 ? (double)n->down_longest_ms / (double)n->down_ms : 0.0);
    set_real(o, "false_drains_per_1000_node_weeks",
             weeks > 0.0 ? (double)r->world.drains_false / weeks : 0.0);
    return o;
}

json_t *run_json(const struct run_result *r)
{
    json_t *o = json_object();
    set_count(o, "seed", r->seed);
    set_real(o, "horizon_days", r->horizon_days);
    set_count(o, "nodes", r->nodes);
    set_count(o, "gpus", r->gpus);
    set_count(o, "faults", r->faults);
    set_count(o, "node_faults", r->node_faults);
    set_count(o, "kills", r->kills);
    set_real(o, "mttf_hours", r->mttf_hours);
    set_real(o, "ettr", r->ettr);
    set_real(o, "goodput", r->goodput);
    (void)json_object_set_new(o, "classes", classes_json(&r->totals));
    set_real(o, "wall_gpu_seconds", seconds(r->totals.wall_gpu_ms));
    set_real(o, "lost_usd",
             (double)r->totals.lost_microdollars / (double)MW_MICRODOLLARS_PER_DOLLAR);
    set_counts(o, r);
    set_truth(o, r);
    (void)json_object_set_new(o, "findings_by_class", findings_json(r));
    (void)json_object_set_new(o, "outcome", outcome_json(r));
    set_count(o, "events", r->events);
    set_hash(o, "state_hash", r->state_hash);
    set_hash(o, "trace_hash", r->trace_hash);
    set_real(o, "wall_s", r->wall_s);
    return o;
}
