/*
 * Events as text for people, and the catalogue of events for the
 * documentation, both from the tables in event.h and event_fields.h.
 */
#ifndef MW_CORE_EVENT_PRINT_H
#define MW_CORE_EVENT_PRINT_H

#include "base/text.h"
#include "core/event.h"

/* One line without its end: "1234 2024-01-31T05:06:07.000Z node.moved cause=1233 node=17 …".
 * Fields that say "none", and a result that is not there yet, are left out; a time that is not
 * there is "-".  Times and lengths go by their name without its unit: "interval=6.26 h".  tail may
 * be NULL when tail_size is 0. */
void event_print(struct text *t, const struct event *ev, const void *tail);

/* The body's part of that line: "incident=9 node=17 from=ready to=down". */
void event_print_fields(struct text *t, const struct event *ev, const void *tail);

/* Every field of header and body and the tail, in order, with what it says.  The strings are
 * borrowed for the call. */
typedef void event_each_fn(void *ctx, const char *name, const char *value, const char *doc);
void event_each_field(const struct event *ev, const void *tail, event_each_fn *each, void *ctx);

/* All kinds and all bodies as Markdown: the tables of docs/record.md. */
void event_catalogue(struct text *t);

#endif
