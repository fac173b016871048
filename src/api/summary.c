/* The document of the home page.  See summary.h. */
#include "api/summary.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/feeds.h"
#include "api/power.h"
#include "api/views.h"
#include "base/exact.h"

const char *summary_cause(const struct words *w, uint32_t cause)
{
    switch (cause) {
    case CAUSE_NONE:
        return "starts without a fault";
    case CAUSE_CHECKPOINT:
        return "writing checkpoints";
    case CAUSE_PERSON:
        return "a person";
    case CAUSE_PREEMPT:
        return "room for other jobs";
    default:
        return words_class(w, cause);
    }
}

static json_t *ppm_of(int64_t part, int64_t whole)
{
    if (whole <= 0)
        return json_null();
    int64_t ppm = mw_muldiv(part, 1000000, whole);
    return json_integer(MW_MIN(MW_MAX(ppm, 0), 1000000));
}

/* ---- lost today ----------------------------------------------------------------------------- */

struct cost {
    int64_t gpu_ms;
    uint32_t cause;
};

static int dearest_first(const void *left, const void *right)
{
    const struct cost *a = left, *b = right;
    if (a->gpu_ms != b->gpu_ms)
        return a->gpu_ms > b->gpu_ms ? -1 : 1;
    return a->cause < b->cause ? -1 : a->cause > b->cause;
}

static json_t *lost_rows(const struct summary_of *s, const struct history_sample *from,
                         const struct history_sample *to)
{
    struct cost cost[CAUSE_COUNT];
    json_t *rows = json_array();
    int64_t price = s->control->policy.account.microdollars_per_gpu_hour;
    uint32_t n = 0;
    for (uint32_t k = 0; k < CAUSE_COUNT; k++)
        if (to->lost_by[k] > from->lost_by[k])
            cost[n++] = (struct cost){ to->lost_by[k] - from->lost_by[k], k };
    qsort(cost, n, sizeof(cost[0]), dearest_first);
    for (uint32_t i = 0; rows && i < n; i++)
        (void)json_array_append_new(
            rows, json_pack("{s:I, s:s, s:I, s:I}", "cause", (json_int_t)cost[i].cause, "class",
                            summary_cause(s->words, cost[i].cause), "gpu_ms",
                            (json_int_t)cost[i].gpu_ms, "uusd",
                            (json_int_t)account_price(cost[i].gpu_ms, price)));
    return rows;
}

/* ---- what needs eyes ------------------------------------------------------------------------ */

static uint32_t orders_stuck(const struct control *c, int64_t now_ms)
{
    uint32_t n = 0;
    struct care_order o;
    for (uint32_t i = 0; i < c->board->incidents_used; i++)
        n += c->board->incident_id[i] && care_order_of(c->care, i, &o) && o.deadline_ms &&
             now_ms > o.deadline_ms;
    return n;
}

static uint32_t advice_waiting(const struct control *c)
{
    const struct board *b = c->board;
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->incidents_used; i++)
        n += b->incident_id[i] && b->incident_node[i] != MW_NONE &&
             b->node_incident[b->incident_node[i]] == i &&
             care_advice_open(c->care, b->incident_node[i]) != 0;
    return n;
}

static json_t *power_json(const struct control *c)
{
    struct power p;
    if (power_of(c, MW_NONE, &p) < 0)
        return json_null();
    return json_pack("{s:I, s:o, s:s}", "drawn_w", (json_int_t)p.drawn_w, "cap_w",
                     p.cap_w ? json_integer(p.cap_w) : json_null(), "rests_on", "modelled");
}

static json_t *basis_json(const struct control_policy *p)
{
    char money[64];
    const char *record = words_basis(p);
    (void)snprintf(money, sizeof(money), "%s time, modelled price", record);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "goodput", record, "ettr", record,
                     "gpus", record, "incidents", record, "jobs", record, "lost", money, "power",
                     "modelled");
}

/* ---- the site as a whole -------------------------------------------------------------------- */

static void set(json_t *o, const char *key, json_t *value)
{
    (void)json_object_set_new(o, key, value ? value : json_null());
}

static void set_number(json_t *o, const char *key, int64_t n)
{
    set(o, key, json_integer(n));
}

