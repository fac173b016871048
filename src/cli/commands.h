/*
 * The command table of `mw`.
 *
 * To add a noun: write src/cli/cmd_<noun>.c that includes this header and
 * defines `const struct command_group cmd_<noun>`, declare it below, list it in
 * commands.c in the order of the help, and name the file and the rooms it needs
 * in meson.build.  The tests then demand its summary, description and examples,
 * render its page and run its examples.
 */
#ifndef MW_CLI_COMMANDS_H
#define MW_CLI_COMMANDS_H

#include "cli/command.h"

extern const struct command_table mw_commands;

extern const struct command_group cmd_site;
extern const struct command_group cmd_import;
extern const struct command_group cmd_fabric;
extern const struct command_group cmd_sim;
extern const struct command_group cmd_replay;
extern const struct command_group cmd_trace;
extern const struct command_group cmd_journal;
extern const struct command_group cmd_serve;
extern const struct command_group cmd_context;
extern const struct command_group cmd_login;
extern const struct command_group cmd_logout;
extern const struct command_group cmd_agent;
extern const struct command_group cmd_token;
extern const struct command_group cmd_audit;
extern const struct command_group cmd_get;
extern const struct command_group cmd_describe;
extern const struct command_group cmd_readings;
extern const struct command_group cmd_watch;
extern const struct command_group cmd_top;
extern const struct command_group cmd_drain;
extern const struct command_group cmd_cordon;
extern const struct command_group cmd_return;
extern const struct command_group cmd_wait;
extern const struct command_group cmd_doctor;
extern const struct command_group cmd_support_bundle;
extern const struct command_group cmd_status;
extern const struct command_group cmd_mode;
extern const struct command_group cmd_node;
extern const struct command_group cmd_job;
extern const struct command_group cmd_approve;
extern const struct command_group cmd_reject;
extern const struct command_group cmd_incidents;
extern const struct command_group cmd_orders;
extern const struct command_group cmd_order;
extern const struct command_group cmd_gate;
extern const struct command_group cmd_guard;
extern const struct command_group cmd_budget;
extern const struct command_group cmd_window;
extern const struct command_group cmd_parts;
extern const struct command_group cmd_odds;
extern const struct command_group cmd_lemons;
extern const struct command_group cmd_spares;
extern const struct command_group cmd_diagnose;
extern const struct command_group cmd_straggler;
extern const struct command_group cmd_why;
extern const struct command_group cmd_explain;
extern const struct command_group cmd_history;
extern const struct command_group cmd_suspects;
extern const struct command_group cmd_shadow;
extern const struct command_group cmd_record;
extern const struct command_group cmd_inject;
extern const struct command_group cmd_preflight;
extern const struct command_group cmd_bench;
extern const struct command_group cmd_docs;
extern const struct command_group cmd_completion;
extern const struct command_group cmd_help;
extern const struct command_group cmd_version;

#endif
