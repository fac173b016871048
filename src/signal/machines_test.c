/*
 * The hub's store: what comes in by frames is what is read back, now and at any
 * time of the window; and no rule, line or part makes it forget or invent.
 */
#include "signal/machines.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/random.h"

#define T0 INT64_C(1700000000000)

/* A machine's agent, and the store it speaks to. */
struct rig {
    struct machines *m;
    struct samples s;
    uint32_t machine, line;
    int64_t now_ms;
    uint64_t seq;
    uint32_t opened, closed, told;
    char last[64]; /* name of the last condition told */
    uint32_t instance;
    bool recorded;
};

static void told(void *ctx, uint32_t machine, const struct machine_condition *c, bool up)
{
    struct rig *r = ctx;
    (void)machine;
    r->opened += up;
    r->closed += !up;
    r->told++;
    r->instance = c->instance;
    (void)snprintf(r->last, sizeof(r->last), "%s", c->name);
}

static bool recorded(void *ctx, uint32_t machine, const struct rule *rule, uint32_t instance)
{
    const struct rig *r = ctx;
    (void)machine;
    return r->recorded && strcmp(rule->name, r->last) == 0 && instance == r->instance;
}

static void rig_init(struct rig *r, size_t ring)
{
    const struct machines_options o = { .machines_max = 4, .ring_bytes = ring, .condition = told,
                                        .recorded = recorded, .ctx = r };
    *r = (struct rig){ .now_ms = T0 };
    assert_int_equal(machines_create(&o, &r->m, NULL), 0);
    assert_int_equal(samples_init(&r->s, 1024), 0);
    r->machine = machines_add(r->m, "n1", 7);
    r->line = machines_line_open(r->m, r->machine, false, "0.1.0", r->now_ms);
    assert_int_not_equal(r->line, MW_NONE);
}

static void rig_fini(struct rig *r)
{
    machines_destroy(r->m);
    samples_fini(&r->s);
}

static int send_on(struct rig *r, uint32_t line, struct samples *s)
{
    static uint8_t bytes[SAMPLES_SIZE_MAX];
    const struct sample_head h = { .seq = r->seq++, .wall_ms = r->now_ms };
    struct sample_reader reader;
    size_t size = samples_encode(s, &h, bytes, sizeof(bytes));
    samples_commit(s);
    assert_int_equal(sample_reader_open(&reader, bytes, size, NULL), 0);
    return machines_samples(r->m, line, r->now_ms, &reader, NULL);
}

/* One frame, `ms` after the one before; ticks on the way. */
static void after(struct rig *r, int64_t ms)
{
    int64_t until = r->now_ms + ms;
    for (; r->now_ms + 200 < until; r->now_ms += 200)
        (void)machines_tick(r->m, r->now_ms);
    r->now_ms = until;
    assert_int_equal(send_on(r, r->line, &r->s), 0);
    (void)machines_tick(r->m, r->now_ms);
}

static void put(struct rig *r, uint32_t metric, uint32_t instance, double value, int64_t ms)
{
    samples_put(&r->s, metric, instance, value);
    after(r, ms);
}

