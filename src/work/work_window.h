/*
 * Maintenance windows: a person announces that nodes will be worked on.
 *
 * From the command on (notice) no job is placed on those nodes that is expected
 * to run past the start, unless it may be interrupted.  At the start attempts
 * that are still there are told to stop at their next checkpoint, in batches, a
 * group of events each; nothing is placed there until the end.  Health is
 * untouched.  Two windows over one node at one time are refused.
 */
#ifndef MW_WORK_WORK_WINDOW_H
#define MW_WORK_WORK_WINDOW_H

#include "work/work_private.h"

#define WINDOW_STOPS 32u     /* attempts that are told to stop in one group of events */
#define WINDOW_TIMER 1u      /* the id of work's second timer; the pulse is 0 */
#define WINDOW_MS_MAX (INT64_MAX / MW_NS_PER_MS / 2) /* times and lengths beyond are refused */

MW_MUST_USE bool window_init(struct work *w); /* false: out of memory */
void window_fini(struct work *w);
void window_rebuild(struct work *w); /* before the free and serving indexes */

enum admit window_admit(const struct work *w, const struct event *ev);
void window_command(struct work *w, const struct event *ev);
void window_fired(struct work *w);

/* Windows (bits of rows) whose nodes a job that ends at end_ms may not have: those that are on, and
 * of those to come, unless it may be interrupted, those that begin before it ends. */
uint64_t window_mask(const struct work *w, uint32_t slot, int64_t end_ms);
/* Of windows to come: nodes in them that serve, each once, and those of them that are free; nodes
 * of an attempt in them that serve. */
struct window_sum window_sum(const struct work *w, uint64_t mask);
uint32_t window_under(const struct work *w, uint64_t mask, uint32_t slot);
/* The one that ends first, MW_NONE; nodes that its end gives back, where the others of the set are
 * still to end. */
uint32_t window_first_end(const struct work *w, uint64_t mask);
uint32_t window_opens(const struct work *w, uint32_t row, uint64_t mask);
/* Hides the free nodes of windows to come from a choice, and shows them again. */
void window_hide(struct work *w, uint64_t mask, bool hide);

#endif
