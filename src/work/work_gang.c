/*
 * Work's side of the index of free nodes: it says which nodes are free and how
 * hazardous, from the board, and what the policy wants of a choice.
 *
 * Hazard is kept as it was when work last looked at the node (a column), not
 * read where care may have changed it since: so the choice after a restart is
 * the choice before it.
 */
#include "work/work_private.h"

void gang_follow(struct work *w, uint32_t node)
{
    const struct board *b = w->board;
    bool shown = !w->hidden[node]; /* no window keeps it from everything */
    w->changes++;
    uint8_t serves = shown && b->node_health[node] == HEALTH_READY && !b->node_holds[node];
    w->serving_total = w->serving_total - w->serving[node] + serves;
    w->serving[node] = serves;
    gang_set(&w->gang, node, shown && board_schedulable(b, node), w->hazard[node]);
    w->free_total = gang_free(&w->gang);
}

void gang_refresh(struct work *w, uint32_t node)
{
    must(node < w->board->nodes);
    w->hazard[node] = w->board->node_hazard[node];
    gang_follow(w, node);
}

void gang_rebuild(struct work *w)
{
    for (uint32_t n = 0; n < w->board->nodes; n++)
        gang_follow(w, n);
}

uint32_t gang_choose(const struct work *w, uint32_t nodes, uint32_t *ret_node)
{
    const struct gang_rule rule = { .topology = w->policy.topology, .avoid = w->policy.avoid };
    return gang_pick(&w->gang, rule, nodes, ret_node);
}
