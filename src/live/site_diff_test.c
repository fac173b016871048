/* A site file beside what machines say of themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "fleet/site.h"
#include "live/site_diff.h"

static const char yaml[] =
    "site: t\nserials: [s.csv]\n"
    "models:\n  - {name: box, gpus: 2, nics: 2, power_w: 0}\n"
    "halls:\n  - {name: h}\nracks:\n  - {name: k, hall: h}\n"
    "nodes:\n  - {name: \"gpu[0000-0003]\", model: box, rack: k}\n"
    "switches:\n  - {name: \"leaf[000-001]\", tier: leaf, ports: 8, hall: h}\n"
    "  - {name: \"spine[000-001]\", tier: spine, ports: 8, hall: h}\n"
    "cables:\n"
    "  - {from: \"gpu[0000-0003]-nic0\", to: \"leaf000\"}\n"
    "  - {from: \"gpu[0000-0003]-nic1\", to: \"leaf001\"}\n"
    "  - {from: \"leaf[000-001]\", to: \"spine[000-001]\"}\n";
static const char csv[] = "component,serial\ngpu0000,SN0000\ngpu0000-gpu0,1650000000001\n"
                          "gpu0000-gpu1,1659999999999\ngpu0000-nic0,0xAB\n";

static int read_csv(void *ctx, const char *path, char **ret, size_t *size, struct mw_error *err)
{
    (void)ctx;
    (void)path;
    (void)err;
    *ret = mw_strdup(csv);
    *size = sizeof(csv) - 1;
    return *ret != NULL ? 0 : MW_ENOMEM;
}

static struct fleet *fleet(void)
{
    struct problems problems = { 0 };
    struct fleet *f = NULL;
    struct site_source s = { .yaml = yaml, .size = sizeof(yaml) - 1, .name = "t.yaml",
                             .read = read_csv };
    assert_int_equal(site_load(&s, &f, &problems, NULL), 0);
    return f;
}

static json_t *recorded(void)
{
    json_error_t why;
    json_t *all = json_load_file("tests/data/machines.json", 0, &why);
    assert_non_null(all);
    return all;
}

static void expect(const struct site_diff *d, uint32_t i, enum site_diff_kind kind, const char *at,
                   const char *file, const char *live)
{
    assert_true(i < d->rows);
    assert_string_equal(site_diff_code(d->row[i].kind), site_diff_code(kind));
    assert_string_equal(d->row[i].at, at);
    assert_string_equal(d->row[i].file, file);
    assert_string_equal(d->row[i].live, live);
}

static void every_difference_is_named_with_both_sides(void **state)
{
    struct fleet *f = fleet();
    json_t *all = recorded();
    struct site_diff d;
    (void)state;
    assert_int_equal(site_diff_init(&d, f, NULL), 0);
    for (size_t i = 0; i < json_array_size(all); i++)
        assert_int_equal(site_diff_machine(&d, json_array_get(all, i), "test", NULL), 0);
    assert_int_equal(site_diff_end(&d, NULL), 0);
    expect(&d, 0, DIFF_SERIAL, "gpu0000-gpu1", "1659999999999", "1650000000002");
    expect(&d, 1, DIFF_GPUS, "gpu0001", "2", "1");
    expect(&d, 2, DIFF_CABLE, "gpu0001-nic0", "leaf000:2", "leaf001:2");
    expect(&d, 3, DIFF_CABLE, "gpu0001-nic1", "leaf001:2", "leaf000:2");
    expect(&d, 4, DIFF_NICS, "gpu0002", "2", "1");
    expect(&d, 5, DIFF_NODE_EXTRA, "gpu0099", "", "an agent speaks");
    expect(&d, 6, DIFF_CABLE, "leaf001:5", "spine000:2", "spine001:2");
    expect(&d, 7, DIFF_NODE_MISSING, "gpu0003", "a node", "not heard");
    assert_int_equal(d.rows, 8);
    assert_int_equal(site_diff_total(&d), 8);
    assert_int_equal(d.serials, 3);
    site_diff_fini(&d);
    json_decref(all);
    fleet_destroy(f);
}

static void a_silent_machine_is_not_there(void **state)
{
    struct fleet *f = fleet();
    struct site_diff d;
    json_t *m = json_pack("{s:{s:s, s:s, s:b}, s:[]}", "machine", "name", "gpu0000", "state",
                          "silent", "agent", 1, "parts");
    (void)state;
    assert_int_equal(site_diff_init(&d, f, NULL), 0);
    assert_int_equal(site_diff_machine(&d, m, "test", NULL), 0);
    assert_int_equal(site_diff_end(&d, NULL), 0);
    assert_int_equal(d.count[DIFF_NODE_MISSING], 4);
    assert_int_equal(site_diff_total(&d), 4);
    site_diff_fini(&d);
    json_decref(m);
    fleet_destroy(f);
}

static void documents_that_are_none_name_their_field(void **state)
{
    struct fleet *f = fleet();
    struct site_diff d;
    struct mw_error err = { 0 };
    json_t *no_name = json_pack("{s:{}, s:[]}", "machine", "parts");
    json_t *no_parts = json_pack("{s:{s:s}}", "machine", "name", "gpu0000");
    (void)state;
    assert_int_equal(site_diff_init(&d, f, NULL), 0);
    assert_int_equal(site_diff_machine(&d, no_name, "file", &err), MW_EINVAL);
    assert_string_equal(err.text, "file: machine.name: must be a text");
    assert_int_equal(site_diff_machine(&d, no_parts, "file", &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "gpu0000: parts: must be a list"));
    site_diff_fini(&d);
    json_decref(no_name);
    json_decref(no_parts);
    fleet_destroy(f);
}

static void slurms_nodes_are_compared_as_well(void **state)
{
    struct fleet *f = fleet();
    struct site_diff d;
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(site_diff_init(&d, f, NULL), 0);
    assert_int_equal(site_diff_slurm(&d, "NodeName=gpu0000 Gres=gpu:h100:2 State=IDLE\n"
                                         "NodeName=gpu0001 Gres=gpu:h100:1 State=IDLE\n"
                                         "NodeName=gpu0002 Gres=gpu:h100:2 State=IDLE\n"
                                         "NodeName=other Gres=gpu:4 State=IDLE\n"
                                         "NodeName=login State=IDLE\n", "nodes", &err), 0);
    expect(&d, 0, DIFF_SLURM_GPUS, "gpu0001", "2 GPUs", "1 GPUs");
    expect(&d, 1, DIFF_SLURM_NODE, "other", "", "4 GPUs");
    expect(&d, 2, DIFF_SLURM_NODE, "gpu0003", "a node", "Slurm does not have it");
    assert_int_equal(d.rows, 3);
    assert_int_equal(site_diff_slurm(&d, "hello\n", "nodes", &err), MW_EINVAL);
    site_diff_fini(&d);
    fleet_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_difference_is_named_with_both_sides),
        cmocka_unit_test(a_silent_machine_is_not_there),
        cmocka_unit_test(documents_that_are_none_name_their_field),
        cmocka_unit_test(slurms_nodes_are_compared_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
