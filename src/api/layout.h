/*
 * The order in which the fleet is shown: hall by hall, row by row, rack by rack, nodes and their
 * GPUs within.  GET /fleet/layout says it once, and every byte of GET /fleet/heat stands in it. 
 * Pure.
 */
#ifndef MW_API_LAYOUT_H
#define MW_API_LAYOUT_H

#include "api/access.h"
#include "control/control.h"

struct evbuffer;

struct layout {
    uint32_t *node; /* owned: nodes in the order shown */
    uint32_t nodes;
    uint32_t gpus;
};

/* Of the halls that `who` sees (NULL: all).  MW_ENOMEM. */
MW_MUST_USE int layout_init(struct layout *l, const struct fleet *f, const struct principal *who);
void layout_fini(struct layout *l);

/* The document, with this time and revision.  False when out of memory. */
MW_MUST_USE bool layout_write(const struct layout *l, const struct fleet *f, int64_t now_ns,
                              uint64_t revision, struct evbuffer *to);

/* What is drawn of a GPU. */
#define HEAT_METRICS(X)                                                                           \
    X(HEAT_STATE, "state", "the mark: 0 unknown, 1 idle, 2 busy, 3 degraded, 4 suspect, 5 held, " \
                           "6 at the gate, 7 repairing, 8 down, 9 out of service, 10 spare")      \
    X(HEAT_INCIDENT, "incident", "0 none, else 1 + its number % 255: of the incident that its "   \
                                 "own is a symptom of")                                           \
    X(HEAT_JOB, "job", "0 none, else 1 + its number % 255")                                       \
    X(HEAT_TENANT, "tenant", "of its job: 0 none, else 1 + its number % 255")                     \
    X(HEAT_AGE, "age", "0 none, else 1 + whole days since its incident opened, 255 at most")      \
    X(HEAT_RISK, "risk", "hazard: 16 = twice as likely to fail as others, 32 = four times …")

enum heat_metric {
#define X(e, name, doc) e,
    HEAT_METRICS(X)
#undef X
    HEAT_METRIC_COUNT
};
int heat_metric_of(const char *name); /* enum heat_metric; -1 */

/* Bytes in the order of GPU numbers brought into the order of the layout. */
void heat_order(const struct layout *l, const struct fleet *f, const uint8_t *by_gpu,
                uint8_t *ret);

/* A byte a GPU, in the order of the layout; 0 where `who` (NULL: everybody) does not see the node,
 * and of jobs of other tenants.  MW_ENOMEM. */
MW_MUST_USE int heat_fill(const struct layout *l, const struct control *c, enum heat_metric metric,
                          const struct principal *who, int64_t now_ms, uint8_t *ret);

#endif
