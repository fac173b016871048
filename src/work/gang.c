/*
 * Gang placement over counters of free nodes per placement group: the smallest
 * single group that fits, else whole groups from the fullest down.  The index
 * follows the board; nothing here is state.
 */
#include "work/work_private.h"

void gang_refresh(struct work *w, uint32_t node)
{
    must(node < w->board->nodes);
    uint8_t now = board_schedulable(w->board, node);
    uint8_t serves = w->board->node_health[node] == HEALTH_READY && !w->board->node_holds[node];
    w->serving_total = w->serving_total - w->serving[node] + serves;
    w->serving[node] = serves;
    if (w->free[node] == now)
        return;
    uint32_t g = w->board->fleet->node_group[node];
    w->free[node] = now;
    w->groups_with[w->group_free[g]]--;
    if (now) {
        w->group_free[g]++;
        w->free_total++;
    } else {
        w->group_free[g]--;
        w->free_total--;
    }
    w->groups_with[w->group_free[g]]++;
}

void gang_rebuild(struct work *w)
{
    for (uint32_t n = 0; n < w->board->nodes; n++)
        gang_refresh(w, n);
}

/* Takes up to `want` free nodes of a group in the order of its list. */
static uint32_t take_from(const struct work *w, uint32_t group, uint32_t want, uint32_t *ret_node)
{
    const struct fleet_list *l = &w->board->fleet->group_nodes;
    uint32_t got = 0;
    for (uint32_t i = l->first[group]; i < l->first[group + 1] && got < want; i++)
        if (w->free[l->item[i]])
            ret_node[got++] = l->item[i];
    return got;
}

/* The first of the groups with the fewest free nodes that hold them all; MW_NONE. */
static uint32_t tightest(const struct work *w, uint32_t nodes)
{
    uint32_t size = nodes, g = 0;
    while (size <= w->group_size_max && w->groups_with[size] == 0)
        size++;
    if (size > w->group_size_max)
        return MW_NONE;
    while (w->group_free[g] != size)
        g++;
    return g;
}

uint32_t gang_choose(const struct work *w, uint32_t nodes, uint32_t *ret_node)
{
    must(nodes > 0 && nodes <= w->free_total);
    uint32_t one = tightest(w, nodes);
    if (one != MW_NONE) {
        must(take_from(w, one, nodes, ret_node) == nodes);
        return 1;
    }
    /* The fullest: all groups with more than `size` free, and of those with `size` the first that
     * hold the rest. */
    uint32_t size = w->group_size_max, rest = nodes;
    while (size > 1 && (uint64_t)w->groups_with[size] * size < rest) {
        rest -= w->groups_with[size] * size;
        size--;
    }
    uint32_t got = 0, touched = 0;
    for (uint32_t g = 0; g < w->groups && got < nodes; g++) {
        uint32_t want = w->group_free[g] > size ? w->group_free[g] : 0;
        if (w->group_free[g] == size && rest) {
            want = MW_MIN(size, rest);
            rest -= want;
        }
        if (want) {
            got += take_from(w, g, want, ret_node + got);
            touched++;
        }
    }
    must(got == nodes);
    return touched;
}
