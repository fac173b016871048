/* See the header. */
#include "care/care_guest.h"

#include "base/mem.h"
#include "base/units.h"
#include "care/care_cause_private.h"

#define EXCUSED_MAX 2u /* chosen: what comes again and again just then is the node's own */

int guest_init(struct care *c)
{
    uint32_t slots = c->board->incidents_max;
    struct guest *g = c->guest = mw_calloc(1, sizeof(*g));
    if (!g)
        return MW_ENOMEM;
    g->is = mw_calloc(c->findings_max, 1);
    g->count = mw_calloc(slots, sizeof(*g->count));
    g->trees = mw_calloc(slots, 1);
    g->excused = mw_calloc(slots, 1);
    g->due_ns = mw_calloc(slots, sizeof(*g->due_ns));
    if (!g->is || !g->count || !g->trees || !g->excused || !g->due_ns)
        return MW_ENOMEM;
    for (uint32_t i = 0; i < slots; i++)
        g->due_ns[i] = MW_NEVER;
    return heap_init(&g->timers, g->due_ns, slots);
}

void guest_fini(struct care *c)
{
    struct guest *g = c->guest;
    if (!g)
        return;
    void *const owned[] = { g->is, g->count, g->trees, g->excused, g->due_ns };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(owned); i++)
        mw_free(owned[i]);
    heap_fini(&g->timers);
    mw_free(g);
    c->guest = NULL;
}

void guest_columns(struct care *c)
{
    struct guest *g = c->guest;
    const uint32_t *f = &c->findings_used, *i = &c->board->incidents_used;
    uint32_t slots = c->board->incidents_max;
    const struct column column[] = {
        COLUMN("finding_guest", g->is, c->findings_max, f),
        COLUMN("guests", g->count, slots, i),
        COLUMN("guest_trees", g->trees, slots, i),
        COLUMN("guest_excused", g->excused, slots, i),
        COLUMN("guest_due_ns", g->due_ns, slots, i),
    };
    for (uint32_t k = 0; k < MW_ARRAY_LEN(column); k++)
        care_column(c, column[k]);
}

void guest_rebuild(struct care *c)
{
    heap_rebuild(&c->guest->timers);
}

/* ---- folds ---------------------------------------------------------------------------------- */

void guest_finding(struct care *c, uint32_t row)
{
    c->guest->is[row] = 0;
}

static bool is_the_same(const struct care *c, const struct body_incident *i, uint32_t row)
{
    return c->finding_class[row] == c->board->incident_class[i->slot] &&
           c->finding_component[row] == c->board->incident_component[i->slot];
}

void guest_joined(struct care *c, const struct body_incident *i, uint32_t row)
{
    struct guest *g = c->guest;
    if (row == MW_NONE || i->node == MW_NONE || !c->policy.correlate || g->is[row])
        return;
    uint8_t shared = c->policy.class[c->finding_class[row]].shared;
    if (!shared || cause_parent(c, i->slot) != MW_NONE || is_the_same(c, i, row))
        return;
    g->is[row] = 1;
    g->count[i->slot]++;
    g->trees[i->slot] |= shared;
    heap_set(&g->timers, i->slot, c->now_ns + c->policy.cause_window_ms * MW_NS_PER_MS);
}

static void none_left(struct care *c, uint32_t slot)
{
    c->guest->count[slot] = 0;
    c->guest->trees[slot] = 0;
    heap_set(&c->guest->timers, slot, MW_NEVER);
}

void guest_incident_reset(struct care *c, uint32_t slot)
{
    none_left(c, slot);
    c->guest->excused[slot] = 0;
}

void guest_finding_closed(struct care *c, uint32_t row, uint32_t slot)
{
    struct guest *g = c->guest;
    if (!g->is[row])
        return;
    g->is[row] = 0;
    if (slot == MW_NONE)
        return;
    must(g->count[slot] > 0);
    if (--g->count[slot] == 0)
        none_left(c, slot);
}

/* ---- what explains them --------------------------------------------------------------------- */

/* Is a part on which the node hangs known to be broken, or just repaired? */
static bool is_explained(const struct care *c, uint32_t slot)
{
    uint32_t node = c->board->incident_node[slot];
    struct cause_path p = cause_above(c, component_id(COMPONENT_NODE, node), node,
                                      c->guest->trees[slot]);
    for (uint32_t i = 0; i < p.length; i++) {
        uint32_t root = c->cause->root[p.place[i]];
        bool over = root == MW_NONE || cause_is_refuted(c, root) ||
                    ((c->flags[root] & INC_DONE) && c->cause->due_ns[root] == MW_NEVER);
        if (!over)
            return true;
    }
    return false;
}

int64_t guest_next_due(const struct care *c, uint32_t *ret_slot)
{
    *ret_slot = heap_top(&c->guest->timers);
    return heap_top_due(&c->guest->timers);
}

uint8_t guest_timer_fired(struct care *c, const struct event *ev)
{
    struct guest *g = c->guest;
    uint32_t slot = (uint32_t)ev->body.timer.id;
    if (slot >= c->board->incidents_used || g->due_ns[slot] != ev->body.timer.due_ns)
        return MISFIT_INCIDENT;
    bool stays = g->count[slot] && is_explained(c, slot);
    heap_set(&g->timers, slot, stays ? c->now_ns + guest_look_ns(c) : MW_NEVER);
    care_mark(c, slot);
    return 0;
}

bool guest_alone(const struct care *c, uint32_t slot)
{
    const struct guest *g = c->guest;
    return g->count[slot] && g->count[slot] == c->open[slot] && g->due_ns[slot] != MW_NEVER &&
           cause_parent(c, slot) == MW_NONE;
}

bool guest_excuses(struct care *c, uint32_t slot)
{
    uint8_t *excused = &c->guest->excused[slot];
    if (!guest_alone(c, slot))
        return false;
    if (is_explained(c, slot))
        return true;
    return *excused < EXCUSED_MAX && ++*excused;
}
