/*
 * The collector's side of the executor's socket: hands it what the daemon asks
 * for (`act`, `check`), holds that while the executor is away and its lease
 * lasts, and tells the daemon what became of it.  The collector itself can do
 * nothing that an action does; the executor believes nothing of it but its uid.
 *
 * - Of an action that was never handed over the answer is `failed` (not begun)
 *   when its lease is over; of one that was, there is none until the executor
 *   says it, after however many connections.
 * - The lease runs on the boot clock from when the frame came here; the executor
 *   is given what is left of it.
 * - The same id again is no second request: its answer is said again.
 * - Whether the executor is there is a source of its own ("executor"), with its
 *   mode as text.
 *
 * Needs no time from its caller: it reads the boot clock.  Never blocks.
 */
#ifndef MW_AGENT_EXEC_LINK_H
#define MW_AGENT_EXEC_LINK_H

#include "live/agent_frame.h"

#define EXEC_LINK_WAITS 32u      /* asked and not answered */
#define EXEC_LINK_RETRY_MS 1000  /* between two tries to connect */

/* Where answers go: an event (acted, checked: to be sent until it is acknowledged) and a level (a
 * source).  The frame is borrowed for the call. */
struct exec_link_port {
    void *ctx;
    void (*event)(void *ctx, const struct agent_frame *f);
    void (*level)(void *ctx, const struct agent_frame *f);
};

struct exec_wait {
    uint64_t id;           /* 0 = free */
    int64_t lease_due_ms;  /* boot clock */
    int64_t deadline_ms;
    int32_t gpu;
    uint32_t level;
    uint8_t verb;          /* AGENT_ACT or AGENT_CHECK */
    bool handed;           /* the executor may have it */
    char action[24], name[96];
};

struct exec_link {
    const char *path;      /* borrowed; NULL = there is no executor */
    struct exec_link_port port;
    int fd;                /* -1 */
    uint32_t sockets;      /* opened so far: a later one may have the number of an earlier */
    bool wants_write;      /* what the event loop should wait for, besides reading */
    bool up;               /* the executor has greeted us */
    bool checks;           /* … and runs checks */
    int64_t retry_ms;
    struct exec_wait wait[EXEC_LINK_WAITS];
    char in[AGENT_FRAME_MAX], out[4 * AGENT_FRAME_MAX];
    size_t in_length, out_length;
    struct agent_frame source; /* as last said; verb 0 = not yet */
};

void exec_link_init(struct exec_link *l, const char *path, const struct exec_link_port *port);
void exec_link_fini(struct exec_link *l);

/* An `act` or `check` of the daemon.  False: not for the executor (a check, where there is none
 * that runs checks), and it is the caller's. */
bool exec_link_take(struct exec_link *l, const struct agent_frame *f);
/* The socket l->fd is ready. */
void exec_link_ready(struct exec_link *l);
/* At each beat: connects, and answers what was never handed over and is past its lease. */
void exec_link_tick(struct exec_link *l);
/* After each welcome: the source is said again. */
void exec_link_again(struct exec_link *l);

#endif
