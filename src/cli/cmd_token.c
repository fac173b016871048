/* `mw token`: who may speak to the daemon's API, and for how long. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/access.h"
#include "base/format.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/access_of.h"
#include "cli/commands.h"
#include "cli/daemon_of.h"

/* ---- create -------------------------------------------------------------------------------- */

static json_t *texts(const struct cli_context *ctx, const char *option)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < cli_option_count(ctx, option); i++)
        (void)json_array_append_new(list, json_string(cli_option_nth(ctx, option, i)));
    return list;
}

static json_t *numbers(const struct cli_context *ctx, const char *option)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < cli_option_count(ctx, option); i++) {
        uint64_t n = 0;
        if (mw_parse_u64(cli_option_nth(ctx, option, i), &n) == 0)
            (void)json_array_append_new(list, json_integer((json_int_t)MW_MIN(n, INT64_MAX)));
    }
    return list;
}

static json_t *ends(const struct cli_context *ctx)
{
    struct timespec now;
    char text[40];
    int64_t length_ns = cli_option_duration_ns(ctx, "expires"), end_ns;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (length_ns == 0 ||
        mw_add_overflows(now.tv_sec * MW_NS_PER_S + now.tv_nsec, length_ns, &end_ns))
        return json_null();
    mw_format_time(end_ns, text, sizeof(text));
    return json_string(text);
}

/* The token alone on a line, so that it can go straight into a file of mode 0600. */
static void print_token(struct cli_context *ctx, const json_t *made)
{
    const char *token = json_string_value(json_object_get(made, "token"));
    if (output_form_of(ctx->output) == OUTPUT_JSON) {
        output_document(ctx->output, made);
        return;
    }
    (void)fprintf(output_file(ctx->output), "%s\n", token != NULL ? token : "");
    cli_note(ctx, "token %s for %s; it is not shown again",
             json_string_value(json_object_get(made, "id")), cli_option_string(ctx, "name"));
}

static int run_create(struct cli_context *ctx)
{
    struct mw_error err = { 0 };
    json_t *made = NULL;
    json_t *grant = json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", cli_option_string(ctx, "name"),
                              "roles", texts(ctx, "role"), "tenants", numbers(ctx, "tenant"),
                              "halls", texts(ctx, "hall"), "expires", ends(ctx));
    int rc = grant != NULL ? access_of_create(ctx, grant, &made, &err)
                           : mw_fail(&err, MW_EINVAL, "the name must be UTF-8");
    json_decref(grant);
    if (rc < 0)
        return daemon_fail(ctx, &err);
    print_token(ctx, made);
    json_decref(made);
    return CLI_EXIT_OK;
}

/* ---- list, revoke, link -------------------------------------------------------------------- */

static const struct output_column columns[] = {
    { .key = "id", .title = "ID" },
    { .key = "kind", .title = "KIND" },
    { .key = "name", .title = "NAME" },
    { .key = "roles", .title = "ROLES" },
    { .key = "tenants", .title = "TENANTS" },
    { .key = "halls", .title = "HALLS" },
    { .key = "actor", .title = "ACTOR", .wide = true },
    { .key = "created", .title = "CREATED", .wide = true },
    { .key = "expires", .title = "EXPIRES" },
    { .key = "revoked", .title = "REVOKED" },
    { 0 },
};

/* "viewer finance"; `none` for an empty list. */
static void print_list(struct output *o, const json_t *list, const char *none)
{
    struct text t = { 0 };
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        text_add(&t, i > 0 ? " " : "");
        if (json_is_integer(v))
            text_addf(&t, "%lld", (long long)json_integer_value(v));
        else
            text_add(&t, json_string_value(v) != NULL ? json_string_value(v) : "");
    }
    output_text(o, t.length > 0 ? text_string(&t) : none);
    text_fini(&t);
}

