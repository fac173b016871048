/*
 * The access file as it stands on disk: who holds which token, and which number
 * each person has.  Read whole, checked, replaced whole (a new file, synced, then
 * renamed), under a lock beside it, because `mw token` and the daemon both write
 * it.  Must be 0600 and its reader's own.  Holds no secret, only hashes.
 */
#ifndef MW_API_ACCESS_FILE_H
#define MW_API_ACCESS_FILE_H

#include "api/access.h"
#include "base/hash.h"

#define ACCESS_SUBJECT_MAX 512 /* issuer, a space, subject; with the ending */
#define ACCESS_PEOPLE_MAX 100000
#define ACCESS_FILE_BYTES_MAX ((size_t)64 << 20)

struct access_record {
    char id[ACCESS_ID_SIZE + 1];
    uint8_t hash[MW_SHA256_SIZE];
    bool login; /* of a person, by `mw login`: dropped when it has ended */
    uint32_t actor;
    struct access_grant grant; /* grant.expires_ns: 0 = never */
    int64_t created_ns, revoked_ns;
};

struct access_person {
    char subject[ACCESS_SUBJECT_MAX];
    char name[ACCESS_NAME_MAX];
    uint32_t actor;
};

struct access_file {
    struct access_record *token; /* owned */
    uint32_t tokens, token_room;
    struct access_person *person; /* owned */
    uint32_t persons, person_room;
    uint32_t next_actor; /* ACCESS_ACTOR_FIRST at first */
};

void access_file_init(struct access_file *f);
void access_file_fini(struct access_file *f);

/* Parses size bytes into an initialised file. MW_ESYNTAX, MW_EINVAL (the text says what and where),
 * MW_ELIMIT, MW_ENOMEM.  On failure f is empty. */
MW_MUST_USE int access_file_parse(const char *text, size_t size, struct access_file *f,
                                  struct mw_error *err);

/* Which version of the file was read: changes with every replacement. */
struct access_stamp {
    uint64_t device, inode, size;
    int64_t modified_ns, changed_ns;
};
/* False: there is none (ret zeroed). */
bool access_file_stamp(const char *path, struct access_stamp *ret);

/* An absent file is an empty one.  MW_EDENIED: open to others, or another's. */
MW_MUST_USE int access_file_load(const char *path, struct access_file *f,
                                 struct access_stamp *ret_stamp, struct mw_error *err);
MW_MUST_USE int access_file_save(const char *path, const struct access_file *f,
                                 struct mw_error *err);

/* Between these nobody else changes the file.  Waits a second at most, then MW_EBUSY. */
MW_MUST_USE int access_file_lock(const char *path, int *ret_fd, struct mw_error *err);
void access_file_unlock(int fd);

/* A zeroed record or person at the end; NULL with MW_ELIMIT or MW_ENOMEM. */
struct access_record *access_file_add_token(struct access_file *f, struct mw_error *err);
struct access_person *access_file_add_person(struct access_file *f, struct mw_error *err);

/* What may stand in a grant.  MW_EINVAL. */
MW_MUST_USE int access_grant_check(const struct access_grant *g, struct mw_error *err);

#endif
