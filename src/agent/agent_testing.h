/*
 * For tests that run the real mw-agent: a folder, the daemon's side of the
 * connection, and what the agent said over it.  Needs cmocka's headers before.
 */
#ifndef MW_AGENT_AGENT_TESTING_H
#define MW_AGENT_AGENT_TESTING_H

#include <sys/types.h>

#include "live/agent_frame.h"
#include "signal/samples.h"

#define TESTING_BEATS_MAX 160 /* of 50 ms: the longest that is waited for something */
#define TESTING_ROWS_MAX 4096
#define TESTING_ARGS_MAX 40

struct testing_row {
    uint32_t metric, instance;
    bool known;
    int64_t value; /* in steps */
};

struct testing_paths {
    char path[16][160];
    uint32_t next;
};

struct testing {
    const char *program;
    struct testing_paths *paths; /* owned, during a test */
    char dir[64];
    int listener, peer; /* -1 */
    uint16_t port;
    pid_t agent, watched;
    char in[262144];
    size_t length;
    struct testing_row row[TESTING_ROWS_MAX]; /* readings of this connection */
    uint32_t rows, samples; /* samples: records that came */
    struct sample_head head; /* of the last of them */
};

/* Around each test: *state is a struct testing with `program` set. */
int testing_set_up(void **state);
int testing_tear_down(void **state);

/* A path in the test's folder; a few at a time are valid. */
const char *testing_path(const struct testing *b, const char *name);
void testing_write(const struct testing *b, const char *name, int flags, const char *text);
void testing_append(const struct testing *b, const char *name, const char *text);
void testing_replace(const struct testing *b, const char *name, const char *text); /* by rename */

/* Runs the agent; its errors go to the file "errors". */
pid_t testing_spawn(const struct testing *b, const char *const *args);
int testing_wait(pid_t pid); /* its exit status */
void testing_errors(const struct testing *b, char *to, size_t size);
void testing_kill_watched(struct testing *b);

void testing_listen(struct testing *b);
/* Accepts the agent, reads its hello, welcomes it. */
struct agent_frame testing_meet(struct testing *b);
void testing_hang_up(struct testing *b);
void testing_give(const struct testing *b, const char *line);
/* The next record; samples are taken into the rows and look like a beat; true: it was a line. */
bool testing_next(struct testing *b, struct agent_frame *ret);
/* The next frame of this verb; others are passed over, but not one of `never` (0 = any may). */
struct agent_frame testing_await(struct testing *b, uint8_t verb, uint8_t never);
/* A reading as last said; false: there is none. */
bool testing_value(const struct testing *b, uint32_t metric, uint32_t instance, int64_t *ret);

#endif
