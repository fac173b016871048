/* A job's story as one JSON document with stable keys, for `mw why --json` and GET
 * /api/v1/jobs/{id}. */
#ifndef MW_API_TELL_JOB_H
#define MW_API_TELL_JOB_H

#include <jansson.h>

#include "control/story.h"

/* A new reference; NULL when out of memory. */
json_t *tell_job(const struct story *s, const struct words *w);

/* The same as a person reads it, with a line's end; appended. */
void tell_job_text(struct text *t, const struct story *s, const struct words *w);

#endif
