/*
 * A small supervisor for tests of the example training program: starts its ranks
 * as processes in a folder of its own, waits for them, compares what they leave.
 */
#ifndef TESTS_DRILL_RANKS_H
#define TESTS_DRILL_RANKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { RANKS_MAX = 8, RANKS_ARGS = 24, RANKS_PATH = 256 };

struct ranks {
    const char *program;
    char dir[RANKS_PATH];
    int count;
    pid_t pid[RANKS_MAX];  /* 0 when it has ended */
    int status[RANKS_MAX]; /* as waitpid() gives it */
    uint64_t file_limit;   /* RLIMIT_FSIZE of the ranks; 0 = none */
};

/* A new folder below $TMPDIR. */
void ranks_init(struct ranks *r, const char *program, int count);
/* Kills what lives and removes the folder. */
void ranks_fini(struct ranks *r);

/* Starts all ranks, or one, with these options (NULL ends them) besides --dir, --rank, --ranks. */
void ranks_start(struct ranks *r, const char *const *options);
void ranks_start_one(struct ranks *r, int rank, const char *const *options);
/* Until all have ended; true when they did within `limit_ms`. */
bool ranks_wait(struct ranks *r, int limit_ms);
/* All ended well. */
bool ranks_done(const struct ranks *r);
/* The exit code of a rank, or 128 + the signal that ended it. */
int ranks_code(const struct ranks *r, int rank);

/* A file of the folder: size, -1 when there is none. */
int64_t ranks_size(const struct ranks *r, const char *name);
/* Whether files of that name in both folders hold the same bytes. */
bool ranks_same(const struct ranks *a, const struct ranks *b, const char *name);
/* Whether a file of the folder holds the text. */
bool ranks_holds(const struct ranks *r, const char *name, const char *text);
/* Inverts a byte, or cuts the file there. */
void ranks_flip(const struct ranks *r, const char *name, int64_t at);
void ranks_cut(const struct ranks *r, const char *name, int64_t at);
/* Mean loss of those steps of the curve; must hold one. */
double ranks_loss(const struct ranks *r, uint64_t first, uint64_t last);
/* Steps in the loss curve; waits until there are as many, or limit_ms is over. */
uint64_t ranks_reach(const struct ranks *r, uint64_t step, int limit_ms);

void ranks_sleep_ms(int ms);

#endif
