/*
 * Reading what decides and what is done: policy, ladders, parts, steps.  A part
 * of scenario_parse.c in a file of its own; mistakes go to the reader's problems.
 */
#ifndef MW_SIM_SCENARIO_POLICY_H
#define MW_SIM_SCENARIO_POLICY_H

#include "sim/scenario_value.h"

/* A length of time in ms; `otherwise_ms` where it is absent or wrong. */
int64_t scenario_read_ms(const struct schema_field *f, const struct mw_yaml_node *n,
                         const char *key, int64_t otherwise_ms);
/* Dollars as micro-dollars, the same. */
int64_t scenario_read_usd(const struct schema_field *f, const struct mw_yaml_node *n,
                          const char *key, int64_t otherwise_uusd);

/* `policy`; NULL = absent. */
void scenario_read_policy(const struct scenario_reader *r, const struct mw_yaml_node *n);
/* `parts`, before the classes whose ladders name them. */
void scenario_read_parts(const struct scenario_reader *r, const struct mw_yaml_node *n);
/* `ladder`, `shared`, `slow`, `hazard_per_1000_node_days` of a class. */
void scenario_read_care(const struct scenario_reader *r, const struct mw_yaml_node *n,
                        struct care_class *ret);
/* `steps`. */
void scenario_read_steps(const struct scenario_reader *r, const struct mw_yaml_node *n);
/* `cures`, `gate_catch`, `relapse`, `false_alarm`, `slow_known` of a process. */
void scenario_read_cures(const struct scenario_reader *r, const struct mw_yaml_node *n,
                         struct scenario_process *ret);

#endif
