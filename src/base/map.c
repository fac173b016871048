/*
 * Key to row: linear probing in a table at most half full, backward shift on
 * removal.  Owns its array; allocates in map_init only, never iterates.
 */
#include "base/map.h"

#include "base/error.h"
#include "base/mem.h"

#define ROWS_MAX (UINT32_C(1) << 30) /* so that the places fit 32 bits */

static inline uint32_t home(const struct map *m, uint64_t key)
{
    return (uint32_t)mw_mix64(key) & m->mask;
}

/* The place of key, or the empty place where it belongs. */
static inline uint32_t place_of(const struct map *m, uint64_t key)
{
    uint32_t at = home(m, key);
    while (m->place[at].row != MW_NONE && m->place[at].key != key)
        at = (at + 1) & m->mask;
    return at;
}

int map_init(struct map *m, uint32_t rows_max)
{
    must(rows_max <= ROWS_MAX);
    uint32_t places = 2;
    while (places < 2 * rows_max)
        places *= 2;
    *m = (struct map){.mask = places - 1, .length_max = rows_max};
    m->place = mw_calloc(places, sizeof(*m->place));
    if (m->place == NULL)
        return MW_ENOMEM;
    map_clear(m);
    return 0;
}

void map_fini(struct map *m)
{
    mw_free(m->place);
    *m = (struct map){0};
}

void map_clear(struct map *m)
{
    m->length = 0;
    for (size_t at = 0; at <= m->mask; at++)
        m->place[at].row = MW_NONE;
}

void map_put(struct map *m, uint64_t key, uint32_t row)
{
    must(row != MW_NONE);
    uint32_t at = place_of(m, key);
    if (m->place[at].row == MW_NONE) {
        must(m->length < m->length_max);
        m->length++;
        m->place[at].key = key;
    }
    m->place[at].row = row;
}

bool map_remove(struct map *m, uint64_t key)
{
    uint32_t hole = place_of(m, key);
    if (m->place[hole].row == MW_NONE)
        return false;
    /* Pull back every later entry of the run that may legally sit in the hole. */
    for (uint32_t at = (hole + 1) & m->mask; m->place[at].row != MW_NONE; at = (at + 1) & m->mask) {
        uint32_t from_home = (at - home(m, m->place[at].key)) & m->mask;
        if (from_home < ((at - hole) & m->mask))
            continue;
        m->place[hole] = m->place[at];
        hole = at;
    }
    m->place[hole].row = MW_NONE;
    m->length--;
    return true;
}
