/* The table of resources against the API's own, and JSON written as YAML. */
#include "cli/resources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/resource.h"
#include "cli/wait_words.h"
#include "cli/yaml_out.h"

static void every_word_names_a_resource_and_every_list_of_the_api_can_be_got(void **state)
{
    const char *at = RESOURCE_CHOICES, *choice;
    size_t n;
    (void)state;
    while ((n = command_choice_next(&at, &choice)) > 0) {
        char word[32];
        (void)snprintf(word, sizeof(word), "%.*s", (int)n, choice);
        const struct resource *r = resource_find(word);
        assert_non_null(r);
        assert_true(command_choice_has(RESOURCE_CHOICES, r->name));
    }
    for (const struct api_resource *r = api_resources; r->name != NULL; r++)
        if (resource_find(r->name) == NULL)
            fail_msg("mw get does not know %s", r->name);
}

static void keys_and_columns_are_fields_of_the_api(void **state)
{
    (void)state;
    for (const struct api_resource *a = api_resources; a->name != NULL; a++) {
        const struct resource *r = resource_find(a->name);
        struct resource_columns c;
        struct mw_error err = { 0 };
        assert_non_null(r);
        if (api_field_find(a, r->key, strlen(r->key)) == NULL)
            fail_msg("%s have no field %s", r->name, r->key);
        if (resource_columns(r, NULL, &c, &err) < 0)
            fail_msg("%s", err.text);
        assert_true(c.count > 0);
    }
}

static void shows(uint8_t type, json_t *value, const char *words)
{
    struct resource_column c = { .key = "k", .type = type };
    json_t *row = json_pack("{s:o}", "k", value);
    struct text t = { 0 };
    resource_text(&t, &c, row);
    assert_string_equal(text_string(&t), words);
    text_fini(&t);
    json_decref(row);
}

static void spares_are_shown_in_units_that_the_heading_names(void **state)
{
    static const char *const want[][2] = { { "RATE (1,000 NODE-DAYS)", "2.280" },
                                           { "EXPECTED OUT (NODES)", "3.75" } };
    json_t *row = json_pack("{s:i, s:i}", "rate_per_1e9_node_hours", 95000, "expected_ppm",
                            3750000);
    struct resource_columns c;
    (void)state;
    assert_int_equal(resource_columns(resource_find("spares"),
                                      "rate_per_1e9_node_hours,expected_ppm", &c, NULL), 0);
    for (uint32_t i = 0; i < c.count; i++) {
        struct text t = { 0 };
        resource_text(&t, &c.column[i], row);
        assert_string_equal(c.column[i].title, want[i][0]);
        assert_string_equal(text_string(&t), want[i][1]);
        text_fini(&t);
    }
    json_decref(row);
}

static int waits(const char *resource, const char *filter, const char *words)
{
    struct mw_error err = { 0 };
    int rc = wait_words_check(resource_find(resource), filter, &err);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, err.text);
    return rc;
}

static void a_state_that_there_is_not_is_not_waited_for(void **state)
{
    (void)state;
    assert_int_equal(waits("nodes", "health=ready", ""), 0);
    assert_int_equal(waits("nodes", "state in (idle, spare) and job=null or health!=down", ""), 0);
    assert_int_equal(waits("jobs", "state=running or state=cancelled or state=null", ""), 0);
    assert_int_equal(waits("nodes", "health~\"r*\" and hall=bogus", ""), 0);
    assert_int_equal(waits("nodes", "healht=ready", ""), 0); /* the daemon says where */
    assert_int_equal(waits("nodes", "gpus=8 and health in (ready, repairin)",
                           "(did you mean \"repairing\"?)"), MW_EINVAL);
    assert_int_equal(waits("nodes", "state=bogus", "one of unknown, idle, busy,"), MW_EINVAL);
    assert_int_equal(waits("jobs", "state=bogus",
                           "one of queued, placed, running, stopping, done, failed, cancelled, "
                           "ended"), MW_EINVAL);
}

static void figures_are_shown_with_their_units(void **state)
{
    (void)state;
    shows(FIELD_UUSD, json_integer(1234560000), "$1,234.56");
    shows(FIELD_MS, json_integer(90000), "1.50 min");
    shows(FIELD_PPM, json_integer(987654), "98.77 %");
    shows(FIELD_WATTS, json_integer(10200), "10.2 kW");
    shows(FIELD_INT, json_integer(42), "42");
    shows(FIELD_BOOL, json_true(), "yes");
    shows(FIELD_JSON, json_pack("[i,i]", 1, 2), "1,2");
    shows(FIELD_JSON, json_pack("{s:i}", "job", 5), "{\"job\":5}");
    shows(FIELD_TEXT, json_null(), "-");
}

static void becomes(const char *json, const char *yaml)
{
    json_t *v = json_loads(json, 0, NULL);
    struct mw_error err = { 0 };
    char *data = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&data, &size);
    assert_non_null(f);
    assert_int_equal(yaml_out(f, v, &err), 0);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(data, yaml);
    free(data);
    json_decref(v);
}

static void a_document_as_yaml_says_the_same(void **state)
{
    (void)state;
    becomes("{\"a\":[{\"b\":1,\"c\":null},[]],\"d\":{},\"e\":true}",
            "a:\n- b: 1\n  c: null\n- []\nd: {}\ne: true\n");
    becomes("{\"time\":\"2024-01-02T00:00:00.000Z\",\"class\":\"dead\"}",
            "time: \"2024-01-02T00:00:00.000Z\"\nclass: dead\n");
    becomes("{\"n\":\"12\",\"t\":\"true\",\"z\":\"\",\"s\":\"a: b\",\"l\":\"x\\ny\"}",
            "\"n\": \"12\"\nt: \"true\"\nz: \"\"\ns: 'a: b'\nl: |-\n  x\n  y\n");
}

static void what_is_nested_too_deeply_is_refused(void **state)
{
    char json[2 * 70 + 1];
    struct mw_error err = { 0 };
    FILE *f = fopen("/dev/null", "w");
    (void)state;
    memset(json, '[', 70);
    memset(json + 70, ']', 70);
    json[140] = '\0';
    json_t *v = json_loads(json, 0, NULL);
    assert_non_null(v);
    assert_non_null(f);
    assert_int_equal(yaml_out(f, v, &err), MW_ELIMIT);
    assert_int_equal(fclose(f), 0);
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_names_a_resource_and_every_list_of_the_api_can_be_got),
        cmocka_unit_test(keys_and_columns_are_fields_of_the_api),
        cmocka_unit_test(spares_are_shown_in_units_that_the_heading_names),
        cmocka_unit_test(a_state_that_there_is_not_is_not_waited_for),
        cmocka_unit_test(figures_are_shown_with_their_units),
        cmocka_unit_test(a_document_as_yaml_says_the_same),
        cmocka_unit_test(what_is_nested_too_deeply_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
