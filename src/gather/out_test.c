/* What doors learn on its way to the daemon: once when it is new, again after a welcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gather/out.h"
#include "live/agent_frame.h"
#include "signal/samples.h"

struct heard {
    uint32_t machines, parts, findings, up, events, sources, payloads, values;
    bool full; /* takes nothing */
    char text[256];
};

static bool hear_line(void *ctx, const struct agent_frame *f, bool event)
{
    struct heard *h = ctx;
    if (h->full)
        return false;
    h->machines += f->verb == AGENT_MACHINE;
    h->parts += f->verb == AGENT_PART;
    h->sources += f->verb == AGENT_SOURCE;
    h->findings += f->verb == AGENT_FINDING;
    h->up += f->verb == AGENT_FINDING && f->up;
    h->events += event;
    (void)snprintf(h->text, sizeof(h->text), "%.255s", f->text);
    return true;
}

static bool hear_samples(void *ctx, const uint8_t *payload, size_t size)
{
    struct heard *h = ctx;
    struct sample_reader r;
    struct sample_entry e = { 0 };
    if (h->full)
        return false;
    h->payloads++;
    assert_int_equal(sample_reader_open(&r, payload, size, NULL), 0);
    do {
        assert_int_equal(sample_reader_next(&r, &e, NULL), 0);
        h->values += e.what == SAMPLE_VALUE;
    } while (e.what != SAMPLE_END);
    return true;
}

static struct heard sent(struct door_out *o, int64_t now_ms, bool full)
{
    struct heard h = { .full = full };
    const struct door_out_to to = { .ctx = &h, .line = hear_line, .samples = hear_samples };
    door_out_send(o, now_ms, &to);
    return h;
}

static struct door_out *made(void)
{
    struct door_out *o = NULL;
    assert_int_equal(door_out_create(&o, NULL), 0);
    return o;
}

static void find(struct door_out *o, uint32_t machine, bool up, const char *text)
{
    const struct door_finding f = { .class_name = "bmc", .name = "FAN1", .code = "fan-failed",
                                    .text = text, .up = up };
    door_out_finding(o, machine, &f);
}

static void a_level_is_said_when_it_is_new_or_another(void **state)
{
    (void)state;
    struct door_out *o = made();
    uint32_t m = door_out_machine(o, "bmc", "n1", false, 8);
    struct door_part p = { .scope = "sensor", .n = 3, .name = "FAN1" };
    door_out_part(o, m, &p);
    door_out_source(o, m, "bmc", DOOR_OK, "");
    struct heard h = sent(o, 0, false);
    assert_int_equal(h.machines, 1);
    assert_int_equal(h.parts, 1);
    assert_int_equal(h.sources, 1);
    door_out_part(o, m, &p);
    door_out_source(o, m, "bmc", DOOR_OK, "");
    h = sent(o, 1, false);
    assert_int_equal(h.parts + h.sources + h.machines, 0);
    p.serial = "S1";
    door_out_part(o, m, &p);
    assert_int_equal(sent(o, 2, false).parts, 1);
    door_out_destroy(o);
}

static void after_a_welcome_all_is_said_again_and_news_are_events(void **state)
{
    (void)state;
    struct door_out *o = made();
    uint32_t m = door_out_machine(o, "bmc", "n1", true, 8);
    door_out_put(o, m, M_BMC_TEMP_C, 1, 45);
    door_out_put(o, m, M_BMC_TEMP_C, 2, 46);
    door_out_flush(o, m, 1000);
    find(o, m, true, "it stands");
    struct heard h = sent(o, 0, false);
    assert_int_equal(h.values, 2);
    assert_int_equal(h.events, 1);
    door_out_again(o);
    h = sent(o, 1, false);
    assert_int_equal(h.machines, 1);
    assert_int_equal(h.values, 2);
    assert_int_equal(h.up, 1);
    assert_int_equal(h.events, 0); /* it is still so: nothing has happened */
    door_out_destroy(o);
}

