/*
 * The SQLite journal behind the port: staging, committing, reading.  Owns the
 * handle.  Never acknowledges before both the database and the head are
 * durable, and never writes to a journal that was found damaged.
 */
#include "store/journal_sqlite.h"

#include <string.h>

#include "base/mem.h"
#include "store/file.h"
#include "store/journal_check.h"
#include "store/journal_files.h"
#include "store/snapshot.h"

#define GATHERED_BYTES_MAX ((size_t)8 << 20) /* of a simulated journal, between two transactions */
#define LOG_PAGES_MAX 2048 /* 32 MiB of write-ahead log, then it moves into the main file */

static struct journal_sqlite *self_of(struct journal *j)
{
    return (struct journal_sqlite *)j;
}

static unsigned long long show(uint64_t n)
{
    return n;
}

/* Makes *array hold at least `wanted` items. */
static bool grow(void *array_of, uint32_t *room, uint32_t wanted, size_t size)
{
    if (wanted <= *room)
        return true;
    void **array = array_of;
    uint32_t more = MW_MAX(wanted, *room < 64 ? 64 : *room * 2);
    void *grown = mw_resize(*array, more, size);
    if (grown == NULL)
        return false;
    *array = grown;
    *room = more;
    return true;
}

static int refuse_read_only(const struct journal *j, struct mw_error *err)
{
    if (!j->read_only)
        return 0;
    return mw_fail(err, MW_EDENIED, "the journal is open for reading only%s%s",
                   j->opened.loss == JOURNAL_WHOLE ? "" : ": ", j->opened.text);
}

static int check_epoch(void *ctx, const struct event *ev, const void *tail, bool last)
{
    const uint32_t *epoch = ctx;
    (void)tail;
    (void)last;
    return ev->epoch == *epoch ? 0 : MW_ECONFLICT;
}

static int append_refused(const struct journal *j, const struct group *g, struct mw_error *err)
{
    int rc = refuse_read_only(j, err);
    if (rc != 0)
        return rc;
    uint32_t epoch = j->epoch;
    rc = g->first_seq == j->next_seq ? group_walk(g, check_epoch, &epoch) : MW_ECONFLICT;
    if (rc == MW_ECONFLICT)
        return mw_fail(err, rc,
                       "the journal expects sequence %llu of writer epoch %u, this group begins "
                       "with %llu or is of another epoch",
                       show(j->next_seq), j->epoch, show(g->first_seq));
    if (rc != 0)
        return mw_fail(err, MW_EINVAL, "a group of %u events in %u bytes does not hold", g->count,
                       g->size);
    return 0;
}

static int sqlite_append(struct journal *j, const struct group *g, struct mw_error *err)
{
    struct journal_sqlite *s = self_of(j);
    int rc = append_refused(j, g, err);
    if (rc != 0)
        return rc;
    size_t wanted = s->bytes_length + g->size;
    if (wanted > JOURNAL_STAGED_BYTES_MAX)
        return mw_fail(err, MW_ELIMIT, "%zu bytes wait for a commit already", s->bytes_length);
    if (wanted > s->bytes_room) {
        size_t room = MW_MAX(wanted, s->bytes_room * 2);
        uint8_t *grown = mw_resize(s->bytes, room, 1);
        if (grown == NULL)
            return mw_fail(err, MW_ENOMEM, "out of memory for a group of %u bytes", g->size);
        s->bytes = grown;
        s->bytes_room = room;
    }
    if (!grow(&s->staged, &s->staged_room, s->staged_length + 1, sizeof(s->staged[0])))
        return mw_fail(err, MW_ENOMEM, "out of memory for a group");
    struct staged *f = &s->staged[s->staged_length++];
    *f = (struct staged){g->first_seq, g->count, g->size, s->bytes_length, {0}};
    memcpy(s->bytes + s->bytes_length, g->bytes, g->size);
    s->bytes_length = wanted;
    journal_chain(s->next_head.hash, g, f->hash);
    memcpy(s->next_head.hash, f->hash, sizeof(f->hash));
    s->next_head.seq = g->first_seq + g->count - 1;
    j->next_seq = s->next_head.seq + 1;
    return 0;
}