static void print_row(struct output *o, const json_t *r)
{
    static const char *const texts_before[] = { "id", "kind", "name" };
    static const char *const times[] = { "created", "expires", "revoked" };
    char actor[24];
    (void)snprintf(actor, sizeof(actor), "%lld",
                   (long long)json_integer_value(json_object_get(r, "actor")));
    for (size_t i = 0; i < MW_ARRAY_LEN(texts_before); i++)
        output_text(o, json_string_value(json_object_get(r, texts_before[i])));
    print_list(o, json_object_get(r, "roles"), NULL);
    print_list(o, json_object_get(r, "tenants"), "all");
    print_list(o, json_object_get(r, "halls"), "all");
    output_int_as(o, json_integer_value(json_object_get(r, "actor")), actor);
    for (size_t i = 0; i < MW_ARRAY_LEN(times); i++)
        output_text(o, json_string_value(json_object_get(r, times[i])));
}

static int run_list(struct cli_context *ctx)
{
    struct mw_error err = { 0 };
    json_t *list = NULL;
    if (access_of_list(ctx, &list, &err) < 0)
        return daemon_fail(ctx, &err);
    const json_t *rows = json_object_get(list, "rows");
    if (output_form_of(ctx->output) == OUTPUT_JSON) {
        output_document(ctx->output, rows);
        json_decref(list);
        return CLI_EXIT_OK;
    }
    output_begin(ctx->output, columns, OUTPUT_ROWS);
    for (size_t i = 0; i < json_array_size(rows); i++)
        print_row(ctx->output, json_array_get(rows, i));
    output_end(ctx->output, "no tokens: mw token create makes one");
    json_decref(list);
    return CLI_EXIT_OK;
}

static int run_revoke(struct cli_context *ctx)
{
    struct mw_error err = { 0 };
    if (access_of_revoke(ctx, cli_arg(ctx, 0), &err) < 0)
        return daemon_fail(ctx, &err);
    cli_note(ctx, "%s is refused from now on", cli_arg(ctx, 0));
    return CLI_EXIT_OK;
}

