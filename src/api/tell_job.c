/* The story's columns under names that programs may rely on.  Owns only these names. */
#include "api/tell_job.h"

#include "base/units.h"
#include "api/record_json.h"
#include "fleet/hostlist.h"

static json_t *time_or_null(int64_t time_ns)
{
    return record_json_time(time_ns, time_ns != 0);
}

static json_t *hosts(const struct words *w, const uint32_t *node, uint32_t nodes)
{
    struct text t = { 0 };
    if (hostlist_add_nodes(&t, w->fleet, node, nodes) < 0)
        t.failed = true;
    return record_json_take(&t);
}

static json_t *phases(const struct story_attempt *a)
{
    json_t *o = json_object();
    for (uint32_t p = 0; p < PHASE_COUNT; p++) {
        json_t *ms = a->phase_ns[p] < 0 ? json_null()
                                        : json_real((double)a->phase_ns[p] / MW_NS_PER_MS);
        if (json_object_set_new(o, story_phase_name(p), ms) < 0) {
            json_decref(o);
            return NULL;
        }
    }
    return o;
}

static json_t *attempt(const struct story_attempt *a, const struct words *w)
{
    static const char *const how[] = { "running", "done", "stopped", "failed", "cancelled",
                                       "unknown" };
    return json_pack(
        "{s:I, s:o, s:I, s:I, s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o,"
        " s:{s:o, s:o, s:o, s:o}}",
        "attempt", (json_int_t)a->number,
        "nodes", hosts(w, a->node, a->nodes),
        "node_count", (json_int_t)a->nodes,
        "gpus", (json_int_t)a->gpus,
        "placed", time_or_null(a->placed_ns),
        "running", time_or_null(a->running_ns),
        "ended", time_or_null(a->ended_ns),
        "how", a->how < MW_ARRAY_LEN(how) ? how[a->how] : "unknown",
        "from_ms", (json_int_t)a->from_ms,
        "progress_ms", (json_int_t)a->progress_ms,
        "saved_ms", (json_int_t)a->saved_ms,
        "checkpoint_ms", (json_int_t)a->checkpoint_ms,
        "failed_node",
        a->fail_node == MW_NONE ? json_null() : record_json_text(words_node(w, a->fail_node)),
        "incident", record_json_seq(a->incident),
        "phases_ms", phases(a),
        "events",
        "placed", record_json_seq(a->placed_seq),
        "running", record_json_seq(a->running_seq),
        "heard", record_json_seq(a->heard_seq),
        "ended", record_json_seq(a->ended_seq));
}

static json_t *incident(const struct story_incident *in, const struct words *w)
{
    struct text component = { 0 };
    words_component(&component, w, in->component);
    return json_pack(
        "{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:{s:o, s:o, s:o}}",
        "incident", (json_int_t)in->incident,
        "class", words_class(w, in->class),
        "node", in->node == MW_NONE ? json_null() : record_json_text(words_node(w, in->node)),
        "component", record_json_take(&component),
        "began", time_or_null(in->began_ns),
        "found", time_or_null(in->found_ns),
        "opened", time_or_null(in->opened_ns),
        "decided", time_or_null(in->decided_ns),
        "closed", time_or_null(in->closed_ns),
        "only_advice", (int)in->advised,
        "events",
        "finding", record_json_seq(in->found_seq),
        "decision", record_json_seq(in->decided_seq),
        "closed", record_json_seq(in->closed_seq));
}

static json_t *line(const struct story_line *l)
{
    const char *kind = event_info(l->kind)->name;
    return json_pack("{s:I, s:o, s:s?, s:o}", "seq", (json_int_t)l->seq, "time",
                     time_or_null(l->time_ns), "kind", kind, "text", record_json_text(l->text));
}

static json_t *cost(const struct story_cost *c, const struct words *w)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "rests_on",
                     words_basis(w->policy), "held_gpu_ms", (json_int_t)c->held,
                     "productive_gpu_ms", (json_int_t)c->productive, "unreported_gpu_ms",
                     (json_int_t)c->unreported,
                     "lost_gpu_ms", (json_int_t)c->lost, "starting_gpu_ms",
                     (json_int_t)c->starting, "checkpoint_gpu_ms", (json_int_t)c->checkpoint,
                     "redone_gpu_ms", (json_int_t)c->redone, "standing_gpu_ms",
                     (json_int_t)c->standing, "unsaved_gpu_ms", (json_int_t)c->unsaved,
                     "slowed_gpu_ms", (json_int_t)c->slowed, "waiting_ms",
                     (json_int_t)c->waiting_ms);
}

static bool add_lists(json_t *o, const struct story *s, const struct words *w)
{
    json_t *attempts = json_array(), *incidents = json_array(), *lines = json_array();
    bool ok = attempts && incidents && lines;
    for (uint32_t i = 0; ok && i < s->attempts; i++)
        ok = record_json_append(attempts, attempt(&s->attempt[i], w));
    for (uint32_t i = 0; ok && i < s->incidents; i++)
        ok = record_json_append(incidents, incident(&s->incident[i], w));
    for (uint32_t i = 0; ok && i < s->lines; i++)
        ok = record_json_append(lines, line(&s->line[i]));
    ok &= json_object_set_new(o, "attempts", attempts) == 0;
    ok &= json_object_set_new(o, "incidents", incidents) == 0;
    ok &= json_object_set_new(o, "timeline", lines) == 0;
    return ok;
}

json_t *tell_job(const struct story *s, const struct words *w)
{
    struct text now = { 0 }, resume = { 0 };
    story_now(&now, s, w);
    story_resume(&resume, s);
    json_t *o = json_pack(
        "{s:I, s:o, s:I, s:I, s:I, s:I, s:s, s:o, s:s, s:o, s:{s:o, s:I, s:o}, s:o, s:o, s:I}",
        "job", (json_int_t)s->job,
        "name", s->name ? record_json_text(s->name) : json_null(),
        "tenant", (json_int_t)s->tenant,
        "priority", (json_int_t)s->priority,
        "gpus", (json_int_t)s->gpus,
        "nodes", (json_int_t)s->nodes,
        "engine", s->engine ? "slurm" : "own",
        "now", record_json_take(&now),
        "state", story_state_name(s->state),
        "state_seq", record_json_seq(s->state_seq),
        "resume",
        "text", record_json_take(&resume),
        "saved_ms", (json_int_t)s->saved_ms,
        "seq", record_json_seq(s->saved_seq),
        "cost", cost(&s->cost, w),
        "record_end", time_or_null(s->now_ns),
        "left_out", (json_int_t)s->left_out);
    if (o && add_lists(o, s, w))
        return o;
    json_decref(o);
    return NULL;
}
