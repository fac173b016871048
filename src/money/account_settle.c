/* The sums as of a moment: closed intervals, and every open one ended there. */
#include <string.h>

#include "base/exact.h"
#include "base/units.h"
#include "money/account_private.h"

static void add(struct account_totals *t, uint32_t class, uint16_t cause, int64_t gpu_ms)
{
    must(gpu_ms >= 0);
    t->gpu_ms[class] += gpu_ms;
    if (account_class_lost(class))
        t->by_cause[cause][class] += gpu_ms;
}

static void settle_node(const struct account *a, uint32_t n, int64_t now_ms,
                        struct account_totals *t)
{
    if (a->node_class[n] == ACCOUNT_ALLOCATED)
        return;
    add(t, a->node_class[n], a->node_cause[n],
        (now_ms - a->node_since_ms[n]) * a->board->fleet->node_gpus[n]);
}

/* The share of a running stretch that goes to checkpoints, by the cadence. */
static int64_t modelled_writing(const struct account *a, uint32_t slot, int64_t length_ms)
{
    int64_t interval = a->interval_ms[slot], write = a->board->job_write_ms[slot];
    return interval > 0 ? mw_muldiv(length_ms, write, interval + write) : 0;
}

static struct split open_split(const struct account *a, uint32_t slot, int64_t now_ms)
{
    const struct board *b = a->board;
    int64_t length = now_ms - a->mark_ms[slot];
    if (a->phase[slot] == PHASE_STARTING) {
        int64_t due_ms = a->place_ms[slot] + b->job_restart_ms[slot] - a->mark_ms[slot];
        return account_split_start(length, MW_MAX(0, due_ms));
    }
    int64_t writing = modelled_writing(a, slot, length);
    return account_split_running(length, length - writing, writing,
                                 b->job_high_ms[slot] - a->mark_progress_ms[slot]);
}

static void settle_job(const struct account *a, uint32_t slot, int64_t now_ms,
                       struct account_totals *t)
{
    int64_t gpus = account_gpus(a, slot);
    int64_t unused = (int64_t)a->gpus_held[slot] - gpus;
    uint16_t cause = account_cause_of(a->start_class[slot]);
    struct split s = open_split(a, slot, now_ms);
    add(t, ACCOUNT_WAITING, cause, s.waiting_ms * gpus);
    add(t, ACCOUNT_RESTART, cause, s.restart_ms * gpus);
    add(t, ACCOUNT_RECOMPUTE, cause, s.recompute_ms * gpus);
    add(t, ACCOUNT_CHECKPOINT, CAUSE_CHECKPOINT, s.checkpoint_ms * gpus);
    add(t, ACCOUNT_DEGRADED, account_cause_of(a->slow_class[slot]), s.degraded_ms * gpus);
    add(t, ACCOUNT_PRODUCTIVE, CAUSE_NONE, s.productive_ms * gpus);
    add(t, ACCOUNT_IDLE, CAUSE_NONE, unused * (now_ms - a->place_ms[slot]));
    t->modelled_gpu_ms += (now_ms - a->mark_ms[slot]) * gpus;
}

/* One open interval's loss goes where booking it would put it. */
static void add_open(const struct board *b, const struct account_open *o, uint32_t incident,
                     int64_t gpu_ms)
{
    if (incident == MW_NONE || incident >= b->incidents_used || gpu_ms <= 0)
        return;
    if (o->node && b->incident_node[incident] != MW_NONE)
        o->node[b->incident_node[incident]] += gpu_ms;
    for (uint32_t i = 0; o->incident && i < ACCOUNT_CAUSES_MAX && incident < b->incidents_used;
         i++) {
        o->incident[incident] += gpu_ms;
        incident = b->incident_parent[incident];
    }
}

static void add_open_job(const struct account *a, uint32_t slot, int64_t now_ms,
                         const struct account_open *o)
{
    const struct board *b = a->board;
    int64_t gpus = account_gpus(a, slot);
    struct split s = open_split(a, slot, now_ms);
    add_open(b, o, account_still_open(b, a->start_slot[slot], a->start_incident[slot]),
             (s.waiting_ms + s.restart_ms + s.recompute_ms) * gpus);
    add_open(b, o, account_still_open(b, a->slow_slot[slot], a->slow_incident[slot]),
             s.degraded_ms * gpus);
}

