/* What ipmitool 1.8.19 printed of ipmi_sim and of boards. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "live/ipmi_text.h"

static struct ipmi_sensor sensor(const char *line)
{
    struct ipmi_sensor s;
    assert_int_equal(ipmi_sensor_read(line, strlen(line), &s), 0);
    return s;
}

static void a_line_of_sdr_is_a_sensor_with_its_unit_and_state(void **state)
{
    (void)state;
    struct ipmi_sensor s = sensor("MBTemp,45,degrees C,ok");
    assert_string_equal(s.name, "MBTemp");
    assert_int_equal(s.quantity, IPMI_TEMPERATURE_C);
    assert_int_equal(s.status, IPMI_FINE);
    assert_true(s.value == 45);
    s = sensor("NodePower,10200,Watts,cr");
    assert_int_equal(s.quantity, IPMI_POWER_W);
    assert_int_equal(s.status, IPMI_CRITICAL);
    assert_int_equal(sensor("FAN1,5600,RPM,nc").status, IPMI_NONCRITICAL);
}

static void a_sensor_without_a_reading_has_none(void **state)
{
    (void)state;
    struct ipmi_sensor s = sensor("P2-DIMMA1,,,ns");
    assert_true(isnan(s.value));
    assert_int_equal(s.status, IPMI_NO_READING);
    assert_true(isnan(sensor("FAN9,no reading,RPM,ok").value));
}

static void what_is_no_line_of_a_sensor_is_refused(void **state)
{
    static const char *const lines[] = { "", "SDRR successfully erased", "a,b", ",1,Watts,ok",
                                         "x,1,Watts,something" };
    struct ipmi_sensor s;
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(lines); i++)
        assert_int_equal(ipmi_sensor_read(lines[i], strlen(lines[i]), &s), MW_ESYNTAX);
}

static struct ipmi_event event(const char *line)
{
    struct ipmi_event e;
    assert_int_equal(ipmi_event_read(line, strlen(line), &e), 0);
    return e;
}

static void an_event_is_critical_when_its_threshold_or_part_is(void **state)
{
    (void)state;
    struct ipmi_event e = event("1f, Pre-Init ,0000049297,Temperature MBTemp,Upper Critical going "
                                "high,Asserted,Reading 85 > Threshold 80 degrees C");
    assert_int_equal(e.id, 0x1f);
    assert_true(e.asserted && e.critical);
    assert_string_equal(e.sensor, "Temperature MBTemp");
    assert_string_equal(e.text,
                        "Upper Critical going high, Reading 85 > Threshold 80 degrees C");
    assert_false(event("1, Pre-Init ,0000049297,Temperature MBTemp,Upper Non-critical going high,"
                       "Asserted,Reading 85 > Threshold 75 degrees C").critical);
    assert_false(event("2,11/22/2026,20:10:11,Temperature MBTemp,Upper Critical going high,"
                       "Deasserted").critical);
    assert_true(event("3,11/22/2026,20:10:11,Power Supply PSU1,Power Supply AC lost,Asserted")
                    .critical);
    assert_false(event("4,11/22/2026,20:10:11,Power Supply PSU1,Presence detected,Asserted")
                     .critical);
}

static void power_and_fields_are_read_from_the_text_around_them(void **state)
{
    static const char info[] = "SEL Information\nVersion          : 1.5\nEntries          : 2\n"
                               "Free Space       : 15968 bytes \n";
    char word[16];
    (void)state;
    assert_int_equal(ipmi_power_read("Chassis Power is on\n", 20), 1);
    assert_int_equal(ipmi_power_read("Chassis Power is off\n", 21), 0);
    assert_int_equal(ipmi_power_read("Error", 5), -1);
    assert_int_equal(ipmi_number_read(info, strlen(info), "Entries"), 2);
    assert_int_equal(ipmi_number_read(info, strlen(info), "Free Space"), 15968);
    assert_int_equal(ipmi_number_read(info, strlen(info), "Version"), -1);
    assert_true(ipmi_field_read(info, strlen(info), "Version", word, sizeof(word)));
    assert_string_equal(word, "1.5");
    assert_false(ipmi_field_read(info, strlen(info), "Serial", word, sizeof(word)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_sdr_is_a_sensor_with_its_unit_and_state),
        cmocka_unit_test(a_sensor_without_a_reading_has_none),
        cmocka_unit_test(what_is_no_line_of_a_sensor_is_refused),
        cmocka_unit_test(an_event_is_critical_when_its_threshold_or_part_is),
        cmocka_unit_test(power_and_fields_are_read_from_the_text_around_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
