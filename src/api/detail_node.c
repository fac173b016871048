/* The pieces of a node's document.  See detail_node.h. */
#include "api/detail_node.h"

#include <stdio.h>
#include <string.h>

#include "api/about.h"
#include "api/mark.h"
#include "api/record_json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "core/event_fields.h"
#include "guard/holds.h"

#define INCIDENTS_MAX 50u /* of the closed ones the newest */

/* Room for an event's tail, and what goes with every piece. */
struct making {
    const struct api_view_of *of;
    const struct principal *who;
    uint32_t node;
    void *tail;
    uint64_t seq[PAST_NODE_EVENTS + PAST_NODE_PLACED]; /* events about it, newest first */
    uint32_t events;
    struct mw_error *err;
};

static bool get_event(const struct making *m, uint64_t seq, struct event *ret)
{
    struct journal *j = m->of->journal;
    return seq != 0 && j->ops->get(j, seq, ret, m->tail, NULL) == 0;
}

/* Of an event about this node, which is seen itself: so its hall is known also of a job that is
 * over, and that job's tenant is remembered. */
static bool hears_of(const struct making *m, const struct event *ev)
{
    const struct board *b = m->of->control->board;
    struct about a = about_event(ev, b->fleet, b);
    const struct past_job *job = a.of_job && a.tenant == 0 ? past_job_find(m->of->past, a.job)
                                                           : NULL;
    if (job != NULL)
        a.tenant = job->tenant;
    if (a.names_nodes)
        a.hall = b->fleet->node_hall[m->node];
    a.names_nodes = false;
    return about_seen(&a, b->fleet, m->who);
}

/* ---- holds ---------------------------------------------------------------------------------- */

static json_t *hold_json(const struct making *m, const struct guard_hold *h)
{
    struct event ev;
    struct text by = { 0 }, reason = { 0 };
    bool known = get_event(m, h->seq, &ev);
    text_addf(&by, "person %u", h->owner);
    if (known && ev.tail_size > 0)
        text_add_n(&reason, m->tail, ev.tail_size);
    return json_pack("{s:o, s:I, s:o, s:I, s:o}", "by", record_json_take(&by), "actor",
                     (json_int_t)h->owner, "reason",
                     reason.length > 0 ? record_json_take(&reason) : json_null(), "seq",
                     (json_int_t)h->seq, "since",
                     record_json_time(known ? ev.time_ns : 0, known));
}

/* What the engine itself keeps it for is one of its holds, and nobody's here. */
static json_t *engine_hold_json(void)
{
    return json_pack("{s:s, s:i, s:s, s:n, s:n}", "by", "Slurm", "actor", 0, "reason",
                     "others, or Slurm itself, have it out of service there", "seq", "since");
}

static json_t *holds_json(const struct making *m)
{
    const struct guard *g = m->of->control->guard;
    struct guard_hold list[HOLDS_NODE_MAX];
    uint32_t n = guard_holds(g, m->node, list, HOLDS_NODE_MAX);
    json_t *rows = json_array();
    bool ok = rows != NULL;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = record_json_append(rows, hold_json(m, &list[i]));
    if (ok && guard_node_held_there(g, m->node))
        ok = record_json_append(rows, engine_hold_json());
    if (ok)
        return rows;
    json_decref(rows);
    return NULL;
}

/* ---- what is in it and on it ---------------------------------------------------------------- */

