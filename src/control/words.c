/*
 * One row of words a kind of event.  Owns the wording; decides nothing about
 * which events matter.
 */
#include "control/words.h"

#include <string.h>

#include "base/units.h"
#include "core/event_fields.h"
#include "core/event_print.h"
#include "control/words_private.h"
#include "fleet/hostlist.h"

#define HOSTS_SHOWN 160 /* bytes of a host list in a sentence */
#define QUOTE_MAX 400u  /* bytes of a tail's text that are shown */

const char *words_class(const struct words *w, uint32_t class)
{
    if (class == BOARD_CLASS_PERSON)
        return "a person";
    if (class == BOARD_CLASS_PREEMPT)
        return "room made for another";
    return class < w->policy->care.classes ? w->policy->care.class[class].name : "no known class";
}

const char *words_node(const struct words *w, uint32_t node)
{
    return node < w->fleet->count[COMPONENT_NODE]
               ? fleet_name(w->fleet, component_id(COMPONENT_NODE, node)) : "no node";
}

void words_component(struct text *t, const struct words *w, uint64_t component)
{
    enum component_kind kind = component_kind_of(component);
    const char *name = fleet_name(w->fleet, component);
    if (kind == COMPONENT_SITE || kind == COMPONENT_NONE || name[0] == '\0')
        text_add(t, kind == COMPONENT_SITE ? "the site" : "a part unknown");
    else if (kind == COMPONENT_NODE)
        text_add(t, name);
    else
        text_addf(t, "%s %s", component_kind_name(kind), name);
}

void words_source(struct text *t, const struct words *w, const struct event *ev)
{
    static const char *const name[] = { [SOURCE_NONE] = "automation", [SOURCE_CLOCK] = "the clock",
                                        [SOURCE_TENANT] = "the tenant", [SOURCE_ENGINE] = "Slurm",
                                        [SOURCE_CREW] = "the crew",
                                        [SOURCE_FABRIC] = "the fabric",
                                        [SOURCE_STORE] = "the store of parts",
                                        [SOURCE_PERSON] = "a person" };
    if (ev->actor != 0)
        text_addf(t, "person %u", ev->actor);
    else if (ev->source >= SOURCE_NODE)
        text_addf(t, "the agent of %s", words_node(w, ev->source - SOURCE_NODE));
    else if (ev->source < MW_ARRAY_LEN(name) && name[ev->source])
        text_add(t, name[ev->source]);
    else
        text_addf(t, "source %u", ev->source);
}

void words_span_ms(struct text *t, int64_t ms)
{
    char shown[40];
    int64_t ns;
    if (mw_mul_overflows(ms, MW_NS_PER_MS, &ns))
        ns = MW_NEVER;
    mw_format_duration(ns, shown, sizeof(shown));
    text_add(t, shown);
}

void words_time_ms(struct text *t, int64_t ms)
{
    char shown[40];
    int64_t ns;
    if (mw_mul_overflows(ms, MW_NS_PER_MS, &ns)) {
        text_add(t, "a time past all calendars");
        return;
    }
    mw_format_time(ns, shown, sizeof(shown));
    text_add(t, shown);
}

void words_quote(struct text *t, const void *tail, uint32_t size)
{
    uint32_t shown = MW_MIN(size, QUOTE_MAX);
    text_add(t, "\"");
    for (uint32_t i = 0; i < shown; i++) {
        char c = ((const char *)tail)[i];
        bool control = (unsigned char)c < 32 || c == 127;
        text_add_n(t, control ? "." : &c, 1);
    }
    text_add(t, shown < size ? "…\"" : "\"");
}

const char *words_field(const struct event *ev, const char *field)
{
    const struct event_body_info *body = event_body_of(ev->kind);
    for (uint32_t i = 0; body && i < body->fields; i++) {
        const struct event_field *f = &body->field[i];
        if (strcmp(f->name, field) != 0)
            continue;
        const char *said = event_field_word(f, event_field_value(f, ev));
        return said ? said : "?";
    }
    return "?";
}

/* Bytes of a host list up to the last comma outside brackets that keeps it readable. */
static int readable(const char *list)
{
    int end = 0;
    bool inside = false;
    for (int i = 0; list[i] && i < HOSTS_SHOWN; i++) {
        inside = list[i] == '[' || (inside && list[i] != ']');
        if (list[i] == ',' && !inside)
            end = i;
    }
    return end;
}

void words_nodes(struct text *t, const struct words *w, const uint32_t *node, uint32_t nodes)
{
    struct text all = { 0 };
    if (hostlist_add_nodes(&all, w->fleet, node, nodes) < 0)
        t->failed = true;
    const char *list = text_string(&all);
    int end = all.length > HOSTS_SHOWN ? readable(list) : 0;
    if (end > 0)
        text_addf(t, "%.*s,… (%u nodes)", end, list, nodes);
    else
        text_add(t, list);
    text_fini(&all);
}

