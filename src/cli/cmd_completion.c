/* `mw completion`: completion scripts for shells. */
#include <string.h>

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/context.h"

static int run_completion(struct cli_context *ctx)
{
    struct text t = { 0 };
    bool zsh = strcmp(cli_arg(ctx, 0), "zsh") == 0;
    completion_script(&t, ctx->table, zsh ? COMPLETION_ZSH : COMPLETION_BASH);
    bool lost = t.failed;
    (void)fputs(text_string(&t), output_file(ctx->output));
    text_fini(&t);
    if (lost)
        cli_error(ctx, "out of memory");
    return lost ? CLI_EXIT_ERROR : CLI_EXIT_OK;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "print a completion script for bash or zsh",
        .description =
            "Prints a script that completes commands, options, their values and file names. "
            "Packages install it; without one, put the first example into ~/.bashrc, or write the "
            "zsh script as _mw into a folder of $fpath.",
        .examples =
            (const struct command_example[]){
                { .line = "eval \"$(mw completion bash)\"",
                  .shows = "Completes mw in this bash from now on." },
                { .line = "mw completion zsh > _mw",
                  .shows = "Writes the script for zsh to a file." },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "SHELL", .type = VALUE_CHOICE, .choices = "bash|zsh",
                  .help = "the shell" },
                { 0 },
            },
        .run = run_completion,
    },
    { 0 },
};

const struct command_group cmd_completion = {
    .noun = "completion",
    .summary = "print a completion script for bash or zsh",
    .commands = commands,
};
