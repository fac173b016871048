/* What the files of access share.  See access.h. */
#ifndef MW_API_ACCESS_PRIVATE_H
#define MW_API_ACCESS_PRIVATE_H

#include "api/access.h"
#include "api/access_file.h"
#include "api/access_token.h"

/* A browser's session.  The word itself is not kept, only its hash. */
struct access_session {
    uint8_t hash[MW_SHA256_SIZE];
    struct principal who; /* who.expires_ns == 0: the place is free */
    int64_t created_ns;
};

struct access_code {
    uint8_t hash[MW_SHA256_SIZE];
    int64_t expires_ns; /* 0 = free */
};

struct access {
    struct access_options options;
    char *path; /* owned; NULL = no tokens */
    struct access_file file;
    struct access_stamp stamp;
    bool broken;            /* the file cannot be read: nothing in it counts */
    struct mw_error trouble;
    char own_name[ACCESS_NAME_MAX];
    uint64_t session_last;  /* numbers of sessions */
    struct access_session *session; /* ACCESS_SESSIONS_MAX, owned */
    struct access_code code[ACCESS_CODES_MAX];
};

int64_t access_now_ns(const struct access *a);

/* Reads the file again when it changed.  Its error is kept as `trouble`. */
void access_refresh(struct access *a);

/* The number of a person, found or given, under the lock of the caller, in the file. */
MW_MUST_USE int access_person_of(struct access_file *f, const char *subject, const char *name,
                                 uint32_t *ret_actor, bool *ret_new, struct mw_error *err);

/* Change the file: load under the lock, `change` it, save, take it over. */
typedef int access_change_fn(struct access *a, struct access_file *f, void *ctx,
                             struct mw_error *err);
MW_MUST_USE int access_change(struct access *a, access_change_fn *change, void *ctx,
                              struct mw_error *err);

/* Ends a session by its public number; false: there is none. */
bool access_session_end(struct access *a, const char *id);
/* The nth session in use, in the order of the table; NULL past the last. */
const struct access_session *access_session_at(const struct access *a, uint32_t nth);

void access_principal_of(const struct access_record *t, struct principal *ret);

#endif
