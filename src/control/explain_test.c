/*
 * What `mw explain` tells of an incident is what the record says: the sums as
 * they were decided, the symptoms that are still its own, where the time went.
 */
#include "control/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "control/written.h"

#define NODE 3u
#define HOUR (3600 * MW_NS_PER_S)

static uint64_t gpu_of(const struct written *w, uint32_t node)
{
    return component_id(COMPONENT_GPU, w->fleet->node_gpu_first[node]);
}

static uint64_t finding(struct written *w, uint32_t node, uint64_t number)
{
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + node };
    ev.body.finding = (struct body_finding){ .component = gpu_of(w, node), .finding = number,
                                             .node = node, .detail = 79 };
    return written_add(w, &ev, NULL);
}

static uint64_t opened(struct written *w, uint32_t node, uint64_t found)
{
    struct event ev = { .kind = EV_INCIDENT_OPENED, .cause = found };
    ev.body.incident = (struct body_incident){ .component = gpu_of(w, node), .node = node,
                                               .slot = 0, .findings = 1, .class = 0,
                                               .effect = EFFECT_KILLS };
    return written_add(w, &ev, NULL);
}

static uint64_t moved(struct written *w, uint64_t incident, uint8_t from, uint8_t to)
{
    struct event ev = { .kind = EV_NODE_MOVED };
    ev.body.node = (struct body_node){ .incident = incident, .node = NODE, .from = from, .to = to };
    return written_add(w, &ev, NULL);
}

static uint64_t order(struct written *w, uint16_t kind, uint64_t incident, uint8_t result)
{
    struct event ev = { .kind = kind };
    ev.body.order = (struct body_order){ .component = gpu_of(w, NODE), .incident = incident,
                                         .node = NODE, .visit = 1, .part = 0, .level = 2,
                                         .result = result, .step = STEP_REPLACE,
                                         .who = WHO_TECHNICIAN };
    return written_add(w, &ev, NULL);
}

static const struct step_sum SUMS[] = {
    { .part_uusd = 9000, .crew_uusd = 120, .waiting_uusd = 50, .retry_uusd = 7, .total_uusd = 9177,
      .odds_ppm = 900000, .tried = 5, .held = 4, .step = STEP_REPLACE },
    { .action_uusd = 1, .retry_uusd = 9000, .total_uusd = 9001, .odds_ppm = 100000,
      .step = STEP_REBOOT, .bar = BAR_TRIED },
};

static uint64_t chosen(struct written *w, uint64_t incident)
{
    struct event ev = { .kind = EV_STEP_CHOSEN, .tail_size = sizeof(SUMS) };
    ev.body.step = (struct body_step){ .incident = incident, .cost_uusd = 9177, .node = NODE,
                                       .odds_ppm = 900000, .part = 0, .step = STEP_REPLACE };
    return written_add(w, &ev, SUMS);
}

static uint64_t closed(struct written *w, uint64_t incident)
{
    struct event ev = { .kind = EV_INCIDENT_CLOSED };
    ev.body.incident = (struct body_incident){ .component = gpu_of(w, NODE), .incident = incident,
                                               .opened_ms = mw_ms(WRITTEN_START_NS),
                                               .lost_gpu_ms = 5 * MW_MS_PER_HOUR, .node = NODE };
    return written_add(w, &ev, NULL);
}

static void tell(struct written *w, uint64_t incident, struct explain *ret)
{
    struct mw_error err = { 0 };
    if (explain_incident(w->journal, incident, &w->words, ret, &err) < 0)
        fail_msg("%s", err.text);
}

