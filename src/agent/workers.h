/*
 * The collector's side of one worker: starts it, asks it for one read at a time,
 * takes its readings over, and puts it down when it does not answer in time.  A
 * child that hangs in the kernel cannot be ended: it is left behind, at most
 * WORKER_GRAVES_MAX of them, and counted.  Never blocks.
 */
#ifndef MW_AGENT_WORKERS_H
#define MW_AGENT_WORKERS_H

#include <sys/types.h>

#include "agent/worker.h"

#define WORKER_GRAVES_MAX 4
#define WORKER_START_MS 1000 /* between two starts */
#define WORKER_OPEN_TIMES 5 /* opening may take so many times a source's deadline */

struct worker_row; /* a series as the worker numbers it */

struct worker_side {
    const char *name;      /* "gpu", "links", "slow" */
    pid_t pid;             /* 0 = none */
    int fd;                /* -1 */
    uint32_t asked;        /* index of the source that is being read; MW_NONE */
    int64_t due_ms;        /* while asked: when the answer is too late; else: may be started */
    uint32_t places_told;  /* the generation of the places that it knows */
    uint64_t opened;       /* bit i: source i is open there */
    struct worker_row *row; /* owned; WORKER_SERIES_MAX */
    uint32_t rows;
    struct worker_row *old; /* owned; of the worker before, as long as nothing is known better */
    uint32_t olds;
    pid_t grave[WORKER_GRAVES_MAX]; /* killed, and not dead yet */
    uint64_t killed;
};

/* How a worker is started. Borrowed. */
struct worker_start {
    int program;           /* descriptor of the executable */
    const struct source_env *env;
};

/* What one message came to. */
struct worker_said {
    enum { WORKER_SAID_NOTHING, WORKER_SAID_FRAME, WORKER_SAID_END, WORKER_SAID_DIED } what;
    uint32_t source;           /* END, DIED: which (DIED: MW_NONE when it was idle) */
    uint8_t result;            /* END: enum worker_result */
    bool finding;              /* FRAME: else a part */
    struct agent_frame frame;
    char text[256];
};

MW_MUST_USE int worker_side_init(struct worker_side *w, const char *name);
/* Kills what runs. */
void worker_side_fini(struct worker_side *w);

/* true: it runs; else it was tried to start it, when that was due. *ret_new: its fd is new. */
bool worker_side_ready(struct worker_side *w, const struct worker_start *start, int64_t now_ms,
                       bool *ret_new);
/* Asks for a read of a source; the worker runs and is idle. false: it is gone. */
bool worker_side_ask(struct worker_side *w, uint32_t index, uint32_t generation,
                     const struct places *places, int64_t now_ms);
/* Takes one message; readings go to `samples`. WHAT is NOTHING when there is none (more). */
void worker_side_take(struct worker_side *w, struct samples *samples, void *buffer, size_t size,
                      struct worker_said *ret);
/* Is the answer late?  Then the child is killed, its source's readings are gone, and the number of
 * the source is returned; else MW_NONE. */
uint32_t worker_side_late(struct worker_side *w, struct samples *samples, int64_t now_ms);
/* The readings of a source are gone: it fails or is not there. */
void worker_side_forget(struct worker_side *w, struct samples *samples, uint32_t source);
/* It has nothing to do for a while: ends it, to have its memory back. */
void worker_side_rest(struct worker_side *w, int64_t now_ms);
/* Waits for the dead among the graves, without waiting. */
void worker_side_bury(struct worker_side *w);

#endif
