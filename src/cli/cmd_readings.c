/*
 * `mw readings`: what a machine reads of itself now, and its last checks, parts
 * and conditions: the daemon's document of one machine as a table.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/format.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/daemon_of.h"

static const char *text_at(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static bool has(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (; text != NULL && *text != '\0'; text++)
        if (strncasecmp(text, word, n) == 0)
            return true;
    return n == 0;
}

/* Is every word somewhere in the row? */
static bool passes(const struct cli_context *ctx, const json_t *row)
{
    for (uint32_t i = 1; i < cli_arg_count(ctx); i++) {
        const char *word = cli_arg(ctx, i);
        if (!has(text_at(row, "metric"), word) && !has(text_at(row, "label"), word) &&
            !has(text_at(row, "scope"), word) && !has(text_at(row, "doc"), word))
            return false;
    }
    return true;
}

/* As many decimals as tell the value: no noise, no rounding away of small ones. */
static unsigned decimals_of(double v)
{
    double a = v < 0 ? -v : v;
    return a == (double)(int64_t)a ? 0 : a >= 100 ? 1 : a >= 1 ? 2 : 4;
}

static void print_values(struct cli_context *ctx, const json_t *values)
{
    static const struct output_column columns[] = {
        { .key = "metric", .title = "READING" },
        { .key = "label", .title = "PART" },
        { .key = "value", .title = "VALUE", .right = true },
        { .key = "unit", .title = "UNIT" },
        { .key = "at", .title = "CHANGED", .wide = true },
        { .key = "doc", .title = "WHAT IT IS", .wide = true },
        { 0 },
    };
    size_t i;
    const json_t *row;
    output_begin(ctx->output, columns, OUTPUT_ROWS);
    json_array_foreach(values, i, row) {
        double v = json_number_value(json_object_get(row, "value"));
        if (!passes(ctx, row))
            continue;
        output_text(ctx->output, text_at(row, "metric"));
        output_text(ctx->output, text_at(row, "label"));
        output_real(ctx->output, v, decimals_of(v));
        output_text(ctx->output, text_at(row, "unit"));
        output_text(ctx->output, text_at(row, "at"));
        output_text(ctx->output, text_at(row, "doc"));
    }
    output_end(ctx->output, "no reading has all these words");
}

/* What a person should know before the figures: who says them, and what is not as it should be. */
static void note_state(struct cli_context *ctx, const json_t *o)
{
    const json_t *m = json_object_get(o, "machine"), *row;
    const char *version = text_at(m, "version");
    size_t i;
    cli_note(ctx, "%s: %s, last word %s%s%s; every figure is measured", text_at(m, "name"),
             text_at(m, "state"), text_at(m, "heard") ? text_at(m, "heard") : "never",
             version != NULL ? ", agent " : "", version != NULL ? version : "");
    json_array_foreach(json_object_get(o, "conditions"), i, row)
        cli_note(ctx, "%s: %s%s%s", text_at(row, "class"), text_at(row, "text"),
                 text_at(row, "part") ? ", " : "",
                 text_at(row, "part") ? text_at(row, "part") : "");
    json_array_foreach(json_object_get(o, "sources"), i, row)
        if (strcmp(text_at(row, "state"), "silent") == 0)
            cli_note(ctx, "source %s is silent: %s", text_at(row, "name"),
                     text_at(row, "text") ? text_at(row, "text") : "");
}

static int run_readings(struct cli_context *ctx)
{
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    struct text path = { 0 };
    struct mw_error err = { 0 };
    json_t *o = NULL;
    text_add(&path, "/api/v1/machines/");
    text_add(&path, cli_arg(ctx, 0));
    const struct daemon_call call = { .path = text_string(&path) };
    int rc = path.failed || strpbrk(cli_arg(ctx, 0), "/?#% ") != NULL
                 ? mw_fail(&err, MW_EINVAL, "'%.80s' is no machine's name", cli_arg(ctx, 0))
                 : daemon_of(ctx, &d, &err);
    if (rc == 0)
        rc = daemon_ask(d, &call, &o, &err);
    if (rc == 0 && output_form_of(ctx->output) == OUTPUT_JSON && cli_arg_count(ctx) == 1) {
        output_document(ctx->output, o);
    } else if (rc == 0) {
        note_state(ctx, o);
        print_values(ctx, json_object_get(o, "values"));
    }
    json_decref(o);
    text_fini(&path);
    return rc < 0 ? daemon_fail(ctx, &err) : CLI_EXIT_OK;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "tell what a machine reads of itself",
        .description =
            "Prints the newest value of every reading that the machine's agent, BMC or fabric "
            "says, of its GPUs, links, disks, sensors and the host. Words narrow it: all of them "
            "have to be in the reading's name, its part or its description. mw get machines lists "
            "machines; docs/signals.md has every reading.",
        .examples =
            (const struct command_example[]){
                { .line = "mw readings h01-r01-k1-n1 gpu power --socket mw.sock",
                  .shows = "Of a machine without an agent; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = (const struct command_option[]){ DAEMON_OPTIONS, { 0 } },
        .args =
            (const struct command_arg[]){
                { .name = "MACHINE", .type = VALUE_STRING, .help = "its name" },
                { .name = "WORD", .type = VALUE_STRING, .repeat = true, .optional = true,
                  .help = "only readings that have all these words" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "no agent or gatherer speaks of such a machine" },
                { CLI_EXIT_DENIED, "the token does not allow it, or the socket belongs to another "
                                   "user" },
                { CLI_EXIT_UNREACHABLE, "no daemon answers" },
                { CLI_EXIT_TIMEOUT, "the daemon did not answer in time" },
                { 0 },
            },
        .run = run_readings,
    },
    { 0 },
};

const struct command_group cmd_readings = {
    .noun = "readings",
    .summary = "what a machine reads of itself",
    .commands = commands,
};
