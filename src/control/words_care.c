/*
 * Words of faults and of what is done about them.  One sentence a kind, named
 * in the table of words.c; decides nothing about which events matter.
 */
#include "control/words.h"

#include <string.h>

#include "base/units.h"
#include "control/words_private.h"

/* A step as a noun, as an order, and what is shown of it in a table. */
static const struct {
    const char *of, *to;
} STEP[STEP_COUNT] = {
    [STEP_REPAIR] = { "repair of", "repair it" },
    [STEP_RESTART_JOB] = { "restart of the job on", "start the job again" },
    [STEP_RESET_GPU] = { "GPU reset on", "reset the GPU" },
    [STEP_RESTART_SERVICE] = { "restart of the services of", "restart its services" },
    [STEP_REBOOT] = { "reboot of", "reboot it" },
    [STEP_POWER_CYCLE] = { "power cycle of", "power-cycle it" },
    [STEP_FIRMWARE] = { "new firmware for", "update its firmware" },
    [STEP_RESEAT] = { "reseating of", "reseat the part" },
    [STEP_REPLACE] = { "replacement of", "replace the part" },
    [STEP_RMA] = { "return to the vendor of", "send it to its vendor" },
    [STEP_RETIRE] = { "retirement of", "retire it" },
};

static const char *const WHO[WHO_COUNT] = { [WHO_AGENT] = "its agent", [WHO_BMC] = "its BMC",
                                            [WHO_TECHNICIAN] = "a technician",
                                            [WHO_VENDOR] = "the vendor" };

static const char *const SIGNAL[LEMON_SIGNALS] = {
    [LEMON_EXCLUDED] = "times held by people",
    [LEMON_XIDS] = "findings",
    [LEMON_TICKETS] = "repairs",
    [LEMON_OUT] = "times out of service",
    [LEMON_MULTI_FAILS] = "jobs of several nodes stopped",
    [LEMON_SINGLE_FAILS] = "jobs of one node stopped",
    [LEMON_SINGLE_RATE] = "permille of its jobs of one node stopped",
};

const char *words_step_of(uint32_t step)
{
    return step < STEP_COUNT ? STEP[step].of : "something unknown with";
}

const char *words_step_do(uint32_t step)
{
    return step < STEP_COUNT ? STEP[step].to : "do something unknown";
}

const char *words_basis(const struct control_policy *p)
{
    return p->work.engine ? "measured" : "simulated";
}

const char *words_who(uint32_t who)
{
    return who < WHO_COUNT ? WHO[who] : "nobody known";
}

const char *words_part(const struct words *w, uint32_t part)
{
    return part < w->policy->care.parts ? w->policy->care.part[part].name : "no part";
}

const char *words_lemon_signal(uint32_t signal)
{
    return signal < LEMON_SIGNALS ? SIGNAL[signal] : "unknown";
}

void words_usd(struct text *t, int64_t uusd)
{
    char shown[40];
    mw_format_usd(uusd, shown, sizeof(shown));
    text_add(t, shown);
}

uint64_t words_incident(const struct event *ev)
{
    switch (ev->kind) {
    case EV_INCIDENT_OPENED:
        return ev->seq;
    case EV_INCIDENT_JOINED:
    case EV_INCIDENT_CLOSED:
        return ev->body.incident.incident;
    case EV_INCIDENT_SUPPRESSED:
    case EV_INCIDENT_FREED:
        return ev->body.cause.incident;
    case EV_NODE_MOVED:
        return ev->body.node.incident;
    case EV_DRAIN_ORDERED:
        return ev->body.drain.incident;
    case EV_STEP_CHOSEN:
        return ev->body.step.incident;
    case EV_ENGINE_ORDER:
    case EV_ENGINE_ANSWERED:
        return ev->body.engine.incident;
    case EV_ADVICE:
    case EV_GUARD_TRIPPED:
        return ev->body.advice.incident;
    case EV_ORDER_OPENED:
    case EV_ORDER_TAKEN:
    case EV_ORDER_ENDED:
    case EV_ORDER_ESCALATED:
    case EV_ORDER_WITHDRAWN:
    case EV_ACTION_STARTED:
    case EV_ACTION_ENDED:
        return ev->body.order.incident;
    case EV_GATE_STARTED:
    case EV_GATE_ENDED:
        return ev->body.gate.incident;
    default:
        return 0;
    }
}

