/* Events in words, for whoever looks on.  See serve_log.h. */
#include "cli/serve_log.h"

#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/term.h"
#include "core/event_fields.h"
#include "core/event_print.h"
#include "live/policy.h"

#define REASON_SHOWN 120

static unsigned long long show(uint64_t n)
{
    return n;
}

static const char *part(const struct serve_log *l, uint64_t component)
{
    const char *name = fleet_name(l->fleet, component);
    return name[0] != '\0' ? name : "the site";
}

static const char *node(const struct serve_log *l, uint32_t n)
{
    return n == MW_NONE ? "no node" : part(l, component_id(COMPONENT_NODE, n));
}

static const char *class(const struct serve_log *l, uint32_t c)
{
    if (c == BOARD_CLASS_PERSON)
        return "a person";
    if (c == BOARD_CLASS_PREEMPT)
        return "room made for another";
    return c < l->policy->care.classes ? l->policy->care.class[c].name : "no class";
}

/* The word of an enumeration in a body, as the record's tables have it. */
static const char *word(const struct event *ev, const char *field)
{
    const struct event_body_info *body = event_body_of(ev->kind);
    for (uint32_t i = 0; body != NULL && i < body->fields; i++)
        if (strcmp(body->field[i].name, field) == 0) {
            const struct event_field *f = &body->field[i];
            const char *w = event_field_word(f, event_field_value(f, ev));
            return w != NULL ? w : "?";
        }
    return "?";
}

static void add_reason(struct text *t, const struct event *ev, const void *tail)
{
    if (ev->tail_size == 0 || tail == NULL)
        return;
    text_add(t, ": ");
    text_add_n(t, tail, MW_MIN(ev->tail_size, REASON_SHOWN));
}

static void add_engine(const struct serve_log *l, const struct event *ev, struct text *t)
{
    const struct body_engine *e = &ev->body.engine;
    text_add(t, word(ev, "verb"));
    if (e->job != 0)
        text_addf(t, " job %llu", show(e->job));
    if (e->node != MW_NONE)
        text_addf(t, "%s %s", e->job != 0 ? ", which stood on" : "", node(l, e->node));
}

static void add_advice(const struct serve_log *l, const struct event *ev, struct text *t)
{
    const struct body_advice *a = &ev->body.advice;
    bool engine = a->kind == EV_ENGINE_ORDER;
    text_addf(t, "advice %llu: would %s%s %s (%s, incident %llu); not done: %s", show(ev->seq),
              engine ? "ask the engine: " : "", engine ? word(ev, "verb") : "drain",
              node(l, a->node), class(l, a->class), show(a->incident),
              guard_reason_name(a->reason));
}

static void add_command(const struct serve_log *l, const struct event *ev, const void *tail,
                        struct text *t)
{
    const struct body_command *c = &ev->body.command;
    text_addf(t, "person %u: %s", ev->actor, word(ev, "verb"));
    if (c->verb == CMD_SET_MODE)
        text_addf(t, " %s", word(ev, "mode"));
    if (c->verb == CMD_ENGINE)
        text_addf(t, " %s", word(ev, "engine"));
    if (c->ref != 0)
        text_addf(t, " %llu", show(c->ref));
    if (c->node != MW_NONE)
        text_addf(t, " %s", node(l, c->node));
    else if (c->hall != MW_NONE)
        text_addf(t, " %s", part(l, component_id(COMPONENT_HALL, c->hall)));
    add_reason(t, ev, tail);
}

static void add_closed(const struct serve_log *l, const struct event *ev, struct text *t)
{
    const struct body_incident *i = &ev->body.incident;
    int64_t tenths = i->lost_gpu_ms / (MW_MS_PER_HOUR / 10);
    text_addf(t, "incident %llu is over: %s on %s; it cost %lld.%lld GPU-hours", show(i->incident),
              class(l, i->class), part(l, i->component), (long long)(tenths / 10),
              (long long)(tenths % 10));
}

/* Facts that decisions stand on.  False: not one of them. */
static bool add_fact(const struct serve_log *l, const struct event *ev, const void *tail,
                     struct text *t)
{
    const struct body_finding *f = &ev->body.finding;
    const struct body_report *r = &ev->body.report;
    switch (ev->kind) {
    case EV_EPOCH:
        text_add(t, "the record begins");
        return true;
    case EV_FINDING_OPENED:
        text_addf(t, "found: %s on %s", class(l, f->class), part(l, f->component));
        if (live_detail_words(f->detail) != NULL)
            text_addf(t, " (%s)", live_detail_words(f->detail));
        else if (f->detail != 0)
            text_addf(t, " (%u)", f->detail);
        return true;
    case EV_FINDING_CLOSED:
        text_addf(t, "no longer found: %s on %s", class(l, f->class), part(l, f->component));
        return true;
    case EV_NODE_REPORTED:
        text_addf(t, "the engine says: %s %s, by %s", node(l, r->node), word(ev, "service"),
                  word(ev, "owner"));
        add_reason(t, ev, tail);
        return true;
    case EV_ENGINE_ANSWERED:
        text_add(t, "the engine answered: ");
        add_engine(l, ev, t);
        text_addf(t, ": %s", word(ev, "result"));
        add_reason(t, ev, tail);
        return true;
    case EV_ATTEMPT_ALLOCATED:
        text_addf(t, "job %llu attempt %u has %u nodes", show(ev->body.place.job),
                  ev->body.place.attempt, ev->body.place.nodes);
        return true;
    case EV_ATTEMPT_ENDED:
        text_addf(t, "job %llu attempt %u ended: %s", show(ev->body.progress.job),
                  ev->body.progress.attempt, word(ev, "how"));
        return true;
    case EV_COMMAND:
        add_command(l, ev, tail, t);
        return true;
    default:
        return false;
    }
}

