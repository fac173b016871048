/* Why a job waits, and which nodes to keep away from, agree with what the state and record hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/pending.h"
#include "control/rig_engine.h"
#include "control/suspects.h"

/* ---- pending -------------------------------------------------------------------------------- */

static struct pending explain(const struct rig *r, uint64_t job)
{
    struct pending p;
    assert_int_equal(pending_explain(r->control, job, &p, NULL), 0);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < PLACE_COUNT; i++)
        sum += p.count[i];
    assert_int_equal(sum, p.nodes_total);
    return p;
}

#define SAYS(p, what)                                            \
    do {                                                         \
        struct text t_ = { 0 };                                  \
        pending_words(&t_, (p));                                 \
        if (!strstr(text_string(&t_), (what)))                   \
            fail_msg("not said: %s: %s", (what), text_string(&t_)); \
        text_fini(&t_);                                          \
    } while (0)

static void a_job_that_does_not_fit_waits_for_nodes_and_those_behind_it_for_it(void **state)
{
    (void)state;
    struct rig *r = rig_make(8, NULL);
    assert_int_equal(rig_job(r, 1, 4, 0), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_job(r, 2, 6, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 3, 1, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 4, 8, 3), ADMIT_OK);
    rig_wait(r, RIG_SECOND);
    struct pending p = explain(r, 1);
    assert_int_equal(p.verdict, PENDING_NOT);
    assert_int_equal(p.count[PLACE_BUSY], 4);
    pending_fini(&p);
    p = explain(r, 2);
    assert_int_equal(p.verdict, PENDING_NODES);
    assert_int_equal(p.ahead, 1); /* the higher priority came later and is in front */
    assert_int_equal(p.ahead_job[0], 4);
    SAYS(&p, "it needs 6 nodes; of the site's 8, 4 free, 4 busy, 0 out of service");
    pending_fini(&p);
    p = explain(r, 3);
    assert_int_equal(p.verdict, PENDING_BEHIND);
    assert_int_equal(p.ahead, 2);
    assert_int_equal(p.ahead_job[1], 2);
    SAYS(&p, "2 jobs are in front of it: 4 (8 nodes), 2 (6 nodes)");
    pending_fini(&p);
    rig_free(r);
}

static void every_cause_that_keeps_a_node_out_has_its_own_name(void **state)
{
    (void)state;
    struct rig *r = rig_engine_make(8, MODE_ACT);
    assert_int_equal(rig_job(r, 1, 1, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 2, 4, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 3, 8, 0), ADMIT_OK);
    rig_engine_gives(r, 1, 0, 1);
    rig_finding(r, 1, RIG_KILLS);
    assert_int_equal(rig_command(r, CMD_HOLD, 2, "mine"), ADMIT_OK);
    rig_engine_says(r, 3, SERVICE_DRAIN, OWNER_OTHERS, "fan");
    rig_engine_says(r, 4, SERVICE_DOWN, OWNER_ENGINE, "Not responding");
    rig_engine_says(r, 5, SERVICE_DOWN, OWNER_OURS, "mw:gpu");
    struct event retired = { .kind = EV_NODES_ADOPTED, .source = SOURCE_PERSON, .actor = 1 };
    retired.body.adopt = (struct body_adopt){ .first = 7, .count = 1, .health = HEALTH_RETIRED };
    assert_int_equal(rig_submit(r, &retired, NULL), ADMIT_OK);
    struct pending p = explain(r, 2);
    const uint8_t place[8] = { PLACE_BUSY, PLACE_SICK, PLACE_HELD, PLACE_OTHERS, PLACE_SILENT,
                               PLACE_RETURNABLE, PLACE_FREE, PLACE_RETIRED };
    assert_memory_equal(p.place, place, sizeof(place));
    assert_int_equal(p.verdict, PENDING_ENGINE);
    SAYS(&p, "Slurm decides when it starts (squeue --start -j 2");
    pending_fini(&p);
    p = explain(r, 3);
    assert_int_equal(p.verdict, PENDING_TOO_LARGE);
    SAYS(&p, "it can never start: it needs 8 nodes, the site has 7 in service");
    pending_fini(&p);
    assert_int_equal(pending_explain(r->control, 4, &p, NULL), MW_ENOTFOUND);
    rig_free(r);
}

