/*
 * What the executor has begun and what came of it, on disk before it matters:
 * an action is begun only once that it begins is durable (fsync), so that after
 * any crash an id is known to have been begun and is never begun again.
 *
 * One file, actions.log, of lines that are only appended; rewritten whole (new
 * file, fsync, rename) when it is opened and when it has grown.  A last line
 * that is not whole was never acted upon and is dropped; any other line that
 * cannot be read is a reason not to start.
 *
 * Remembers: the last EXEC_PAST_MAX actions with their results, the highest id of
 * each target, and when actions were begun, for their rates.
 */
#ifndef MW_AGENT_EXEC_STORE_H
#define MW_AGENT_EXEC_STORE_H

#include "agent/exec_policy.h"

#define EXEC_PAST_MAX 64u
#define EXEC_TARGETS_MAX 96u  /* more than GPUs, units and the node together */
#define EXEC_TARGET_MAX 104   /* "unit slurmd.service" */
#define EXEC_TEXT_MAX 256
#define EXEC_STORE_BYTES_MAX ((size_t)256 << 10) /* then it is rewritten */

struct exec_record {
    uint64_t id;
    int64_t wall_ms;      /* Unix time when it was begun, or refused */
    uint8_t action;       /* enum exec_action */
    uint8_t result;       /* enum result of core/event.h; 0 = begun, and not known yet */
    char target[EXEC_TARGET_MAX];
    char boot[40];        /* the boot that it was begun in */
    char before[48];      /* what was read before it was begun; "" */
    char text[EXEC_TEXT_MAX]; /* of the result */
};

struct exec_target {
    uint64_t highest;
    char name[EXEC_TARGET_MAX];
};

struct exec_store {
    int folder, file;     /* -1 */
    size_t size;
    struct exec_record past[EXEC_PAST_MAX];
    uint32_t pasts, next; /* a ring: next is written next */
    struct exec_target target[EXEC_TARGETS_MAX];
    uint32_t targets;
    int64_t begun_ms[EXEC_ACTIONS][EXEC_RATE_MAX]; /* rings of Unix times; 0 = none */
    uint32_t begun_next[EXEC_ACTIONS];
};

/* The folder must be there.  MW_EBUSY: another executor has it.  MW_ECORRUPT, MW_EIO. */
MW_MUST_USE int exec_store_open(struct exec_store *s, const char *folder, struct mw_error *err);
void exec_store_close(struct exec_store *s);

/* NULL: not among the last. */
const struct exec_record *exec_store_find(const struct exec_store *s, uint64_t id);
/* The highest id that was begun or refused there; 0 = none. */
uint64_t exec_store_highest(const struct exec_store *s, const char *target);
/* How often the action was begun after this Unix time.  A time in the future counts: the clock was
 * set back. */
uint32_t exec_store_begun_since(const struct exec_store *s, enum exec_action action,
                                int64_t since_ms);

/* The action begins: durable on return.  After an error it must not be begun. */
MW_MUST_USE int exec_store_begin(struct exec_store *s, const struct exec_record *r,
                                 struct mw_error *err);
/* Its result, or that it was refused without having been begun; durable on return. */
MW_MUST_USE int exec_store_end(struct exec_store *s, const struct exec_record *r,
                               struct mw_error *err);
/* Of what is not recorded (checks): counts for its rate while we run. */
void exec_store_count(struct exec_store *s, enum exec_action action, int64_t wall_ms);

#endif