static bool add_decision(const struct serve_log *l, const struct event *ev, struct text *t)
{
    const union event_body *b = &ev->body;
    switch (ev->kind) {
    case EV_INCIDENT_OPENED:
        text_addf(t, "incident %llu: %s on %s", show(ev->seq), class(l, b->incident.class),
                  part(l, b->incident.component));
        return true;
    case EV_INCIDENT_JOINED:
        text_addf(t, "incident %llu: one more finding, on %s", show(b->incident.incident),
                  part(l, b->incident.component));
        return true;
    case EV_INCIDENT_CLOSED:
        add_closed(l, ev, t);
        return true;
    case EV_NODE_MOVED:
        text_addf(t, "node %s: %s -> %s (%s, incident %llu)", node(l, b->node.node),
                  health_name(b->node.from), health_name(b->node.to), class(l, b->node.class),
                  show(b->node.incident));
        return true;
    case EV_DRAIN_ORDERED:
        text_addf(t, "drain %s, %s (%s, incident %llu)", node(l, b->drain.node), word(ev, "how"),
                  class(l, b->drain.class), show(b->drain.incident));
        return true;
    case EV_ORDER_OPENED:
        text_addf(t, "work order %llu: repair %s (%s, incident %llu)", show(ev->seq),
                  part(l, b->order.component), class(l, b->order.class), show(b->order.incident));
        return true;
    case EV_GATE_STARTED:
        text_addf(t, "check %llu: is %s good again (%s, incident %llu)", show(ev->seq),
                  node(l, b->gate.node), class(l, b->gate.class), show(b->gate.incident));
        return true;
    case EV_ENGINE_ORDER:
        text_addf(t, "order %llu to the engine: ", show(ev->seq));
        add_engine(l, ev, t);
        text_addf(t, " (%s", class(l, b->engine.class));
        if (b->engine.incident != 0)
            text_addf(t, ", incident %llu", show(b->engine.incident));
        text_add(t, ")");
        return true;
    case EV_ADVICE:
        add_advice(l, ev, t);
        return true;
    case EV_GUARD_TRIPPED:
        text_addf(t, "the guard tripped: %s; all is advice until mw guard reset",
                  guard_reason_name(b->advice.reason));
        return true;
    default:
        return false;
    }
}

void serve_log_words(const struct serve_log *l, const struct event *ev, const void *tail,
                     struct text *ret)
{
    must(l != NULL && ev != NULL && ret != NULL);
    if (add_fact(l, ev, tail, ret) || add_decision(l, ev, ret))
        return;
    if (event_info(ev->kind)->class != EVENT_DECISION)
        return;
    text_addf(ret, "%s ", event_info(ev->kind)->name);
    event_print_fields(ret, ev, tail);
}

static void put(struct serve_log *l, int64_t time_ns, const char *words, size_t length)
{
    char time[40];
    mw_format_time(time_ns, time, sizeof(time));
    (void)fprintf(l->to, "%s ", time);
    term_put_safe(l->to, words, length);
    (void)fputc('\n', l->to);
    (void)fflush(l->to);
}

/* A new second: says what the last one left out. */
static void turn(struct serve_log *l, int64_t now_ns)
{
    char words[96];
    if (now_ns / MW_NS_PER_S == l->second)
        return;
    if (l->left_out > 0) {
        int n = snprintf(words, sizeof(words), "… %llu more; mw journal tail has all",
                         show(l->left_out));
        put(l, now_ns, words, (size_t)n);
    }
    l->second = now_ns / MW_NS_PER_S;
    l->lines = 0;
    l->left_out = 0;
}

void serve_log_event(struct serve_log *l, const struct event *ev, const void *tail)
{
    struct text words = { 0 };
    turn(l, ev->time_ns);
    if (l->lines >= SERVE_LOG_LINES) {
        l->left_out++;
        return;
    }
    serve_log_words(l, ev, tail, &words);
    if (words.length > 0) {
        l->lines++;
        put(l, ev->time_ns, text_string(&words), words.length);
    }
    text_fini(&words);
}

void serve_log_note(struct serve_log *l, int64_t now_ns, const char *text)
{
    put(l, now_ns, text, strlen(text));
}
