/*
 * What would break for the user: a dead GPU that is taken for the program's
 * fault, a program's fault that takes a node from service, or a daemon that
 * acts on its first day.
 */
#include "live/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "signal/kmsg.h"
#include "signal/rules.h"
#include "signal/xid.h"

/* The class of one line, LIVE_CLASS_COUNT when it says nothing. */
static enum live_class class_of(const char *text, enum fault_effect *effect)
{
    struct diagnoses all mw_cleanup(diagnoses_fini) = { 0 };
    struct kmsg_source s = { .name = "n3", .data = text, .size = strlen(text) };
    assert_int_equal(kmsg_diagnose(&s, &all, NULL), 0);
    if (all.length == 0)
        return LIVE_CLASS_COUNT;
    enum live_class class = live_class_of(&all.item[0]);
    if (effect != NULL && class < LIVE_CLASS_COUNT)
        *effect = live_effect_of(&all.item[0], class);
    return class;
}

static enum live_class class_of_xid(uint32_t code, const char *rest)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "NVRM: Xid (PCI:0000:3b:00): %u, %s", code, rest);
    return class_of(line, NULL);
}

/* Codes that stand for something; all others are nothing to act on. */
static const struct {
    enum live_class class;
    uint16_t code[64];
} expected[] = {
    { LIVE_GPU, { 46, 48, 54, 62, 64, 79, 95, 109, 110, 119, 120, 136, 140, 143, 151, 155, 156,
                  158, 167 } },
    { LIVE_GPU_SOON, { 63, 74, 78, 94, 142, 144, 145, 146, 147, 148, 149, 150, 154, 159, 168, 171,
                       172 } },
    { LIVE_APP, { 8, 11, 13, 25, 31, 32, 39, 40, 41, 43, 45, 60, 68, 69, 70, 71, 72, 75, 76, 77,
                  80, 82, 83, 84, 85, 86, 88, 89, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105,
                  126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 139 } },
};

static enum live_class expected_of(uint32_t code)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(expected); i++)
        for (size_t k = 0; k < MW_ARRAY_LEN(expected[i].code); k++)
            if (expected[i].code[k] == code)
                return expected[i].class;
    return LIVE_CLASS_COUNT;
}

static void every_xid_of_the_catalogue_stands_for_its_class(void **state)
{
    (void)state;
    assert_int_equal(xid_rows_count, 172);
    for (uint32_t i = 0; i < xid_rows_count; i++) {
        uint32_t code = xid_rows[i].code;
        enum live_class want = expected_of(code);
        /* The unused ones of the list above are said by no driver: nobody knows what they mean. */
        if (!xid_rows[i].used && xid_rows[i].immediate[0] != '\0')
            want = LIVE_CLASS_COUNT;
        if (class_of_xid(code, "pid=7, name=train") != want)
            fail_msg("Xid %u is class %d, not %d", code, class_of_xid(code, ""), want);
    }
}

static void an_xid_that_nobody_knows_is_nothing_to_act_on(void **state)
{
    (void)state;
    assert_null(xid_find(173));
    assert_int_equal(class_of_xid(173, "new"), LIVE_CLASS_COUNT);
    assert_int_equal(class_of_xid(999, "new"), LIVE_CLASS_COUNT);
}

static void nvlink_is_fatal_only_when_its_registers_say_so(void **state)
{
    (void)state;
    const char *hardware = "NVLink: fatal error detected on link 2(0x100, 0x0, 0x0, 0x0, 0x0, 0x0, "
                           "0x0)";
    const char *nothing = "NVLink: error on link 2(0x1, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)";
    const char *ecc = "NVLink: error on link 2(0x10, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)";
    assert_int_equal(class_of_xid(74, hardware), LIVE_NVLINK);
    assert_int_equal(class_of_xid(74, nothing), LIVE_CLASS_COUNT);
    assert_int_equal(class_of_xid(74, ecc), LIVE_APP);
}

static void every_row_of_nvlink_5_that_asks_for_a_reset_is_fatal(void **state)
{
    (void)state;
    uint32_t resets = 0, ignored = 0;
    for (uint32_t i = 0; i < xid_nvlink_rows_count; i++) {
        const struct xid_nvlink_row *row = &xid_nvlink_rows[i];
        char unit[64], rest[160];
        (void)snprintf(unit, sizeof(unit), "%.*s", (int)strcspn(row->unit, "/ "), row->unit);
        uint32_t status = row->statuses > 0 ? row->status[0] : 0;
        struct xid_nvlink_match m = xid_nvlink_find(row->xid, unit, row->info[1].value, status);
        if (row->info[1].mask == 0 || m.row == NULL)
            continue;
        (void)snprintf(rest, sizeof(rest), "%s Fatal XC0 i0 Link 04 (0x%08x 0x%08x 0x0 0x0 0x0)",
                       unit, row->info[1].value, status);
        bool reset = strcmp(m.action, "RESET_GPU") == 0;
        assert_int_equal(class_of_xid(row->xid, rest), reset ? LIVE_NVLINK : LIVE_CLASS_COUNT);
        resets += reset;
        ignored += !reset;
    }
    assert_true(resets > 20 && ignored > 20);
}

