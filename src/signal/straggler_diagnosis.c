/*
 * From slowdowns to a cause.  The slowest 3 % of the workers or the last stage
 * are blamed when they alone explain more than half of the lost time, as in the
 * paper; else the kind of operation that loses most.
 */
#include "signal/straggler_diagnosis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EXPLAINS 0.5
#define EXPLAINS_WELL 0.8

bool straggler_is_trace(const char *data, size_t size)
{
    static const char *const columns[] = { "dp_rank", "stage", "optype", "start_ts", "duration" };
    size_t head = MW_MIN(size, (size_t)1024);
    const char *end = memchr(data, '\n', head);
    if (end == NULL)
        return false;
    for (size_t i = 0; i < MW_ARRAY_LEN(columns); i++)
        if (memmem(data, (size_t)(end - data), columns[i], strlen(columns[i])) == NULL)
            return false;
    return true;
}

static void say(char *to, size_t size, const char *text)
{
    diagnosis_text(to, size, text, strlen(text));
}

static bool explains(double share)
{
    return isfinite(share) && share >= EXPLAINS;
}

static uint8_t sure_of(double share)
{
    return (uint8_t)(share >= EXPLAINS_WELL ? SURE_LIKELY : SURE_POSSIBLE);
}

static void tell_worker(const struct straggler_result *r, struct diagnosis *d)
{
    (void)snprintf(d->part, sizeof(d->part), "worker %u stage %u (rank %u)", r->worst_dp,
                   r->worst_stage, r->worst_rank);
    (void)snprintf(d->cause, sizeof(d->cause),
                   "it is slower than its peers: the slowest 3 %% of the workers explain %.0f %% "
                   "of the lost time", MW_MIN(r->workers_share, 1.0) * 100.0);
    say(d->action, sizeof(d->action),
        "check that GPU and node (clocks, temperature, PCIe width, Xid); restart the job without "
        "it");
    d->sure = sure_of(r->workers_share);
}

static void tell_last_stage(const struct straggler_result *r, struct diagnosis *d)
{
    (void)snprintf(d->part, sizeof(d->part), "stage %u (the last)", r->stages - 1);
    (void)snprintf(d->cause, sizeof(d->cause),
                   "it has more work than the others: it explains %.0f %% of the lost time",
                   MW_MIN(r->last_stage_share, 1.0) * 100.0);
    say(d->action, sizeof(d->action), "give the last stage fewer layers; no node is at fault");
    d->sure = sure_of(r->last_stage_share);
}

/* Computations are the program's or a GPU's, transfers the network's. */
static void tell_operation(const struct straggler_result *r, struct diagnosis *d)
{
    const char *name = r->ops > 0 ? r->by_op[0].name : "unknown";
    bool compute = strstr(name, "compute") != NULL;
    (void)snprintf(d->part, sizeof(d->part), "operation %s", name);
    (void)snprintf(d->cause, sizeof(d->cause),
                   "%s differ from one to another: no few workers and no stage explain it",
                   compute ? "its computations" : "its transfers");
    say(d->action, sizeof(d->action),
        compute ? "look at sequence lengths and pauses (garbage collection) of the program"
                : "look at the network: links with errors, congestion, other jobs");
    d->sure = SURE_POSSIBLE;
}

void straggler_tell(const struct straggler_result *r, const char *file_name,
                    struct diagnoses *out)
{
    struct diagnosis d = { .count = 1 };
    bool workers = explains(r->workers_share), stage = explains(r->last_stage_share);
    must(r->dps > 0 && r->stages > 0);
    say(d.file, sizeof(d.file), file_name);
    say(d.code, sizeof(d.code), "straggler");
    d.wrong = r->slowdown >= STRAGGLER_WRONG;
    if (!d.wrong) {
        say(d.part, sizeof(d.part), "job");
        say(d.cause, sizeof(d.cause), "no worker, stage or operation holds it back");
        say(d.action, sizeof(d.action), "nothing");
        d.sure = SURE_CERTAIN;
    } else if (workers && (!stage || r->workers_share > r->last_stage_share)) {
        tell_worker(r, &d);
    } else if (stage) {
        tell_last_stage(r, &d);
    } else {
        tell_operation(r, &d);
    }
    (void)snprintf(d.evidence, sizeof(d.evidence),
                   "slowdown %.4f: a step takes %.3f s, without stragglers %.3f s; worker %u stage "
                   "%u alone %.4f; slowest operation %s %.4f",
                   r->slowdown, r->step_s, r->ideal_step_s, r->worst_dp, r->worst_stage,
                   straggler_of_worker(r, r->worst_dp, r->worst_stage),
                   r->ops > 0 ? r->by_op[0].name : "-", r->ops > 0 ? r->by_op[0].slowdown : 1.0);
    say(d.look, sizeof(d.look), "the heat map of mw straggler on the same trace");
    diagnoses_add(out, &d);
}
