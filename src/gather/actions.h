/*
 * The daemon's actions, carried out by doors: once per id, highest id of each
 * machine kept on disk before anything is done, under the lease that came with
 * it, and answered with what was read back.  Runs them on a few threads of its
 * own.  What was begun and not ended when the program died is unknown, and is
 * said so; it is never done again by itself.
 */
#ifndef MW_GATHER_ACTIONS_H
#define MW_GATHER_ACTIONS_H

#include "base/error.h"
#include "live/agent_frame.h"

#define ACTIONS_RUNNING_MAX 4
#define ACTIONS_WAITING_MAX 64
#define ACTIONS_MACHINES_MAX 65536

/* Carries out a step; as door_kind.act, found by the machine. */
typedef int actions_do_fn(void *ctx, const char *machine, const char *step, char *ret_text,
                          size_t size, struct mw_error *err);
/* Whether doors.yaml lets this machine be acted on: MW_EDENIED (shadow), MW_ENOTFOUND. */
typedef int actions_may_fn(void *ctx, const char *machine, struct mw_error *err);

struct actions_options {
    const char *state; /* folder; NULL = ids are kept in memory only */
    actions_do_fn *act;
    actions_may_fn *may;
    void *ctx;
};

struct actions;
/* MW_EIO, MW_ECORRUPT (the file is none of ours), MW_ENOMEM. */
MW_MUST_USE int actions_create(const struct actions_options *o, struct actions **ret,
                               struct mw_error *err);
/* Waits for what runs. NULL is fine. */
void actions_destroy(struct actions *a);

/* An act frame of the daemon. */
void actions_take(struct actions *a, int64_t now_ms, const struct agent_frame *f);
int actions_fd(const struct actions *a); /* readable when there is something to say */
/* The next acted frame to say as an event; false: none. */
bool actions_next(struct actions *a, struct agent_frame *ret);

#endif