static int take_time(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct journal_head *h = ctx;
    (void)tail;
    (void)last;
    h->time_ns = ev->time_ns;
    return 0;
}

static struct frame staged_frame(const struct journal_sqlite *s, uint32_t i)
{
    const struct staged *f = &s->staged[i];
    struct frame ret = {.group = {f->first_seq, f->count, f->size, s->bytes + f->offset},
                        .epoch = s->base.epoch};
    memcpy(ret.hash, f->hash, sizeof(ret.hash));
    return ret;
}

/* The first n staged groups and all blobs, in one transaction. */
static int write_staged(struct journal_sqlite *s, uint32_t n, struct mw_error *err)
{
    if (s->staged_written >= n && s->blob_length == 0)
        return 0;
    int rc = database_begin(&s->db, err);
    for (uint32_t i = s->staged_written; rc == 0 && i < n; i++) {
        struct frame f = staged_frame(s, i);
        rc = database_put_frame(&s->db, &f, err);
    }
    for (uint32_t i = 0; rc == 0 && i < s->blob_length; i++) {
        const struct staged_blob *b = &s->blob[i];
        rc = database_put_blob(&s->db, b->sha256, b->data, b->size, err);
    }
    if (rc == 0)
        rc = database_end(&s->db, err);
    if (rc != 0) {
        database_rollback(&s->db);
        return rc;
    }
    s->staged_written = MW_MAX(s->staged_written, n);
    while (s->blob_length > 0)
        mw_free(s->blob[--s->blob_length].data);
    return 0;
}

/* The head once the first n staged groups are committed. */
static struct journal_head head_after(const struct journal_sqlite *s, uint32_t n)
{
    struct frame last = staged_frame(s, n - 1);
    struct journal_head h = {.seq = last.group.first_seq + last.group.count - 1,
                             .epoch = last.epoch};
    must(group_walk(&last.group, take_time, &h) == 0);
    memcpy(h.hash, last.hash, sizeof(h.hash));
    return h;
}

static void drop_staged(struct journal_sqlite *s, uint32_t n)
{
    size_t bytes = n < s->staged_length ? s->staged[n].offset : s->bytes_length;
    s->staged_length -= n;
    s->staged_written -= n;
    s->bytes_length -= bytes;
    s->gathered -= MW_MIN(n, s->gathered);
    memmove(s->staged, s->staged + n, s->staged_length * sizeof(s->staged[0]));
    memmove(s->bytes, s->bytes + bytes, s->bytes_length);
    for (uint32_t i = 0; i < s->staged_length; i++)
        s->staged[i].offset -= bytes;
}

/* Makes the first n staged groups durable.  When it fails nothing is dropped. */
static int flush(struct journal_sqlite *s, uint32_t n, struct mw_error *err)
{
    int rc = write_staged(s, n, err);
    if (rc != 0 || n == 0)
        return rc;
    /* A try that failed at the head may have left more than n in the database. */
    struct journal_head h = head_after(s, s->staged_written);
    rc = head_write(&s->head_file, &h, err);
    if (rc != 0)
        return rc;
    s->base.head = h;
    drop_staged(s, s->staged_written);
    database_checkpoint(&s->db, LOG_PAGES_MAX);
    return 0;
}

static int sqlite_commit(struct journal *j, struct mw_error *err)
{
    struct journal_sqlite *s = self_of(j);
    int rc = refuse_read_only(j, err);
    if (rc != 0 || !s->simulated || s->bytes_length >= GATHERED_BYTES_MAX)
        return rc != 0 ? rc : flush(s, s->staged_length, err);
    s->gathered = s->staged_length;
    if (s->gathered > 0)
        j->head = head_after(s, s->gathered);
    return 0;
}

/* Before anything is looked up: gathered commits count as committed. */
static int flush_gathered(struct journal_sqlite *s, struct mw_error *err)
{
    return s->gathered > 0 ? flush(s, s->gathered, err) : 0;
}

