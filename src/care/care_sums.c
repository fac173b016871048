/* See the header.  Saturates where a policy's numbers are absurd. */
#include "care/care_sums.h"

#include "base/exact.h"
#include "base/units.h"
#include "care/care_ladder.h"
#include "care/care_lemon.h"
#include "care/care_stock.h"

#define PPM 1000000
#define ODDS_LEAST_PPM 10000u /* of the last step again and again: a hundred times at most */
#define SLOW_MOST_PPM 990000u

/* What the alternatives of one incident have in common. */
struct view {
    const struct care *c;
    uint32_t slot, node; /* node: MW_NONE */
    const struct care_ladder *row;
    uint32_t rows;
    bool in_place;
    int64_t kill_uusd;  /* a refault: a kill without warning, times what the gate misses */
    int64_t keep_uusd;  /* what keeping a node costs that costs more than it earns; else 0 */
    uint32_t still_gpus; /* these stand still while a step is taken … */
    uint32_t slow_gpus;  /* … or these are slowed */
    int64_t gate_ms;
};

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    return mw_add_overflows(a, b, &sum) ? INT64_MAX : sum; /* only large ones are added */
}

static int64_t share(int64_t whole, int64_t ppm)
{
    return mw_muldiv(whole, ppm, PPM);
}

/* gpus * ms at the price of a GPU-hour. */
static int64_t gpu_time_uusd(const struct care *c, uint32_t gpus, int64_t ms)
{
    return mw_muldiv(mw_muldiv(gpus, ms, 1), c->policy.uusd_per_gpu_hour, MW_MS_PER_HOUR);
}

static uint32_t slow_ppm(const struct care *c, uint32_t slot)
{
    uint32_t said = c->ladder->slow_ppm[slot];
    uint32_t ppm = said ? said : c->policy.class[c->board->incident_class[slot]].slow_ppm;
    return MW_MIN(ppm, SLOW_MOST_PPM);
}

static uint32_t gpus_of(const struct care *c, uint32_t node)
{
    return node == MW_NONE ? c->board->node_gpus_max : c->board->fleet->node_gpus[node];
}

/* What stands still or is slowed while somebody works on it.  Of a part that is no node's it is not
 * known what hangs on it: one node is counted. */
static void look_at_losses(struct view *v)
{
    const struct board *b = v->c->board;
    bool works = v->in_place || v->node == MW_NONE;
    uint32_t job = v->node == MW_NONE ? MW_NONE : b->node_job[v->node];
    if (!works || (v->node == MW_NONE && v->c->effect[v->slot] == EFFECT_KILLS)) {
        v->still_gpus = gpus_of(v->c, v->node);
        return;
    }
    if (v->node == MW_NONE)
        v->slow_gpus = gpus_of(v->c, v->node);
    else if (job != MW_NONE)
        v->slow_gpus = b->job_gpus[job];
}

static struct view view_of(const struct care *c, uint32_t slot, bool in_place)
{
    const struct board *b = c->board;
    struct view v = { .c = c, .slot = slot, .node = b->incident_node[slot], .in_place = in_place };
    const struct care_class *gate = &c->policy.class[c->gate_class[slot]];
    bool gated = c->policy.gate && gate->gate_ms > 0 && !in_place && v.node != MW_NONE;
    v.rows = ladder_steps(c, b->incident_class[slot], &v.row);
    must(v.rows >= 1 && v.rows <= CARE_STEPS_MAX);
    v.gate_ms = gated ? gate->gate_ms : 0;
    int64_t kill_uusd = gpu_time_uusd(c, gpus_of(c, v.node), SUMS_KILL_MS);
    kill_uusd = mw_muldiv(kill_uusd, MW_MAX(c->policy.job_nodes, 1u), 1);
    v.kill_uusd = share(kill_uusd, gated ? SUMS_GATE_MISSES_PPM : PPM);
    if (v.node != MW_NONE && lemon_spent(c, v.node)) {
        struct care_history h;
        care_history(c, v.node, &h);
        v.keep_uusd = mw_muldiv(h.yearly_uusd, SUMS_LIFE_YEARS, 1);
    }
    look_at_losses(&v);
    return v;
}

/* ---- what is not to be had ------------------------------------------------------------------ */

/* Would it stop what runs on the node? */
static bool stops_job(uint32_t step)
{
    return step != STEP_REPAIR && step != STEP_RESTART_SERVICE && step != STEP_RESEAT &&
           step != STEP_REPLACE;
}

/* By a person's word, or for what it does to a node that works on; a node is not retired before
 * everything else was tried, unless what it is worth is weighed. */
