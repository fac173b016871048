/* The life of a node, as a table. */
#include "board/board.h"

#define TO(h) (1u << (h))

static const struct {
    const char *name;
    uint32_t may; /* healths it may move to */
} HEALTH[HEALTH_COUNT] = {
    [HEALTH_RACKED] = { "racked", TO(HEALTH_PROVISIONING) | TO(HEALTH_RETIRED) },
    [HEALTH_PROVISIONING] = { "provisioning", TO(HEALTH_VALIDATING) | TO(HEALTH_DOWN) },
    [HEALTH_VALIDATING] = { "validating",
                            TO(HEALTH_PROBATION) | TO(HEALTH_READY) | TO(HEALTH_DOWN) },
    [HEALTH_PROBATION] = { "probation", TO(HEALTH_READY) | TO(HEALTH_DOWN) },
    [HEALTH_READY] = { "ready",
                       TO(HEALTH_SUSPECT) | TO(HEALTH_DOWN) | TO(HEALTH_SANITISING) },
    [HEALTH_SUSPECT] = { "suspect", TO(HEALTH_DOWN) | TO(HEALTH_READY) },
    [HEALTH_DOWN] = { "down", TO(HEALTH_REPAIRING) | TO(HEALTH_VALIDATING) | TO(HEALTH_RETIRED) },
    [HEALTH_REPAIRING] = { "repairing",
                           TO(HEALTH_VALIDATING) | TO(HEALTH_DOWN) | TO(HEALTH_RETIRED) },
    [HEALTH_SANITISING] = { "sanitising", TO(HEALTH_READY) | TO(HEALTH_DOWN) },
    [HEALTH_RETIRED] = { "retired", 0 },
};

const char *health_name(uint32_t health)
{
    return health < HEALTH_COUNT ? HEALTH[health].name : "unknown";
}

bool health_may_move(uint32_t from, uint32_t to)
{
    must(from < HEALTH_COUNT && to < HEALTH_COUNT);
    return (HEALTH[from].may & TO(to)) != 0;
}