static uint32_t conditions(const struct rig *r)
{
    return machines_info(r->m, r->machine).conditions;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void values_are_read_back_with_the_time_of_their_change(void **state)
{
    struct rig r;
    struct machine_value v, all[4];
    (void)state;
    rig_init(&r, 0);
    samples_put(&r.s, M_GPU_POWER_W, 0, 612);
    samples_put(&r.s, M_GPU_POWER_W, 1, 99);
    after(&r, 1000);
    put(&r, M_GPU_POWER_W, 1, 250, 1000);
    assert_true(machines_value(r.m, r.machine, M_GPU_POWER_W, 1, &v));
    assert_int_equal(v.value, 250);
    assert_int_equal(v.at_ms, T0 + 2000);
    assert_int_equal(machines_values(r.m, r.machine, all, 4), 2);
    assert_int_equal(all[0].at_ms, T0 + 1000);
    assert_int_equal(machines_values(r.m, r.machine, all, 1), 1);
    put(&r, M_GPU_POWER_W, 0, NAN, 1000);
    assert_false(machines_value(r.m, r.machine, M_GPU_POWER_W, 0, &v));
    assert_int_equal(machines_info(r.m, r.machine).series, 1);
    rig_fini(&r);
}

static void a_machine_is_found_by_its_name_and_its_node(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    assert_int_equal(machines_add(r.m, "n1", 7), r.machine);
    assert_int_equal(machines_find(r.m, "n1"), r.machine);
    assert_int_equal(machines_of_node(r.m, 7), r.machine);
    assert_int_equal(machines_find(r.m, "n2"), MW_NONE);
    uint32_t other = machines_add(r.m, "switch-1", MW_NONE);
    assert_int_equal(machines_find(r.m, "switch-1"), other);
    assert_int_not_equal(machines_add(r.m, "c", MW_NONE), MW_NONE);
    assert_int_not_equal(machines_add(r.m, "d", MW_NONE), MW_NONE);
    assert_int_equal(machines_add(r.m, "e", MW_NONE), MW_NONE); /* four is all it has room for */
    assert_int_equal(machines_stats(r.m).left_out, 1);
    rig_fini(&r);
}

static void an_agent_that_comes_again_takes_back_what_it_does_not_say_any_more(void **state)
{
    struct rig r;
    struct machine_value v;
    (void)state;
    rig_init(&r, 0);
    samples_put(&r.s, M_GPU_TEMP_C, 0, 40);
    samples_put(&r.s, M_GPU_TEMP_C, 1, 41);
    after(&r, 1000);
    machines_line_close(r.m, r.line);
    assert_false(machines_info(r.m, r.machine).agent);
    r.line = machines_line_open(r.m, r.machine, false, "0.2.0", r.now_ms);
    samples_gone(&r.s, M_GPU_TEMP_C, 1);
    samples_again(&r.s);
    put(&r, M_GPU_TEMP_C, 0, 45, 1000);
    assert_true(machines_value(r.m, r.machine, M_GPU_TEMP_C, 1, &v)); /* it may still say it */
    after(&r, 31000);
    assert_false(machines_value(r.m, r.machine, M_GPU_TEMP_C, 1, &v));
    assert_true(machines_value(r.m, r.machine, M_GPU_TEMP_C, 0, &v));
    assert_int_equal(v.value, 45);
    assert_string_equal(machines_info(r.m, r.machine).version, "0.2.0");
    rig_fini(&r);
}

static void an_agent_and_a_gatherer_speak_of_one_machine(void **state)
{
    struct rig r;
    struct samples bmc;
    struct machine_value v;
    (void)state;
    rig_init(&r, 0);
    assert_int_equal(samples_init(&bmc, 8), 0);
    uint32_t line = machines_line_open(r.m, r.machine, true, "", r.now_ms);
    samples_put(&bmc, M_BMC_FAN_RPM, 3, 4000);
    samples_put(&bmc, M_GPU_TEMP_C, 0, 70);
    assert_int_equal(send_on(&r, line, &bmc), 0);
    put(&r, M_GPU_TEMP_C, 0, 50, 1000); /* both say it: the later one has it from now on */
    samples_put(&bmc, M_GPU_TEMP_C, 0, 71);
    samples_put(&bmc, M_BMC_FAN_RPM, 3, 4500);
    assert_int_equal(send_on(&r, line, &bmc), 0);
    assert_true(machines_value(r.m, r.machine, M_GPU_TEMP_C, 0, &v) && v.value == 50);
    assert_true(machines_value(r.m, r.machine, M_BMC_FAN_RPM, 3, &v) && v.value == 90);
    assert_true(machines_info(r.m, r.machine).gather);
    samples_fini(&bmc);
    rig_fini(&r);
}

static void frames_that_lie_are_refused_and_break_nothing(void **state)
{
    static const uint8_t undefined[] = { 0, 1, 5, 0, 0, 1, 9, 4, 0 };
    struct rig r;
    struct sample_reader reader;
    struct mw_error err = { 0 };
    (void)state;
    rig_init(&r, 0);
    put(&r, M_GPU_TEMP_C, 0, 40, 1000);
    assert_int_equal(sample_reader_open(&reader, undefined, sizeof(undefined), &err), 0);
    assert_int_equal(machines_samples(r.m, r.line, r.now_ms, &reader, &err), MW_ECORRUPT);
    assert_non_null(strstr(err.text, "never defined"));
    put(&r, M_GPU_TEMP_C, 0, 41, 1000);
    assert_int_equal(machines_stats(r.m).corrupt, 1);
    rig_fini(&r);
}

/* ---- the window ------------------------------------------------------------------------------ */

struct seen {
    int64_t value[64];
    bool here[64];
    int64_t first_ms, last_ms;
    uint32_t frames;
};

static void see(void *ctx, int64_t wall_ms, const struct machine_value *changed, uint32_t n)
{
    struct seen *s = ctx;
    if (s->frames++ == 0)
        s->first_ms = wall_ms;
    assert_true(wall_ms >= s->last_ms);
    s->last_ms = wall_ms;
    for (uint32_t i = 0; i < n; i++) {
        assert_true(changed[i].instance < 64);
        s->here[changed[i].instance] = changed[i].value != MACHINE_VALUE_GONE;
        s->value[changed[i].instance] = changed[i].value;
    }
}

/* All that was, second by second, against what the window tells from any second on. */
static void window(uint64_t seed, size_t ring)
{
    enum { SECONDS = 300 };
    static int64_t value[SECONDS + 1][64];
    static bool here[SECONDS + 1][64];
    struct rig r;
    rig_init(&r, ring);
    memset(here, 0, sizeof(here));
    for (uint32_t t = 1; t <= SECONDS; t++) {
        memcpy(value[t], value[t - 1], sizeof(value[t]));
        memcpy(here[t], here[t - 1], sizeof(here[t]));
        uint64_t bits = mw_random_u64(seed, t, 0, 0);
        for (uint32_t k = 0; k < (bits & 15); k++) {
            uint64_t b = mw_random_u64(seed, t, 1, k);
            uint32_t n = b & 63;
            here[t][n] = (b >> 6 & 7) != 0;
            value[t][n] = (int64_t)(b >> (8 + (b >> 50 & 31)));
            if (here[t][n])
                samples_put_int(&r.s, M_BMC_POWER_W, n, value[t][n]);
            else
                samples_gone(&r.s, M_BMC_POWER_W, n);
        }
        r.now_ms += 1000;
        assert_int_equal(send_on(&r, r.line, &r.s), 0);
    }
    for (uint32_t from = 0; from <= SECONDS; from += 7) {
        struct seen s = { 0 };
        machines_walk(r.m, r.machine, T0 + from * INT64_C(1000), see, &s);
        assert_true(s.frames > 0 && s.first_ms >= T0 + from * INT64_C(1000));
        for (uint32_t n = 0; n < 64; n++) {
            assert_int_equal(s.here[n], here[SECONDS][n]);
            assert_true(!s.here[n] || s.value[n] == value[SECONDS][n]);
        }
    }
    assert_true(machines_memory(r.m).rings_used <= ring);
    rig_fini(&r);
}

static void the_window_ends_at_what_is_there_now_whatever_its_size(void **state)
{
    static const size_t sizes[] = { 64, 300, 1000, 4096, 100000 };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(sizes); i++)
        for (uint64_t seed = 1; seed <= 20; seed++)
            window(seed * 31 + i, sizes[i]);
}

