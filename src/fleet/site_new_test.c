#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fleet/site.h"

static struct fleet *make(const char *shape, uint32_t gpus)
{
    struct problems problems = {0};
    struct mw_error err = {0};
    struct text yaml = {0};
    struct fleet *f = NULL;

    assert_int_equal(site_new(shape, gpus, &yaml, &err), 0);
    struct site_source source = {.yaml = yaml.data, .size = yaml.length, .name = "new.yaml"};
    if (site_load(&source, &f, &problems, &err) != 0) {
        for (uint32_t i = 0; i < problems.length; i++)
            print_error("%s %u: %u: %s\n", shape, gpus, problems.item[i].line,
                        problems.item[i].text);
        fail_msg("%s", err.text);
    }
    assert_int_equal(problems.total, 0);
    problems_fini(&problems);
    text_fini(&yaml);
    return f;
}

/* Every NIC is plugged into a leaf, every leaf has as many links up as its shape says. */
static void check_fabric(const struct fleet *f, uint32_t uplinks)
{
    for (uint32_t i = 0; i < f->count[COMPONENT_NIC]; i++) {
        assert_int_not_equal(f->nic_cable[i], MW_NONE);
        uint64_t id = f->cable_end[1][f->nic_cable[i]].component;
        assert_int_equal(component_kind_of(id), COMPONENT_SWITCH);
        assert_int_equal(f->switch_tier[component_index_of(id)], SWITCH_LEAF);
    }
    for (uint32_t s = 0; s < f->count[COMPONENT_SWITCH]; s++) {
        uint32_t up = 0;

        for (uint32_t i = f->switch_cables.first[s]; i < f->switch_cables.first[s + 1]; i++)
            up += f->cable_node[f->switch_cables.item[i]] == MW_NONE;
        if (f->switch_tier[s] == SWITCH_LEAF)
            assert_int_equal(up, uplinks);
        else
            assert_true(up > 0);
    }
    assert_int_equal(f->count[COMPONENT_OPTIC], 2 * f->count[COMPONENT_CABLE]);
}

static void generated_sites_load_without_a_problem(void **state)
{
    static const struct {
        const char *shape;
        uint32_t gpus, gpus_made, nodes, groups, uplinks;
    } sites[] = {
        {"hgx-h100", 8, 8, 1, 1, 0},          {"hgx-h100", 9, 16, 2, 1, 0},
        {"hgx-h100", 64, 64, 8, 1, 0},        {"hgx-h100", 72, 72, 9, 1, 32},
        {"hgx-h100", 1024, 1024, 128, 4, 32}, {"hgx-h100", 2048, 2048, 256, 8, 32},
        {"hgx-h100", 3200, 3200, 400, 13, 32}, {"hgx-h100", 16384, 16384, 2048, 64, 32},
        {"hgx-h100", 16392, 16392, 2049, 65, 32},
        {"gb200-nvl72", 8, 72, 18, 1, 0},     {"gb200-nvl72", 145, 216, 54, 3, 72},
        {"gb200-nvl72", 4608, 4608, 1152, 64, 72},
        {"gb200-nvl72", 41544, 41544, 10386, 577, 72},
    };

    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(sites); i++) {
        struct fleet *f = make(sites[i].shape, sites[i].gpus);

        assert_int_equal(f->gpus_total, sites[i].gpus_made);
        assert_int_equal(site_new_gpus(sites[i].shape, sites[i].gpus), sites[i].gpus_made);
        assert_int_equal(f->count[COMPONENT_NODE], sites[i].nodes);
        assert_int_equal(f->groups, sites[i].groups);
        check_fabric(f, sites[i].uplinks);
        fleet_destroy(f);
    }
}

static void a_mixed_site_has_both_shapes(void **state)
{
    struct fleet *f = make("mixed", 4608);
    uint32_t trays = 0;

    (void)state;
    for (uint32_t i = 0; i < f->count[COMPONENT_NODE]; i++)
        trays += strcmp(f->text.pool + f->node_model[i], "gb200-tray") == 0;
    assert_int_equal(trays, 32 * 18);
    assert_int_equal(f->count[COMPONENT_NODE], 32 * 18 + 288);
    fleet_destroy(f);
}

