/* Jobs that run by themselves.  See rig_jobs.h. */
#include "control/rig_jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

struct control_policy rig_jobs_policy(void)
{
    struct control_policy p = rig_policy();
    p.work.backfill = true;
    p.work.interval_ms = MW_MS_PER_HOUR;
    return p;
}

struct rig *rig_jobs_make(struct rig_jobs *j, uint32_t nodes, const struct control_policy *p)
{
    memset(j, 0, sizeof(*j));
    j->r = rig_make(nodes, p);
    for (uint32_t i = 0; i <= RIG_JOBS_MAX; i++)
        j->at[i].end_ms = MW_NEVER;
    return j->r;
}

void rig_jobs_ask(struct rig_jobs *j, struct rig_ask a)
{
    assert_true(a.job > 0 && a.job <= RIG_JOBS_MAX);
    struct event ev = { .kind = EV_JOB_SUBMITTED, .source = SOURCE_TENANT, .tenant = a.tenant };
    ev.body.job = (struct body_job){ .job = a.job, .work_ms = a.work_ms,
                                     .write_ms = a.write_ms, .restart_ms = a.restart_ms,
                                     .gpus = a.nodes * 8, .nodes = a.nodes,
                                     .priority = a.priority, .flags = a.flags };
    j->ask[a.job] = a;
    assert_int_equal(rig_submit(j->r, &ev, NULL), ADMIT_OK);
}

/* Work, with the checkpoints between, as the wall has it. */
static int64_t wall_ms(const struct rig_attempt *a, const struct rig_ask *k)
{
    int64_t work = k->work_ms - a->from_ms;
    int64_t writes = a->interval_ms > 0 ? (work - 1) / a->interval_ms : 0;
    return work + MW_MAX(0, writes) * k->write_ms;
}

static void told_to_stop(struct rig_jobs *j, const struct body_stop *s)
{
    struct rig_attempt *a = &j->at[s->job];
    int64_t now_ms = mw_ms(j->r->now_ns), end_ms = now_ms;
    if (a->end_ms == MW_NEVER || a->attempt != s->attempt)
        return;
    a->stop = s->how;
    if (s->how == DRAIN_AT_CHECKPOINT && a->running) {
        int64_t cycle = a->interval_ms + j->ask[s->job].write_ms;
        end_ms = a->interval_ms > 0
                     ? a->ready_ms + ((now_ms - a->ready_ms) / cycle + 1) * cycle
                     : now_ms + j->ask[s->job].write_ms;
    }
    if (end_ms >= a->end_ms && a->running)
        a->stop = 0; /* it is done before */
    else
        a->end_ms = end_ms;
}

static void read_record(struct rig_jobs *j)
{
    for (; j->read < j->r->log_length; j->read++) {
        const struct event *ev = &j->r->log[j->read].ev;
        const struct body_place *p = &ev->body.place;
        if (ev->kind == EV_ATTEMPT_STOP)
            told_to_stop(j, &ev->body.stop);
        if (ev->kind != EV_ATTEMPT_PLACED)
            continue;
        struct rig_attempt *a = &j->at[p->job];
        assert_true(a->end_ms == MW_NEVER); /* one attempt of a job at a time */
        *a = (struct rig_attempt){ .place_ms = mw_ms(ev->time_ns), .from_ms = p->from_ms,
                                   .interval_ms = p->interval_ms, .attempt = p->attempt };
        a->ready_ms = a->place_ms + p->restart_ms;
        a->end_ms = a->ready_ms + wall_ms(a, &j->ask[p->job]);
        if (!j->first_ms[p->job])
            j->first_ms[p->job] = a->place_ms;
    }
}

/* How far it is, and what is saved of it, at this moment of its cadence. */
static int64_t done_ms(const struct rig_jobs *j, uint64_t job, int64_t now_ms, int64_t *ret_saved)
{
    const struct rig_attempt *a = &j->at[job];
    int64_t run_ms = a->running ? now_ms - a->ready_ms : 0, cycle = a->interval_ms;
    *ret_saved = a->from_ms;
    if (a->interval_ms <= 0)
        return a->from_ms + run_ms;
    cycle += j->ask[job].write_ms;
    *ret_saved += run_ms / cycle * a->interval_ms;
    return *ret_saved + MW_MIN(run_ms % cycle, a->interval_ms);
}