static int refuse_unreadable(const struct journal_sqlite *s, struct mw_error *err)
{
    if (s->db.sql != NULL)
        return 0;
    return mw_fail(err, MW_ECORRUPT, "%s", s->base.opened.text);
}

struct reading {
    uint64_t from;
    journal_visit_fn *visit;
    void *ctx;
    int rc; /* what visit said */
};

static int visit_from(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct reading *r = ctx;
    if (ev->seq >= r->from)
        r->rc = r->visit(r->ctx, ev, tail, last);
    return r->rc;
}

/* The walk itself; `last` goes from the frame before to the last one read. */
static int read_frames(struct journal_sqlite *s, struct frame_cursor *c, struct journal_head *last,
                       struct reading *r, struct mw_error *err)
{
    while (last->seq < s->base.head.seq) {
        struct frame f;
        int rc = frames_next(c, &f, err);
        if (rc < 0)
            return rc;
        if (rc == 0)
            return mw_fail(err, MW_ECORRUPT, "the record ends at event %llu instead of %llu",
                           show(last->seq), show(s->base.head.seq));
        if (last->seq == 0 && f.group.first_seq > r->from)
            return mw_fail(err, MW_ECORRUPT, "event %llu is missing", show(r->from));
        rc = frame_check(&f, last, err);
        if (rc == 0)
            rc = group_walk(&f.group, visit_from, r);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int sqlite_read(struct journal *j, uint64_t from, journal_visit_fn *visit, void *ctx,
                       struct mw_error *err)
{
    struct journal_sqlite *s = self_of(j);
    from = MW_MAX(from, 1);
    int rc = flush_gathered(s, err);
    if (rc != 0 || from > j->head.seq)
        return rc != 0 ? rc : refuse_unreadable(s, err);
    struct frame_cursor c = {.stmt = NULL};
    struct journal_head last = {.seq = 0};
    struct reading r = {from, visit, ctx, 0};
    uint64_t first = 0;
    if (from > 1)
        rc = frames_find(&s->db, from, &first, err);
    if (rc == 0 && first > 1)
        rc = frames_hash_before(&s->db, first, last.hash, err);
    if (rc == 0)
        rc = frames_begin(&c, &s->db, from, err);
    if (rc == 0)
        rc = read_frames(s, &c, &last, &r, err);
    frames_end(&c);
    if (rc == MW_ECORRUPT && r.rc == 0)
        j->read_only = true; /* nothing more is written to what is damaged */
    return rc;
}

struct wanted {
    uint64_t seq;
    struct event *ev;
    void *tail;
};

/* Stops the reading with 1 when it has what it wants. */
static int take_wanted(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct wanted *w = ctx;
    (void)last;
    must(ev->seq == w->seq);
    *w->ev = *ev;
    if (tail != NULL)
        memcpy(w->tail, tail, ev->tail_size);
    return 1;
}

static int sqlite_get(struct journal *j, uint64_t seq, struct event *ev, void *tail,
                      struct mw_error *err)
{
    if (seq == 0 || seq > j->head.seq)
        return mw_fail(err, MW_ENOTFOUND, "there is no event %llu: the journal ends at %llu",
                       show(seq), show(j->head.seq));
    struct wanted w = {seq, ev, tail};
    int rc = sqlite_read(j, seq, take_wanted, &w, err);
    must(rc != 0);
    return rc == 1 ? 0 : rc;
}

static int sqlite_blob_put(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE],
                           const void *data, size_t size, struct mw_error *err)
{
    struct journal_sqlite *s = self_of(j);
    int rc = refuse_read_only(j, err);
    if (rc != 0)
        return rc;
    uint8_t real[MW_SHA256_SIZE];
    mw_sha256(&(struct mw_piece){data, size}, 1, real);
    if (memcmp(real, sha256, sizeof(real)) != 0)
        return mw_fail(err, MW_EINVAL, "the blob is not what its SHA-256 says");
    if (size > BLOB_BYTES_MAX)
        return mw_fail(err, MW_ELIMIT, "a blob of %zu bytes; at most %u are kept", size,
                       BLOB_BYTES_MAX);
    char *copy = mw_calloc(1, size + 1);
    if (copy == NULL || !grow(&s->blob, &s->blob_room, s->blob_length + 1, sizeof(s->blob[0]))) {
        mw_free(copy);
        return mw_fail(err, MW_ENOMEM, "out of memory for a blob of %zu bytes", size);
    }
    if (size > 0)
        memcpy(copy, data, size);
    struct staged_blob *b = &s->blob[s->blob_length++];
    *b = (struct staged_blob){.data = copy, .size = size};
    memcpy(b->sha256, sha256, MW_SHA256_SIZE);
    return 0;
}

static int sqlite_blob_get(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE], char **ret,
                           size_t *ret_size, struct mw_error *err)
{
    struct journal_sqlite *s = self_of(j);
    int rc = flush_gathered(s, err);
    if (rc == 0)
        rc = refuse_unreadable(s, err);
    return rc == 0 ? database_get_blob(&s->db, sha256, ret, ret_size, err) : rc;
}

