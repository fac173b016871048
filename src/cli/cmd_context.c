/* `mw context`: the daemons that a person speaks with, by name. */
#include <string.h>

#include "cli/commands.h"
#include "cli/contexts.h"
#include "cli/daemon_of.h"

static const struct output_column list_columns[] = {
    { .key = "current", .title = "IN USE" },
    { .key = "name", .title = "NAME" },
    { .key = "daemon", .title = "DAEMON" },
    { .key = "token_file", .title = "TOKEN FILE" },
    { .key = "ca_file", .title = "CA FILE", .wide = true },
    { 0 },
};

static void row(struct output *o, const struct context_entry *e, const char *current)
{
    output_bool(o, current != NULL && strcmp(e->name, current) == 0);
    output_text(o, e->name);
    output_text(o, e->url != NULL ? e->url : e->socket);
    output_text(o, e->token_file);
    output_text(o, e->ca_file);
}

static int run_list(struct cli_context *ctx)
{
    struct contexts c mw_cleanup(contexts_fini) = { 0 };
    struct context_entry e;
    struct mw_error err = { 0 };
    if (contexts_read(&c, &err) < 0)
        return cli_fail(ctx, &err);
    output_begin(ctx->output, list_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; contexts_at(&c, i, &e); i++)
        row(ctx->output, &e, contexts_current(&c));
    output_end(ctx->output, "no contexts yet: mw context add NAME --url URL --token-file FILE");
    return CLI_EXIT_OK;
}

static int run_show(struct cli_context *ctx)
{
    struct contexts c mw_cleanup(contexts_fini) = { 0 };
    struct context_entry e;
    struct mw_error err = { 0 };
    if (contexts_read(&c, &err) < 0)
        return cli_fail(ctx, &err);
    const char *name = cli_arg(ctx, 0) != NULL ? cli_arg(ctx, 0) : contexts_current(&c);
    if (name == NULL) {
        cli_error(ctx, "no context is in use: mw context use NAME, or name one");
        return CLI_EXIT_NOT_FOUND;
    }
    if (!contexts_find(&c, name, &e)) {
        cli_error(ctx, "there is no context \"%.80s\"; mw context list shows them", name);
        return CLI_EXIT_NOT_FOUND;
    }
    output_begin(ctx->output, list_columns, OUTPUT_RECORD);
    row(ctx->output, &e, contexts_current(&c));
    output_end(ctx->output, NULL);
    return CLI_EXIT_OK;
}

static int run_add(struct cli_context *ctx)
{
    struct contexts c mw_cleanup(contexts_fini) = { 0 };
    struct mw_error err = { 0 };
    const struct context_entry e = { .name = cli_arg(ctx, 0),
                                     .url = cli_option_string(ctx, "url"),
                                     .socket = cli_option_string(ctx, "socket"),
                                     .token_file = cli_option_string(ctx, "token-file"),
                                     .ca_file = cli_option_string(ctx, "ca") };
    int rc = contexts_read(&c, &err);
    if (rc == 0)
        rc = contexts_add(&c, &e, &err);
    if (rc == 0 && contexts_current(&c) == NULL && !cli_option_bool(ctx, "no-use"))
        rc = contexts_use(&c, e.name, &err);
    if (rc == 0)
        rc = contexts_write(&c, &err);
    if (rc < 0)
        return daemon_fail(ctx, &err);
    const char *current = contexts_current(&c);
    cli_note(ctx, "added %s to %s%s", e.name, c.path,
             current && strcmp(current, e.name) == 0 ? "; it is in use now" : "");
    return CLI_EXIT_OK;
}

static int run_use(struct cli_context *ctx)
{
    struct contexts c mw_cleanup(contexts_fini) = { 0 };
    struct mw_error err = { 0 };
    const char *name = cli_arg(ctx, 0);
    if ((name == NULL) != cli_option_bool(ctx, "none"))
        return cli_usage(ctx, "name one context, or say --none");
    int rc = contexts_read(&c, &err);
    if (rc == 0)
        rc = contexts_use(&c, name, &err);
    if (rc == 0)
        rc = contexts_write(&c, &err);
    return rc < 0 ? cli_fail(ctx, &err) : CLI_EXIT_OK;
}

