/*
 * Events as JSON, by the table of fields.
 *
 * {"seq","time","time_ns","observed_ns","kind","class","cause","source","source_seq","epoch",
 *  "actor","tenant","version","body":{every field},"nodes":[…] or "text":"…"}
 * A field that says "none" is null.  A whole number above 2^63 - 1 is a string.
 */
#ifndef MW_STORE_EVENT_JSON_H
#define MW_STORE_EVENT_JSON_H

#include <jansson.h>

#include "core/event.h"

/* A new reference, or NULL when out of memory.  tail may be NULL when tail_size is 0. */
json_t *event_json(const struct event *ev, const void *tail);

#endif