static void end(struct rig_jobs *j, uint64_t job, uint8_t how, uint32_t node, uint16_t class)
{
    struct rig_attempt *a = &j->at[job];
    int64_t now_ms = mw_ms(j->r->now_ns), saved_ms = 0;
    int64_t progress_ms = done_ms(j, job, now_ms, &saved_ms);
    if (how == HOW_STOPPED && a->stop == DRAIN_AT_CHECKPOINT && a->interval_ms <= 0)
        saved_ms = progress_ms; /* it saved because it was asked to */
    if (how == HOW_DONE)
        progress_ms = j->ask[job].work_ms;
    struct body_progress p = { .progress_ms = progress_ms, .saved_ms = saved_ms,
                               .stopped_ms = now_ms, .node = node, .class = class, .how = how };
    a->end_ms = MW_NEVER;
    j->done[job] = how == HOW_DONE;
    assert_int_equal(rig_ended_by(j->r, job, &p), ADMIT_OK);
}

void rig_jobs_fault(struct rig_jobs *j, uint32_t node, uint16_t class)
{
    const struct board *b = j->r->control->board;
    uint32_t slot = b->node_job[node];
    uint64_t job = slot == MW_NONE ? 0 : b->job_id[slot];
    rig_finding(j->r, node, class);
    read_record(j);
    if (job)
        end(j, job, HOW_FAILED, node, class);
    read_record(j);
}

/* What is due of the jobs by now. */
static void happen(struct rig_jobs *j)
{
    int64_t now_ms = mw_ms(j->r->now_ns);
    for (uint64_t job = 1; job <= RIG_JOBS_MAX; job++) {
        struct rig_attempt *a = &j->at[job];
        if (a->end_ms == MW_NEVER)
            continue;
        if (!a->running && a->ready_ms <= now_ms && !a->stop) {
            assert_int_equal(rig_running(j->r, job, j->ask[job].restart_ms), ADMIT_OK);
            a->running = true;
        }
        if (a->end_ms <= now_ms)
            end(j, job, a->stop ? HOW_STOPPED : HOW_DONE, MW_NONE, UINT16_MAX);
    }
    read_record(j);
}

static int64_t next_ms(const struct rig_jobs *j)
{
    int64_t t = MW_NEVER;
    for (uint32_t i = 1; i <= RIG_JOBS_MAX; i++) {
        const struct rig_attempt *a = &j->at[i];
        if (a->end_ms == MW_NEVER)
            continue;
        t = MW_MIN(t, a->running || a->stop ? a->end_ms : a->ready_ms);
    }
    return t;
}

void rig_jobs_run(struct rig_jobs *j, int64_t ns)
{
    struct rig *r = j->r;
    int64_t until_ns = r->now_ns + ns;
    read_record(j);
    for (;;) {
        int64_t due_ns = core_next_due(r->control->core), next = next_ms(j);
        int64_t t_ns = MW_MIN(until_ns, due_ns);
        if (next != MW_NEVER)
            t_ns = MW_MIN(t_ns, next * MW_NS_PER_MS);
        rig_wait(r, MW_MAX(0, t_ns - r->now_ns));
        read_record(j);
        happen(j);
        if (j->each)
            j->each(j);
        if (r->now_ns >= until_ns && next_ms(j) > mw_ms(r->now_ns))
            return;
    }
}

uint32_t rig_jobs_left(const struct rig_jobs *j)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i <= RIG_JOBS_MAX; i++)
        n += j->ask[i].job && !j->done[i];
    return n;
}

bool rig_jobs_runs(const struct rig_jobs *j, uint64_t job)
{
    return j->at[job].end_ms != MW_NEVER;
}

uint32_t rig_room_stops(const struct rig *r)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->log_length; i++)
        n += r->log[i].ev.kind == EV_ATTEMPT_STOP &&
             r->log[i].ev.body.stop.class == BOARD_CLASS_PREEMPT;
    return n;
}

enum admit rig_window(struct rig *r, uint32_t first, uint32_t count, int64_t in_ms,
                      int64_t length_ms)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 42,
                        .tail_size = 8 };
    ev.body.command = (struct body_command){
        .ref = (uint64_t)(mw_ms(r->now_ns) + in_ms), .length_ms = length_ms, .node = first,
        .count = count, .hall = MW_NONE, .slot = MW_NONE, .verb = CMD_WINDOW };
    return rig_submit(r, &ev, "firmware");
}
