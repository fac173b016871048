/* `mw version`: which program this is. */
#include "cli/commands.h"
#include "cli/context.h"

static const struct output_column columns[] = {
    { .key = "program", .title = "program" },
    { .key = "version", .title = "version" },
    { .key = "compiler", .title = "compiler" },
    { .key = "licence", .title = "licence" },
    { 0 },
};

static int run_version(struct cli_context *ctx)
{
    struct output *o = ctx->output;
    output_begin(o, columns, OUTPUT_RECORD);
    output_text(o, ctx->table->program);
    output_text(o, MW_VERSION);
#ifdef __clang__
    output_text(o, "clang " __clang_version__);
#else
    output_text(o, "gcc " __VERSION__);
#endif
    output_text(o, "Apache-2.0");
    output_end(o, NULL);
    return CLI_EXIT_OK;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "print the version and how it was built",
        .description = "Prints the version, the compiler and the licence. The option --version of "
                       "every command prints the version alone on one line.",
        .examples =
            (const struct command_example[]){
                { .line = "mw version", .shows = "The version of this program." },
                { .line = "mw version --json", .shows = "The same for a bug report or a script." },
                { 0 },
            },
        .run = run_version,
    },
    { 0 },
};

const struct command_group cmd_version = {
    .noun = "version",
    .summary = "print the version and how it was built",
    .commands = commands,
};
