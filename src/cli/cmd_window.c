/* `mw window`: maintenance, planned with notice, ended, listed. */
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/live_record.h"
#include "cli/tell.h"
#include "cli/view.h"

static int run_add(struct cli_context *ctx)
{
    json_t *c = tell_text(tell_command(ctx, "window-add", true), "node", cli_arg(ctx, 0));
    int64_t length_s = cli_option_duration_ns(ctx, "for") / MW_NS_PER_S;
    if (length_s < 1) {
        json_decref(c);
        return cli_usage(ctx, "--for must be a second at least");
    }
    c = tell_text(c, "from", cli_option_string(ctx, "from"));
    if (c != NULL)
        (void)json_object_set_new(c, "length_s", json_integer(length_s));
    if (cli_option_given(ctx, "count"))
        c = tell_number(c, "count", cli_option_string(ctx, "count"));
    return tell_post(ctx, c);
}

static int run_end(struct cli_context *ctx)
{
    return tell_post(ctx, tell_number(tell_command(ctx, "window-end", true), "ref",
                                      cli_arg(ctx, 0)));
}

static const struct view_column columns[] = {
    { "id", "WINDOW", VIEW_SEQ, false },
    { "state", "STATE", VIEW_TEXT, false },
    { "first", "FIRST NODE", VIEW_TEXT, false },
    { "count", "NODES", VIEW_INT, false },
    { "from", "FROM", VIEW_TEXT, false },
    { "to", "TO", VIEW_TEXT, false },
    { "length_ms", "LENGTH", VIEW_SPAN, false },
    { "actor", "BY", VIEW_SEQ, false },
    { 0 },
};

static int run_list(struct cli_context *ctx)
{
    static const struct view v = { .name = "windows", .column = columns,
                                   .empty = "no maintenance is planned" };
    return view_run(ctx, &v);
}

static const struct command commands[] = {
    {
        .verb = "add",
        .summary = "plan maintenance of nodes",
        .description =
            "From its beginning the nodes take no work, and nothing starts there that would run "
            "into it: jobs have that much notice. What still runs there at the beginning stops "
            "at its next checkpoint. Without --from it begins now. Where Slurm owns the nodes, it "
            "has reservations of its own: mw node reserve.",
        .examples =
            (const struct command_example[]){
                { .line = "mw window add h01-r01-k1-n1 --count 2 --for 4h --reason 'new firmware' "
                          "--socket mw.sock",
                  .shows = "Two nodes for four hours, from now." },
                { .line = "mw window add nobody --for 4h --reason firmware --socket mw.sock",
                  .shows = "A node that the site does not have: the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                REASON_OPTION,
                { .name = "from", .type = VALUE_STRING, .value = "TIME",
                  .help = "when it begins, as 2026-11-22T18:00:00Z (default: now)" },
                { .name = "for", .type = VALUE_DURATION, .value = "TIME", .required = true,
                  .help = "how long" },
                { .name = "count", .letter = 'n', .type = VALUE_U64, .value = "N",
                  .help = "so many nodes from that one on, in the order of the site file" },
                DAEMON_OPTIONS,
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "NODES", .type = VALUE_STRING,
                  .help = "a node, or nodes that follow each other, as n[3-7]" },
                { 0 },
            },
        .exits = tell_exits,
        .run = run_add,
    },
    {
        .verb = "end",
        .summary = "end maintenance early, or call it off",
        .description = "The nodes take work again at once, and what was planned is off.",
        .examples =
            (const struct command_example[]){
                { .line = "mw window end 4711 --reason 'done early' --socket mw.sock",
                  .shows = "A window that was never planned: the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = (const struct command_option[]){ REASON_OPTION, DAEMON_OPTIONS, { 0 } },
        .args =
            (const struct command_arg[]){
                { .name = "WINDOW", .type = VALUE_U64,
                  .help = "its number, as mw window add and list show it" },
                { 0 },
            },
        .exits = tell_exits,
        .run = run_end,
    },
    {
        .verb = "list",
        .summary = "list maintenance, planned and on",
        .description = "Lists windows that are planned (noted) or on, from the record or, with "
                       "--socket, from the daemon.",
        .examples =
            (const struct command_example[]){
                { .line = "mw window list --socket mw.sock", .shows = "What the daemon knows of." },
                { .line = "mw window list --journal record", .shows = "Of a record: none." },
                { 0 },
            },
        .options = (const struct command_option[]){ LIVE_RECORD_OPTION, DAEMON_OPTIONS,
                                                    { 0 } },
        .exits = view_exits,
        .run = run_list,
    },
    { 0 },
};

const struct command_group cmd_window = {
    .noun = "window",
    .summary = "plan maintenance",
    .commands = commands,
};