static bool is_forbidden(const struct view *v, const struct care_ladder *row)
{
    const struct care_policy *p = &v->c->policy;
    if (v->c->ladder->barred[v->slot] & 1u << row->step)
        return true;
    if (step_is_machine(row->who) && !board_may_approve(v->c->board, v->node))
        return true; /* nobody could say yes to it */
    if (row->step == STEP_RETIRE)
        return v->in_place || v->node == MW_NONE || !p->retire || !p->node_worth_uusd;
    return v->in_place && stops_job(row->step);
}

/* The least that this node needs: a lemon's parts are seated anew at least; where the last repair
 * did not hold, nothing lighter than that. */
static uint32_t lightest(const struct view *v)
{
    uint32_t step = 0;
    if (v->node == MW_NONE)
        return 0;
    if (lemon_is(v->c, v->node))
        step = STEP_RESEAT;
    if (lemon_refaults(v->c, v->node))
        step = MW_MAX(step, v->c->ladder->node_step[v->node]);
    return step;
}

/* A machine that may have done it already, though nobody could read that back, does not do it
 * twice. */
static bool may_double(const struct view *v, const struct care_ladder *row)
{
    uint32_t unsure = v->c->ladder->unsure[v->slot];
    return unsure && step_is_machine(row->who) && row->step <= unsure;
}

static enum step_bar bar_of(const struct view *v, const struct care_ladder *row)
{
    if (v->c->ladder->tried[v->slot] & 1u << row->step)
        return BAR_TRIED;
    if (is_forbidden(v, row))
        return BAR_MODE;
    return may_double(v, row) ? BAR_LIGHT : BAR_NONE;
}

static void set_bars(const struct view *v, struct step_sum *sum)
{
    uint32_t least = lightest(v);
    bool heavier = false;
    for (uint32_t i = 0; i < v->rows; i++) {
        sum[i].bar = (uint8_t)bar_of(v, &v->row[i]);
        heavier |= !sum[i].bar && v->row[i].step >= least && v->row[i].step != STEP_RETIRE;
    }
    for (uint32_t i = 0; heavier && i < v->rows; i++)
        if (!sum[i].bar && v->row[i].step < least)
            sum[i].bar = BAR_LIGHT;
}

/* ---- the sums of steps ---------------------------------------------------------------------- */

/* All that does not depend on the rest of the ladder; done_ms: until it is done. */
static struct step_sum own_of(const struct view *v, const struct care_ladder *row, int64_t done_ms)
{
    const struct care *c = v->c;
    struct care_odds seen = care_odds_of(c, c->board->incident_class[v->slot], row->step);
    struct step_sum s = { .action_uusd = row->cost_uusd, .step = row->step, .tried = seen.tried,
                          .held = seen.held };
    s.odds_ppm = ladder_odds_ppm(c, c->board->incident_class[v->slot], row);
    s.crew_uusd = mw_muldiv(row->crew_ms, c->policy.uusd_per_crew_hour, MW_MS_PER_HOUR);
    if (row->part < c->policy.parts)
        s.part_uusd = c->policy.part[row->part].cost_uusd;
    if (row->step == STEP_RETIRE) {
        s.odds_ppm = PPM;
        s.waiting_uusd = c->policy.node_worth_uusd;
        return s;
    }
    int64_t ms = plus(done_ms, v->gate_ms);
    s.waiting_uusd = gpu_time_uusd(c, v->still_gpus, ms);
    s.harm_uusd = share(gpu_time_uusd(c, v->slow_gpus, ms), slow_ppm(c, v->slot));
    s.refault_uusd = plus(share(v->kill_uusd, PPM - s.odds_ppm), share(v->keep_uusd, s.odds_ppm));
    return s;
}

static void own_of_all(const struct view *v, struct step_sum *sum)
{
    for (uint32_t i = 0; i < v->rows; i++) {
        const struct care_ladder *row = &v->row[i];
        sum[i] = own_of(v, row, plus(row->duration_ms, stock_wait_ms(v->c, row->part)));
    }
}

static int64_t total_of(const struct step_sum *s)
{
    const int64_t part[] = { s->action_uusd, s->part_uusd, s->crew_uusd, s->waiting_uusd,
                             s->harm_uusd, s->retry_uusd, s->refault_uusd };
    int64_t total = 0;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(part); i++)
        total = plus(total, part[i]);
    return total;
}

/* V at the end of the ladder: the node's retirement where it is on it and what the node is worth is
 * known, else the heaviest step until it cures. */
static int64_t end_of(const struct view *v, const struct step_sum *sum)
{
    int64_t total = 0;
    for (uint32_t i = v->rows; i-- > 0;) {
        total = total_of(&sum[i]);
        if (sum[i].step != STEP_RETIRE)
            return mw_muldiv(total, PPM, MW_MAX(sum[i].odds_ppm, ODDS_LEAST_PPM));
        if (v->node != MW_NONE && !v->in_place && v->c->policy.node_worth_uusd)
            return total;
    }
    return total;
}

