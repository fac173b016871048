/*
 * Room made for a job: others are told to stop at their next checkpoint.
 *
 * Who may ask: a job of a higher priority, of those that run at a lower one; a
 * restart, of those that may be interrupted, whatever their priority.  What may
 * be interrupted asks for nothing.  Whole gangs only, and only when all that can
 * be had makes the room.  What stops anyway and for nobody counts first; then the
 * cheapest: first those that may be interrupted and whose tenant is over its
 * quota, then others that may be interrupted, then the rest; among them by what a
 * stop at the checkpoint costs, a node of theirs: no work is lost there, so it is
 * the restart, and the wait until the checkpoint during which the one that asks
 * stands still.  Those that turn out not to be needed are left alone.  A stop
 * that makes room no sooner than the reservation is not asked for.
 *
 * The room is promised: nodes that come free that way, and those it was counted
 * with, go to nobody else until the job that asked is placed or gone.  It asks
 * again only when what it was promised is not enough any more.
 */
#ifndef MW_WORK_WORK_PREEMPT_H
#define MW_WORK_WORK_PREEMPT_H

#include "work/work_private.h"

MW_MUST_USE bool preempt_init(struct work *w); /* false: out of memory */
void preempt_fini(struct work *w);
void preempt_rebuild(struct work *w); /* after backfill_rebuild */

/* Where another engine places, none of these counts anything: it makes room itself. */

/* Asks for the stops that make room for a job that waits; false when there are none to ask. */
bool preempt_ask(struct work *w, uint32_t slot);

/* The record says: an attempt was told to stop (for the first time, before stop_how says so); for
 * the job that `cause` submitted, where it is for room. */
void preempt_stopping(struct work *w, uint32_t slot, uint64_t cause, bool room);
/* An attempt began, or is over: what runs, and what was coming. */
void preempt_placed(struct work *w, uint32_t slot);
void preempt_ended(struct work *w, uint32_t slot);
/* A job that waited does not any more: placed, cancelled. */
void preempt_forget(struct work *w, uint32_t slot);
/* A node under an attempt came into service or left it (backfill_gives has counted it). */
void preempt_gives(struct work *w, uint32_t slot, bool more);

bool preempt_any(const struct work *w); /* is anything promised to anybody? */
bool preempt_is_asker(const struct work *w, uint32_t slot);
/* Of those that asked the first in the queue that fits now; MW_NONE. */
uint32_t preempt_ready(const struct work *w);
/* Free nodes that are promised to others than this job: a number, beside the free nodes of windows
 * that bar one of those others. */
struct promised {
    uint64_t job;  /* one that they are promised to; 0 */
    uint64_t shut; /* windows */
    uint32_t nodes;
};
struct promised preempt_promised(const struct work *w, uint32_t slot);
/* Nodes under attempts that may be interrupted and were not told to stop. */
uint32_t preempt_lent(const struct work *w);

#endif
