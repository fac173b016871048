/*
 * The journal in memory.  Owns chunks of frames, blobs and snapshots; an
 * append is one copy into the last chunk.  Does no I/O and knows no clock.
 *
 * A frame is a struct frame and then the group's bytes.  Marks, one about
 * every 64 KiB, say where a sequence is to be found without a walk from the
 * beginning.  What lies behind `committed` is staged and goes with a crash.
 */
#include "core/journal_memory.h"

#include <string.h>

#include "base/mem.h"

#define CHUNK_BYTES_FIRST ((size_t)1 << 20)
#define CHUNK_BYTES_MAX ((size_t)64 << 20)
#define MARK_EVERY_BYTES ((size_t)64 << 10)
#define SNAPSHOTS_KEPT 2

struct frame {
    uint64_t first_seq;
    uint32_t count, size;
    uint8_t hash[MW_SHA256_SIZE]; /* zeros without chain */
};
_Static_assert(sizeof(struct frame) % 8 == 0, "what follows a frame's head is 8-aligned");

struct chunk {
    uint8_t *data;
    size_t room, used;
};

struct place {
    uint32_t chunk;
    size_t offset;
};

struct mark {
    uint64_t first_seq;
    struct place at;
};

struct blob {
    uint8_t sha256[MW_SHA256_SIZE];
    char *data;
    size_t size;
    bool committed;
};

struct snapshot {
    uint64_t seq;
    char *data; /* NULL = free */
    size_t size;
};

struct journal_memory {
    struct journal base; /* first */
    struct journal_memory_options options;
    struct chunk *chunk;
    uint32_t chunks, chunks_room;
    struct mark *mark;
    uint32_t marks, marks_room;
    size_t since_mark;           /* bytes appended since the last mark */
    struct place committed;      /* the end of what is committed */
    uint32_t marks_committed;
    uint64_t groups, groups_committed;
    struct journal_head staged;  /* as the head will be after the next commit */
    struct blob *blob;
    uint32_t blobs, blobs_room;
    struct snapshot snapshot[SNAPSHOTS_KEPT];
};

static struct journal_memory *self_of(struct journal *j)
{
    return (struct journal_memory *)j;
}

/* Room for one more element in an array that doubles. */
static bool room_for_one(void **array, uint32_t length, uint32_t *room, size_t size)
{
    if (length < *room)
        return true;
    uint32_t wanted = *room == 0 ? 16 : *room * 2;
    void *grown = mw_resize(*array, wanted, size);
    if (grown == NULL)
        return false;
    *array = grown;
    *room = wanted;
    return true;
}

static bool chunk_add(struct journal_memory *m, size_t needed)
{
    if (!room_for_one((void **)&m->chunk, m->chunks, &m->chunks_room, sizeof(m->chunk[0])))
        return false;
    size_t room = m->chunks == 0 ? CHUNK_BYTES_FIRST : m->chunk[m->chunks - 1].room * 4;
    room = MW_MAX(MW_MIN(room, CHUNK_BYTES_MAX), needed);
    uint8_t *data = mw_calloc(1, room);
    if (data == NULL)
        return false;
    m->chunk[m->chunks++] = (struct chunk){.data = data, .room = room};
    return true;
}

/* Where a frame of this size goes, with its mark when one is due; NULL when out of memory. */
static uint8_t *frame_place(struct journal_memory *m, uint64_t first_seq, size_t needed)
{
    struct chunk *c = m->chunks > 0 ? &m->chunk[m->chunks - 1] : NULL;
    if (c == NULL || c->room - c->used < needed) {
        if (!chunk_add(m, needed))
            return NULL;
        c = &m->chunk[m->chunks - 1];
    }
    if (c->used == 0 || m->since_mark >= MARK_EVERY_BYTES) {
        if (!room_for_one((void **)&m->mark, m->marks, &m->marks_room, sizeof(m->mark[0])))
            return NULL;
        m->mark[m->marks++] = (struct mark){first_seq, {m->chunks - 1, c->used}};
        m->since_mark = 0;
    }
    m->since_mark += needed;
    uint8_t *at = c->data + c->used;
    c->used += needed;
    return at;
}

