/*
 * A four-way heap: half the levels of a binary one, and the four children of
 * an entry share two cache lines.  Order is total, so equal runs pop equally.
 */
#include "sim/queue.h"

#include "base/mem.h"

static bool before(const struct queue_entry *a, const struct queue_entry *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->order < b->order;
}

void queue_fini(struct queue *q)
{
    mw_free(q->entry);
    *q = (struct queue){0};
}

static bool grow(struct queue *q)
{
    uint32_t room = q->room == 0 ? 64 : q->room * 2;
    struct queue_entry *entry =
        room > q->room ? mw_resize(q->entry, room, sizeof(*entry)) : NULL;
    if (entry == NULL) {
        q->failed = true;
        return false;
    }
    q->entry = entry;
    q->room = room;
    return true;
}

void queue_push(struct queue *q, int64_t time_ns, struct queue_what what)
{
    must(time_ns >= 0 && time_ns < MW_NEVER);
    if (q->length == q->room && !grow(q))
        return;
    struct queue_entry e = {.time_ns = time_ns, .a = what.a, .b = what.b};
    e.order = q->inserted++ << 16 | (uint64_t)what.sub << 8 | what.kind;
    uint32_t at = q->length++;
    while (at > 0) {
        uint32_t parent = (at - 1) / 4;
        if (!before(&e, &q->entry[parent]))
            break;
        q->entry[at] = q->entry[parent];
        at = parent;
    }
    q->entry[at] = e;
}

static uint32_t least_child(const struct queue *q, uint32_t at)
{
    uint64_t first = (uint64_t)at * 4 + 1;
    if (first >= q->length)
        return MW_NONE;
    uint32_t best = (uint32_t)first;
    uint32_t end = (uint32_t)MW_MIN(first + 4, q->length);
    for (uint32_t i = best + 1; i < end; i++) {
        if (before(&q->entry[i], &q->entry[best]))
            best = i;
    }
    return best;
}

struct queue_entry queue_pop(struct queue *q)
{
    must(q->length > 0);
    struct queue_entry top = q->entry[0];
    struct queue_entry e = q->entry[--q->length];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = least_child(q, at);
        if (child == MW_NONE || before(&e, &q->entry[child]))
            break;
        q->entry[at] = q->entry[child];
        at = child;
    }
    if (q->length > 0)
        q->entry[at] = e;
    return top;
}