static void add_number(struct text *t, const char *before, uint64_t seq)
{
    text_addf(t, "%s%llu", before, (unsigned long long)seq);
}

/* ---- what is seen --------------------------------------------------------------------------- */

static void add_detail(struct text *t, const struct words *w, const struct body_finding *b)
{
    struct text more = { 0 };
    if (w->detail)
        w->detail(&more, words_class(w, b->class), b->detail);
    if (more.length > 0)
        text_addf(t, ": %s", text_string(&more));
    else if (b->detail != 0)
        text_addf(t, ": detail %u", b->detail);
    text_fini(&more);
    if (b->slow_ppm)
        text_addf(t, ", costs its job %.1f %% of its speed", b->slow_ppm / 1e4);
}

void words_say_finding(struct text *t, const struct words *w, const struct event *ev,
                       const void *tail)
{
    const struct body_finding *b = &ev->body.finding;
    (void)tail;
    text_addf(t, "%s %s on ", ev->kind == EV_FINDING_OPENED ? "found:" : "no longer seen:",
              words_class(w, b->class));
    bool whole = b->component == 0 || component_kind_of(b->component) == COMPONENT_NODE;
    if (!whole || b->node == MW_NONE)
        words_component(t, w, b->component);
    if (b->node != MW_NONE)
        text_addf(t, whole ? "%s" : " of %s", words_node(w, b->node));
    if (ev->kind == EV_FINDING_OPENED)
        add_detail(t, w, b);
    text_add(t, ", says ");
    words_source(t, w, ev);
    if (ev->time_ns - ev->observed_ns >= MW_NS_PER_S && ev->observed_ns > 0) {
        text_add(t, "; it began ");
        words_span_ms(t, mw_ms(ev->time_ns - ev->observed_ns));
        text_add(t, " before");
    }
}

/* What of a common cause: the best of what could explain it. */
static void add_best_cause(struct text *t, const struct words *w, const struct event *ev,
                           const void *tail)
{
    struct cause_rank c;
    uint32_t n = ev->tail_size / (uint32_t)sizeof(c);
    if (!tail || n == 0)
        return;
    memcpy(&c, tail, sizeof(c));
    text_addf(t, "; the best of %u explanation%s: ", n, n == 1 ? "" : "s");
    words_component(t, w, c.component);
    text_addf(t, ", %u of the %u below it cry", c.seen, c.below);
}

void words_say_incident(struct text *t, const struct words *w, const struct event *ev,
                        const void *tail)
{
    static const char *const does[] = {
        [EFFECT_NONE] = "; what runs there is not touched",
        [EFFECT_KILLS] = "; it ends what runs there",
        [EFFECT_SLOWS] = "; it slows what runs there",
        [EFFECT_DEFERS] = "; what runs there may go on for now",
        [EFFECT_HARMLESS] = "; what runs there is not touched" };
    const struct body_incident *b = &ev->body.incident;
    add_number(t, "incident ", b->incident ? b->incident : ev->seq);
    if (ev->kind == EV_INCIDENT_CLOSED) {
        text_add(t, " closed: ");
        if (b->node != MW_NONE)
            text_add(t, words_node(w, b->node));
        else
            words_component(t, w, b->component);
        text_add(t, " works again after ");
        words_span_ms(t, mw_ms(ev->time_ns) - b->opened_ms);
        text_addf(t, "; it cost %.2f GPU-hours", (double)b->lost_gpu_ms / MW_MS_PER_HOUR);
        return;
    }
    text_addf(t, " %s %s on ", ev->kind == EV_INCIDENT_OPENED ? "opened:" : "grows:",
              words_class(w, b->class));
    words_component(t, w, b->component);
    text_add(t, b->effect < MW_ARRAY_LEN(does) ? does[b->effect] : "");
    add_best_cause(t, w, ev, tail);
}

