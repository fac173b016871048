/*
 * Where another engine owns allocation: what it is asked to do with the node of
 * an incident, and what became of that.  service[] holds three things: what was
 * asked last (enum node_service); how often in a row an order failed; and a verb
 * that is not to be asked again before something changes, for it was only
 * advice, was rejected, or failed.
 */
#include "base/units.h"
#include "care/care_private.h"

#define RETRY_NS MW_NS_PER_MIN /* an order that failed is given again after this … */
#define TRY 0x04u              /* … while there were fewer than three */
#define TRIES 0x0cu

/* A node that was never taken out is not taken out any more once it is repaired; one that can wait
 * stays drained when its job has let it go: only what kills is set down. */
static enum node_service wanted(const struct care *c, uint32_t slot)
{
    uint32_t health = c->board->node_health[c->board->incident_node[slot]];
    bool well = health == HEALTH_VALIDATING || health == HEALTH_PROBATION;
    if (health == HEALTH_READY || (well && care_asked(c, slot) == SERVICE_IN))
        return SERVICE_IN;
    if (c->effect[slot] == EFFECT_KILLS)
        return health == HEALTH_SUSPECT ? SERVICE_DRAIN : SERVICE_DOWN;
    return care_asked(c, slot) == SERVICE_DOWN ? SERVICE_DOWN : SERVICE_DRAIN;
}

static void put_off(struct care *c, uint32_t slot, uint32_t asked, uint8_t verb)
{
    c->service[slot] = (uint8_t)(asked | (c->service[slot] & TRIES) | verb << 4);
}

bool care_engine_decide(const struct care *c, uint32_t slot, struct decision *out)
{
    static const uint8_t VERB[] = { [SERVICE_IN] = ENGINE_RESUME, [SERVICE_DRAIN] = ENGINE_DRAIN,
                                    [SERVICE_DOWN] = ENGINE_DOWN };
    const struct board *b = c->board;
    uint32_t node = b->incident_node[slot];
    if (!c->policy.engine)
        return false;
    enum node_service want = wanted(c, slot);
    if (want == care_asked(c, slot) || VERB[want] == c->service[slot] >> 4)
        return false;
    out->ev.kind = EV_ENGINE_ORDER;
    out->ev.actor = c->flags[slot] & INC_APPROVED ? c->actor[slot] : 0;
    out->ev.body.engine = (struct body_engine){
        .incident = b->incident_id[slot], .node = node, .slot = slot, .job_slot = MW_NONE,
        .class = b->incident_class[slot], .verb = VERB[want] };
    return true;
}

void care_engine_ordered(struct care *c, const struct event *ev)
{
    static const uint8_t ASKED[] = { [ENGINE_DOWN] = SERVICE_DOWN, [ENGINE_DRAIN] = SERVICE_DRAIN,
                                     [ENGINE_RESUME] = SERVICE_IN };
    const struct body_engine *e = &ev->body.engine;
    if (e->verb == ENGINE_REQUEUE || !care_incident_is(c, e->slot, e->incident))
        return;
    c->service[e->slot] = (uint8_t)(ASKED[e->verb] | (c->service[e->slot] & TRIES));
    c->engine[e->slot] = ev->seq;
    c->wait[e->slot] = 0;
    c->flags[e->slot] &= (uint8_t)~INC_APPROVED; /* it was for this one */
    care_mark(c, e->slot);
}

enum admit care_engine_admit(const struct care *c, const struct event *ev)
{
    const struct body_engine *e = &ev->body.engine;
    if (e->verb < ENGINE_DOWN || e->verb >= ENGINE_VERBS || e->result < RESULT_OK ||
        e->result > RESULT_UNKNOWN || !e->order || ev->cause != e->order)
        return ADMIT_IMPOSSIBLE;
    if (e->class == BOARD_CLASS_PERSON || e->verb == ENGINE_REQUEUE)
        return ADMIT_OK; /* work's */
    if (e->slot >= c->board->incidents_used || c->engine[e->slot] != e->order)
        return ADMIT_STALE;
    return ADMIT_OK;
}

void care_engine_answered(struct care *c, const struct event *ev)
{
    const struct body_engine *e = &ev->body.engine;
    if (e->class == BOARD_CLASS_PERSON || e->verb == ENGINE_REQUEUE)
        return;
    c->engine[e->slot] = 0;
    care_mark(c, e->slot);
    if (e->result == RESULT_OK) {
        c->service[e->slot] &= (uint8_t)~TRIES;
        return;
    }
    put_off(c, e->slot, e->verb == ENGINE_RESUME ? SERVICE_DOWN : SERVICE_IN, e->verb);
    if ((c->service[e->slot] & TRIES) == TRIES)
        return; /* a person has to look */
    c->service[e->slot] += TRY;
    if (c->due_ns[e->slot] == MW_NEVER)
        heap_set(&c->timers, e->slot, ev->time_ns + RETRY_NS);
}

void care_engine_advised(struct care *c, const struct event *ev)
{
    const struct body_advice *a = &ev->body.advice;
    put_off(c, a->slot, care_asked(c, a->slot), a->verb);
}

void care_engine_again(struct care *c, uint32_t slot, bool afresh)
{
    if (afresh)
        c->service[slot] &= CARE_ASKED;
    else if ((c->service[slot] & TRIES) != TRIES && !c->wait[slot] &&
             !(c->flags[slot] & INC_REJECTED))
        c->service[slot] &= CARE_ASKED | TRIES;
}

void care_engine_mode(struct care *c, const struct body_command *b)
{
    const struct board *d = c->board;
    if (b->verb != CMD_SET_MODE || b->mode != MODE_ACT)
        return;
    for (uint32_t slot = 0; slot < d->incidents_used; slot++) {
        if (!d->incident_id[slot] || !(c->service[slot] >> 4) || !c->wait[slot])
            continue;
        if (b->hall != MW_NONE && d->fleet->node_hall[d->incident_node[slot]] != b->hall)
            continue;
        uint8_t health = d->node_health[d->incident_node[slot]];
        bool watched = health == HEALTH_PROBATION || health == HEALTH_REPAIRING;
        care_engine_again(c, slot, true);
        c->wait[slot] = 0;
        if (!watched || c->due_ns[slot] == MW_NEVER) /* each in a group of its own */
            heap_set(&c->timers, slot, c->now_ns);
    }
}

uint64_t care_advice_open(const struct care *c, uint32_t node)
{
    must(node < c->board->nodes);
    uint32_t slot = c->board->node_incident[node];
    return slot == MW_NONE ? 0 : c->wait[slot];
}

uint64_t care_gate_open(const struct care *c, uint32_t node)
{
    must(node < c->board->nodes);
    uint32_t slot = c->board->node_incident[node];
    return slot == MW_NONE ? 0 : c->gate[slot];
}

uint32_t care_findings_open(const struct care *c, uint32_t node)
{
    must(node < c->board->nodes);
    uint32_t slot = c->board->node_incident[node];
    return slot == MW_NONE ? 0 : c->open[slot];
}

enum node_service care_node_service(const struct care *c, uint32_t node)
{
    must(node < c->board->nodes);
    uint32_t slot = c->board->node_incident[node];
    return slot == MW_NONE ? SERVICE_IN : (enum node_service)care_asked(c, slot);
}

bool care_engine_pending(const struct care *c, uint32_t node)
{
    must(node < c->board->nodes);
    uint32_t slot = c->board->node_incident[node];
    return slot != MW_NONE && c->engine[slot] != 0;
}
