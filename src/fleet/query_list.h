/*
 * Lists of component ids for the queries: grow, sort, merge.  No qsort: the
 * queries are used by planes.  Internal to this room.
 */
#ifndef MW_FLEET_QUERY_LIST_H
#define MW_FLEET_QUERY_LIST_H

#include "base/error.h"
#include "fleet/query.h"

/* Adds one id.  Once memory ran out the list stays `failed` for the caller to see: room is 0 and
 * length MW_NONE. */
void list_add(struct component_list *l, uint64_t id);
bool list_failed(const struct component_list *l);

/* Sorts and drops repeats; MW_ENOMEM also when an add failed before. */
MW_MUST_USE int list_sort(struct component_list *l);

/* In a sorted list. */
bool list_has(const struct component_list *l, uint64_t id);

/* Drops from sorted a what is in sorted b. */
void list_subtract(struct component_list *a, const struct component_list *b);

/* Keeps in sorted a only what is in sorted b. */
void list_intersect(struct component_list *a, const struct component_list *b);

#endif
