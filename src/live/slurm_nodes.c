/*
 * Nodes: what Slurm says of them beside what the state holds, as facts.  Level-
 * triggered: what differs is said, each time from the state as it is then.
 */
#include "live/policy.h"
#include "live/slurm_private.h"

#include <string.h>

static bool is_silent(const struct slurm_group *g)
{
    return (g->bits & SLURM_NODE_DOWN) &&
           ((g->bits & SLURM_NODE_SILENT) || g->owner == OWNER_ENGINE);
}

/* The engine itself says that a node does not answer, or does so again. */
static void compare_finding(struct slurm *s, uint32_t node, const struct slurm_group *g)
{
    uint64_t number = slurm_node_finding(node);
    bool silent = is_silent(g);
    if (silent == care_finding_is_open(s->options.control->care, SOURCE_ENGINE, number))
        return;
    struct event ev = { .kind = silent ? EV_FINDING_OPENED : EV_FINDING_CLOSED };
    ev.body.finding = (struct body_finding){
        .component = component_id(COMPONENT_NODE, node), .finding = number, .node = node,
        .class = LIVE_ENGINE_NODE };
    (void)slurm_fact(s, &ev, NULL, 0);
}

static void compare_report(struct slurm *s, uint32_t node, const struct slurm_group *g)
{
    if (guard_node_reported(s->options.control->guard, node) == (g->service | g->owner << 4))
        return;
    struct event ev = { .kind = EV_NODE_REPORTED };
    ev.body.report = (struct body_report){ .node = node, .service = g->service,
                                           .owner = g->owner };
    (void)slurm_fact(s, &ev, g->words, strlen(g->words));
}

static void adopt(struct slurm *s, uint32_t node)
{
    struct event ev = { .kind = EV_NODES_ADOPTED, .actor = SLURM_PERSON };
    ev.body.adopt = (struct body_adopt){ .first = node, .count = 1, .health = HEALTH_READY };
    (void)slurm_fact(s, &ev, NULL, 0);
}

/* Was it out before, of which slurmctld may have lost our part?  It was away since; or we have just
 * started, or others had it out, and what we found is still so. */
static bool is_forgotten(const struct slurm *s, uint32_t node, uint8_t before)
{
    uint8_t owner = before >> 4;
    if (s->node_ours[node] != 0)
        return s->node_ours[node] != s->interruptions + 1;
    return (owner == OWNER_OTHERS || owner == OWNER_OURS) &&
           care_findings_open(s->options.control->care, node) > 0;
}

/* Slurm has it in service although we ordered it out: others resumed it and answer for it, or it is
 * forgotten and carried out again. */
static void in_service(struct slurm *s, uint32_t node, uint8_t before)
{
    const struct care *care = s->options.control->care;
    const struct board *b = s->board;
    enum node_service ordered = care_node_service(care, node);
    bool lifted = before >> 4 == OWNER_OTHERS && b->node_health[node] != HEALTH_READY &&
                  b->node_incident[node] != MW_NONE;
    if (care_engine_pending(care, node))
        return;
    if (ordered != SERVICE_IN && is_forgotten(s, node, before)) {
        if (s->node_ours[node] == 0)
            s->node_ours[node] = MW_NONE; /* until it is out: no later poll takes it for lifted */
        slurm_order_repeat(s, node, ordered == SERVICE_DOWN ? ENGINE_DOWN : ENGINE_DRAIN);
    } else if (ordered != SERVICE_IN || lifted)
        adopt(s, node);
}

static void compare(struct slurm *s, uint32_t node, const struct slurm_group *g)
{
    uint8_t before = guard_node_reported(s->options.control->guard, node);
    bool unknown = g->bits & SLURM_NODE_UNKNOWN;
    if (slurm_node_unsettled(s, node) || (unknown && g->service == SERVICE_IN))
        return;
    compare_finding(s, node, g);
    compare_report(s, node, g);
    if (g->service == SERVICE_IN)
        in_service(s, node, before);
    else if (g->owner == OWNER_OURS)
        s->node_ours[node] = s->interruptions + 1;
}

void slurm_nodes_compare(struct slurm *s)
{
    const struct slurm_nodes *v = &s->nodes;
    for (uint32_t i = 0; i < v->groups; i++)
        if (v->group[i].bits & SLURM_NODE_UNKNOWN) {
            s->interruptions++; /* slurmctld has just started */
            break;
        }
    s->stats.nodes_known = 0;
    for (uint32_t n = 0; n < s->board->nodes; n++) {
        if (v->of[n] == MW_NONE)
            continue;
        s->stats.nodes_known++;
        compare(s, n, &v->group[v->of[n]]);
    }
    s->stats.nodes_unknown = v->strangers;
}
