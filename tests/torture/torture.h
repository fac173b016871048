/*
 * What the torture tests share: a failure that names the seed and the round,
 * reading a journal back against what was written, random numbers by key.
 */
#ifndef MW_TESTS_TORTURE_H
#define MW_TESTS_TORTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "store/journal_sqlite.h"
#include "store/store_testing.h"

struct torture {
    const char *name;
    uint64_t seed;
    uint64_t round;
    struct sample sample;
    struct sample_reader reader;
};

#define TORTURE_CHECK(t, cond, ...)                                                         \
    do {                                                                                    \
        if (!(cond)) {                                                                      \
            fprintf(stderr, "%s: seed %llu, round %llu, %s:%d: %s is false: ", (t)->name,   \
                    (unsigned long long)(t)->seed, (unsigned long long)(t)->round, __FILE__, \
                    __LINE__, #cond);                                                       \
            fprintf(stderr, __VA_ARGS__);                                                   \
            fputc('\n', stderr);                                                            \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

/* Arguments: [SEED [ROUNDS [FIRST_ROUND]]]. */
struct torture *torture_begin(int argc, char **argv, const char *name, uint64_t *rounds);

/* A number below bound for this round. */
uint64_t torture_draw(const struct torture *t, uint64_t what, uint64_t nth, uint64_t bound);

/* Reads from the beginning, compares every byte; gives what read() said and the last sequence. */
int torture_read(struct torture *t, struct journal *j, uint64_t *ret_seen);

/* The journal is whole and reads back completely. */
void torture_whole(struct torture *t, struct journal *j);

#endif
