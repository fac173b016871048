/*
 * GET of one thing: a node, a job with its story, an incident with its evidence and costs, the
 * shadow report, the definitions. What a principal may not see is not found.
 */
#include "api/call_view.h"

#include <string.h>

#include <event2/buffer.h>

#include "api/definitions.h"
#include "api/detail_node.h"
#include "api/record_json.h"
#include "api/resource_tables.h"
#include "api/story_scope.h"
#include "api/tell_incident.h"
#include "api/tell_job.h"
#include "api/tell_shadow.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

static int no_memory(struct mw_error *err)
{
    return mw_fail(err, MW_ENOMEM, "out of memory");
}

static int not_found(struct api_answer *ret, struct mw_error *err, const char *what,
                     const char *which)
{
    ret->status = 404;
    (void)snprintf(ret->hint, sizeof(ret->hint), "mw get %ss lists them, as does GET /api/v1/%ss",
                   what, what);
    return mw_fail(err, MW_ENOTFOUND, "there is no %s '%.100s'", what, which);
}

/* {"now","revision"} of every document; a job's `now` is the sentence of where it stands, since
 * `mw why --json` began, so there the time is `as_of`. */
static int stamp(const struct api_view_of *of, json_t *o, struct mw_error *err)
{
    const char *key = json_object_get(o, "now") != NULL ? "as_of" : "now";
    bool ok = o != NULL &&
              json_object_set_new(o, key, api_time_ms(mw_ms(of->now_ns))) == 0 &&
              json_object_set_new(o, "revision", json_integer((json_int_t)of->revision)) == 0;
    return ok ? 0 : no_memory(err);
}

/* A story as people read it: ?format=text. */
static bool wants_text(const struct api_call *call)
{
    char buf[16];
    const char *form = api_query_get(call, "format", buf, sizeof(buf));
    return form != NULL && strcmp(form, "text") == 0;
}

/* Takes the text. */
static int give_text(struct api_answer *ret, struct text *t, struct mw_error *err)
{
    ret->type = "text/plain; charset=utf-8";
    ret->raw = t->failed ? NULL : evbuffer_new();
    bool ok = ret->raw != NULL && evbuffer_add(ret->raw, text_string(t), t->length) == 0;
    text_fini(t);
    return ok ? 0 : no_memory(err);
}

/* ---- a node --------------------------------------------------------------------------------- */

int api_get_node(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct api_view_of of;
    int rc = call_view(call, true, &of, err);
    if (rc < 0)
        return rc;
    const struct board *b = of.control->board;
    uint64_t id = fleet_find(b->fleet, call->arg[0]);
    uint32_t node = component_index_of(id);
    if (component_kind_of(id) != COMPONENT_NODE || !api_sees_node_row(b, node, call->who))
        return not_found(ret, err, "node", call->arg[0]);
    _Static_assert(NODE_ETAG_MAX <= sizeof(ret->etag), "the tag fits");
    node_etag(of.control, node, ret->etag);
    return detail_node(&of, node, call->who, &ret->json, err);
}

/* Of a job that is over, so many events after its end are looked at for what became of its nodes
 * (chosen: some days of a large site, a fifth of a second of this thread). */
#define STORY_AFTER_END 100000u

/* ---- a job ---------------------------------------------------------------------------------- */

/* Its row among the jobs; null when it is neither in the state nor remembered. */
static json_t *job_row(const struct api_view_of *of, uint64_t job, struct mw_error *err)
{
    struct api_rows rows mw_cleanup(api_rows_fini) = { 0 };
    struct api_view_of all = *of;
    const struct api_resource *r = api_resource_find("jobs");
    const struct api_field *number = api_field_find(r, "job", 3);
    all.all = board_job_find(of->control->board, job) == MW_NONE;
    if (api_rows_make(r, &all, &rows, err) < 0)
        return NULL;
    for (uint32_t i = 0; i < rows.count; i++) {
        struct api_value v;
        api_rows_get(&rows, i, number, &v);
        if ((uint64_t)v.of.number == job)
            return row_json(&rows, i, NULL);
    }
    return json_null();
}