static void set_today(json_t *o, const struct summary_of *s, const struct history_sample *now)
{
    int64_t midnight_ms = now->time_ms - now->time_ms % MW_MS_PER_DAY;
    struct history_sample from = { 0 };
    set(o, "today_from", api_time_ms(midnight_ms));
    if (!s->history) {
        set(o, "lost_today_uusd", json_null());
        set(o, "lost_today", json_null());
        return;
    }
    (void)feeds_sums_at(s->history, now, midnight_ms, &from); /* none: the record began today */
    set_number(o, "lost_today_uusd",
               account_price(now->lost_gpu_ms - from.lost_gpu_ms,
                             s->control->policy.account.microdollars_per_gpu_hour));
    set(o, "lost_today", lost_rows(s, &from, now));
}

static void set_goodput(json_t *o, const struct summary_of *s, const struct history_sample *now)
{
    struct history_sample from = { 0 };
    if (s->history)
        (void)feeds_sums_at(s->history, now, now->time_ms - MW_MS_PER_DAY, &from);
    set(o, "goodput_ppm", ppm_of(now->productive_gpu_ms - from.productive_gpu_ms,
                                 now->available_gpu_ms - from.available_gpu_ms));
    set(o, "goodput_total_ppm", ppm_of(now->productive_gpu_ms, now->available_gpu_ms));
    set(o, "ettr_ppm", ppm_of(now->ettr_productive_gpu_ms, now->ettr_wall_gpu_ms));
}

static void set_whole(json_t *o, const struct summary_of *s, const struct history_sample *now)
{
    const struct control *c = s->control;
    set_goodput(o, s, now);
    set_number(o, "gpus", c->board->fleet->gpus_total);
    set_number(o, "gpus_healthy", now->gpus_healthy);
    set_number(o, "gpus_busy", now->gpus_busy);
    set_today(o, s, now);
    set_number(o, "lost_total_uusd", now->lost_uusd);
    set(o, "power", power_json(c));
    set_number(o, "incidents_open", now->incidents_open);
    set_number(o, "orders_open", now->orders_open);
    set_number(o, "orders_stuck", orders_stuck(c, now->time_ms));
    set_number(o, "jobs_running", now->jobs_running);
    set_number(o, "jobs_queued", now->jobs_queued);
    set_number(o, "advice_waiting", advice_waiting(c));
}

static void set_nothing(json_t *o)
{
    static const char *const key[] = {
        "goodput_ppm", "goodput_total_ppm", "ettr_ppm", "gpus", "gpus_healthy", "gpus_busy",
        "today_from", "lost_today_uusd", "lost_today", "lost_total_uusd", "power",
        "incidents_open", "orders_open", "orders_stuck", "jobs_running", "jobs_queued",
        "advice_waiting" };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(key); i++)
        set(o, key[i], json_null());
}

json_t *summary_make(const struct summary_of *s, struct mw_error *err)
{
    must(s && s->control && s->words && s->who);
    bool all = access_sees_all(s->who);
    struct history_sample now;
    uint32_t risks = 0;
    projector_sample(s->control, s->now_ns, &now);
    json_t *o = json_pack("{s:o, s:I, s:s, s:b, s:b}", "now", api_time_ms(now.time_ms), "revision",
                          (json_int_t)core_seq(s->control->core), "site",
                          s->control->board->fleet->name, "whole_site", (int)all, "guard_tripped",
                          (int)guard_tripped(s->control->guard));
    if (!o) {
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
        return NULL;
    }
    if (all)
        set_whole(o, s, &now);
    else
        set_nothing(o);
    set(o, "jobs_at_risk", summary_risks(s, &risks));
    set_number(o, "jobs_at_risk_total", risks);
    set(o, "rests_on", basis_json(&s->control->policy));
    set(o, "history", s->history ? json_string(history_where(s->history)) : json_null());
    if (!all || s->since == UINT64_MAX || !s->history) {
        set(o, "changed", json_null());
        return o;
    }
    json_t *changed = summary_changed(s, &now, err);
    if (!changed) {
        json_decref(o);
        return NULL;
    }
    set(o, "changed", changed);
    return o;
}
