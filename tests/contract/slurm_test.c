/*
 * One contract: every story on a real Slurm cluster and in the simulated world,
 * and what the two recorded compared event by event.
 *
 * usage: slurm_test SLURM-LAB MW-AGENT [STORY...]   (by number, from 0)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/parse.h"
#include "tests/contract/canon.h"
#include "tests/contract/stories.h"

struct run {
    const char *program, *agent;
    struct world real;
    struct stage stage; /* open when a story has failed in it */
};

static struct run the_run; /* cmocka hands a test one thing only: the story */

static void record(const struct world *w, const struct story *story, struct canon *ret)
{
    struct stage *s = &the_run.stage;
    story_run(story, w, s);
    canon_of(s, ret);
    if (w == &the_run.real) /* before the daemon goes, so that the agents do not miss it for long */
        w->clean(w->self);
    stage_close(s);
}

/* cmocka cuts what it prints at 1,024 bytes. */
static void print_lines(const char *text)
{
    for (size_t n; *text; text += n) {
        n = strcspn(text, "\n");
        print_error("%.*s\n", (int)n, text);
        n += text[n] == '\n';
    }
}

static void both_worlds_record_the_same(void **state)
{
    const struct story *story = *state;
    struct world twin = world_twin(1);
    struct canon expected, got;
    struct text t = { 0 };
    record(&twin, story, &expected);
    record(&the_run.real, story, &got);
    twin.destroy(twin.self);
    bool equal = canon_equal(&expected, "twin", &got, "slurm", &t);
    canon_fini(&expected);
    canon_fini(&got);
    if (!equal)
        print_lines(text_string(&t));
    text_fini(&t);
    assert_true(equal);
}

/* A story that failed left its stage: what it recorded is shown. */
static int leave(void **state)
{
    struct stage *s = &the_run.stage;
    (void)state;
    if (!s->live)
        return 0;
    for (uint32_t i = 0; i < s->length; i++) {
        char line[CANON_LINE_MAX];
        canon_print(s, i, line);
        print_error("%8.3f %s\n",
                    (double)(s->log[i].ev.time_ns - s->log[0].ev.time_ns) / 1e9, line);
    }
    the_run.real.clean(the_run.real.self);
    stage_close(s);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    the_run.real = world_real(the_run.program, the_run.agent);
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (the_run.real.self)
        the_run.real.destroy(the_run.real.self);
    return 0;
}

/* Stories are named by number, from 0; none named: all. */
static bool wanted(uint32_t story, int argc, char **argv)
{
    uint64_t n;
    bool named = argc == 3;
    for (int i = 3; i < argc; i++)
        named = named || (mw_parse_u64(argv[i], &n) == 0 && n == story);
    return named;
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[32] = { 0 };
    uint32_t n = 0;
    if (argc < 3) {
        (void)fprintf(stderr, "usage: %s SLURM-LAB MW-AGENT [STORY...]\n", argv[0]);
        return 2;
    }
    the_run = (struct run){ .program = argv[1], .agent = argv[2] };
    for (uint32_t i = 0; i < STORY_COUNT; i++)
        if (wanted(i, argc, argv))
            tests[n++] = (struct CMUnitTest){
                .name = STORIES[i].name, .test_func = both_worlds_record_the_same,
                .teardown_func = leave,
                .initial_state = (void *)(uintptr_t)&STORIES[i] };
    return _cmocka_run_group_tests("stories on Slurm and on the twin", tests, n, begin, end);
}
