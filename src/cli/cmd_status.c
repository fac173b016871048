/*
 * `mw status`: the daemon, as it says of itself over the control socket.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/daemon_of.h"

static const struct output_column summary_columns[] = {
    { .key = "site", .title = "SITE" },
    { .key = "version", .title = "VERSION", .wide = true },
    { .key = "uptime_s", .title = "UP" },
    { .key = "mode", .title = "MODE" },
    { .key = "guard_tripped", .title = "GUARD TRIPPED" },
    { .key = "nodes_ready", .title = "NODES READY" },
    { .key = "nodes_not_ready", .title = "NOT READY" },
    { .key = "incidents_open", .title = "OPEN INCIDENTS" },
    { .key = "pending", .title = "WAITING FOR AN ANSWER" },
    { .key = "slurm", .title = "SLURM" },
    { .key = "agents_watched", .title = "AGENTS HEARD" },
    { .key = "agents_listen", .title = "AGENTS CONNECT TO" },
    { .key = "journal", .title = "JOURNAL" },
    { .key = "journal_seq", .title = "LAST EVENT" },
    { .key = "trouble", .title = "TROUBLE" },
    { 0 },
};

static const struct output_column pending_columns[] = {
    { .key = "seq", .title = "NUMBER", .right = true },
    { .key = "what", .title = "WHAT" },
    { .key = "on", .title = "ON" },
    { .key = "class", .title = "WHY" },
    { .key = "since", .title = "SINCE" },
    { 0 },
};

static const json_t *at(const json_t *o, const char *part, const char *key)
{
    return json_object_get(part != NULL ? json_object_get(o, part) : o, key);
}

static int64_t number_at(const json_t *o, const char *part, const char *key)
{
    return json_integer_value(at(o, part, key));
}

static const char *text_at(const json_t *o, const char *part, const char *key)
{
    return json_string_value(at(o, part, key));
}

/* "act", or "hall-1: act, hall-2: observe" where they differ. */
static void add_mode(struct text *t, const json_t *halls)
{
    size_t i;
    json_t *h;
    const char *first = text_at(json_array_get(halls, 0), NULL, "mode");
    bool same = true;
    json_array_foreach(halls, i, h)
        same &= first != NULL && strcmp(first, text_at(h, NULL, "mode")) == 0;
    if (same) {
        text_add(t, first != NULL ? first : "?");
        return;
    }
    json_array_foreach(halls, i, h)
        text_addf(t, "%s%s: %s", i > 0 ? ", " : "", text_at(h, NULL, "hall"),
                  text_at(h, NULL, "mode"));
}

/* None of Slurm's nodes is in the site file: they have other names there. */
static bool strangers(const json_t *o)
{
    const json_t *slurm = json_object_get(o, "slurm");
    return number_at(slurm, NULL, "nodes_known") == 0 &&
           number_at(slurm, NULL, "nodes_unknown") > 0;
}

static const char *slurm_words(const json_t *o)
{
    if (!json_is_object(json_object_get(o, "slurm")))
        return "not watched";
    const char *trouble = text_at(o, "slurm", "trouble");
    if (trouble != NULL)
        return trouble;
    if (strangers(o))
        return "answers, but no node of it is in the site file: names must be Slurm's "
               "(mw site import slurm)";
    return text_at(o, "slurm", "answered") != NULL ? "answers" : "not heard yet";
}

static int64_t not_ready(const json_t *nodes)
{
    const char *name;
    json_t *n;
    int64_t sum = 0;
    json_object_foreach((json_t *)(uintptr_t)nodes, name, n)
        if (strcmp(name, "ready") != 0)
            sum += json_integer_value(n);
    return sum;
}

/* "3: n3 (suspect), n7 (down) and 1 more" */
static void add_not_ready(struct text *t, const json_t *s)
{
    size_t i;
    json_t *n;
    const json_t *list = json_object_get(s, "nodes_not_ready");
    int64_t more = not_ready(json_object_get(s, "nodes")) - (int64_t)json_array_size(list);
    text_addf(t, "%lld", (long long)not_ready(json_object_get(s, "nodes")));
    json_array_foreach(list, i, n)
        text_addf(t, "%s%s (%s)", i == 0 ? ": " : ", ", text_at(n, NULL, "node"),
                  text_at(n, NULL, "health"));
    if (json_array_size(list) > 0 && more > 0)
        text_addf(t, " and %lld more", (long long)more);
}

