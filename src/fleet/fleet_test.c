#include "fleet/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fleet/site.h"

static int set_up(void **state)
{
    struct mw_error err = {0};
    struct fleet *f = NULL;

    if (site_simple(70, &f, &err) != 0)
        return -1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fleet_destroy(*state);
    return 0;
}

static void every_component_is_found_by_its_name(void **state)
{
    const struct fleet *f = *state;

    for (int k = COMPONENT_SITE; k < COMPONENT_KIND_COUNT; k++) {
        for (uint32_t i = 0; i < f->count[k]; i++) {
            uint64_t id = component_id((enum component_kind)k, i);
            assert_int_not_equal(fleet_name(f, id)[0], '\0');
            assert_true(fleet_find(f, fleet_name(f, id)) == id);
        }
    }
    assert_true(fleet_find(f, "h01-r01-k1-n1-gpu8") == 0);
    assert_true(fleet_find(f, "") == 0);
    assert_true(fleet_find(f, "h01-r01-k1-n1-gpu") == 0);
}

static void names_and_serials_out_of_range_are_empty(void **state)
{
    const struct fleet *f = *state;

    assert_string_equal(fleet_name(f, component_id(COMPONENT_NODE, 70)), "");
    assert_string_equal(fleet_name(f, 0), "");
    assert_string_equal(fleet_name(f, UINT64_MAX), "");
    assert_string_equal(fleet_serial(f, component_id(COMPONENT_NODE, 0)), "");
    assert_string_equal(fleet_serial(f, component_id(COMPONENT_HALL, 0)), "");
}

static void parts_of_a_node_lead_back_to_it(void **state)
{
    const struct fleet *f = *state;
    uint32_t node = 41, gpu = f->node_gpu_first[node] + 3, nic = f->node_nic_first[node] + 5;
    uint32_t cable = f->nic_cable[nic];

    assert_int_equal(f->gpu_slot[gpu], 3);
    assert_int_equal(f->nic_rail[nic], 5);
    assert_int_equal(fleet_node_of(f, component_id(COMPONENT_NODE, node)), node);
    assert_int_equal(fleet_node_of(f, component_id(COMPONENT_GPU, gpu)), node);
    assert_int_equal(fleet_node_of(f, component_id(COMPONENT_NIC, nic)), node);
    assert_int_equal(fleet_node_of(f, component_id(COMPONENT_CABLE, cable)), node);
    for (int side = 0; side < 2; side++)
        assert_int_equal(
            fleet_node_of(f, component_id(COMPONENT_OPTIC, f->cable_optic[side][cable])), node);
    assert_int_equal(fleet_node_of(f, component_id(COMPONENT_SWITCH, 0)), MW_NONE);
    assert_int_equal(fleet_node_of(f, component_id(COMPONENT_RACK, 0)), MW_NONE);
    assert_int_equal(fleet_node_of(f, component_id(COMPONENT_GPU, f->gpus_total)), MW_NONE);
    uint32_t last = f->count[COMPONENT_CABLE] - 1; /* between switches */
    assert_int_equal(fleet_node_of(f, component_id(COMPONENT_CABLE, last)), MW_NONE);
}

static void placement_groups_are_contiguous_and_share_their_leaves(void **state)
{
    const struct fleet *f = *state;

    assert_int_equal(f->groups, 3);
    for (uint32_t i = 0; i < 70; i++) {
        assert_int_equal(f->node_group[i], i / 32);
        assert_int_equal(f->group_nodes.item[i], i);
        uint32_t cable = f->nic_cable[f->node_nic_first[i] + 2];
        uint64_t leaf = f->cable_end[1][cable].component;
        char name[32];
        (void)snprintf(name, sizeof(name), "h01-r%02u-leaf2", i / 32 + 1);
        assert_string_equal(fleet_name(f, leaf), name);
    }
    assert_int_equal(f->group_nodes.first[3], 70);
}

/* Every list agrees with the column of parents it was made from. */
static void check_list(const struct fleet_list *l, const uint32_t *parent, uint32_t children)
{
    uint32_t seen = 0;

    for (uint32_t r = 0; r < l->rows; r++) {
        for (uint32_t i = l->first[r]; i < l->first[r + 1]; i++, seen++) {
            assert_int_equal(parent[l->item[i]], r);
            assert_true(i == l->first[r] || l->item[i - 1] < l->item[i]);
        }
    }
    for (uint32_t c = 0; c < children; c++)
        seen -= parent[c] != MW_NONE;
    assert_int_equal(seen, 0);
}

static void lists_agree_with_the_parents(void **state)
{
    const struct fleet *f = *state;
    const uint32_t *n = f->count;

    check_list(&f->rack_nodes, f->node_rack, n[COMPONENT_NODE]);
    check_list(&f->row_racks, f->rack_row, n[COMPONENT_RACK]);
    check_list(&f->hall_rows, f->row_hall, n[COMPONENT_ROW]);
    check_list(&f->breaker_pdus, f->pdu_breaker, n[COMPONENT_PDU]);
    check_list(&f->breaker_children, f->breaker_parent, n[COMPONENT_BREAKER]);
    for (uint32_t s = 0; s < n[COMPONENT_SWITCH]; s++) {
        for (uint32_t i = f->switch_cables.first[s]; i < f->switch_cables.first[s + 1]; i++) {
            uint32_t c = f->switch_cables.item[i];
            uint64_t id = component_id(COMPONENT_SWITCH, s);
            assert_true(f->cable_end[0][c].component == id || f->cable_end[1][c].component == id);
        }
    }
    for (uint32_t p = 0; p < n[COMPONENT_PDU]; p++) {
        for (uint32_t i = f->pdu_racks.first[p]; i < f->pdu_racks.first[p + 1]; i++) {
            uint32_t rack = f->pdu_racks.item[i];
            assert_true(f->rack_pdu[0][rack] == p || f->rack_pdu[1][rack] == p);
        }
    }
}

static void nameplate_power_adds_up(void **state)
{
    const struct fleet *f = *state;
    uint64_t net = fleet_find(f, "h01-r01-net"), rack = fleet_find(f, "h01-r01-k1");

    assert_int_equal(f->rack_power_w[component_index_of(rack)], 4 * 10200);
    assert_int_equal(f->rack_power_w[component_index_of(net)], 8 * 1720);
    assert_int_equal(f->node_power_w[0], 10200);
    assert_true(fleet_memory_bytes(f) > 10000);
    fleet_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_component_is_found_by_its_name),
        cmocka_unit_test(names_and_serials_out_of_range_are_empty),
        cmocka_unit_test(parts_of_a_node_lead_back_to_it),
        cmocka_unit_test(placement_groups_are_contiguous_and_share_their_leaves),
        cmocka_unit_test(lists_agree_with_the_parents),
        cmocka_unit_test(nameplate_power_adds_up),
    };

    return cmocka_run_group_tests_name("fleet", tests, set_up, tear_down);
}