static bool sees_job(const struct api_view_of *of, const struct story *s,
                     const struct principal *who)
{
    uint32_t slot = board_job_find(of->control->board, s->job);
    return slot != MW_NONE ? api_sees_job_row(of->control->board, slot, who)
                           : access_sees_tenant(who, s->tenant);
}

int api_get_job(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct story story mw_cleanup(story_fini) = { 0 };
    struct api_view_of of;
    uint64_t job;
    int rc = call_view(call, true, &of, err);
    if (rc < 0)
        return rc;
    if (mw_parse_u64(call->arg[0], &job) < 0)
        return not_found(ret, err, "job", call->arg[0]);
    const struct past_job *known = past_job_find(of.past, job);
    if (known == NULL && past_left_out(of.past) == 0)
        return not_found(ret, err, "job", call->arg[0]);
    struct story_options o = { .words = of.words, .all = of.all };
    if (known != NULL)
        o.from_seq = known->submit_seq;
    if (known != NULL && known->state != PAST_JOB_LIVES)
        o.to_seq = known->ended_seq + STORY_AFTER_END;
    rc = story_tell(of.journal, job, &o, &story, err);
    if (rc == MW_ENOTFOUND || (rc == 0 && !sees_job(&of, &story, call->who)))
        return not_found(ret, err, "job", call->arg[0]);
    if (rc == 0 && !access_sees_all(call->who))
        rc = story_narrow(&of, &story, call->who, err);
    if (rc < 0)
        return rc;
    if (wants_text(call)) {
        struct text t = { 0 };
        tell_job_text(&t, &story, of.words);
        return give_text(ret, &t, err);
    }
    ret->json = tell_job(&story, of.words);
    if (ret->json == NULL || json_object_set_new(ret->json, "row", job_row(&of, job, err)) != 0)
        return no_memory(err);
    return stamp(&of, ret->json, err);
}

/* ---- an incident ---------------------------------------------------------------------------- */

/* Its row among the incidents, open or closed; NULL when there is none. */
static json_t *incident_row(const struct api_view_of *of, uint64_t incident, bool open)
{
    struct mw_error err;
    struct api_view_of all = *of;
    all.all = true;
    all.closed = !open;
    json_t *o = api_view_incidents(&all, &err), *row, *found = NULL;
    size_t i;
    json_array_foreach(json_object_get(o, "rows"), i, row) {
        if ((uint64_t)json_integer_value(json_object_get(row, "incident")) == incident)
            found = json_incref(row);
    }
    json_decref(o);
    return found;
}

static int64_t lost_so_far(const struct api_view_of *of, uint64_t incident)
{
    const struct board *b = of->control->board;
    int64_t *open mw_cleanup(mw_freep) =
        mw_calloc((size_t)b->incidents_used + 1, sizeof(*open));
    const struct account_open lost = { .incident = open };
    if (open != NULL)
        account_open_lost(of->control->account, of->now_ns, &lost);
    for (uint32_t slot = 0; open != NULL && slot < b->incidents_used; slot++)
        if (b->incident_id[slot] == incident)
            return b->incident_lost_gpu_ms[slot] + open[slot];
    return 0;
}

/* Of its hall; a component that is no node's, only where no scope narrows.  Whom a closed one hurt
 * is not kept: as in the list, a tenant does not see it. */
static bool sees_incident(const struct api_view_of *of, const struct explain *x,
                          const struct principal *who)
{
    if (who->tenants > 0 && x->closed_seq != 0)
        return false;
    return x->node != MW_NONE ? api_sees_node_row(of->control->board, x->node, who)
                              : access_sees_all(who);
}

