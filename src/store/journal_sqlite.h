/*
 * The journal on disk: a directory with journal.db (SQLite, write-ahead log,
 * synchronous=FULL), `head`, `lock` and snapshot files.  Behind the port of
 * core/journal.h.  One thread a handle; one writer a directory, any number of
 * readers beside it.
 *
 * commit() writes all staged groups in one transaction, then the head, each
 * synced, and returns.  What a crash leaves between the two is whole and kept.
 */
#ifndef MW_STORE_JOURNAL_SQLITE_H
#define MW_STORE_JOURNAL_SQLITE_H

#include "core/journal.h"
#include "store/rare.h"

/* Bytes that may wait for a commit; append gives MW_ELIMIT past it. */
#define JOURNAL_STAGED_BYTES_MAX ((size_t)1 << 30)

struct journal_sqlite_options {
    bool read_only;         /* no lock, no change; the directory must hold a journal */
    bool simulated;         /* nobody outside relies on a commit (a replay's record): see below */
    const char *vfs;        /* SQLite's file layer, for tests; NULL = the system's */
    struct store_rare rare; /* a full disk on purpose, for tests */
};

/*
 * Opens or makes the journal in `dir` (its parent must exist).  o may be NULL.
 * Damage is no error: the handle is then read-only, (*ret)->opened says what is lost, what is kept
 * and what to do, and read() gives the whole prefix.
 * MW_EBUSY: another writer has it.  MW_EVERSION: other program versions wrote it.  MW_ENOTFOUND:
 * read_only and no journal there.  MW_EDENIED, MW_ENOSPC, MW_EIO, MW_ENOMEM.
 */
MW_MUST_USE int journal_sqlite_open(const char *dir, const struct journal_sqlite_options *o,
                                    struct journal **ret, struct mw_error *err);

/*
 * Of a journal opened as `simulated`: commits are gathered, 8 MiB at a time, and a crash of the
 * process loses what was gathered, whole groups as ever.  Call this at the end to hear whether
 * the rest could be written; destroying writes it too, but cannot say so.  Else the same as commit.
 */
MW_MUST_USE int journal_sqlite_flush(struct journal *j, struct mw_error *err);

/*
 * Of a journal opened for reading: what was committed since it was opened, or since the last call,
 * is there now; *ret_news says whether something is.  One small read of the head when nothing is,
 * so any rate is fine.  A writer between its transaction and its head, or in the middle of writing
 * the head, is no damage: its groups are there with the next call.  MW_ECORRUPT: the head names
 * another record than the one that lies here.  MW_EBUSY, MW_EIO.
 */
MW_MUST_USE int journal_sqlite_refresh(struct journal *j, bool *ret_news, struct mw_error *err);

/*
 * Copies the whole prefix of a (damaged) journal and the blobs that hold into a new journal in
 * out_dir, which must not hold one.  Its next writer epoch is above every one that the old head
 * names, so that numbers that were lost are never given out twice.  Snapshots are left behind.
 * *ret says what the source lacks.  MW_EEXIST, MW_ECORRUPT (nothing can be read) and as above.
 */
MW_MUST_USE int journal_recover_prefix(const char *dir, const char *out_dir,
                                       struct journal_report *ret, struct mw_error *err);

/*
 * Copies a journal, also while another process writes it, into a new one in out_dir, which must
 * not hold one: the groups that were committed when it began, each checked against the chain, and
 * the blobs.  Snapshots are left behind.  *ret_seq is the last event of the copy.
 * MW_ENOTFOUND; MW_EEXIST; MW_ECORRUPT: the source is not whole (journal_recover_prefix saves what
 * is).  A failure leaves no journal in out_dir.
 */
MW_MUST_USE int journal_sqlite_copy(const char *dir, const char *out_dir, uint64_t *ret_seq,
                                    struct mw_error *err);

#endif
