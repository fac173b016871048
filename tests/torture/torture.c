/* Shared parts of the torture tests. */
#include "tests/torture/torture.h"

#include <string.h>

#include "base/parse.h"

struct torture *torture_begin(int argc, char **argv, const char *name, uint64_t *rounds)
{
    struct torture *t = calloc(1, sizeof(*t));
    must(t != NULL);
    t->name = name;
    t->seed = 1;
    bool good = argc < 2 || mw_parse_u64(argv[1], &t->seed) == 0;
    good = good && (argc < 3 || mw_parse_u64(argv[2], rounds) == 0);
    good = good && (argc < 4 || mw_parse_u64(argv[3], &t->round) == 0);
    if (!good) {
        fprintf(stderr, "usage: %s [SEED [ROUNDS [FIRST_ROUND]]]\n", name);
        exit(2);
    }
    *rounds += t->round;
    return t;
}

uint64_t torture_draw(const struct torture *t, uint64_t what, uint64_t nth, uint64_t bound)
{
    return mw_random_below(mw_random_u64(t->seed, t->round, what, nth), bound);
}

int torture_read(struct torture *t, struct journal *j, uint64_t *ret_seen)
{
    t->reader.seed = t->seed;
    t->reader.seen = 0;
    t->reader.offset = 0;
    int rc = j->ops->read(j, 1, sample_visit, &t->reader, NULL);
    *ret_seen = t->reader.seen;
    return rc;
}

void torture_whole(struct torture *t, struct journal *j)
{
    uint64_t seen;
    struct journal_report r;
    struct mw_error err = {.text = ""};
    TORTURE_CHECK(t, j->opened.loss == JOURNAL_WHOLE, "%s", j->opened.text);
    int rc = torture_read(t, j, &seen);
    TORTURE_CHECK(t, rc == 0 && seen == j->head.seq, "read says %d at event %llu of %llu", rc,
                  (unsigned long long)seen, (unsigned long long)j->head.seq);
    rc = j->ops->verify(j, &r, &err);
    TORTURE_CHECK(t, rc == 0 && r.loss == JOURNAL_WHOLE, "%s%s", r.text, err.text);
}