static void show_summary(struct output *o, const json_t *s)
{
    struct text mode = { 0 }, out = { 0 };
    char up[40];
    int64_t uptime_s = number_at(s, NULL, "uptime_s");
    add_mode(&mode, json_object_get(s, "halls"));
    add_not_ready(&out, s);
    mw_format_duration(uptime_s * MW_NS_PER_S, up, sizeof(up));
    output_begin(o, summary_columns, OUTPUT_RECORD);
    output_text(o, text_at(s, NULL, "site"));
    output_text(o, text_at(s, NULL, "version"));
    output_int_as(o, uptime_s, up);
    output_text(o, text_string(&mode));
    output_bool(o, json_is_true(json_object_get(s, "guard_tripped")));
    output_int(o, number_at(s, "nodes", "ready"));
    output_int_as(o, not_ready(json_object_get(s, "nodes")), text_string(&out));
    output_int(o, number_at(s, NULL, "incidents_open"));
    output_int(o, number_at(s, NULL, "pending_total"));
    output_text(o, slurm_words(s));
    output_int(o, number_at(s, "agents", "watched"));
    output_text(o, text_at(s, "agents", "listens"));
    output_text(o, text_at(s, "journal", "folder"));
    output_int(o, number_at(s, "journal", "seq"));
    output_text(o, text_at(s, "journal", "trouble"));
    output_end(o, NULL);
    text_fini(&mode);
    text_fini(&out);
}

static int by_number(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    int64_t p = number_at(*x, NULL, "seq"), q = number_at(*y, NULL, "seq");
    return (p > q) - (p < q);
}

/* What has no word of its own is called as its event: "drain.ordered". */
static void show_pending_row(struct output *o, const json_t *p)
{
    char shown[24];
    int64_t seq = number_at(p, NULL, "seq");
    const char *what = text_at(p, NULL, "what");
    (void)snprintf(shown, sizeof(shown), "%lld", (long long)seq);
    output_int_as(o, seq, shown);
    output_text(o, what != NULL && what[0] != '\0' ? what : text_at(p, NULL, "kind"));
    output_text(o, text_at(p, NULL, "on"));
    output_text(o, text_at(p, NULL, "class"));
    output_text(o, text_at(p, NULL, "since"));
}

/* The daemon lists them by who asked; a person looks for the oldest. */
static void show_pending(struct output *o, const json_t *list)
{
    size_t n = json_array_size(list);
    const json_t **row = mw_calloc(n + 1, sizeof(*row));
    output_begin(o, pending_columns, OUTPUT_ROWS);
    for (size_t i = 0; row != NULL && i < n; i++)
        row[i] = json_array_get(list, i);
    if (row != NULL)
        qsort((void *)row, n, sizeof(*row), by_number);
    for (size_t i = 0; i < n; i++)
        show_pending_row(o, row != NULL ? row[i] : json_array_get(list, i));
    output_end(o, NULL);
    mw_free((void *)row);
}

static int run_status(struct cli_context *ctx)
{
    struct mw_error err = { 0 };
    json_t *s = NULL;
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    const struct daemon_call c = { .path = "/api/v1/status",
                                   .wait_ns = cli_option_duration_ns(ctx, "wait") };
    if (daemon_of(ctx, &d, &err) < 0 || daemon_ask(d, &c, &s, &err) < 0)
        return cli_fail(ctx, &err);
    enum output_form form = output_form_of(ctx->output);
    if (form == OUTPUT_JSON) {
        output_document(ctx->output, s);
    } else {
        show_summary(ctx->output, s);
        if (form != OUTPUT_CSV && json_array_size(json_object_get(s, "pending")) > 0)
            show_pending(ctx->output, json_object_get(s, "pending"));
    }
    bool trouble = text_at(s, "journal", "trouble") != NULL ||
                   text_at(s, "slurm", "trouble") != NULL || strangers(s);
    json_decref(s);
    return trouble ? CLI_EXIT_PROBLEMS : CLI_EXIT_OK;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "show what the daemon hears, may do, and waits for",
        .description =
            "Asks a running mw serve: what it may do (mode), whom it hears, what waits for an "
            "answer, and whether anything is wrong with it. With --json: all its counters.\n\n"
            "The exit code is 10 when its record takes nothing (a full disk) or Slurm does not "
            "answer it.",
        .examples =
            (const struct command_example[]){
                { .line = "mw status --socket mw.sock", .shows = "The daemon on that socket." },
                { .line = "mw status --socket mw.sock --json | grep -o '\"mode\": \"[a-z]*\"'",
                  .shows = "The mode of each hall, for a script." },
                { .line = "mw status --socket nobody.sock",
                  .shows = "Where no daemon listens, the exit code is 6.",
                  .exit_code = CLI_EXIT_UNREACHABLE },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                DAEMON_OPTIONS,
                { .name = "wait", .type = VALUE_DURATION, .value = "TIME", .fallback = "0",
                  .help = "wait this long for a daemon that is only starting" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_DENIED, "the socket belongs to another user" },
                { CLI_EXIT_UNREACHABLE, "no daemon listens" },
                { CLI_EXIT_TIMEOUT, "the daemon did not answer" },
                { CLI_EXIT_PROBLEMS, "the daemon is in trouble: the answer says which" },
                { 0 },
            },
        .run = run_status,
    },
    { 0 },
};

const struct command_group cmd_status = {
    .noun = "status",
    .summary = "ask the daemon how it is",
    .commands = commands,
};
