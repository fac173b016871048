/* A fabric into a site file and back: exactly the same cables, in few lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "fleet/site.h"
#include "live/fabric_testing.h"
#include "live/import_fabric.h"

/* Writes the file, reads it, compares the cables; gives the file's lines of cables. */
static uint32_t round_trip(const struct fabric *f, struct text *yaml)
{
    struct import_site site = { .models = 0 };
    struct import_fabric_options o = { .source = "test", .gpus = MW_NONE };
    struct problems problems = { 0 };
    struct fleet *fleet = NULL;
    struct mw_error err = { 0 };
    if (import_fabric(f, &o, &site, &err) != 0 || import_site_write(&site, NULL, yaml, &err) != 0)
        fail_msg("%s", err.text);
    struct site_source s = { .yaml = text_string(yaml), .size = yaml->length, .name = "site" };
    if (site_load(&s, &fleet, &problems, &err) != 0)
        fail_msg("%s\n%s", problems.length > 0 ? problems.item[0].text : err.text,
                 text_string(yaml));
    char *found = fabric_cables_text(f), *file = fleet_cables_text(fleet);
    assert_string_equal(file, found);
    mw_free(found);
    mw_free(file);
    problems_fini(&problems);
    fleet_destroy(fleet);
    import_site_fini(&site);
    uint32_t lines = 0;
    for (const char *at = strstr(text_string(yaml), "\ncables:"); at != NULL;
         at = strchr(at + 1, '\n'))
        lines++;
    return lines;
}

static void a_fabric_of_1024_adapters_is_a_file_that_a_person_can_read(void **state)
{
    struct tree t = { .hosts = 128, .rails = 8, .leaves = 32, .spines = 16, .ports = 64,
                      .links = 2 };
    struct fabric f = { .nodes = 0 };
    struct text yaml = { 0 };
    (void)state;
    fabric_tree(&t, &f);
    assert_int_equal(fabric_links(&f), 2048);
    assert_in_range(round_trip(&f, &yaml), 1, 40);
    assert_non_null(strstr(text_string(&yaml),
                           "{from: \"leaf[00-31]\", to: \"spine[00-15]\", links: 2}"));
    text_fini(&yaml);
    fabric_fini(&f);
}

static void free_ports_before_the_uplinks_do_not_make_the_file_long(void **state)
{
    struct tree t = { .hosts = 64, .rails = 4, .leaves = 8, .spines = 4, .ports = 64, .links = 4,
                      .spare = 8 };
    struct fabric f = { .nodes = 0 };
    struct text yaml = { 0 };
    (void)state;
    fabric_tree(&t, &f);
    assert_in_range(round_trip(&f, &yaml), 1, 12);
    assert_non_null(strstr(text_string(&yaml), "leaf[00-07]:41.."));
    text_fini(&yaml);
    fabric_fini(&f);
}

static void uplinks_that_go_round_the_spines_twice_are_exact(void **state)
{
    struct tree t = { .hosts = 32, .rails = 2, .leaves = 4, .spines = 4, .ports = 40, .links = 3,
                      .interleave = true };
    struct fabric f = { .nodes = 0 };
    struct text yaml = { 0 };
    (void)state;
    fabric_tree(&t, &f);
    assert_in_range(round_trip(&f, &yaml), 1, 20);
    text_fini(&yaml);
    fabric_fini(&f);
}

/* Pulls plugs and puts cables into random free ports: whatever it is, the file says just that. */
static void any_wiring_comes_back_exactly(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct tree t = { .hosts = 12, .rails = 2, .leaves = 4, .spines = 3, .ports = 24,
                          .links = 2, .spare = (uint32_t)(seed % 3), .interleave = seed % 2 == 0 };
        struct fabric f = { .nodes = 0 };
        struct text yaml = { 0 };
        uint64_t draw = mw_mix64(seed);
        fabric_tree(&t, &f);
        for (int i = 0; i < 12; i++) {
            uint32_t a = (uint32_t)(draw % f.ports);
            draw = mw_mix64(draw + 1);
            uint32_t b = (uint32_t)(draw % f.ports);
            draw = mw_mix64(draw + 1);
            const struct fabric_node *x = &f.node[f.port[a].node], *y = &f.node[f.port[b].node];
            if (x == y || (x->kind == FABRIC_CA && y->kind == FABRIC_CA))
                continue;
            fabric_plug(&f, x->name, f.port[a].number, y->name, f.port[b].number);
        }
        (void)round_trip(&f, &yaml);
        text_fini(&yaml);
        fabric_fini(&f);
    }
}

static void managed_switches_management_hosts_and_aggregation_nodes_are_what_they_are(void **state)
{
    struct tree t = { .hosts = 8, .rails = 2, .leaves = 4, .spines = 2, .ports = 24, .links = 1 };
    struct fabric f = { .nodes = 0 };
    struct text yaml = { 0 };
    struct fabric_node sm = { .kind = FABRIC_CA, .ports = 1, .guid = 77, .name = "ufm1 mlx5_0" };
    struct fabric_node sharp = { .kind = FABRIC_CA, .ports = 1, .guid = 78,
                                 .name = "Mellanox Technologies Aggregation Node" };
    uint32_t row;
    (void)state;
    fabric_tree(&t, &f);
    memcpy(f.node[fabric_node_named(&f, "leaf00")].name, "MF0;su1-leaf1:MQM9700/U1", 25);
    memcpy(f.node[fabric_node_named(&f, "leaf01")].name, "Quantum Mellanox Technologies", 30);
    assert_int_equal(fabric_add(&f, &sm, &row, NULL), 0);
    fabric_plug(&f, "ufm1 mlx5_0", 1, "spine00", 20);
    assert_int_equal(fabric_add(&f, &sharp, &row, NULL), 0);
    fabric_plug(&f, sharp.name, 1, "spine01", 24);
    struct import_site site = { .models = 0 };
    struct import_fabric_options o = { .source = "test", .gpus = 8 };
    assert_int_equal(import_fabric(&f, &o, &site, NULL), 0);
    assert_int_equal(import_site_write(&site, "serials.csv", &yaml, NULL), 0);
    const char *text = text_string(&yaml);
    assert_non_null(strstr(text, "\"su1-leaf1\", tier: leaf"));
    assert_non_null(strstr(text, "switch-0000000000001001"));
    assert_non_null(strstr(text, "\"spine[00-01]\", tier: spine"));
    assert_non_null(strstr(text, "# spine00 is taken for no leaf, though 1 host is on it"));
    assert_non_null(strstr(text, "serials: [\"serials.csv\"]"));
    assert_null(strstr(text, "Aggregation"));
    assert_int_equal(site.serials, 6 + 16 + 1);
    import_site_fini(&site);
    text_fini(&yaml);
    fabric_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fabric_of_1024_adapters_is_a_file_that_a_person_can_read),
        cmocka_unit_test(free_ports_before_the_uplinks_do_not_make_the_file_long),
        cmocka_unit_test(uplinks_that_go_round_the_spines_twice_are_exact),
        cmocka_unit_test(any_wiring_comes_back_exactly),
        cmocka_unit_test(
            managed_switches_management_hosts_and_aggregation_nodes_are_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
