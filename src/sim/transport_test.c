/* Messages: whatever goes wrong on the way, every fact arrives, in its source's order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/transport.h"

#define SOURCES 20u
#define FACTS 3000u

static const struct scenario_messages bad = {.lost = 150, .late = 150, .doubled = 150,
                                             .reordered = 150,
                                             .late_ns_max = 20 * MW_NS_PER_S,
                                             .resend_ns = 5 * MW_NS_PER_S};

/* A receiver like the core: takes facts of a source in order. */
struct receiver {
    uint64_t last[SOURCES];
    uint64_t taken, duplicates, gaps;
};

static bool receive(struct receiver *r, const struct event *fact)
{
    uint64_t *last = &r->last[fact->source];
    assert_true(fact->seq >= 1 && fact->seq <= fact->source_seq);
    if (fact->source_seq <= *last) {
        r->duplicates++;
        return true;
    }
    if (fact->source_seq != *last + 1) {
        r->gaps++;
        return false;
    }
    assert_int_equal(fact->body.timer.id, fact->source_seq); /* nothing was mixed up */
    *last = fact->source_seq;
    r->taken++;
    return true;
}

static void deliver_due(struct transport *t, int64_t now_ns, struct receiver *r)
{
    struct delivery d;
    while (transport_take(t, now_ns, &d))
        transport_answer(t, now_ns, &d, receive(r, &d.fact));
}

static void send_all(struct transport *t, struct receiver *r)
{
    uint64_t count[SOURCES] = {0};
    for (uint32_t i = 0; i < FACTS; i++) {
        int64_t now_ns = (int64_t)i * MW_NS_PER_S / 4;
        struct event fact = {.kind = EV_TIMER_FIRED, .source = 1 + i * 7 % (SOURCES - 1)};
        fact.body.timer.id = ++count[fact.source];
        transport_send(t, now_ns, &fact, NULL);
        deliver_due(t, now_ns, r);
    }
}

static struct transport *make(const struct scenario_messages *m, struct marks *marks)
{
    struct transport_config c = {.messages = *m, .seed = 9, .sources = SOURCES,
                                 .quiet_ns = INT64_MAX, .marks = marks};
    struct transport *t;
    assert_int_equal(transport_create(&c, &t), 0);
    return t;
}

static void every_fact_arrives_in_order_over_a_bad_way(void **state)
{
    struct marks marks = {0};
    struct receiver r = {0};
    struct transport *t = make(&bad, &marks);
    (void)state;
    send_all(t, &r);
    int64_t now_ns = FACTS * MW_NS_PER_S;
    for (uint32_t i = 0; i < 200; i++, now_ns += MW_NS_PER_S)
        deliver_due(t, now_ns, &r);
    assert_int_equal(r.taken, FACTS);
    assert_true(r.duplicates > 100 && r.gaps > 100);
    struct transport_stats s = transport_stats(t);
    assert_true(s.lost > 100 && s.late > 100 && s.doubled > 100 && s.reordered > 100);
    assert_true(marks.count[MARK_ACK_LOST] > 0);
    transport_destroy(t);
}

static void a_flush_delivers_the_rest_at_once(void **state)
{
    struct marks marks = {0};
    struct receiver r = {0};
    struct transport *t = make(&bad, &marks);
    (void)state;
    send_all(t, &r);
    assert_true(r.taken < FACTS);
    int64_t now_ns = (int64_t)FACTS * MW_NS_PER_S / 4;
    transport_flush(t, now_ns);
    deliver_due(t, now_ns, &r);
    assert_int_equal(r.taken, FACTS);
    transport_destroy(t);
}

static void a_good_way_keeps_the_order_of_sending(void **state)
{
    struct marks marks = {0};
    struct receiver r = {0};
    struct transport *t = make(&(struct scenario_messages){0}, &marks);
    (void)state;
    send_all(t, &r);
    assert_int_equal(r.taken, FACTS);
    assert_int_equal(r.duplicates + r.gaps, 0);
    assert_true(transport_next_ns(t) == MW_NEVER);
    transport_destroy(t);
}

static void a_fact_without_an_answer_comes_again(void **state)
{
    struct marks marks = {0};
    struct transport *t = make(&(struct scenario_messages){0}, &marks);
    struct event fact = {.kind = EV_TIMER_FIRED, .source = 3};
    struct delivery d;
    (void)state;
    transport_send(t, 5, &fact, "why");
    assert_true(transport_take(t, 5, &d));
    transport_answer(t, 5, &d, false);
    assert_true(transport_take(t, 5, &d));
    assert_int_equal(d.fact.source_seq, 1);
    assert_string_equal(d.text, "why");
    transport_answer(t, 5, &d, true);
    assert_false(transport_take(t, 5, &d));
    transport_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fact_arrives_in_order_over_a_bad_way),
        cmocka_unit_test(a_flush_delivers_the_rest_at_once),
        cmocka_unit_test(a_good_way_keeps_the_order_of_sending),
        cmocka_unit_test(a_fact_without_an_answer_comes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
