/* A list of holds for each node, in rows that are reused.  See holds.h. */
#include "guard/holds.h"

#include "base/error.h"
#include "base/mem.h"

#define ROWS_SPARE 1024u

int holds_init(struct holds *h, uint32_t nodes)
{
    must(h != NULL);
    *h = (struct holds){ .free = MW_NONE, .nodes = nodes, .rows_max = 2 * nodes + ROWS_SPARE };
    h->first = mw_calloc(nodes, sizeof(*h->first));
    h->next = mw_calloc(h->rows_max, sizeof(*h->next));
    h->owner = mw_calloc(h->rows_max, sizeof(*h->owner));
    h->seq = mw_calloc(h->rows_max, sizeof(*h->seq));
    if (!h->first || !h->next || !h->owner || !h->seq)
        return MW_ENOMEM; /* the caller's fini frees what there is */
    for (uint32_t n = 0; n < nodes; n++)
        h->first[n] = MW_NONE;
    return 0;
}

void holds_fini(struct holds *h)
{
    mw_free(h->first);
    mw_free(h->next);
    mw_free(h->owner);
    mw_free(h->seq);
    *h = (struct holds){ .free = MW_NONE };
}

bool holds_full(const struct holds *h)
{
    return h->free == MW_NONE && h->used == h->rows_max;
}

uint32_t holds_find(const struct holds *h, uint32_t node, uint64_t seq)
{
    must(node < h->nodes);
    for (uint32_t row = h->first[node]; row != MW_NONE; row = h->next[row])
        if (h->seq[row] == seq)
            return row;
    return MW_NONE;
}

void holds_add(struct holds *h, uint32_t node, uint32_t owner, uint64_t seq)
{
    must(node < h->nodes && seq > 0);
    must(!holds_full(h));
    uint32_t row = h->free;
    if (row == MW_NONE)
        row = h->used++;
    else
        h->free = h->next[row];
    h->owner[row] = owner;
    h->seq[row] = seq;
    h->next[row] = h->first[node];
    h->first[node] = row;
}

uint32_t holds_lift(struct holds *h, uint32_t node, uint64_t seq)
{
    uint32_t lifted = 0;
    must(node < h->nodes);
    for (uint32_t *at = &h->first[node]; *at != MW_NONE;) {
        uint32_t row = *at;
        if (seq != 0 && h->seq[row] != seq) {
            at = &h->next[row];
            continue;
        }
        *at = h->next[row];
        h->seq[row] = 0;
        h->owner[row] = 0;
        h->next[row] = h->free;
        h->free = row;
        lifted++;
    }
    return lifted;
}
