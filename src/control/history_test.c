/* A serial number's history follows it from slot to slot, and a slot's does not. */
#include "control/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "control/written.h"

static uint64_t gpu(const struct written *w, uint32_t node, uint32_t nth)
{
    return component_id(COMPONENT_GPU, w->fleet->node_gpu_first[node] + nth);
}

static uint64_t fault(struct written *w, uint32_t node, uint64_t component)
{
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_NODE + node };
    ev.body.finding = (struct body_finding){ .component = component, .finding = 1, .node = node };
    return written_add(w, &ev, NULL);
}

static uint64_t close_order(struct written *w, uint32_t node, uint64_t component,
                            const char *text)
{
    struct event ev = { .kind = EV_ORDER_ENDED, .tail_size = (uint32_t)strlen(text) };
    ev.body.order = (struct body_order){ .component = component, .node = node,
                                         .part = CARE_PART_NONE, .result = RESULT_OK };
    return written_add(w, &ev, text);
}

static bool tells(const struct history *h, uint64_t seq)
{
    for (uint32_t i = 0; i < h->lines; i++)
        if (h->line[i].seq == seq)
            return true;
    return false;
}

static void tell(struct written *w, const char *what, struct serials *s, struct history *ret)
{
    struct mw_error err = { 0 };
    if (serials_update(s, w->journal, w->fleet, &err) < 0 ||
        history_tell(w->journal, what, &w->words, s, ret, &err) < 0)
        fail_msg("%s", err.text);
}

static void a_part_that_moves_takes_its_history_along(void **state)
{
    (void)state;
    struct written *w = written_make(8);
    struct serials s = { 0 };
    struct history h;
    uint64_t here = gpu(w, 1, 0), there = gpu(w, 2, 3);
    uint64_t first = fault(w, 1, here);
    uint64_t out = close_order(w, 1, here, "fan broken; serial A1 -> B2");
    uint64_t others = fault(w, 1, here); /* of B2 now */
    uint64_t in = close_order(w, 2, there, "serial C3 -> A1, refurbished");
    uint64_t again = fault(w, 2, there);
    tell(w, "A1", &s, &h);
    assert_true(h.serial);
    assert_int_equal(h.spans, 2);
    assert_int_equal(h.span[0].component, here);
    assert_int_equal(h.span[1].component, there);
    assert_true(tells(&h, first) && tells(&h, out) && tells(&h, in) && tells(&h, again));
    assert_false(tells(&h, others));
    history_fini(&h);
    tell(w, "B2", &s, &h);
    assert_true(tells(&h, others) && tells(&h, out));
    assert_false(tells(&h, first) || tells(&h, again));
    history_fini(&h);
    assert_string_equal(serials_now(&s, w->fleet, here), "B2");
    assert_string_equal(serials_now(&s, w->fleet, there), "A1");
    serials_fini(&s);
    written_free(w);
}

static void a_swap_that_names_another_part_of_the_node_is_put_down_to_that(void **state)
{
    (void)state;
    struct written *w = written_make(8);
    struct serials s = { 0 };
    struct mw_error err = { 0 };
    close_order(w, 1, gpu(w, 1, 2), "serial X -> Y");
    close_order(w, 1, gpu(w, 1, 0), "it was the other one: serial Y -> Z");
    close_order(w, 1, gpu(w, 1, 0), "serial gpu/5-0 -> gpu/5-1"); /* a simulated world's */
    close_order(w, 1, gpu(w, 1, 0), "serial and nothing more; serial -> ; serial Q->R");
    assert_int_equal(serials_update(&s, w->journal, w->fleet, &err), 0);
    assert_int_equal(s.changes, 3);
    assert_string_equal(serials_now(&s, w->fleet, gpu(w, 1, 2)), "Z");
    assert_string_equal(serials_now(&s, w->fleet, component_id(COMPONENT_GPU, 5)), "gpu/5-1");
    close_order(w, 1, gpu(w, 1, 2), "serial Z -> Z2"); /* read on from where it was */
    assert_int_equal(serials_update(&s, w->journal, w->fleet, &err), 0);
    assert_int_equal(s.changes, 4);
    assert_string_equal(serials_now(&s, w->fleet, gpu(w, 1, 2)), "Z2");
    serials_fini(&s);
    written_free(w);
}

static void a_node_tells_of_all_its_parts_and_of_nothing_else(void **state)
{
    (void)state;
    struct written *w = written_make(8);
    struct serials s = { 0 };
    struct history h;
    struct mw_error err = { 0 };
    uint64_t own = fault(w, 1, gpu(w, 1, 4)), other = fault(w, 2, gpu(w, 2, 4));
    tell(w, fleet_name(w->fleet, component_id(COMPONENT_NODE, 1)), &s, &h);
    assert_false(h.serial);
    assert_true(tells(&h, own));
    assert_false(tells(&h, other));
    history_fini(&h);
    assert_int_equal(history_tell(w->journal, "nobody", &w->words, &s, &h, &err), MW_ENOTFOUND);
    assert_non_null(strstr(err.text, "no serial number"));
    serials_fini(&s);
    written_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_that_moves_takes_its_history_along),
        cmocka_unit_test(a_swap_that_names_another_part_of_the_node_is_put_down_to_that),
        cmocka_unit_test(a_node_tells_of_all_its_parts_and_of_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
