/*
 * The list of nouns, in the order of the help.  Only the list: each noun's
 * commands are in its own file.
 */
#include "cli/commands.h"

static const struct command_group *const groups[] = {
    &cmd_site,
    &cmd_sim,
    &cmd_replay,
    &cmd_trace,
    &cmd_journal,
    &cmd_serve,
    &cmd_status,
    &cmd_mode,
    &cmd_node,
    &cmd_job,
    &cmd_approve,
    &cmd_reject,
    &cmd_incidents,
    &cmd_orders,
    &cmd_order,
    &cmd_gate,
    &cmd_guard,
    &cmd_budget,
    &cmd_window,
    &cmd_parts,
    &cmd_odds,
    &cmd_lemons,
    &cmd_spares,
    &cmd_diagnose,
    &cmd_straggler,
    &cmd_why,
    &cmd_explain,
    &cmd_history,
    &cmd_suspects,
    &cmd_shadow,
    &cmd_record,
    &cmd_inject,
    &cmd_docs,
    &cmd_completion,
    &cmd_help,
    &cmd_version,
    NULL,
};

const struct command_table mw_commands = {
    .program = "mw",
    .summary = "operates a GPU site, real or simulated, and keeps one record of both",
    .groups = groups,
};
