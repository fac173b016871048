/* Slurm, played by hand.  See rig_engine.h. */
#include "control/rig_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

#define GANG_MAX 64u

struct rig *rig_engine_make(uint32_t nodes, uint8_t mode)
{
    struct control_policy p = rig_policy();
    p.care.engine = p.work.engine = true;
    p.guard.mode = mode;
    p.care.class[RIG_SLOWS] = (struct care_class){ .name = "node-silent", .effect = EFFECT_KILLS,
                                                   .count = 1, .heals = true,
                                                   .probation_ms = 10 * MW_MS_PER_S };
    return rig_make(nodes, &p);
}

void rig_engine_gives(struct rig *r, uint64_t job, uint32_t first, uint32_t count)
{
    uint32_t node[GANG_MAX], slot = rig_slot(r, job);
    assert_true(count <= GANG_MAX);
    for (uint32_t i = 0; i < count; i++)
        node[i] = first + i;
    struct event ev = { .kind = EV_ATTEMPT_ALLOCATED, .source = SOURCE_ENGINE,
                        .tail_size = count * (uint32_t)sizeof(node[0]) };
    ev.body.place = (struct body_place){
        .job = job, .slot = slot, .attempt = r->control->board->job_attempt[slot] + 1,
        .from_ms = r->control->board->job_saved_ms[slot], .nodes = count, .gpus = 8 * count };
    assert_int_equal(rig_submit(r, &ev, node), ADMIT_OK);
    assert_int_equal(rig_running(r, job, 0), ADMIT_OK);
}

void rig_engine_answers(struct rig *r, uint8_t verb, uint8_t result, const char *text)
{
    for (uint32_t i = r->log_length; i-- > 0;) {
        const struct event *order = &r->log[i].ev;
        if (order->kind != EV_ENGINE_ORDER || order->body.engine.verb != verb)
            continue;
        struct event ev = { .kind = EV_ENGINE_ANSWERED, .source = SOURCE_ENGINE,
                            .cause = order->seq, .tail_size = (uint32_t)strlen(text) };
        ev.body.engine = order->body.engine;
        ev.body.engine.order = order->seq;
        ev.body.engine.result = result;
        assert_int_equal(rig_submit(r, &ev, text), ADMIT_OK);
        return;
    }
    fail_msg("no order with verb %u", verb);
}

void rig_engine_says(struct rig *r, uint32_t node, uint8_t service, uint8_t owner,
                     const char *reason)
{
    struct event ev = { .kind = EV_NODE_REPORTED, .source = SOURCE_ENGINE };
    ev.tail_size = reason ? (uint32_t)strlen(reason) : 0;
    ev.body.report = (struct body_report){ .node = node, .service = service, .owner = owner };
    assert_int_equal(rig_submit(r, &ev, reason), ADMIT_OK);
}