static void xid_154_stands_for_what_it_asks(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        enum live_class class;
    } asks[] = {
        { "0x0 (None)", LIVE_CLASS_COUNT }, { "0x1 (GPU Reset Required)", LIVE_GPU },
        { "0x2 (Node Reboot Required)", LIVE_GPU }, { "0x3 (Drain P2P)", LIVE_GPU_SOON },
        { "0x4 (Drain and Reset)", LIVE_GPU_SOON },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(asks); i++) {
        char rest[128];
        (void)snprintf(rest, sizeof(rest), "GPU recovery action changed from 0x0 (None) to %s",
                       asks[i].words);
        assert_int_equal(class_of_xid(154, rest), asks[i].class);
    }
}

static void nvswitch_errors_count_when_they_are_fatal(void **state)
{
    (void)state;
    assert_int_equal(class_of("nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 20034, Fatal, Link 30 "
                              "LTSSM Fault Up", NULL), LIVE_NVLINK);
    assert_int_equal(class_of("nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Non-fatal, Link "
                              "32 egress non-posted PRIV error (First)", NULL), LIVE_CLASS_COUNT);
}

static void the_kernel_takes_a_node_only_when_it_is_certain(void **state)
{
    (void)state;
    enum fault_effect effect = EFFECT_HARMLESS;
    assert_int_equal(class_of("Kernel panic - not syncing: Fatal exception", &effect), LIVE_KERNEL);
    assert_int_equal(effect, EFFECT_NONE);
    assert_int_equal(class_of("INFO: task train:71 blocked for more than 120 seconds.", &effect),
                     LIVE_KERNEL);
    assert_int_equal(effect, EFFECT_DEFERS);
    assert_int_equal(class_of("usb 1-1: new high-speed USB device", NULL), LIVE_CLASS_COUNT);
    assert_int_equal(class_of("Out of memory: Killed process 71 (train)", NULL), LIVE_CLASS_COUNT);
}

static void the_default_policy_watches_and_leaves_allocation_to_the_engine(void **state)
{
    (void)state;
    struct control_policy p = live_policy();
    assert_int_equal(p.guard.mode, MODE_OBSERVE);
    assert_true(p.care.engine && p.work.engine);
    assert_int_equal(p.care.classes, LIVE_CLASS_COUNT);
    for (uint32_t i = 0; i < p.care.classes; i++) {
        bool evidence = i == LIVE_APP || i == LIVE_RANK || i == LIVE_CLOCK || i == LIVE_SOURCE ||
                        i == LIVE_MODEL; /* no incident */
        assert_true(p.care.class[i].name[0] != '\0');
        assert_int_equal(p.care.class[i].count, evidence ? 0 : 1);
        assert_true(live_class_doc(i)[0] != '\0');
    }
    assert_string_equal(p.care.class[LIVE_NODE_SILENT].name, "node-silent");
    assert_true(p.care.class[LIVE_NODE_SILENT].heals && !p.care.class[LIVE_GPU].heals);
    assert_int_equal(p.care.class[LIVE_GPU].gate_ms, 600000);
    assert_string_equal(live_class_doc(LIVE_CLASS_COUNT), "");
}

static void every_rule_of_readings_stands_for_a_class_by_its_name(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < rules_count(); i++) {
        const struct rule *r = rules_at(i);
        enum live_class class = live_class_named(r->class);
        assert_true(class < LIVE_CLASS_COUNT);
        assert_string_equal(live_policy().care.class[class].name, r->class);
        assert_ptr_equal(live_detail_words(LIVE_DETAIL_RULE + r->number), r->words);
    }
    assert_int_equal(live_class_named("gravity"), LIVE_CLASS_COUNT);
    assert_null(live_detail_words(79)); /* an Xid */
    assert_null(live_detail_words(LIVE_DETAIL_RULE));
    assert_null(live_detail_words(LIVE_DETAIL_RULE + RULE_NUMBER_MAX));
}

static void the_policy_survives_the_way_into_the_record(void **state)
{
    (void)state;
    struct control_policy p = live_policy(), back;
    struct control_policy_blob blob;
    control_policy_encode(&p, &blob);
    assert_int_equal(control_policy_decode(&blob, sizeof(blob), &back, NULL), 0);
    assert_true(back.care.engine && back.work.engine && back.care.class[LIVE_SLURMD].heals);
    assert_int_equal(back.guard.mode, MODE_OBSERVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_xid_of_the_catalogue_stands_for_its_class),
        cmocka_unit_test(an_xid_that_nobody_knows_is_nothing_to_act_on),
        cmocka_unit_test(nvlink_is_fatal_only_when_its_registers_say_so),
        cmocka_unit_test(every_row_of_nvlink_5_that_asks_for_a_reset_is_fatal),
        cmocka_unit_test(xid_154_stands_for_what_it_asks),
        cmocka_unit_test(nvswitch_errors_count_when_they_are_fatal),
        cmocka_unit_test(the_kernel_takes_a_node_only_when_it_is_certain),
        cmocka_unit_test(the_default_policy_watches_and_leaves_allocation_to_the_engine),
        cmocka_unit_test(every_rule_of_readings_stands_for_a_class_by_its_name),
        cmocka_unit_test(the_policy_survives_the_way_into_the_record),
    };
    return cmocka_run_group_tests_name("live/policy", tests, NULL, NULL);
}