static void add_hosts(struct text *t, const struct words *w, const void *tail, uint32_t size)
{
    /* tails are 8-aligned; a node that is none of the site's cannot be named */
    words_nodes(t, w, tail, size / (uint32_t)sizeof(uint32_t));
}

void words_tail_text(struct text *t, const struct event *ev, const void *tail)
{
    if (!tail || ev->tail_size == 0)
        return;
    text_add(t, ": ");
    words_quote(t, tail, ev->tail_size);
}

/* ---- jobs ----------------------------------------------------------------------------------- */

static void say_job(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail)
{
    (void)w;
    const struct body_job *b = &ev->body.job;
    text_addf(t, "submitted: %u GPU%s on %u node%s, tenant %u, priority %u", b->gpus,
              b->gpus == 1 ? "" : "s", b->nodes, b->nodes == 1 ? "" : "s", ev->tenant, b->priority);
    words_tail_text(t, ev, tail);
}

static void say_place(struct text *t, const struct words *w, const struct event *ev,
                      const void *tail)
{
    const struct body_place *b = &ev->body.place;
    text_addf(t, "attempt %u: %s ", b->attempt,
              ev->kind == EV_ATTEMPT_ALLOCATED ? "Slurm gave it" : "placed on");
    add_hosts(t, w, tail, tail ? ev->tail_size : 0);
    if (b->attempt > 1 || b->from_ms > 0) {
        text_add(t, b->from_ms > 0 ? "; goes on from " : "; starts over: no checkpoint is known");
        if (b->from_ms > 0) {
            words_span_ms(t, b->from_ms);
            text_add(t, " of saved work");
        }
    }
    if (b->interval_ms > 0) {
        text_add(t, "; checkpoints every ");
        words_span_ms(t, b->interval_ms);
    }
}

static void say_running(struct text *t, const struct words *w, const struct event *ev,
                        const void *tail)
{
    (void)w;
    (void)tail;
    const struct body_running *b = &ev->body.running;
    text_addf(t, "attempt %u: runs", b->attempt);
    if (b->from_ms > 0) {
        text_add(t, ", goes on from ");
        words_span_ms(t, b->from_ms);
    }
}

static void say_progress(struct text *t, const struct words *w, const struct event *ev,
                         const void *tail)
{
    (void)tail;
    const struct body_progress *b = &ev->body.progress;
    text_addf(t, "attempt %u: %s%s", b->attempt,
              ev->kind == EV_ATTEMPT_ENDED ? "ended, " : "", words_field(ev, "how"));
    if (ev->kind == EV_ATTEMPT_ENDED && b->how != HOW_DONE) {
        if (b->class != UINT16_MAX)
            text_addf(t, " by %s", words_class(w, b->class));
        if (b->node != MW_NONE)
            text_addf(t, " on %s", words_node(w, b->node));
    }
    if (b->progress_ms > 0) {
        text_add(t, "; work done ");
        words_span_ms(t, b->progress_ms);
        text_add(t, ", saved ");
        words_span_ms(t, b->saved_ms);
    }
}

static void say_stop(struct text *t, const struct words *w, const struct event *ev,
                     const void *tail)
{
    (void)tail;
    const struct body_stop *b = &ev->body.stop;
    text_addf(t, "attempt %u: has to stop %s", b->attempt,
              b->how == DRAIN_AT_CHECKPOINT ? "after its next checkpoint" : "now");
    if (b->class == BOARD_CLASS_PERSON)
        text_add(t, ": a person asked");
    else if (b->class == BOARD_CLASS_PREEMPT)
        text_add(t, ": room is made for another job");
    else if (b->node != MW_NONE)
        text_addf(t, ": %s on %s", words_class(w, b->class), words_node(w, b->node));
}

/* ---- the engine, the guard, people ---------------------------------------------------------- */

/* What the engine is asked for. */
struct wish {
    uint8_t verb; /* enum engine_verb */
    uint64_t job;
    uint32_t node;
    int64_t length_ms;
};

/* "job 7"; "the job on n3" where its number is not known. */
static void add_job(struct text *t, const struct words *w, const struct wish *x)
{
    if (x->job)
        text_addf(t, "job %llu", (unsigned long long)x->job);
    else
        text_addf(t, "the job on %s", words_node(w, x->node));
}

/* What is done to a job: the words before and after its name; NULL for a node's verb. */
static const char *const job_verb[ENGINE_VERBS][2] = {
    [ENGINE_REQUEUE] = { "put ", " back and start it again at once" },
    [ENGINE_HOLD] = { "not start ", " until it is released" },
    [ENGINE_RELEASE] = { "let ", " start" },
    [ENGINE_REQUIRE] = { "start ", " on the nodes named, or not" },
};

