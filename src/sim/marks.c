/*
 * Names and sums of marks.
 */
#include "sim/marks.h"

static const char *const names[MARK_COUNT] = {
#define X(e, name) [e] = name,
    SOMETIMES(X)
#undef X
};

void marks_add(struct marks *to, const struct marks *more)
{
    for (uint32_t i = 0; i < MARK_COUNT; i++)
        to->count[i] += more->count[i];
}

const char *mark_name(uint32_t mark)
{
    return mark < MARK_COUNT ? names[mark] : "unknown";
}
