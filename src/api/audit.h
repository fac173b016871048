/*
 * The audit log: who asked for what and what came of it, as JSON lines in
 * `audit.log` beside the record, each with the SHA-256 of the line before it, so
 * that a changed, removed or inserted line is found by whoever reads it all.
 * What is missing at the end is found by comparing with a copied last hash: keep
 * one elsewhere (`mw audit verify` prints it).
 *
 * Every write, login, logout and refusal is written; reads that were allowed are
 * not.  Writes and logins are on disk before they are answered.  Refusals, and
 * whatever nobody known asks, anybody on the network can cause: of those at most
 * AUDIT_REFUSALS_PER_S a second are kept, the others counted in the next line.
 *
 * One line:
 * {"n":7,"time":"2026-11-22T17:00:00.000Z","who":"ci","actor":2147483649,"via":"token",
 *  "route":"postCommand","target":"/api/v1/commands","status":200,"seq":512,
 *  "detail":"drain n17: fans","left_out":0,"prev":"<64 hex digits>"}
 *
 * One writer (the API's thread).  Never reads the record.
 */
#ifndef MW_API_AUDIT_H
#define MW_API_AUDIT_H

#include <jansson.h>

#include "base/error.h"
#include "base/hash.h"

#define AUDIT_FILE "audit.log"
#define AUDIT_LINE_MAX 8192 /* the longest entry fits, each byte of its texts escaped */
#define AUDIT_REFUSALS_PER_S 20 /* chosen: 2 million lines a day at most, 400 MB */

struct audit;

struct audit_entry {
    int64_t time_ns;     /* UTC */
    const char *who;     /* principal's name; NULL or "" = nobody known */
    uint32_t actor;
    const char *via;     /* "unix", "token", "session", "none" */
    const char *route;   /* operation id; NULL = no such route */
    const char *target;  /* path as asked, without the query; cut to 256 bytes */
    int status;          /* HTTP */
    uint64_t seq;        /* of the fact that it made; 0 = none */
    const char *detail;  /* a few words; NULL = none; cut to 512 bytes; never a secret */
};

/* Opens DIR/audit.log for appending, makes it (0600) when absent; cuts a torn last line off after a
 * crash.  The chain before the last line is not read (audit_verify does).
 * MW_EDENIED, MW_EIO, MW_ECORRUPT: its last line is none of ours. */
MW_MUST_USE int audit_open(const char *folder, struct audit **ret, struct mw_error *err);
void audit_close(struct audit *a); /* NULL is fine */

/* sync: on disk when this returns.  An entry of nobody (no `who`), or with a status of 400 or more
 * and no sync, may be left out (see above; then 0 is returned as well).  MW_ENOSPC, MW_EIO: nothing
 * was written; the request must then be refused, not carried out unseen. */
MW_MUST_USE int audit_add(struct audit *a, const struct audit_entry *e, bool sync,
                          struct mw_error *err);

/* Reads lines from the newest to the oldest: from where an earlier call's *ret_next said, 0 = from
 * the end.  At most `limit` rows that `keep` (NULL = all) says yes to, looking at 5,000 lines at
 * most (so a page can be short, even empty, before the end).  Gives *ret_rows (a JSON array of the
 * lines) and *ret_next: 0 = at the beginning.  MW_EINVAL: `before` is no place between lines. */
typedef bool audit_keep_fn(void *ctx, const json_t *line);
struct audit_wish {
    uint64_t before;
    uint32_t limit; /* 1 to 10,000 */
    audit_keep_fn *keep;
    void *ctx;
};
MW_MUST_USE int audit_read(const char *folder, const struct audit_wish *w, json_t **ret_rows,
                           uint64_t *ret_next, struct mw_error *err);

struct audit_report {
    uint64_t lines;          /* that are whole and linked */
    bool whole;
    uint64_t bad_n;          /* the first line that is not, from 1; 0 = none */
    char why[160];           /* "line 7 was changed: …" */
    char last[MW_HEX256_MAX]; /* hash of the last good line: to compare with a kept one */
    bool torn;               /* the last line is cut off, as by a crash: the next start mends it */
};
/* Somebody kept the hash of a line: the log must still hold it.  That is how a cut-off end, or a
 * log written anew from some line on, is found. */
struct audit_kept {
    uint64_t n;
    char hash[MW_HEX256_MAX];
};

/* Reads it all; kept may be NULL.  MW_ENOTFOUND: there is no log. */
MW_MUST_USE int audit_verify(const char *folder, const struct audit_kept *kept,
                             struct audit_report *ret, struct mw_error *err);

#endif
