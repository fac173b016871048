/* The queue's indexes follow the record step by step; made again from columns they are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"
#include "control/rig.h"
#include "work/work_private.h"

#define HOUR MW_MS_PER_HOUR
#define JOBS 1024u /* rows that are compared */

/* All that work_rebuild() makes. */
struct counts {
    uint8_t serving[64], hidden[64], tier[64], quota_row[JOBS];
    uint32_t gives[JOBS], coming[JOBS], run_nodes[BOARD_PRIORITIES][2];
    uint64_t quota_firm[WORK_QUOTAS_MAX], quota_all[WORK_QUOTAS_MAX];
    uint32_t free_total, serving_total, stop_nodes, waiting, ends;
    int64_t first_end_ms;
};

static void take(const struct work *w, struct counts *c)
{
    const struct board *b = w->board;
    assert_true(b->nodes <= 64 && b->jobs_used <= JOBS);
    memset(c, 0, sizeof(*c));
    memcpy(c->serving, w->serving, b->nodes);
    memcpy(c->hidden, w->hidden, b->nodes);
    memcpy(c->tier, w->gang.tier_of, b->nodes);
    for (uint32_t s = 0; s < b->jobs_used; s++) {
        c->gives[s] = w->gives[s];
        c->coming[s] = w->coming[s];
        c->quota_row[s] = b->job_id[s] ? w->quota_row[s] : 0;
    }
    memcpy(c->run_nodes, w->run_nodes, sizeof(c->run_nodes));
    memcpy(c->quota_firm, w->quota_firm, sizeof(c->quota_firm));
    memcpy(c->quota_all, w->quota_all, sizeof(c->quota_all));
    c->free_total = w->free_total;
    c->serving_total = w->serving_total;
    c->stop_nodes = w->stop_nodes;
    c->waiting = w->window.waiting;
    c->ends = w->ends.length;
    c->first_end_ms = heap_top_due(&w->ends);
}

#define SAME(field) assert_memory_equal(before.field, after.field, sizeof(before.field))

/* Nothing that does not wait or stop is promised anything. */
static void check_promises(const struct work *w)
{
    const struct board *b = w->board;
    for (uint32_t i = 0; i < WORK_ASKERS_MAX; i++) {
        uint32_t who = w->asker[i];
        if (who != MW_NONE)
            assert_true(b->job_id[who] && b->job_state[who] == JOB_QUEUED);
    }
    for (uint32_t s = 0; s < b->jobs_used; s++) {
        if (w->room_for[s] == MW_NONE)
            continue;
        assert_true(b->job_id[s] && b->job_state[s] == JOB_STOPPING);
        assert_int_equal(b->job_state[w->room_for[s]], JOB_QUEUED);
    }
}

/* Queued, running, out: counted one by one. */
static void check_sums(const struct work *w)
{
    const struct board *b = w->board;
    uint32_t queued = 0, running = 0, members = 0;
    for (uint32_t s = 0; s < b->jobs_used; s++) {
        queued += b->job_id[s] && b->job_state[s] == JOB_QUEUED;
        running += b->job_id[s] && b->job_state[s] >= JOB_PLACED;
    }
    for (uint32_t n = 0; n < b->nodes; n++) {
        uint8_t h = b->node_health[n];
        members += h != HEALTH_RACKED && h != HEALTH_PROVISIONING && h != HEALTH_RETIRED;
        if (h == HEALTH_READY || h == HEALTH_RETIRED)
            assert_int_equal(w->spares.node_out_ms[n], 0);
    }
    assert_int_equal(queued, w->queued);
    assert_int_equal(running, w->running);
    assert_int_equal(members, w->spares.members);
}

static void check_counts(struct work *w)
{
    static struct counts before, after;
    const struct plane p = work_plane(w);
    take(w, &before);
    p.rebuild(p.self);
    take(w, &after);
    SAME(serving);
    SAME(hidden);
    SAME(tier);
    SAME(quota_row);
    SAME(gives);
    SAME(coming);
    SAME(run_nodes);
    SAME(quota_firm);
    SAME(quota_all);
    assert_int_equal(before.free_total, after.free_total);
    assert_int_equal(before.serving_total, after.serving_total);
    assert_int_equal(before.stop_nodes, after.stop_nodes);
    assert_int_equal(before.waiting, after.waiting);
    assert_int_equal(before.ends, after.ends);
    assert_int_equal(before.first_end_ms, after.first_end_ms);
    check_promises(w);
    check_sums(w);
}

static struct event window_event(const struct rig *r, uint64_t seed, uint64_t n)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 3 };
    struct body_command *c = &ev.body.command;
    const struct rig_event *last = rig_count(r, EV_COMMAND) ? rig_last(r, EV_COMMAND) : NULL;
    c->hall = c->slot = MW_NONE;
    c->verb = CMD_WINDOW;
    if (last && last->ev.body.command.verb == CMD_WINDOW && rig_draw(seed, n, 30, 4) == 0) {
        c->ref = last->ev.seq; /* it is not wanted any more */
        return ev;
    }
    c->ref = (uint64_t)(mw_ms(r->now_ns) + (int64_t)rig_draw(seed, n, 31, 6 * HOUR));
    c->length_ms = 1 + (int64_t)rig_draw(seed, n, 32, 4 * HOUR);
    c->node = (uint32_t)rig_draw(seed, n, 33, 20);
    c->count = 1 + (uint32_t)rig_draw(seed, n, 34, 4);
    return ev;
}

static void step(struct rig *r, uint64_t seed, uint64_t n)
{
    rig_chaos(r, seed, n);
    if (n % 9 == 0) {
        struct event ev = rig_job_event(100 + n, 1 + (uint32_t)rig_draw(seed, n, 20, 12),
                                        (uint8_t)rig_draw(seed, n, 21, 4));
        ev.body.job.flags = rig_draw(seed, n, 22, 2) ? JOB_INTERRUPTIBLE : 0;
        ev.body.job.write_ms = MW_MS_PER_MIN;
        ev.tenant = (uint32_t)rig_draw(seed, n, 23, 3);
        (void)rig_submit(r, &ev, NULL);
    }
    if (n % 17 == 0) {
        struct event ev = window_event(r, seed, n);
        (void)rig_submit(r, &ev, NULL);
    }
    if (n % 29 == 0)
        (void)rig_cancel(r, 100 + n / 2 / 9 * 9);
}

static void after_any_story_every_count_is_what_the_columns_say(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    p.work.preempt = true;
    p.work.preempt_after_ms = MW_MS_PER_MIN;
    p.work.rate_per_1e9_node_hours = 5000000;
    p.work.quota[0] = (struct work_quota){ .tenant = 1, .gpus = 80 };
    p.work.quotas = 1;
    uint32_t stops = 0, windows = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        p.work.at_once = seed % 2;
        p.work.backfill = seed % 3 > 0;
        p.work.spares = (uint8_t)(seed % 4 == 0 ? SPARES_FIXED : SPARES_SIZED);
        p.work.spares_nodes = 3;
        p.work.interval_ms = seed % 4 ? HOUR : 1;
        struct rig *r = rig_make(24, &p);
        for (uint64_t n = 0; n < 700; n++) {
            step(r, seed, n);
            check_counts(r->control->work);
            rig_check_accounts(r, 0);
        }
        stops += rig_count(r, EV_ATTEMPT_STOP);
        uint32_t at = 0;
        struct work_window window;
        while (work_window_next(r->control->work, &at, &window))
            windows++;
        rig_check_log(r);
        rig_free(r);
    }
    assert_true(stops > 50 && windows > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_any_story_every_count_is_what_the_columns_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
