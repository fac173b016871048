/* `mw describe`: the whole story of a node, a job, an incident or an order. */
#include <string.h>

#include "cli/commands.h"
#include "cli/daemon_of.h"
#include "cli/get.h"
#include "cli/story_page.h"
#include "cli/yaml_out.h"

#define DESCRIBED "node|nodes|no|job|jobs|incident|incidents|inc|order|orders|ord"

static int as_document(struct cli_context *ctx, struct daemon *d, const char *resource,
                       const char *name, struct mw_error *err)
{
    json_t *o = NULL;
    int rc = story_document(d, resource, name, false, &o, err);
    if (rc == 0 && output_form_of(ctx->output) == OUTPUT_JSON)
        output_document(ctx->output, o);
    else if (rc == 0)
        rc = yaml_out(output_file(ctx->output), o, err);
    json_decref(o);
    return rc;
}

static int as_text(struct cli_context *ctx, struct daemon *d, const char *resource,
                   const char *name, struct mw_error *err)
{
    struct text t = { 0 };
    int rc = story_page(d, resource, name, &t, err);
    for (const char *at = text_string(&t); rc == 0 && *at != '\0';) {
        size_t n = strcspn(at, "\n");
        term_put_safe(output_file(ctx->output), at, n);
        (void)fputc('\n', output_file(ctx->output));
        at += n + (at[n] == '\n');
    }
    text_fini(&t);
    return rc;
}

static int run(struct cli_context *ctx)
{
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    const struct resource *r = resource_find(cli_arg(ctx, 0));
    struct mw_error err = { 0 };
    const char *name, *form = cli_option_string(ctx, "output");
    json_t *names = json_object(), *found;
    bool document = output_form_of(ctx->output) == OUTPUT_JSON || strcmp(form, "yaml") == 0;
    uint32_t done = 0;
    int rc = 0, code = CLI_EXIT_OK;
    must(r != NULL);
    for (uint32_t i = 1; rc == 0 && i < cli_arg_count(ctx); i++)
        rc = get_names_add(names, cli_arg(ctx, i), &err);
    if (rc == 0)
        rc = daemon_of(ctx, &d, &err);
    if (rc < 0)
        code = daemon_fail(ctx, &err);
    json_object_foreach(names, name, found) {
        if (rc < 0)
            break;
        if (done > 0 && !document)
            (void)fputc('\n', output_file(ctx->output));
        int one = document ? as_document(ctx, d, r->name, name, &err)
                           : as_text(ctx, d, r->name, name, &err);
        done += one == 0;
        if (one < 0)
            code = daemon_fail(ctx, &err);
    }
    json_decref(names);
    return code != CLI_EXIT_OK && done > 0 ? CLI_EXIT_PARTIAL : code;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "tell the whole story of a node, job, incident or order",
        .description =
            "A node: health, place, holds with owner and reason, advice that waits, parts that are "
            "bad, incidents, orders, tests and what happened. A job: what mw why tells. An "
            "incident: what mw explain tells. An order: what to do, and its incident. Lines cite "
            "the events that say so; -o json and yaml have every field.",
        .examples =
            (const struct command_example[]){
                { .line = "mw describe node h01-r01-k1-n1 --socket mw.sock",
                  .shows = "All about a node." },
                { .line = "mw describe node 'h01-r01-k1-n[1-2]' -o yaml --socket mw.sock",
                  .shows = "Two nodes, every field." },
                { .line = "mw describe incident 999999999 --socket mw.sock",
                  .shows = "An incident that never was; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "output", .letter = 'o', .type = VALUE_CHOICE,
                  .value = "table|wide|json|yaml|csv", .fallback = "table",
                  .help = "text (table), or the API's own document (json, yaml)" },
                DAEMON_OPTIONS,
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "RESOURCE", .type = VALUE_CHOICE, .choices = DESCRIBED,
                  .help = "what it is" },
                { .name = "NAME", .type = VALUE_NODES, .repeat = true,
                  .help = "names or numbers, host lists, or - for standard input" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no such thing" },
                { CLI_EXIT_DENIED, "the token does not allow it, or the socket belongs to another "
                                   "user" },
                { CLI_EXIT_UNREACHABLE, "no daemon answers" },
                { CLI_EXIT_TIMEOUT, "the daemon did not answer in time" },
                { CLI_EXIT_PARTIAL, "some are not there; the others are told" },
                { 0 },
            },
        .run = run,
    },
    { 0 },
};

const struct command_group cmd_describe = {
    .noun = "describe",
    .summary = "the whole story of one thing",
    .commands = commands,
};
