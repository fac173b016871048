/*
 * Groups are copied when they are appended and shown when they are committed,
 * so that nobody sees an event that a crash takes back.
 */
#include "sim/tap.h"

#include <string.h>

#include "base/mem.h"
#include "core/journal_memory.h"

struct tap {
    struct journal base;
    struct journal *inner;
    tap_event_fn *fn;
    void *ctx;
    uint8_t *bytes;
    size_t size, room;
};

static struct tap *self_of(struct journal *j)
{
    return (struct tap *)j;
}

/* What the core reads of a journal is the same outside as inside. */
static int mirror(struct tap *t, int rc)
{
    t->base.head = t->inner->head;
    t->base.next_seq = t->inner->next_seq;
    t->base.epoch = t->inner->epoch;
    t->base.read_only = t->inner->read_only;
    t->base.opened = t->inner->opened;
    return rc;
}

static bool keep(struct tap *t, const struct group *g)
{
    if (t->size + g->size > t->room) {
        size_t room = MW_MAX(t->room * 2, t->size + g->size + 4096);
        uint8_t *bytes = mw_resize(t->bytes, room, 1);
        if (bytes == NULL)
            return false;
        t->bytes = bytes;
        t->room = room;
    }
    memcpy(t->bytes + t->size, g->bytes, g->size);
    t->size += g->size;
    return true;
}

static int tap_append(struct journal *j, const struct group *g, struct mw_error *err)
{
    struct tap *t = self_of(j);
    int rc = t->inner->ops->append(t->inner, g, err);
    if (rc == 0 && !keep(t, g))
        rc = mw_fail(err, MW_ENOMEM, "out of memory for a copy of a group");
    return mirror(t, rc);
}

static int tap_commit(struct journal *j, struct mw_error *err)
{
    struct tap *t = self_of(j);
    int rc = mirror(t, t->inner->ops->commit(t->inner, err));
    if (rc != 0)
        return rc;
    for (size_t at = 0; at < t->size;) {
        const struct event *ev = (const void *)(t->bytes + at);
        must(at + event_frame_size(ev) <= t->size);
        t->fn(t->ctx, ev, ev->tail_size > 0 ? t->bytes + at + sizeof(*ev) : NULL);
        at += event_frame_size(ev);
    }
    t->size = 0;
    return 0;
}

static int tap_read(struct journal *j, uint64_t from, journal_visit_fn *visit, void *ctx,
                    struct mw_error *err)
{
    return self_of(j)->inner->ops->read(self_of(j)->inner, from, visit, ctx, err);
}

static int tap_get(struct journal *j, uint64_t seq, struct event *ev, void *tail,
                   struct mw_error *err)
{
    return self_of(j)->inner->ops->get(self_of(j)->inner, seq, ev, tail, err);
}

static int tap_blob_put(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE], const void *data,
                        size_t size, struct mw_error *err)
{
    struct tap *t = self_of(j);
    return mirror(t, t->inner->ops->blob_put(t->inner, sha256, data, size, err));
}

static int tap_blob_get(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE], char **ret,
                        size_t *ret_size, struct mw_error *err)
{
    return self_of(j)->inner->ops->blob_get(self_of(j)->inner, sha256, ret, ret_size, err);
}

static int tap_snapshot_put(struct journal *j, uint64_t seq, const void *data, size_t size,
                            struct mw_error *err)
{
    struct tap *t = self_of(j);
    return mirror(t, t->inner->ops->snapshot_put(t->inner, seq, data, size, err));
}

static int tap_snapshot_get(struct journal *j, uint64_t seq_max, uint64_t *ret_seq, char **ret,
                            size_t *ret_size, struct mw_error *err)
{
    struct tap *t = self_of(j);
    return t->inner->ops->snapshot_get(t->inner, seq_max, ret_seq, ret, ret_size, err);
}

static int tap_verify(struct journal *j, struct journal_report *ret, struct mw_error *err)
{
    return self_of(j)->inner->ops->verify(self_of(j)->inner, ret, err);
}

static void tap_destroy(struct journal *j)
{
    mw_free(self_of(j)->bytes);
    mw_free(j);
}

static const struct journal_ops ops = {
    .append = tap_append,
    .commit = tap_commit,
    .read = tap_read,
    .get = tap_get,
    .blob_put = tap_blob_put,
    .blob_get = tap_blob_get,
    .snapshot_put = tap_snapshot_put,
    .snapshot_get = tap_snapshot_get,
    .verify = tap_verify,
    .destroy = tap_destroy,
};

int tap_create(struct journal *inner, tap_event_fn *fn, void *ctx, struct journal **ret)
{
    must(inner != NULL && fn != NULL);
    struct tap *t = mw_calloc(1, sizeof(*t));
    if (t == NULL)
        return MW_ENOMEM;
    *t = (struct tap){.base = {.ops = &ops}, .inner = inner, .fn = fn, .ctx = ctx};
    *ret = &t->base;
    return mirror(t, 0);
}

void tap_crash(struct journal *tap)
{
    struct tap *t = self_of(tap);
    must(t->base.ops == &ops);
    t->size = 0;
    journal_memory_crash(t->inner);
    (void)mirror(t, 0);
}
