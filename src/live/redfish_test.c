/* Redfish documents as a real GB300 tray has them, and what is not what it looks like. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "live/redfish.h"

struct seen {
    struct redfish_item item;
    uint32_t items, links, values, absent, resets;
    double value;
    char path[REDFISH_PATH_MAX];
};

static void take_item(void *ctx, const struct redfish_item *i)
{
    struct seen *s = ctx;
    s->item = *i; /* numbers and states only: the texts end with the call */
    s->items++;
    s->absent += i->state == REDFISH_ABSENT;
}

static void take_link(void *ctx, enum redfish_link what, const char *path)
{
    struct seen *s = ctx;
    (void)snprintf(s->path, sizeof(s->path), "%s", path);
    s->links++;
    assert_true(what < REDFISH_LINKS && path[0] == '/');
}

static void take_value(void *ctx, const char *path, double value)
{
    struct seen *s = ctx;
    (void)path;
    s->values++;
    s->value = value;
}

static void take_reset(void *ctx, const char *type)
{
    struct seen *s = ctx;
    assert_true(type[0] != '\0');
    s->resets++;
}

static struct redfish_doc read_text(const char *text, struct seen *s)
{
    const struct redfish_sink sink = { .ctx = s, .item = take_item, .link = take_link,
                                       .value = take_value, .reset = take_reset };
    struct redfish_doc doc;
    *s = (struct seen){ 0 };
    assert_int_equal(redfish_read(text, strlen(text), &sink, &doc, NULL), 0);
    return doc;
}

static void a_sensor_reads_with_the_limits_of_its_bmc(void **state)
{
    struct seen s;
    (void)state;
    struct redfish_doc doc = read_text(
        "{\"@odata.id\":\"/redfish/v1/Chassis/C/Sensors/L\",\"@odata.type\":\"#Sensor.v1_7\","
        "\"Id\":\"L\",\"Reading\":1.7265,\"ReadingType\":\"Voltage\",\"ReadingUnits\":\"V\","
        "\"Status\":{\"Health\":\"OK\",\"State\":\"Enabled\"},"
        "\"Thresholds\":{\"LowerCritical\":{\"Reading\":1.3},\"UpperCritical\":{\"Reading\":2.0}}}",
        &s);
    assert_int_equal(doc.kind, REDFISH_SENSOR);
    assert_int_equal(s.items, 1);
    assert_int_equal(s.item.quantity, REDFISH_VOLTAGE_V);
    assert_true(s.item.reading == 1.7265);
    assert_int_equal(redfish_beyond(&s.item, 1.7), 0);
    assert_int_equal(redfish_beyond(&s.item, 1.29), -1);
    assert_int_equal(redfish_beyond(&s.item, 2.01), 1);
    assert_int_equal(redfish_beyond(&s.item, NAN), 0);
}

static void what_is_no_reading_is_not_read_as_one(void **state)
{
    static const char *const readings[] = { "null", "4294967295.0", "18446744073709551615.0",
                                            "\"n/a\"" };
    struct seen s;
    char text[400];
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(readings); i++) {
        (void)snprintf(text, sizeof(text),
                       "{\"@odata.type\":\"#Sensor.v1_7_0.Sensor\",\"Reading\":%s,"
                       "\"Status\":{\"Health\":\"Critical\",\"State\":\"Absent\"}}", readings[i]);
        (void)read_text(text, &s);
        assert_true(isnan(s.item.reading));
        assert_int_equal(s.item.state, REDFISH_ABSENT);
    }
}

static void a_fans_speed_that_repeats_its_per_cent_is_no_speed(void **state)
{
    struct seen s;
    (void)state;
    (void)read_text("{\"@odata.type\":\"#Fan.v1_4_0.Fan\",\"Id\":\"F\","
                    "\"SpeedPercent\":{\"Reading\":40.0,\"SpeedRPM\":40.0}}", &s);
    assert_true(s.item.reading == 40 && isnan(s.item.rpm));
    (void)read_text("{\"@odata.type\":\"#Fan.v1_4_0.Fan\",\"Id\":\"F\","
                    "\"SpeedPercent\":{\"Reading\":40.0,\"SpeedRPM\":11702.0}}", &s);
    assert_true(s.item.rpm == 11702);
}

static void report(const char *property, const char *value, const char *rest, struct seen *s)
{
    char text[512];
    (void)snprintf(text, sizeof(text),
                   "{\"@odata.type\":\"#MetricReport.v1_4_2.MetricReport\",\"MetricValues\":[{"
                   "\"MetricProperty\":\"%s\",\"MetricValue\":\"%s\"%s}]}", property, value, rest);
    assert_int_equal(read_text(text, s).kind, REDFISH_REPORT);
    assert_int_equal(s->values, 1);
}

