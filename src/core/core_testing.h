/*
 * A core with planes of straw over a journal in memory, for its tests.
 *
 * A command whose `hall` is the plane's number asks it for `node` decisions (orders when mode is 1,
 * drains when it is 2, else node.moved); `slot` is the answer of admit(); a command with ref 777
 * does not fit the state of the plane whose number is `hall`.  Helpers fail the running test.
 */
#ifndef MW_CORE_CORE_TESTING_H
#define MW_CORE_CORE_TESTING_H

#include "core/core.h"

#define STRAW_SOURCES 32

struct straw {
    uint32_t id, wanted, used;
    uint8_t mode;
    uint64_t sum, row[16];
    int64_t due;
    uint64_t due_id, pending;
    struct column column[4];
    char *calls; /* shared by all */
};

/* An action that is handed out before it is committed fails the test. */
struct bench {
    struct straw straw[PLANE_COUNT];
    char calls[4096];
    struct journal *journal;
    struct journal_ops ops; /* of the journal, some replaced */
    struct core *core;
    uint64_t acted[256];
    uint32_t acts, trip_at; /* the guard refuses drains when set, and trips */
};

/* Over a journal that the caller owns, or that bench_free(b, true) destroys; over a new one. */
struct bench *bench_on(struct journal *j, bool rederiving);
struct bench *bench_make(void);
void bench_free(struct bench *b, bool with_journal);

/* Asks a plane for so many decisions. */
struct event bench_command(uint32_t plane, uint32_t decisions, uint8_t mode);
/* With the tail "tail" where the event has one. */
enum admit bench_submit(struct bench *b, int64_t now_ns, const struct event *ev);

/* Kinds of the committed record. */
struct kinds {
    uint16_t kind[512];
    uint64_t cause[512];
    int64_t time[512];
    uint32_t length, groups;
};

/* Commits, and gives the whole record. */
struct kinds bench_record(struct bench *b);

#endif
