/*
 * The agenda of a simulated world: entries in the order (time, insertion).
 * A four-way heap of 24-byte entries that grows by doubling.  It never looks
 * into an entry's meaning and never drops one: whoever pops a stale entry
 * passes over it.
 */
#ifndef MW_SIM_QUEUE_H
#define MW_SIM_QUEUE_H

#include "base/error.h"
#include "base/units.h"

struct queue_entry {
    int64_t time_ns;
    uint64_t order; /* insertion number << 16 | sub << 8 | kind */
    uint32_t a, b;
};
static inline uint8_t queue_kind(const struct queue_entry *e)
{
    return (uint8_t)e->order;
}
static inline uint8_t queue_sub(const struct queue_entry *e)
{
    return (uint8_t)(e->order >> 8);
}

struct queue {
    struct queue_entry *entry;
    uint32_t length, room;
    uint64_t inserted;
    bool failed; /* out of memory: entries were lost, the run must end */
};

void queue_fini(struct queue *q);

struct queue_what {
    uint8_t kind, sub;
    uint32_t a, b;
};
void queue_push(struct queue *q, int64_t time_ns, struct queue_what what);

static inline int64_t queue_next_ns(const struct queue *q)
{
    return q->length > 0 ? q->entry[0].time_ns : MW_NEVER;
}

/* must() not be empty. */
struct queue_entry queue_pop(struct queue *q);

#endif