static void a_repair_is_told_with_its_sums_and_where_the_time_went(void **state)
{
    (void)state;
    struct written *w = written_make(8);
    struct explain x;
    uint64_t found = finding(w, NODE, 1), incident = opened(w, NODE, found);
    uint64_t down = moved(w, incident, HEALTH_READY, HEALTH_DOWN);
    uint64_t step = chosen(w, incident);
    uint64_t asked = order(w, EV_ORDER_OPENED, incident, 0);
    w->now_ns += 2 * HOUR;
    order(w, EV_ORDER_TAKEN, incident, 0);
    moved(w, incident, HEALTH_DOWN, HEALTH_REPAIRING);
    w->now_ns += 1 * HOUR;
    uint64_t ended = order(w, EV_ORDER_ENDED, incident, RESULT_OK);
    moved(w, incident, HEALTH_REPAIRING, HEALTH_VALIDATING);
    w->now_ns += HOUR / 2;
    moved(w, incident, HEALTH_VALIDATING, HEALTH_DOWN); /* the check failed */
    w->now_ns += HOUR / 4;
    moved(w, incident, HEALTH_DOWN, HEALTH_READY);
    uint64_t end = closed(w, incident);
    w->now_ns += 9 * HOUR;
    finding(w, NODE, 2); /* later, and none of its business */

    tell(w, incident, &x);
    assert_int_equal(x.found_seq, found);
    assert_int_equal(x.closed_seq, end);
    assert_int_equal(x.lost_gpu_ms, 5 * MW_MS_PER_HOUR);
    assert_int_equal(x.findings, 1);
    assert_non_null(strstr(x.finding[0].text, "detail 79"));
    assert_int_equal(x.steps, 1);
    assert_int_equal(x.step[0].seq, step);
    assert_int_equal(x.step[0].sums, 2);
    assert_memory_equal(x.step[0].sum, SUMS, sizeof(SUMS));
    assert_int_equal(x.step[0].done_seq, asked);
    assert_int_equal(x.step[0].ended_seq, ended);
    assert_int_equal(x.step[0].result, RESULT_OK);
    assert_int_equal(x.let_go, DRAIN_NOW);
    assert_int_equal(x.let_go_seq, down);
    assert_int_equal(x.refaults, 1);
    assert_int_equal(x.times.health_ns[HEALTH_DOWN], 2 * HOUR + HOUR / 4);
    assert_int_equal(x.times.health_ns[HEALTH_REPAIRING], HOUR);
    assert_int_equal(x.times.health_ns[HEALTH_VALIDATING], HOUR / 2);
    assert_int_equal(x.times.to_taken_ns, 2 * HOUR);
    int64_t sum_ns = 0;
    for (uint32_t h = 0; h < HEALTH_COUNT; h++)
        sum_ns += x.times.health_ns[h];
    assert_int_equal(sum_ns, x.times.total_ns);
    explain_fini(&x);
    written_free(w);
}

static void a_common_cause_lists_its_symptoms_and_what_else_could_explain_them(void **state)
{
    (void)state;
    struct written *w = written_make(8);
    struct explain x;
    const struct cause_rank causes[] = {
        { .component = component_id(COMPONENT_PDU, 0), .seen = 2, .below = 2, .score = 9 },
        { .component = component_id(COMPONENT_RACK, 0), .seen = 2, .below = 4, .score = 3 } };
    uint64_t symptom[2];
    for (uint32_t i = 0; i < 2; i++)
        symptom[i] = opened(w, i, finding(w, i, 1));
    struct event root = { .kind = EV_INCIDENT_OPENED, .cause = symptom[1] - 1,
                          .tail_size = sizeof(causes) };
    root.body.incident = (struct body_incident){ .component = causes[0].component,
                                                 .node = MW_NONE, .class = 2 };
    uint64_t incident = written_add(w, &root, causes);
    for (uint32_t i = 0; i < 2; i++) {
        struct event ev = { .kind = EV_INCIDENT_SUPPRESSED };
        ev.body.cause = (struct body_cause){ .incident = symptom[i], .parent = incident,
                                             .component = causes[0].component, .node = i };
        written_add(w, &ev, NULL);
    }
    struct event freed = { .kind = EV_INCIDENT_FREED };
    freed.body.cause = (struct body_cause){ .incident = symptom[0], .parent = incident };
    written_add(w, &freed, NULL);

    tell(w, incident, &x);
    assert_int_equal(x.causes, 2);
    assert_memory_equal(x.cause, causes, sizeof(causes));
    assert_int_equal(x.symptoms, 2);
    assert_int_equal(explain_symptoms_now(&x), 1);
    assert_true(x.symptom[0].freed && !x.symptom[1].freed);
    assert_int_equal(x.symptom[1].class, 0);
    assert_int_equal(x.lost_gpu_ms, -1); /* open: the state knows */
    explain_fini(&x);
    tell(w, symptom[1], &x);
    assert_int_equal(x.parent, incident);
    assert_int_equal(x.parent_component, causes[0].component);
    explain_fini(&x);
    tell(w, symptom[0], &x);
    assert_int_equal(x.parent, 0);
    explain_fini(&x);
    written_free(w);
}

