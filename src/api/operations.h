/*
 * What takes a while: a question is answered at once with an operation's number, and its result
 * can be fetched until OPERATION_KEPT_S after its end.  One table, bounded: past OPERATIONS_MAX
 * that are not over, nothing new is begun; of those that are over the oldest goes.
 *
 * An operation is owned by the table; who runs it holds it until he says how it ended.  On the
 * server's thread.
 */
#ifndef MW_API_OPERATIONS_H
#define MW_API_OPERATIONS_H

#include <jansson.h>

#include "base/error.h"

#define OPERATIONS_MAX 64u
#define OPERATIONS_RUNNING_MAX 2u /* what-ifs at once: each is a process that takes a processor */
#define OPERATION_KEPT_S 3600

struct operation;
struct operations;

struct event_base;
MW_MUST_USE int operations_create(struct event_base *base, struct operations **ret,
                                  struct mw_error *err);
/* Cancels what runs.  NULL is fine. */
void operations_destroy(struct operations *o);

/* Stops the work behind an operation, at once; it says nothing more of it. */
typedef void operation_cancel_fn(void *work);

/* A new one that runs.  MW_EBUSY: as many run as may. */
MW_MUST_USE int operations_begin(struct operations *o, const char *kind,
                                 operation_cancel_fn *cancel, void *work,
                                 struct operation **ret, struct mw_error *err);
const char *operation_id(const struct operation *op); /* "op-7" */
/* Who asked: the actor of a principal.  0 until it is said: nobody's. */
void operation_is_of(struct operation *op, uint32_t actor);
/* Is there one of this number, and did this actor ask for it? */
bool operations_asked_by(struct operations *o, const char *id, uint32_t actor);

void operation_progress(struct operation *op, uint32_t ppm);
/* Its end; whoever ran it has nothing to do with it any more. */
void operation_done(struct operation *op, json_t *result); /* takes it */
void operation_failed(struct operation *op, const struct mw_error *why);

/* A new reference to its document; NULL: there is none of this number (or no memory). */
json_t *operations_tell(struct operations *o, const char *id);
/* Stops it when it runs, forgets it when it is over.  MW_ENOTFOUND. */
MW_MUST_USE int operations_drop(struct operations *o, const char *id, struct mw_error *err);

#endif
