/*
 * Names of the component kinds, from the one table in ids.h.  Owns nothing.
 */
#include "base/ids.h"

#include <assert.h>

static const char *const kind_names[] = {
#define X(e, name, plural, doc) [e] = name,
    COMPONENT_KINDS(X)
#undef X
};
static_assert(MW_ARRAY_LEN(kind_names) == COMPONENT_KIND_COUNT, "one name a kind");
static_assert(COMPONENT_KIND_COUNT <= 256, "a kind has 8 bits in an id");

const char *component_kind_name(enum component_kind kind)
{
    return (uint32_t)kind < COMPONENT_KIND_COUNT ? kind_names[kind] : "unknown";
}
