/*
 * What a person tells the daemon of modes, nodes and advice.  Each is one POST;
 * the daemon looks the names up and decides whether it can be.
 */
#include "base/units.h"
#include "cli/commands.h"
#include "cli/tell.h"

static int run_mode_set(struct cli_context *ctx)
{
    json_t *c = tell_text(tell_command(ctx, "set-mode", true), "mode", cli_arg(ctx, 0));
    return tell_post(ctx, tell_text(c, "hall", cli_option_string(ctx, "hall")));
}

static int run_guard_reset(struct cli_context *ctx)
{
    return tell_post(ctx, tell_text(tell_command(ctx, "reset-guard", true), "hall",
                           cli_option_string(ctx, "hall")));
}

static int run_node_hold(struct cli_context *ctx)
{
    const char *verb = cli_option_bool(ctx, "drain") ? "drain" : "hold";
    return tell_post(ctx, tell_text(tell_command(ctx, verb, true), "node", cli_arg(ctx, 0)));
}

static int run_node_release(struct cli_context *ctx)
{
    json_t *c = tell_text(tell_command(ctx, "release", true), "node", cli_arg(ctx, 0));
    const char *hold = cli_option_string(ctx, "hold");
    return tell_post(ctx, hold != NULL ? tell_number(c, "ref", hold) : c);
}

static int run_node_reserve(struct cli_context *ctx)
{
    json_t *c = tell_text(tell_command(ctx, "reserve", true), "node", cli_arg(ctx, 0));
    int64_t length_s = cli_option_duration_ns(ctx, "for") / MW_NS_PER_S;
    if (c != NULL)
        (void)json_object_set_new(c, "length_s", json_integer(length_s));
    return tell_post(ctx, tell_number(c, "count", cli_option_string(ctx, "count")));
}

static int run_node_unreserve(struct cli_context *ctx)
{
    return tell_post(ctx, tell_text(tell_command(ctx, "unreserve", true), "node", cli_arg(ctx, 0)));
}

static int advice(struct cli_context *ctx, const char *verb)
{
    return tell_post(ctx, tell_number(tell_command(ctx, verb, true), "ref", cli_arg(ctx, 0)));
}

static int run_approve(struct cli_context *ctx)
{
    return advice(ctx, "approve");
}

