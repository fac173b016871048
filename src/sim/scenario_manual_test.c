/* docs/scenario.md against the tables that the parser reads: no key without its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "sim/scenario.h"
#include "sim/scenario_schema.h"

__attribute__((noinline)) static char *manual(void) /* inlined, gcc 12 sees dangling pointers */
{
    char *text = NULL;
    size_t size;
    struct mw_error err = {0};
    if (mw_read_file("docs/scenario.md", 1 << 20, false, &text, &size, &err) != 0)
        fail_msg("%s", err.text);
    return text;
}

/* The text from a heading to the next one. */
static char *section(const char *text, const char *heading)
{
    char line[64];
    (void)snprintf(line, sizeof(line), "\n%s\n", heading);
    const char *at = strstr(text, line);
    if (at == NULL)
        fail_msg("there is no heading \"%s\"", heading);
    const char *body = at + strlen(line), *end = strstr(body, "\n#");
    return mw_strndup(body, end == NULL ? strlen(body) : (size_t)(end - body));
}

static const struct {
    const char *heading;
    const struct schema_field *fields;
} parts[] = {
    {"### Laws", scenario_draw_fields},
    {"## The file", scenario_fields},
    {"## site", scenario_site_fields},
    {"## classes", scenario_class_fields},
    {"### ladder", scenario_ladder_fields},
    {"## parts", scenario_part_fields},
    {"## faults", scenario_process_fields},
    {"### cures", scenario_cures_fields},
    {"### lemons and batches", scenario_share_factor_fields},
    {"### burst", scenario_burst_fields},
    {"## fault_trace", scenario_trace_fields},
    {"## steps", scenario_steps_fields},
    {"### a step", scenario_step_fields},
    {"## crews", scenario_crews_fields},
    {"## operator", scenario_operator_fields},
    {"## jobs", scenario_jobs_fields},
    {"### job classes", scenario_job_class_fields},
    {"## policy", scenario_policy_fields},
    {"### spares", scenario_spares_fields},
    {"### lemon", scenario_lemon_fields},
    {"### guard", scenario_guard_fields},
    {"## messages", scenario_messages_fields},
};

static void every_key_of_the_language_is_in_its_section_of_the_manual(void **state)
{
    (void)state;
    char *text = manual();
    for (size_t i = 0; i < MW_ARRAY_LEN(parts); i++) {
        char *body = section(text, parts[i].heading);
        for (const struct schema_field *f = parts[i].fields; f->name != NULL; f++) {
            char row[64];
            (void)snprintf(row, sizeof(row), "| `%s` |", f->name);
            if (strstr(body, row) == NULL)
                fail_msg("\"%s\" is not under \"%s\"", f->name, parts[i].heading);
        }
        mw_free(body);
    }
    mw_free(text);
}

static bool known(const struct schema_field *fields, const char *name, size_t length)
{
    for (; fields->name != NULL; fields++)
        if (strlen(fields->name) == length && memcmp(fields->name, name, length) == 0)
            return true;
    return false;
}

static void the_manual_names_no_key_that_the_language_lacks(void **state)
{
    (void)state;
    char *text = manual();
    for (size_t i = 0; i < MW_ARRAY_LEN(parts); i++) {
        char *body = section(text, parts[i].heading);
        for (const char *at = strstr(body, "\n| `"); at != NULL; at = strstr(at + 1, "\n| `")) {
            size_t length = strcspn(at + 4, "`");
            if (!known(parts[i].fields, at + 4, length))
                fail_msg("\"%.*s\" under \"%s\" is no key", (int)length, at + 4, parts[i].heading);
        }
        mw_free(body);
    }
    mw_free(text);
}

static void the_example_of_the_manual_parses(void **state)
{
    (void)state;
    char *text = manual(), problem[512] = "";
    const char *at = strstr(text, "```yaml\n"), *end = at == NULL ? NULL : strstr(at + 8, "\n```");
    assert_non_null(end);
    char *yaml = mw_strndup(at + 8, (size_t)(end - at - 7));
    mw_free(text);
    struct scenario_source source = {yaml, strlen(yaml), "docs/scenario.md", NULL, 0};
    struct scenario *s = mw_calloc(1, sizeof(*s));
    struct problems p = {0};
    struct mw_error err = {0};
    if (scenario_parse(&source, s, &p, &err) != 0) {
        if (p.length > 0)
            problem_format(&p.item[0], problem, sizeof(problem));
        fail_msg("%s: %s", err.text, problem);
    }
    assert_string_equal(s->name, "example");
    assert_int_equal(s->job_classes, 2);
    problems_fini(&p);
    mw_free(s);
    mw_free(yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_the_language_is_in_its_section_of_the_manual),
        cmocka_unit_test(the_manual_names_no_key_that_the_language_lacks),
        cmocka_unit_test(the_example_of_the_manual_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