static void a_number_that_is_no_incident_says_which_to_ask_for(void **state)
{
    (void)state;
    struct written *w = written_make(8);
    struct explain x = { 0 };
    struct mw_error err = { 0 };
    char wanted[40];
    uint64_t found = finding(w, NODE, 1), incident = opened(w, NODE, found);
    uint64_t asked = order(w, EV_ORDER_OPENED, incident, 0);
    assert_int_equal(explain_incident(w->journal, asked, &w->words, &x, &err), MW_EINVAL);
    (void)snprintf(wanted, sizeof(wanted), "ask for its incident, %llu",
                   (unsigned long long)incident);
    assert_non_null(strstr(err.text, wanted));
    assert_int_equal(explain_incident(w->journal, found, &w->words, &x, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "begins no incident"));
    assert_int_equal(explain_incident(w->journal, 4711, &w->words, &x, &err), MW_ENOTFOUND);
    written_free(w);
}

static void a_node_stands_for_its_last_incident(void **state)
{
    (void)state;
    struct written *w = written_make(8);
    struct mw_error err = { 0 };
    uint64_t got = 0;
    assert_int_equal(explain_find(w->journal, &w->words, NODE, &got, &err), MW_ENOTFOUND);
    opened(w, NODE, finding(w, NODE, 1));
    uint64_t last = opened(w, NODE, finding(w, NODE, 2));
    opened(w, NODE + 1, finding(w, NODE + 1, 1));
    assert_int_equal(explain_find(w->journal, &w->words, NODE, &got, &err), 0);
    assert_int_equal(got, last);
    written_free(w);
}

/* Whatever a body holds, its kind has a sentence, and no name is looked up out of range. */
static void every_kind_of_event_has_words_for_any_body(void **state)
{
    (void)state;
    struct written *w = written_make(4);
    static const uint8_t fill[] = { 0x00, 0xff, 0x55, 0x01 };
    uint8_t tail[160];
    for (uint32_t kind = 1; kind < EVENT_KIND_MAX; kind++) {
        for (uint32_t i = 0; event_info(kind)->name && i < MW_ARRAY_LEN(fill); i++) {
            struct event ev = { .seq = 7, .kind = (uint16_t)kind, .time_ns = w->now_ns,
                                .observed_ns = w->now_ns };
            struct text t = { 0 };
            memset(ev.body.bytes, fill[i], sizeof(ev.body.bytes));
            memset(tail, fill[i], sizeof(tail));
            bool sums = event_info(kind)->tail == TAIL_SUMS;
            bool causes = event_info(kind)->tail == TAIL_CAUSES;
            ev.tail_size = sums ? sizeof(struct step_sum) : causes ? sizeof(struct cause_rank) : 0;
            words_of_event(&t, &w->words, &ev, ev.tail_size ? tail : NULL);
            assert_false(t.failed);
            assert_true(t.length > 0);
            text_fini(&t);
        }
    }
    written_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repair_is_told_with_its_sums_and_where_the_time_went),
        cmocka_unit_test(a_common_cause_lists_its_symptoms_and_what_else_could_explain_them),
        cmocka_unit_test(a_number_that_is_no_incident_says_which_to_ask_for),
        cmocka_unit_test(a_node_stands_for_its_last_incident),
        cmocka_unit_test(every_kind_of_event_has_words_for_any_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
