/* `mw docs`: the documents that are made from the program's own tables. */
#include "api/openapi.h"
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

static int run_openapi(struct cli_context *ctx)
{
    struct mw_error err = { 0 };
    json_t *o = openapi_make(&err);
    if (o == NULL) {
        cli_error(ctx, "%s", err.text);
        return CLI_EXIT_ERROR;
    }
    FILE *out = output_file(ctx->output);
    bool ok = json_dumpf(o, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
    json_decref(o);
    return ok ? CLI_EXIT_OK : CLI_EXIT_ERROR;
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
    {
        .verb = "openapi",
        .summary = "print the API's description",
        .description = "Prints the OpenAPI 3.1 document of the HTTP API: every path with its "
                       "parameters, answers and permission, from the tables that the server itself "
                       "works by. The daemon gives the same at /openapi.json.",
        .examples =
            (const struct command_example[]){
                { .line = "mw docs openapi", .shows = "The description of this version." },
                { 0 },
            },
        .run = run_openapi,
    },
    { 0 },
};

const struct command_group cmd_docs = {
    .noun = "docs",
    .summary = "documents made from the program's own tables",
    .commands = commands,
};
