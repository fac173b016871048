/*
 * The policy's file.  What would break for the user: a mistake in it that lets
 * something be done that nobody wrote, or a value from outside that becomes an
 * option or a second argument.
 */
#include "agent/exec_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int read_text(const char *text, struct exec_policy *p, struct mw_error *err)
{
    return exec_policy_read(text, strlen(text), p, err);
}

static void what_is_not_said_is_not_allowed_and_not_done(void **state)
{
    struct exec_policy p;
    (void)state;
    assert_int_equal(read_text("user = mw-agent\n", &p, NULL), 0);
    assert_false(p.act);
    for (uint32_t i = 0; i < EXEC_ACTIONS; i++)
        assert_false(p.rule[i].allow);
}

static void a_file_with_a_mistake_is_refused_whole_and_names_the_line(void **state)
{
    static const struct {
        const char *text, *part;
    } wrong[] = {
        { "mode = act\n", "user is missing" },
        { "user = a\nmode = on\n", "line 2: mode" },
        { "user = a\nmode = act\nmode = act\n", "line 3: mode: it is there twice" },
        { "user = a\nreboot.allow = true\n", "line 2: reboot.allow" },
        { "user = a\nreboot.allow = yes\nreboot.command = /sbin/reboot\n", "without a rate" },
        { "user = a\nreboot.allow = yes\nreboot.rate = 1/1d\n", "without a command" },
        { "user = a\nreboot.rate = 0/1h\n", "line 2" },
        { "user = a\nreboot.rate = 1000/1h\n", "line 2" },
        { "user = a\nreboot.rate = 1\n", "line 2" },
        { "user = a\nreboot.command = reboot\n", "absolute path" },
        { "user = a\nreboot.command = /bin/sh {what}\n", "in braces" },
        { "user = a\nreboot.command = /bin/{unit}\n", "absolute path" },
        { "user = a\nreboot.units = x\n", "no such key" },
        { "user = a\npower-cycle.allow = yes\n", "the actions are" },
        { "user = a\nshutdown = yes\n", "no such key" },
        { "user = a\nmode\n", "line 2: it is not key = value" },
        { "user = a\ngpus =\n", "line 2: gpus has no value" },
        { "user = -a\n", "line 1" },
        { "user = a\nreboot.deadline = 2d\n", "line 2" },
        { "user = a\nrestart-service.allow = yes\nrestart-service.rate = 1/1h\n"
          "restart-service.command = /bin/systemctl restart {unit}\n", "without units" },
        { "user = a\nrestart-service.units = --now\n", "line 2" },
    };
    (void)state;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        struct exec_policy p = { .gpus = 77 };
        struct mw_error err = { 0 };
        assert_true(read_text(wrong[i].text, &p, &err) < 0);
        if (strstr(err.text, wrong[i].part) == NULL)
            fail_msg("%s: %s", wrong[i].text, err.text);
        assert_int_equal(p.gpus, 77);
    }
}

static void all_keys_are_taken_as_the_manual_has_them(void **state)
{
    struct exec_policy p;
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(read_text("# a comment\n\n mode=act\r\nuser = 996\ngpus = 8\n"
                               "reset-gpu.allow = yes\nreset-gpu.rate = 4/1h\n"
                               "reset-gpu.command = /usr/bin/nvidia-smi --gpu-reset -i {pci}\n"
                               "reset-gpu.deadline = 1min\nreset-gpu.verify_within = 30s\n"
                               "restart-service.units = slurmd.service b.service", &p, &err), 0);
    assert_true(p.act);
    assert_string_equal(p.user, "996");
    assert_int_equal(p.rule[EXEC_RESET_GPU].most, 4);
    assert_int_equal(p.rule[EXEC_RESET_GPU].per_ms, 3600000);
    assert_int_equal(p.rule[EXEC_RESET_GPU].deadline_ms, 60000);
    assert_int_equal(p.rule[EXEC_RESET_GPU].command.words, 4);
    assert_string_equal(exec_policy_unit(&p, "slurmd"), "slurmd.service");
    assert_string_equal(exec_policy_unit(&p, "b.service"), "b.service");
    assert_null(exec_policy_unit(&p, "slurm"));
    assert_null(exec_policy_unit(&p, ""));
}

static void a_value_is_one_argument_and_never_an_option(void **state)
{
    static const char *const bad[] = { "", "-rf", "a b", "a;b", "$(a)", "../x/../", "a\nb", NULL };
    struct exec_policy p;
    struct exec_argv a;
    char text[64];
    (void)state;
    assert_int_equal(read_text("user = a\nrestart-service.units = slurmd.service\n"
                               "restart-service.command = /bin/do --unit={unit} now\n",
                               &p, NULL), 0);
    const struct exec_command *c = &p.rule[EXEC_RESTART_SERVICE].command;
    struct exec_values v = { .unit = "slurmd.service", .gpu = -1 };
    assert_int_equal(exec_command_fill(c, &v, &a, NULL), 0);
    exec_argv_text(&a, text, sizeof(text));
    assert_string_equal(text, "/bin/do --unit=slurmd.service now");
    assert_null(a.argv[3]);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        v.unit = bad[i];
        assert_int_equal(exec_command_fill(c, &v, &a, NULL), MW_EINVAL);
    }
    exec_argv_text(&a, text, 12);
    assert_int_equal(strlen(text), 11);
}

static void an_address_of_pci_is_one(void **state)
{
    (void)state;
    assert_true(exec_is_pci("0000:3b:00.0"));
    assert_true(exec_is_pci("000A:FF:1f.7"));
    assert_false(exec_is_pci(""));
    assert_false(exec_is_pci("0000:3b:00.8"));
    assert_false(exec_is_pci("0000:3b:00"));
    assert_false(exec_is_pci("0000:3b:00.0 "));
    assert_false(exec_is_pci("GPU-12345678"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_is_not_allowed_and_not_done),
        cmocka_unit_test(a_file_with_a_mistake_is_refused_whole_and_names_the_line),
        cmocka_unit_test(all_keys_are_taken_as_the_manual_has_them),
        cmocka_unit_test(a_value_is_one_argument_and_never_an_option),
        cmocka_unit_test(an_address_of_pci_is_one),
    };
    return cmocka_run_group_tests_name("agent/exec_policy", tests, NULL, NULL);
}