/* Rows of another list that are this node's: GPUs by number, links by cable. */
static json_t *rows_json(const struct making *m, const char *name, const uint32_t *place,
                         uint32_t count)
{
    struct api_rows rows mw_cleanup(api_rows_fini) = { 0 };
    json_t *list = json_array();
    bool ok = list != NULL &&
              api_rows_make(api_resource_find(name), m->of, &rows, m->err) == 0;
    for (uint32_t i = 0; ok && i < count; i++)
        ok = record_json_append(list, row_json(&rows, place[i], NULL));
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *gpus_json(const struct making *m)
{
    const struct fleet *f = m->of->control->board->fleet;
    uint32_t place[256], n = f->node_gpus[m->node];
    for (uint32_t i = 0; i < n; i++)
        place[i] = f->node_gpu_first[m->node] + i;
    return rows_json(m, "gpus", place, n);
}

static json_t *links_json(const struct making *m)
{
    const struct fleet *f = m->of->control->board->fleet;
    uint32_t place[256], n = 0;
    for (uint32_t i = 0; i < f->node_nics[m->node]; i++) {
        uint32_t cable = f->nic_cable[f->node_nic_first[m->node] + i];
        if (cable != MW_NONE)
            place[n++] = cable;
    }
    return rows_json(m, "links", place, n);
}

/* ---- incidents, orders ---------------------------------------------------------------------- */

static json_t *incident_json(const struct making *m, const struct past_incident *p)
{
    const struct control *c = m->of->control;
    int64_t price = c->policy.account.microdollars_per_gpu_hour;
    return json_pack("{s:I, s:s, s:o, s:o, s:o, s:I, s:I}", "incident", (json_int_t)p->incident,
                     "class", words_class(m->of->words, p->class), "on",
                     api_component(m->of->words, p->component), "opened",
                     api_time_ms(p->opened_ms), "closed", api_time_ms(p->closed_ms),
                     "lost_gpu_ms", (json_int_t)p->lost_gpu_ms, "lost_uusd",
                     (json_int_t)account_price(p->lost_gpu_ms, price));
}

static bool add_open(const struct making *m, json_t *rows, const int64_t *open)
{
    const struct board *b = m->of->control->board;
    bool ok = true;
    for (uint32_t slot = 0; ok && slot < b->incidents_used; slot++) {
        if (!b->incident_id[slot] || b->incident_node[slot] != m->node)
            continue;
        const struct past_incident p = { .incident = b->incident_id[slot],
                                         .component = b->incident_component[slot],
                                         .opened_ms = b->incident_opened_ms[slot],
                                         .lost_gpu_ms = b->incident_lost_gpu_ms[slot] + open[slot],
                                         .class = b->incident_class[slot] };
        ok = record_json_append(rows, incident_json(m, &p));
    }
    return ok;
}

static json_t *incidents_json(const struct making *m)
{
    const struct control *c = m->of->control;
    int64_t *open mw_cleanup(mw_freep) =
        mw_calloc((size_t)c->board->incidents_used + 1, sizeof(*open));
    const struct account_open lost = { .incident = open };
    uint32_t n = 0, shown = 0;
    const struct past_incident *past = past_incidents(m->of->past, &n);
    n = m->who->tenants == 0 ? n : 0;
    json_t *rows = json_array();
    if (rows != NULL && open != NULL)
        account_open_lost(c->account, m->of->now_ns, &lost);
    bool ok = rows != NULL && open != NULL && add_open(m, rows, open);
    while (ok && n-- > 0 && shown < INCIDENTS_MAX) {
        if (past[n].node != m->node)
            continue;
        ok = record_json_append(rows, incident_json(m, &past[n]));
        shown++;
    }
    if (ok)
        return rows;
    json_decref(rows);
    return NULL;
}

static json_t *order_json(const struct making *m, const struct care_order *o)
{
    const char *step = event_step_word(o->step), *who = event_who_word(o->who);
    bool stuck = o->deadline_ms && mw_ms(m->of->now_ns) > o->deadline_ms;
    return json_pack("{s:I, s:I, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:I}", "order",
                     (json_int_t)o->seq, "incident", (json_int_t)o->incident, "step",
                     step ? step : "?", "do", words_step_do(o->step), "who", who ? who : "?",
                     "component", api_component(m->of->words, o->component), "state",
                     stuck ? "stuck" : o->action ? "asked" : o->taken ? "begun" : "open", "opened",
                     api_time_ms(o->opened_ms), "deadline", api_time_ms(o->deadline_ms), "level",
                     (json_int_t)o->level);
}

static json_t *orders_json(const struct making *m)
{
    const struct board *b = m->of->control->board;
    json_t *rows = json_array();
    bool ok = rows != NULL;
    for (uint32_t slot = 0; ok && slot < b->incidents_used; slot++) {
        struct care_order o;
        if (b->incident_id[slot] && b->incident_node[slot] == m->node &&
            care_order_of(m->of->control->care, slot, &o))
            ok = record_json_append(rows, order_json(m, &o));
    }
    if (ok)
        return rows;
    json_decref(rows);
    return NULL;
}

/* ---- events --------------------------------------------------------------------------------- */

/* Of a gang that was placed here, the others are many and their names of no use. */
static void add_placed(struct text *t, const struct body_place *p)
{
    text_addf(t, "job %llu, attempt %u: placed here", (unsigned long long)p->job, p->attempt);
    if (p->nodes > 1)
        text_addf(t, " and on %u other%s", p->nodes - 1, p->nodes > 2 ? "s" : "");
}

static json_t *line_json(const struct making *m, const struct event *ev)
{
    struct text t = { 0 };
    if (ev->kind == EV_ATTEMPT_PLACED || ev->kind == EV_ATTEMPT_ALLOCATED)
        add_placed(&t, &ev->body.place);
    else
        words_of_event(&t, m->of->words, ev, ev->tail_size ? m->tail : NULL);
    return json_pack("{s:I, s:o, s:s?, s:o}", "seq", (json_int_t)ev->seq, "time",
                     record_json_time(ev->time_ns, true), "kind", event_info(ev->kind)->name,
                     "text", record_json_take(&t));
}

static json_t *test_json(const struct making *m, const struct event *ev)
{
    const struct body_gate *g = &ev->body.gate;
    struct event begun;
    bool known = get_event(m, ev->cause, &begun) && begun.kind == EV_GATE_STARTED;
    int64_t took_ms = known ? mw_ms(ev->time_ns) - mw_ms(begun.time_ns) : 0;
    return json_pack("{s:I, s:o, s:s, s:b, s:s, s:o, s:I}", "seq", (json_int_t)ev->seq, "time",
                     record_json_time(ev->time_ns, true), "gate",
                     words_class(m->of->words, g->class), "passed", g->result == RESULT_OK,
                     "result", g->result == RESULT_OK       ? "passed"
                               : g->result == RESULT_FAILED ? "failed"
                                                            : "unknown",
                     "took_ms", known ? json_integer(took_ms) : json_null(), "incident",
                     (json_int_t)g->incident);
}

/* Lines oldest first, and of the checks a row each. */
static bool add_events(struct making *m, json_t *lines, json_t *tests)
{
    bool ok = lines != NULL && tests != NULL;
    for (uint32_t i = m->events; ok && i-- > 0;) {
        struct event ev;
        if (!get_event(m, m->seq[i], &ev) || !hears_of(m, &ev))
            continue;
        ok = record_json_append(lines, line_json(m, &ev));
        if (ok && ev.kind == EV_GATE_ENDED)
            ok = record_json_append(tests, test_json(m, &ev));
    }
    return ok;
}

static json_t *advice_json(struct making *m)
{
    uint64_t seq = care_advice_open(m->of->control->care, m->node);
    json_t *rows = json_array();
    struct event ev;
    if (rows == NULL || !get_event(m, seq, &ev) || !hears_of(m, &ev))
        return rows;
    if (record_json_append(rows, line_json(m, &ev)))
        return rows;
    json_decref(rows);
    return NULL;
}

/* How often it fails, beside others: care_lemon.h. */
static json_t *history_json(const struct making *m)
{
    struct care_history h = { 0 };
    care_history(m->of->control->care, m->node, &h);
    json_t *signals = json_object();
    for (uint32_t i = 0; signals != NULL && i < LEMON_SIGNALS; i++)
        if (json_object_set_new(signals, words_lemon_signal(i), json_integer(h.value[i])) != 0)
            return NULL;
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:s, s:o}", "lemon", (int)h.lemon, "hazard",
                     (json_int_t)h.hazard, "refaults", (json_int_t)h.refaults, "kills",
                     (json_int_t)h.kills, "out_hours", (json_int_t)h.out_hours, "yearly_uusd",
                     (json_int_t)h.yearly_uusd, "rests_on", "modelled", "signals", signals);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static json_t *row_of(const struct making *m)
{
    struct api_rows rows mw_cleanup(api_rows_fini) = { 0 };
    return api_rows_make(api_resource_find("nodes"), m->of, &rows, m->err) == 0
               ? row_json(&rows, m->node, NULL) : NULL;
}