static struct explain_state state_of(const struct api_view_of *of, const struct explain *x)
{
    return (struct explain_state){
        .lost_gpu_ms = lost_so_far(of, x->incident),
        .microdollars_per_gpu_hour = of->control->policy.account.microdollars_per_gpu_hour };
}

static int tell(const struct api_view_of *of, const struct explain *x,
                const struct principal *who, json_t **ret, struct mw_error *err)
{
    const struct explain_state s = state_of(of, x);
    json_t *o = *ret = tell_incident(x, &s, of->words);
    json_t *row = incident_row(of, x->incident, x->closed_seq == 0);
    if (!access_sees_all(who))
        api_narrow_incident(row, of->control->board, who);
    json_t *jobs = json_incref(json_object_get(row, "jobs"));
    json_t *advice = json_incref(json_object_get(row, "advice"));
    bool ok = o != NULL && json_object_set_new(o, "row", row ? row : json_null()) == 0;
    if (ok)
        ok = json_object_set_new(o, "jobs", jobs ? jobs : json_array()) == 0 &&
             json_object_set_new(o, "advice", advice ? advice : json_null()) == 0;
    return ok ? stamp(of, o, err) : no_memory(err);
}

int api_get_incident(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct explain x mw_cleanup(explain_fini) = { 0 };
    struct api_view_of of;
    uint64_t incident;
    int rc = call_view(call, true, &of, err);
    if (rc < 0)
        return rc;
    if (mw_parse_u64(call->arg[0], &incident) < 0 || incident == 0)
        return not_found(ret, err, "incident", call->arg[0]);
    rc = explain_incident(of.journal, incident, of.words, &x, err);
    if (rc == MW_EINVAL || rc == MW_ENOTFOUND) {
        ret->status = 404; /* the text says which incident the event is about */
        return rc;
    }
    if (rc == 0 && !sees_incident(&of, &x, call->who))
        return not_found(ret, err, "incident", call->arg[0]);
    if (rc == 0 && wants_text(call)) {
        const struct explain_state s = state_of(&of, &x);
        struct text t = { 0 };
        tell_incident_text(&t, &x, &s, of.words);
        return give_text(ret, &t, err);
    }
    return rc < 0 ? rc : tell(&of, &x, call->who, &ret->json, err);
}

/* ---- the shadow report, the definitions ----------------------------------------------------- */

/* As `mw shadow report`: withdrawals that begin within this of each other are the same. */
#define SHADOW_WINDOW_NS MW_NS_PER_DAY

static int read_length(const struct api_call *call, const char *key, int64_t *ret,
                       struct api_answer *answer, struct mw_error *err)
{
    char buf[40];
    const char *s = api_query_get(call, key, buf, sizeof(buf));
    if (s == NULL || s[0] == '\0' || mw_parse_duration(s, ret) == 0)
        return 0;
    answer->status = 400;
    return mw_fail(err, MW_EINVAL, "%s: '%s' is no length like 7d or 12h", key, s);
}

int api_get_shadow(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct shadow shadow mw_cleanup(shadow_fini) = { 0 };
    struct api_view_of of;
    struct shadow_options o = { .window_ns = SHADOW_WINDOW_NS };
    int rc = call_needs_whole_site(call, err);
    if (rc == 0)
        rc = read_length(call, "since", &o.since_ns, ret, err);
    if (rc == 0)
        rc = read_length(call, "window", &o.window_ns, ret, err);
    if (rc == 0)
        rc = call_view(call, false, &of, err);
    if (rc < 0)
        return rc;
    rc = shadow_compare(of.journal, of.words, &o, &shadow, err);
    if (rc < 0)
        return rc;
    ret->json = tell_shadow(&shadow, of.words, o.window_ns);
    return stamp(&of, ret->json, err);
}

int api_get_definitions(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    const struct control_policy *p =
        call->replica != NULL ? &replica_control(call->replica)->policy : NULL;
    ret->json = definitions_json(p);
    return ret->json != NULL ? 0 : no_memory(err);
}
