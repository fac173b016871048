/*
 * What the stories of impossible_test.c and impossible_acts_test.c share: a node's
 * way from its fault back into service.  For tests only.
 */
#ifndef MW_CONTROL_IMPOSSIBLE_H
#define MW_CONTROL_IMPOSSIBLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig_ladder.h"

#define NODES 16

static inline struct rig *bench(void)
{
    return rig_make(NODES, NULL);
}

/* A node's first work order may wait for a common cause to show itself. */
static inline void let_orders_go(struct rig *r)
{
    rig_wait(r, r->policy.care.cause_window_ms * MW_NS_PER_MS + RIG_SECOND);
}

/* Repaired, its finding closed: the gate runs. */
static inline void to_the_gate(struct rig *r, uint32_t node, uint64_t finding)
{
    let_orders_go(r);
    rig_repair(r, node);
    assert_int_equal(rig_closed(r, node, finding), ADMIT_OK);
    assert_int_equal(rig_node_health(r, node), HEALTH_VALIDATING);
}

static inline void to_ready(struct rig *r, uint32_t node)
{
    assert_int_equal(rig_gate(r, node, RESULT_OK), ADMIT_OK);
    for (uint32_t h = 0; h < 64 && rig_node_health(r, node) != HEALTH_READY; h++)
        rig_wait(r, RIG_HOUR);
    assert_int_equal(rig_node_health(r, node), HEALTH_READY);
}

static inline bool is_out(const struct rig *r, uint32_t node)
{
    return rig_node_health(r, node) != HEALTH_READY &&
           r->control->board->node_incident[node] != MW_NONE;
}

#endif
