/* Any bytes: the reader and the checker must end, within bounds, without a leak. */
#include <stdio.h>

#include "base/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct schema_field number = {.type = SCHEMA_NUMBER};
    static const struct schema_field fields[] = {
        {.name = "site", .type = SCHEMA_TEXT, .required = true},
        {.name = "gate", .type = SCHEMA_DURATION, .max = 1e6},
        {.name = "power_w", .type = SCHEMA_POWER},
        {.name = "list", .type = SCHEMA_LIST, .item = &number},
        {.name = "classes", .type = SCHEMA_MAP_OF, .item = &number},
        {0},
    };
    struct problems problems = {0};
    struct mw_yaml *y = NULL;

    if (mw_yaml_read((const char *)data, size, "fuzz", &y, &problems, NULL) == 0) {
        (void)schema_check(y, mw_yaml_root(y), fields, &problems);
        (void)schema_duration_ns(fields, mw_yaml_root(y), "gate", 0);
        (void)schema_power_w(fields, mw_yaml_root(y), "power_w", 0);
        if (mw_yaml_set(y, "a.b.0", "1", NULL) == 0)
            must(mw_yaml_at(y, "a.b.0") != NULL);
    }
    problems_sort(&problems);
    for (uint32_t i = 0; i < problems.length; i++) {
        char text[400];
        problem_format(&problems.item[i], text, sizeof(text));
    }
    problems_fini(&problems);
    mw_yaml_destroy(y);
    return 0;
}
