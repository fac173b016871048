/*
 * Rows of the scenario language's tables, of one type each with the bounds that
 * most of them have.  Included by scenario_schema.c and scenario_schema_policy.c
 * only.
 */
#ifndef MW_SIM_SCENARIO_FIELD_H
#define MW_SIM_SCENARIO_FIELD_H

#include "base/schema.h"

#define SECONDS_MAX (100.0 * 365 * 86400)
#define PATH_BYTES_MAX 200

#define SHARE(key, what) \
    {.name = key, .type = SCHEMA_NUMBER, .min = 0, .max = 1, .help = what}
#define TIME_SPAN(key, what) \
    {.name = key, .type = SCHEMA_DURATION, .min = 0, .max = SECONDS_MAX, .help = what}
#define LAW(key, what) {.name = key, .type = SCHEMA_ANY, .help = what}
#define WHOLE(key, least, most, what) \
    {.name = key, .type = SCHEMA_INT, .min = least, .max = most, .help = what}
#define YES_NO(key, what) {.name = key, .type = SCHEMA_BOOL, .help = what}
#define PATH(key, what) \
    {.name = key, .type = SCHEMA_TEXT, .min = 1, .max = PATH_BYTES_MAX, .help = what}
#define MAP(key, table, what) \
    {.name = key, .type = SCHEMA_MAP, .fields = table, .help = what}
#define NUMBER(key, least, most, what) \
    {.name = key, .type = SCHEMA_NUMBER, .min = least, .max = most, .help = what}

#endif
