/*
 * What the daemon's CA has given out, as a file of lines that is only added to:
 * join tokens (their hashes), their uses, certificates, revocations.  `mw agent`
 * and the daemon both add to it, each line under a lock and after reading what
 * the other has added.  Held folded in memory: a row a token, a row a name.
 * Holds no secret.  Mode 0600.
 *
 *   token id=… hash=… role=agent|gather uses=… pattern=… made=… ends=…
 *   used id=… at=…
 *   ended id=… at=…                       a token was revoked
 *   issued role=… serial=… name=… at=… ends=…
 *   revoked name=… at=…                   all certificates of the name so far
 *
 * Times are Unix seconds; names and patterns are of the bytes ! to ~.
 */
#ifndef MW_LIVE_AUTHORITY_LOG_H
#define MW_LIVE_AUTHORITY_LOG_H

#include "base/map.h"
#include "live/tls.h"

#define AUTHORITY_LINE_MAX 512
#define AUTHORITY_ROWS_MAX 1000000u

struct authority_token {
    char id[9];
    uint8_t hash[32];       /* SHA-256 of its secret */
    bool gather;
    char pattern[TLS_NAME_MAX]; /* of the names that may join with it: * ? [a-z] */
    uint32_t uses, used;    /* how often it may be used; 0 = as often as is asked */
    int64_t made_s, ends_s;
    int64_t revoked_s;      /* 0 = not */
};

struct authority_node {
    char name[TLS_NAME_MAX];
    bool gather;
    char serial[41];        /* of the newest certificate */
    uint32_t issued;        /* certificates so far */
    int64_t issued_s, ends_s; /* of the newest */
    int64_t revoked_s;      /* what was issued until then is refused; 0 = nothing */
};

struct authority_log {
    int file;               /* -1 */
    uint64_t read;          /* bytes folded so far */
    struct authority_token *token; /* owned, in the order in which they were made */
    uint32_t tokens, token_room;
    struct authority_node *node;   /* owned, in the order of the first certificate */
    uint32_t nodes, node_room;
    struct map of_name;     /* hash of a name -> row of node */
    uint64_t lines_bad;     /* that were passed over: of a later version, or damaged */
    uint64_t revocations;   /* counts up with each that is read */
};

/* Makes the file when it is not there, and reads it. MW_EDENIED: open to others. MW_EIO,
 * MW_ENOMEM. */
MW_MUST_USE int authority_log_open(struct authority_log *l, const char *path,
                                   struct mw_error *err);
void authority_log_close(struct authority_log *l);

/* Reads what was added since. MW_EIO, MW_ENOMEM, MW_ELIMIT. */
MW_MUST_USE int authority_log_read(struct authority_log *l, struct mw_error *err);

/* Between these nobody else adds to it; what others have added is read. MW_EIO. */
MW_MUST_USE int authority_log_lock(struct authority_log *l, struct mw_error *err);
void authority_log_unlock(struct authority_log *l);
/* Adds a line, synced, and folds it; under the lock. MW_EIO, MW_ENOSPC. */
MW_MUST_USE int authority_log_add(struct authority_log *l, struct mw_error *err, const char *fmt,
                                  ...) MW_PRINTF(3, 4);

/* Folds one line (without its newline): what authority_log_read() does with each. MW_ESYNTAX:
 * passed over. MW_ENOMEM, MW_ELIMIT. */
MW_MUST_USE int authority_log_fold(struct authority_log *l, const char *line, size_t size);

struct authority_token *authority_log_token(const struct authority_log *l, const char *id);
struct authority_node *authority_log_node(const struct authority_log *l, const char *name);

/* Of the bytes ! to ~ and not too long. */
bool authority_name_is_right(const char *name);

#endif
