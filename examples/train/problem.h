/*
 * What went wrong, in words and as the exit code that a supervisor acts on.
 * Functions that can fail return 0 or a code of enum ending, and write the text
 * where the facts are known; main() prints it once.
 */
#ifndef TRAIN_PROBLEM_H
#define TRAIN_PROBLEM_H

#include <stddef.h>

/* Exit codes.  75 and 85 say: start me again and I go on from the newest checkpoint. */
enum ending {
    END_DONE = 0,
    END_USAGE = 64,   /* options, or a checkpoint of another run: a person has to look */
    END_DISK = 74,    /* a file could not be written; the checkpoints before are whole */
    END_PEER = 75,    /* another rank is gone or silent */
    END_DIVERGED = 76, /* the ranks no longer hold the same weights: one computed wrongly */
    END_STOPPED = 85, /* told to stop by SIGTERM; saved before */
};

struct problem {
    char text[512];
};

/* Writes the text and gives `code` back; `why` is an errno value, or 0. */
__attribute__((format(printf, 4, 5))) int fail(struct problem *p, int code, int why,
                                               const char *format, ...);
/* One line on standard error, beginning with the rank. */
__attribute__((format(printf, 2, 3))) void say(int rank, const char *format, ...);

#endif
