/* An incident's story under names that programs may rely on.  Owns only these names. */
#include "api/tell_incident.h"

#include "base/units.h"
#include "api/record_json.h"
#include "control/control.h"
#include "core/event_fields.h"

static json_t *time_or_null(int64_t time_ns)
{
    return record_json_time(time_ns, time_ns != 0);
}

static json_t *component(const struct words *w, uint64_t id)
{
    struct text t = { 0 };
    words_component(&t, w, id);
    return record_json_take(&t);
}

static json_t *node(const struct words *w, uint32_t n)
{
    return n == MW_NONE ? json_null() : record_json_text(words_node(w, n));
}

static json_t *line_json(const struct explain_line *l)
{
    return json_pack("{s:I, s:o, s:s?, s:o}", "seq", (json_int_t)l->seq, "time",
                     time_or_null(l->time_ns), "kind", event_info(l->kind)->name, "text",
                     record_json_text(l->text));
}

static json_t *cause_json(const struct cause_rank *c, const struct words *w)
{
    return json_pack("{s:o, s:I, s:I, s:i}", "component", component(w, c->component), "seen",
                     (json_int_t)c->seen, "below", (json_int_t)c->below, "score", (int)c->score);
}

static json_t *symptom_json(const struct explain_symptom *s, const struct words *w)
{
    return json_pack("{s:I, s:o, s:s, s:b}", "incident", (json_int_t)s->incident, "node",
                     node(w, s->node), "class", words_class(w, s->class), "freed", (int)s->freed);
}

static json_t *sum_json(const struct step_sum *a, bool chosen)
{
    const char *step = event_step_word(a->step);
    return json_pack(
        "{s:s, s:b, s:b, s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
        "step", step ? step : "?", "chosen", (int)chosen, "waits", (int)a->waits, "job_lets_go",
        explain_drain(a->drain), "barred", explain_bar(a->bar), "odds_ppm", (int)a->odds_ppm,
        "tried", (int)a->tried, "held", (int)a->held, "action_uusd", (json_int_t)a->action_uusd,
        "part_uusd", (json_int_t)a->part_uusd, "crew_uusd", (json_int_t)a->crew_uusd,
        "waiting_uusd", (json_int_t)a->waiting_uusd, "harm_uusd", (json_int_t)a->harm_uusd,
        "retry_uusd", (json_int_t)a->retry_uusd, "refault_uusd", (json_int_t)a->refault_uusd,
        "total_uusd", (json_int_t)a->total_uusd);
}

static const char *outcome(const struct explain_step *s)
{
    if (s->withdrawn)
        return "withdrawn";
    if (!s->ended_seq)
        return s->done_seq ? "pending" : "not-begun";
    return s->result == RESULT_OK ? "ok" : s->result == RESULT_FAILED ? "failed" : "unknown";
}

static json_t *step_json(const struct explain_step *s)
{
    const char *step = event_step_word(s->body.step);
    json_t *sums = json_array();
    bool ok = sums != NULL;
    for (uint32_t i = 0; ok && i < s->sums; i++)
        ok = record_json_append(sums, sum_json(&s->sum[i], i == s->body.chosen));
    if (!ok) {
        json_decref(sums);
        return NULL;
    }
    return json_pack("{s:I, s:o, s:s, s:s, s:I, s:i, s:s, s:o, s:o, s:s, s:o}", "seq",
                     (json_int_t)s->seq, "time", time_or_null(s->time_ns), "step",
                     step ? step : "?", "job_lets_go", explain_drain(s->body.drain), "cost_uusd",
                     (json_int_t)s->body.cost_uusd, "odds_ppm", (int)s->body.odds_ppm, "rests_on",
                     "modelled", "done", record_json_seq(s->done_seq), "ended",
                     record_json_seq(s->ended_seq), "outcome", outcome(s), "alternatives", sums);
}

static json_t *times_json(const struct explain *x)
{
    json_t *o = json_object();
    bool ok = o != NULL;
    for (uint32_t h = 0; ok && x->node != MW_NONE && h < HEALTH_COUNT; h++)
        ok = x->times.health_ns[h] == 0 ||
             json_object_set_new(o, health_name(h),
                                 json_integer(mw_ms(x->times.health_ns[h]))) == 0;
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static bool add_lists(json_t *o, const struct explain *x, const struct words *w)
{
    json_t *findings = json_array(), *causes = json_array(), *symptoms = json_array();
    json_t *steps = json_array(), *lines = json_array();
    bool ok = findings && causes && symptoms && steps && lines;
    for (uint32_t i = 0; ok && i < x->findings; i++)
        ok = record_json_append(findings, line_json(&x->finding[i]));
    for (uint32_t i = 0; ok && i < x->causes; i++)
        ok = record_json_append(causes, cause_json(&x->cause[i], w));
    for (uint32_t i = 0; ok && i < x->symptoms; i++)
        ok = record_json_append(symptoms, symptom_json(&x->symptom[i], w));
    for (uint32_t i = 0; ok && i < x->steps; i++)
        ok = record_json_append(steps, step_json(&x->step[i]));
    for (uint32_t i = 0; ok && i < x->lines; i++)
        ok = record_json_append(lines, line_json(&x->line[i]));
    ok &= json_object_set_new(o, "findings", findings) == 0;
    ok &= json_object_set_new(o, "causes", causes) == 0;
    ok &= json_object_set_new(o, "symptoms", symptoms) == 0;
    ok &= json_object_set_new(o, "steps", steps) == 0;
    ok &= json_object_set_new(o, "timeline", lines) == 0;
    return ok;
}

json_t *tell_incident(const struct explain *x, const struct explain_state *s,
                     const struct words *w)
{
    int64_t lost = x->lost_gpu_ms >= 0 ? x->lost_gpu_ms : s->lost_gpu_ms;
    json_t *o = json_pack(
        "{s:I, s:s, s:o, s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:s, s:s, s:o, s:o,"
        " s:I, s:I, s:I, s:I, s:b}",
        "incident", (json_int_t)x->incident, "class", words_class(w, x->class), "component",
        component(w, x->component), "node", node(w, x->node), "open", (int)!x->closed_seq,
        "node_is", x->node == MW_NONE ? "" : health_name(x->health), "symptom_of",
        record_json_seq(x->parent), "began", time_or_null(x->began_ns), "found",
        time_or_null(x->found_ns), "opened", time_or_null(x->opened_ns), "closed",
        time_or_null(x->closed_ns), "lost_gpu_ms", (json_int_t)lost, "lost_uusd",
        (json_int_t)account_price(lost, s->microdollars_per_gpu_hour), "lost_rests_on",
        words_basis(w->policy),
        "job_let_go", explain_drain(x->let_go), "job_let_go_seq", record_json_seq(x->let_go_seq),
        "times_ms", times_json(x), "total_ms", (json_int_t)mw_ms(x->times.total_ns), "refaults",
        (json_int_t)x->refaults, "escalated", (json_int_t)x->level, "left_out",
        (json_int_t)x->left_out, "had_job", (int)x->had_job);
    if (o && add_lists(o, x, w))
        return o;
    json_decref(o);
    return NULL;
}
