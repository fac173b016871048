/*
 * The stories in the simulated world, under virtual time.  With a story's number
 * as argument its record is printed, as it is compared.
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

static void tell(void **state)
{
    const struct story *story = *state;
    struct world w = world_twin(1);
    struct stage s;
    story_run(story, &w, &s);
    stage_close(&s);
    w.destroy(w.self);
}

static void the_same_story_is_recorded_the_same(void **state)
{
    (void)state;
    struct canon c[2];
    struct text t = { 0 };
    for (uint32_t i = 0; i < 2; i++) {
        struct world w = world_twin(1);
        struct stage s;
        story_run(&STORIES[0], &w, &s);
        canon_of(&s, &c[i]);
        stage_close(&s);
        w.destroy(w.self);
    }
    assert_true(canon_equal(&c[0], "one", &c[1], "two", &t));
    c[1].line[c[1].lines / 2].line[0] = '?'; /* and a difference is seen */
    assert_false(canon_equal(&c[0], "one", &c[1], "two", &t));
    assert_non_null(strstr(text_string(&t), "> ?"));
    canon_fini(&c[0]);
    canon_fini(&c[1]);
    text_fini(&t);
}

static int print(const char *number)
{
    uint64_t n;
    struct world w = world_twin(1);
    struct stage s;
    struct canon c;
    if (mw_parse_u64(number, &n) < 0 || n >= STORY_COUNT)
        return 2;
    story_run(&STORIES[n], &w, &s);
    for (uint32_t i = 0; i < s.length; i++) {
        char line[CANON_LINE_MAX];
        canon_print(&s, i, line);
        printf("%9.3f %s\n", (double)(s.log[i].ev.time_ns - s.log[0].ev.time_ns) / 1e9, line);
    }
    canon_of(&s, &c);
    for (uint32_t i = 0; i < c.lines; i++)
        printf("%-14s %s\n", c.line[i].subject, c.line[i].line);
    return 0;
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[32] = { 0 };
    uint32_t n = 0;
    if (argc > 1)
        return print(argv[1]);
    for (; n < STORY_COUNT; n++)
        tests[n] = (struct CMUnitTest){ .name = STORIES[n].name, .test_func = tell,
                                        .initial_state = (void *)(uintptr_t)&STORIES[n] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_same_story_is_recorded_the_same);
    return _cmocka_run_group_tests("stories on the twin", tests, n, NULL, NULL);
}
