/* The ring of frames that all clients read from, and what a frame looks like. */
#include "api/stream_private.h"

#include "base/mem.h"

bool stream_frame(struct evbuffer *to, const struct words *w, const struct event *ev,
                  const void *tail, const struct about *a)
{
    const char *name = event_info(ev->kind)->name;
    return evbuffer_add_printf(to, "id: %llu\nevent: %s\ndata: ", (unsigned long long)ev->seq,
                               name ? name : "unknown") > 0 &&
           about_write(to, w, ev, tail, a) && evbuffer_add(to, "\n\n", 2) == 0;
}

bool stream_ring_begin(struct stream_ring *r)
{
    if (r->frame)
        return true;
    r->frame = mw_calloc(STREAM_RING_EVENTS, sizeof(*r->frame));
    r->notable_from = r->all_from = r->told;
    return r->frame != NULL;
}

static void forget_first(struct stream_ring *r)
{
    struct frame_text *f = &r->frame[r->first];
    r->notable_from = MW_MAX(r->notable_from, f->seq);
    r->all_from = MW_MAX(r->all_from, f->seq);
    r->bytes -= f->size;
    mw_free(f->text);
    *f = (struct frame_text){ 0 };
    r->first = (r->first + 1) % STREAM_RING_EVENTS;
    r->count--;
}

void stream_ring_end(struct stream_ring *r)
{
    while (r->count > 0)
        forget_first(r);
    mw_free(r->frame);
    r->frame = NULL;
    r->notable_from = r->all_from = r->told;
}

void stream_ring_add(struct stream_ring *r, struct frame_text *f, stream_leaves_fn *leaves,
                     void *ctx)
{
    must(r->frame && f->text && f->seq > r->told);
    while (r->count == STREAM_RING_EVENTS ||
           (r->count > 0 && r->bytes + f->size > STREAM_RING_BYTES)) {
        leaves(ctx, &r->frame[r->first]);
        forget_first(r);
    }
    r->frame[(r->first + r->count) % STREAM_RING_EVENTS] = *f;
    r->count++;
    r->bytes += f->size;
    r->told = f->seq;
}

void stream_ring_pass(struct stream_ring *r, const struct event *ev, bool notable)
{
    r->told = ev->seq;
    r->all_from = ev->seq;
    if (notable || !r->frame)
        r->notable_from = ev->seq;
}

const struct frame_text *stream_ring_at(const struct stream_ring *r, uint32_t place)
{
    must(place < r->count);
    return &r->frame[(r->first + place) % STREAM_RING_EVENTS];
}

uint32_t stream_ring_find(const struct stream_ring *r, uint64_t seq)
{
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (stream_ring_at(r, middle)->seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