static void the_first_call_has_the_values_of_that_time(void **state)
{
    struct rig r;
    struct seen s = { 0 };
    (void)state;
    rig_init(&r, 0);
    for (int i = 0; i < 10; i++)
        put(&r, M_BMC_POWER_W, 5, 100 + i, 1000);
    machines_walk(r.m, r.machine, T0 + 4500, see, &s);
    assert_int_equal(s.frames, 1 + 6); /* as it was at 4.5 s, then the frames of 5 to 10 s */
    assert_int_equal(s.first_ms, T0 + 4500);
    assert_int_equal(s.last_ms, T0 + 10000);
    assert_int_equal(s.value[5], 109);
    rig_fini(&r);
}

static void a_small_ring_keeps_the_newest(void **state)
{
    struct rig r;
    struct seen s = { 0 };
    (void)state;
    rig_init(&r, 100);
    for (int i = 0; i < 1000; i++)
        put(&r, M_BMC_POWER_W, 5, 100 + i, 1000);
    machines_walk(r.m, r.machine, 0, see, &s);
    assert_true(s.frames > 5 && s.frames < 30);
    assert_int_equal(s.value[5], 1099);
    assert_true(s.first_ms > T0 + 900000);
    rig_fini(&r);
}

/* ---- inventory ------------------------------------------------------------------------------- */

