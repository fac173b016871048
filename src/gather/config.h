/*
 * doors.yaml: which doors there are, which machines are behind each, how often
 * and with what they are asked.  Every mistake is named with its line before
 * anything starts.  docs/doors.md has the keys.
 */
#ifndef MW_GATHER_CONFIG_H
#define MW_GATHER_CONFIG_H

#include "base/text.h"
#include "gather/door.h"

struct doors_config {
    struct door_spec *door; /* owned, with all that they point to */
    uint32_t doors;
    struct mw_yaml *yaml;   /* owned: the doors' texts lie in it */
};

/* MW_ESYNTAX, MW_EINVAL: *said has a line for each mistake (the caller's, text_fini); MW_ENOTFOUND,
 * MW_EDENIED, MW_EIO, MW_ELIMIT, MW_ENOMEM.  On failure nothing is left in *ret. */
MW_MUST_USE int doors_config_read(const char *path, struct doors_config *ret, struct text *said,
                                  struct mw_error *err);
MW_MUST_USE int doors_config_parse(const char *text, size_t size, const char *path,
                                   struct doors_config *ret, struct text *said,
                                   struct mw_error *err);
void doors_config_fini(struct doors_config *c); /* zeroed is fine */

#endif
