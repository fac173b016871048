/* Commands as JSON: what is taken, and that each slip is named. */
#include "api/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/routes.h"
#include "base/mem.h"
#include "base/text.h"

static int reads(const char *json, struct api_command *ret, struct mw_error *err)
{
    *err = (struct mw_error){ 0 };
    return api_command_read(json, strlen(json), ret, err);
}

static void refused(const char *json, int code, const char *words)
{
    struct api_command c = { 0 };
    struct mw_error err;
    assert_int_equal(reads(json, &c, &err), code);
    if (strstr(err.text, words) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", json, err.text, words);
}

static void every_verb_is_taken_with_the_keys_it_needs(void **state)
{
    (void)state;
    for (uint32_t v = 0; v < API_VERB_COUNT; v++) {
        const struct api_verb_info *i = api_verb_info(v);
        bool target = (i->keys & API_NEEDS_TARGET) == API_NEEDS_TARGET;
        char json[512];
        struct api_command c;
        struct mw_error err;
        (void)snprintf(json, sizeof(json), "{\"verb\":\"%s\"%s%s%s%s%s%s}", i->word,
                       i->keys & API_NODE && !target ? ",\"node\":\"n1\"" : "",
                       i->keys & API_REF ? ",\"ref\":7" : "",
                       i->keys & API_MODE ? ",\"mode\":\"act\"" : "",
                       i->keys & API_JOB ? ",\"job\":12" : "",
                       i->keys & API_LENGTH ? ",\"length_s\":60" : "",
                       i->keys & API_REASON ? ",\"reason\":\"why not\"" : "");
        if (reads(json, &c, &err) != 0)
            fail_msg("%s: %s", json, err.text);
        assert_true(c.verb == v && c.ref == (i->keys & API_REF ? 7 : 0));
        assert_true(c.job == (i->keys & API_JOB ? 12 : 0));
        assert_string_equal(c.reason, i->keys & API_REASON ? "why not" : "");
        assert_int_equal(c.mode, i->keys & API_MODE ? MODE_ACT : 0);
    }
}

static void a_key_that_a_verb_needs_is_asked_for(void **state)
{
    (void)state;
    refused("{\"verb\":\"hold\",\"reason\":\"x\"}", MW_EINVAL, "\"node\": hold needs it");
    refused("{\"verb\":\"hold\",\"node\":\"n1\"}", MW_EINVAL, "\"reason\": hold needs it");
    refused("{\"verb\":\"set-mode\",\"reason\":\"x\"}", MW_EINVAL, "\"mode\"");
    refused("{\"verb\":\"approve\",\"reason\":\"x\"}", MW_EINVAL, "\"ref\"");
    refused("{\"verb\":\"order-done\"}", MW_EINVAL, "either");
    refused("{\"verb\":\"order-done\",\"ref\":1,\"node\":\"n1\"}", MW_EINVAL, "either");
    refused("{\"verb\":\"reserve\",\"node\":\"n1\",\"reason\":\"x\"}", MW_EINVAL, "\"length_s\"");
    refused("{}", MW_EINVAL, "must be one of set-mode");
}

static void what_is_not_asked_for_is_refused(void **state)
{
    (void)state;
    refused("{\"verb\":\"hold\",\"node\":\"n1\",\"reason\":\"x\",\"mode\":\"act\"}", MW_EINVAL,
            "hold does not take it");
    refused("{\"verb\":\"hold\",\"node\":\"n1\",\"reason\":\"x\",\"nodes\":\"n2\"}", MW_EINVAL,
            "there is no such key");
    refused("{\"verb\":\"Hold\",\"node\":\"n1\",\"reason\":\"x\"}", MW_EINVAL, "\"verb\"");
}

static void a_value_of_the_wrong_kind_is_named(void **state)
{
    (void)state;
    refused("{\"verb\":\"hold\",\"node\":7,\"reason\":\"x\"}", MW_EINVAL, "\"node\"");
    refused("{\"verb\":\"hold\",\"node\":\"\",\"reason\":\"x\"}", MW_EINVAL, "not empty");
    refused("{\"verb\":\"hold\",\"node\":\"a\\nb\",\"reason\":\"x\"}", MW_EINVAL, "control");
    refused("{\"verb\":\"approve\",\"ref\":0,\"reason\":\"x\"}", MW_EINVAL, "\"ref\"");
    refused("{\"verb\":\"approve\",\"ref\":1.5,\"reason\":\"x\"}", MW_EINVAL, "\"ref\"");
    refused("{\"verb\":\"approve\",\"ref\":-3,\"reason\":\"x\"}", MW_EINVAL, "\"ref\"");
    refused("{\"verb\":\"set-mode\",\"mode\":\"ACT\",\"reason\":\"x\"}", MW_EINVAL, "observe");
    char json[1200], name[400];
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    (void)snprintf(json, sizeof(json), "{\"verb\":\"hold\",\"node\":\"%s\",\"reason\":\"x\"}",
                   name);
    refused(json, MW_EINVAL, "at most 127 bytes");
}

static void a_closing_and_a_window_are_refused_with_what_to_write(void **state)
{
    (void)state;
    struct api_command c;
    struct mw_error err = { 0 };
    const char *good = "{\"verb\":\"order-done\",\"ref\":4,\"did\":\"power-cycle\","
                       "\"found\":\"dust\",\"serial\":\"A=B\"}";
    assert_int_equal(api_command_read(good, strlen(good), &c, &err), 0);
    assert_int_equal(c.did, STEP_POWER_CYCLE + 1);
    assert_string_equal(c.serial, "A=B");
    refused("{\"verb\":\"order-done\",\"ref\":4,\"did\":\"hammer\"}", MW_EINVAL, "reseat, replace");
    refused("{\"verb\":\"order-done\",\"ref\":4,\"serial\":\"A\"}", MW_EINVAL, "OLD=NEW");
    refused("{\"verb\":\"order-done\",\"ref\":4,\"serial\":\"A=\"}", MW_EINVAL, "OLD=NEW");
    refused("{\"verb\":\"order-done\",\"ref\":4,\"serial\":\"A=B C\"}", MW_EINVAL, "OLD=NEW");
    refused("{\"verb\":\"order-taken\",\"ref\":4,\"did\":\"reboot\"}", MW_EINVAL,
            "does not take it");
    refused("{\"verb\":\"window-add\",\"node\":\"n1\",\"reason\":\"x\"}", MW_EINVAL, "length_s");
    refused("{\"verb\":\"window-add\",\"node\":\"n1\",\"reason\":\"x\",\"length_s\":60,"
            "\"from\":\"tomorrow\"}", MW_EINVAL, "2026-11-22T18:00:00Z");
}

static void what_is_no_json_object_is_said_so(void **state)
{
    (void)state;
    refused("", MW_ESYNTAX, "not JSON");
    refused("verb=hold", MW_ESYNTAX, "not JSON");
    refused("[1]", MW_ESYNTAX, "object");
    refused("{\"verb\":\"hold\",\"verb\":\"release\"}", MW_ESYNTAX, "not JSON");
    refused("{\"verb\":\"hold\"} x", MW_ESYNTAX, "not JSON");
}

static void every_verb_and_path_is_in_the_documentation(void **state)
{
    (void)state;
    char *doc mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    struct mw_error err = { 0 };
    if (mw_read_file("docs/api.md", 1 << 20, false, &doc, &size, &err) != 0)
        fail_msg("%s", err.text);
    for (uint32_t v = 0; v < API_VERB_COUNT; v++) {
        char word[64];
        (void)snprintf(word, sizeof(word), "`%s`", api_verb_info(v)->word);
        if (strstr(doc, word) == NULL)
            fail_msg("docs/api.md lacks %s", word);
    }
    for (uint32_t i = 0; i < api_routes_count; i++) {
        const struct api_route *r = &api_routes[i];
        bool below = strncmp(r->path, "/api/v1/", 8) == 0; /* which the manual leaves out */
        char path[128];
        (void)snprintf(path, sizeof(path), "%s`", r->path + (below ? 8 : 0));
        if (strstr(doc, path) == NULL)
            fail_msg("docs/api.md lacks %s", r->path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_is_taken_with_the_keys_it_needs),
        cmocka_unit_test(a_key_that_a_verb_needs_is_asked_for),
        cmocka_unit_test(what_is_not_asked_for_is_refused),
        cmocka_unit_test(a_value_of_the_wrong_kind_is_named),
        cmocka_unit_test(a_closing_and_a_window_are_refused_with_what_to_write),
        cmocka_unit_test(what_is_no_json_object_is_said_so),
        cmocka_unit_test(every_verb_and_path_is_in_the_documentation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