/* The journal time of a group's last event. */
static int64_t last_time(const struct group *g)
{
    const uint8_t *at = g->bytes;
    const uint8_t *last = at + g->size - sizeof(struct event);
    for (uint32_t i = 1; i < g->count; i++) {
        at += event_frame_size((const struct event *)(const void *)at);
        must(at <= last);
    }
    return ((const struct event *)(const void *)at)->time_ns;
}

static int group_refused(const struct journal *j, const struct group *g, struct mw_error *err)
{
    if (j->read_only)
        return mw_fail(err, MW_EDENIED, "the journal is open for reading only");
    if (g->count == 0 || g->size < sizeof(struct event) || g->size > GROUP_BYTES_MAX ||
        g->size % 8 != 0)
        return mw_fail(err, MW_EINVAL, "a group of %u events in %u bytes cannot be", g->count,
                       g->size);
    uint32_t epoch = ((const struct event *)g->bytes)->epoch;
    if (g->first_seq != j->next_seq || epoch != j->epoch)
        return mw_fail(err, MW_ECONFLICT,
                       "the journal expects sequence %llu of writer epoch %u, this group begins "
                       "with %llu of %u",
                       (unsigned long long)j->next_seq, j->epoch,
                       (unsigned long long)g->first_seq, epoch);
    return 0;
}

static int memory_append(struct journal *j, const struct group *g, struct mw_error *err)
{
    struct journal_memory *m = self_of(j);
    int rc = group_refused(j, g, err);
    if (rc != 0)
        return rc;
    if (!m->options.discard) {
        uint8_t *at = frame_place(m, g->first_seq, sizeof(struct frame) + g->size);
        if (at == NULL)
            return mw_fail(err, MW_ENOMEM, "out of memory for a group of %u bytes", g->size);
        struct frame *f = (void *)at;
        *f = (struct frame){.first_seq = g->first_seq, .count = g->count, .size = g->size};
        memcpy(at + sizeof(*f), g->bytes, g->size);
    }
    if (m->options.chain)
        journal_chain(m->staged.hash, g, m->staged.hash);
    if (m->options.chain && !m->options.discard) {
        const struct chunk *c = &m->chunk[m->chunks - 1];
        struct frame *f = (void *)(c->data + c->used - g->size - sizeof(*f));
        memcpy(f->hash, m->staged.hash, sizeof(f->hash));
    }
    m->staged.seq = g->first_seq + g->count - 1;
    m->staged.epoch = j->epoch;
    m->staged.time_ns = last_time(g);
    m->groups++;
    j->next_seq = m->staged.seq + 1;
    return 0;
}

static struct place end_place(const struct journal_memory *m)
{
    if (m->chunks == 0)
        return (struct place){0, 0};
    return (struct place){m->chunks - 1, m->chunk[m->chunks - 1].used};
}

static int memory_commit(struct journal *j, struct mw_error *err)
{
    struct journal_memory *m = self_of(j);
    if (j->read_only)
        return mw_fail(err, MW_EDENIED, "the journal is open for reading only");
    m->committed = end_place(m);
    m->marks_committed = m->marks;
    m->groups_committed = m->groups;
    for (uint32_t i = 0; i < m->blobs; i++)
        m->blob[i].committed = true;
    j->head = m->staged;
    return 0;
}

/* The last committed mark that is not behind seq. */
static struct place mark_before(const struct journal_memory *m, uint64_t seq)
{
    uint32_t low = 0, high = m->marks_committed;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (m->mark[middle].first_seq <= seq)
            low = middle;
        else
            high = middle;
    }
    return m->marks_committed > 0 ? m->mark[low].at : m->committed;
}

