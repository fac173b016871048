/*
 * A new journal from one that is there: what is whole in a damaged one, or all
 * of one that another process writes.  Owns no format: frames are copied as
 * they are, so that the chain and every citation stay valid.  Never changes
 * the source.
 */
#include <stdio.h>
#include <string.h>

#include "store/file.h"
#include "store/journal_check.h"
#include "store/journal_files.h"

#define BATCH_BYTES ((size_t)32 << 20) /* between two commits of the copy */

struct copy {
    struct journal_sqlite *from;
    struct database *to;
    bool strict; /* damage is an error, not the end of what can be saved */
    struct mw_error *err;
};

static int copy_frames(struct copy *c, struct frame_cursor *cursor, struct journal_head *last,
                       struct mw_error *err)
{
    size_t batch = 0;
    while (last->seq < c->from->base.head.seq) {
        struct frame f;
        int rc = frames_next(cursor, &f, err);
        must(rc != 0 || last->seq > 0);
        if (rc <= 0)
            return rc < 0 ? rc : mw_fail(err, MW_ECORRUPT, "the record ends early");
        rc = frame_check(&f, last, err);
        if (rc == 0)
            rc = database_put_frame(c->to, &f, err);
        batch += f.group.size;
        if (rc == 0 && batch >= BATCH_BYTES) {
            batch = 0;
            rc = database_end(c->to, err);
            if (rc == 0)
                rc = database_begin(c->to, err);
        }
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int copy_blob(void *ctx, const uint8_t sha256[MW_SHA256_SIZE], const void *data,
                     size_t size)
{
    struct copy *c = ctx;
    if (data == NULL)
        return c->strict ? mw_fail(c->err, MW_ECORRUPT, "a stored file is damaged") : 0;
    return database_put_blob(c->to, sha256, data, size, c->err);
}

/* Damage met on the way ends the copy early; what is there by then is the whole prefix. */
static int fill(void *ctx, struct database *db, struct journal_head *head, struct mw_error *err)
{
    struct copy *c = ctx;
    struct frame_cursor cursor = {.stmt = NULL};
    struct journal_head last = {.seq = 0};
    c->to = db;
    int rc = database_begin(db, err);
    if (rc == 0)
        rc = frames_begin(&cursor, &c->from->db, 1, err);
    if (rc == 0)
        rc = copy_frames(c, &cursor, &last, err);
    frames_end(&cursor);
    if (rc == MW_ECORRUPT && !c->strict)
        rc = 0;
    if (rc == 0)
        rc = database_each_blob(&c->from->db, copy_blob, c, err);
    if (rc == MW_ECORRUPT && !c->strict)
        rc = 0;
    if (rc == 0)
        rc = database_end(db, err);
    *head = last;
    head->epoch = c->from->base.epoch - 1;
    return rc;
}

static int make_copy(struct copy *c, const char *out_dir, const char *origin,
                     struct mw_error *err)
{
    mw_cleanup(file_closep) int dir_fd = -1;
    mw_cleanup(file_closep) int lock_fd = -1;
    struct head_state there;
    int rc = journal_dir_open(out_dir, true, &dir_fd, err);
    if (rc == 0)
        rc = journal_lock(out_dir, dir_fd, &lock_fd, err);
    if (rc == 0)
        rc = head_read(dir_fd, &there, err);
    if (rc == 0 && (journal_exists(dir_fd) || there.slots_bad > 0 || there.head.seq > 0))
        rc = mw_fail(err, MW_EEXIST, "%s holds a journal already: name a new directory", out_dir);
    struct journal_make m = {
        .dir = out_dir, .dir_fd = dir_fd, .origin = origin, .fill = fill, .ctx = c};
    return rc == 0 ? journal_make(&m, err) : rc;
}

int journal_recover_prefix(const char *dir, const char *out_dir, struct journal_report *ret,
                           struct mw_error *err)
{
    struct journal *j = NULL;
    struct journal_sqlite_options o = {.read_only = true};
    int rc = journal_sqlite_open(dir, &o, &j, err);
    if (rc != 0)
        return rc;
    struct journal_sqlite *s = (struct journal_sqlite *)j;
    if (s->db.sql == NULL)
        rc = mw_fail(err, MW_ECORRUPT, "%s", j->opened.text);
    if (rc == 0)
        rc = j->ops->verify(j, ret, err);
    char origin[128];
    struct copy c = {.from = s, .err = err};
    if (rc == 0) {
        (void)snprintf(origin, sizeof(origin), "recovered: %llu of %llu events",
                       (unsigned long long)ret->valid_seq, (unsigned long long)ret->head_seq);
        rc = make_copy(&c, out_dir, origin, err);
    }
    journal_destroy(j);
    return rc;
}

int journal_sqlite_copy(const char *dir, const char *out_dir, uint64_t *ret_seq,
                        struct mw_error *err)
{
    struct journal *j = NULL;
    struct journal_sqlite_options o = {.read_only = true};
    int rc = journal_sqlite_open(dir, &o, &j, err);
    if (rc != 0)
        return rc;
    struct copy c = {.from = (struct journal_sqlite *)j, .strict = true, .err = err};
    char origin[128];
    if (j->opened.loss != JOURNAL_WHOLE || c.from->db.sql == NULL)
        rc = mw_fail(err, MW_ECORRUPT, "%s", j->opened.text);
    (void)snprintf(origin, sizeof(origin), "recorded: %llu events",
                   (unsigned long long)j->head.seq);
    if (rc == 0)
        rc = make_copy(&c, out_dir, origin, err);
    if (rc == 0)
        *ret_seq = j->head.seq;
    journal_destroy(j);
    return rc;
}
