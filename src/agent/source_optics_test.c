/*
 * The source "optics" over dumps in a folder, and the bus against this machine's
 * kernel: an interface without a module says so, and does not hang.
 */
#include "agent/sources.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/module_bus.h"
#include "agent/places.h"
#include "live/eeprom_testing.h"

#define PARTS_MAX 32

struct rig {
    char folder[64];
    struct places places;
    struct source_env env;
    struct samples samples;
    struct source_out out;
    struct agent_frame part[PARTS_MAX];
    uint32_t parts;
    void *state;
    uint8_t bytes[EEPROM_DUMP_MAX];
    size_t size;
    struct mw_error err;
};

static void take_part(void *ctx, const struct agent_frame *f)
{
    struct rig *r = ctx;
    assert_true(r->parts < PARTS_MAX);
    r->part[r->parts++] = *f;
}

static void take_finding(void *ctx, const struct agent_frame *f)
{
    (void)ctx;
    fail_msg("a finding of its own: %s", f->text);
}

static void add_port(struct rig *r, const char *name, const char *net)
{
    struct place_port *p = &r->places.port[r->places.ports++];
    (void)snprintf(p->name, sizeof(p->name), "%s", name);
    (void)snprintf(p->net, sizeof(p->net), "%s", net);
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    char path[96];
    assert_non_null(r);
    (void)snprintf(r->folder, sizeof(r->folder), "/tmp/mw-optics-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    (void)snprintf(path, sizeof(path), "%s/eeprom", r->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(samples_init(&r->samples, 4096), 0);
    add_port(r, "eno1", "eno1"); /* RJ45 */
    add_port(r, "mlx5_0/1", "ib0");
    add_port(r, "mlx5_1/1", "");
    add_port(r, "mlx5_2/1", "ens2np0");
    r->env = (struct source_env){ .sysfs_root = r->folder, .proc_root = r->folder,
                                  .dev_root = r->folder, .places = &r->places };
    r->out = (struct source_out){ .samples = &r->samples, .part = take_part,
                                  .finding = take_finding, .ctx = r };
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    char path[128];
    if (r->state != NULL)
        source_optics.close(r->state);
    samples_fini(&r->samples);
    for (uint32_t i = 0; i < r->places.ports; i++) {
        (void)snprintf(path, sizeof(path), "%s/eeprom/%s.bin", r->folder, r->places.port[i].net);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof(path), "%s/eeprom", r->folder);
    (void)rmdir(path);
    (void)rmdir(r->folder);
    free(r);
    return 0;
}

/* What r->bytes holds lies in the cage of an interface; 0 bytes: the cage is empty. */
static void plug(struct rig *r, const char *net)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/eeprom/%s.bin", r->folder, net);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(r->bytes, 1, r->size, f), r->size);
    assert_int_equal(fclose(f), 0);
}

static int read_optics(struct rig *r)
{
    int rc = r->state == NULL ? source_optics.open(&r->env, &r->state, &r->err) : 0;
    r->parts = 0;
    return rc < 0 ? rc : source_optics.read(r->state, &r->env, 0, &r->out, &r->err);
}

static bool has(const struct rig *r, uint32_t metric, uint32_t instance)
{
    int64_t steps;
    return samples_get(&r->samples, metric, instance, &steps);
}

static void is(const struct rig *r, uint32_t metric, uint32_t instance, double want)
{
    int64_t steps;
    if (!samples_get(&r->samples, metric, instance, &steps))
        fail_msg("%s of %u has no value", metric_of(metric)->name, instance);
    double got = metric_real(metric_of(metric), steps);
    if (fabs(got - want) > metric_of(metric)->step * 0.51)
        fail_msg("%s of %u is %g, not %g", metric_of(metric)->name, instance, got, want);
}

static void a_module_is_read_by_port_and_lane(void **state)
{
    struct rig *r = *state;
    r->size = testing_osfp_2xdr4(r->bytes);
    plug(r, "ib0");
    assert_int_equal(read_optics(r), 0);
    is(r, M_OPTIC_PRESENT, 1, 1);
    is(r, M_OPTIC_TEMP_C, 1, 53);
    is(r, M_OPTIC_VCC_V, 1, 3.31);
    is(r, M_OPTIC_WARNINGS, 1, 0);
    is(r, M_OPTIC_RX_LOW_DBM, 1, -8);
    is(r, M_OPTIC_BIAS_HIGH_MA, 1, 120);
    is(r, M_LANE_TX_DBM, 16 + 2, 1.3);
    is(r, M_LANE_RX_DBM, 16 + 7, -1.9);
    is(r, M_LANE_BIAS_MA, 16 + 5, 65);
    is(r, M_LANE_SNR_DB, 16 + 3, 23);
    is(r, M_LANE_LOS, 16, 0);
    int64_t steps;
    assert_true(samples_get(&r->samples, M_LANE_BER, 16, &steps));
    assert_int_equal(steps, -160); /* 1e-8, in steps of a twentieth of a decade */
    assert_false(has(r, M_LANE_RX_DBM, 16 + 8)); /* it has eight lanes */
    assert_int_equal(r->parts, 1);
    assert_string_equal(r->part[0].scope, "lane");
    assert_int_equal(r->part[0].n, 16);
    assert_string_equal(r->part[0].name, "mlx5_0/1");
    assert_string_equal(r->part[0].model, "ACME OPTICS OSFP-800G-2DR4");
    assert_string_equal(r->part[0].serial, "OX800G0007");
    assert_string_equal(r->part[0].text, "OSFP CMIS lanes=8 optical");
    assert_false(has(r, M_OPTIC_PRESENT, 0)); /* a port without a cage is no empty cage */
}

