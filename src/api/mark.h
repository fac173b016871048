/*
 * The mark: one of eleven states under which a node or a GPU is shown, in lists
 * and on the heat map, so that both say the same.  Pure: reads a controller.
 *
 * The first rule that holds names the mark: out of service (racked, being
 * provisioned or sanitised, retired, or in a maintenance window that is on), at
 * the gate, in repair, down, suspect, held, degraded (an open incident on a node
 * that still serves), busy, idle.
 */
#ifndef MW_API_MARK_H
#define MW_API_MARK_H

#include "control/control.h"

/* X(enum, value, "name", what it is): the values are those of GET /fleet/heat?metric=state. */
#define API_MARKS(X)                                                                            \
    X(MARK_UNKNOWN, 0, "unknown", "nothing is known of it")                                     \
    X(MARK_IDLE, 1, "idle", "ready, no job is on it")                                           \
    X(MARK_BUSY, 2, "busy", "a job is on it")                                                   \
    X(MARK_DEGRADED, 3, "degraded", "it serves, and an incident on it is open")                 \
    X(MARK_SUSPECT, 4, "suspect", "its job is taken off it, then it is repaired")               \
    X(MARK_HELD, 5, "held", "a person or the engine keeps jobs from it")                        \
    X(MARK_GATE, 6, "gate", "repaired: at its check, or watched after it")                      \
    X(MARK_REPAIRING, 7, "repairing", "somebody works on it")                                   \
    X(MARK_DOWN, 8, "down", "broken, nobody has begun on it")                                   \
    X(MARK_OUT, 9, "out", "not in service: racked, retired, or planned maintenance")            \
    X(MARK_SPARE, 10, "spare", "ready, kept for restarts")

enum api_mark {
#define X(e, value, name, doc) e = value,
    API_MARKS(X)
#undef X
    API_MARK_COUNT
};

const char *api_mark_name(uint8_t mark); /* "busy"; "unknown" out of range */
const char *api_mark_doc(uint8_t mark);

/* MARK_UNKNOWN when out of range.  Never MARK_SPARE: see below. */
uint8_t api_mark_node(const struct control *c, uint32_t node);

/* As its node, but of an allocated node the GPUs that its job did not ask for are idle, and where
 * the incident of a node that serves is one GPU's, only that GPU is degraded. */
uint8_t api_mark_gpu(const struct control *c, uint32_t gpu);

/* The marks of all GPUs by their number, spares (see below) with them: what api_mark_gpu says of
 * each, in one walk.  Room for as many as the fleet has. */
void api_mark_fill(const struct control *c, uint8_t *ret);

/* How many GPUs are healthy: of nodes whose mark is idle, busy, degraded (it serves on) or spare;
 * and how many are busy: those that jobs with nodes asked for, whatever becomes of their nodes. */
struct api_gpu_counts {
    uint32_t healthy, busy;
};
struct api_gpu_counts api_gpu_counts(const struct control *c);

/*
 * Spares are a number of nodes, not a set (spares.sized).  They are shown on the last idle nodes in
 * the order of the site: a node (or GPU of one) that is MARK_IDLE and whose node number is not
 * below this is MARK_SPARE. MW_NONE: none is spare. One walk over the nodes.
 */
uint32_t api_mark_spares_from(const struct control *c);
static inline uint8_t api_mark_with_spares(uint8_t mark, uint32_t node, uint32_t spares_from)
{
    return mark == MARK_IDLE && spares_from != MW_NONE && node >= spares_from ? MARK_SPARE : mark;
}

#endif
