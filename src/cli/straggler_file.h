/*
 * A straggler trace and the meta file beside it, read and analysed: what
 * `mw straggler` and `mw diagnose` share.
 */
#ifndef MW_CLI_STRAGGLER_FILE_H
#define MW_CLI_STRAGGLER_FILE_H

#include "signal/straggler.h"

#define STRAGGLER_PATH_MAX 4096

/* A trace in memory; all borrowed. */
struct straggler_text {
    const char *csv;
    size_t size;
    const char *path;      /* for messages */
    const char *meta_path; /* the file to read */
};

/* Gives *r (straggler_result_fini) and the meta file's facts. */
MW_MUST_USE int straggler_analyse_text(const struct straggler_text *text,
                                       struct straggler_meta *meta, struct straggler_result *r,
                                       struct mw_error *err);

/* The meta file beside a trace: "trace-AR.csv.gz" has "meta-AR.yaml"; else "trace-AR.yaml",
 * "trace-AR.meta.yaml" or "meta.yaml" in the same folder.  MW_ENOTFOUND names `mw straggler` and
 * its option. */
MW_MUST_USE int straggler_meta_find(const char *path, char ret[STRAGGLER_PATH_MAX],
                                    struct mw_error *err);

#endif