/* rest: V at the end.  What is waited for now is not begun again after another step. */
static void add_retries(const struct view *v, struct step_sum *sum, int64_t rest)
{
    for (uint32_t i = v->rows; i-- > 0;) {
        sum[i].retry_uusd = share(rest, PPM - sum[i].odds_ppm);
        sum[i].total_uusd = total_of(&sum[i]);
        if (!sum[i].bar && !sum[i].waits)
            rest = MW_MIN(rest, sum[i].total_uusd);
    }
}

/* ---- the choice ----------------------------------------------------------------------------- */

/* Nothing is left that was not tried: the last resort; MW_NONE where a crew has to look. */
static uint32_t last_resort(const struct view *v, struct step_sum *sum)
{
    for (uint32_t i = v->rows; i-- > 0;) {
        const struct care_ladder *row = &v->row[i];
        bool person_said_no = v->c->ladder->barred[v->slot] & 1u << row->step;
        bool retires = row->step == STEP_RETIRE;
        person_said_no |= step_is_machine(row->who) && !board_may_approve(v->c->board, v->node);
        bool possible = retires ? v->node != MW_NONE && !v->in_place
                                : !(v->in_place && stops_job(row->step)) && !may_double(v, row);
        if (person_said_no || !possible)
            continue;
        sum[i].bar = BAR_NONE;
        return i;
    }
    return MW_NONE;
}

static uint32_t choose(const struct view *v, struct step_sum *sum)
{
    uint32_t best = MW_NONE;
    for (uint32_t i = 0; i < v->rows; i++) {
        if (sum[i].bar)
            continue;
        bool better = best == MW_NONE || sum[i].total_uusd < sum[best].total_uusd;
        if (v->c->policy.least_cost ? better : best == MW_NONE)
            best = i;
    }
    return best == MW_NONE ? last_resort(v, sum) : best;
}

static bool is_before(const struct step_sum *a, const struct step_sum *b)
{
    if (!a->bar != !b->bar)
        return !a->bar;
    return a->total_uusd < b->total_uusd;
}

/* The best first; equal ones stay in their order. */
static void sort_sums(struct sums *s)
{
    for (uint32_t i = 1; i < s->count; i++) {
        struct step_sum moved = s->row[i];
        uint32_t at = i, chosen = s->chosen;
        for (; at > 0 && is_before(&moved, &s->row[at - 1]); at--)
            s->row[at] = s->row[at - 1];
        s->row[at] = moved;
        if (chosen == i)
            s->chosen = at;
        else if (chosen >= at && chosen < i)
            s->chosen = chosen + 1;
    }
}

void sums_of_steps(const struct care *c, uint32_t slot, bool in_place, struct sums *ret)
{
    must(slot < c->board->incidents_used && ret);
    struct view v = view_of(c, slot, in_place);
    *ret = (struct sums){ .count = v.rows };
    own_of_all(&v, ret->row);
    set_bars(&v, ret->row);
    add_retries(&v, ret->row, end_of(&v, ret->row));
    ret->chosen = choose(&v, ret->row);
    if (ret->chosen == MW_NONE) { /* a crew has to look: what that takes is not known */
        ret->chosen = ret->count++;
        ret->row[ret->chosen] = (struct step_sum){ .step = STEP_REPAIR };
    }
    sort_sums(ret);
}

/* ---- the sums of a swap --------------------------------------------------------------------- */

/* The row of the ladder that is asked for now; MW_NONE. */
static uint32_t open_row(const struct view *v)
{
    for (uint32_t i = 0; i < v->rows; i++)
        if (v->row[i].step == v->c->ladder->order_step[v->slot])
            return i;
    return MW_NONE;
}

/* No machine where a crew may still have its hands inside. */
static void bar_machines(const struct view *v, struct step_sum *sum)
{
    for (uint32_t i = 0; i < v->rows; i++)
        if (!sum[i].bar && step_is_machine(v->row[i].who) && sum[i].step != STEP_RETIRE)
            sum[i].bar = BAR_MODE;
}

