/*
 * The home page in one document: how the site is, what today cost and why, what needs eyes, and
 * what changed since somebody last looked.  Made from the replica and from history; decides
 * nothing.
 *
 * Goodput is productive over available GPU time of the last 24 hours (of all the record where that
 * is shorter), ETTR productive over wall time of all jobs that ever started.  "Today" began at
 * 00:00 UTC of the site's now.  Who is confined to tenants or halls gets no figure of the whole
 * site: null.
 */
#ifndef MW_API_SUMMARY_H
#define MW_API_SUMMARY_H

#include <jansson.h>

#include "api/access.h"
#include "api/projector.h"
#include "control/words.h"

#define SUMMARY_RISKS_MAX 50u    /* jobs at risk that are listed, those that stake most first */
#define SUMMARY_TOP_MAX 8u       /* of what changed */
#define SUMMARY_NOTES_MAX 20000u /* looked through for these, newest first */

struct summary_of {
    const struct control *control;
    const struct words *words;
    struct journal *journal;
    struct history_store *history; /* NULL: sums of today and changes are not known */
    const struct principal *who;
    int64_t now_ns;
    uint64_t since;                /* what changed after this event; UINT64_MAX = not asked */
};

/* A new reference; NULL with err filled. */
json_t *summary_make(const struct summary_of *s, struct mw_error *err);

/* "gpu", "writing checkpoints", "a person" …: of a row of the accounts' causes. */
const char *summary_cause(const struct words *w, uint32_t cause);

/* Its pieces with files of their own. */
json_t *summary_risks(const struct summary_of *s, uint32_t *ret_jobs);
json_t *summary_changed(const struct summary_of *s, const struct history_sample *now,
                        struct mw_error *err);

#endif
