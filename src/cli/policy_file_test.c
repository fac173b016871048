/*
 * Rules of a site's own.  What would break for the user: a file that changes
 * less than it says, or more; a mistake in it that is not named.
 */
#include "cli/policy_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "live/policy.h"

static int read_text(const char *text, struct control_policy *p, struct problems *problems)
{
    struct mw_error err = { 0 };
    *p = live_policy();
    return policy_file_read(text, strlen(text), "rules.yaml", p, problems, &err);
}

static void what_a_class_does_not_say_stays(void **state)
{
    struct control_policy p, live = live_policy();
    struct problems problems = { 0 };
    (void)state;
    assert_int_equal(read_text("classes:\n  gpu: {probation: 1s}\n", &p, &problems), 0);
    assert_int_equal(p.care.class[LIVE_GPU].probation_ms, 1000);
    live.care.class[LIVE_GPU].probation_ms = 1000;
    const struct control_sha256 a = control_policy_sha256(&p), b = control_policy_sha256(&live);
    assert_memory_equal(a.bytes, b.bytes, sizeof(a.bytes));
    problems_fini(&problems);
}

static void a_ladder_and_its_parts_take_the_place_of_the_live_one(void **state)
{
    struct control_policy p;
    struct problems problems = { 0 };
    (void)state;
    assert_int_equal(read_text("policy: {escalate: false, settle: 2min}\n"
                               "parts:\n  board: {cost_usd: 1500, lead: 14d}\n"
                               "classes:\n  kernel:\n    ladder:\n"
                               "      - {step: reboot, odds: 0.4, duration: 10min, lease: 1min}\n"
                               "      - {step: replace, odds: 0.9, duration: 1d, part: board}\n",
                               &p, &problems), 0);
    const struct care_class *k = &p.care.class[LIVE_KERNEL];
    assert_false(p.care.escalate);
    assert_int_equal(p.care.settle_ms, 2 * MW_MS_PER_MIN);
    assert_int_equal(k->steps, 2);
    assert_int_equal(k->ladder[0].step, STEP_REBOOT);
    assert_int_equal(k->ladder[0].who, WHO_AGENT);
    assert_int_equal(k->ladder[0].lease_ms, MW_MS_PER_MIN);
    assert_string_equal(p.care.part[k->ladder[1].part].name, "board");
    assert_true(p.care.class[LIVE_GPU].steps > 0);
    problems_fini(&problems);
}

static void mistakes_are_named_and_change_nothing(void **state)
{
    static const struct {
        const char *text, *part;
    } wrong[] = {
        { "classes:\n  gpus: {gate: 1min}\n", "no live class 'gpus'" },
        { "policy: {guard: {mode: act}}\n", "'mode' is no rule" },
        { "classes:\n  gpu: {trace: [{class: x}]}\n", "'trace' is for scenarios" },
        { "classes:\n  gpu: {count: 3}\n", "needs a 'window'" },
        { "classes:\n  gpu: {ladder: [{step: reseat, who: agent, odds: 1, duration: 1h}]}\n",
          "no machine can do" },
        { "faults: {}\n", "faults" },
        { "policy: {settle: soon}\n", "settle" },
    };
    const struct control_policy live = live_policy();
    const struct control_sha256 before = control_policy_sha256(&live);
    (void)state;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        struct control_policy p;
        struct problems problems = { 0 };
        assert_int_equal(read_text(wrong[i].text, &p, &problems), MW_ESYNTAX);
        assert_true(problems.length > 0);
        if (strstr(problems.item[0].text, wrong[i].part) == NULL)
            fail_msg("%s: %s", wrong[i].text, problems.item[0].text);
        assert_true(problems.item[0].line > 0);
        const struct control_sha256 after = control_policy_sha256(&p);
        assert_memory_equal(after.bytes, before.bytes, sizeof(after.bytes));
        problems_fini(&problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_class_does_not_say_stays),
        cmocka_unit_test(a_ladder_and_its_parts_take_the_place_of_the_live_one),
        cmocka_unit_test(mistakes_are_named_and_change_nothing),
    };
    return cmocka_run_group_tests_name("cli/policy_file", tests, NULL, NULL);
}