static void a_report_has_numbers_in_texts_and_says_when_they_are_stale(void **state)
{
    struct seen s;
    (void)state;
    report("/redfish/v1/Chassis/C/Sensors/T", "52.000000", "", &s);
    assert_true(s.value == 52);
    report("/redfish/v1/Chassis/C/Sensors/T", "52.0",
           ",\"Oem\":{\"Nvidia\":{\"MetricValueStale\":true}}", &s);
    assert_true(isnan(s.value));
    report("/redfish/v1/S/P#/TXWait", "4294967295", "", &s);
    assert_true(isnan(s.value));
    report("/redfish/v1/S/P#/Oem/Nvidia/EffectiveBER", "1.5e-254", "", &s);
    assert_true(s.value == 0);
    report("/redfish/v1/S/P#/Oem/Nvidia/EffectiveBER", "1.5e-14", "", &s);
    assert_true(s.value == 1.5e-14);
    report("/redfish/v1/S/P", "nan", "", &s);
    assert_true(isnan(s.value));
}

static void a_collection_names_its_members_or_brings_them(void **state)
{
    struct seen s;
    (void)state;
    struct redfish_doc doc = read_text(
        "{\"@odata.type\":\"#SensorCollection.SensorCollection\",\"Members@odata.count\":3,"
        "\"Members\":[{\"@odata.id\":\"/redfish/v1/a\"},"
        "{\"@odata.id\":\"/redfish/v1/b\",\"@odata.type\":\"#Sensor.v1_7_0.Sensor\"},{\"x\":1}],"
        "\"Members@odata.nextLink\":\"/redfish/v1/next?$skip=2\"}", &s);
    assert_int_equal(doc.kind, REDFISH_COLLECTION);
    assert_int_equal(doc.count, 3);
    assert_int_equal(doc.members, 2);
    assert_int_equal(doc.refused, 1);
    assert_int_equal(s.items, 1);
    assert_int_equal(s.links, 2);
    assert_string_equal(s.path, "/redfish/v1/next?$skip=2");
}

static void a_system_says_how_it_may_be_reset(void **state)
{
    struct seen s;
    (void)state;
    (void)read_text("{\"@odata.id\":\"/redfish/v1/Systems/S\","
                    "\"@odata.type\":\"#ComputerSystem.v1\","
                    "\"PowerState\":\"On\",\"Actions\":{\"#ComputerSystem.Reset\":{"
                    "\"target\":\"/redfish/v1/Systems/S/Actions/ComputerSystem.Reset\","
                    "\"ResetType@Redfish.AllowableValues\":[\"On\",\"PowerCycle\"]}}}", &s);
    assert_true(s.item.may_reset);
    assert_int_equal(s.item.power, REDFISH_POWER_ON);
    assert_int_equal(s.resets, 2);
    (void)read_text("{\"@odata.type\":\"#ActionInfo.v1_1_2.ActionInfo\",\"Parameters\":[{\"Name\":"
                    "\"ResetType\",\"AllowableValues\":[\"ForceOff\",\"On\",\"ForceRestart\"]}]}",
                    &s);
    assert_int_equal(s.resets, 3);
}

static void what_is_no_document_is_refused_with_a_reason(void **state)
{
    const struct redfish_sink sink = { 0 };
    struct redfish_doc doc;
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(redfish_read("<html>", 6, &sink, &doc, &err), MW_ESYNTAX);
    assert_non_null(strstr(err.text, "JSON"));
    assert_int_equal(redfish_read("[1]", 3, &sink, &doc, &err), MW_ESYNTAX);
    assert_int_equal(redfish_read("", 0, &sink, &doc, &err), MW_ESYNTAX);
}

static void a_property_of_a_resource_is_of_that_resource(void **state)
{
    (void)state;
    assert_true(redfish_same_resource("/a/b", "/a/b"));
    assert_true(redfish_same_resource("/a/b", "/a/b#/Reading"));
    assert_false(redfish_same_resource("/a/b", "/a/bc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sensor_reads_with_the_limits_of_its_bmc),
        cmocka_unit_test(what_is_no_reading_is_not_read_as_one),
        cmocka_unit_test(a_fans_speed_that_repeats_its_per_cent_is_no_speed),
        cmocka_unit_test(a_report_has_numbers_in_texts_and_says_when_they_are_stale),
        cmocka_unit_test(a_collection_names_its_members_or_brings_them),
        cmocka_unit_test(a_system_says_how_it_may_be_reset),
        cmocka_unit_test(what_is_no_document_is_refused_with_a_reason),
        cmocka_unit_test(a_property_of_a_resource_is_of_that_resource),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
