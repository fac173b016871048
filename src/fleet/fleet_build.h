/*
 * How a fleet is put together: used by the site loader alone.  Columns are
 * allocated kind by kind once their counts are known; names go into one pool
 * and one hash index; lists are made from parent columns.
 */
#ifndef MW_FLEET_FLEET_BUILD_H
#define MW_FLEET_FLEET_BUILD_H

#include "base/error.h"
#include "fleet/fleet.h"

/* Allocates every column of a kind for f->count[kind] rows, zeroed.  MW_ENOMEM leaves what was
 * allocated to fleet_destroy. */
MW_MUST_USE int fleet_alloc_kind(struct fleet *f, enum component_kind kind);

/* Makes place for names_max names; MW_ENOMEM, MW_ELIMIT past 2^30. */
MW_MUST_USE int fleet_index_init(struct fleet *f, uint32_t names_max);

/* Enters a component by its name (already in name_of).  Returns 0, or the component that has the
 * name already (then nothing is entered). */
uint64_t fleet_index_add(struct fleet *f, uint64_t component);

/* As fleet_find for `length` bytes. */
uint64_t fleet_find_n(const struct fleet *f, const char *name, size_t length);

/* Children by parent: row i lists every c with parent[c] == i, in order of c.  MW_NONE parents are
 * left out. */
MW_MUST_USE int fleet_list_make(struct fleet_list *l, uint32_t rows, const uint32_t *parent,
                                uint32_t children);

/* As above for children with two parents (a rack's feeds, a cable's ends); a child with the same
 * parent twice is listed once. */
MW_MUST_USE int fleet_list_make2(struct fleet_list *l, uint32_t rows, uint32_t *const parent[2],
                                 uint32_t children);

#endif
