/* `mw shadow report` as one JSON document with stable keys. */
#ifndef MW_API_TELL_SHADOW_H
#define MW_API_TELL_SHADOW_H

#include <jansson.h>

#include "control/shadow.h"

/* A new reference; NULL when out of memory. */
json_t *tell_shadow(const struct shadow *s, const struct words *w, int64_t window_ns);

/* "gpu (Xid 79: …), only advice": of a row with a side of ours. */
void shadow_evidence(struct text *t, const struct shadow_row *r, const struct words *w);

#endif