static const char *const node_verb[ENGINE_VERBS][2] = {
    [ENGINE_DOWN] = { "set ", " down" },
    [ENGINE_DRAIN] = { "drain ", "" },
    [ENGINE_RESUME] = { "take ", " back into service" },
    [ENGINE_RESERVE] = { "reserve nodes from ", " on" },
    [ENGINE_UNRESERVE] = { "end the reservation of ", "" },
};

/* "set n3 down", "put job 7 back and start it again at once". */
static void add_wish(struct text *t, const struct words *w, const struct wish *x)
{
    if (x->verb >= ENGINE_VERBS || (!job_verb[x->verb][0] && !node_verb[x->verb][0])) {
        text_add(t, "do something unknown");
        return;
    }
    bool job = job_verb[x->verb][0] != NULL;
    text_add(t, job ? job_verb[x->verb][0] : node_verb[x->verb][0]);
    if (job)
        add_job(t, w, x);
    else
        text_add(t, words_node(w, x->node));
    text_add(t, job ? job_verb[x->verb][1] : node_verb[x->verb][1]);
    if (x->length_ms > 0) {
        text_add(t, " for ");
        words_span_ms(t, x->length_ms);
    }
}

static void say_engine(struct text *t, const struct words *w, const struct event *ev,
                       const void *tail)
{
    const struct body_engine *b = &ev->body.engine;
    const struct wish x = { .verb = b->verb, .job = b->job, .node = b->node,
                            .length_ms = b->length_ms };
    if (ev->kind == EV_ENGINE_ANSWERED) {
        text_addf(t, "Slurm was asked in event %llu to ", (unsigned long long)b->order);
        add_wish(t, w, &x);
        text_addf(t, ": %s", b->result == RESULT_OK ? "read back, it is so" :
                             b->result == RESULT_FAILED ? "refused" : "nobody knows");
        words_tail_text(t, ev, tail);
        return;
    }
    text_add(t, "Slurm is asked to ");
    add_wish(t, w, &x);
    if (tail && ev->tail_size > 0) {
        bool named = b->verb == ENGINE_REQUIRE || b->verb == ENGINE_RESERVE;
        text_add(t, named ? ": " : ", not on ");
        add_hosts(t, w, tail, ev->tail_size);
    }
    if (ev->actor)
        text_addf(t, ", for person %u", ev->actor);
}

static void say_advice(struct text *t, const struct words *w, const struct event *ev,
                       const void *tail)
{
    (void)tail;
    const struct body_advice *b = &ev->body.advice;
    const struct wish x = { .verb = b->verb, .node = b->node };
    if (ev->kind == EV_GUARD_TRIPPED) {
        text_addf(t, "the guard trips: %s; all is advice until a person resets it",
                  guard_reason_name(b->reason));
        return;
    }
    text_add(t, "only advice: ");
    if (b->kind == EV_ENGINE_ORDER)
        add_wish(t, w, &x);
    else if (b->kind == EV_ACTION_STARTED)
        text_addf(t, "%s %s", words_step_of(b->step), words_node(w, b->node));
    else
        text_addf(t, "take %s from service %s", words_node(w, b->node),
                  b->how == DRAIN_AT_CHECKPOINT ? "at the next checkpoint" : "now");
    text_addf(t, " (%s); not done: %s", words_class(w, b->class), guard_reason_name(b->reason));
}

static void say_window(struct text *t, const struct words *w, const struct event *ev)
{
    const struct body_command *b = &ev->body.command;
    if (b->length_ms == 0) {
        text_addf(t, "person %u ends the maintenance that event %llu began", ev->actor,
                  (unsigned long long)b->ref);
        return;
    }
    text_addf(t, "person %u plans maintenance of %u node%s from %s on, at ", ev->actor, b->count,
              b->count == 1 ? "" : "s", words_node(w, b->node));
    words_time_ms(t, (int64_t)MW_MIN(b->ref, (uint64_t)INT64_MAX));
    text_add(t, " for ");
    words_span_ms(t, b->length_ms);
}

static void say_command(struct text *t, const struct words *w, const struct event *ev,
                        const void *tail)
{
    const struct body_command *b = &ev->body.command;
    if (ev->kind == EV_JOB_CANCELLED) {
        text_add(t, "the tenant cancels the job");
        return;
    }
    if (b->verb == CMD_ENGINE) {
        const struct wish x = { .verb = b->engine, .job = b->ref, .node = b->node,
                                .length_ms = b->length_ms };
        text_addf(t, "person %u asks Slurm to ", ev->actor);
        add_wish(t, w, &x);
        words_tail_text(t, ev, tail);
        return;
    }
    if (b->verb == CMD_WINDOW) {
        say_window(t, w, ev);
        words_tail_text(t, ev, tail);
        return;
    }
    text_addf(t, "person %u: %s", ev->actor, words_field(ev, "verb"));
    if (b->verb == CMD_APPROVE || b->verb == CMD_REJECT)
        text_addf(t, " of event %llu", (unsigned long long)b->ref);
    if (b->node != MW_NONE && b->verb != CMD_SET_MODE && b->verb != CMD_RESET_GUARD)
        text_addf(t, ", %s", words_node(w, b->node));
    words_tail_text(t, ev, tail);
}