static struct machine_part part(uint8_t scope, const char *scope_name, uint32_t n,
                                const char *serial)
{
    return (struct machine_part){ .scope = scope, .n = n, .scope_name = scope_name, .name = "x",
                                  .serial = serial, .model = "H100", .fw = "", .pci = "",
                                  .peer = "", .peer_port = "", .text = "" };
}

static void parts_stand_in_order_and_change_when_they_are_exchanged(void **state)
{
    struct rig r;
    const struct machine_part gpu1 = part(SCOPE_GPU, "gpu", 1, "B"),
                              gpu0 = part(SCOPE_GPU, "gpu", 0, "A"),
                              fan = part(SCOPE_COUNT, "fan", 0, ""),
                              psu = part(SCOPE_COUNT, "psu", 0, "P"),
                              other = part(SCOPE_GPU, "gpu", 1, "C");
    (void)state;
    rig_init(&r, 0);
    assert_true(machines_part_said(r.m, r.machine, &psu, T0));
    assert_true(machines_part_said(r.m, r.machine, &gpu1, T0));
    assert_true(machines_part_said(r.m, r.machine, &gpu0, T0));
    assert_true(machines_part_said(r.m, r.machine, &fan, T0));
    assert_true(machines_part_said(r.m, r.machine, &gpu1, T0 + 5)); /* said again: no change */
    assert_int_equal(machines_info(r.m, r.machine).parts, 4);
    assert_string_equal(machines_part(r.m, r.machine, 0)->serial, "A");
    assert_int_equal(machines_part(r.m, r.machine, 1)->at_ms, T0);
    assert_string_equal(machines_part(r.m, r.machine, 2)->scope_name, "fan");
    assert_true(machines_part_said(r.m, r.machine, &other, T0 + 9));
    assert_string_equal(machines_part(r.m, r.machine, 1)->serial, "C");
    assert_int_equal(machines_part(r.m, r.machine, 1)->at_ms, T0 + 9);
    assert_null(machines_part(r.m, r.machine, 4));
    rig_fini(&r);
}

static void the_last_sixteen_checks_are_kept_newest_first(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    for (uint32_t i = 1; i <= 20; i++) {
        const struct machine_check c = { .at_ms = T0 + i, .id = i, .result = RESULT_OK,
                                         .level = 2, .class = "gpu", .text = "well" };
        assert_true(machines_check_said(r.m, r.machine, &c));
    }
    assert_int_equal(machines_info(r.m, r.machine).checks, 16);
    assert_int_equal(machines_check(r.m, r.machine, 0)->id, 20);
    assert_int_equal(machines_check(r.m, r.machine, 15)->id, 5);
    assert_null(machines_check(r.m, r.machine, 16));
    rig_fini(&r);
}

static void a_source_keeps_the_time_since_when_it_is_silent(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 0);
    assert_true(machines_source_said(r.m, r.machine, "gpu", MACHINE_SOURCE_OK, "", T0));
    assert_true(machines_source_said(r.m, r.machine, "gpu", MACHINE_SOURCE_SILENT, "5 s", T0 + 1));
    assert_true(machines_source_said(r.m, r.machine, "gpu", MACHINE_SOURCE_SILENT, "9 s", T0 + 2));
    assert_int_equal(machines_info(r.m, r.machine).sources, 1);
    assert_int_equal(machines_source(r.m, r.machine, 0)->since_ms, T0 + 1);
    assert_string_equal(machines_source(r.m, r.machine, 0)->text, "9 s");
    rig_fini(&r);
}

