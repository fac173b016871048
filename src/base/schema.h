/*
 * Tables that say what a YAML file may hold, one checker that reports every
 * departure from them with its place, and getters that never return a value
 * the table forbids.  Used by sites, scenarios and policies.
 *
 * Write a `static const struct schema_field x_fields[] = {..., {0}}` per map.
 */
#ifndef MW_BASE_SCHEMA_H
#define MW_BASE_SCHEMA_H

#include "base/yaml.h"

enum schema_type {
    SCHEMA_TEXT = 1, /* any scalar; min, max bound its length in bytes */
    SCHEMA_INT,      /* whole number */
    SCHEMA_NUMBER,   /* finite number */
    SCHEMA_BOOL,     /* true or false */
    SCHEMA_DURATION, /* "90s", "2.5h"; min, max in seconds */
    SCHEMA_TIME,     /* "2024-01-31" or with time of day, UTC */
    SCHEMA_POWER,    /* watts: 10200, "10.2 kW", "12MW"; min, max in watts */
    SCHEMA_CHOICE,   /* one of `choices` */
    SCHEMA_MAP,      /* a map with the keys of `fields` */
    SCHEMA_MAP_OF,   /* a map with free keys, each value like `item` */
    SCHEMA_LIST,     /* a list, each item like `item`; min, max bound the number of items */
    SCHEMA_ANY       /* not looked into */
};

struct schema_field {
    const char *name; /* the key; NULL ends a table */
    enum schema_type type;
    bool required;
    double min, max;                   /* inclusive; both 0 = no bound */
    const char *const *choices;        /* NULL-ended */
    const struct schema_field *fields; /* of SCHEMA_MAP */
    const struct schema_field *item;   /* of SCHEMA_MAP_OF and SCHEMA_LIST; its name is unused */
    const char *help;                  /* what it is, for messages: "watts the breaker carries" */
};

/* Checks the map `node` against a table and all that is below it.  Every mistake goes to
 * *problems: unknown key (with the nearest known one), key given twice, missing key, wrong type,
 * out of range.  Returns how many. */
uint32_t schema_check(const struct mw_yaml *y, const struct mw_yaml_node *node,
                      const struct schema_field *fields, struct problems *problems);

/* The value of a key of a checked map.  `otherwise` when the key is absent, or its value breaks the
 * table (that was reported by schema_check): callers can go on and find the other mistakes. */
int64_t schema_int(const struct schema_field *fields, const struct mw_yaml_node *map,
                   const char *key, int64_t otherwise);
double schema_number(const struct schema_field *fields, const struct mw_yaml_node *map,
                     const char *key, double otherwise);
bool schema_bool(const struct schema_field *fields, const struct mw_yaml_node *map,
                 const char *key, bool otherwise);
int64_t schema_duration_ns(const struct schema_field *fields, const struct mw_yaml_node *map,
                           const char *key, int64_t otherwise_ns);
int64_t schema_time_ns(const struct schema_field *fields, const struct mw_yaml_node *map,
                       const char *key, int64_t otherwise_ns);
int64_t schema_power_w(const struct schema_field *fields, const struct mw_yaml_node *map,
                       const char *key, int64_t otherwise_w);
const char *schema_text(const struct schema_field *fields, const struct mw_yaml_node *map,
                        const char *key, const char *otherwise);
/* Place in the field's choices. */
int schema_choice(const struct schema_field *fields, const struct mw_yaml_node *map,
                  const char *key, int otherwise);
/* A list or map when it has the right kind; NULL otherwise. */
const struct mw_yaml_node *schema_list(const struct schema_field *fields,
                                       const struct mw_yaml_node *map, const char *key);

/* "10200", "10.2 kW", "12MW", "950 W" -> watts. */
MW_MUST_USE int schema_parse_power(const char *s, int64_t *ret_w);

/* The candidate nearest to `word` when near enough to be a slip, else NULL.  NULL-ended list. */
const char *schema_nearest(const char *word, const char *const *candidates);

#endif