void words_say_symptom(struct text *t, const struct words *w, const struct event *ev,
                       const void *tail)
{
    const struct body_cause *b = &ev->body.cause;
    bool freed = ev->kind == EV_INCIDENT_FREED;
    (void)tail;
    add_number(t, "incident ", b->incident);
    if (b->node != MW_NONE)
        text_addf(t, " of %s", words_node(w, b->node));
    add_number(t, freed ? " stands for itself again: it was put down to incident "
                        : " is a symptom of incident ", b->parent);
    text_add(t, " on ");
    words_component(t, w, b->component);
    text_add(t, freed ? "" : ": it waits for that one");
}

/* ---- a node's way --------------------------------------------------------------------------- */

void words_say_node(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail)
{
    const struct body_node *b = &ev->body.node;
    (void)tail;
    text_addf(t, "%s: %s, was %s", words_node(w, b->node), words_field(ev, "to"),
              words_field(ev, "from"));
    if (b->incident)
        text_addf(t, " (incident %llu)", (unsigned long long)b->incident);
}

void words_say_drain(struct text *t, const struct words *w, const struct event *ev,
                     const void *tail)
{
    const struct body_drain *b = &ev->body.drain;
    (void)tail;
    text_addf(t, "%s is taken from service %s: %s", words_node(w, b->node),
              b->how == DRAIN_AT_CHECKPOINT ? "at the next checkpoint" : "now",
              words_class(w, b->class));
    if (ev->actor)
        text_addf(t, ", approved by person %u", ev->actor);
}

void words_say_gate(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail)
{
    const struct body_gate *b = &ev->body.gate;
    (void)tail;
    text_addf(t, "%s: the check for %s ", words_node(w, b->node), words_class(w, b->class));
    if (ev->kind == EV_GATE_STARTED) {
        text_add(t, "begins, at most ");
        words_span_ms(t, b->length_ms);
    } else {
        text_addf(t, "ended: %s", words_field(ev, "result"));
    }
}

void words_say_judged(struct text *t, const struct words *w, const struct event *ev,
                      const void *tail)
{
    const struct body_judge *b = &ev->body.judge;
    const uint32_t value[LEMON_SIGNALS] = { b->excluded,    b->findings,     b->tickets, b->out,
                                            b->multi_fails, b->single_fails, b->single_rate };
    const char *between = ": ";
    (void)tail;
    text_addf(t, "%s is %s", words_node(w, b->node),
              b->lemon ? "a lemon, it fails more often than others" : "no lemon any more");
    for (uint32_t i = 0; i < LEMON_SIGNALS; i++) {
        if (!(b->signals >> i & 1u))
            continue;
        text_addf(t, "%s%u %s", between, value[i], SIGNAL[i]);
        between = ", ";
    }
    text_add(t, b->signals ? " in 28 days" : "");
}

/* ---- what is done --------------------------------------------------------------------------- */

void words_say_step(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail)
{
    static const char *const lets_go[] = { [0] = "", [DRAIN_NOW] = "; its job lets go now",
                                           [DRAIN_AT_CHECKPOINT] =
                                               "; its job lets go at its next checkpoint" };
    const struct body_step *b = &ev->body.step;
    (void)w;
    (void)tail;
    add_number(t, "incident ", b->incident);
    text_addf(t, ": of %u alternatives the least expected cost has: %s, ",
              ev->tail_size / (uint32_t)sizeof(struct step_sum), words_step_do(b->step));
    words_usd(t, b->cost_uusd);
    text_addf(t, ", cures with odds of %.0f %%", b->odds_ppm / 1e4);
    text_add(t, b->drain < MW_ARRAY_LEN(lets_go) ? lets_go[b->drain] : "");
}

