/*
 * Differences of readings; the widths are a table of the header.
 */
#include "live/fabric_counters.h"

static const struct {
    const char *name;
    uint8_t bits;
} counters[] = {
#define X(e, name, bits) { name, bits },
    FABRIC_COUNTERS(X)
#undef X
};

_Static_assert(FABRIC_COUNTER_COUNT <= 32, "a bit for each");

uint64_t fabric_counter_most(uint32_t counter, bool wide)
{
    must(counter < FABRIC_COUNTER_COUNT);
    return wide ? UINT64_MAX : (UINT64_C(1) << counters[counter].bits) - 1;
}

const char *fabric_counter_name(uint32_t counter)
{
    must(counter < FABRIC_COUNTER_COUNT);
    return counters[counter].name;
}

/* What was counted between two readings of one width. */
static uint64_t grown(uint32_t c, bool wide, uint64_t last, uint64_t now, bool *reset)
{
    uint64_t most = fabric_counter_most(c, wide);
    if (now >= last)
        return now - last;
    /* Only wide enough counters wrap; from the last quarter into the first, else it was reset. */
    if ((wide || counters[c].bits == 32) && last > most - most / 4 && now < most / 4)
        return most - last + now + 1;
    *reset = true;
    return now;
}

void fabric_totals_add(struct fabric_totals *t, const struct fabric_reading *r)
{
    bool reset = false;
    t->full = 0;
    for (uint32_t c = 0; c < FABRIC_COUNTER_COUNT; c++) {
        uint32_t bit = UINT32_C(1) << c;
        bool wide = (r->wide & bit) != 0;
        if ((r->has & bit) == 0)
            continue;
        if ((t->has & bit) == 0)
            t->total[c] = r->value[c];
        else if (((t->wide & bit) != 0) == wide) /* another width is another counter */
            t->total[c] += grown(c, wide, t->last[c], r->value[c], &reset);
        t->last[c] = r->value[c];
        if (r->value[c] == fabric_counter_most(c, wide))
            t->full |= bit;
    }
    t->has |= r->has;
    t->wide = (t->wide & ~r->has) | (r->wide & r->has);
    t->resets += reset;
}
