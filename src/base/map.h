/*
 * An open-addressing index from a 64-bit key to a row number.  Fixed capacity
 * chosen at init (twice the rows, a power of two); never iterated, so its
 * layout cannot leak into results.  Deletion shifts back: no tombstones.
 */
#ifndef MW_BASE_MAP_H
#define MW_BASE_MAP_H

#include "base/base.h"
#include "base/hash.h"

struct map_place { /* one cache line touched a look-up */
    uint64_t key;
    uint32_t row; /* MW_NONE = empty */
};

struct map {
    struct map_place *place; /* owned */
    uint32_t mask; /* places - 1 */
    uint32_t length, length_max;
};

MW_MUST_USE int map_init(struct map *m, uint32_t rows_max); /* MW_ENOMEM */
void map_fini(struct map *m);
void map_clear(struct map *m);

/* MW_NONE when absent. */
static inline uint32_t map_get(const struct map *m, uint64_t key)
{
    /* Ends: at most half of the places are taken. */
    for (uint32_t at = (uint32_t)mw_mix64(key) & m->mask;; at = (at + 1) & m->mask) {
        const struct map_place *p = &m->place[at];
        if (p->row == MW_NONE || p->key == key)
            return p->row;
    }
}

/* Replaces; row is not MW_NONE; must() not exceed rows_max. */
void map_put(struct map *m, uint64_t key, uint32_t row);
bool map_remove(struct map *m, uint64_t key); /* false when it was not there */

#endif