static void two_modules_do_not_mix(void **state)
{
    struct rig *r = *state;
    r->size = testing_osfp_2xdr4(r->bytes);
    plug(r, "ib0");
    r->size = testing_qsfp28_sr4(r->bytes);
    plug(r, "ens2np0");
    assert_int_equal(read_optics(r), 0);
    assert_int_equal(r->parts, 2);
    is(r, M_LANE_RX_DBM, 3 * 16 + 3, -4);
    is(r, M_LANE_RX_DBM, 16 + 3, -1.1);
    assert_false(has(r, M_LANE_BER, 3 * 16));
}

static void a_module_that_fades_warns(void **state)
{
    struct rig *r = *state;
    r->size = testing_qsfp28_sr4(r->bytes);
    testing_u16(r->bytes, 34 + 2, testing_uw(-9)); /* under the warning, over the alarm */
    r->bytes[3] = 0x02;
    plug(r, "ib0");
    assert_int_equal(read_optics(r), 0);
    is(r, M_OPTIC_WARNINGS, 1, EEPROM_ON_RX);
    is(r, M_OPTIC_ALARMS, 1, 0);
    is(r, M_LANE_LOS, 16 + 1, 1);
    is(r, M_LANE_LOS, 16, 0);
}

static void a_pulled_module_takes_its_readings_and_its_part_with_it(void **state)
{
    struct rig *r = *state;
    r->size = testing_osfp_2xdr4(r->bytes);
    plug(r, "ib0");
    assert_int_equal(read_optics(r), 0);
    r->size = 0;
    plug(r, "ib0");
    assert_int_equal(read_optics(r), 0);
    is(r, M_OPTIC_PRESENT, 1, 0);
    assert_false(has(r, M_LANE_RX_DBM, 16));
    assert_false(has(r, M_OPTIC_TEMP_C, 1));
    assert_false(has(r, M_OPTIC_WARNINGS, 1));
    assert_int_equal(r->parts, 1);
    assert_true(r->part[0].gone);
    assert_int_equal(r->part[0].n, 16);
    assert_int_equal(read_optics(r), 0);
    assert_int_equal(r->parts, 0); /* said once */
}

static void copper_is_present_and_has_no_light(void **state)
{
    struct rig *r = *state;
    r->size = testing_osfp_copper(r->bytes);
    plug(r, "ib0");
    assert_int_equal(read_optics(r), 0);
    is(r, M_OPTIC_PRESENT, 1, 1);
    assert_false(has(r, M_LANE_TX_DBM, 16));
    assert_false(has(r, M_OPTIC_WARNINGS, 1));
    assert_string_equal(r->part[0].text, "OSFP CMIS lanes=8 copper");
}

static void ports_without_cages_are_no_source(void **state)
{
    struct rig *r = *state;
    assert_int_equal(read_optics(r), MW_ENOTFOUND);
    source_optics.close(r->state);
    r->state = NULL;
    r->places.ports = 0;
    assert_int_equal(read_optics(r), MW_ENOTFOUND);
}

/* The kernel of the machine that runs this: lo never has a module. */
static void an_interface_without_a_module_says_so(void **state)
{
    (void)state;
    struct module_bus bus;
    struct mw_error err = { .code = 0 };
    struct eeprom e;
    uint8_t page[EEPROM_PAGE];
    assert_int_equal(module_bus_open(&bus, &err), 0);
    int paged = module_bus_page(&bus, "lo", eeprom_place(EEPROM_LOWER), page, &err);
    assert_true(paged == MW_EVERSION || paged == MW_EDENIED);
    int flat = module_bus_flat(&bus, "lo", &e, &err);
    assert_true(flat == MW_EVERSION || flat == MW_EDENIED);
    assert_int_equal(module_bus_page(&bus, "no-such-if", eeprom_place(EEPROM_LOWER), page, &err),
                     bus.netlink < 0      ? MW_EVERSION
                     : paged == MW_EDENIED ? MW_EDENIED
                                           : MW_ENOTFOUND);
    assert_int_equal(module_bus_page(&bus, "a-name-of-more-than-fifteen",
                                     eeprom_place(EEPROM_LOWER), page, &err),
                     bus.netlink < 0 ? MW_EVERSION : MW_EINVAL);
    module_bus_close(&bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_module_is_read_by_port_and_lane),
        T(two_modules_do_not_mix),
        T(a_module_that_fades_warns),
        T(a_pulled_module_takes_its_readings_and_its_part_with_it),
        T(copper_is_present_and_has_no_light),
        T(ports_without_cages_are_no_source),
#undef T
        cmocka_unit_test(an_interface_without_a_module_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
