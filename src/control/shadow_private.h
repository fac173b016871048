/* What shadow_walk.c (withdrawals from events) and shadow.c (rows from withdrawals) share. */
#ifndef MW_CONTROL_SHADOW_PRIVATE_H
#define MW_CONTROL_SHADOW_PRIVATE_H

#include "control/shadow.h"

enum span_side { SPAN_OURS, SPAN_THEIRS };

/* One withdrawal of one node by one side. */
struct span {
    uint64_t seq, incident, finding_seq, confirm_seq;
    uint64_t job; /* that was on it, or came to it; 0 */
    int64_t begin_ns, end_ns;
    uint32_t node, detail, attempt, slot;
    uint16_t class;
    uint8_t side, service, verdict;
    bool open, did, rejected;
    char reason[SHADOW_REASON_MAX];
};

struct spans {
    struct span *span; /* owned */
    uint32_t length, room;
    uint32_t engine_down;
    int64_t last_ns;
};

/* All withdrawals of the record, in order of their beginning. */
MW_MUST_USE int shadow_walk(struct journal *j, const struct words *w, struct spans *ret,
                            struct mw_error *err);

#endif