static void memory_is_told_by_item_and_comes_back(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r, 1000);
    const struct machine_part gpu = part(SCOPE_GPU, "gpu", 0, "A"),
                              longer = part(SCOPE_GPU, "gpu", 0, "ABCDEF");
    struct machines_memory before = machines_memory(r.m);
    assert_int_equal(before.parts, 0);
    assert_true(machines_part_said(r.m, r.machine, &gpu, T0));
    uint64_t one = machines_memory(r.m).parts;
    assert_true(machines_part_said(r.m, r.machine, &longer, T0));
    assert_int_equal(machines_memory(r.m).parts, one + 5);
    put(&r, M_GPU_TEMP_C, 0, 40, 1000);
    put(&r, M_GPU_TEMP_C, 0, 41, 1000);
    struct machines_memory after_two = machines_memory(r.m);
    assert_int_equal(after_two.rings, 1000);
    assert_true(after_two.rings_used > 0 && after_two.series > 0 && after_two.lines > 0);
    rig_fini(&r);
}

/* ---- conditions that a source states ------------------------------------------------------- */

static void a_stated_condition_is_over_when_it_is_not_said_any_more(void **state)
{
    struct rig r;
    const struct machine_condition fan = { .class = "bmc", .name = "fan 3", .code = "FanFailed",
                                           .text = "fan 3 stands" };
    (void)state;
    rig_init(&r, 0);
    assert_true(machines_stated(r.m, r.machine, &fan, true, T0));
    assert_int_equal(r.opened, 1);
    assert_int_equal(conditions(&r), 1);
    assert_string_equal(machines_condition(r.m, r.machine, 0)->code, "FanFailed");
    for (int i = 0; i < 5; i++) {
        after(&r, 20000);
        assert_true(machines_stated(r.m, r.machine, &fan, true, r.now_ms));
    }
    assert_int_equal(r.closed, 0);
    for (int i = 0; i < 3; i++)
        after(&r, 15000);
    assert_int_equal(conditions(&r), 1);
    after(&r, 16000);
    assert_int_equal(r.closed, 1);
    assert_int_equal(conditions(&r), 0);
    rig_fini(&r);
}

static void while_nobody_is_heard_a_stated_condition_stays(void **state)
{
    struct rig r;
    const struct machine_condition fan = { .class = "bmc", .name = "fan 3", .code = "",
                                           .text = "" };
    (void)state;
    rig_init(&r, 0);
    assert_true(machines_stated(r.m, r.machine, &fan, true, T0));
    for (int64_t t = 0; t < 600000; t += 200)
        (void)machines_tick(r.m, T0 + t);
    assert_int_equal(r.closed, 0);
    assert_true(machines_stated(r.m, r.machine, &fan, false, T0 + 600000));
    assert_int_equal(r.closed, 1);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_back_with_the_time_of_their_change),
        cmocka_unit_test(a_machine_is_found_by_its_name_and_its_node),
        cmocka_unit_test(an_agent_that_comes_again_takes_back_what_it_does_not_say_any_more),
        cmocka_unit_test(an_agent_and_a_gatherer_speak_of_one_machine),
        cmocka_unit_test(frames_that_lie_are_refused_and_break_nothing),
        cmocka_unit_test(the_window_ends_at_what_is_there_now_whatever_its_size),
        cmocka_unit_test(the_first_call_has_the_values_of_that_time),
        cmocka_unit_test(a_small_ring_keeps_the_newest),
        cmocka_unit_test(parts_stand_in_order_and_change_when_they_are_exchanged),
        cmocka_unit_test(the_last_sixteen_checks_are_kept_newest_first),
        cmocka_unit_test(a_source_keeps_the_time_since_when_it_is_silent),
        cmocka_unit_test(memory_is_told_by_item_and_comes_back),
        cmocka_unit_test(a_stated_condition_is_over_when_it_is_not_said_any_more),
        cmocka_unit_test(while_nobody_is_heard_a_stated_condition_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
