/*
 * Messages between the world's sources and the controller.  Each source counts
 * its facts and keeps each until it is acknowledged; on the way a message may
 * be lost, late, doubled, or change places with the one after it, and an
 * acknowledgement may be lost.  Without such faults facts pass in the order in
 * which they were sent.
 *
 * It never reads a fact's body.
 */
#ifndef MW_SIM_TRANSPORT_H
#define MW_SIM_TRANSPORT_H

#include "core/event.h"
#include "sim/marks.h"
#include "sim/scenario.h"

struct transport_config {
    struct scenario_messages messages;
    uint64_t seed;
    uint32_t sources;
    int64_t quiet_ns; /* from here on messages arrive */
    struct marks *marks;
};
struct transport_stats {
    uint64_t sent, lost, late, doubled, reordered, resent;
};

struct transport;
MW_MUST_USE int transport_create(const struct transport_config *c, struct transport **ret);
void transport_destroy(struct transport *t);

/* text: NULL, or a string that outlives the transport's use of it. */
void transport_send(struct transport *t, int64_t now_ns, const struct event *fact,
                    const char *text);

/* When something arrives; MW_NEVER when nothing is on its way. */
int64_t transport_next_ns(const struct transport *t);

struct delivery {
    struct event fact; /* source_seq and seq (lowest kept) are filled */
    const char *text;
    uint32_t row;
};
/* What arrives by now; false when there is nothing.  Each delivery is answered by
 * transport_answer() before the next is taken. */
bool transport_take(struct transport *t, int64_t now_ns, struct delivery *ret);
void transport_answer(struct transport *t, int64_t now_ns, const struct delivery *d, bool acked);

/* From now on everything arrives, and all that is kept is sent again at once. */
void transport_flush(struct transport *t, int64_t now_ns);

struct transport_stats transport_stats(const struct transport *t);
bool transport_failed(const struct transport *t); /* out of memory */

#endif
