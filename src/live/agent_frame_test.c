/*
 * What would break for the user: an agent and a daemon of the same version that
 * misunderstand each other, or a hostile line that the daemon trusts.
 */
#include "live/agent_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "core/event.h"

static int read_text(const char *line, struct agent_frame *f, struct mw_error *err)
{
    return agent_frame_read(line, strlen(line), f, err);
}

static void the_frames_of_the_header_read_as_it_says(void **state)
{
    struct agent_frame f;
    (void)state;
    assert_int_equal(read_text("hello version=1 node=n3 boot=UUID agent=0.1.0", &f, NULL), 0);
    assert_int_equal(f.verb, AGENT_HELLO);
    assert_int_equal(f.version, 1);
    assert_string_equal(f.name, "n3");
    assert_string_equal(f.boot, "UUID");
    assert_string_equal(f.token, "");
    assert_int_equal(read_text("exit job=7 rank=3 code=-1 signal=9", &f, NULL), 0);
    assert_true(f.job == 7 && f.rank == 3 && f.code == -1 && f.signal == 9);
    assert_int_equal(read_text("checked id=5 result=unknown text=no%20program", &f, NULL), 0);
    assert_true(f.n == 5 && f.result == RESULT_UNKNOWN);
    assert_string_equal(f.text, "no program");
    assert_int_equal(read_text("disk path=/a=b used_permille=1000 readonly=1", &f, NULL), 0);
    assert_string_equal(f.text, "/a=b");
    assert_true(f.used_permille == 1000 && f.readonly);
    assert_int_equal(read_text("bye", &f, NULL), 0);
}

static void words_of_a_later_version_are_passed_over(void **state)
{
    struct agent_frame f;
    (void)state;
    assert_int_equal(read_text("beat n=9 load=3 mood=%2e", &f, NULL), 0);
    assert_int_equal(f.n, 9);
}

static void a_wrong_line_is_refused_and_the_word_is_named(void **state)
{
    static const struct {
        const char *line, *word;
    } wrong[] = {
        { "", "verb" }, { "hullo version=1", "verb" }, { " beat n=1", "verb" },
        { "beat", "n is missing" }, { "beat n=", "of n" }, { "beat n=1x", "of n" },
        { "beat n=-1", "of n" }, { "beat n=1 n=2", "twice" }, { "beat n=1 ", "blank" },
        { "beat n=1 extra", "key=value" }, { "beat n=1  m=2", "key=value" },
        { "beat =1", "key=value" }, { "beat n=9223372036854775808", "of n" },
        { "unit name=slurmd up=2", "of up" }, { "unit name=slurmd", "up is missing" },
        { "kmsg text=a%2", "of text" }, { "kmsg text=a%zz", "of text" },
        { "kmsg text=a%00b", "of text" }, { "kmsg text=a\tb", "of text" },
        { "disk path=/ used_permille=1001 readonly=0", "used_permille" },
        { "checked id=1 result=fine", "result" },
        { "progress job=1 restart=0 step=-3 saved=0 step_ms=1", "step" },
    };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        struct agent_frame f = { .verb = 99 };
        struct mw_error err = { 0 };
        assert_int_equal(read_text(wrong[i].line, &f, &err), MW_ESYNTAX);
        if (strstr(err.text, wrong[i].word) == NULL)
            fail_msg("\"%s\": %s", wrong[i].line, err.text);
        assert_int_equal(f.verb, 99); /* as it came */
    }
}

static void what_is_too_long_is_refused(void **state)
{
    static char line[AGENT_FRAME_MAX + 8];
    struct agent_frame f;
    struct mw_error err = { 0 };
    (void)state;
    memset(line, 'a', sizeof(line) - 1);
    memcpy(line, "kmsg text=", 10);
    assert_int_equal(agent_frame_read(line, AGENT_FRAME_MAX, &f, &err), MW_ELIMIT);
    assert_int_equal(agent_frame_read(line, 10 + AGENT_TEXT_MAX - 1, &f, &err), 0);
    assert_int_equal(strlen(f.text), AGENT_TEXT_MAX - 1);
    assert_int_equal(agent_frame_read(line, 10 + AGENT_TEXT_MAX, &f, &err), MW_ELIMIT);
    assert_non_null(strstr(err.text, "text is longer"));
}

static void the_longest_and_strangest_text_fits_into_a_frame(void **state)
{
    struct agent_frame f = { .verb = AGENT_KMSG }, back;
    char line[AGENT_FRAME_MAX + 1];
    (void)state;
    memset(f.text, '\xff', sizeof(f.text) - 1);
    size_t length = agent_frame_write(&f, line, sizeof(line));
    assert_true(length > 0 && length <= AGENT_FRAME_MAX);
    assert_int_equal(agent_frame_read(line, length - 1, &back, NULL), 0);
    assert_memory_equal(&f, &back, sizeof(f));
    assert_int_equal(agent_frame_write(&f, line, length), 0);
    assert_int_equal(agent_frame_write(&f, line, length + 1), length);
}

struct draw {
    uint64_t seed, nth;
};

static uint64_t below(struct draw *d, uint64_t bound)
{
    return mw_random_below(mw_random_u64(d->seed, 1, 2, d->nth++), bound);
}