struct chain_at {
    uint64_t seq;
    bool found;
};

static int group_ends(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct chain_at *at = ctx;
    (void)tail;
    at->found = last && ev->seq == at->seq;
    return 1;
}

/* The chain's hash after the group that ends at seq. MW_ECONFLICT when none ends there. */
static int chain_at(struct journal_sqlite *s, uint64_t seq, uint8_t ret[MW_SHA256_SIZE],
                    struct mw_error *err)
{
    memset(ret, 0, MW_SHA256_SIZE);
    if (seq == 0)
        return 0;
    if (seq == s->base.head.seq) {
        memcpy(ret, s->base.head.hash, MW_SHA256_SIZE);
        return 0;
    }
    struct chain_at at = {.seq = seq};
    int rc = seq < s->base.head.seq ? sqlite_read(&s->base, seq, group_ends, &at, err) : 1;
    if (rc < 0)
        return rc;
    if (!at.found)
        return mw_fail(err, MW_ECONFLICT, "no group of the journal ends at event %llu", show(seq));
    return frames_hash_before(&s->db, seq + 1, ret, err);
}

static int sqlite_snapshot_put(struct journal *j, uint64_t seq, const void *data, size_t size,
                               struct mw_error *err)
{
    struct journal_sqlite *s = self_of(j);
    struct snapshot snap = {.seq = seq, .data = (char *)(uintptr_t)data, .size = size};
    int rc = refuse_read_only(j, err);
    if (rc == 0)
        rc = flush_gathered(s, err);
    if (rc == 0)
        rc = chain_at(s, seq, snap.hash, err);
    return rc == 0 ? snapshot_save(s->dir_fd, &snap, &s->rare, err) : rc;
}

/* One of the listed files, when it is whole and of this record. */
static int snapshot_try(struct journal_sqlite *s, uint64_t seq, struct snapshot *ret,
                        struct mw_error *err)
{
    uint8_t hash[MW_SHA256_SIZE];
    int rc = chain_at(s, seq, hash, err);
    if (rc == 0)
        rc = snapshot_load(s->dir_fd, seq, ret, err);
    if (rc != 0 || memcmp(hash, ret->hash, sizeof(hash)) == 0)
        return rc;
    mw_free(TAKE(ret->data));
    return mw_fail(err, MW_ECORRUPT, "the snapshot at %llu is of another record; it is not used",
                   show(seq));
}

/* What was passed over is told with what opening found. */
static void note(struct journal_report *r, const char *text)
{
    size_t used = strnlen(r->text, sizeof(r->text));
    size_t length = MW_MIN(strlen(text), sizeof(r->text) - 2 - MW_MIN(used, sizeof(r->text) - 2));
    if (length == 0)
        return;
    memcpy(r->text + used, text, length);
    r->text[used + length] = ' ';
    r->text[used + length + 1] = '\0';
}

