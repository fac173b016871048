/* `mw docs`: the documents that are made from the program's own tables. */
#include "cli/commands.h"
#include "cli/context.h"
#include "core/event_print.h"

static int run_events(struct cli_context *ctx)
{
    struct text text = { 0 };
    if (output_form_of(ctx->output) != OUTPUT_TABLE)
        return cli_usage(ctx, "the catalogue is Markdown; it has no other form");
    event_catalogue(&text);
    int code = CLI_EXIT_OK;
    if (text.failed) {
        cli_error(ctx, "out of memory");
        code = CLI_EXIT_ERROR;
    } else {
        (void)fputs(text_string(&text), output_file(ctx->output));
    }
    text_fini(&text);
    return code;
}

static const struct command commands[] = {
    {
        .verb = "events",
        .summary = "print the catalogue of events",
        .description = "Prints every kind of event with its fields, who takes it and what it says, "
                       "as Markdown, from the table that the program itself works by. "
                       "The build leaves it in docs/events.md of the build folder.",
        .examples =
            (const struct command_example[]){
                { .line = "mw docs events", .shows = "The catalogue of this version." },
                { 0 },
            },
        .run = run_events,
    },
    { 0 },
};

const struct command_group cmd_docs = {
    .noun = "docs",
    .summary = "documents made from the program's own tables",
    .commands = commands,
};
