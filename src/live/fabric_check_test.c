/* Miscabling, named port by port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "fleet/site.h"
#include "live/fabric_check.h"
#include "live/fabric_testing.h"

/* 8 hosts with 2 NICs; leaf00, leaf01 are rail 0, leaf02, leaf03 rail 1; 4 hosts a leaf, then one
 * link to each spine on ports 5 and 6. */
static const struct tree tree = { .hosts = 8, .rails = 2, .leaves = 4, .spines = 2, .ports = 8,
                                  .links = 1 };
static const char yaml[] =
    "site: t\n"
    "models:\n  - {name: box, gpus: 8, nics: 2, power_w: 0}\n"
    "halls:\n  - {name: h}\n"
    "racks:\n  - {name: k, hall: h}\n"
    "nodes:\n  - {name: \"gpu[000-007]\", model: box, rack: k}\n"
    "switches:\n  - {name: \"leaf[00-03]\", tier: leaf, ports: 8, hall: h}\n"
    "  - {name: \"spine[00-01]\", tier: spine, ports: 8, hall: h}\n"
    "  - {name: eth0, tier: leaf, ports: 8, hall: h}\n"
    "cables:\n"
    "  - {from: \"gpu[000-003]-nic0\", to: leaf00}\n"
    "  - {from: \"gpu[004-007]-nic0\", to: leaf01}\n"
    "  - {from: \"gpu[000-003]-nic1\", to: leaf02}\n"
    "  - {from: \"gpu[004-007]-nic1\", to: leaf03}\n"
    "  - {from: \"leaf[00-03]\", to: \"spine[00-01]\"}\n";

struct bench {
    struct fabric f;
    struct fabric_names names;
    struct fabric_result r;
    struct fleet *fleet;
};

static void start(struct bench *b)
{
    struct problems problems = { 0 };
    struct site_source s = { .yaml = yaml, .size = sizeof(yaml) - 1, .name = "t.yaml" };
    *b = (struct bench){ .fleet = NULL };
    fabric_tree(&tree, &b->f);
    assert_int_equal(site_load(&s, &b->fleet, &problems, NULL), 0);
}

static void check(struct bench *b, bool any_port)
{
    struct fabric_check_options o = { .any_port = any_port };
    fabric_result_fini(&b->r);
    fabric_names_fini(&b->names);
    assert_int_equal(fabric_names_make(&b->f, &b->names, NULL), 0);
    assert_int_equal(fabric_check(&b->f, &b->names, b->fleet, &o, &b->r, NULL), 0);
}

static void end(struct bench *b)
{
    fabric_result_fini(&b->r);
    fabric_names_fini(&b->names);
    fabric_fini(&b->f);
    fleet_destroy(b->fleet);
}

static void expect(const struct bench *b, uint32_t i, enum fabric_fault fault, const char *at,
                   const char *expected, const char *found)
{
    assert_true(i < b->r.length);
    const struct fabric_difference *d = &b->r.item[i];
    assert_string_equal(fabric_fault_code(d->fault), fabric_fault_code(fault));
    assert_string_equal(d->at, at);
    assert_string_equal(d->expected, expected);
    assert_string_equal(d->found, found);
    assert_true(d->todo[0] != '\0');
}

static void a_fabric_as_the_file_says_has_no_difference(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    check(&b, false);
    assert_int_equal(fabric_result_faults(&b.r), 0);
    assert_int_equal(b.r.cables, 24);
    assert_int_equal(b.r.right, 24);
    end(&b);
}

static void an_unplugged_cable_is_missing_at_both_its_ends(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    fabric_unplug(&b.f, "leaf01", 6);
    check(&b, false);
    assert_int_equal(fabric_result_faults(&b.r), 1);
    expect(&b, 0, FABRIC_MISSING, "leaf01:6", "spine01:2", "no link, polling");
    assert_string_equal(fleet_name(b.fleet, component_id(COMPONENT_CABLE, b.r.item[0].cable)),
                        "cable-leaf01/6");
    end(&b);
}

static void a_plug_in_another_port_is_told_where_to_go(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    fabric_unplug(&b.f, "leaf00", 3);
    fabric_plug(&b.f, "leaf00", 8, "gpu002 mlx5_0", 1);
    check(&b, false);
    assert_int_equal(fabric_result_faults(&b.r), 1);
    expect(&b, 0, FABRIC_WRONG_PORT, "gpu002-nic0", "leaf00:3", "leaf00:8");
    assert_string_equal(b.r.item[0].todo, "move the plug from leaf00:8 to leaf00:3");
    check(&b, true); /* only what is joined to what */
    assert_int_equal(fabric_result_faults(&b.r), 0);
    end(&b);
}

static void a_plug_on_another_switch_is_on_the_wrong_node(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    fabric_unplug(&b.f, "leaf00", 3);
    fabric_plug(&b.f, "leaf02", 8, "gpu002 mlx5_0", 1);
    check(&b, false);
    assert_int_equal(fabric_result_faults(&b.r), 1);
    expect(&b, 0, FABRIC_WRONG_NODE, "gpu002-nic0", "leaf00:3", "leaf02:8");
    end(&b);
}

