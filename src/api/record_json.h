/* What the answers from a record share when they are JSON. */
#ifndef MW_API_RECORD_JSON_H
#define MW_API_RECORD_JSON_H

#include <jansson.h>

#include "base/text.h"

/* New references, as of all below; NULL when out of memory. */

/* JSON is UTF-8: text that is not has '?' in place of what is above 127. */
json_t *record_json_text(const char *s);
json_t *record_json_take(struct text *t); /* takes the text's content, also on failure */
/* The number of an event; null for 0. */
json_t *record_json_seq(uint64_t seq);
/* "2024-01-31T05:06:07.123Z"; null when it is not known. */
json_t *record_json_time(int64_t time_ns, bool known);

/* Appends item, which it takes; false when out of memory or item is NULL. */
bool record_json_append(json_t *list, json_t *item);

#endif