static void draw_text(struct draw *d, char *to, size_t size)
{
    size_t n = (size_t)below(d, below(d, 8) == 0 ? size : MW_MIN(size, 20));
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(1 + below(d, 255));
}

/* A frame of any verb with all that this verb carries. */
static void draw_frame(struct draw *d, struct agent_frame *f)
{
    struct agent_frame all = { .result = (uint8_t)(1 + below(d, 3)), .up = below(d, 2),
                               .readonly = below(d, 2), .version = (uint32_t)below(d, UINT32_MAX),
                               .n = below(d, INT64_MAX), .job = below(d, INT64_MAX),
                               .rank = (uint32_t)below(d, UINT32_MAX),
                               .restart = (uint32_t)below(d, 100),
                               .code = (int32_t)below(d, 512) - 256,
                               .signal = (int32_t)below(d, 65),
                               .used_permille = (uint32_t)below(d, 1001) };
    all.step = (int64_t)below(d, INT64_MAX);
    all.saved = (int64_t)below(d, INT64_MAX);
    all.step_ms = (int64_t)below(d, 3);
    all.checkpoint_ms = (int64_t)below(d, 3);
    draw_text(d, all.name, sizeof(all.name));
    draw_text(d, all.boot, sizeof(all.boot));
    draw_text(d, all.token, sizeof(all.token));
    draw_text(d, all.text, sizeof(all.text));
    all.beat_ms = (int64_t)below(d, 3600001);
    all.deadline_ms = (int64_t)below(d, 100000);
    all.role = (uint8_t)below(d, 2);
    all.state = (uint8_t)(1 + below(d, 3));
    all.gone = below(d, 2);
    all.acts = below(d, 2);
    all.e = below(d, 2) * below(d, INT64_MAX);
    all.at_ms = (int64_t)(below(d, 2) * below(d, INT64_MAX / 1000000));
    all.machine = (uint32_t)below(d, UINT32_MAX);
    all.level = (uint32_t)below(d, 5);
    all.gpu = (int32_t)below(d, 17) - 1;
    all.sample_ms = (int64_t)below(d, 3600001);
    all.for_ms = (int64_t)below(d, 86400001);
    all.lease_ms = (int64_t)below(d, 100000);
    all.t0_us = (int64_t)below(d, INT64_MAX);
    all.t1_us = (int64_t)(below(d, 2) * below(d, INT64_MAX));
    draw_text(d, all.spool, sizeof(all.spool));
    draw_text(d, all.scope, sizeof(all.scope));
    draw_text(d, all.class, sizeof(all.class));
    draw_text(d, all.code_text, sizeof(all.code_text));
    draw_text(d, all.action, sizeof(all.action));
    draw_text(d, all.serial, sizeof(all.serial));
    draw_text(d, all.model, sizeof(all.model));
    draw_text(d, all.fw, sizeof(all.fw));
    draw_text(d, all.pci, sizeof(all.pci));
    draw_text(d, all.peer, sizeof(all.peer));
    draw_text(d, all.peer_port, sizeof(all.peer_port));
    all.verb = (uint8_t)(AGENT_HELLO + below(d, AGENT_VERB_END - 1));
    if (all.verb == AGENT_PART)
        all.n &= UINT32_MAX;
    if (all.verb == AGENT_MACHINE)
        all.n &= UINT32_MAX;
    *f = all;
}

static void whatever_is_written_reads_back_the_same(void **state)
{
    uint32_t seen = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct draw d = { .seed = seed };
        struct agent_frame f, first, second;
        char line[AGENT_FRAME_MAX + 1], again[AGENT_FRAME_MAX + 1];
        draw_frame(&d, &f);
        size_t length = agent_frame_write(&f, line, sizeof(line));
        assert_true(length > 0);
        assert_int_equal(agent_frame_read(line, length - 1, &first, NULL), 0);
        assert_int_equal(first.verb, f.verb);
        seen |= 1u << f.verb;
        /* What the verb does not carry is gone; the rest is written the same again. */
        assert_int_equal(agent_frame_write(&first, again, sizeof(again)), length);
        assert_memory_equal(line, again, length);
        assert_int_equal(agent_frame_read(again, length - 1, &second, NULL), 0);
        assert_memory_equal(&first, &second, sizeof(first));
        if (f.verb == AGENT_PROGRESS)
            assert_true(first.job == f.job && first.step == f.step && first.saved == f.saved &&
                        first.step_ms == f.step_ms && first.checkpoint_ms == f.checkpoint_ms);
    }
    assert_int_equal(seen, ((1u << AGENT_VERB_END) - 1) & ~1u); /* each verb came up */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frames_of_the_header_read_as_it_says),
        cmocka_unit_test(words_of_a_later_version_are_passed_over),
        cmocka_unit_test(a_wrong_line_is_refused_and_the_word_is_named),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(the_longest_and_strangest_text_fits_into_a_frame),
        cmocka_unit_test(whatever_is_written_reads_back_the_same),
    };
    return cmocka_run_group_tests_name("live/agent_frame", tests, NULL, NULL);
}
