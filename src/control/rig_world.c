/* The world as a test plays it: findings, crews, jobs, persons. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/rig.h"

uint64_t rig_finding_on(struct rig *r, uint64_t component, uint32_t node, uint16_t class)
{
    struct event ev = { .kind = EV_FINDING_OPENED,
                        .source = node == MW_NONE ? SOURCE_FABRIC : SOURCE_NODE + node };
    ev.body.finding = (struct body_finding){ .component = component, .finding = ++r->finding,
                                             .node = node, .class = class };
    assert_int_equal(rig_submit(r, &ev, NULL), ADMIT_OK);
    return r->finding;
}

uint64_t rig_finding(struct rig *r, uint32_t node, uint16_t class)
{
    return rig_finding_on(r, component_id(COMPONENT_NODE, node), node, class);
}

enum admit rig_closed(struct rig *r, uint32_t node, uint64_t finding)
{
    struct event ev = { .kind = EV_FINDING_CLOSED,
                        .source = node == MW_NONE ? SOURCE_FABRIC : SOURCE_NODE + node };
    ev.body.finding = (struct body_finding){ .finding = finding, .node = node };
    return rig_submit(r, &ev, NULL);
}

enum admit rig_order(struct rig *r, uint32_t kind, uint32_t node, uint8_t result)
{
    const struct event *order = &rig_last_of(r, EV_ORDER_OPENED, node)->ev;
    struct event ev = { .kind = (uint16_t)kind, .source = SOURCE_CREW, .cause = order->seq };
    ev.body.order = order->body.order;
    ev.body.order.result = result;
    return rig_submit(r, &ev, NULL);
}

enum admit rig_gate(struct rig *r, uint32_t node, uint8_t result)
{
    const struct event *gate = &rig_last_of(r, EV_GATE_STARTED, node)->ev;
    struct event ev = { .kind = EV_GATE_ENDED, .source = SOURCE_ENGINE, .cause = gate->seq };
    ev.body.gate = gate->body.gate;
    ev.body.gate.result = result;
    return rig_submit(r, &ev, NULL);
}

void rig_repair(struct rig *r, uint32_t node)
{
    assert_int_equal(rig_order(r, EV_ORDER_TAKEN, node, 0), ADMIT_OK);
    assert_int_equal(rig_order(r, EV_ORDER_ENDED, node, RESULT_OK), ADMIT_OK);
}

struct event rig_job_event(uint64_t job, uint32_t nodes, uint8_t priority)
{
    struct event ev = { .kind = EV_JOB_SUBMITTED, .source = SOURCE_TENANT, .tenant = 7 };
    ev.body.job = (struct body_job){ .job = job, .work_ms = 100 * MW_MS_PER_HOUR,
                                     .write_ms = MW_MS_PER_MIN, .restart_ms = 5 * MW_MS_PER_MIN,
                                     .gpus = nodes * 8, .nodes = nodes, .priority = priority };
    return ev;
}

enum admit rig_job(struct rig *r, uint64_t job, uint32_t nodes, uint8_t priority)
{
    struct event ev = rig_job_event(job, nodes, priority);
    return rig_submit(r, &ev, NULL);
}

uint32_t rig_slot(const struct rig *r, uint64_t job)
{
    uint32_t slot = board_job_find(r->control->board, job);
    if (slot == MW_NONE)
        fail_msg("job %llu is not there", (unsigned long long)job);
    return slot;
}

enum admit rig_running(struct rig *r, uint64_t job, int64_t ready_ago_ms)
{
    const struct board *b = r->control->board;
    uint32_t slot = rig_slot(r, job);
    struct event ev = { .kind = EV_ATTEMPT_RUNNING, .source = SOURCE_ENGINE };
    ev.body.running = (struct body_running){ .job = job,
                                             .ready_ms = mw_ms(r->now_ns) - ready_ago_ms,
                                             .from_ms = b->job_saved_ms[slot], .slot = slot,
                                             .attempt = b->job_attempt[slot] };
    return rig_submit(r, &ev, NULL);
}

static struct body_progress progress_of(const struct rig *r, uint64_t job, int64_t progress_ms,
                                        int64_t saved_ms, int64_t checkpoint_ms)
{
    uint32_t slot = rig_slot(r, job);
    return (struct body_progress){ .job = job, .progress_ms = progress_ms, .saved_ms = saved_ms,
                                   .checkpoint_ms = checkpoint_ms,
                                   .stopped_ms = mw_ms(r->now_ns), .slot = slot,
                                   .attempt = r->control->board->job_attempt[slot],
                                   .node = MW_NONE, .class = UINT16_MAX };
}

enum admit rig_progress(struct rig *r, uint64_t job, int64_t progress_ms, int64_t saved_ms,
                        int64_t checkpoint_ms)
{
    struct event ev = { .kind = EV_ATTEMPT_PROGRESS, .source = SOURCE_ENGINE };
    ev.body.progress = progress_of(r, job, progress_ms, saved_ms, checkpoint_ms);
    return rig_submit(r, &ev, NULL);
}

enum admit rig_ended_by(struct rig *r, uint64_t job, const struct body_progress *p)
{
    struct event ev = { .kind = EV_ATTEMPT_ENDED, .source = SOURCE_ENGINE };
    ev.body.progress = *p;
    ev.body.progress.job = job;
    ev.body.progress.slot = rig_slot(r, job);
    ev.body.progress.attempt = r->control->board->job_attempt[ev.body.progress.slot];
    return rig_submit(r, &ev, NULL);
}

enum admit rig_ended(struct rig *r, uint64_t job, uint8_t how, int64_t progress_ms,
                     int64_t saved_ms, int64_t stopped_ago_ms)
{
    struct body_progress p = progress_of(r, job, progress_ms, saved_ms, 0);
    p.how = how;
    p.stopped_ms -= stopped_ago_ms;
    return rig_ended_by(r, job, &p);
}

enum admit rig_command(struct rig *r, uint8_t verb, uint32_t node, const char *reason)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 42,
                        .tail_size = reason ? (uint32_t)strlen(reason) : 0 };
    ev.body.command = (struct body_command){ .node = node, .hall = MW_NONE, .slot = MW_NONE,
                                             .verb = verb, .mode = MODE_ACT };
    return rig_submit(r, &ev, reason);
}

enum admit rig_answer(struct rig *r, uint8_t verb, const struct rig_event *advice)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 42,
                        .cause = advice->ev.seq };
    ev.body.command = (struct body_command){ .ref = advice->ev.seq,
                                             .node = advice->ev.body.advice.node,
                                             .hall = MW_NONE, .slot = advice->ev.body.advice.slot,
                                             .verb = verb };
    return rig_submit(r, &ev, NULL);
}

enum admit rig_cancel(struct rig *r, uint64_t job)
{
    struct event ev = { .kind = EV_JOB_CANCELLED, .source = SOURCE_TENANT, .tenant = 7 };
    ev.body.command = (struct body_command){ .ref = job, .node = MW_NONE, .hall = MW_NONE,
                                             .slot = MW_NONE };
    return rig_submit(r, &ev, NULL);
}