/* "replacement of gpu n3-g5"; what is done to a whole node names that. */
static void add_task(struct text *t, const struct words *w, const struct body_order *b)
{
    static const uint32_t whole = 1u << STEP_RESTART_JOB | 1u << STEP_RESTART_SERVICE |
                                  1u << STEP_REBOOT | 1u << STEP_POWER_CYCLE | 1u << STEP_RMA |
                                  1u << STEP_RETIRE;
    text_addf(t, "%s ", words_step_of(b->step));
    if (b->node != MW_NONE && b->step < STEP_COUNT && (whole >> b->step & 1u))
        text_add(t, words_node(w, b->node));
    else
        words_component(t, w, b->component);
}

void words_say_order(struct text *t, const struct words *w, const struct event *ev,
                     const void *tail)
{
    const struct body_order *b = &ev->body.order;
    if (ev->kind == EV_ORDER_OPENED) {
        add_task(t, w, b);
        text_addf(t, " is asked for, visit %u", b->visit);
        if (b->step != STEP_REPAIR)
            text_addf(t, ", by %s", words_who(b->who));
        if (b->part < w->policy->care.parts)
            text_addf(t, ", with part %s", words_part(w, b->part));
        return;
    }
    bool over = ev->kind == EV_ORDER_ENDED;
    text_add(t, over ? "a crew is done with " : "a crew works on ");
    words_component(t, w, b->component);
    text_addf(t, ", visit %u", b->visit);
    if (!over)
        return;
    text_addf(t, ": %s", words_field(ev, "result"));
    if (b->step != STEP_REPAIR)
        text_addf(t, ", did %s", words_field(ev, "step"));
    words_tail_text(t, ev, tail);
}

void words_say_action(struct text *t, const struct words *w, const struct event *ev,
                      const void *tail)
{
    const struct body_order *b = &ev->body.order;
    add_task(t, w, b);
    if (ev->kind == EV_ACTION_ENDED) {
        text_addf(t, " by %s: %s", words_who(b->who),
                  b->result == RESULT_OK ? "read back, it was done" :
                  b->result == RESULT_FAILED ? "failed" : "nobody knows");
        words_tail_text(t, ev, tail);
        return;
    }
    text_addf(t, " is asked of %s, visit %u", words_who(b->who), b->visit);
    if (b->lease_ms) {
        text_add(t, ", begun within ");
        words_span_ms(t, b->lease_ms);
        text_add(t, " or not at all");
    }
}

void words_say_escalated(struct text *t, const struct words *w, const struct event *ev,
                         const void *tail)
{
    const struct body_order *b = &ev->body.order;
    (void)tail;
    add_task(t, w, b);
    text_addf(t, " is stuck, told %u time%s: it goes first from now on", b->level,
              b->level == 1 ? "" : "s");
    if (b->deadline_ms > 0) {
        text_add(t, "; told again in ");
        words_span_ms(t, b->deadline_ms);
    }
}

void words_say_withdrawn(struct text *t, const struct words *w, const struct event *ev,
                         const void *tail)
{
    (void)tail;
    add_task(t, w, &ev->body.order);
    text_add(t, " is not needed any more");
}

void words_say_parts(struct text *t, const struct words *w, const struct event *ev,
                     const void *tail)
{
    const struct body_parts *b = &ev->body.parts;
    (void)tail;
    text_addf(t, "%u × %s ", b->count, words_part(w, b->part));
    if (ev->kind == EV_PARTS_ARRIVED) {
        text_add(t, "arrived, ordered in event ");
        add_number(t, "", b->order);
        return;
    }
    text_add(t, "ordered for ");
    words_usd(t, b->cost_uusd);
    text_add(t, ", expected ");
    words_time_ms(t, b->due_ms);
}
