/*
 * What somebody needs who is asked for help: the daemon's status, metrics and
 * last events, versions, this command's configuration and mw doctor's findings,
 * in one compressed tar file.  Every file goes through cli/redact.h first.
 */
#ifndef MW_CLI_BUNDLE_H
#define MW_CLI_BUNDLE_H

#include "cli/doctor.h"

#define BUNDLE_EVENTS "1000" /* the last ones */

struct bundle_result {
    uint32_t files, redacted;
    struct text left_out; /* owned: "metrics (why), …" */
};

/* Makes `file` (mode 0600), which must not be there unless force.  d was run.  The tar file is made
 * by the program tar.  MW_EEXIST, MW_ENOTFOUND (no tar), MW_EDENIED, MW_ENOSPC, MW_EIO. */
MW_MUST_USE int bundle_make(const struct doctor *d, const char *file, bool force,
                            struct bundle_result *ret, struct mw_error *err);
void bundle_result_fini(struct bundle_result *r);

#endif