static int sqlite_snapshot_get(struct journal *j, uint64_t seq_max, uint64_t *ret_seq, char **ret,
                               size_t *ret_size, struct mw_error *err)
{
    struct journal_sqlite *s = self_of(j);
    struct snapshot_list l;
    int rc = snapshot_list(s->dir_fd, &l, err);
    for (uint32_t i = 0; rc == 0 && i < l.length; i++) {
        struct snapshot snap = {.data = NULL};
        struct mw_error why = {.text = ""};
        if (l.seq[i] > seq_max)
            continue;
        int tried = snapshot_try(s, l.seq[i], &snap, &why);
        if (tried == 0) {
            *ret_seq = snap.seq;
            *ret = snap.data;
            *ret_size = snap.size;
            return 0;
        }
        if (tried == MW_ENOMEM || tried == MW_EBUSY)
            return mw_fail(err, tried, "%s", why.text);
        note(&j->opened, why.text);
    }
    return rc != 0 ? rc : mw_fail(err, MW_ENOTFOUND, "there is no snapshot that can be used");
}

static int sqlite_verify(struct journal *j, struct journal_report *ret, struct mw_error *err)
{
    struct journal_sqlite *s = self_of(j);
    if (s->db.sql == NULL) {
        *ret = j->opened;
        return 0;
    }
    struct head_state head;
    int rc = flush_gathered(s, err);
    if (rc == 0)
        rc = head_read(s->dir_fd, &head, err);
    struct journal_check c = {.db = &s->db, .dir = s->dir, .dir_fd = s->dir_fd, .head = &head};
    if (rc == 0)
        rc = journal_check_all(&c, err);
    if (rc != 0)
        return rc;
    if (c.report.loss == JOURNAL_WHOLE && j->opened.loss != JOURNAL_WHOLE)
        c.report = j->opened; /* the versions: no walk sees those */
    if (c.report.loss != JOURNAL_WHOLE)
        j->read_only = true;
    *ret = c.report;
    return 0;
}

static void sqlite_destroy(struct journal *j)
{
    struct journal_sqlite *s = self_of(j);
    (void)!flush_gathered(s, NULL);
    database_close(&s->db, !j->read_only);
    head_close(&s->head_file);
    file_closep(&s->dir_fd);
    file_closep(&s->lock_fd);
    while (s->blob_length > 0)
        mw_free(s->blob[--s->blob_length].data);
    mw_free(s->blob);
    mw_free(s->staged);
    mw_free(s->bytes);
    mw_free(s);
}

const struct journal_ops journal_sqlite_ops = {
    .append = sqlite_append,
    .commit = sqlite_commit,
    .read = sqlite_read,
    .get = sqlite_get,
    .blob_put = sqlite_blob_put,
    .blob_get = sqlite_blob_get,
    .snapshot_put = sqlite_snapshot_put,
    .snapshot_get = sqlite_snapshot_get,
    .verify = sqlite_verify,
    .destroy = sqlite_destroy,
};

int journal_sqlite_flush(struct journal *j, struct mw_error *err)
{
    must(j->ops == &journal_sqlite_ops);
    int rc = refuse_read_only(j, err);
    struct journal_sqlite *s = self_of(j);
    return rc == 0 ? flush(s, s->staged_length, err) : rc;
}

/* The head is written after its groups: when it names a group, that one is there. */
int journal_sqlite_refresh(struct journal *j, bool *ret_news, struct mw_error *err)
{
    must(j->ops == &journal_sqlite_ops && j->read_only && ret_news != NULL);
    struct journal_sqlite *s = self_of(j);
    struct head_state now;
    uint8_t hash[MW_SHA256_SIZE];
    *ret_news = false;
    int rc = refuse_unreadable(s, err);
    if (rc == 0)
        rc = head_read(s->dir_fd, &now, err);
    if (rc != 0 || now.generation == 0 || now.head.seq <= j->head.seq)
        return rc;
    rc = frames_hash_before(&s->db, now.head.seq + 1, hash, err);
    if (rc == 0 && memcmp(hash, now.head.hash, sizeof(hash)) != 0)
        rc = mw_fail(err, MW_ECORRUPT, "the head of %s says that event %llu ends the record, and "
                     "the record has another one there", s->dir, show(now.head.seq));
    if (rc != 0)
        return rc;
    j->head = s->next_head = now.head;
    j->next_seq = now.head.seq + 1;
    *ret_news = true;
    return 0;
}
