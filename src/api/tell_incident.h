/* An incident's story as one JSON document with stable keys, for `mw explain --json` and
 * GET /api/v1/incidents/{id}. */
#ifndef MW_API_TELL_INCIDENT_H
#define MW_API_TELL_INCIDENT_H

#include <jansson.h>

#include "control/explain.h"

/* What the record alone does not say of an open incident. */
struct explain_state {
    int64_t lost_gpu_ms;             /* up to the end of the record */
    int64_t microdollars_per_gpu_hour;
};

/* A new reference; NULL when out of memory. */
json_t *tell_incident(const struct explain *x, const struct explain_state *s,
                      const struct words *w);

/* The same as a person reads it, with a line's end; appended. */
void tell_incident_text(struct text *t, const struct explain *x, const struct explain_state *s,
                        const struct words *w);

#endif