/* ---- suspects ------------------------------------------------------------------------------- */

static struct suspects find(const struct rig *r, int64_t days_ns, uint32_t score_min)
{
    const struct suspects_options o = { .days_ns = days_ns, .score_min = score_min };
    struct suspects s;
    assert_int_equal(suspects_find(r->journal, r->control, &o, &s, NULL), 0);
    return s;
}

static const struct suspect *of(const struct suspects *s, uint32_t node)
{
    for (uint32_t i = 0; i < s->length; i++)
        if (s->item[i].node == node)
            return &s->item[i];
    return NULL;
}

/* An incident that comes and goes by itself. */
static void blink(struct rig *r, uint32_t node)
{
    uint64_t finding = rig_finding(r, node, RIG_SLOWS);
    rig_wait(r, RIG_SECOND);
    rig_engine_answers(r, ENGINE_DOWN, RESULT_OK, "");
    assert_int_equal(rig_closed(r, node, finding), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    rig_engine_answers(r, ENGINE_RESUME, RESULT_OK, "");
    assert_int_equal(r->control->board->node_incident[node], MW_NONE);
}

static void what_is_wrong_now_is_worse_than_what_came_again_and_again(void **state)
{
    (void)state;
    struct rig *r = rig_engine_make(8, MODE_ACT);
    struct text why = { 0 };
    struct words w = { .fleet = r->fleet, .policy = &r->policy };
    struct suspects s = find(r, 30 * MW_NS_PER_DAY, 0);
    assert_int_equal(s.length, 0);
    suspects_fini(&s);
    blink(r, 2);
    blink(r, 3);
    blink(r, 3);
    rig_finding(r, 5, RIG_KILLS);
    rig_engine_says(r, 6, SERVICE_DRAIN, OWNER_OTHERS, "fan");
    /* a program's own end on node 7 is no reason to keep others away */
    struct event rank = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + 7 };
    rank.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, 7),
                                               .finding = 1, .node = 7, .class = RIG_IN_PLACE,
                                               .effect = EFFECT_HARMLESS };
    assert_int_equal(rig_submit(r, &rank, NULL), ADMIT_OK);
    assert_int_not_equal(r->control->board->node_incident[7], MW_NONE);
    s = find(r, 30 * MW_NS_PER_DAY, 0);
    assert_int_equal(s.length, 3);
    assert_int_equal(s.item[0].node, 5);
    assert_int_equal(s.item[0].score, 8); /* out of health, and an incident that ends jobs */
    assert_int_equal(of(&s, 6)->score, 2);
    assert_int_equal(of(&s, 3)->score, 1);
    assert_null(of(&s, 2)); /* once is nothing */
    assert_int_equal(r->log[of(&s, 3)->last - 1].ev.kind, EV_INCIDENT_OPENED);
    suspect_words(&why, &s.item[0], &w);
    assert_non_null(strstr(text_string(&why), "down; incident "));
    assert_non_null(strstr(text_string(&why), ": kills"));
    text_fini(&why);
    suspects_fini(&s);
    s = find(r, 30 * MW_NS_PER_DAY, 3);
    assert_int_equal(s.length, 1);
    suspects_fini(&s);
    rig_free(r);
}

static void incidents_before_the_time_asked_for_do_not_count(void **state)
{
    (void)state;
    struct rig *r = rig_engine_make(8, MODE_ACT);
    blink(r, 3);
    blink(r, 3);
    rig_wait(r, 2 * MW_NS_PER_DAY);
    blink(r, 3);
    struct suspects s = find(r, MW_NS_PER_DAY, 0);
    assert_int_equal(s.length, 0);
    suspects_fini(&s);
    s = find(r, 3 * MW_NS_PER_DAY, 0);
    assert_int_equal(s.length, 1);
    assert_int_equal(s.item[0].incidents, 3);
    suspects_fini(&s);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_does_not_fit_waits_for_nodes_and_those_behind_it_for_it),
        cmocka_unit_test(every_cause_that_keeps_a_node_out_has_its_own_name),
        cmocka_unit_test(what_is_wrong_now_is_worse_than_what_came_again_and_again),
        cmocka_unit_test(incidents_before_the_time_asked_for_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
