/* The model of power.h. */
#include "api/power.h"

#include "base/mem.h"

int64_t power_of_node(const struct control *c, uint32_t node)
{
    const struct board *b = c->board;
    must(node < b->nodes);
    int64_t nameplate = b->fleet->node_power_w[node];
    uint8_t health = b->node_health[node];
    if (health == HEALTH_RACKED || health == HEALTH_RETIRED || health == HEALTH_REPAIRING)
        return 0;
    bool works = b->node_job[node] != MW_NONE || health == HEALTH_VALIDATING;
    return nameplate * (works ? POWER_BUSY_PERMILLE : POWER_IDLE_PERMILLE) / 1000;
}

/* What the racks have besides their nodes, with the nodes' own. */
static int64_t drawn(const struct control *c, uint32_t hall)
{
    const struct fleet *f = c->board->fleet;
    int64_t sum = 0;
    for (uint32_t n = 0; n < c->board->nodes; n++)
        if (hall == MW_NONE || f->node_hall[n] == hall)
            sum += power_of_node(c, n) - f->node_power_w[n];
    for (uint32_t r = 0; r < f->count[COMPONENT_RACK]; r++)
        if (hall == MW_NONE || f->rack_hall[r] == hall)
            sum += f->rack_power_w[r];
    return MW_MAX(sum, 0);
}

/* The uppermost breaker that feeds a PDU.  A site file has no rings (site_check.c); the bound is
 * for those who change that. */
static uint32_t top_of(const struct fleet *f, uint32_t pdu)
{
    uint32_t b = f->pdu_breaker[pdu];
    for (uint32_t i = 0; i < f->count[COMPONENT_BREAKER] && b != MW_NONE; i++) {
        if (f->breaker_parent[b] == MW_NONE)
            return b;
        b = f->breaker_parent[b];
    }
    return b;
}

/* The limits of the breakers above one side's feeds; seen: a byte a breaker, of zeros. */
static int64_t side_limit(const struct fleet *f, uint32_t hall, uint32_t side, uint8_t *seen)
{
    int64_t sum = 0;
    for (uint32_t r = 0; r < f->count[COMPONENT_RACK]; r++) {
        uint32_t pdu = f->rack_pdu[side][r];
        if (pdu == MW_NONE || (hall != MW_NONE && f->rack_hall[r] != hall))
            continue;
        uint32_t top = top_of(f, pdu);
        if (top == MW_NONE || seen[top])
            continue;
        seen[top] = 1;
        sum += f->breaker_limit_w[top];
    }
    return sum;
}

int power_of(const struct control *c, uint32_t hall, struct power *ret)
{
    must(c && ret);
    const struct fleet *f = c->board->fleet;
    int64_t side[2];
    for (uint32_t s = 0; s < 2; s++) {
        uint8_t *seen mw_cleanup(mw_freep) = mw_calloc(f->count[COMPONENT_BREAKER] + 1u, 1);
        if (!seen)
            return MW_ENOMEM;
        side[s] = side_limit(f, hall, s, seen);
    }
    ret->drawn_w = drawn(c, hall);
    ret->cap_w = side[1] > 0 ? MW_MIN(side[0], side[1]) : side[0];
    return 0;
}
