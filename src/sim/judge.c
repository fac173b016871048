/*
 * The record held against the truth: what was done on false alarms, and whether
 * those who were called lemons are.  It counts and changes nothing.
 */
#include "sim/world_parts.h"

#include "base/mem.h"

int judge_init(struct world *w)
{
    w->judged.incidents = w->config.incidents_max;
    w->judged.incident_false = mw_calloc(w->judged.incidents, sizeof(*w->judged.incident_false));
    return w->judged.incident_false == NULL ? MW_ENOMEM : 0;
}

void judge_fini(struct world *w)
{
    mw_free(w->judged.incident_false);
}

static void incident(struct world *w, const struct event *ev)
{
    const struct body_incident *b = &ev->body.incident;
    bool alarm = (b->finding & FAULT_NUMBER_FALSE) != 0;
    if (b->slot >= w->judged.incidents)
        return;
    if (ev->kind == EV_INCIDENT_OPENED)
        w->judged.incident_false[b->slot] = alarm;
    else
        w->judged.incident_false[b->slot] &= alarm;
}

/* Is this taken for false alarms alone, and nothing is wrong with the node? */
static bool is_false(const struct world *w, uint32_t slot, uint32_t node)
{
    return slot < w->judged.incidents && w->judged.incident_false[slot] != 0 &&
           node < w->nodes && !faults_any_true(w, node);
}

static void moved(struct world *w, const struct body_node *b)
{
    if (b->from == HEALTH_READY && b->to == HEALTH_DOWN && is_false(w, b->slot, b->node))
        w->judged.drains_false++;
    if (b->to == HEALTH_RETIRED && b->from != HEALTH_RETIRED)
        depot_replace_node(w, b->node);
}

/* Is there a fault on it, open or out of sight, that was treated before and not cured? */
static bool was_not_cured(const struct world *w, uint32_t node)
{
    uint32_t at = w->faults.node_first[node];
    while (at != MW_NONE && w->faults.row[at].nth >> NTH_RELAPSE_SHIFT == 0)
        at = w->faults.row[at].next;
    return at != MW_NONE || w->faults.node_hidden[node] != MW_NONE;
}

static void judged(struct world *w, const struct body_judge *b)
{
    if (!b->lemon || b->node >= w->nodes)
        return;
    bool lemon = world_is_lemon(w, b->node);
    w->judged.lemons_true += lemon;
    w->judged.lemons_false += !lemon;
    w->judged.lemons_uncured += !lemon && was_not_cured(w, b->node);
    sometimes(w->marks, lemon, MARK_LEMON_FOUND);
}

void judge_reads(struct world *w, const struct event *ev)
{
    const struct body_drain *d = &ev->body.drain;
    const struct body_stop *s = &ev->body.stop;
    switch (ev->kind) {
    case EV_INCIDENT_OPENED:
    case EV_INCIDENT_JOINED: incident(w, ev); break;
    case EV_NODE_MOVED: moved(w, &ev->body.node); break;
    case EV_DRAIN_ORDERED:
        if (ev->actor == 0 && is_false(w, d->slot, d->node))
            w->judged.drains_false++;
        break;
    case EV_ATTEMPT_STOP:
        if (s->how == DRAIN_NOW && is_false(w, s->incident_slot, s->node))
            w->judged.stops_false++;
        break;
    case EV_NODE_JUDGED: judged(w, &ev->body.judge); break;
    default: break;
    }
}
