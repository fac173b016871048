/*
 * The check that a gate asks for: one program, one at a time, killed at its
 * deadline with all it started.
 */
#ifndef MW_AGENT_CHECK_H
#define MW_AGENT_CHECK_H

#include <sys/types.h>

#include "live/uplink.h"

#define CHECK_WELL 0   /* exit status: the node is well */
#define CHECK_FAILED 10

struct check {
    const char *program;  /* borrowed; NULL = `mw-agent check` of this program */
    uint32_t level;       /* that was asked for; 0 = as the program likes */
    uint64_t id;          /* what runs or ran last */
    pid_t pid;            /* 0 = nothing runs */
    int pidfd, out;       /* -1 */
    int64_t due_ms;
    bool timed_out;
    char text[256];       /* the beginning of what it wrote */
    size_t length;
    struct agent_frame answer; /* verb 0 = none yet */
};

void check_init(struct check *c, const char *program);
/* Kills what runs. */
void check_fini(struct check *c);

/* A check frame.  The same id again: its answer again, or nothing while it runs; another id takes
 * the place of what runs.  True when c->pidfd is new. */
bool check_start(struct check *c, int64_t now_ms, const struct agent_frame *f, struct uplink *u);
/* c->pidfd is readable. */
void check_ended(struct check *c, int64_t now_ms, struct uplink *u);
/* The deadline; and its output is read, so that it does not block. */
void check_tick(struct check *c, int64_t now_ms);

#endif
