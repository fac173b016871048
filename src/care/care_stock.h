/*
 * The store of parts: how many are there and on their way.  A step that uses a
 * part takes it when its work order is opened, also where there is none: the
 * store then owes it and delivers from what comes next.  Below the policy's
 * least, more are ordered in whole batches, unless enough is on its way.
 *
 * What is kept is the difference to the policy's stock at the start, so that a
 * record reads the same under another epoch's rules.
 */
#ifndef MW_CARE_STOCK_H
#define MW_CARE_STOCK_H

#include "care/care_private.h"

#define STOCK_ORDERS_MAX 8u /* of one part on their way; more are ordered when one has come */

struct stock {
    /* state, per part */
    int64_t change[CARE_PARTS_MAX]; /* arrived less used */
    /* state: parts.ordered without parts.arrived, [part * STOCK_ORDERS_MAX + place] */
    uint64_t order[CARE_PARTS_MAX * STOCK_ORDERS_MAX]; /* sequence; 0 = a free place */
    int64_t due_ms[CARE_PARTS_MAX * STOCK_ORDERS_MAX];
    uint32_t count[CARE_PARTS_MAX * STOCK_ORDERS_MAX];
};

/* Is this arrival of an order that is open, and of no more than was ordered? */
enum admit stock_admit(const struct care *c, const struct event *ev);

int stock_init(struct care *c);
void stock_fini(struct care *c);
void stock_columns(struct care *c);

/* How long until one can be had: 0 = there is one, or none is needed; else what is left until the
 * delivery that has one to spare; the lead time where none has. ms. */
int64_t stock_wait_ms(const struct care *c, uint32_t part);

bool stock_decide(const struct care *c, struct decision *out); /* parts.ordered */
void stock_ordered(struct care *c, const struct event *ev);
void stock_arrived(struct care *c, const struct event *ev);
/* Both do nothing for CARE_PART_NONE and rows that the policy does not have. */
void stock_use(struct care *c, uint32_t part);
void stock_put_back(struct care *c, uint32_t part); /* the order that took it was withdrawn */
/* The next parts.ordered without parts.arrived, as care's pending actions go on; 0 = no more.
 * first: the place where ours begin. */
uint64_t stock_pending(const struct care *c, uint32_t first, uint32_t *at);

#endif
