/* The maps of data/oids read, and the arithmetic of their lines. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "live/snmp_map.h"
#include "signal/metric.h"

static struct snmp_map read_map(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    struct snmp_map m = { 0 };
    struct mw_error err = { 0 };
    assert_int_equal(mw_read_file(path, SNMP_MAP_BYTES_MAX, false, &text, &size, &err), 0);
    if (snmp_map_read(text, size, path, &m, &err) < 0)
        fail_msg("%s", err.text);
    mw_free(text);
    return m;
}

static struct snmp_oid oid(const char *text)
{
    struct snmp_oid o;
    assert_int_equal(snmp_oid_read(text, &o), 0);
    return o;
}

static void every_map_of_ours_can_be_read(void **state)
{
    static const char *const paths[] = { "data/oids/apc-rpdu2.csv", "data/oids/raritan-pdu2.csv",
                                         "data/oids/cdu-itg.csv" };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(paths); i++) {
        struct snmp_map m = read_map(paths[i]);
        assert_true(m.rows >= 8);
        snmp_map_fini(&m);
    }
}

static void hundredths_of_a_kilowatt_become_watts(void **state)
{
    (void)state;
    struct snmp_map m = read_map("data/oids/apc-rpdu2.csv");
    const struct snmp_oid phase = oid("1.3.6.1.4.1.318.1.1.26.6.3.1.7.2");
    struct snmp_oid instance;
    for (uint32_t i = 0; i < m.rows; i++)
        if (snmp_row_instance(&m.row[i], &phase, &instance)) {
            assert_int_equal(instance.length, 1);
            assert_int_equal(instance.id[0], 2);
            assert_int_equal(m.row[i].metric, M_OUTLET_POWER_W);
            assert_true(snmp_row_value(&m.row[i], 512, 0) == 5120);
        }
    snmp_map_fini(&m);
}

static void a_type_at_the_end_of_an_instance_chooses_the_line(void **state)
{
    (void)state;
    struct snmp_map m = read_map("data/oids/raritan-pdu2.csv");
    const struct snmp_oid power = oid("1.3.6.1.4.1.13742.6.5.4.3.1.4.1.7.5");
    struct snmp_oid instance;
    uint32_t matches = 0;
    for (uint32_t i = 0; i < m.rows; i++)
        if (snmp_row_instance(&m.row[i], &power, &instance)) {
            matches++;
            assert_int_equal(m.row[i].metric, M_OUTLET_POWER_W);
            assert_int_equal(instance.length, 2);
            assert_int_equal(instance.id[1], 7);
            assert_true(fabs(snmp_row_value(&m.row[i], 12345, 1) - 1234.5) < 1e-9);
        }
    assert_int_equal(matches, 1);
    snmp_map_fini(&m);
}

static void a_state_is_one_number_of_many(void **state)
{
    const struct snmp_row r = { .on = 2, .factor = 1 };
    (void)state;
    assert_true(snmp_row_value(&r, 2, 0) == 1);
    assert_true(snmp_row_value(&r, 1, 0) == 0);
    assert_true(isnan(snmp_row_value(&r, NAN, 0)));
}

static void a_number_is_read_out_of_a_text(void **state)
{
    (void)state;
    assert_true(snmp_text_number("23.5", 4) == 23.5);
    assert_true(snmp_text_number("  -4 C", 6) == -4);
    assert_true(isnan(snmp_text_number("n/a", 3)));
    assert_true(isnan(snmp_text_number("", 0)));
}

static void a_wrong_line_is_named_with_its_number(void **state)
{
    static const char *const wrong[] = {
        "1.3.6,,outlet_power_w,1,,,,outlet", "1..3,,outlet_power_w,1,,,,outlet,x",
        "1.3,,no_such_metric,1,,,,outlet,x", "1.3,,outlet_power_w,0,,,,outlet,x",
        "1.3,,outlet_power_w,1,,,,,x",       "1.3,,gpu_power_w,1,,,,gpu,x",
        "1.3,-2,outlet_power_w,1,,,,o,x",    "# nothing else",
    };
    struct snmp_map m;
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        struct mw_error err = { 0 };
        assert_int_equal(snmp_map_read(wrong[i], strlen(wrong[i]), "m.csv", &m, &err), MW_ESYNTAX);
        assert_non_null(strstr(err.text, "m.csv"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_map_of_ours_can_be_read),
        cmocka_unit_test(hundredths_of_a_kilowatt_become_watts),
        cmocka_unit_test(a_type_at_the_end_of_an_instance_chooses_the_line),
        cmocka_unit_test(a_state_is_one_number_of_many),
        cmocka_unit_test(a_number_is_read_out_of_a_text),
        cmocka_unit_test(a_wrong_line_is_named_with_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
