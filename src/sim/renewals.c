/*
 * The clocks of the fault processes: every component of a process's kind fails
 * again and again, each time after a draw keyed by the component and the count
 * of its faults.  First faults beyond the end are never queued: a million parts
 * that do not fail cost a draw each and no memory.
 *
 * Lemons and bad batches run a faster clock.  A burst takes neighbours in the
 * same domain along; their own clocks go on as they were.
 */
#include "sim/world_parts.h"

#include "fleet/query.h"
#include "sim/draw.h"

/* Components of one batch, in order of their numbers. */
#define BATCH_ROWS 64

/* An entry of the agenda carries the count of its fault, and of the part's replacements. */
#define CLOCK_NTH_BITS 24u
#define CLOCK_NTH_MAX ((1u << CLOCK_NTH_BITS) - 1)
#define CLOCK_SWAPS_MAX 0xffu

/* Faults of a burst's neighbours are keyed above all that clocks can count. */
#define NTH_BURST (UINT64_C(1) << 40)

/* Is the part that came by the nth replacement a lemon? */
static bool is_lemon(const struct world *w, uint32_t process, uint64_t component, uint32_t swaps)
{
    const struct scenario_process *p = &w->scenario->process[process];
    if (p->lemon_share <= 0.0)
        return false;
    if (!p->lemon_heals)
        return world_unit(w, component, process, SALT_LEMON, swaps) < p->lemon_share;
    bool lemon = world_unit(w, component, process, SALT_LEMON, 0) < p->lemon_share;
    for (uint32_t i = 1; lemon && i <= swaps; i++)
        lemon = world_unit(w, component, process, SALT_LEMON, i) >= p->lemon_cured;
    return lemon;
}

bool renewals_is_lemon(const struct world *w, uint32_t process, uint64_t component)
{
    return is_lemon(w, process, component, depot_swaps(w, component));
}

static double factor_of(const struct world *w, uint32_t process, uint64_t component,
                        uint32_t swaps)
{
    const struct scenario_process *p = &w->scenario->process[process];
    double factor = is_lemon(w, process, component, swaps) ? p->lemon_factor : 1.0;
    uint64_t batch = component - component % BATCH_ROWS;
    if (p->batch_share > 0.0 && swaps == 0 &&
        world_unit(w, batch, process, SALT_BATCH, 0) < p->batch_share)
        factor *= p->batch_factor;
    return factor;
}

void renewals_again(struct world *w, uint32_t process, uint32_t component_row, uint32_t nth)
{
    const struct scenario_process *p = &w->scenario->process[process];
    uint64_t component = component_id((enum component_kind)p->on, component_row);
    int64_t wait = draw_ns(&p->between, world_unit(w, component, process, SALT_BETWEEN, nth));
    uint32_t swaps = depot_swaps(w, component);
    double factor = factor_of(w, process, component, swaps);
    must(factor > 0.0 && nth < CLOCK_NTH_MAX);
    double scaled = (double)wait / factor;
    wait = scaled >= (double)DRAW_NS_MAX ? DRAW_NS_MAX : MW_MAX((int64_t)scaled, 1);
    if (w->now_ns + wait >= w->quiet_ns)
        return;
    world_push(w, w->now_ns + wait,
               (struct queue_what){.kind = AT_RENEWAL, .sub = (uint8_t)process,
                                   .a = component_row,
                                   .b = (nth + 1) | (swaps & CLOCK_SWAPS_MAX) << CLOCK_NTH_BITS});
}

void renewals_plant(struct world *w)
{
    for (uint32_t i = 0; i < w->scenario->processes; i++) {
        const struct scenario_process *p = &w->scenario->process[i];
        must(p->on < COMPONENT_KIND_COUNT);
        for (uint32_t row = 0; row < w->fleet->count[p->on]; row++)
            renewals_again(w, i, row, 0);
    }
}

/* ---- one fault ----------------------------------------------------------------------------- */

static struct fault_new draw_fault(const struct world *w, uint32_t process, uint64_t component,
                                   uint64_t nth)
{
    const struct scenario_process *p = &w->scenario->process[process];
    struct fault_new n = {.component = component, .nth = nth, .clears_ns = MW_NEVER,
                          .class = p->class, .process = (uint8_t)process, .effect = p->effect};
    n.node = fleet_node_of(w->fleet, component);
    n.detect_ns = draw_ns(&p->detect, world_unit(w, component, process, SALT_DETECT, nth));
    if (p->clears.n > 0) {
        n.flags |= FAULT_CLEARS;
        n.clears_ns = draw_mix_ns(&p->clears,
                                  world_bits(w, component, process, SALT_CLEARS_PICK, nth),
                                  world_unit(w, component, process, SALT_CLEARS, nth));
    }
    if (p->effect == EFFECT_SLOWS)
        n.slow_ppm = (uint32_t)(p->slow_share * 1e6);
    if (p->false_alarm) {
        n.flags |= FAULT_FALSE;
    } else if (p->effect == EFFECT_KILLS) {
        bool kills = world_unit(w, component, process, SALT_KILLS, nth) < p->kill_odds;
        if (kills)
            n.flags |= FAULT_KILLS;
        else
            n.effect = EFFECT_HARMLESS;
    }
    return n;
}

