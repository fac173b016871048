/*
 * The process port: run a program, hear later how it ended and what it wrote.
 * The live implementation is live/process_run.h; a simulated world answers
 * for the programs it knows.  Whoever uses the port cannot tell which it has.
 */
#ifndef MW_BASE_PROCESS_H
#define MW_BASE_PROCESS_H

#include "base/error.h"

#define PROCESS_OUTPUT_MAX ((size_t)64 << 20) /* of one stream; past it the program is killed */

struct process_request {
    const char *const *argv; /* NULL-ended; argv[0] is looked up in PATH */
    const char *const *env;  /* "NAME=value" to add to the environment, NULL-ended; may be NULL */
    const char *input;       /* standard input; NULL = none */
    size_t input_size;
    int64_t deadline_ns;     /* a length: then it is killed; > 0 */
};

/* Text is ended by '\0' (not counted) and borrowed for the call. */
struct process_result {
    int exit_code;   /* -1 when it did not exit by itself */
    bool timed_out;  /* killed at the deadline */
    bool cut;        /* killed because it wrote more than PROCESS_OUTPUT_MAX */
    const char *out, *err;
    size_t out_size, err_size;
};

/* Called once for each start that succeeded, later, never from within start(); a port that is
 * destroyed reports what had not ended with exit code -1. */
typedef void process_done_fn(void *ctx, const struct process_result *r);

struct process_port {
    void *self;
    /* Copies what the request points to.  MW_ENOTFOUND (no such program), MW_ELIMIT, MW_ENOMEM. */
    int (*start)(void *self, const struct process_request *q, process_done_fn *done, void *ctx,
                 struct mw_error *err);
};

#endif
