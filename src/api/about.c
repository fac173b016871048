/* What events are about.  See about.h. */
#include "api/about.h"

#include <string.h>

#include "api/json_out.h"
#include "base/units.h"

/* ---- what an event names -------------------------------------------------------------------- */

static void of_job(struct about *a, const struct event *ev)
{
    switch (ev->kind) {
    case EV_JOB_SUBMITTED:
        a->job = ev->body.job.job;
        break;
    case EV_JOB_CANCELLED:
        a->job = ev->body.command.ref;
        break;
    case EV_ATTEMPT_PLACED:
    case EV_ATTEMPT_ALLOCATED:
        a->job = ev->body.place.job;
        a->names_nodes = true;
        break;
    case EV_ATTEMPT_RUNNING:
        a->job = ev->body.running.job;
        break;
    case EV_ATTEMPT_PROGRESS:
    case EV_ATTEMPT_ENDED:
        a->job = ev->body.progress.job;
        a->node = ev->body.progress.node;
        break;
    case EV_ATTEMPT_STOP:
        a->job = ev->body.stop.job;
        a->node = ev->body.stop.node;
        break;
    case EV_ENGINE_ORDER:
    case EV_ENGINE_ANSWERED:
        a->job = ev->body.engine.job;
        a->node = ev->body.engine.node;
        break;
    default:
        break;
    }
    a->of_job = a->job != 0;
}

static void of_command(struct about *a, const struct body_command *b)
{
    if (b->verb == CMD_ENGINE)
        a->job = b->ref;
    if (b->verb != CMD_SET_MODE && b->verb != CMD_RESET_GUARD)
        a->node = b->node;
}

static void of_place(struct about *a, const struct event *ev)
{
    switch (ev->kind) {
    case EV_FINDING_OPENED:
    case EV_FINDING_CLOSED:
        a->component = ev->body.finding.component;
        a->node = ev->body.finding.node;
        break;
    case EV_INCIDENT_OPENED:
    case EV_INCIDENT_JOINED:
    case EV_INCIDENT_CLOSED:
        a->component = ev->body.incident.component;
        a->node = ev->body.incident.node;
        break;
    case EV_ORDER_OPENED:
    case EV_ORDER_TAKEN:
    case EV_ORDER_ENDED:
    case EV_ORDER_ESCALATED:
    case EV_ORDER_WITHDRAWN:
    case EV_ACTION_STARTED:
    case EV_ACTION_ENDED:
        a->component = ev->body.order.component;
        a->node = ev->body.order.node;
        break;
    case EV_NODE_MOVED:
        a->node = ev->body.node.node;
        break;
    case EV_DRAIN_ORDERED:
        a->node = ev->body.drain.node;
        break;
    case EV_GATE_STARTED:
    case EV_GATE_ENDED:
        a->node = ev->body.gate.node;
        break;
    case EV_STEP_CHOSEN:
        a->node = ev->body.step.node;
        break;
    case EV_NODE_JUDGED:
        a->node = ev->body.judge.node;
        break;
    case EV_ADVICE:
    case EV_GUARD_TRIPPED:
        a->node = ev->body.advice.node;
        break;
    case EV_NODE_REPORTED:
        a->node = ev->body.report.node;
        break;
    case EV_NODE_WATCHED:
        a->node = ev->body.watch.node;
        break;
    case EV_INCIDENT_SUPPRESSED:
    case EV_INCIDENT_FREED:
        a->node = ev->body.cause.node;
        break;
    case EV_COMMAND:
        of_command(a, &ev->body.command);
        break;
    default:
        break;
    }
}

struct about about_event(const struct event *ev, const struct fleet *f, const struct board *b)
{
    struct about a = { .incident = words_incident(ev), .node = MW_NONE, .hall = MW_NONE,
                       .tenant = ev->tenant };
    must(ev && f);
    of_job(&a, ev);
    if (!a.of_job)
        of_place(&a, ev);
    if (a.node != MW_NONE && a.node >= f->count[COMPONENT_NODE])
        a.node = MW_NONE;
    if (a.node != MW_NONE)
        a.hall = f->node_hall[a.node];
    uint32_t slot = a.job && b ? board_job_find(b, a.job) : MW_NONE;
    if (a.tenant == 0 && slot != MW_NONE)
        a.tenant = b->job_tenant[slot];
    if (a.names_nodes && slot != MW_NONE && b->job_first_node[slot] != MW_NONE)
        a.hall = f->node_hall[b->job_first_node[slot]];
    return a;
}

bool about_seen(const struct about *a, const struct fleet *f, const struct principal *who)
{
    if (access_sees_all(who))
        return true;
    if (who->tenants > 0 && (!a->of_job || !access_sees_tenant(who, a->tenant)))
        return false;
    if (who->halls > 0 && a->hall == MW_NONE && a->names_nodes)
        return false; /* a job that is over: nobody knows any more where that was */
    return who->halls == 0 || a->hall == MW_NONE ||
           access_sees_hall(who, fleet_name(f, component_id(COMPONENT_HALL, a->hall)));
}

/* ---- as JSON -------------------------------------------------------------------------------- */

static void write_key(struct json_out *o, bool *first, const char *key)
{
    json_out_raw(o, *first ? "\"" : ",\"", *first ? 1 : 2);
    json_out_raw(o, key, strlen(key));
    json_out_raw(o, "\":", 2);
    *first = false;
}

static void write_text(struct json_out *o, const char *s)
{
    json_out_text(o, s, strlen(s));
}

static void write_about(struct json_out *o, const struct words *w, const struct about *a)
{
    bool first = true;
    struct text part = { 0 };
    json_out_raw(o, "{", 1);
    if (a->job) {
        write_key(o, &first, "job");
        json_out_int(o, (int64_t)a->job);
    }
    if (a->incident) {
        write_key(o, &first, "incident");
        json_out_int(o, (int64_t)a->incident);
    }
    if (a->node != MW_NONE) {
        write_key(o, &first, "node");
        write_text(o, words_node(w, a->node));
    }
    if (a->component && component_kind_of(a->component) != COMPONENT_NODE) {
        words_component(&part, w, a->component);
        write_key(o, &first, "part");
        write_text(o, text_string(&part));
    }
    json_out_raw(o, "}", 1);
    o->failed |= part.failed;
    text_fini(&part);
}

void about_sentence(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail)
{
    const struct about a = about_event(ev, w->fleet, NULL);
    if (a.of_job && ev->kind != EV_ENGINE_ORDER && ev->kind != EV_ENGINE_ANSWERED)
        text_addf(t, "job %llu, ", (unsigned long long)a.job);
    words_of_event(t, w, ev, tail);
}

bool about_write(struct evbuffer *to, const struct words *w, const struct event *ev,
                 const void *tail, const struct about *a)
{
    struct json_out o;
    struct text sentence = { 0 };
    bool first = true;
    about_sentence(&sentence, w, ev, tail);
    json_out_begin(&o, to);
    json_out_raw(&o, "{", 1);
    write_key(&o, &first, "seq");
    json_out_int(&o, (int64_t)ev->seq);
    write_key(&o, &first, "time");
    json_out_time_ms(&o, mw_ms(ev->time_ns));
    write_key(&o, &first, "kind");
    write_text(&o, event_info(ev->kind)->name ? event_info(ev->kind)->name : "unknown");
    write_key(&o, &first, "text");
    json_out_text(&o, text_string(&sentence), sentence.length);
    write_key(&o, &first, "about");
    write_about(&o, w, a);
    json_out_raw(&o, "}", 1);
    o.failed |= sentence.failed;
    text_fini(&sentence);
    return json_out_end(&o);
}
