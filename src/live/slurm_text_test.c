/* Slurm's text as the real one wrote it (tests/data/slurm), and as it might be damaged. */
#include "live/slurm_text.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"

#define END "\x1e" "0123abcd"
#define S "\x1f"
#define TAIL S S S /* three empty fields */
#define TIMES S "1" S "1" S "1" S

static char *read_data(const char *path)
{
    char *text;
    size_t size;
    struct mw_error err = { 0 };
    if (mw_read_file(path, 1 << 20, false, &text, &size, &err) != 0)
        fail_msg("%s", err.text);
    return text;
}

static char *next(char **at)
{
    char *record = NULL;
    size_t size;
    assert_int_equal(slurm_record_next(at, END, &record, &size), 1);
    assert_int_equal(strlen(record), size);
    return record;
}

static void nodes_that_real_slurm_lists_are_read(void **state)
{
    static const struct {
        const char *nodes, *reason;
        uint32_t bits;
    } want[] = {
        { "n8", "fans, \"Eve\"\nsecond line = x", SLURM_NODE_DRAIN },
        { "n5", "none", SLURM_NODE_BUSY },
        { "n[1-2]", "none", SLURM_NODE_BUSY },
        { "n[3-4]", "none", 0 },
        { "n6", "mw:gpu 12 a GPU is lost", SLURM_NODE_DOWN },
        { "n7", "Not responding", SLURM_NODE_DOWN },
    };
    (void)state;
    char *text = read_data("tests/data/slurm/sinfo.txt"), *at = text, *record;
    size_t size;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(want); i++) {
        struct slurm_node_text n;
        assert_int_equal(slurm_node_read(next(&at), &n, NULL), 0);
        assert_string_equal(n.nodes, want[i].nodes);
        assert_string_equal(n.reason, want[i].reason);
        assert_int_equal(slurm_state_read(n.state), want[i].bits);
    }
    assert_int_equal(slurm_record_next(&at, END, &record, &size), 0);
    mw_free(text);
}

static void jobs_that_real_slurm_lists_are_read(void **state)
{
    static const struct slurm_job_text want[] = {
        { .id = 26, .state = SLURM_JOB_CANCELLED, .nodes = "", .name = "c", .why = "JobHeldUser",
          .task = "", .node_count = 1, .requeue = true },
        { .id = 22, .state = SLURM_JOB_DONE, .nodes = "n3", .name = "nr", .why = "None",
          .task = "", .node_count = 1, .exclusive = true, .limit_ms = 90 * MW_MS_PER_MIN },
        { .id = 23, .state = SLURM_JOB_FAILED, .nodes = "n4", .name = "bad", .task = "",
          .why = "NonZeroExitCode", .node_count = 1, .requeue = true, .exclusive = true },
        { .id = 24, .state = SLURM_JOB_WAITS, .nodes = "", .name = "arr", .task = "",
          .why = "JobArrayTaskLimit", .node_count = 1, .gpus = 2, .requeue = true, .array = true },
        { .id = 25, .state = SLURM_JOB_WAITS, .nodes = "", .name = "big", .task = "",
          .why = "JobHeldUser", .node_count = 7, .requeue = true },
        { .id = 21, .state = SLURM_JOB_RUNS, .nodes = "n[1-2]", .name = "we|ird na\"me = x",
          .task = "", .why = "None", .node_count = 2, .gpus = 16, .requeue = true,
          .exclusive = true, .limit_ms = 26 * MW_MS_PER_HOUR + 4 * MW_MS_PER_MIN },
        { .id = 28, .state = SLURM_JOB_RUNS, .nodes = "n5", .name = "arr", .task = "24_1",
          .why = "None", .node_count = 1, .gpus = 2, .requeue = true },
        { .id = 29, .state = SLURM_JOB_RUNS, .nodes = "n5", .name = "arr", .task = "24_2",
          .why = "None", .node_count = 1, .gpus = 2, .requeue = true },
        { .id = 27, .state = SLURM_JOB_RUNS, .nodes = "n5", .task = "", .why = "None",
          .name = "x\x1e\n1\x1f" "1\x1fRUNNING \xff \xc3\xa9", .node_count = 1, .gpus = 3,
          .requeue = true },
    };
    (void)state;
    char *text = read_data("tests/data/slurm/squeue.txt"), *at = text, *record;
    size_t size;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(want); i++) {
        const struct slurm_job_text *w = &want[i];
        struct slurm_job_text j;
        assert_int_equal(slurm_job_read(next(&at), &j, NULL), 0);
        assert_int_equal(j.id, w->id);
        assert_int_equal(j.state, w->state);
        assert_string_equal(j.nodes, w->nodes);
        assert_string_equal(j.name, w->name);
        assert_string_equal(j.why, w->why);
        assert_string_equal(j.task, w->task);
        assert_int_equal(j.node_count, w->node_count);
        assert_int_equal(j.gpus, w->gpus);
        assert_int_equal(j.limit_ms, w->limit_ms);
        assert_int_equal(j.requeue, w->requeue);
        assert_int_equal(j.exclusive, w->exclusive);
        assert_int_equal(j.array, w->array);
        assert_int_equal(j.submit_s, 1795348851);
        assert_true((j.start_s > 0) == (j.state != SLURM_JOB_WAITS));
    }
    assert_int_equal(slurm_record_next(&at, END, &record, &size), 0);
    mw_free(text);
}

