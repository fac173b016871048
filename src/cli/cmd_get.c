/*
 * `mw get`: rows of any list of the API, once or as they change.  `mw watch`:
 * what happens, as it happens.
 */
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/daemon_of.h"
#include "cli/get_print.h"
#include "cli/get_watch.h"

struct get {
    struct cli_context *ctx;
    struct daemon *daemon;
    struct get_query query;
    struct get_printer printer;
    struct text fields; /* owned */
};

static void get_fini(struct get *g)
{
    json_decref(g->query.names);
    text_fini(&g->fields);
    daemon_close(g->daemon);
}

static int read_names(struct get *g, struct mw_error *err)
{
    if (cli_arg_count(g->ctx) < 2)
        return 0;
    g->query.names = json_object();
    for (uint32_t i = 1; i < cli_arg_count(g->ctx); i++) {
        int rc = get_names_add(g->query.names, cli_arg(g->ctx, i), err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_query(struct get *g, bool watch, struct mw_error *err)
{
    struct cli_context *ctx = g->ctx;
    const struct resource *r = resource_find(cli_arg(ctx, 0));
    must(r != NULL); /* the parser let only these words through */
    g->query = (struct get_query){ .resource = r, .filter = cli_option_string(ctx, "filter"),
                                   .sort = cli_option_string(ctx, "sort"),
                                   .limit = cli_option_u64(ctx, "limit"),
                                   .all = cli_option_bool(ctx, "all"),
                                   .timeout_ns = cli_option_duration_ns(ctx, "timeout") };
    int rc = get_printer_init(&g->printer, ctx, r, watch, err);
    if (rc < 0)
        return rc;
    get_printer_fields(&g->printer, &g->fields);
    if (g->fields.length > 0)
        g->query.fields = text_string(&g->fields);
    return read_names(g, err);
}

/* Tells which names were not found: 3 when none was, 8 when some were not. */
static int missing(const struct get *g)
{
    const char *key;
    json_t *found;
    size_t absent = 0;
    if (g->query.names == NULL || json_object_size(g->query.names) == 0)
        return CLI_EXIT_OK;
    json_object_foreach(g->query.names, key, found)
        absent += !json_is_true(found);
    if (absent == 0)
        return CLI_EXIT_OK;
    struct text t = { 0 };
    get_names_missing(&t, g->query.names);
    cli_error(g->ctx, "not among the %s%s: %s", g->query.resource->name,
              g->query.filter ? " that pass the filter" : "", text_string(&t));
    text_fini(&t);
    return absent == json_object_size(g->query.names) ? CLI_EXIT_NOT_FOUND : CLI_EXIT_PARTIAL;
}

static void note_rest(const struct get *g, const json_t *document)
{
    int64_t total = json_integer_value(json_object_get(document, "total"));
    size_t n = json_array_size(json_object_get(document, "rows"));
    if (g->query.names == NULL && total > (int64_t)n)
        cli_note(g->ctx, "%zu of %lld; --limit 0 shows all", n, (long long)total);
}

static int get_once(struct get *g, struct mw_error *err)
{
    struct text text = { 0 };
    json_t *document = NULL;
    int rc = get_rows(g->daemon, &g->query, &document, &text, err);
    if (rc == 0)
        rc = get_print(&g->printer, document, &text, err);
    if (rc == 0)
        note_rest(g, document);
    json_decref(document);
    text_fini(&text);
    return rc;
}

static int run_get(struct cli_context *ctx)
{
    struct get g mw_cleanup(get_fini) = { .ctx = ctx };
    struct mw_error err = { 0 };
    bool watch = cli_option_bool(ctx, "watch");
    int rc = read_query(&g, watch, &err);
    if (rc == 0)
        rc = daemon_of(ctx, &g.daemon, &err);
    if (rc == 0 && watch)
        rc = get_watch(g.daemon, &g.query, &g.printer, cli_option_duration_ns(ctx, "for"), &err);
    else if (rc == 0)
        rc = get_once(&g, &err);
    return rc < 0 ? daemon_fail(ctx, &err) : missing(&g);
}

/* ---- mw watch ------------------------------------------------------------------------------- */

static int run_watch(struct cli_context *ctx)
{
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    struct mw_error err = { 0 };
    enum output_form form = output_form_of(ctx->output);
    if (form == OUTPUT_CSV)
        return cli_usage(ctx, "events are sentences, or with -o ndjson an object a line");
    if (daemon_of(ctx, &d, &err) < 0)
        return daemon_fail(ctx, &err);
    struct watch_events w = {
        .ctx = ctx, .daemon = d, .kind = cli_option_string(ctx, "kind"),
        .after = cli_option_string(ctx, "after"), .for_ns = cli_option_duration_ns(ctx, "for"),
        .lines = form == OUTPUT_JSON || strcmp(cli_option_string(ctx, "output"), "ndjson") == 0,
    };
    return watch_events(&w, &err) < 0 ? daemon_fail(ctx, &err) : CLI_EXIT_OK;
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct command_exit get_exits[] = {
    { CLI_EXIT_NOT_FOUND, "none of the names is there" },
    { CLI_EXIT_DENIED, "the token does not allow it, or the socket belongs to another user" },
    { CLI_EXIT_UNREACHABLE, "no daemon answers" },
    { CLI_EXIT_TIMEOUT, "the daemon did not answer in time" },
    { CLI_EXIT_PARTIAL, "some of the names are not there; the others are printed" },
    { 0 },
};

static const struct command get_commands[] = {
    {
        .verb = "",
        .summary = "list nodes, GPUs, jobs, incidents and all else, filtered and sorted",
        .description =
            "Asks the daemon for a list: of everything, or of the names given. A NAME may be a "
            "host list (h01-r01-k1-n[1-4]); - reads names from standard input.\n\n"
            "--filter takes an expression over the fields of a row: = != < <= > >= ~ (a pattern "
            "with * and ?), in (a,b), and, or, not, parentheses; a field alone is true or false. "
            "Fields are the keys of -o json, with the units in their names; values may be written "
            "2h30min, $12.50 or 12.5%.\n\n"
            "With --watch the list comes first and then, as the record grows, every row that is "
            "new, changed or gone.",
        .examples =
            (const struct command_example[]){
                { .line = "mw get nodes --socket mw.sock --limit 5", .shows = "The first nodes." },
                { .line = "mw get nodes -l 'health!=ready and gpus>=8' --sort name -o wide "
                          "--socket mw.sock",
                  .shows = "Nodes that are not ready, with all columns." },
                { .line = "mw get node 'h01-r01-k1-n[1-3]' --columns name,health,job "
                          "--socket mw.sock",
                  .shows = "Three nodes, three columns." },
                { .line = "mw get nodes -l 'schedulable' -o name --socket mw.sock | head -2 | "
                          "mw get nodes - --no-headers --socket mw.sock",
                  .shows = "Names out, names in." },
                { .line = "mw get incidents -o json --socket mw.sock",
                  .shows = "The API's own document." },
                { .line = "mw get jobs --watch --for 1s --socket mw.sock",
                  .shows = "Jobs, and what becomes of them within a second." },
                { .line = "mw get node nobody --socket mw.sock",
                  .shows = "A node that is not there; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { .line = "mw get nodes -l 'healht=down' --socket mw.sock",
                  .shows = "A field that is not there; the exit code is 2.",
                  .exit_code = CLI_EXIT_USAGE },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "filter", .letter = 'l', .type = VALUE_STRING, .value = "EXPR",
                  .help = "only rows of which this is true" },
                { .name = "sort", .type = VALUE_STRING, .value = "FIELDS",
                  .help = "the order, as name or -lost_uusd,name (- is downwards)" },
                { .name = "columns", .type = VALUE_STRING, .value = "FIELDS",
                  .help = "only these, in this order" },
                { .name = "no-headers", .help = "no line of headings" },
                { .name = "all", .help = "what is over, too: jobs that ended, symptoms" },
                { .name = "limit", .type = VALUE_U64, .value = "N", .fallback = "0",
                  .help = "so many rows at most; 0 = all" },
                { .name = "watch", .letter = 'w', .help = "then print what changes" },
                { .name = "for", .type = VALUE_DURATION, .value = "TIME", .fallback = "0",
                  .help = "with --watch: stop after this long" },
                { .name = "timeout", .type = VALUE_DURATION, .value = "TIME", .fallback = "10s",
                  .help = "wait so long for an answer" },
                GET_OUTPUT_OPTION,
                DAEMON_OPTIONS,
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "RESOURCE", .type = VALUE_CHOICE, .choices = RESOURCE_CHOICES,
                  .help = "what to list" },
                { .name = "NAME", .type = VALUE_NODES, .optional = true, .repeat = true,
                  .help = "names or numbers, host lists, or - for standard input" },
                { 0 },
            },
        .exits = get_exits,
        .run = run_get,
    },
    { 0 },
};
const struct command_group cmd_get = {
    .noun = "get",
    .summary = "lists of what the daemon knows",
    .commands = get_commands,
};

static const struct command watch_commands[] = {
    {
        .verb = "",
        .summary = "follow what happens, a sentence each",
        .description =
            "Follows the record of the daemon: every event as a sentence with its number and time. "
            "With -o ndjson each is an object on a line of its own, for a program. Where the "
            "connection breaks, it goes on at the event after the last one seen.",
        .examples =
            (const struct command_example[]){
                { .line = "mw watch --for 1s --socket mw.sock",
                  .shows = "What happens in a second." },
                { .line = "mw watch --after 1 --kind 'command*' --for 1s -o ndjson "
                          "--socket mw.sock",
                  .shows = "Commands of persons since the record began, for a program." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "kind", .type = VALUE_STRING, .value = "PATTERN",
                  .help = "only events of such kinds, as incident.* or job.ended" },
                { .name = "after", .type = VALUE_STRING, .value = "EVENT",
                  .help = "begin after the event of this number (default: now)" },
                { .name = "for", .type = VALUE_DURATION, .value = "TIME", .fallback = "0",
                  .help = "stop after this long" },
                { .name = "output", .letter = 'o', .type = VALUE_CHOICE,
                  .value = "table|wide|json|ndjson|csv", .fallback = "table",
                  .help = "sentences (table), or an object a line (ndjson)" },
                DAEMON_OPTIONS,
                { 0 },
            },
        .exits = daemon_exits,
        .run = run_watch,
    },
    { 0 },
};
const struct command_group cmd_watch = {
    .noun = "watch",
    .summary = "what happens, as it happens",
    .commands = watch_commands,
};