static int run_link(struct cli_context *ctx)
{
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    struct mw_error err = { 0 };
    json_t *answer = NULL, *nothing = json_object();
    const struct daemon_call c = { .path = "/api/v1/session/link", .body = nothing };
    int rc = daemon_of(ctx, &d, &err);
    if (rc == 0)
        rc = daemon_ask(d, &c, &answer, &err);
    json_decref(nothing);
    if (rc < 0)
        return daemon_fail(ctx, &err);
    const char *link = json_string_value(json_object_get(answer, "link"));
    if (output_form_of(ctx->output) == OUTPUT_JSON)
        output_document(ctx->output, answer);
    else
        (void)fprintf(output_file(ctx->output), "%s\n", link != NULL ? link : "");
    cli_note(ctx, "works once, for 10 minutes");
    json_decref(answer);
    return CLI_EXIT_OK;
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct command_exit token_exits[] = {
    { CLI_EXIT_NOT_FOUND, "there is no such token" },
    { CLI_EXIT_DENIED, "the daemon or the access file is not for this user" },
    { CLI_EXIT_CONFLICT, "somebody else changes the access file, or the daemon has none" },
    { CLI_EXIT_UNREACHABLE, "no daemon answers: name the file with --access" },
    { CLI_EXIT_TIMEOUT, "the daemon did not answer in time" },
    { 0 },
};

static const struct command commands[] = {
    {
        .verb = "create",
        .summary = "give somebody a token for the API",
        .description =
            "Prints the token, once: what is kept is its hash. Whoever holds it may do what its "
            "roles say: viewer looks; user looks at the jobs of its own tenants; technician also "
            "works on orders; operator runs the site; finance looks, as viewer; auditor "
            "also sees who did what; admin does everything and gives access. With --tenant or "
            "--hall it sees only those.\n\n"
            "Without --access the daemon is asked. With it the file is changed itself: a running "
            "daemon reads it again when it changed.",
        .examples =
            (const struct command_example[]){
                { .line = "umask 077; mw token create --name prometheus --role viewer "
                          "--access access.json > prometheus.token",
                  .shows = "A token for a program, in a file of its own." },
                { .line = "mw token create --name acme --role user --tenant 7 --expires 90d "
                          "--access access.json --json",
                  .shows = "One that sees the jobs of tenant 7, for 90 days." },
                { .line = "mw token create --name ci --role operator --hall h1 --socket mw.sock",
                  .shows = "Asks the daemon to make one." },
                { .line = "mw token create --name acme --role user --access access.json",
                  .shows = "A user without a tenant sees nothing: the exit code is 2.",
                  .exit_code = CLI_EXIT_USAGE },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "name", .type = VALUE_STRING, .value = "NAME", .required = true,
                  .help = "who will hold it" },
                { .name = "role", .type = VALUE_CHOICE, .required = true, .repeat = true,
                  .value = "viewer|user|technician|operator|finance|auditor|admin",
                  .help = "what it may do; several add up" },
                { .name = "tenant", .type = VALUE_U64, .value = "N", .repeat = true,
                  .help = "only this tenant; several times for several" },
                { .name = "hall", .type = VALUE_STRING, .value = "HALL", .repeat = true,
                  .help = "only this hall; several times for several" },
                { .name = "expires", .type = VALUE_DURATION, .value = "TIME", .fallback = "0",
                  .help = "it ends after this time; 0 = when it is revoked" },
                ACCESS_FILE_OPTION,
                DAEMON_OPTIONS,
                { 0 },
            },
        .exits = token_exits,
        .run = run_create,
    },
    {
        .verb = "list",
        .summary = "list tokens and sessions",
        .description = "Lists who has access: tokens, what mw login keeps, and, from a daemon, the "
                       "sessions of browsers. No secret is shown: none is kept.",
        .examples =
            (const struct command_example[]){
                { .line = "mw token list --access access.json", .shows = "Those of a file." },
                { .line = "mw token list --socket mw.sock --json",
                  .shows = "The daemon's, for a program." },
                { 0 },
            },
        .options = (const struct command_option[]){ ACCESS_FILE_OPTION, DAEMON_OPTIONS, { 0 } },
        .exits = token_exits,
        .run = run_list,
    },
    {
        .verb = "revoke",
        .summary = "end a token or a session",
        .description = "From the next request on it is refused; streams that it opened end within "
                       "seconds. A revoked token stays in the list, so that the numbers in the "
                       "record and in the audit log keep a name.",
        .examples =
            (const struct command_example[]){
                { .line = "mw token revoke $(mw token list --access access.json -o csv | "
                          "sed -n '2s/,.*//p') --access access.json",
                  .shows = "Ends the first one." },
                { .line = "mw token revoke 00000000 --access access.json",
                  .shows = "One that is not there; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = (const struct command_option[]){ ACCESS_FILE_OPTION, DAEMON_OPTIONS, { 0 } },
        .args =
            (const struct command_arg[]){
                { .name = "ID", .type = VALUE_STRING, .help = "its id, as mw token list shows it" },
                { 0 },
            },
        .exits = token_exits,
        .run = run_revoke,
    },
    {
        .verb = "link",
        .summary = "make a new one-time link to the console",
        .description = "The link logs one browser in as administrator. It works once, within 10 "
                       "minutes. Only who may do everything can make one.",
        .examples =
            (const struct command_example[]){
                { .line = "mw token link --socket nobody.sock",
                  .shows = "Where no daemon listens, the exit code is 6.",
                  .exit_code = CLI_EXIT_UNREACHABLE },
                { 0 },
            },
        .options = (const struct command_option[]){ DAEMON_OPTIONS, { 0 } },
        .exits = token_exits,
        .run = run_link,
    },
    { 0 },
};

const struct command_group cmd_token = {
    .noun = "token",
    .summary = "who may speak to the daemon's API",
    .commands = commands,
};