/* The frame at *at, and *at behind it; NULL at the end of what is committed. */
static const struct frame *frame_next(const struct journal_memory *m, struct place *at)
{
    if (m->chunks == 0)
        return NULL;
    if (at->chunk < m->committed.chunk && at->offset == m->chunk[at->chunk].used)
        *at = (struct place){at->chunk + 1, 0};
    if (at->chunk == m->committed.chunk && at->offset >= m->committed.offset)
        return NULL;
    const struct frame *f = (const void *)(m->chunk[at->chunk].data + at->offset);
    at->offset += sizeof(*f) + f->size;
    return f;
}

static struct group group_of(const struct frame *f)
{
    return (struct group){f->first_seq, f->count, f->size, f + 1};
}

/* Does the frame continue the chain?  `before` becomes its hash; the first frame that is looked at
 * in the middle of the journal has nothing to be checked against (known = false). */
static bool chain_holds(const struct journal_memory *m, const struct frame *f,
                        uint8_t before[MW_SHA256_SIZE], bool known)
{
    if (!m->options.chain)
        return true;
    uint8_t hash[MW_SHA256_SIZE];
    struct group g = group_of(f);
    journal_chain(before, &g, hash);
    memcpy(before, f->hash, MW_SHA256_SIZE);
    return !known || memcmp(hash, f->hash, sizeof(hash)) == 0;
}

struct skip {
    uint64_t from;
    journal_visit_fn *visit;
    void *ctx;
};

static int skip_visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    const struct skip *s = ctx;
    return ev->seq < s->from ? 0 : s->visit(s->ctx, ev, tail, last);
}

static int memory_read(struct journal *j, uint64_t from, journal_visit_fn *visit, void *ctx,
                       struct mw_error *err)
{
    struct journal_memory *m = self_of(j);
    if (m->options.discard)
        return mw_fail(err, MW_ENOTFOUND, "this journal keeps nothing: it cannot be read");
    struct place at = mark_before(m, from);
    uint8_t hash[MW_SHA256_SIZE] = {0};
    bool known = at.chunk == 0 && at.offset == 0;
    struct skip skip = {from, visit, ctx};
    for (const struct frame *f; (f = frame_next(m, &at)) != NULL;) {
        if (!chain_holds(m, f, hash, known))
            return mw_fail(err, MW_ECORRUPT, "the chain breaks at sequence %llu",
                           (unsigned long long)f->first_seq);
        known = true;
        if (f->first_seq + f->count <= from)
            continue;
        struct group g = group_of(f);
        int rc = group_walk(&g, skip_visit, &skip);
        if (rc != 0)
            return rc;
    }
    return 0;
}

struct wanted {
    uint64_t seq;
    struct event *ev;
    void *tail;
};

static int take_wanted(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct wanted *w = ctx;
    (void)last;
    if (ev->seq != w->seq)
        return 0;
    *w->ev = *ev;
    if (tail != NULL)
        memcpy(w->tail, tail, ev->tail_size);
    return 0;
}

static int memory_get(struct journal *j, uint64_t seq, struct event *ev, void *tail,
                      struct mw_error *err)
{
    struct journal_memory *m = self_of(j);
    if (seq == 0 || seq > j->head.seq || m->options.discard)
        return mw_fail(err, MW_ENOTFOUND, "no event %llu: the journal ends at %llu",
                       (unsigned long long)seq, (unsigned long long)j->head.seq);
    struct place at = mark_before(m, seq);
    const struct frame *f;
    do {
        f = frame_next(m, &at);
        must(f != NULL && f->first_seq <= seq);
    } while (f->first_seq + f->count <= seq);
    struct wanted w = {seq, ev, tail};
    struct group g = group_of(f);
    return group_walk(&g, take_wanted, &w);
}

static struct blob *blob_find(const struct journal_memory *m, const uint8_t sha256[MW_SHA256_SIZE])
{
    for (uint32_t i = 0; i < m->blobs; i++) {
        if (memcmp(m->blob[i].sha256, sha256, MW_SHA256_SIZE) == 0)
            return &m->blob[i];
    }
    return NULL;
}

static char *copy_of(const void *data, size_t size)
{
    char *copy = mw_calloc(1, size + 1);
    if (copy != NULL && size > 0)
        memcpy(copy, data, size);
    return copy;
}

