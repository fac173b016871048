/*
 * What the core knows of a plane: a pure state machine behind five functions.
 * No I/O, clock, randomness, threads or locale behind any of them.
 */
#ifndef MW_CORE_PLANE_H
#define MW_CORE_PLANE_H

#include "core/column.h"
#include "core/event.h"

enum admit {
    ADMIT_OK,
    ADMIT_DUPLICATE,  /* this very fact is in already */
    ADMIT_STALE,      /* about something that is over */
    ADMIT_IMPOSSIBLE, /* names what does not exist, or fields out of range */
    ADMIT_FULL,       /* over a stated capacity */
    ADMIT_GAP,        /* facts of this source before it are missing: send those first */
    ADMIT_COUNT
};

/* A decision on its way to the journal.  decide() fills kind, cause, body, and the tail. */
struct decision {
    struct event ev;
    uint8_t *tail; /* EVENT_TAIL_MAX bytes, owned by the core; ev.tail_size says how many count */
};

struct plane {
    const char *name;
    void *self;
    /* Is this fact acceptable?  NULL = always.  Reads only. */
    enum admit (*admit)(const void *self, const struct event *fact, const void *tail);
    /* Total: cannot fail.  Returns 0 or a contradiction code (> 0, plane-specific) when the event
     * did not fit the state; the world was believed all the same. */
    uint8_t (*apply)(void *self, const struct event *ev, const void *tail);
    /* One decision, or false when there is nothing (left) to decide: *out is then as it came.
     * Must not change what a column holds.  NULL = decides nothing. */
    bool (*decide)(void *self, struct decision *out);
    /* The group is complete, live or read back: drop what waited to be decided. NULL = nothing. */
    void (*quiet)(void *self);
    /* The earliest timer: MW_NEVER when none; *ret_id says which. NULL = no timers. */
    int64_t (*next_due)(const void *self, uint64_t *ret_id);
    /* The next action without a result: its sequence, 0 when there are no more.  *at is 0 at
     * first; the plane moves it on.  Order is by the plane's rows. NULL = no actions. */
    uint64_t (*pending)(const void *self, uint32_t *at);
    struct column_list (*columns)(const void *self);
    /* Indexes again from columns, after a snapshot was loaded. NULL = none. */
    void (*rebuild)(void *self);
};

/* The guard's say over a decision that another plane wants to take. */
struct guard_port {
    void *self;
    /* GUARD_PASS, or why not.  *trips is set when this refusal trips the guard. Reads only. */
    enum guard_reason (*check)(const void *self, const struct event *decision, bool *trips);
    /* Rewrites the refused decision into the advice that is recorded in its place, and, when it
     * tripped, fills *tripped. */
    void (*lower)(const void *self, enum guard_reason reason, struct event *decision,
                  struct event *tripped);
};

#endif