static void a_finding_is_said_again_while_it_is_up_and_once_when_it_ends(void **state)
{
    (void)state;
    struct door_out *o = made();
    uint32_t m = door_out_machine(o, "bmc", "n1", false, 8);
    find(o, m, false, "it never was");
    assert_int_equal(sent(o, 0, false).findings, 0);
    find(o, m, true, "it stands");
    assert_int_equal(sent(o, 1, false).events, 1);
    assert_int_equal(sent(o, 100, false).findings, 0);
    assert_int_equal(sent(o, DOOR_OUT_AGAIN_MS + 1, false).up, 1);
    find(o, m, false, "it turns");
    struct heard h = sent(o, DOOR_OUT_AGAIN_MS + 2, false);
    assert_int_equal(h.findings, 1);
    assert_int_equal(h.events, 1);
    assert_int_equal(h.up, 0);
    assert_int_equal(sent(o, 3 * DOOR_OUT_AGAIN_MS, false).findings, 0);
    door_out_destroy(o);
}

static void what_the_connection_does_not_take_is_offered_again(void **state)
{
    (void)state;
    struct door_out *o = made();
    uint32_t m = door_out_machine(o, "bmc", "n1", false, 8);
    door_out_put(o, m, M_BMC_TEMP_C, 1, 45);
    door_out_flush(o, m, 1000);
    assert_int_equal(sent(o, 0, true).payloads, 0);
    door_out_put(o, m, M_BMC_TEMP_C, 1, 47);
    door_out_flush(o, m, 2000);
    assert_int_equal(sent(o, 1, false).payloads, 1);
    assert_int_equal(door_out_counts(o).coalesced, 1);
    assert_int_equal(sent(o, 2, false).payloads, 0);
    door_out_destroy(o);
}

static void two_doors_of_one_machine_have_two_numbers_and_one_name(void **state)
{
    (void)state;
    struct door_out *o = made();
    char door[DOOR_NAME_MAX], name[DOOR_NAME_MAX];
    uint32_t bmc = door_out_machine(o, "bmc", "n1", false, 8);
    uint32_t pdu = door_out_machine(o, "pdu", "n1", false, 8);
    assert_int_not_equal(bmc, pdu);
    assert_int_equal(door_out_machine(o, "bmc", "n1", false, 4), bmc);
    assert_true(door_out_name(o, pdu, door, name));
    assert_string_equal(door, "pdu");
    assert_string_equal(name, "n1");
    uint32_t grown = door_out_machine(o, "bmc", "n1", false, 64);
    assert_int_not_equal(grown, bmc);
    door_out_put(o, bmc, M_BMC_TEMP_C, 1, 45); /* of the number before: nothing, and no harm */
    door_out_flush(o, bmc, 1000);
    door_out_put(o, MW_NONE, M_BMC_TEMP_C, 1, 45);
    assert_int_equal(sent(o, 0, false).payloads, 0);
    assert_false(door_out_name(o, 99, door, name));
    door_out_destroy(o);
}

static void text_of_a_source_cannot_break_a_line(void **state)
{
    (void)state;
    struct door_out *o = made();
    uint32_t m = door_out_machine(o, "bmc", "n1", false, 8);
    find(o, m, true, "two\nlines \x1b[31m");
    struct heard h = sent(o, 0, false);
    assert_string_equal(h.text, "two lines  [31m");
    door_out_destroy(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_is_said_when_it_is_new_or_another),
        cmocka_unit_test(after_a_welcome_all_is_said_again_and_news_are_events),
        cmocka_unit_test(a_finding_is_said_again_while_it_is_up_and_once_when_it_ends),
        cmocka_unit_test(what_the_connection_does_not_take_is_offered_again),
        cmocka_unit_test(two_doors_of_one_machine_have_two_numbers_and_one_name),
        cmocka_unit_test(text_of_a_source_cannot_break_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
