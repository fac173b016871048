/*
 * Does the record hold?  Walks frames, checks the chain against the head and
 * puts into words what is wrong, what is kept and what to do.  Reads only.
 */
#ifndef MW_STORE_JOURNAL_CHECK_H
#define MW_STORE_JOURNAL_CHECK_H

#include "core/journal.h"
#include "store/database.h"
#include "store/head.h"

struct journal_check {
    struct database *db;
    const char *dir;              /* for the words */
    int dir_fd;
    const struct head_state *head;
    struct journal_head last;     /* filled: the last group that holds */
    struct journal_report report; /* filled */
};

/* Checks one frame against the head before it and makes *last its head.  last->seq 0 with the hash
 * before the frame begins anywhere.  MW_ECORRUPT with words; *last is as before then. */
MW_MUST_USE int frame_check(const struct frame *f, struct journal_head *last,
                            struct mw_error *err);

/* The last frames and the head; everything as soon as something is wrong with those.
 * 0 with the report, or what hindered the check (MW_ENOMEM, MW_EIO, MW_EBUSY). */
MW_MUST_USE int journal_check_quick(struct journal_check *c, struct mw_error *err);

/* Every frame, blob and snapshot, and the structure of the database. */
MW_MUST_USE int journal_check_all(struct journal_check *c, struct mw_error *err);

/* The record holds, the row of versions beside it does not. */
void journal_check_versions(struct journal_check *c, const char *why);

/* For a database that cannot be opened at all: `why` is in the words. */
void journal_check_unreadable(struct journal_check *c, const char *why);

#endif