void account_open_lost(const struct account *a, int64_t now_ns, const struct account_open *ret)
{
    must(a && ret);
    const struct board *b = a->board;
    int64_t now_ms = mw_ms(now_ns);
    for (uint32_t n = 0; ret->node && n < b->nodes; n++)
        ret->node[n] = 0;
    for (uint32_t i = 0; ret->incident && i < b->incidents_used; i++)
        ret->incident[i] = 0;
    for (uint32_t n = 0; a->start_ms && n < b->nodes; n++)
        if (a->node_class[n] != ACCOUNT_ALLOCATED && account_class_lost(a->node_class[n]))
            add_open(b, ret, b->node_incident[n],
                     (now_ms - a->node_since_ms[n]) * b->fleet->node_gpus[n]);
    for (uint32_t s = 0; s < b->jobs_used; s++)
        if (b->job_id[s] && a->phase[s] != PHASE_NONE)
            add_open_job(a, s, now_ms, ret);
}

void account_settle(const struct account *a, int64_t now_ns, struct account_totals *ret)
{
    must(a && ret);
    int64_t now_ms = mw_ms(now_ns), lost = 0;
    memset(ret, 0, sizeof(*ret));
    memcpy(ret->gpu_ms, a->gpu_ms, sizeof(ret->gpu_ms));
    memcpy(ret->by_cause, a->by_cause, sizeof(ret->by_cause));
    for (uint32_t n = 0; a->start_ms && n < a->board->nodes; n++)
        settle_node(a, n, now_ms, ret);
    for (uint32_t s = 0; s < a->board->jobs_used; s++)
        if (a->board->job_id[s] && a->phase[s] != PHASE_NONE)
            settle_job(a, s, now_ms, ret);
    int64_t spare = account_spare_sum(a, now_ms);
    must(spare <= ret->gpu_ms[ACCOUNT_IDLE]);
    ret->gpu_ms[ACCOUNT_IDLE] -= spare;
    ret->gpu_ms[ACCOUNT_SPARE] += spare;
    for (uint32_t c = 0; c < ACCOUNT_CLASS_COUNT; c++) {
        ret->wall_gpu_ms += ret->gpu_ms[c];
        lost += account_class_lost(c) ? ret->gpu_ms[c] : 0;
    }
    ret->lost_microdollars = account_price(lost, a->policy.microdollars_per_gpu_hour);
}

struct account_ettr account_ettr(const struct account *a, int64_t now_ns, bool with_running)
{
    const struct board *b = a->board;
    int64_t now_ms = mw_ms(now_ns);
    struct account_ettr e = { .productive_gpu_ms = a->ettr_productive, .wall_gpu_ms = a->ettr_wall,
                              .jobs = a->ettr_jobs };
    for (uint32_t s = 0; with_running && s < b->jobs_used; s++) {
        if (!b->job_id[s])
            continue;
        if (a->phase[s] != PHASE_NONE) {
            struct split open = open_split(a, s, now_ms);
            e.productive_gpu_ms += open.productive_ms * account_gpus(a, s);
            e.wall_gpu_ms += (now_ms - a->place_ms[s]) * account_gpus(a, s);
        } else if (a->end_ms[s]) {
            e.wall_gpu_ms += (now_ms - a->end_ms[s]) * account_gpus(a, s);
        }
    }
    return e;
}

double account_goodput(const struct account_totals *t)
{
    int64_t available = t->wall_gpu_ms - t->gpu_ms[ACCOUNT_PLANNED];
    return available > 0 ? (double)t->gpu_ms[ACCOUNT_PRODUCTIVE] / (double)available : 0.0;
}

int64_t account_price(int64_t gpu_ms, int64_t microdollars_per_gpu_hour)
{
    return mw_muldiv(gpu_ms, microdollars_per_gpu_hour, MW_MS_PER_HOUR);
}
