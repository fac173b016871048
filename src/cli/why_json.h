/* A job's story as one JSON document with stable keys, for `mw why --json`. */
#ifndef MW_CLI_WHY_JSON_H
#define MW_CLI_WHY_JSON_H

#include <jansson.h>

#include "control/story.h"

/* A new reference; NULL when out of memory. */
json_t *why_json(const struct story *s, const struct words *w);

#endif