static void text_that_is_cut_short_is_not_taken(void **state)
{
    (void)state;
    char *text = read_data("tests/data/slurm/squeue.txt");
    size_t size = strlen(text), record_size;
    for (size_t cut = 1; cut < size; cut++) {
        char *copy = mw_strndup(text, cut), *at = copy, *record;
        int rc;
        while ((rc = slurm_record_next(&at, END, &record, &record_size)) > 0)
            continue;
        bool between = cut >= 10 && strncmp(text + cut - 10, END "\n", 10) == 0;
        assert_int_equal(rc, between ? 0 : MW_ESYNTAX);
        mw_free(copy);
    }
    mw_free(text);
}

static void end_marks_differ_and_are_in_the_format(void **state)
{
    (void)state;
    char a[SLURM_END_SIZE + 1], b[SLURM_END_SIZE + 1], format[SLURM_FORMAT_MAX];
    slurm_text_end(1, a);
    slurm_text_end(2, b);
    assert_int_equal(strlen(a), SLURM_END_SIZE);
    assert_string_not_equal(a, b);
    slurm_jobs_format(a, format);
    assert_string_equal(format + strlen(format) - SLURM_END_SIZE, a);
    assert_int_equal(strncmp(format, "JobID:" S ",", 8), 0);
    slurm_nodes_format(b, format);
    assert_string_equal(format + strlen(format) - SLURM_END_SIZE, b);
}

static void states_of_nodes_are_words_joined(void **state)
{
    (void)state;
    assert_int_equal(slurm_state_read("idle"), 0);
    assert_int_equal(slurm_state_read("down+drain+not_responding"),
                     SLURM_NODE_DOWN | SLURM_NODE_DRAIN | SLURM_NODE_SILENT);
    assert_int_equal(slurm_state_read("ALLOCATED+DRAIN"), SLURM_NODE_BUSY | SLURM_NODE_DRAIN);
    assert_int_equal(slurm_state_read("unknown"), SLURM_NODE_UNKNOWN);
    assert_int_equal(slurm_state_read("idle+cloud+powered_down"), 0);
    assert_int_equal(slurm_state_read(""), 0);
    assert_int_equal(slurm_state_read("++drains+"), 0);
}

static void time_limits_in_every_form(void **state)
{
    static const struct {
        const char *s;
        int64_t ms;
    } good[] = {
        { "UNLIMITED", 0 }, { "NOT_SET", 0 }, { "", 0 }, { "0:30", 30000 }, { "10:00", 600000 },
        { "1:00:00", 3600000 }, { "1-00:00:00", 86400000 }, { "365-00:00:01", 31536001000 },
    };
    static const char *const bad[] = { "1", "1:", "1:2:3:4", "1-2:3", "1-", "1:-3", "1-1-1",
                                       "99999999999:00", "1:00x" };
    (void)state;
    int64_t ms;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(good); i++) {
        assert_int_equal(slurm_limit_read(good[i].s, &ms), 0);
        assert_int_equal(ms, good[i].ms);
    }
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        if (slurm_limit_read(bad[i], &ms) != MW_ESYNTAX)
            fail_msg("%s was taken as %lld ms", bad[i], (long long)ms);
}

