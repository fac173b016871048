/* A run's result as JSON.  See run_json.h. */
#include "cli/run_json.h"

#include "base/units.h"

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
    set_count(o, "events", r->events);
    set_hash(o, "state_hash", r->state_hash);
    set_hash(o, "trace_hash", r->trace_hash);
    set_real(o, "wall_s", r->wall_s);
    return o;
}
