/* What nodes answered, together. */
#include "cli/preflight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/remote.h"

/* A node that measured one rate per GPU. */
static void answer(struct preflight_host *h, const char *name, double a, double b)
{
    char json[1024];
    *h = (struct preflight_host){ .name = name };
    int n = snprintf(json, sizeof(json),
                     "{\"text\":\"well: level 3\",\"sku\":\"hgx-h100\",\"took_ms\":1500,\"rows\":["
                     "{\"name\":\"gpu-h2d\",\"part\":\"gpu0\",\"value\":%g,\"unit\":\"GB/s\"},"
                     "{\"name\":\"gpu-h2d\",\"part\":\"gpu1\",\"value\":%g,\"unit\":\"GB/s\"},"
                     "{\"name\":\"disk-write\",\"value\":%g,\"unit\":\"MB/s\"},"
                     "{\"name\":\"nic-rate\",\"value\":400,\"unit\":\"Gb/s\"}]}",
                     a, b, a * 3);
    preflight_read(h, json, (size_t)n, 0, "");
}

static void the_result_is_what_the_exit_status_says_and_the_reason_what_the_node_said(void **state)
{
    struct preflight_host h = { .name = "n1" };
    static const char json[] = "{\"text\":\"not well: kmsg-xid\",\"rows\":[]}";
    (void)state;
    preflight_read(&h, json, strlen(json), 10, "");
    assert_int_equal(h.result, PREFLIGHT_BAD);
    assert_string_equal(h.text, "not well: kmsg-xid");
    preflight_fini(&h);
    preflight_read(&h, json, strlen(json), 3, "");
    assert_int_equal(h.result, PREFLIGHT_UNKNOWN);
    preflight_fini(&h);
}

static void a_node_that_prints_something_else_is_silent_with_what_its_way_said(void **state)
{
    struct preflight_host h = { .name = "n1" };
    (void)state;
    preflight_read(&h, "hello", 5, 0, "ssh: connect to host n1: No route\nmore");
    assert_int_equal(h.result, PREFLIGHT_SILENT);
    assert_string_equal(h.text, "ssh: connect to host n1: No route");
    preflight_read(&h, "", 0, 127, "");
    assert_string_equal(h.text, "no answer (status 127)");
    preflight_read(&h, "{\"rows\": 7}", 11, 0, "odd\033[31m");
    assert_int_equal(h.result, PREFLIGHT_SILENT);
    assert_null(strchr(h.text, '\033'));
}

static void a_node_far_below_the_others_is_slow_and_the_part_is_named(void **state)
{
    struct preflight_host h[5];
    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        answer(&h[i], "n", 55 + i * 0.1, i == 3 ? 27 : 55);
    assert_int_equal(preflight_compare(h, 5, 0.9), 1);
    assert_int_equal(h[3].result, PREFLIGHT_SLOW);
    assert_non_null(strstr(h[3].text, "gpu-h2d gpu1 is 27 GB/s"));
    for (uint32_t i = 0; i < 5; i++) {
        assert_true(i == 3 || h[i].result == PREFLIGHT_WELL);
        preflight_fini(&h[i]);
    }
}

static void three_nodes_are_too_few_to_call_one_slow(void **state)
{
    struct preflight_host h[3];
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        answer(&h[i], "n", 55, i == 0 ? 5 : 55);
    assert_int_equal(preflight_compare(h, 3, 0.9), 0);
    for (uint32_t i = 0; i < 3; i++)
        preflight_fini(&h[i]);
}

static void a_fleet_of_rates_has_percentiles_and_no_disks_or_link_speeds(void **state)
{
    struct preflight_host h[50];
    (void)state;
    for (uint32_t i = 0; i < 50; i++)
        answer(&h[i], "n", i + 1, i + 51);
    json_t *fleet = preflight_fleet(h, 50, "a test");
    const json_t *figures = json_object_get(fleet, "figures");
    const json_t *f = json_object_get(figures, "gpu-h2d");
    assert_int_equal(json_object_size(figures), 1);
    assert_int_equal(json_integer_value(json_object_get(f, "n")), 100);
    assert_true(json_real_value(json_object_get(f, "p01")) > 0.99 &&
                json_real_value(json_object_get(f, "p01")) < 1.01);
    assert_true(json_real_value(json_object_get(f, "p50")) > 49.9 &&
                json_real_value(json_object_get(f, "p50")) < 50.1);
    json_decref(fleet);
    for (uint32_t i = 0; i < 50; i++)
        preflight_fini(&h[i]);
}

static void words_that_a_shell_could_take_for_its_own_are_not_sent(void **state)
{
    (void)state;
    assert_true(remote_word_ok("--set"));
    assert_true(remote_word_ok("gpu-count=8"));
    assert_true(remote_word_ok("/usr/bin/mw-agent"));
    assert_false(remote_word_ok("gpu-count>=8"));
    assert_false(remote_word_ok("a;b"));
    assert_false(remote_word_ok("$(id)"));
    assert_false(remote_word_ok("a b"));
    assert_false(remote_word_ok(""));
}

static void hostlists_become_names_once_each(void **state)
{
    char **host = NULL;
    uint32_t n = 0;
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(remote_hosts("n[1-3],n2,login", &host, &n, &err), 0);
    assert_int_equal(n, 4);
    assert_string_equal(host[3], "login");
    remote_hosts_free(host, n);
    assert_true(remote_hosts("n1,-oProxyCommand=x", &host, &n, &err) < 0);
    assert_true(remote_hosts("", &host, &n, &err) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_result_is_what_the_exit_status_says_and_the_reason_what_the_node_said),
        cmocka_unit_test(a_node_that_prints_something_else_is_silent_with_what_its_way_said),
        cmocka_unit_test(a_node_far_below_the_others_is_slow_and_the_part_is_named),
        cmocka_unit_test(three_nodes_are_too_few_to_call_one_slow),
        cmocka_unit_test(a_fleet_of_rates_has_percentiles_and_no_disks_or_link_speeds),
        cmocka_unit_test(words_that_a_shell_could_take_for_its_own_are_not_sent),
        cmocka_unit_test(hostlists_become_names_once_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