static void gpus_in_every_form(void **state)
{
    (void)state;
    assert_int_equal(slurm_gpus_read("gres:gpu:8"), 8);
    assert_int_equal(slurm_gpus_read("gres/gpu:h100:4"), 4);
    assert_int_equal(slurm_gpus_read("gres:gpu"), 1);
    assert_int_equal(slurm_gpus_read("gres:gpu:h100"), 1);
    assert_int_equal(slurm_gpus_read("gres:gpu:h100:3,gres:gpu:a100:1"), 4);
    assert_int_equal(slurm_gpus_read("cpu=4,mem=2M,node=1,gres/gpu=16"), 16);
    assert_int_equal(slurm_gpus_read("gres:gpumem:16,gres:shard:3"), 0);
    assert_int_equal(slurm_gpus_read("N/A"), 0);
    assert_int_equal(slurm_gpus_read("gres:gpu:99999999999999999999999"), 0);
}

static void fields_that_cannot_be_are_named(void **state)
{
    static const struct {
        const char *record, *named;
    } bad[] = {
        { "7" S "7" S "RUNNING", "a line of squeue" },
        { "x" S "7" S "RUNNING" S "n1" S "0" S "1" TIMES "1:00" S "1" S S S S "0" TAIL,
          "a job's number" },
        { "7" S "7" S "RUNNING" S "n1" S "-1" S "1" TIMES "1:00" S "1" S S S S "0" TAIL,
          "a job's restarts" },
        { "7" S "7" S "RUNNING" S "n1" S "0" S "1" TIMES "1:00" S "?" S S S S "0" TAIL,
          "a job's count of nodes" },
        { "7" S "7" S "RUNNING" S "n1" S "0" S "1" TIMES "1:" S "1" S S S S "0" TAIL,
          "a job's time limit" },
    };
    (void)state;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        struct mw_error err = { 0 };
        struct slurm_job_text j;
        char *copy = mw_strdup(bad[i].record);
        assert_int_equal(slurm_job_read(copy, &j, &err), MW_ESYNTAX);
        assert_non_null(strstr(err.text, bad[i].named));
        mw_free(copy);
    }
}

static void text_for_the_record_is_clean_and_bounded(void **state)
{
    (void)state;
    char to[8];
    assert_int_equal(slurm_text_clean("a\n\x1b\x7f" "b", to, sizeof(to)), 5);
    assert_string_equal(to, "a   b");
    assert_int_equal(slurm_text_clean("\xff\xc3\xa9\xc3", to, sizeof(to)), 4);
    assert_string_equal(to, "?\xc3\xa9?");
    assert_int_equal(slurm_text_clean("123456\xc3\xa9", to, sizeof(to)), 6); /* no half letters */
    assert_string_equal(to, "123456");
    assert_int_equal(slurm_text_clean("\xed\xa0\x80", to, sizeof(to)), 3); /* a surrogate */
    assert_string_equal(to, "???");
    assert_int_equal(slurm_text_clean("\xc0\x80", to, sizeof(to)), 2); /* overlong */
    assert_string_equal(to, "??");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_that_real_slurm_lists_are_read),
        cmocka_unit_test(jobs_that_real_slurm_lists_are_read),
        cmocka_unit_test(text_that_is_cut_short_is_not_taken),
        cmocka_unit_test(end_marks_differ_and_are_in_the_format),
        cmocka_unit_test(states_of_nodes_are_words_joined),
        cmocka_unit_test(time_limits_in_every_form),
        cmocka_unit_test(gpus_in_every_form),
        cmocka_unit_test(fields_that_cannot_be_are_named),
        cmocka_unit_test(text_for_the_record_is_clean_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