static int run_remove(struct cli_context *ctx)
{
    struct contexts c mw_cleanup(contexts_fini) = { 0 };
    struct mw_error err = { 0 };
    int rc = contexts_read(&c, &err);
    if (rc == 0)
        rc = contexts_remove(&c, cli_arg(ctx, 0), &err);
    if (rc == 0)
        rc = contexts_write(&c, &err);
    return rc < 0 ? cli_fail(ctx, &err) : CLI_EXIT_OK;
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct command_exit context_exits[] = {
    { CLI_EXIT_NOT_FOUND, "there is no context of that name" },
    { CLI_EXIT_DENIED, "the file of contexts may not be read or written" },
    { CLI_EXIT_CONFLICT, "there is a context of that name already" },
    { 0 },
};

static const struct command_arg name_arg[] = {
    { .name = "NAME", .type = VALUE_STRING, .help = "the context's name" },
    { 0 },
};
static const struct command_arg name_or_none[] = {
    { .name = "NAME", .type = VALUE_STRING, .optional = true,
      .help = "the context's name (default: the one in use)" },
    { 0 },
};

static const struct command commands[] = {
    {
        .verb = "add",
        .summary = "name a daemon, its address and how to prove who asks",
        .description =
            "Writes the context into $XDG_CONFIG_HOME/millwright/contexts (mode 0600). Over a URL "
            "a token goes with each request: the file that holds it must be readable by you only, "
            "and the file of contexts only names it. Without TLS only this machine is spoken with. "
            "The first context is used at once.",
        .examples =
            (const struct command_example[]){
                { .line = "umask 077; echo mwt_example > token; "
                          "mw context add east --url https://mw.east.example:7378 "
                          "--token-file token --no-use",
                  .shows = "A daemon elsewhere, with a token." },
                { .line = "mw context add lab --socket mw.sock --no-use",
                  .shows = "One on this machine, by its socket." },
                { .line = "mw context add lab --url ftp://mw.lab.example",
                  .shows = "What is no address of a daemon; the exit code is 2.",
                  .exit_code = CLI_EXIT_USAGE },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "url", .type = VALUE_STRING, .value = "URL",
                  .help = "the daemon's address, https://HOST:PORT" },
                { .name = "socket", .type = VALUE_FILE, .value = "PATH",
                  .help = "or its control socket on this machine" },
                { .name = "token-file", .type = VALUE_FILE, .value = "FILE",
                  .help = "a file of mode 0600 whose first line is the token" },
                { .name = "ca", .type = VALUE_FILE, .value = "FILE",
                  .help = "certificates to trust instead of the system's" },
                { .name = "no-use", .help = "do not use it, even where it is the first" },
                { 0 },
            },
        .args = name_arg,
        .exits = context_exits,
        .run = run_add,
    },
    {
        .verb = "list",
        .summary = "list the daemons that have names here",
        .description = "Lists the contexts in the order they were added, and which is in use: the "
                       "daemon that commands ask when neither --socket, --context nor the variable "
                       "MW_CONTEXT names another.",
        .examples =
            (const struct command_example[]){
                { .line = "mw context list", .shows = "All of them, and which is in use." },
                { .line = "mw context list --json", .shows = "The same for a program." },
                { 0 },
            },
        .exits = context_exits,
        .run = run_list,
    },
    {
        .verb = "show",
        .summary = "show one context",
        .description = "Shows a context as it is kept, or the one in use. It holds the name of the "
                       "token's file, not the token.",
        .examples =
            (const struct command_example[]){
                { .line = "mw context show east", .shows = "Where that daemon is." },
                { .line = "mw context show esat",
                  .shows = "A name that is not there; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .args = name_or_none,
        .exits = context_exits,
        .run = run_show,
    },
    {
        .verb = "use",
        .summary = "choose the daemon that commands ask",
        .description = "From now on commands ask that daemon, unless the command line or the "
                       "variable MW_CONTEXT names another. With --none they ask the socket where "
                       "mw serve listens by default.",
        .examples =
            (const struct command_example[]){
                { .line = "mw context use lab && mw context use --none",
                  .shows = "Uses lab, and none again." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "none", .help = "use none: ask the socket on this machine" },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "NAME", .type = VALUE_STRING, .optional = true,
                  .help = "the context's name" },
                { 0 },
            },
        .exits = context_exits,
        .run = run_use,
    },
    {
        .verb = "remove",
        .summary = "forget a daemon",
        .description = "Takes the context out of the file. The token's file stays where it is.",
        .examples =
            (const struct command_example[]){
                { .line = "mw context remove east", .shows = "The name is free again." },
                { .line = "mw context remove east",
                  .shows = "Where there is none, the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .args = name_arg,
        .exits = context_exits,
        .run = run_remove,
    },
    { 0 },
};

const struct command_group cmd_context = {
    .noun = "context",
    .summary = "the daemons that you speak with, by name",
    .commands = commands,
};
