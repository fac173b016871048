/* What stream.c (clients) and stream_ring.c (the ring they share) share. */
#ifndef MW_API_STREAM_PRIVATE_H
#define MW_API_STREAM_PRIVATE_H

#include <event2/buffer.h>

#include "api/stream.h"

/* One event as its clients get it. */
struct frame_text {
    uint64_t seq;
    struct about about;
    char *text; /* owned */
    uint32_t size;
    uint16_t kind;
};

struct stream_ring {
    struct frame_text *frame; /* owned: STREAM_RING_EVENTS; NULL while nobody listens */
    uint32_t first, count;
    size_t bytes;
    uint64_t told;            /* the last event it was told of */
    uint64_t notable_from;    /* it has every notable event after this, up to told … */
    uint64_t all_from;        /* … and every event at all */
};

/* Called before a frame leaves. */
typedef void stream_leaves_fn(void *ctx, const struct frame_text *f);

MW_MUST_USE bool stream_ring_begin(struct stream_ring *r); /* false: out of memory */
/* Forgets all, and keeps nothing from now on. */
void stream_ring_end(struct stream_ring *r);
/* Takes the text of an event (n bytes, owned); NULL: it is not kept. */
void stream_ring_add(struct stream_ring *r, struct frame_text *f, stream_leaves_fn *leaves,
                     void *ctx);
/* It was told, and nobody asks for such. */
void stream_ring_pass(struct stream_ring *r, const struct event *ev, bool notable);
/* The first frame after seq, by its place from the oldest on; count: none. */
uint32_t stream_ring_find(const struct stream_ring *r, uint64_t seq);
const struct frame_text *stream_ring_at(const struct stream_ring *r, uint32_t place);

/* Appends an event's frame. False when out of memory. */
MW_MUST_USE bool stream_frame(struct evbuffer *to, const struct words *w, const struct event *ev,
                              const void *tail, const struct about *a);

#endif
