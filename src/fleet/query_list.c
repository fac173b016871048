/* Id lists: growth by doubling, a bottom-up merge sort with one buffer. */
#include "fleet/query_list.h"

#include <string.h>

#include "base/mem.h"

#define FIRST_ROOM 64
#define RUN 16 /* sorted by insertion before merging */

void component_list_fini(struct component_list *l)
{
    if (l == NULL)
        return;
    mw_free(l->id);
    *l = (struct component_list){0};
}

bool list_failed(const struct component_list *l)
{
    return l->length == MW_NONE;
}

void list_add(struct component_list *l, uint64_t id)
{
    if (list_failed(l))
        return;
    if (l->length == l->room) {
        uint32_t room = l->room == 0 ? FIRST_ROOM : l->room * 2;
        uint64_t *ids = room > UINT32_MAX / 4 ? NULL : mw_resize(l->id, room, sizeof(*ids));

        if (ids == NULL) {
            l->length = MW_NONE;
            return;
        }
        l->id = ids;
        l->room = room;
    }
    l->id[l->length++] = id;
}

static void sort_run(uint64_t *id, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        uint64_t value = id[i];
        uint32_t k = i;

        for (; k > 0 && id[k - 1] > value; k--)
            id[k] = id[k - 1];
        id[k] = value;
    }
}

static void merge(const uint64_t *from, uint64_t *to, uint32_t left, uint32_t middle, uint32_t end)
{
    uint32_t a = left, b = middle;

    for (uint32_t i = left; i < end; i++)
        to[i] = b >= end || (a < middle && from[a] <= from[b]) ? from[a++] : from[b++];
}

static bool is_sorted(const uint64_t *id, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        if (id[i - 1] > id[i])
            return false;
    }
    return true;
}

static int sort_ids(uint64_t *id, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += RUN)
        sort_run(id + i, MW_MIN(RUN, n - i));
    if (is_sorted(id, n))
        return 0;
    uint64_t *buffer = mw_calloc(n, sizeof(*buffer));
    if (buffer == NULL)
        return MW_ENOMEM;
    uint64_t *from = id, *to = buffer;
    for (uint32_t width = RUN; width < n; width *= 2) {
        for (uint32_t i = 0; i < n; i += 2 * width)
            merge(from, to, i, MW_MIN(i + width, n), MW_MIN(i + 2 * width, n));
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != id)
        memcpy(id, from, n * sizeof(*id));
    mw_free(buffer);
    return 0;
}

int list_sort(struct component_list *l)
{
    uint32_t kept = 0;

    if (list_failed(l)) {
        l->length = 0;
        return MW_ENOMEM;
    }
    if (!is_sorted(l->id, l->length)) {
        int rc = sort_ids(l->id, l->length);
        if (rc != 0)
            return rc;
    }
    for (uint32_t i = 0; i < l->length; i++) {
        if (kept == 0 || l->id[kept - 1] != l->id[i])
            l->id[kept++] = l->id[i];
    }
    l->length = kept;
    return 0;
}

bool list_has(const struct component_list *l, uint64_t id)
{
    uint32_t low = 0, high = l->length;

    must(!list_failed(l));
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (l->id[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < l->length && l->id[low] == id;
}

static void keep(struct component_list *a, const struct component_list *b, bool common)
{
    uint32_t kept = 0, k = 0;

    must(!list_failed(a) && !list_failed(b));
    for (uint32_t i = 0; i < a->length; i++) {
        while (k < b->length && b->id[k] < a->id[i])
            k++;
        if ((k < b->length && b->id[k] == a->id[i]) == common)
            a->id[kept++] = a->id[i];
    }
    a->length = kept;
}

void list_subtract(struct component_list *a, const struct component_list *b)
{
    keep(a, b, false);
}

void list_intersect(struct component_list *a, const struct component_list *b)
{
    keep(a, b, true);
}