static int memory_blob_put(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE],
                           const void *data, size_t size, struct mw_error *err)
{
    struct journal_memory *m = self_of(j);
    if (j->read_only)
        return mw_fail(err, MW_EDENIED, "the journal is open for reading only");
    uint8_t real[MW_SHA256_SIZE];
    mw_sha256(&(struct mw_piece){data, size}, 1, real);
    if (memcmp(real, sha256, sizeof(real)) != 0)
        return mw_fail(err, MW_EINVAL, "the blob is not what its SHA-256 says");
    if (blob_find(m, sha256) != NULL)
        return 0;
    char *copy = copy_of(data, size);
    if (copy == NULL ||
        !room_for_one((void **)&m->blob, m->blobs, &m->blobs_room, sizeof(m->blob[0]))) {
        mw_free(copy);
        return mw_fail(err, MW_ENOMEM, "out of memory for a blob of %zu bytes", size);
    }
    struct blob *b = &m->blob[m->blobs++];
    *b = (struct blob){.data = copy, .size = size};
    memcpy(b->sha256, sha256, MW_SHA256_SIZE);
    return 0;
}

static int memory_blob_get(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE], char **ret,
                           size_t *ret_size, struct mw_error *err)
{
    const struct blob *b = blob_find(self_of(j), sha256);
    if (b == NULL || !b->committed)
        return mw_fail(err, MW_ENOTFOUND, "the journal has no such blob");
    char *copy = copy_of(b->data, b->size);
    if (copy == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for a blob of %zu bytes", b->size);
    *ret = copy;
    *ret_size = b->size;
    return 0;
}

static int memory_snapshot_put(struct journal *j, uint64_t seq, const void *data, size_t size,
                               struct mw_error *err)
{
    struct journal_memory *m = self_of(j);
    if (j->read_only)
        return mw_fail(err, MW_EDENIED, "the journal is open for reading only");
    if (seq > j->head.seq)
        return mw_fail(err, MW_ECONFLICT, "a snapshot at %llu, but the journal ends at %llu",
                       (unsigned long long)seq, (unsigned long long)j->head.seq);
    if (m->options.discard)
        return 0;
    struct snapshot *oldest = &m->snapshot[0];
    for (uint32_t i = 0; i < SNAPSHOTS_KEPT; i++) {
        struct snapshot *s = &m->snapshot[i];
        if (s->data == NULL || (oldest->data != NULL && s->seq < oldest->seq))
            oldest = s;
        if (s->data != NULL && s->seq == seq) {
            oldest = s;
            break;
        }
    }
    char *copy = copy_of(data, size);
    if (copy == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for a snapshot of %zu bytes", size);
    mw_free(oldest->data);
    *oldest = (struct snapshot){.seq = seq, .data = copy, .size = size};
    return 0;
}

static int memory_snapshot_get(struct journal *j, uint64_t seq_max, uint64_t *ret_seq, char **ret,
                               size_t *ret_size, struct mw_error *err)
{
    const struct journal_memory *m = self_of(j);
    const struct snapshot *best = NULL;
    for (uint32_t i = 0; i < SNAPSHOTS_KEPT; i++) {
        const struct snapshot *s = &m->snapshot[i];
        if (s->data != NULL && s->seq <= seq_max && (best == NULL || s->seq > best->seq))
            best = s;
    }
    if (best == NULL)
        return mw_fail(err, MW_ENOTFOUND, "the journal has no snapshot");
    char *copy = copy_of(best->data, best->size);
    if (copy == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for a snapshot of %zu bytes", best->size);
    *ret_seq = best->seq;
    *ret = copy;
    *ret_size = best->size;
    return 0;
}

static int memory_verify(struct journal *j, struct journal_report *ret, struct mw_error *err)
{
    static const char overwritten[] = "the journal in memory was overwritten: report this as a bug";
    struct journal_memory *m = self_of(j);
    (void)err;
    *ret = (struct journal_report){.loss = JOURNAL_WHOLE, .head_seq = j->head.seq};
    if (m->options.discard) {
        ret->valid_seq = j->head.seq;
        ret->groups = m->groups_committed;
        return 0;
    }
    struct place at = {0, 0};
    uint8_t hash[MW_SHA256_SIZE] = {0};
    for (const struct frame *f; (f = frame_next(m, &at)) != NULL;) {
        struct group g = group_of(f);
        if (f->first_seq != ret->valid_seq + 1 || !chain_holds(m, f, hash, true) ||
            group_walk(&g, NULL, NULL) != 0) {
            ret->loss = JOURNAL_DAMAGED;
            memcpy(ret->text, overwritten, sizeof(overwritten));
            return 0;
        }
        ret->valid_seq = f->first_seq + f->count - 1;
        ret->groups++;
    }
    must(ret->valid_seq == j->head.seq && ret->groups == m->groups_committed);
    return 0;
}

static void memory_destroy(struct journal *j)
{
    struct journal_memory *m = self_of(j);
    for (uint32_t i = 0; i < m->chunks; i++)
        mw_free(m->chunk[i].data);
    for (uint32_t i = 0; i < m->blobs; i++)
        mw_free(m->blob[i].data);
    for (uint32_t i = 0; i < SNAPSHOTS_KEPT; i++)
        mw_free(m->snapshot[i].data);
    mw_free(m->chunk);
    mw_free(m->mark);
    mw_free(m->blob);
    mw_free(m);
}

static const struct journal_ops memory_ops = {
    .append = memory_append,
    .commit = memory_commit,
    .read = memory_read,
    .get = memory_get,
    .blob_put = memory_blob_put,
    .blob_get = memory_blob_get,
    .snapshot_put = memory_snapshot_put,
    .snapshot_get = memory_snapshot_get,
    .verify = memory_verify,
    .destroy = memory_destroy,
};

int journal_memory_create(const struct journal_memory_options *o, struct journal **ret)
{
    struct journal_memory *m = mw_calloc(1, sizeof(*m));
    if (m == NULL)
        return MW_ENOMEM;
    m->base.ops = &memory_ops;
    m->base.next_seq = 1;
    m->base.epoch = 1;
    if (o != NULL)
        m->options = *o;
    *ret = &m->base;
    return 0;
}

/* Takes away chunks and marks behind what is committed. */
static void drop_staged(struct journal_memory *m)
{
    uint32_t kept = m->committed.chunk + (m->committed.offset > 0 ? 1 : 0);
    while (m->chunks > kept)
        mw_free(m->chunk[--m->chunks].data);
    if (m->committed.offset > 0)
        m->chunk[kept - 1].used = m->committed.offset;
    m->marks = m->marks_committed;
    m->since_mark = MARK_EVERY_BYTES; /* the next frame gets a mark */
    m->groups = m->groups_committed;
}

void journal_memory_crash(struct journal *j)
{
    must(j->ops == &memory_ops);
    struct journal_memory *m = self_of(j);
    drop_staged(m);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->blobs; i++) {
        if (m->blob[i].committed)
            m->blob[kept++] = m->blob[i];
        else
            mw_free(m->blob[i].data);
    }
    m->blobs = kept;
    m->staged = j->head;
    j->next_seq = j->head.seq + 1;
    j->epoch = j->head.epoch + 1;
}

uint64_t journal_memory_bytes(const struct journal *j)
{
    must(j->ops == &memory_ops);
    const struct journal_memory *m = (const struct journal_memory *)j;
    uint64_t bytes = sizeof(*m) + (uint64_t)m->marks_room * sizeof(m->mark[0]);
    for (uint32_t i = 0; i < m->chunks; i++)
        bytes += m->chunk[i].used;
    for (uint32_t i = 0; i < m->blobs; i++)
        bytes += m->blob[i].size;
    for (uint32_t i = 0; i < SNAPSHOTS_KEPT; i++)
        bytes += m->snapshot[i].size;
    return bytes;
}
