/*
 * Reading parsed options, printing messages, exit codes, Ctrl-C.  Owns no
 * memory and never parses the command line.
 */
#include "cli/context.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

int cli_exit_of(int status)
{
    switch (status) {
    case MW_OK:
        return CLI_EXIT_OK;
    case MW_ENOTFOUND:
        return CLI_EXIT_NOT_FOUND;
    case MW_EDENIED:
        return CLI_EXIT_DENIED;
    case MW_EEXIST:
    case MW_ECONFLICT:
    case MW_EBUSY:
        return CLI_EXIT_CONFLICT;
    case MW_EUNREACHABLE:
        return CLI_EXIT_UNREACHABLE;
    case MW_ETIMEOUT:
        return CLI_EXIT_TIMEOUT;
    default:
        return CLI_EXIT_ERROR;
    }
}

const char *cli_exit_meaning(int code)
{
    switch (code) {
#define X(name, value, word, meaning) \
    case value:                       \
        return meaning;
        CLI_EXITS(X)
#undef X
    default:
        return "";
    }
}

static const struct command_option *declared(const struct cli_context *ctx, const char *name)
{
    const struct command_option *o = command_option_long(ctx->command, name, strlen(name));
    must(o != NULL);
    return o;
}

/* The last value given wins, as in shells' aliases. */
static const struct cli_given *last_given(const struct cli_context *ctx, const char *name)
{
    const struct command_option *o = declared(ctx, name);
    for (uint32_t i = ctx->given_count; i > 0; i--)
        if (ctx->given[i - 1].option == o)
            return &ctx->given[i - 1];
    return NULL;
}

bool cli_option_given(const struct cli_context *ctx, const char *name)
{
    return last_given(ctx, name) != NULL;
}

bool cli_option_bool(const struct cli_context *ctx, const char *name)
{
    must(declared(ctx, name)->type == VALUE_NONE);
    return last_given(ctx, name) != NULL;
}

const char *cli_option_string(const struct cli_context *ctx, const char *name)
{
    const struct cli_given *g = last_given(ctx, name);
    const struct command_option *o = declared(ctx, name);
    must(o->type != VALUE_NONE);
    return g != NULL ? g->value : o->fallback;
}

/* Values were checked by the parser and defaults by the tests: a failure here is a bug. */
uint64_t cli_option_u64(const struct cli_context *ctx, const char *name)
{
    const char *s = cli_option_string(ctx, name);
    uint64_t v = 0;
    must(declared(ctx, name)->type == VALUE_U64);
    must(s == NULL || mw_parse_u64(s, &v) == 0);
    return v;
}

double cli_option_real(const struct cli_context *ctx, const char *name)
{
    const char *s = cli_option_string(ctx, name);
    double v = 0;
    must(declared(ctx, name)->type == VALUE_DECIMAL);
    must(s == NULL || mw_parse_double(s, &v) == 0);
    return v;
}

int64_t cli_option_duration_ns(const struct cli_context *ctx, const char *name)
{
    const char *s = cli_option_string(ctx, name);
    int64_t v = 0;
    must(declared(ctx, name)->type == VALUE_DURATION);
    must(s == NULL || mw_parse_duration(s, &v) == 0);
    return v;
}

uint32_t cli_option_count(const struct cli_context *ctx, const char *name)
{
    const struct command_option *o = declared(ctx, name);
    uint32_t n = 0;
    for (uint32_t i = 0; i < ctx->given_count; i++)
        n += ctx->given[i].option == o;
    return n;
}

const char *cli_option_nth(const struct cli_context *ctx, const char *name, uint32_t nth)
{
    const struct command_option *o = declared(ctx, name);
    for (uint32_t i = 0; i < ctx->given_count; i++)
        if (ctx->given[i].option == o && nth-- == 0)
            return ctx->given[i].value;
    return NULL;
}

const char *cli_arg(const struct cli_context *ctx, uint32_t i)
{
    return i < ctx->arg_count ? ctx->arg[i] : NULL;
}

uint32_t cli_arg_count(const struct cli_context *ctx)
{
    return ctx->arg_count;
}

/* Made whole first: one write per message, and no control characters from names in files. */
MW_PRINTF(2, 0) static void say(const struct cli_context *ctx, const char *fmt, va_list ap)
{
    char path[COMMAND_PATH_MAX] = "", words[2048];
    if (ctx->group != NULL)
        command_path(ctx->group, ctx->command, path);
    if (ctx->output != NULL)
        output_flush(ctx->output);
    (void)vsnprintf(words, sizeof words, fmt, ap);
    (void)fprintf(ctx->messages, "%s: %s%s", ctx->table->program, path, path[0] ? ": " : "");
    term_put_safe(ctx->messages, words, strlen(words));
    (void)fputc('\n', ctx->messages);
}

void cli_error(const struct cli_context *ctx, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(ctx, fmt, ap);
    va_end(ap);
}

void cli_note(const struct cli_context *ctx, const char *fmt, ...)
{
    va_list ap;
    if (ctx->quiet)
        return;
    va_start(ap, fmt);
    say(ctx, fmt, ap);
    va_end(ap);
}

int cli_fail(const struct cli_context *ctx, const struct mw_error *err)
{
    must(err != NULL && err->code != 0);
    cli_error(ctx, "%s", err->text);
    return cli_exit_of(err->code);
}

int cli_usage(const struct cli_context *ctx, const char *fmt, ...)
{
    char path[COMMAND_PATH_MAX] = "";
    va_list ap;
    va_start(ap, fmt);
    say(ctx, fmt, ap);
    va_end(ap);
    if (ctx->group != NULL)
        command_path(ctx->group, ctx->command, path);
    (void)fprintf(ctx->messages, "Try: %s help%s%s\n", ctx->table->program, path[0] ? " " : "",
                  path);
    return CLI_EXIT_USAGE;
}

static sigset_t interrupt_set(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    return set;
}

void cli_interrupt_catch(void)
{
    sigset_t set = interrupt_set();
    must(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
}

bool cli_interrupted(void)
{
    sigset_t set = interrupt_set();
    struct timespec no_wait = { 0, 0 };
    if (sigtimedwait(&set, NULL, &no_wait) != SIGINT)
        return false;
    must(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
    return true;
}
