/* The reader of event streams.  See sse.h. */
#include "cli/sse.h"

#include <string.h>

static void keep(char ret[SSE_NAME_MAX], const char *value, size_t n)
{
    if (n >= SSE_NAME_MAX || memchr(value, '\0', n) != NULL)
        return;
    memcpy(ret, value, n);
    ret[n] = '\0';
}

static void add_data(struct sse *s, const char *value, size_t n)
{
    if (s->data.length + n + 1 > SSE_EVENT_MAX) {
        s->skip = true;
        return;
    }
    if (s->has_data)
        text_add(&s->data, "\n");
    text_add_n(&s->data, value, n);
    s->has_data = true;
}

/* "field: value"; what is not known is left out, as the standard says. */
static void take_field(struct sse *s)
{
    const char *line = text_string(&s->line), *end = line + s->line.length;
    const char *colon = memchr(line, ':', s->line.length);
    size_t name = colon ? (size_t)(colon - line) : s->line.length;
    const char *value = colon ? colon + 1 : end;
    if (value < end && *value == ' ')
        value++;
    size_t n = (size_t)(end - value);
    if (name == 4 && memcmp(line, "data", 4) == 0)
        add_data(s, value, n);
    else if (name == 5 && memcmp(line, "event", 5) == 0)
        keep(s->event, value, n);
    else if (name == 2 && memcmp(line, "id", 2) == 0)
        keep(s->id, value, n);
}

/* An empty line ends an event. */
static bool take_end(struct sse *s, sse_each_fn *each, void *ctx)
{
    const struct sse_event ev = { .event = s->event[0] ? s->event : "message",
                                  .data = text_string(&s->data), .id = s->id,
                                  .size = s->data.length };
    bool go = true;
    if (s->skip)
        s->too_long++;
    else if (s->has_data)
        go = each(ctx, &ev);
    text_clear(&s->data);
    s->event[0] = '\0';
    s->has_data = s->skip = false;
    return go;
}

static bool take_line(struct sse *s, sse_each_fn *each, void *ctx)
{
    bool go = true;
    if (s->line.length == 0)
        go = take_end(s, each, ctx);
    else
        take_field(s);
    text_clear(&s->line);
    return go && !s->line.failed && !s->data.failed;
}

bool sse_take(struct sse *s, const char *bytes, size_t size, sse_each_fn *each, void *ctx)
{
    must(s != NULL && (bytes != NULL || size == 0) && each != NULL);
    for (size_t i = 0; i < size; i++) {
        bool second = s->after_cr && bytes[i] == '\n'; /* of one line's end */
        s->after_cr = bytes[i] == '\r';
        if (second)
            continue;
        if (bytes[i] == '\n' || bytes[i] == '\r') {
            if (!take_line(s, each, ctx))
                return false;
        } else if (s->line.length < SSE_EVENT_MAX) {
            text_add_n(&s->line, bytes + i, 1);
        } else {
            s->skip = true;
        }
    }
    return true;
}

void sse_fini(struct sse *s)
{
    text_fini(&s->line);
    text_fini(&s->data);
}