bool sums_of_swap(const struct care *c, uint32_t slot, bool in_place, struct sums *ret)
{
    must(slot < c->board->incidents_used && c->order[slot] && ret);
    struct view v = view_of(c, slot, in_place);
    uint32_t open = open_row(&v);
    if (open == MW_NONE)
        return false;
    *ret = (struct sums){ .count = v.rows, .chosen = open };
    own_of_all(&v, ret->row);
    set_bars(&v, ret->row);
    bar_machines(&v, ret->row);
    int64_t rest = end_of(&v, ret->row);
    int64_t age_ms = MW_MAX(mw_ms(c->now_ns) - c->ladder->opened_ms[slot], 0);
    struct step_sum *wait = &ret->row[open];
    *wait = own_of(&v, &v.row[open], age_ms);
    wait->action_uusd = 0; /* spent */
    wait->waits = 1;
    add_retries(&v, ret->row, rest);
    for (uint32_t i = 0; i < v.rows; i++)
        if (!ret->row[i].bar && ret->row[i].total_uusd < ret->row[ret->chosen].total_uusd)
            ret->chosen = i;
    sort_sums(ret);
    return true;
}

/* ---- the sums of drains --------------------------------------------------------------------- */

/* Productive time that the job still has to do, as wall time with its checkpoints. */
static int64_t rest_ms(const struct board *b, uint32_t job, int64_t now_ms)
{
    int64_t interval_ms = b->job_interval_ms[job], done_ms = b->job_from_ms[job];
    int64_t cycle_ms = interval_ms > 0 ? interval_ms + b->job_write_ms[job] : 1;
    int64_t worked_ms = b->job_ready_ms[job] ? MW_MAX(now_ms - b->job_ready_ms[job], 0) : 0;
    interval_ms = interval_ms > 0 ? interval_ms : 1;
    done_ms = plus(done_ms, mw_muldiv(worked_ms, interval_ms, cycle_ms));
    return mw_muldiv(MW_MAX(b->job_work_ms[job] - done_ms, 0), cycle_ms, interval_ms);
}

/* What the hazard of the incident's class is expected to cost this job within a time. */
static int64_t hazard_uusd(const struct care *c, uint32_t slot, uint32_t job, int64_t ms)
{
    const struct board *b = c->board;
    int64_t hazard = c->policy.class[b->incident_class[slot]].hazard_per_1e9_hours;
    int64_t odds_ppm = MW_MIN(mw_muldiv(hazard, ms, 1000 * MW_MS_PER_HOUR), PPM);
    int64_t unsaved_ms = b->job_interval_ms[job] > 0
                             ? b->job_interval_ms[job] / 2
                             : board_job_unsaved_ms(b, job, mw_ms(c->now_ns));
    return share(gpu_time_uusd(c, b->job_gpus[job], unsaved_ms + b->job_restart_ms[job]), odds_ppm);
}

static int64_t drain_harm(const struct care *c, uint32_t slot, uint32_t job, uint32_t how)
{
    const struct board *b = c->board;
    int64_t now_ms = mw_ms(c->now_ns), slow = slow_ppm(c, slot), lost_ms = b->job_restart_ms[job];
    int64_t ms = board_job_checkpoint_in_ms(b, job, now_ms);
    if (how == DRAIN_NOW)
        return gpu_time_uusd(c, b->job_gpus[job],
                             plus(lost_ms, board_job_unsaved_ms(b, job, now_ms)));
    if (how == DRAIN_AT_CHECKPOINT) {
        ms = ms ? ms : b->job_interval_ms[job] + b->job_write_ms[job];
        lost_ms = plus(lost_ms, share(ms, slow));
    } else {
        ms = rest_ms(b, job, now_ms);
        lost_ms = mw_muldiv(ms, slow, PPM - slow);
    }
    return plus(gpu_time_uusd(c, b->job_gpus[job], lost_ms), hazard_uusd(c, slot, job, ms));
}

bool sums_can_weigh(const struct care *c, uint32_t slot)
{
    const struct care_class *k = &c->policy.class[c->board->incident_class[slot]];
    return slow_ppm(c, slot) > 0 || k->hazard_per_1e9_hours > 0;
}

void sums_of_drains(const struct care *c, uint32_t slot, struct sums *ret)
{
    static const uint8_t HOW[] = { DRAIN_NOW, DRAIN_AT_CHECKPOINT, 0 };
    const struct board *b = c->board;
    uint32_t job = b->node_job[b->incident_node[slot]];
    must(job != MW_NONE && ret);
    sums_of_steps(c, slot, false, ret);
    struct step_sum next = ret->row[ret->chosen];
    *ret = (struct sums){ 0 };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(HOW); i++) {
        if (HOW[i] == DRAIN_AT_CHECKPOINT && b->job_interval_ms[job] <= 0)
            continue; /* it writes none */
        struct step_sum *s = &ret->row[ret->count++];
        *s = next;
        s->drain = HOW[i];
        s->harm_uusd = drain_harm(c, slot, job, HOW[i]);
        s->total_uusd = total_of(s);
    }
    sort_sums(ret);
    ret->chosen = 0;
}
