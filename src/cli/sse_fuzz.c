/* Any bytes as an event stream: the same events, however the bytes are divided. */
#include <string.h>

#include "cli/sse.h"

struct told {
    uint64_t sum, count;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool each(void *ctx, const struct sse_event *ev)
{
    struct told *t = ctx;
    must(ev->event[0] != '\0' && strlen(ev->event) < SSE_NAME_MAX);
    must(strlen(ev->id) < SSE_NAME_MAX && ev->size <= SSE_EVENT_MAX);
    must(ev->data[ev->size] == '\0');
    for (size_t i = 0; i < ev->size; i++)
        t->sum = t->sum * 31 + (unsigned char)ev->data[i];
    t->sum = t->sum * 31 + strlen(ev->id);
    t->count++;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sse whole = { 0 }, parts = { 0 };
    struct told a = { 0 }, b = { 0 };
    size_t step = size > 0 ? data[0] % 7u + 1u : 1;
    must(sse_take(&whole, (const char *)data, size, each, &a));
    for (size_t at = 0; at < size; at += step)
        must(sse_take(&parts, (const char *)data + at, MW_MIN(step, size - at), each, &b));
    must(a.sum == b.sum && a.count == b.count && whole.too_long == parts.too_long);
    sse_fini(&whole);
    sse_fini(&parts);
    return 0;
}
