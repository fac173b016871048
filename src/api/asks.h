/*
 * A mailbox between the API's thread, which asks, and the writer's, which answers: commands, the
 * writer's own status, the speed of a replay; and a bell that the writer rings after each commit.
 * Two eventfds and one mutex; nothing is shared but what lies in it, whole, one way at a time.
 *
 * Bounded: ASKS_MAX wait at most, then MW_EBUSY.  Every ask that was taken is answered once; one
 * that the writer has not begun with within ASKS_WAIT_NS is taken back: MW_ETIMEOUT, and nothing
 * was done.
 */
#ifndef MW_API_ASKS_H
#define MW_API_ASKS_H

#include <jansson.h>

#include "api/command.h"
#include "control/control.h"

#define ASKS_WAIT_NS (INT64_C(8) * 1000000000) /* chosen: before clients lose patience at 10 s */
#define ASKS_MAX 1024 /* chosen: a second of a site where everybody presses a key at once */

struct asks;

/* What the writer can do.  Called on the WRITER's thread. */
struct api_writer {
    void *ctx;
    /* Durable on return; gives the sequence of what was recorded. */
    int (*command)(void *ctx, uint32_t actor, const struct api_command *c, uint64_t *ret_seq,
                   struct mw_error *err);
    /* The state as it is, borrowed: what a command's If-Match is held against. */
    const struct control *(*control)(void *ctx);
    /* A document; NULL + err. */
    json_t *(*status)(void *ctx, struct mw_error *err);
    /* wish NULL = just tell.  The whole function NULL = not a replay. */
    json_t *(*replay)(void *ctx, const json_t *wish, struct mw_error *err);
    /* What machines say of themselves: wish as api/machines_tell.h has it.  NULL = nobody listens
     * to agents here. */
    json_t *(*machines)(void *ctx, const json_t *wish, struct mw_error *err);
};

MW_MUST_USE int asks_create(struct asks **ret, struct mw_error *err);
void asks_destroy(struct asks *a); /* when neither thread uses it any more */

/* ---- the writer's side ----------------------------------------------------------------------- */

int asks_fd(const struct asks *a); /* readable when something is asked */
void asks_answer(struct asks *a, const struct api_writer *w); /* executes all that waits */
/* Rings the bell of the API's thread; cheap, any rate.  seq: what is durable; now_ns: the site's
 * time, also when nothing was committed. */
void asks_committed(struct asks *a, uint64_t seq, int64_t now_ns);
/* The writer ends: what waits, and what is asked from now on, is answered MW_EBUSY. */
void asks_close(struct asks *a);
/* Before the API's thread begins: this site is a replay, GET and POST /replay are for it. */
void asks_replays(struct asks *a);
/* Another wait than ASKS_WAIT_NS; before the API's thread begins. */
void asks_patience(struct asks *a, int64_t wait_ns);

/* ---- the API's side -------------------------------------------------------------------------- */

struct ask_answer {
    int code;            /* 0, or negative with err */
    struct mw_error err;
    uint64_t seq;        /* of a command */
    bool changed;        /* MW_ECONFLICT because the command's if_match does not hold (412) */
    json_t *json;        /* of status, replay, machines; owned by the answer: take it, or it is
                            dropped */
};
/* Called from asks_hear(), once for each ask that was taken. */
typedef void asks_told_fn(void *ctx, struct ask_answer *a);

/* MW_EBUSY: too many wait, or the writer has ended; told is not called then. */
MW_MUST_USE int asks_command(struct asks *a, uint32_t actor, const struct api_command *c,
                             asks_told_fn *told, void *ctx, struct mw_error *err);
MW_MUST_USE int asks_status(struct asks *a, asks_told_fn *told, void *ctx, struct mw_error *err);
/* Takes wish (also on failure); NULL = just tell.  MW_ECONFLICT: the site is no replay. */
MW_MUST_USE int asks_replay(struct asks *a, json_t *wish, asks_told_fn *told, void *ctx,
                            struct mw_error *err);
bool asks_is_replay(const struct asks *a);
/* Takes wish (also on failure). */
MW_MUST_USE int asks_machines(struct asks *a, json_t *wish, asks_told_fn *told, void *ctx,
                              struct mw_error *err);

int asks_bell(const struct asks *a); /* readable when something was answered or committed */
struct asks_news {
    uint64_t seq;   /* committed, as last told; 0 = never told */
    int64_t now_ns; /* 0 = never told */
    bool closed;
};
struct asks_news asks_news(struct asks *a); /* any time, cheap */
/* Quiets the bell and calls `told` of all that is answered, or has waited for too long: to be
 * called when the bell rings, and about once a second. */
void asks_hear(struct asks *a);

#endif