/* The nodes that stop, or only lose a part of their speed, with a shared part. */
static void feed_nodes(struct world *w, uint32_t row, const struct component_list *list, bool down)
{
    const struct fault *part = &w->faults.row[row];
    const struct scenario_process *p = &w->scenario->process[part->process];
    struct fault_new n = {.nth = part->nth, .clears_ns = MW_NEVER, .class = part->class,
                          .process = part->process, .effect = part->effect};
    n.flags = (uint8_t)(FAULT_FED | (part->flags & (FAULT_KILLS | FAULT_CLEARS)));
    n.slow_ppm = part->slow_ppm;
    if (!down) {
        n.flags &= (uint8_t)~FAULT_KILLS;
        n.effect = EFFECT_SLOWS;
        n.slow_ppm = (uint32_t)(p->slow_share * 1e6);
    }
    for (uint32_t i = 0; i < list->length; i++) {
        if (component_kind_of(list->id[i]) != COMPONENT_NODE)
            continue;
        n.component = list->id[i];
        n.node = component_index_of(n.component);
        n.detect_ns =
            draw_ns(&p->detect, world_unit(w, n.component, n.process, SALT_DETECT, n.nth));
        uint32_t child = faults_begin(w, &n);
        if (child == MW_NONE)
            return;
        w->faults.row[child].parent = row;
        w->faults.row[child].sibling = w->faults.row[row].child;
        w->faults.row[row].child = child;
        mark_hit(w->marks, MARK_PART_FEEDS_NODES);
    }
}

static bool feeds_nodes(uint64_t component)
{
    enum component_kind kind = component_kind_of(component);
    return kind == COMPONENT_SWITCH || kind == COMPONENT_PDU || kind == COMPONENT_CDU ||
           kind == COMPONENT_BREAKER || kind == COMPONENT_RACK;
}

void renewals_begin(struct world *w, const struct fault_new *n)
{
    uint32_t row = faults_begin(w, n);
    if (row == MW_NONE || !feeds_nodes(n->component) || n->flags & FAULT_FALSE)
        return;
    struct component_list down = {0}, degraded = {0};
    if (fleet_fails_with(w->fleet, n->component, &down, &degraded) < 0)
        w->failed = true;
    feed_nodes(w, row, &down, true);
    if (w->scenario->process[n->process].slow_share > 0.0)
        feed_nodes(w, row, &degraded, false);
    component_list_fini(&down);
    component_list_fini(&degraded);
}

/* ---- bursts -------------------------------------------------------------------------------- */

static struct fleet_list racks_of(const struct world *w, uint8_t within, uint32_t rack,
                                  uint32_t *ret_row)
{
    const struct fleet *f = w->fleet;
    *ret_row = within == COMPONENT_PDU ? f->rack_pdu[0][rack] : f->rack_cdu[rack];
    return within == COMPONENT_PDU ? f->pdu_racks : f->cdu_racks;
}

static uint32_t leaf_of(const struct fleet *f, uint32_t node)
{
    if (f->node_nics[node] == 0)
        return MW_NONE;
    uint32_t cable = f->nic_cable[f->node_nic_first[node]];
    for (uint32_t end = 0; cable != MW_NONE && end < 2; end++) {
        uint64_t c = f->cable_end[end][cable].component;
        if (component_kind_of(c) == COMPONENT_SWITCH)
            return component_index_of(c);
    }
    return MW_NONE;
}

/* The i-th node (modulo) of a rack list's row; MW_NONE when the row is empty. */
static uint32_t node_at(const struct fleet *f, const struct fleet_list *racks, uint32_t row,
                        uint64_t i)
{
    uint64_t total = 0;
    for (uint32_t k = racks->first[row]; k < racks->first[row + 1]; k++)
        total += f->rack_nodes.first[racks->item[k] + 1] - f->rack_nodes.first[racks->item[k]];
    if (total == 0)
        return MW_NONE;
    i %= total;
    for (uint32_t k = racks->first[row]; k < racks->first[row + 1]; k++) {
        uint32_t first = f->rack_nodes.first[racks->item[k]];
        uint32_t n = f->rack_nodes.first[racks->item[k] + 1] - first;
        if (i < n)
            return f->rack_nodes.item[first + (uint32_t)i];
        i -= n;
    }
    return MW_NONE;
}

