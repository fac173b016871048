/*
 * A bench for the executor's tests: a folder with a policy and scripts that
 * stand for what it runs, the executor as a process that can be killed, and a
 * peer on its socket.
 */
#ifndef MW_AGENT_EXEC_TESTING_H
#define MW_AGENT_EXEC_TESTING_H

#include <sys/types.h>

#include "agent/exec_policy.h"
#include "live/agent_frame.h"

#define EXEC_WAIT_MS 15000 /* for what has to come: far more than it takes */

struct exec_paths; /* those given out last */

struct exec_bench {
    char dir[64];
    struct exec_paths *paths;
    pid_t executor; /* 0 = none */
    int peer;       /* -1 */
    char in[65536];
    size_t length;
    const char *boot;
};

void exec_bench_open(struct exec_bench *b);
void exec_bench_close(struct exec_bench *b);

/* A path in its folder; a few are valid at a time. */
const char *exec_path(const struct exec_bench *b, const char *name);
void exec_write(const struct exec_bench *b, const char *name, const char *text, int mode);
/* A shell script in the folder; $D is the folder, $0 its path. */
void exec_script(const struct exec_bench *b, const char *name, const char *body);
/* How many lines a file has; 0 when it is not there. */
uint32_t exec_lines(const struct exec_bench *b, const char *name);
void exec_until_file(const struct exec_bench *b, const char *name);

/* Writes exec.conf: `text` with each @ standing for the folder, and `user` who runs the test. */
void exec_policy(const struct exec_bench *b, const char *text);
/* Starts it and waits until it listens; the boot id is b->boot. */
void exec_start(struct exec_bench *b);
void exec_kill(struct exec_bench *b, int signal); /* and waits for it; its exit status is lost */
/* Starts it where it must not start; its exit status. */
int exec_start_fails(struct exec_bench *b);

/* Connects, and hears the greeting. */
void exec_connect(struct exec_bench *b, struct agent_frame *ret_greeting);
void exec_send(struct exec_bench *b, const struct agent_frame *f);
/* The next frame; fails the test when none comes. */
void exec_hear(struct exec_bench *b, struct agent_frame *ret);
/* Nothing comes for a moment. */
void exec_hears_nothing(struct exec_bench *b);

/* Asks, and hears the answer. */
struct agent_frame exec_ask(struct exec_bench *b, const struct agent_frame *f);
struct agent_frame exec_act(uint64_t id, const char *step, int32_t gpu, const char *name);

#endif
