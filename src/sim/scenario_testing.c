/* See the header. */
#include "sim/scenario_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

int scenario_read_set(const char *yaml, const char *const *set, uint32_t set_n, struct scenario *s,
                      struct problems *p, struct mw_error *err)
{
    struct scenario_source source = {yaml, strlen(yaml), "dir/t.yaml", set, set_n};
    return scenario_parse(&source, s, p, err);
}

struct scenario *scenario_good(const char *yaml)
{
    return scenario_good_set(yaml, NULL, 0);
}

struct scenario *scenario_good_set(const char *yaml, const char *const *set, uint32_t set_n)
{
    struct scenario *s = mw_calloc(1, sizeof(*s));
    struct problems p = {0};
    struct mw_error err = {0};
    char text[512] = "";
    if (scenario_read_set(yaml, set, set_n, s, &p, &err) != 0) {
        if (p.length > 0)
            problem_format(&p.item[0], text, sizeof(text));
        fail_msg("%s: %s", err.text, text);
    }
    problems_fini(&p);
    return s;
}

uint32_t scenario_refused(const char *yaml, const char *part)
{
    struct scenario *s = mw_calloc(1, sizeof(*s));
    struct problems p = {0};
    struct mw_error err = {0};
    char text[512], all[4096] = "";
    bool found = false;
    assert_int_equal(scenario_read_set(yaml, NULL, 0, s, &p, &err), MW_ESYNTAX);
    for (uint32_t i = 0; i < p.length; i++) {
        problem_format(&p.item[i], text, sizeof(text));
        found = found || strstr(text, part) != NULL;
        (void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s\n", text);
    }
    if (!found)
        fail_msg("\"%s\" is not in:\n%s", part, all);
    uint32_t mistakes = p.total;
    problems_fini(&p);
    mw_free(s);
    return mistakes;
}
