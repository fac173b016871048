/*
 * What every journal shares: the hash that links groups and the walk through
 * a group's bytes.  Owns nothing; never reads past what the group says it has.
 */
#include "core/journal.h"

#include <string.h>

/* What goes into the chain beside the bytes: no padding, little-endian as on disk. */
struct chain_link {
    uint8_t before[MW_SHA256_SIZE];
    uint64_t first_seq;
    uint32_t count;
    uint32_t size;
};
_Static_assert(sizeof(struct chain_link) == 48, "hashed as bytes: no padding");

/* The bytes between a tail's end and the next event are zero, so that every bit is spoken for. */
static bool padding_is_zero(const uint8_t *tail, uint32_t tail_size)
{
    static const uint8_t zero[8];
    return memcmp(tail + tail_size, zero, (8 - tail_size % 8) % 8) == 0;
}

void journal_chain(const uint8_t before[MW_SHA256_SIZE], const struct group *g,
                   uint8_t ret[MW_SHA256_SIZE])
{
    must(g->bytes != NULL && g->size > 0);
    struct chain_link link = {.first_seq = g->first_seq, .count = g->count, .size = g->size};
    memcpy(link.before, before, sizeof(link.before));
    const struct mw_piece piece[] = {{&link, sizeof(link)}, {g->bytes, g->size}};
    mw_sha256(piece, MW_ARRAY_LEN(piece), ret);
}

int group_walk(const struct group *g, journal_visit_fn *visit, void *ctx)
{
    must((uintptr_t)g->bytes % 8 == 0);
    if (g->count == 0 || g->first_seq == 0 || g->size > GROUP_BYTES_MAX)
        return MW_ECORRUPT;
    const uint8_t *at = g->bytes;
    size_t left = g->size;
    for (uint32_t i = 0; i < g->count; i++) {
        const struct event *ev = (const void *)at;
        if (left < sizeof(*ev) || event_check(ev) != 0 || event_frame_size(ev) > left)
            return MW_ECORRUPT;
        const uint8_t *tail = ev->tail_size > 0 ? at + sizeof(*ev) : NULL;
        if (ev->seq != g->first_seq + i || (tail && !padding_is_zero(tail, ev->tail_size)))
            return MW_ECORRUPT;
        at += event_frame_size(ev);
        left -= event_frame_size(ev);
        bool last = i + 1 == g->count;
        if (last && left != 0)
            return MW_ECORRUPT;
        int rc = visit ? visit(ctx, ev, tail, last) : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}