/* The i-th node that shares the domain with a node. */
static uint32_t neighbour(const struct world *w, uint8_t within, uint32_t node, uint64_t i)
{
    const struct fleet *f = w->fleet;
    uint32_t rack = f->node_rack[node];
    if (within == COMPONENT_SWITCH) {
        uint32_t leaf = leaf_of(f, node);
        if (leaf == MW_NONE)
            return MW_NONE;
        uint32_t first = f->switch_cables.first[leaf], end = f->switch_cables.first[leaf + 1];
        return first == end ? MW_NONE
                            : f->cable_node[f->switch_cables.item[first + i % (end - first)]];
    }
    if (rack == MW_NONE)
        return MW_NONE;
    if (within == COMPONENT_PDU || within == COMPONENT_CDU) {
        uint32_t row;
        struct fleet_list racks = racks_of(w, within, rack, &row);
        return row == MW_NONE ? MW_NONE : node_at(f, &racks, row, i);
    }
    uint32_t first = f->rack_nodes.first[rack], end = f->rack_nodes.first[rack + 1];
    return f->rack_nodes.item[first + i % (end - first)];
}

/* The part of that kind on a node; 0 when it has none.  `pick` chooses among several. */
static uint64_t part_of(const struct fleet *f, uint8_t kind, uint32_t node, uint64_t pick)
{
    if (kind == COMPONENT_NODE)
        return component_id(COMPONENT_NODE, node);
    if (kind == COMPONENT_GPU && f->node_gpus[node] > 0)
        return component_id(COMPONENT_GPU,
                            f->node_gpu_first[node] + (uint32_t)(pick % f->node_gpus[node]));
    if (f->node_nics[node] == 0)
        return 0;
    uint32_t nic = f->node_nic_first[node] + (uint32_t)(pick % f->node_nics[node]);
    if (kind == COMPONENT_NIC)
        return component_id(COMPONENT_NIC, nic);
    uint32_t cable = f->nic_cable[nic];
    if (cable == MW_NONE)
        return 0;
    if (kind == COMPONENT_CABLE)
        return component_id(COMPONENT_CABLE, cable);
    uint32_t optic = f->cable_optic[pick >> 32 & 1][cable];
    return kind == COMPONENT_OPTIC && optic != MW_NONE ? component_id(COMPONENT_OPTIC, optic) : 0;
}

static void burst(struct world *w, uint32_t process, uint64_t component, uint64_t nth)
{
    const struct scenario_process *p = &w->scenario->process[process];
    uint32_t node = fleet_node_of(w->fleet, component);
    if (p->burst_max < 2 || node == MW_NONE ||
        world_unit(w, component, process, SALT_BURST, nth) >= p->burst_share)
        return;
    uint64_t bits = world_bits(w, component, process, SALT_BURST_SIZE, nth);
    uint32_t size = 2 + (uint32_t)mw_random_below(bits, p->burst_max - 1);
    uint64_t from = world_bits(w, component, process, SALT_BURST_PICK, nth) >> 32;
    uint32_t taken = 1;
    for (uint32_t i = 0; taken < size && i < 2 * size; i++) {
        uint32_t other = neighbour(w, p->burst_within, node, from + i);
        if (other == MW_NONE || other == node)
            continue;
        uint64_t part = part_of(w->fleet, p->on, other, bits);
        if (part == 0 || part == component)
            continue;
        struct fault_new n = draw_fault(w, process, part, NTH_BURST + w->faults.numbers);
        renewals_begin(w, &n);
        taken++;
    }
    w->faults.bursts += taken > 1;
    sometimes(w->marks, taken >= 3, MARK_BURST);
}

/* The part was replaced since its clock was set: a better one fails less often.  Of a clock without
 * memory the share of its ticks that the new part has is thinned out exactly. */
static bool still_due(const struct world *w, uint32_t process, uint64_t component, uint32_t nth,
                      uint32_t swaps_then)
{
    uint32_t swaps = depot_swaps(w, component);
    if ((swaps & CLOCK_SWAPS_MAX) == swaps_then)
        return true;
    double then = factor_of(w, process, component, swaps_then);
    return world_unit(w, component, process, SALT_THIN, nth) * then <
           factor_of(w, process, component, swaps);
}

/* A clock that stands still while nobody works on the node: where it has no memory, leaving out the
 * ticks of that time is the same. */
static bool in_time_out(const struct world *w, uint32_t process, uint64_t component)
{
    uint32_t node = fleet_node_of(w->fleet, component);
    if (!w->scenario->process[process].at_work || node == MW_NONE)
        return false;
    uint32_t row = w->attempts.node_row[node];
    return row == MW_NONE || w->attempts.row[row].state != ATTEMPT_RUNNING;
}

void renewals_due(struct world *w, const struct queue_entry *e)
{
    uint32_t process = queue_sub(e);
    must(process < w->scenario->processes);
    enum component_kind kind = (enum component_kind)w->scenario->process[process].on;
    uint64_t component = component_id(kind, e->a);
    uint32_t nth = e->b & CLOCK_NTH_MAX;
    if (!still_due(w, process, component, nth, e->b >> CLOCK_NTH_BITS) ||
        in_time_out(w, process, component)) {
        renewals_again(w, process, e->a, nth);
        return;
    }
    struct fault_new n = draw_fault(w, process, component, nth);
    n.flags |= FAULT_RENEWS;
    renewals_begin(w, &n);
    burst(w, process, component, nth);
}
