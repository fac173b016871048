/*
 * The few facts about a traced training job that its operations do not tell:
 * how its model was cut into parallel parts.  A YAML file beside the trace.
 */
#ifndef MW_SIGNAL_STRAGGLER_META_H
#define MW_SIGNAL_STRAGGLER_META_H

#include "base/error.h"

#define STRAGGLER_NAME_MAX 64

struct straggler_meta {
    char name[STRAGGLER_NAME_MAX]; /* trial_name; cut */
    /* Ways of parallelism; 1 when the file does not say. */
    uint32_t dp, dsp, pp, tp, vpp;
    uint32_t world; /* GPUs: dp * dsp * pp * tp */
};

/* Errors name file, line and column: MW_ESYNTAX, MW_EINVAL, MW_ENOMEM. */
MW_MUST_USE int straggler_meta_parse(const char *yaml, size_t size, const char *file_name,
                                     struct straggler_meta *ret, struct mw_error *err);

#endif
