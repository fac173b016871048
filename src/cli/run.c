/*
 * The life of one command line.  Owns the process's signals and standard
 * streams (through cli_main); never knows a command by name.
 */
#include "cli/run.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/help.h"
#include "cli/parse.h"

static int print_help(struct cli_context *ctx)
{
    struct text t = { 0 };
    const struct term *term = output_term(ctx->output);
    struct doc d = { .out = &t, .form = DOC_PLAIN, .bold = term->colour };
    d.width = MW_MAX(40U, MW_MIN(term->width, CLI_HELP_WIDTH_MAX));
    if (ctx->command != NULL)
        help_command(&d, ctx->table, ctx->group, ctx->command);
    else if (ctx->group != NULL)
        help_group(&d, ctx->table, ctx->group);
    else
        help_overview(&d, ctx->table);
    bool lost = t.failed;
    (void)fputs(text_string(&t), output_file(ctx->output));
    text_fini(&t);
    return lost ? CLI_EXIT_ERROR : CLI_EXIT_OK;
}

static int run_parsed(struct cli_context *ctx, const struct cli_parsed *p)
{
    if (p->version) {
        (void)fprintf(output_file(ctx->output), "%s %s\n", ctx->table->program, MW_VERSION);
        return CLI_EXIT_OK;
    }
    if (p->help)
        return print_help(ctx);
    must(ctx->command != NULL);
    return ctx->command->run(ctx);
}

/* Data that did not reach the disk makes a failure of any success. */
static int finish(struct cli_context *ctx, int code)
{
    struct mw_error err = { 0 };
    if (output_finish(ctx->output, &err) == 0)
        return code;
    int failed = cli_fail(ctx, &err);
    return code == CLI_EXIT_OK ? failed : code;
}

int cli_run(const struct command_table *table, int argc, char **argv, struct cli_streams *s)
{
    struct cli_parsed p;
    struct mw_error err = { 0 };
    must(table != NULL && s != NULL);
    int rc = argc > 1 ? cli_parse(table, argc, argv, &p, &err) : 0;
    if (argc <= 1)
        p = (struct cli_parsed){ .help = true };
    struct term data = s->data_term, messages = s->messages_term;
    data.colour = data.colour && !p.no_color;
    messages.colour = messages.colour && !p.no_color;
    struct cli_context ctx = {
        .table = table, .group = p.group, .command = p.command, .given = p.given,
        .given_count = p.given_count, .arg = p.arg, .arg_count = p.arg_count,
        .output = output_create(s->data, p.form, data), .messages = s->messages,
        .messages_term = messages, .quiet = p.quiet,
    };
    int code;
    if (rc == MW_EINVAL)
        code = cli_usage(&ctx, "%s", err.text);
    else if (rc < 0 || ctx.output == NULL) {
        cli_error(&ctx, "out of memory");
        code = CLI_EXIT_ERROR;
    } else
        code = finish(&ctx, run_parsed(&ctx, &p));
    output_destroy(ctx.output);
    cli_parsed_fini(&p);
    return code;
}

/*
 * A standard stream that was closed must not be taken by the first file that
 * we open.  Reading from or writing to the stand-in fails.
 */
static void hold_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            must(open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) == fd);
}

int cli_main(const struct command_table *table, int argc, char **argv)
{
    hold_standard_streams();
    (void)signal(SIGPIPE, SIG_IGN);
    struct cli_streams s = {
        .data = stdout, .messages = stderr,
        .data_term = term_probe(STDOUT_FILENO, false),
        .messages_term = term_probe(STDERR_FILENO, false),
    };
    return cli_run(table, argc, argv, &s);
}
