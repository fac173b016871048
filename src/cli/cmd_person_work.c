/*
 * What a person tells the daemon of jobs, repairs and checks.  Each is one POST;
 * the daemon looks the names up and decides whether it can be.
 */
#include "base/text.h"
#include "cli/commands.h"
#include "cli/tell.h"

static int run_job_require(struct cli_context *ctx)
{
    json_t *c = tell_number(tell_command(ctx, "job-require", true), "job", cli_arg(ctx, 0));
    c = tell_text(c, "node", cli_arg(ctx, 1));
    return tell_post(ctx, tell_number(c, "count", cli_option_string(ctx, "count")));
}

static int job(struct cli_context *ctx, const char *verb)
{
    return tell_post(ctx, tell_number(tell_command(ctx, verb, true), "job", cli_arg(ctx, 0)));
}

static int run_job_hold(struct cli_context *ctx)
{
    return job(ctx, "job-hold");
}

static int run_job_release(struct cli_context *ctx)
{
    return job(ctx, "job-release");
}

static int run_job_requeue(struct cli_context *ctx)
{
    return job(ctx, "job-requeue");
}

/* A part by its name, or an order or check by its number. */
static int target(struct cli_context *ctx, const char *verb)
{
    const char *what = cli_arg(ctx, 0);
    uint64_t n = 0;
    json_t *c = tell_command(ctx, verb, false);
    return tell_post(ctx, mw_parse_u64(what, &n) == 0 ? tell_number(c, "ref", what)
                                                 : tell_text(c, "node", what));
}

static int run_order_taken(struct cli_context *ctx)
{
    return target(ctx, "order-taken");
}

static int run_order_done(struct cli_context *ctx)
{
    return target(ctx, "order-done");
}

static int run_order_failed(struct cli_context *ctx)
{
    return target(ctx, "order-failed");
}

/* Closes a work order with what was done. */
static int run_order_close(struct cli_context *ctx)
{
    bool failed = cli_option_bool(ctx, "failed");
    json_t *c = tell_number(tell_command(ctx, failed ? "order-failed" : "order-done", false),
                            "ref", cli_arg(ctx, 0));
    c = tell_text(c, "did", cli_option_string(ctx, "did"));
    c = tell_text(c, "found", cli_option_string(ctx, "found"));
    return tell_post(ctx, tell_text(c, "serial", cli_option_string(ctx, "serial")));
}

static int run_order_take(struct cli_context *ctx)
{
    return tell_post(ctx, tell_number(tell_command(ctx, "order-taken", false), "ref",
                                      cli_arg(ctx, 0)));
}

static int run_gate_pass(struct cli_context *ctx)
{
    return target(ctx, "gate-pass");
}

