/* The report's columns under names that programs may rely on.  Owns only these names. */
#include "api/tell_shadow.h"

#include "base/units.h"
#include "api/record_json.h"

void shadow_evidence(struct text *t, const struct shadow_row *r, const struct words *w)
{
    if (!r->ours.seq)
        return;
    struct text more = { 0 };
    if (w->detail)
        w->detail(&more, words_class(w, r->class), r->detail);
    text_add(t, words_class(w, r->class));
    if (more.length > 0)
        text_addf(t, " (%s)", text_string(&more));
    text_add(t, r->advised ? ", only advice" : ", done");
    if (r->ours.times > 1)
        text_addf(t, ", %u times", r->ours.times);
    text_fini(&more);
}

static json_t *side(const struct shadow_side *s)
{
    if (!s->seq)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:I, s:I}", "seq", (json_int_t)s->seq, "begin",
                     record_json_time(s->begin_ns, true), "end",
                     record_json_time(s->end_ns, !s->open), "times", (json_int_t)s->times,
                     "gpu_ms", (json_int_t)s->gpu_ms);
}

static json_t *row(const struct shadow_row *r, const struct words *w)
{
    struct text evidence = { 0 };
    bool ours = r->ours.seq != 0, both = r->group == SHADOW_SAME;
    shadow_evidence(&evidence, r, w);
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "group",
        shadow_group_name(r->group), "node", record_json_text(words_node(w, r->node)), "verdict",
        r->verdict ? json_string(shadow_verdict_name(r->verdict)) : json_null(), "ours",
        side(&r->ours), "theirs", side(&r->theirs), "lead_s",
        both ? json_real((double)r->lead_ns / MW_NS_PER_S) : json_null(), "class",
        ours ? record_json_text(words_class(w, r->class)) : json_null(), "evidence",
        record_json_take(&evidence), "only_advice", ours ? json_boolean(r->advised) : json_null(),
        "finding", record_json_seq(r->finding_seq), "incident", record_json_seq(r->incident),
        "shown_by", record_json_seq(r->confirm_seq), "reason",
        r->reason[0] ? record_json_text(r->reason) : json_null());
}

static json_t *sums(const struct shadow *s)
{
    json_t *o = json_object();
    for (uint32_t g = 0; g < SHADOW_GROUPS; g++) {
        json_t *sum = json_pack("{s:I, s:I, s:I}", "withdrawals", (json_int_t)s->count[g],
                                "ours_gpu_ms", (json_int_t)s->ours_gpu_ms[g], "theirs_gpu_ms",
                                (json_int_t)s->theirs_gpu_ms[g]);
        (void)json_object_set_new(o, shadow_group_name(g), sum);
    }
    return o;
}

json_t *tell_shadow(const struct shadow *s, const struct words *w, int64_t window_ns)
{
    json_t *rows = json_array();
    bool ok = rows != NULL;
    for (uint32_t i = 0; ok && i < s->rows; i++)
        ok = record_json_append(rows, row(&s->row[i], w));
    if (!ok) {
        json_decref(rows);
        return NULL;
    }
    return json_pack(
        "{s:o, s:o, s:I, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "from",
        record_json_time(s->from_ns, s->from_ns > 0), "to", record_json_time(s->to_ns, true),
        "window_s", (json_int_t)(window_ns / MW_NS_PER_S), "rests_on", "measured",
        "planned_words", shadow_planned_words(), "groups", sums(s), "ours_first",
        (json_int_t)s->ours_first, "theirs_first", (json_int_t)s->theirs_first, "false_drains",
        (json_int_t)s->verdicts[VERDICT_FALSE_DRAIN], "confirmed",
        (json_int_t)s->verdicts[VERDICT_CONFIRMED], "unjudged",
        (json_int_t)s->verdicts[VERDICT_UNJUDGED], "misses",
        (json_int_t)s->verdicts[VERDICT_MISS], "planned",
        (json_int_t)s->verdicts[VERDICT_PLANNED], "engine_down", (json_int_t)s->engine_down,
        "rows", rows);
}
