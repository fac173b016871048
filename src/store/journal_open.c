/*
 * Opening the journal on disk: lock, making it when it is absent, a look at
 * its end.  Owns what happens before a handle exists; damage ends in a handle
 * that only reads, never in a repair.
 */
#include <string.h>

#include "base/mem.h"
#include "store/journal_check.h"
#include "store/journal_files.h"

/* An absent journal is made; what an interrupted making left is made again. */
static int make_if_absent(struct journal_sqlite *s, const struct journal_sqlite_options *o,
                          struct mw_error *err)
{
    const struct head_state *h = &s->head_found;
    if (journal_exists(s->dir_fd) || h->slots_bad > 0 || h->head.seq > 0)
        return 0;
    if (o->read_only)
        return mw_fail(err, MW_ENOTFOUND, "there is no journal in %s", s->dir);
    struct journal_make m = {.dir = s->dir, .dir_fd = s->dir_fd, .vfs = o->vfs, .origin = "new"};
    int rc = journal_make(&m, err);
    return rc == 0 ? head_read(s->dir_fd, &s->head_found, err) : rc;
}

/* Opens the database and looks at the end of the record. 0 also for damage. */
static int look(struct journal_sqlite *s, const struct journal_sqlite_options *o,
                struct journal_check *c, struct mw_error *err)
{
    char path[JOURNAL_PATH_MAX];
    struct mw_error why = {.text = ""}, versions = {.text = ""};
    int rc = journal_path(s->dir, DATABASE_NAME, path, err);
    if (rc != 0)
        return rc;
    rc = database_open(&s->db, path, o->vfs, o->read_only, &why);
    int damaged = rc == 0 ? database_versions(&s->db, &versions) : 0;
    if (damaged == MW_EVERSION)
        return mw_fail(err, damaged, "%s", versions.text);
    if (rc == 0)
        rc = journal_check_quick(c, &why);
    if (rc == MW_ECORRUPT || rc == MW_ENOTFOUND) {
        database_close(&s->db, false);
        journal_check_unreadable(c, why.text);
    } else if (rc != 0) {
        return mw_fail(err, rc, "%s: %s", s->dir, why.text);
    } else if (damaged != 0 && c->report.loss == JOURNAL_WHOLE) {
        journal_check_versions(c, versions.text);
    }
    return 0;
}

static int open_parts(struct journal_sqlite *s, const struct journal_sqlite_options *o,
                      struct mw_error *err)
{
    struct journal *j = &s->base;
    int rc = journal_dir_open(s->dir, !o->read_only, &s->dir_fd, err);
    if (rc == 0 && !o->read_only)
        rc = journal_lock(s->dir, s->dir_fd, &s->lock_fd, err);
    /* The head before the database: a writer beside us may add to both meanwhile. */
    if (rc == 0)
        rc = head_read(s->dir_fd, &s->head_found, err);
    if (rc == 0)
        rc = make_if_absent(s, o, err);
    struct journal_check c = {
        .db = &s->db, .dir = s->dir, .dir_fd = s->dir_fd, .head = &s->head_found};
    if (rc == 0)
        rc = look(s, o, &c, err);
    if (rc != 0)
        return rc;
    j->opened = c.report;
    j->head = s->next_head = c.last;
    j->next_seq = c.last.seq + 1;
    j->epoch = MW_MAX(c.last.epoch, s->head_found.head.epoch) + 1;
    j->read_only = o->read_only || c.report.loss != JOURNAL_WHOLE;
    if (j->read_only)
        return 0;
    rc = head_open(&s->head_file, s->dir_fd, &s->head_found, err);
    s->head_file.rare = o->rare;
    /* A crash between database and head, or a slot that cannot be read: catch up. */
    if (rc == 0 && (c.last.seq > s->head_found.head.seq || s->head_found.slots_bad > 0)) {
        struct journal_head now = c.last;
        now.epoch = j->epoch - 1;
        rc = head_write(&s->head_file, &now, err);
    }
    return rc;
}

int journal_sqlite_open(const char *dir, const struct journal_sqlite_options *o,
                        struct journal **ret, struct mw_error *err)
{
    static const struct journal_sqlite_options defaults;
    if (o == NULL)
        o = &defaults;
    struct journal_sqlite *s = mw_calloc(1, sizeof(*s));
    if (s == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for a journal");
    s->base.ops = &journal_sqlite_ops;
    s->base.read_only = true; /* until it is open: closing changes nothing */
    s->dir_fd = s->lock_fd = s->head_file.fd = -1;
    s->rare = o->rare;
    s->simulated = o->simulated;
    int rc = strlen(dir) < sizeof(s->dir)
                 ? 0
                 : mw_fail(err, MW_EINVAL, "the path of the journal is too long");
    if (rc == 0) {
        memcpy(s->dir, dir, strlen(dir) + 1);
        rc = open_parts(s, o, err);
    }
    if (rc != 0) {
        journal_destroy(&s->base);
        return rc;
    }
    *ret = &s->base;
    return 0;
}
