/*
 * Server-sent events, as bytes come: lines gathered into events (the HTML
 * standard's event-stream format, "9.2.6 Interpreting an event stream").
 * Pure; bounded.
 */
#ifndef MW_CLI_SSE_H
#define MW_CLI_SSE_H

#include "base/text.h"

#define SSE_EVENT_MAX ((size_t)1 << 20) /* bytes of one event's data, and of one line */
#define SSE_NAME_MAX 64u                /* bytes of its kind and of its id, endings included */

/* Text is borrowed for the call.  event is "message" when the sender names none. */
struct sse_event {
    const char *event, *data;
    const char *id; /* the last id that was sent: an event keeps that of the one before */
    size_t size;    /* of data */
};

/* False ends the reading. */
typedef bool sse_each_fn(void *ctx, const struct sse_event *ev);

struct sse {
    struct text line, data; /* owned */
    char event[SSE_NAME_MAX], id[SSE_NAME_MAX];
    bool after_cr, has_data;
    uint64_t too_long; /* events left out for their length */
    bool skip;         /* the present one is too long */
};

/* Takes the next bytes; false when `each` said so, or memory ran out. */
bool sse_take(struct sse *s, const char *bytes, size_t size, sse_each_fn *each, void *ctx);
void sse_fini(struct sse *s); /* zeroed is fine */

#endif
