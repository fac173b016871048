/* The policy as a blob of the record: what goes in comes out, and nothing else gets in. */
#include "control/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/* One of everything that the blob has a table for. */
static struct control_policy full_policy(void)
{
    struct control_policy p = control_policy_default();
    p.care.classes = 2;
    p.care.class[1] = p.care.class[0];
    memcpy(p.care.class[1].name, "cable", 6);
    p.care.class[1].steps = 2;
    p.care.class[1].ladder[0] = (struct care_ladder){
        .step = STEP_RESEAT, .who = WHO_TECHNICIAN, .part = CARE_PART_NONE, .odds_ppm = 700000,
        .weight = 20, .duration_ms = 1800000, .deadline_ms = 7200000, .crew_ms = 900000 };
    p.care.class[1].ladder[1] = (struct care_ladder){
        .step = STEP_REPLACE, .who = WHO_TECHNICIAN, .part = 0, .odds_ppm = 980000, .weight = 50,
        .duration_ms = 3600000, .cost_uusd = 5000000 };
    p.care.parts = 1;
    p.care.part[0] = (struct care_part){ .name = "cable", .cost_uusd = 400000000,
                                         .lead_ms = 86400000, .stock = 3, .least = 2, .batch = 10 };
    p.work.quotas = 1;
    p.work.quota[0] = (struct work_quota){ .tenant = 7, .gpus = 1024 };
    return p;
}

static void every_table_of_a_policy_comes_back(void **state)
{
    (void)state;
    struct control_policy in = full_policy(), out;
    struct control_policy_blob *blob = mw_calloc(2, sizeof(*blob));
    control_policy_encode(&in, blob);
    assert_int_equal(control_policy_decode(blob, sizeof(*blob), &out, NULL), 0);
    control_policy_encode(&out, blob + 1);
    assert_memory_equal(blob, blob + 1, sizeof(*blob));
    assert_int_equal(out.care.class[1].steps, 2);
    assert_int_equal(out.care.class[1].ladder[1].cost_uusd, 5000000);
    assert_string_equal(out.care.part[0].name, "cable");
    assert_int_equal(out.care.part[0].batch, 10);
    assert_int_equal(out.work.quota[0].gpus, 1024);
    mw_free(blob);
}

static void another_step_part_or_quota_is_another_policy(void **state)
{
    (void)state;
    struct control_policy p = full_policy();
    struct control_sha256 before = control_policy_sha256(&p), after;
    p.care.class[1].ladder[0].odds_ppm++;
    after = control_policy_sha256(&p);
    assert_memory_not_equal(&before, &after, sizeof(before));
    p = full_policy();
    p.care.part[0].name[0] = 'C';
    after = control_policy_sha256(&p);
    assert_memory_not_equal(&before, &after, sizeof(before));
    p = full_policy();
    p.work.quota[0].tenant++;
    after = control_policy_sha256(&p);
    assert_memory_not_equal(&before, &after, sizeof(before));
}

static void values_out_of_range_are_refused_wherever_they_stand(void **state)
{
    (void)state;
    struct control_policy in = full_policy(), out;
    struct control_policy_blob *blob = mw_calloc(1, sizeof(*blob));
    control_policy_encode(&in, blob);
    uint32_t used = MW_ARRAY_LEN(blob->value), refused = 0;
    while (used > 0 && blob->value[used - 1] == 0)
        used--;
    for (uint32_t i = 0; i < used; i++) {
        int64_t was = blob->value[i];
        blob->value[i] = -1; /* no field may be negative */
        int code = control_policy_decode(blob, sizeof(*blob), &out, NULL);
        assert_int_equal(code, MW_ECORRUPT);
        refused++;
        blob->value[i] = was;
    }
    assert_true(refused > 60);
    assert_int_equal(control_policy_decode(blob, sizeof(*blob) - 1, &out, NULL), MW_EVERSION);
    blob->version = 2;
    assert_int_equal(control_policy_decode(blob, sizeof(*blob), &out, NULL), MW_EVERSION);
    mw_free(blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_of_a_policy_comes_back),
        cmocka_unit_test(another_step_part_or_quota_is_another_policy),
        cmocka_unit_test(values_out_of_range_are_refused_wherever_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
