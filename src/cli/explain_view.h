/* An incident's story as a person reads it, and as one JSON document: for `mw explain`. */
#ifndef MW_CLI_EXPLAIN_VIEW_H
#define MW_CLI_EXPLAIN_VIEW_H

#include <jansson.h>

#include "control/explain.h"

/* What the record alone does not say of an open incident. */
struct explain_state {
    int64_t lost_gpu_ms;             /* up to the end of the record */
    int64_t microdollars_per_gpu_hour;
};

/* The text, with a line's end. */
void explain_text(struct text *t, const struct explain *x, const struct explain_state *s,
                  const struct words *w);

/* A new reference; NULL when out of memory. */
json_t *explain_json(const struct explain *x, const struct explain_state *s,
                     const struct words *w);

#endif
