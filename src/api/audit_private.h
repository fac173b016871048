/* What writing and reading the audit log share.  See audit.h. */
#ifndef MW_API_AUDIT_PRIVATE_H
#define MW_API_AUDIT_PRIVATE_H

#include "api/audit.h"

#define AUDIT_PATH_ROOM 4096

int audit_system_fail(struct mw_error *err, const char *what, const char *folder);
MW_MUST_USE int audit_path(const char *folder, char ret[AUDIT_PATH_ROOM], struct mw_error *err);
void audit_hash(const char *line, size_t size, char ret[MW_HEX256_MAX]);
/* What stands as "prev" in the first line. */
void audit_first(char ret[MW_HEX256_MAX]);

/* Walks lines from the end; zeroed, then fd and end set. */
#define AUDIT_WINDOW ((size_t)64 * 1024)
struct audit_lines {
    int fd;
    uint64_t end;    /* of what has not been given */
    uint64_t begin;  /* of what is in `window` */
    size_t size;     /* bytes in it */
    char *window;    /* owned: mw_free; NULL at first */
};
/* The end of the last whole line ("…\n"): what follows it is torn. */
MW_MUST_USE int audit_lines_torn(const struct audit_lines *l, uint64_t *ret_end, const char *folder,
                                 struct mw_error *err);
/* The line before `end` without its end of line; *ret_size 0 = there is none. */
MW_MUST_USE int audit_lines_before(struct audit_lines *l, char ret[AUDIT_LINE_MAX],
                                   size_t *ret_size, const char *folder, struct mw_error *err);

#endif
