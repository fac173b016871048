/*
 * Groups of events for the tests of journals: any group can be made again from
 * (seed, its first sequence), so that what is read back is compared in full.
 * Only for tests.
 */
#ifndef MW_STORE_STORE_TESTING_H
#define MW_STORE_STORE_TESTING_H

#include "core/journal.h"

#define SAMPLE_MAX (96u * 1024u)
#define SAMPLE_DIFFERS 77 /* what sample_visit gives for an event that is not the one made */

struct sample {
    _Alignas(8) uint8_t bytes[SAMPLE_MAX];
    struct group g;
};

/* One to six events, some with tails, now and then one that needs several pages. */
void sample_make(struct sample *s, uint64_t seed, uint64_t first_seq, uint32_t epoch);

/* Makes and appends the journal's next group. */
int sample_append(struct journal *j, struct sample *s, uint64_t seed, struct mw_error *err);

/* A visitor that compares; begin with seen = the sequence before the first one expected (a group
 * must begin there). */
struct sample_reader {
    uint64_t seed;
    uint64_t seen;
    struct sample s;
    size_t offset; /* of the next event in s; 0 = make the next group */
};
int sample_visit(void *ctx, const struct event *ev, const void *tail, bool last);

/* A new empty directory under $TMPDIR or /tmp, and its removal with everything in it. */
void testing_dir(char ret[256]);
void testing_dir_remove(const char *dir);

/* Every file of one directory into another: what a crash at this moment would leave. */
void testing_dir_copy(const char *from, const char *to);

#endif
