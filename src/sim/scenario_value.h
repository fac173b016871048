/*
 * The values of the scenario language that no single schema type describes:
 * laws, mixtures of laws, sizes with weights.  Every mistake goes to *problems
 * with its place; the result is usable in any case.
 */
#ifndef MW_SIM_SCENARIO_VALUE_H
#define MW_SIM_SCENARIO_VALUE_H

#include "sim/scenario.h"
#include "sim/scenario_schema.h"

struct scenario_reader {
    const struct mw_yaml *doc;
    struct problems *problems;
    struct scenario *s;
};

/* A law: a length of time, or a map {law: …}.  Absent (node NULL): *ret stays as it was. */
void scenario_read_draw(const struct scenario_reader *r, const struct mw_yaml_node *map,
                        const char *key, struct scenario_draw *ret);

/* A law, or a list of laws with `share`. */
void scenario_read_mix(const struct scenario_reader *r, const struct mw_yaml_node *map,
                       const char *key, struct scenario_mix *ret);

/* `gpus` of a job class: a number, or a map of size to weight. */
void scenario_read_sizes(const struct scenario_reader *r, const struct mw_yaml_node *map,
                         struct scenario_job_class *ret);

/* A text of at most size - 1 bytes, cut at the schema's bound. */
void scenario_read_text(const struct schema_field *fields, const struct mw_yaml_node *map,
                        const char *key, char *ret, size_t size);

/* A path: relative to the file's folder, or as given when it came by --set. */
void scenario_read_path(const struct scenario_reader *r, const struct mw_yaml_node *map,
                        const char *key, char ret[256]);

/* A mistake at a node. */
#define scenario_problem(r, node, ...) \
    problems_add((r)->problems, mw_yaml_place((r)->doc, (node)), __VA_ARGS__)

#endif