static int run_reject(struct cli_context *ctx)
{
    return advice(ctx, "reject");
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct command_option told[] = { REASON_OPTION, DAEMON_OPTIONS, { 0 } };
static const struct command_option told_hall[] = { REASON_OPTION, HALL_OPTION, DAEMON_OPTIONS,
                                                   { 0 } };

static const struct command_arg node_arg[] = {
    { .name = "NODE", .type = VALUE_STRING, .help = "the node, as in the site file" },
    { 0 },
};
static const struct command_arg advice_arg[] = {
    { .name = "ADVICE", .type = VALUE_U64, .help = "the number of the advice's event" },
    { 0 },
};
static const struct command mode_commands[] = {
    {
        .verb = "set",
        .summary = "say what automation may do",
        .description =
            "observe and advise record what would be done, and nothing goes out. approve waits "
            "for a person (mw approve). act does it, within the safety budget. A mode lasts over "
            "restarts of the daemon.",
        .examples =
            (const struct command_example[]){
                { .line = "mw mode set approve --reason 'first week, with a person' "
                          "--socket mw.sock",
                  .shows = "From now on a person decides, in every hall." },
                { .line = "mw mode set act --hall nohall --reason trial --socket mw.sock",
                  .shows = "A hall that the site does not have: the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = told_hall,
        .args =
            (const struct command_arg[]){
                { .name = "MODE", .type = VALUE_CHOICE, .choices = "observe|advise|approve|act",
                  .help = "the mode" },
                { 0 },
            },
        .exits = tell_exits,
        .run = run_mode_set,
    },
    { 0 },
};
const struct command_group cmd_mode = {
    .noun = "mode",
    .summary = "what the daemon may do by itself",
    .commands = mode_commands,
};

static const struct command node_commands[] = {
    {
        .verb = "hold",
        .summary = "keep a node from taking new work",
        .description =
            "Nothing is placed on the node, and automation does not return it, until the hold is "
            "released by a person. A list such as n[0-749] holds all of them, durable together. "
            "With --drain what runs there stops too. With Slurm the node is "
            "drained there in your name, what runs goes on to its end, and --drain is refused.",
        .examples =
            (const struct command_example[]){
                { .line = "mw node hold h01-r01-k1-n1 --reason 'fan noise' --socket mw.sock",
                  .shows = "Holds a node; the event's number names the hold." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                REASON_OPTION,
                { .name = "drain", .help = "stop what runs there" },
                DAEMON_OPTIONS,
                { 0 },
            },
        .args = node_arg,
        .exits = tell_exits,
        .run = run_node_hold,
    },
    {
        .verb = "release",
        .summary = "lift holds of a node",
        .description = "Lifts all holds that persons set on the node with mw node hold, or one of "
                       "them. With Slurm the node is resumed there, whoever drained it: you answer "
                       "for it.",
        .examples =
            (const struct command_example[]){
                { .line = "mw node release h01-r01-k1-n1 --reason 'fan replaced' "
                          "--socket mw.sock",
                  .shows = "Lifts the hold." },
                { .line = "mw node release h01-r01-k1-n1 --reason again --socket mw.sock",
                  .shows = "Where there is none to lift, the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                REASON_OPTION,
                { .name = "hold", .type = VALUE_U64, .value = "N",
                  .help = "only this one: the number of the event that set it" },
                DAEMON_OPTIONS,
                { 0 },
            },
        .args = node_arg,
        .exits = tell_exits,
        .run = run_node_release,
    },
    {
        .verb = "reserve",
        .summary = "ask Slurm to reserve nodes for maintenance",
        .description = "Slurm starts nothing on the nodes that would run into the time from now "
                       "to the end of the reservation. What it answered is in the record.",
        .examples =
            (const struct command_example[]){
                { .line = "mw node reserve h01-r01-k1-n1 --count 2 --for 4h --reason 'new "
                          "firmware' --socket mw.sock",
                  .shows = "Two nodes for four hours; a daemon without Slurm refuses (5).",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                REASON_OPTION,
                COUNT_OPTION,
                { .name = "for", .type = VALUE_DURATION, .value = "TIME", .required = true,
                  .help = "how long, from now" },
                DAEMON_OPTIONS,
                { 0 },
            },
        .args = node_arg,
        .exits = tell_exits,
        .run = run_node_reserve,
    },
    {
        .verb = "unreserve",
        .summary = "end the reservation that was made for a node",
        .description = "Asks Slurm to end the reservation that mw node reserve made, early.",
        .examples =
            (const struct command_example[]){
                { .line = "mw node unreserve h01-r01-k1-n1 --reason done --socket mw.sock",
                  .shows = "Ends it; a daemon without Slurm refuses (5).",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = told,
        .args = node_arg,
        .exits = tell_exits,
        .run = run_node_unreserve,
    },
    { 0 },
};
const struct command_group cmd_node = {
    .noun = "node",
    .summary = "hold, release and reserve nodes",
    .commands = node_commands,
};

static const struct command approve_commands[] = {
    {
        .verb = "",
        .summary = "do what an advice says",
        .description = "The daemon prints advice with its number when its mode asks for a person "
                       "or its safety budget is used up. An advice can be approved while what it "
                       "is about goes on, in a hall whose mode is approve or act.",
        .examples =
            (const struct command_example[]){
                { .line = "mw approve 4711 --reason 'seen it too' --socket mw.sock",
                  .shows = "Approves advice 4711; an event that is not there is exit code 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = told,
        .args = advice_arg,
        .exits = tell_exits,
        .run = run_approve,
    },
    { 0 },
};
const struct command_group cmd_approve = {
    .noun = "approve",
    .summary = "do what an advice says",
    .commands = approve_commands,
};

static const struct command reject_commands[] = {
    {
        .verb = "",
        .summary = "leave undone what an advice says",
        .description = "The advice is over; the same is not advised again for this incident.",
        .examples =
            (const struct command_example[]){
                { .line = "mw reject 4711 --reason 'a test of ours' --socket mw.sock",
                  .shows = "Rejects advice 4711; an event that is not there is exit code 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = told,
        .args = advice_arg,
        .exits = tell_exits,
        .run = run_reject,
    },
    { 0 },
};
const struct command_group cmd_reject = {
    .noun = "reject",
    .summary = "leave undone what an advice says",
    .commands = reject_commands,
};

static const struct command guard_commands[] = {
    {
        .verb = "reset",
        .summary = "let automation act again after its budget was used up",
        .description = "When automation wants to take more working nodes than its safety budget "
                       "allows, everything becomes advice until a person has looked at why.",
        .examples =
            (const struct command_example[]){
                { .line = "mw guard reset --reason 'one bad PDU, replaced' --socket mw.sock",
                  .shows = "It was looked at." },
                { 0 },
            },
        .options = told_hall,
        .exits = tell_exits,
        .run = run_guard_reset,
    },
    { 0 },
};
const struct command_group cmd_guard = {
    .noun = "guard",
    .summary = "the safety budget of automation",
    .commands = guard_commands,
};
