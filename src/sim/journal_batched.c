/* Passes everything on, commits only now and then.  See journal_batched.h. */
#include "sim/journal_batched.h"

#include "base/mem.h"

struct batched {
    struct journal journal; /* first */
    struct journal *inner;  /* owned */
    uint32_t groups, waiting;
};

static struct batched *of(struct journal *j)
{
    return (struct batched *)(void *)j;
}

/* The wrapper shows what the one inside expects next. */
static void mirror(struct batched *b)
{
    b->journal.head = b->inner->head;
    b->journal.next_seq = b->inner->next_seq;
    b->journal.epoch = b->inner->epoch;
}

static int batched_append(struct journal *j, const struct group *g, struct mw_error *err)
{
    struct batched *b = of(j);
    int r = b->inner->ops->append(b->inner, g, err);
    mirror(b);
    return r;
}

int journal_batched_flush(struct journal *j, struct mw_error *err)
{
    struct batched *b = of(j);
    int r = b->inner->ops->commit(b->inner, err);
    if (r == 0)
        b->waiting = 0;
    mirror(b);
    return r;
}

static int batched_commit(struct journal *j, struct mw_error *err)
{
    struct batched *b = of(j);
    return ++b->waiting >= b->groups ? journal_batched_flush(j, err) : 0;
}

static int batched_read(struct journal *j, uint64_t from, journal_visit_fn *visit, void *ctx,
                        struct mw_error *err)
{
    int r = journal_batched_flush(j, err);
    return r < 0 ? r : of(j)->inner->ops->read(of(j)->inner, from, visit, ctx, err);
}

static int batched_get(struct journal *j, uint64_t seq, struct event *ev, void *tail,
                       struct mw_error *err)
{
    int r = journal_batched_flush(j, err);
    return r < 0 ? r : of(j)->inner->ops->get(of(j)->inner, seq, ev, tail, err);
}

static int batched_blob_put(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE],
                            const void *data, size_t size, struct mw_error *err)
{
    return of(j)->inner->ops->blob_put(of(j)->inner, sha256, data, size, err);
}

static int batched_blob_get(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE], char **ret,
                            size_t *ret_size, struct mw_error *err)
{
    return of(j)->inner->ops->blob_get(of(j)->inner, sha256, ret, ret_size, err);
}

static int batched_snapshot_put(struct journal *j, uint64_t seq, const void *data, size_t size,
                                struct mw_error *err)
{
    int r = journal_batched_flush(j, err);
    return r < 0 ? r : of(j)->inner->ops->snapshot_put(of(j)->inner, seq, data, size, err);
}

static int batched_snapshot_get(struct journal *j, uint64_t seq_max, uint64_t *ret_seq,
                                char **ret, size_t *ret_size, struct mw_error *err)
{
    return of(j)->inner->ops->snapshot_get(of(j)->inner, seq_max, ret_seq, ret, ret_size, err);
}

static int batched_verify(struct journal *j, struct journal_report *ret, struct mw_error *err)
{
    int r = journal_batched_flush(j, err);
    return r < 0 ? r : of(j)->inner->ops->verify(of(j)->inner, ret, err);
}

static void batched_destroy(struct journal *j)
{
    struct batched *b = of(j);
    if (journal_batched_flush(j, NULL) < 0)
        b->waiting = 0; /* who needed it flushed and heard why */
    journal_destroy(b->inner);
    mw_free(b);
}

static const struct journal_ops batched_ops = {
    .append = batched_append,
    .commit = batched_commit,
    .read = batched_read,
    .get = batched_get,
    .blob_put = batched_blob_put,
    .blob_get = batched_blob_get,
    .snapshot_put = batched_snapshot_put,
    .snapshot_get = batched_snapshot_get,
    .verify = batched_verify,
    .destroy = batched_destroy,
};

int journal_batched_create(struct journal *inner, uint32_t groups, struct journal **ret)
{
    must(inner && groups > 0 && ret);
    struct batched *b = mw_calloc(1, sizeof(*b));
    if (!b)
        return MW_ENOMEM;
    b->journal.ops = &batched_ops;
    b->inner = inner;
    b->groups = groups;
    mirror(b);
    *ret = &b->journal;
    return 0;
}