static void two_exchanged_cables_are_one_exchange(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    fabric_plug(&b.f, "leaf00", 1, "gpu001 mlx5_0", 1);
    fabric_plug(&b.f, "leaf00", 2, "gpu000 mlx5_0", 1);
    check(&b, false);
    assert_int_equal(fabric_result_faults(&b.r), 1);
    expect(&b, 0, FABRIC_SWAPPED, "gpu000-nic0", "leaf00:1", "leaf00:2");
    assert_string_equal(b.r.item[0].todo, "exchange the plugs at leaf00:1 and leaf00:2");
    end(&b);
}

static void exchanged_rails_of_one_host_are_seen(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    fabric_plug(&b.f, "leaf00", 1, "gpu000 mlx5_1", 1);
    fabric_plug(&b.f, "leaf02", 1, "gpu000 mlx5_0", 1);
    check(&b, false);
    assert_int_equal(fabric_result_faults(&b.r), 1);
    expect(&b, 0, FABRIC_SWAPPED, "gpu000-nic0", "leaf00:1", "leaf02:1");
    end(&b);
}

static void three_cables_in_a_circle_are_three_moves(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    fabric_unplug(&b.f, "leaf00", 1);
    fabric_plug(&b.f, "leaf00", 2, "gpu000 mlx5_0", 1);
    fabric_plug(&b.f, "leaf00", 3, "gpu001 mlx5_0", 1);
    fabric_plug(&b.f, "leaf00", 1, "gpu002 mlx5_0", 1);
    check(&b, false);
    assert_int_equal(b.r.count[FABRIC_WRONG_PORT], 3);
    assert_int_equal(fabric_result_faults(&b.r), 3);
    end(&b);
}

static void an_adapter_that_is_gone_does_not_make_its_neighbours_wrong(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    fabric_unplug(&b.f, "gpu003 mlx5_0", 1);
    /* Without a link it is not discovered at all: here it bears no name of the site. */
    memcpy(b.f.node[fabric_node_named(&b.f, "gpu003 mlx5_0")].name, "Aggregation Node", 17);
    check(&b, false);
    assert_int_equal(fabric_result_faults(&b.r), 1);
    expect(&b, 0, FABRIC_MISSING, "gpu003-nic0", "leaf00:4", "no link, polling");
    assert_non_null(strstr(b.r.item[0].todo, "adapter"));
    end(&b);
}

static void a_link_that_the_file_does_not_have_is_extra(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    fabric_plug(&b.f, "spine00", 8, "spine01", 8);
    check(&b, false);
    assert_int_equal(fabric_result_faults(&b.r), 1);
    expect(&b, 0, FABRIC_EXTRA, "spine00:8", "", "spine01:8");
    end(&b);
}

static void a_dead_switch_and_a_dead_node_are_said_once_each(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    for (uint32_t p = 1; p <= 8; p++)
        fabric_unplug(&b.f, "spine01", p);
    memcpy(b.f.node[fabric_node_named(&b.f, "spine01")].name, "Aggregation Node", 17);
    for (int r = 0; r < 2; r++) {
        const char *name = r == 0 ? "gpu005 mlx5_0" : "gpu005 mlx5_1";
        fabric_unplug(&b.f, name, 1);
        memcpy(b.f.node[fabric_node_named(&b.f, name)].name, "Aggregation Node", 17);
    }
    check(&b, false);
    assert_int_equal(fabric_result_faults(&b.r), 2);
    expect(&b, 0, FABRIC_NO_SWITCH, "spine01", "", "not in the fabric");
    expect(&b, 1, FABRIC_NO_NODE, "gpu005", "", "none of its adapters");
    end(&b);
}

static void a_host_that_the_file_does_not_have_is_named(void **state)
{
    struct fabric_node n = { .kind = FABRIC_CA, .ports = 1, .guid = 5, .name = "new1 mlx5_0" };
    struct bench b;
    uint32_t row;
    (void)state;
    start(&b);
    assert_int_equal(fabric_add(&b.f, &n, &row, NULL), 0);
    fabric_plug(&b.f, "new1 mlx5_0", 1, "leaf00", 8);
    check(&b, false);
    assert_int_equal(fabric_result_faults(&b.r), 1);
    expect(&b, 0, FABRIC_UNKNOWN, "new1", "", "new1 mlx5_0");
    end(&b);
}

static void a_link_below_what_both_ends_allow_is_slow(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    uint32_t port = fabric_port_of(&b.f, fabric_node_named(&b.f, "leaf00"), 5);
    b.f.port[port].rate.width = 1;
    check(&b, false);
    assert_int_equal(fabric_result_faults(&b.r), 1);
    expect(&b, 0, FABRIC_SLOW, "leaf00:5", "4xHDR", "1xHDR");
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fabric_as_the_file_says_has_no_difference),
        cmocka_unit_test(an_unplugged_cable_is_missing_at_both_its_ends),
        cmocka_unit_test(a_plug_in_another_port_is_told_where_to_go),
        cmocka_unit_test(a_plug_on_another_switch_is_on_the_wrong_node),
        cmocka_unit_test(two_exchanged_cables_are_one_exchange),
        cmocka_unit_test(exchanged_rails_of_one_host_are_seen),
        cmocka_unit_test(three_cables_in_a_circle_are_three_moves),
        cmocka_unit_test(an_adapter_that_is_gone_does_not_make_its_neighbours_wrong),
        cmocka_unit_test(a_link_that_the_file_does_not_have_is_extra),
        cmocka_unit_test(a_dead_switch_and_a_dead_node_are_said_once_each),
        cmocka_unit_test(a_host_that_the_file_does_not_have_is_named),
        cmocka_unit_test(a_link_below_what_both_ends_allow_is_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
