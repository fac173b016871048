/*
 * What the executor does with a request: the policy is asked, its rate and lease
 * are looked at, that it begins is made durable, its command runs, and what it
 * did is read back.  One at a time, in the order in which they came.
 *
 *   taken ─refused, shadow, known──────────────► answer
 *     └─ queued ─(before) ─ begun on disk ─ command ─ read back ─► result on disk ─► answer
 *
 * - An id is begun at most once, ever.  One that was begun before a crash of ours
 *   and has no result is read back when we start, and never begun again.
 * - Of each target the highest id is kept; an older one is refused.
 * - Not begun: `failed`.  Begun, and what it did could not be read: `unknown`.
 *   A reboot is `ok` only in a boot with another id than it was begun in.
 * - A check changes nothing: it is not recorded, and may run again after a crash.
 *
 * Time comes in: now_ms of the boot clock, wall_ms of Unix time.
 */
#ifndef MW_AGENT_EXEC_ACT_H
#define MW_AGENT_EXEC_ACT_H

#include "agent/exec_run.h"
#include "agent/exec_store.h"
#include "live/agent_frame.h"

#define EXEC_QUEUE_MAX 16u
#define EXEC_VERIFY_RUN_MS 10000  /* of one reading back */
#define EXEC_VERIFY_PAUSE_MS 500  /* between two */

typedef void exec_answer_fn(void *ctx, const struct agent_frame *f);

struct exec_request {
    uint64_t id;
    int64_t lease_due_ms;      /* boot clock */
    int64_t deadline_ms;       /* check: as asked */
    int32_t gpu;               /* -1 */
    uint32_t level;
    uint8_t action;            /* enum exec_action */
    bool again;                /* begun before we started: only to be read back */
    char name[96];             /* unit, PCI address or class */
    char target[EXEC_TARGET_MAX];
};

enum exec_phase {
    EXEC_IDLE,
    EXEC_BEFORE,  /* what is there before is being read */
    EXEC_COMMAND,
    EXEC_VERIFY,  /* … what is there now */
    EXEC_PAUSE,   /* until it is read again */
    EXEC_BOOT,    /* the machine is going down */
};

struct exec_acts {
    const struct exec_policy *policy; /* borrowed */
    struct exec_store *store;         /* borrowed */
    exec_answer_fn *answer;
    void *ctx;
    char boot[40];
    struct exec_request queue[EXEC_QUEUE_MAX];
    uint32_t queued;
    struct exec_request now;          /* where phase is not EXEC_IDLE */
    struct exec_record record;        /* its */
    struct exec_run run;
    uint8_t phase;                    /* enum exec_phase */
    int64_t due_ms;                   /* of PAUSE and BOOT */
    int64_t verify_due_ms;            /* it has to be seen by then */
    struct agent_frame check;         /* the last answer to a check; verb 0 = none */
    bool ending;                      /* nothing is begun any more */
};

/* boot: this boot's id.  What was begun before and has no result is read back from now on. */
void exec_acts_init(struct exec_acts *a, const struct exec_policy *p, struct exec_store *s,
                    const char *boot, int64_t now_ms);
void exec_acts_fini(struct exec_acts *a);

/* An `act` or `check` frame. */
void exec_acts_take(struct exec_acts *a, const struct agent_frame *f, int64_t now_ms,
                    int64_t wall_ms);
/* A command's pipe or end, or its time: whatever is due. */
void exec_acts_look(struct exec_acts *a, int64_t now_ms, int64_t wall_ms);
/* INT64_MAX: nothing is waited for. */
int64_t exec_acts_next_due(const struct exec_acts *a);
/* May the program end now?  Once `ending` is set: when no command that changes something runs. */
bool exec_acts_may_end(const struct exec_acts *a);

#endif
