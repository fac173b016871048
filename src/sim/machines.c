/*
 * What machines are asked to do: each action is carried out at most once, is
 * not begun once its lease is over, and is answered with what was read back.
 *
 * OK says that it was done, not that it helped: that the gate says.  Half of
 * the answers that a machine does not know were done.  A machine that resets a
 * node stops the job that works on it, whatever the controller meant.
 */
#include "sim/world_parts.h"

#include "base/mem.h"
#include "sim/draw.h"

int machines_init(struct world *w)
{
    w->machines.free = MW_NONE;
    w->machines.node_seq = mw_calloc(w->nodes, sizeof(*w->machines.node_seq));
    return w->machines.node_seq == NULL ? MW_ENOMEM : 0;
}

void machines_fini(struct world *w)
{
    mw_free(w->machines.row);
    mw_free(w->machines.node_seq);
}

static uint32_t row_take(struct world *w)
{
    struct machines *m = &w->machines;
    uint32_t row = m->free;
    if (row != MW_NONE) {
        m->free = m->row[row].next;
        return row;
    }
    if (!world_room(w, (void **)&m->row, m->used, &m->room, sizeof(m->row[0])))
        return MW_NONE;
    return m->used++;
}

static bool resets(uint8_t step)
{
    return step == STEP_RESET_GPU || step == STEP_REBOOT || step == STEP_POWER_CYCLE ||
           step == STEP_FIRMWARE || step == STEP_RETIRE;
}

/* Of the whole node, not of one part of it. */
static bool is_of_node(uint8_t step)
{
    return step == STEP_RESTART_SERVICE || step == STEP_REBOOT || step == STEP_POWER_CYCLE ||
           step == STEP_FIRMWARE || step == STEP_RETIRE;
}

static int64_t takes_ns(const struct world *w, const struct machine_act *a)
{
    const struct scenario_mix *takes = &w->scenario->step[a->body.step].takes;
    if (takes->n == 0)
        return crew_expected_ns(w, a->body.class, a->body.step);
    return draw_mix_ns(
        takes, world_bits(w, a->body.component, PROCESS_MACHINE, SALT_TAKES_PICK, a->seq),
        world_unit(w, a->body.component, PROCESS_MACHINE, SALT_TAKES, a->seq));
}

/* How long it lies about before the machine gets to it: up to twice its lease. */
static int64_t waits_ns(const struct world *w, const struct machine_act *a)
{
    uint64_t bits = world_bits(w, a->body.component, PROCESS_MACHINE, SALT_LATE, a->seq);
    if (mw_random_below(bits, 100) >= w->config.doings.tardy_percent)
        return 0;
    double u = world_unit(w, a->body.component, PROCESS_MACHINE, SALT_LATE_BY, a->seq);
    return (int64_t)(u * 2.0 * (double)a->body.lease_ms * (double)MW_NS_PER_MS);
}

static bool is_new(struct world *w, const struct event *action)
{
    uint32_t node = action->body.order.node;
    if (!crew_is_new(w, action))
        return false;
    if (node == MW_NONE)
        return true;
    if (action->seq <= w->machines.node_seq[node]) {
        world_again(w);
        return false;
    }
    w->machines.node_seq[node] = action->seq;
    return true;
}

void machines_act(struct world *w, const struct event *action)
{
    const struct body_order *b = &action->body.order;
    if ((b->node != MW_NONE && b->node >= w->nodes) || b->step >= STEP_COUNT) {
        w->trouble = "an action names a node or a step that does not exist";
        return;
    }
    if (!is_new(w, action))
        return;
    uint32_t row = row_take(w);
    if (row == MW_NONE)
        return;
    struct machine_act *a = &w->machines.row[row];
    *a = (struct machine_act){.body = *b, .seq = action->seq, .next = MW_NONE};
    int64_t waits = waits_ns(w, a);
    int64_t age_ns = w->now_ns + waits - action->time_ns;
    a->refused = b->lease_ms > 0 && age_ns > (int64_t)b->lease_ms * MW_NS_PER_MS;
    bool busy = b->node != MW_NONE && resets(b->step) && attempts_works_on(w, b->node);
    if (!a->refused && busy) {
        w->machines.killed_jobs++;
        attempts_struck(w, b->node, b->class);
    }
    world_push(w, w->now_ns + waits + (a->refused ? 0 : takes_ns(w, a)),
               (struct queue_what){.kind = AT_MACHINE, .a = row});
}

static void carry_out(struct world *w, const struct body_order *b)
{
    if (b->node != MW_NONE && is_of_node(b->step)) {
        faults_treat_node(w, b->node, b->step, true);
        return;
    }
    uint32_t row = faults_find(w, b->finding, b->component, b->node);
    if (row == MW_NONE)
        row = faults_find_hidden(w, b->finding, b->component, b->node);
    if (row != MW_NONE && w->faults.row[row].node == b->node) /* else a part's that feeds it */
        (void)faults_treat(w, row, b->step, true);
}

static const char *read_back(uint8_t result)
{
    if (result == RESULT_OK)
        return "done, and read back";
    return result == RESULT_FAILED ? "not begun: the lease is over" : "no answer was read back";
}

void machines_done(struct world *w, uint32_t row)
{
    struct machines *m = &w->machines;
    struct machine_act a = m->row[row];
    uint64_t key = a.body.component;
    uint8_t result = a.refused ? RESULT_FAILED : RESULT_OK;
    m->row[row].next = m->free;
    m->free = row;
    if (!a.refused && world_unit(w, key, PROCESS_MACHINE, SALT_UNKNOWN, a.seq) <
                          w->scenario->step[a.body.step].unknown)
        result = RESULT_UNKNOWN;
    bool half = world_bits(w, key, PROCESS_MACHINE, SALT_DONE, a.seq) >> 63 != 0;
    if (result == RESULT_OK || (result == RESULT_UNKNOWN && half))
        carry_out(w, &a.body);
    m->done += result == RESULT_OK;
    m->refused += a.refused;
    m->unknown += result == RESULT_UNKNOWN;
    mark_hit(w->marks, MARK_MACHINE_ACTED);
    sometimes(w->marks, a.refused, MARK_LEASE_OVER);
    sometimes(w->marks, result == RESULT_UNKNOWN, MARK_RESULT_UNKNOWN);
    struct event ev = {.kind = EV_ACTION_ENDED, .observed_ns = w->now_ns, .cause = a.seq};
    ev.source = a.body.node == MW_NONE ? SOURCE_FABRIC : SOURCE_NODE + a.body.node;
    ev.body.order = a.body;
    ev.body.order.result = result;
    world_emit(w, &ev, read_back(result));
}
