/*
 * The tables of the scenario language: every key, its type and bounds.  The
 * parser, the manual's test and the fuzzer read them; nothing else does.
 */
#ifndef MW_SIM_SCENARIO_SCHEMA_H
#define MW_SIM_SCENARIO_SCHEMA_H

#include "base/schema.h"

extern const struct schema_field scenario_fields[];
extern const struct schema_field scenario_site_fields[];
extern const struct schema_field scenario_class_fields[];
extern const struct schema_field scenario_process_fields[];
extern const struct schema_field scenario_share_factor_fields[]; /* lemons, batches */
extern const struct schema_field scenario_burst_fields[];
extern const struct schema_field scenario_trace_fields[];
extern const struct schema_field scenario_crews_fields[];
extern const struct schema_field scenario_operator_fields[];
extern const struct schema_field scenario_jobs_fields[];
extern const struct schema_field scenario_job_class_fields[];
extern const struct schema_field scenario_policy_fields[];
extern const struct schema_field scenario_lemon_fields[];  /* the rule of the policy */
extern const struct schema_field scenario_spares_fields[];
extern const struct schema_field scenario_guard_fields[];
extern const struct schema_field scenario_ladder_fields[]; /* a step of a class's ladder */
extern const struct schema_field scenario_part_fields[];
extern const struct schema_field scenario_step_fields[];   /* what doing a step is truly like */
extern const struct schema_field scenario_steps_fields[];  /* its steps by name */
extern const struct schema_field scenario_cures_fields[];  /* a share for each step's name */
extern const struct schema_field scenario_messages_fields[];
extern const struct schema_field scenario_draw_fields[]; /* a law written as a map */

/* Words and what they stand for, in the order of the tables' choices. */
extern const char *const scenario_on_words[];     /* kinds a process can be on … */
extern const uint8_t scenario_on_kinds[];         /* … as enum component_kind */
extern const char *const scenario_within_words[]; /* the same for bursts */
extern const uint8_t scenario_within_kinds[];
extern const char *const scenario_step_words[];   /* by enum care_step */
extern const char *const scenario_who_words[];    /* by enum step_who */
extern const char *const scenario_shared_words[]; /* bit i of CAUSE_* */

#endif
