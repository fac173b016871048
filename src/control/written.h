/*
 * A record that a test writes by hand, event by event, for what only reads
 * records: no plane decides anything.
 */
#ifndef MW_CONTROL_WRITTEN_H
#define MW_CONTROL_WRITTEN_H

#include "control/words.h"

#define WRITTEN_START_NS (INT64_C(1700000000) * 1000000000)

struct written {
    struct fleet *fleet;
    struct control_policy policy;
    struct journal *journal;
    struct words words;
    int64_t now_ns;  /* of the next event */
};

/* Nodes of a simple site; classes "gpu" (0), "slow" (1) and "power" (2), a part "board". */
struct written *written_make(uint32_t nodes);
void written_free(struct written *w);

/* Appends and commits one event at now_ns; gives its sequence. */
uint64_t written_add(struct written *w, const struct event *ev, const void *tail);

#endif