static void a_quarter_million_gpus_have_a_million_optics(void **state)
{
    struct fleet *f = make("hgx-h100", 250000);

    (void)state;
    assert_int_equal(f->count[COMPONENT_NODE], 31250);
    assert_true(f->count[COMPONENT_OPTIC] >= 1000000);
    assert_true(fleet_memory_bytes(f) < (uint64_t)512 << 20);
    check_fabric(f, 32);
    fleet_destroy(f);
    fleet_destroy(make("hgx-h100", SITE_NEW_GPUS_MAX));
    fleet_destroy(make("gb200-nvl72", 250000));
}

static void the_same_order_gives_the_same_bytes_and_hash(void **state)
{
    struct fleet *a = make("hgx-h100", 512), *b = make("hgx-h100", 512);
    struct fleet *c = make("hgx-h100", 520);

    (void)state;
    assert_memory_equal(a->site_sha256, b->site_sha256, MW_SHA256_SIZE);
    assert_memory_not_equal(a->site_sha256, c->site_sha256, MW_SHA256_SIZE);
    fleet_destroy(a);
    fleet_destroy(b);
    fleet_destroy(c);
}

static void what_cannot_be_made_is_refused(void **state)
{
    struct mw_error err = {0};
    struct text yaml = {0};
    struct fleet *f = NULL;

    (void)state;
    assert_int_equal(site_new("tpu", 8, &yaml, &err), MW_EINVAL);
    assert_string_equal(err.text, "no shape 'tpu': there are hgx-h100, gb200-nvl72 and mixed");
    assert_int_equal(site_new("mixed", 0, &yaml, &err), MW_EINVAL);
    assert_int_equal(site_new("mixed", SITE_NEW_GPUS_MAX + 1, &yaml, &err), MW_EINVAL);
    assert_string_equal(err.text, "a new site may have 1 to 262144 GPUs, not 262145");
    assert_int_equal(site_simple(SITE_NEW_GPUS_MAX / 8 + 1, &f, &err), MW_ELIMIT);
    assert_null(f);
    text_fini(&yaml);
}

/* Groups of a block meet at a leaf, groups of a pod at a spine. */
static void groups_that_share_leaves_are_a_block_and_those_that_share_spines_a_pod(void **state)
{
    static const struct {
        const char *shape;
        uint32_t gpus, blocks, pods;
    } sites[] = {
        {"hgx-h100", 8, 1, 1},           /* one node */
        {"hgx-h100", 64 * 256, 64, 1},   /* 64 rows, spines of the whole site */
        {"hgx-h100", 65 * 256, 65, 3},   /* past that, spines of a hall: 32 + 32 + 1 rows */
        {"gb200-nvl72", 72 * 8, 2, 1},   /* a row of eight racks, four on each half of its leaves */
        {"gb200-nvl72", 100000, 348, 5} /* 1,389 racks in fours, halls of 36 rows */
    };

    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(sites); i++) {
        struct fleet *f = make(sites[i].shape, sites[i].gpus);
        assert_int_equal(f->blocks, sites[i].blocks);
        assert_int_equal(f->pods, sites[i].pods);
        assert_int_equal(f->block_groups.first[f->blocks], f->groups);
        assert_int_equal(f->pod_groups.first[f->pods], f->groups);
        for (uint32_t n = 0; n < f->count[COMPONENT_NODE]; n++)
            if (f->pods > 1) /* only then a hall has spines of its own */
                assert_int_equal(f->group_pod[f->node_group[n]], f->node_hall[n]);
        fleet_destroy(f);
    }
}

/* Each allocation fails in turn: the caller hears of it and nothing leaks. */
static void out_of_memory_anywhere_is_reported(void **state)
{
    struct fleet *f = NULL;
    int failed = 0;

    (void)state;
    for (int64_t k = 0; f == NULL && k < 10000; k++) {
        mw_mem_fail_after(k);
        int rc = site_simple(9, &f, NULL);
        mw_mem_fail_after(-1);
        failed += rc != 0;
        assert_true((rc == 0) == (f != NULL));
    }
    assert_non_null(f);
    assert_true(failed > 50);
    fleet_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_sites_load_without_a_problem),
        cmocka_unit_test(a_mixed_site_has_both_shapes),
        cmocka_unit_test(a_quarter_million_gpus_have_a_million_optics),
        cmocka_unit_test(the_same_order_gives_the_same_bytes_and_hash),
        cmocka_unit_test(what_cannot_be_made_is_refused),
        cmocka_unit_test(groups_that_share_leaves_are_a_block_and_those_that_share_spines_a_pod),
        cmocka_unit_test(out_of_memory_anywhere_is_reported),
    };

    return cmocka_run_group_tests_name("site_new", tests, NULL, NULL);
}