static void say_report(struct text *t, const struct words *w, const struct event *ev,
                       const void *tail)
{
    const struct body_report *b = &ev->body.report;
    static const char *const by[] = { [OWNER_NOBODY] = "", [OWNER_OURS] = " as we asked",
                                      [OWNER_OTHERS] = " by others",
                                      [OWNER_ENGINE] = " by Slurm itself" };
    static const char *const is[] = { [SERVICE_IN] = "in service", [SERVICE_DRAIN] = "draining",
                                      [SERVICE_DOWN] = "down" };
    text_addf(t, "Slurm says: %s is %s%s", words_node(w, b->node),
              b->service < MW_ARRAY_LEN(is) ? is[b->service] : "in a state unknown",
              b->owner < MW_ARRAY_LEN(by) ? by[b->owner] : "");
    words_tail_text(t, ev, tail);
}

static void say_spares(struct text *t, const struct words *w, const struct event *ev,
                       const void *tail)
{
    const struct body_spares *b = &ev->body.spares;
    (void)w;
    (void)tail;
    text_addf(t, "%u node%s kept for restarts: on average %.2f of %u are out at once, ",
              b->target, b->target == 1 ? " is" : "s are", b->expected_ppm / 1e6, b->nodes);
    text_addf(t, "enough with odds of %.2f %%", b->quantile_ppm / 1e4);
    if (b->domain > 0)
        text_addf(t, ", %u of them for a domain that fails whole", b->domain);
}

typedef void say_fn(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail);

/* One row a kind; what has none is told by its fields. */
static say_fn *const SAY[EVENT_KIND_MAX] = {
    [EV_FINDING_OPENED] = words_say_finding,
    [EV_FINDING_CLOSED] = words_say_finding,
    [EV_ORDER_TAKEN] = words_say_order,
    [EV_ORDER_ENDED] = words_say_order,
    [EV_GATE_ENDED] = words_say_gate,
    [EV_NODE_REPORTED] = say_report,
    [EV_ENGINE_ANSWERED] = say_engine,
    [EV_ACTION_ENDED] = words_say_action,
    [EV_PARTS_ARRIVED] = words_say_parts,
    [EV_JOB_SUBMITTED] = say_job,
    [EV_ATTEMPT_RUNNING] = say_running,
    [EV_ATTEMPT_PROGRESS] = say_progress,
    [EV_ATTEMPT_ENDED] = say_progress,
    [EV_JOB_CANCELLED] = say_command,
    [EV_ATTEMPT_ALLOCATED] = say_place,
    [EV_COMMAND] = say_command,
    [EV_INCIDENT_OPENED] = words_say_incident,
    [EV_INCIDENT_JOINED] = words_say_incident,
    [EV_INCIDENT_CLOSED] = words_say_incident,
    [EV_NODE_MOVED] = words_say_node,
    [EV_DRAIN_ORDERED] = words_say_drain,
    [EV_ORDER_OPENED] = words_say_order,
    [EV_GATE_STARTED] = words_say_gate,
    [EV_ENGINE_ORDER] = say_engine,
    [EV_STEP_CHOSEN] = words_say_step,
    [EV_ACTION_STARTED] = words_say_action,
    [EV_ATTEMPT_PLACED] = say_place,
    [EV_ATTEMPT_STOP] = say_stop,
    [EV_ORDER_ESCALATED] = words_say_escalated,
    [EV_ORDER_WITHDRAWN] = words_say_withdrawn,
    [EV_PARTS_ORDERED] = words_say_parts,
    [EV_NODE_JUDGED] = words_say_judged,
    [EV_SPARES_SIZED] = say_spares,
    [EV_INCIDENT_SUPPRESSED] = words_say_symptom,
    [EV_INCIDENT_FREED] = words_say_symptom,
    [EV_ADVICE] = say_advice,
    [EV_GUARD_TRIPPED] = say_advice,
};

void words_of_event(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail)
{
    must(t && w && w->fleet && w->policy && ev);
    if (ev->kind < EVENT_KIND_MAX && SAY[ev->kind])
        SAY[ev->kind](t, w, ev, tail);
    else
        event_print_fields(t, ev, tail);
}