static int run_gate_fail(struct cli_context *ctx)
{
    return target(ctx, "gate-fail");
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct command_option told[] = { REASON_OPTION, DAEMON_OPTIONS, { 0 } };
static const struct command_option only_socket[] = { DAEMON_OPTIONS, { 0 } };

static const struct command_arg job_arg[] = {
    { .name = "JOB", .type = VALUE_U64, .help = "the job's number in Slurm" },
    { 0 },
};
static const struct command_arg order_arg[] = {
    { .name = "ORDER", .type = VALUE_STRING,
      .help = "the part it is about, or the order's number in mw status" },
    { 0 },
};
static const struct command_arg order_number_arg[] = {
    { .name = "ORDER", .type = VALUE_U64, .help = "its number, as mw orders shows it" },
    { 0 },
};
static const struct command_arg gate_arg[] = {
    { .name = "NODE", .type = VALUE_STRING,
      .help = "the node, or the check's number in mw status" },
    { 0 },
};


static const struct command job_commands[] = {
    {
        .verb = "hold",
        .summary = "ask Slurm not to start a job",
        .description = "The job waits in Slurm's queue until mw job release.",
        .examples =
            (const struct command_example[]){
                { .line = "mw job hold 1207 --reason 'data not there' --socket mw.sock",
                  .shows = "Holds job 1207; a daemon without Slurm refuses (5).",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = told,
        .args = job_arg,
        .exits = tell_exits,
        .run = run_job_hold,
    },
    {
        .verb = "release",
        .summary = "ask Slurm to let a held job start",
        .description = "Lifts what mw job hold, or a person in Slurm, set on a job.",
        .examples =
            (const struct command_example[]){
                { .line = "mw job release 1207 --reason 'data copied' --socket mw.sock",
                  .shows = "Job 1207 may start; a daemon without Slurm refuses (5).",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = told,
        .args = job_arg,
        .exits = tell_exits,
        .run = run_job_release,
    },
    {
        .verb = "requeue",
        .summary = "ask Slurm to put a job back and start it again",
        .description = "What runs of the job ends; it starts again at once where there is room.",
        .examples =
            (const struct command_example[]){
                { .line = "mw job requeue 1207 --reason 'hangs since noon' --socket mw.sock",
                  .shows = "Starts job 1207 again; a daemon without Slurm refuses (5).",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = told,
        .args = job_arg,
        .exits = tell_exits,
        .run = run_job_requeue,
    },
    {
        .verb = "require",
        .summary = "ask Slurm to start a waiting job on these nodes",
        .description = "The job starts on the nodes named, or it waits for them.",
        .examples =
            (const struct command_example[]){
                { .line = "mw job require 1207 h01-r01-k1-n1 --count 2 --reason 'same leaf' "
                          "--socket mw.sock",
                  .shows = "Two nodes for job 1207; a daemon without Slurm refuses (5).",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options =
            (const struct command_option[]){ REASON_OPTION, COUNT_OPTION, DAEMON_OPTIONS, { 0 } },
        .args =
            (const struct command_arg[]){
                { .name = "JOB", .type = VALUE_U64, .help = "the job's number in Slurm" },
                { .name = "NODE", .type = VALUE_STRING, .help = "the first node" },
                { 0 },
            },
        .exits = tell_exits,
        .run = run_job_require,
    },
    { 0 },
};
const struct command_group cmd_job = {
    .noun = "job",
    .summary = "ask Slurm something about a job",
    .commands = job_commands,
};

/* The words of enum care_step. */
#define STEPS                                                                                     \
    "repair|restart-job|reset-gpu|restart-service|reboot|power-cycle|update-firmware|reseat|"      \
    "replace|rma|retire"

static const struct command order_commands[] = {
    {
        .verb = "take",
        .summary = "say that you work on an order",
        .description = "The order is begun; its node goes from down to repairing. mw orders lists "
                       "what is open.",
        .examples =
            (const struct command_example[]){
                { .line = "mw order take 4711 --socket mw.sock",
                  .shows = "An order that is not open; the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = only_socket,
        .args = order_number_arg,
        .exits = tell_exits,
        .run = run_order_take,
    },
    {
        .verb = "close",
        .summary = "say what was done about an order, and what was found",
        .description =
            "Closes a work order. What was done feeds the odds by which later steps are chosen, so "
            "say what it was when it was not what the order asked for (--did). --serial OLD=NEW "
            "says that a part was swapped: mw history follows serial numbers. With --failed "
            "another step is chosen.",
        .examples =
            (const struct command_example[]){
                { .line = "mw order close 4711 --did reseat --found 'connector loose' "
                          "--serial SN1=SN2 --socket mw.sock",
                  .shows = "An order that is not open; the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "did", .type = VALUE_CHOICE, .value = STEPS,
                  .help = "what was done, when it was not what was asked for" },
                { .name = "found", .type = VALUE_STRING, .value = "TEXT", .required = true,
                  .help = "what was found; it goes into the record" },
                { .name = "serial", .type = VALUE_STRING, .value = "OLD=NEW",
                  .help = "the serial numbers of the part that came out and of the one that went "
                          "in" },
                { .name = "failed", .help = "it is still broken" },
                DAEMON_OPTIONS,
                { 0 },
            },
        .args = order_number_arg,
        .exits = tell_exits,
        .run = run_order_close,
    },
    {
        .verb = "taken",
        .summary = "say that somebody works on a repair",
        .description = "The node goes from down to repairing. mw status lists the open orders.",
        .examples =
            (const struct command_example[]){
                { .line = "mw order taken h01-r01-k1-n1 --socket mw.sock",
                  .shows = "Begins the repair; where none is open, the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = only_socket,
        .args = order_arg,
        .exits = tell_exits,
        .run = run_order_taken,
    },
    {
        .verb = "done",
        .summary = "say that a repair is done",
        .description = "The node is checked next, where its fault has a check, and returns after "
                       "its probation.",
        .examples =
            (const struct command_example[]){
                { .line = "mw order done h01-r01-k1-n1 --socket mw.sock",
                  .shows = "The repair is done; where none is open, the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = only_socket,
        .args = order_arg,
        .exits = tell_exits,
        .run = run_order_done,
    },
    {
        .verb = "failed",
        .summary = "say that a repair did not succeed",
        .description = "The node stays out and another repair is ordered.",
        .examples =
            (const struct command_example[]){
                { .line = "mw order failed h01-r01-k1-n1 --socket mw.sock",
                  .shows = "It is still broken; where no repair is open, the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = only_socket,
        .args = order_arg,
        .exits = tell_exits,
        .run = run_order_failed,
    },
    { 0 },
};
const struct command_group cmd_order = {
    .noun = "order",
    .summary = "answer work orders",
    .commands = order_commands,
};

static const struct command gate_commands[] = {
    {
        .verb = "pass",
        .summary = "say that a node passed its check",
        .description = "For a node whose agent cannot run the check: a person ran it by hand. The "
                       "node goes into its probation.",
        .examples =
            (const struct command_example[]){
                { .line = "mw gate pass h01-r01-k1-n1 --socket mw.sock",
                  .shows = "The check was good; where none is open, the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = only_socket,
        .args = gate_arg,
        .exits = tell_exits,
        .run = run_gate_pass,
    },
    {
        .verb = "fail",
        .summary = "say that a node failed its check",
        .description = "The repair did not hold: another one is ordered, and the node stays out.",
        .examples =
            (const struct command_example[]){
                { .line = "mw gate fail h01-r01-k1-n1 --socket mw.sock",
                  .shows = "The check was bad; where none is open, the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = only_socket,
        .args = gate_arg,
        .exits = tell_exits,
        .run = run_gate_fail,
    },
    { 0 },
};
const struct command_group cmd_gate = {
    .noun = "gate",
    .summary = "answer checks that the daemon waits for",
    .commands = gate_commands,
};