static bool put(json_t *o, const char *key, json_t *value)
{
    return value != NULL && json_object_set_new(o, key, value) == 0;
}

static bool fill(struct making *m, json_t *o)
{
    const struct control *c = m->of->control;
    json_t *lines = json_array(), *tests = json_array();
    bool ok = add_events(m, lines, tests);
    bool open = c->board->node_incident[m->node] != MW_NONE;
    uint32_t findings = open ? care_findings_open(c->care, m->node) : 0;
    ok &= put(o, "timeline", lines);
    ok &= put(o, "tests", tests);
    return ok && put(o, "now", api_time_ms(mw_ms(m->of->now_ns))) &&
           put(o, "revision", json_integer((json_int_t)m->of->revision)) &&
           put(o, "node", row_of(m)) && put(o, "holds", holds_json(m)) &&
           put(o, "gpus", gpus_json(m)) && put(o, "links", links_json(m)) &&
           put(o, "findings_open", json_integer(findings)) &&
           put(o, "incidents", incidents_json(m)) && put(o, "orders", orders_json(m)) &&
           put(o, "advice", advice_json(m)) && put(o, "history", history_json(m));
}

int detail_node(const struct api_view_of *of, uint32_t node, const struct principal *who,
                json_t **ret, struct mw_error *err)
{
    must(of != NULL && of->past != NULL && node < of->control->board->nodes);
    must(who != NULL && ret != NULL);
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    json_t *o = json_object();
    struct making m = { .of = of, .who = who, .node = node, .tail = tail, .err = err };
    m.events = past_node_events(of->past, node, m.seq);
    if (tail != NULL && o != NULL && fill(&m, o)) {
        *ret = o;
        return 0;
    }
    json_decref(o);
    return mw_fail(err, MW_ENOMEM, "out of memory");
}

void node_etag(const struct control *c, uint32_t node, char ret[NODE_ETAG_MAX])
{
    must(c != NULL && node < c->board->nodes);
    const struct board *b = c->board;
    uint32_t job = b->node_job[node], slot = b->node_incident[node];
    const uint64_t what[] = {
        b->node_health[node], b->node_holds[node], job == MW_NONE ? 0 : b->job_id[job],
        job == MW_NONE ? 0 : b->job_attempt[job], slot == MW_NONE ? 0 : b->incident_id[slot],
        care_advice_open(c->care, node), guard_node_reported(c->guard, node),
    };
    (void)snprintf(ret, NODE_ETAG_MAX, "%016llx",
                   (unsigned long long)mw_hash64_of(what, sizeof(what)));
}
