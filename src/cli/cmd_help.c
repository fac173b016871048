/* `mw help`: pages, man pages, and the list of all examples. */
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/help.h"

static const struct output_column example_columns[] = {
    { .key = "command", .title = "COMMAND" },
    { .key = "example", .title = "EXAMPLE" },
    { .key = "exit_code", .title = "EXIT", .right = true, .wide = true },
    { .key = "slow", .title = "SLOW", .wide = true },
    { .key = "shows", .title = "SHOWS", .wide = true },
    { 0 },
};

static int list_examples(struct cli_context *ctx)
{
    struct output *o = ctx->output;
    output_begin(o, example_columns, OUTPUT_ROWS);
    for (const struct command_group *const *g = ctx->table->groups; *g != NULL; g++)
        for (const struct command *c = (*g)->commands; c->run != NULL; c++)
            for (const struct command_example *e = c->examples; e != NULL && e->line != NULL; e++) {
                char path[COMMAND_PATH_MAX];
                command_path(*g, c, path);
                output_text(o, path);
                output_text(o, e->line);
                output_int(o, e->exit_code);
                output_bool(o, e->slow);
                output_text(o, e->shows);
            }
    output_end(o, NULL);
    return CLI_EXIT_OK;
}

static int write_man(struct cli_context *ctx, const char *dir)
{
    struct mw_error err = { 0 };
    uint32_t n = 0;
    if (help_man_write(ctx->table, dir, &n, &err) < 0)
        return cli_fail(ctx, &err);
    cli_note(ctx, "%u man pages written to %s", n, dir);
    return CLI_EXIT_OK;
}

static int run_help(struct cli_context *ctx)
{
    struct mw_error err = { 0 };
    struct text t = { 0 };
    const struct term *term = output_term(ctx->output);
    struct doc d = { .out = &t, .form = DOC_PLAIN, .bold = term->colour };
    if (cli_option_given(ctx, "man"))
        return write_man(ctx, cli_option_string(ctx, "man"));
    if (cli_option_bool(ctx, "examples"))
        return list_examples(ctx);
    d.width = MW_MAX(40U, MW_MIN(term->width, CLI_HELP_WIDTH_MAX));
    int rc = help_page(&d, ctx->table, ctx->arg, cli_arg_count(ctx), &err);
    if (rc == 0)
        (void)fputs(text_string(&t), output_file(ctx->output));
    text_fini(&t);
    return rc < 0 ? cli_fail(ctx, &err) : CLI_EXIT_OK;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "explain a command or a topic",
        .description =
            "Prints the page of a command, of a noun or of a topic; without a word, what there is. "
            "With --man it writes all man pages instead, with --examples it lists every example of "
            "every page; the tests run them all.",
        .examples =
            (const struct command_example[]){
                { .line = "mw help site check", .shows = "The page of one command." },
                { .line = "mw help exit-codes",
                  .shows = "What the number a command ends with means." },
                { .line = "mw help --examples", .shows = "Every example there is." },
                { .line = "mw help --man man", .shows = "Writes the man pages to the folder man." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "man", .type = VALUE_DIR, .value = "DIR",
                  .help = "write the man pages of all commands into this folder" },
                { .name = "examples", .help = "list every example" },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "WORD", .type = VALUE_STRING, .optional = true, .repeat = true,
                  .help = "the words of a command, or a topic" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no such page" },
                { 0 },
            },
        .run = run_help,
    },
    { 0 },
};

const struct command_group cmd_help = {
    .noun = "help",
    .summary = "explain a command or a topic",
    .commands = commands,
};
