/* The lines between mw-fabric and who started it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "live/fabric_line.h"

static void pass(struct fabric_round *r, char line[FABRIC_LINE_MAX], size_t size)
{
    struct mw_error err = { 0 };
    assert_true(size > 1 && line[size - 1] == '\n');
    line[size - 1] = '\0';
    assert_int_equal(fabric_round_line(r, line, &err), 0);
}

static void what_is_written_is_read_back(void **state)
{
    struct fabric_round from = { .asked = 0 }, to = { .asked = 0 };
    struct fabric_node n = { .guid = 0xfc6a1c0300f1c4c0, .kind = FABRIC_SWITCH, .ports = 2,
                             .lid = 3, .name = "MF0;leaf 01:MQM9700/U1 100%" };
    struct fabric_reading reading = { .has = 0x1ffff, .wide = 0x1e000 };
    struct mw_error err = { 0 };
    char line[FABRIC_LINE_MAX];
    uint32_t row;
    (void)state;
    assert_int_equal(fabric_add(&from.fabric, &n, &row, &err), 0);
    assert_int_equal(fabric_add(&from.fabric, &n, &row, &err), 0);
    assert_int_equal(fabric_join(&from.fabric, 1, 2, &err), 0);
    from.fabric.port[1].state = FABRIC_ACTIVE;
    from.fabric.port[1].rate = (struct fabric_rate){ 4, 4, 4, 53125, 53125, 106250 };
    reading.value[FABRIC_XMIT_DATA] = UINT64_MAX;
    reading.value[FABRIC_SYMBOL_ERRORS] = 4242;
    for (uint32_t i = 0; i < 2; i++)
        pass(&to, line, fabric_line_node(&from.fabric.node[i], line));
    for (uint32_t i = 0; i < 4; i++)
        pass(&to, line, fabric_line_port(&from.fabric, i, line));
    pass(&to, line, fabric_line_count(&from.fabric.port[1], &reading, line));
    assert_int_equal(fabric_round_line(&to, "end 1 2 1 0", &err), 0);
    assert_true(to.done);
    assert_string_equal(to.fabric.node[1].name, n.name);
    assert_int_equal(to.fabric.node[0].guid, n.guid);
    assert_int_equal(to.fabric.port[1].peer, 2);
    assert_int_equal(to.fabric.port[1].rate.speed_supported, 106250);
    assert_memory_equal(&to.reading[1], &reading, sizeof(reading));
    assert_int_equal(to.reading[0].has, 0);
    fabric_round_fini(&from);
    fabric_round_fini(&to);
}

static void expect_bad(const char *line)
{
    struct fabric_round r = { .asked = 0 };
    struct mw_error err = { 0 };
    assert_int_equal(fabric_round_line(&r, "node 1 2 3 4 leaf", &err), 0);
    assert_int_not_equal(fabric_round_line(&r, line, &err), 0);
    assert_true(err.text[0] != '\0');
    fabric_round_fini(&r);
}

static void lines_that_are_none_are_refused(void **state)
{
    (void)state;
    expect_bad("");
    expect_bad("node 1 4 3 4 x");
    expect_bad("node 1 2 300 4 x");
    expect_bad("port 1 1 - 0 1 2 0 0 0 0 0 0");
    expect_bad("port 0 4 - 0 1 2 0 0 0 0 0 0");
    expect_bad("port 0 1 0 1 4 5 4 4 4 1 1 1"); /* on itself */
    expect_bad("port 0 1 0 2 4 5 4 4");
    expect_bad("count 0 1 1 0 70000 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"); /* past 16 bits */
    expect_bad("end 1 2");
    expect_bad("fabric 2");
    expect_bad("fail 2 no%20adapter");
}

static void bug_an_end_before_any_node_is_an_empty_round(void **state)
{
    struct fabric_round r = { .asked = 0 };
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(fabric_round_line(&r, "end 1 2 0 0", &err), 0);
    assert_true(r.done);
    assert_int_equal(r.fabric.ports, 0);
    fabric_round_fini(&r);
}

static void a_round_without_counters_has_none_of_the_round_before(void **state)
{
    struct fabric_round r = { .asked = 0 };
    struct mw_error err = { 0 };
    (void)state;
    for (int round = 0; round < 2; round++) {
        fabric_round_clear(&r);
        assert_int_equal(fabric_round_line(&r, "node 1 2 1 4 leaf", &err), 0);
        if (round == 0)
            assert_int_equal(fabric_round_line(
                                 &r, "count 0 1 1 0 7 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0", &err), 0);
        assert_int_equal(fabric_round_line(&r, "end 1 2 1 0", &err), 0);
        assert_int_equal(r.reading[0].has, round == 0);
    }
    fabric_round_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(lines_that_are_none_are_refused),
        cmocka_unit_test(bug_an_end_before_any_node_is_an_empty_round),
        cmocka_unit_test(a_round_without_counters_has_none_of_the_round_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
