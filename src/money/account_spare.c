/*
 * What of the idle time was kept ready for restarts, and what was planned.
 *
 * Spares are counted for the whole site: at any moment min(GPUs of the target,
 * GPUs that are idle) are spare.  That integral never exceeds the idle time, of
 * which it is taken when the sums are drawn, so every GPU-ms stays in one class.
 */
#include "base/units.h"
#include "money/account_private.h"

int64_t account_spare_sum(const struct account *a, int64_t now_ms)
{
    return a->spare_gpu_ms +
           (int64_t)MW_MIN(a->spare_gpus, a->idle_gpus) * (now_ms - a->spare_since_ms);
}

void account_spare_reach(struct account *a, int64_t now_ms)
{
    a->spare_gpu_ms = account_spare_sum(a, now_ms);
    a->spare_since_ms = now_ms;
}

void account_spare_sized(struct account *a, const struct body_spares *s)
{
    a->spare_gpus = (uint64_t)s->target * a->board->node_gpus_max;
}

void account_set_class(struct account *a, uint32_t node, uint8_t class)
{
    uint32_t gpus = a->board->fleet->node_gpus[node];
    if (a->node_class[node] == ACCOUNT_IDLE) {
        must(a->idle_gpus >= gpus);
        a->idle_gpus -= gpus;
    }
    if (class == ACCOUNT_IDLE)
        a->idle_gpus += gpus;
    a->node_class[node] = class;
}

/* ---- maintenance windows: as work has them -------------------------------------------------- */

static void window_set(struct account *a, uint32_t row, bool on, int64_t now_ms)
{
    uint32_t end = a->window_first[row] + a->window_count[row];
    a->window_on[row] = on;
    for (uint32_t n = a->window_first[row]; n < end; n++) {
        a->node_planned[n] = on;
        account_reclass(a, n, now_ms);
    }
}

static void window_over(struct account *a, uint32_t row, int64_t now_ms)
{
    if (a->window_on[row])
        window_set(a, row, false, now_ms);
    a->window[row] = 0;
}

void account_window_command(struct account *a, const struct event *ev)
{
    const struct body_command *c = &ev->body.command;
    int64_t now_ms = mw_ms(ev->time_ns);
    uint64_t key = c->length_ms ? 0 : c->ref;
    uint32_t row = 0;
    while (row < BOARD_WINDOWS_MAX && a->window[row] != key)
        row++;
    if (row == BOARD_WINDOWS_MAX)
        return;
    if (c->length_ms == 0) {
        window_over(a, row, now_ms);
        return;
    }
    a->window[row] = ev->seq;
    a->window_from_ms[row] = MW_MAX((int64_t)c->ref, now_ms);
    a->window_to_ms[row] = MW_MAX((int64_t)c->ref + c->length_ms, a->window_from_ms[row]);
    a->window_first[row] = c->node;
    a->window_count[row] = c->count;
}

void account_window_time(struct account *a, int64_t now_ms)
{
    for (uint32_t i = 0; i < BOARD_WINDOWS_MAX; i++) /* ends first: another may begin there */
        if (a->window[i] && a->window_to_ms[i] <= now_ms)
            window_over(a, i, now_ms);
    for (uint32_t i = 0; i < BOARD_WINDOWS_MAX; i++)
        if (a->window[i] && !a->window_on[i] && a->window_from_ms[i] <= now_ms)
            window_set(a, i, true, now_ms);
}
