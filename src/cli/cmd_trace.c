/*
 * `mw trace`: what a recorded trace says by itself, before any simulation.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "sim/fault_trace.h"

#define TRACE_BYTES_MAX ((size_t)1 << 30)

/* Faults of one class. */
struct class_count {
    const char *name; /* borrowed */
    uint32_t row, faults;
};

static int compare_counts(const void *a, const void *b)
{
    const struct class_count *x = a, *y = b;
    if (x->faults != y->faults)
        return x->faults > y->faults ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Most frequent first; NULL when out of memory.  mw_free. */
static struct class_count *count_classes(const struct fault_trace *t)
{
    struct class_count *c = mw_calloc(t->classes, sizeof(*c));
    for (uint32_t i = 0; c != NULL && i < t->classes; i++)
        c[i] = (struct class_count){ t->class_name[i], i, 0 };
    for (uint32_t i = 0; c != NULL && i < t->faults; i++)
        c[t->fault[i].class].faults++;
    if (c != NULL)
        qsort(c, t->classes, sizeof(*c), compare_counts);
    return c;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *faults_json(const struct fault_trace *t, const struct fault_trace_stats *s,
                           const struct class_count *c)
{
    json_t *by_class = json_object();
    for (uint32_t i = 0; i < t->classes; i++)
        (void)json_object_set_new(by_class, c[i].name, json_integer(c[i].faults));
    return json_pack("{s:i, s:i, s:i, s:i, s:f, s:f, s:{s:f, s:f, s:f}, s:{s:f, s:f, s:f}, s:o, "
                     "s:s}",
                     "nodes", (int)s->nodes, "nodes_with_faults", (int)t->nodes_seen, "faults",
                     (int)s->faults, "down_intervals", (int)s->intervals, "days", s->days,
                     "down_fraction_mean", s->down_fraction_mean, "refault", "d1", s->refault_d1,
                     "d7", s->refault_d7, "d30", s->refault_d30, "repair_days", "mean",
                     s->repair_days_mean, "p50", s->repair_days_p50, "p90", s->repair_days_p90,
                     "by_class", by_class, "basis", "trace");
}

static int show_json(struct cli_context *ctx, const struct fault_trace *t,
                     const struct fault_trace_stats *s, const struct class_count *c)
{
    json_t *v = faults_json(t, s, c);
    if (v == NULL) {
        cli_error(ctx, "out of memory");
        return CLI_EXIT_ERROR;
    }
    output_document(ctx->output, v);
    json_decref(v);
    return CLI_EXIT_OK;
}

/* ---- table and CSV ------------------------------------------------------------------------- */

static const struct output_column stat_columns[] = {
    { .key = "nodes", .title = "NODES" },
    { .key = "nodes_with_faults", .title = "NODES WITH FAULTS" },
    { .key = "faults", .title = "FAULTS" },
    { .key = "down_intervals", .title = "DOWN INTERVALS" },
    { .key = "days", .title = "LENGTH", .unit = "days" },
    { .key = "down_fraction_mean", .title = "DOWN, MEAN" },
    { .key = "refault_d1", .title = "DOWN AGAIN WITHIN 1 DAY" },
    { .key = "refault_d7", .title = "DOWN AGAIN WITHIN 7 DAYS" },
    { .key = "refault_d30", .title = "DOWN AGAIN WITHIN 30 DAYS" },
    { .key = "repair_days_mean", .title = "REPAIR, MEAN", .unit = "days" },
    { .key = "repair_days_p50", .title = "REPAIR, MEDIAN", .unit = "days" },
    { .key = "repair_days_p90", .title = "REPAIR, 90 % UNDER", .unit = "days" },
    { 0 },
};

static void share(struct output *o, double v, int decimals)
{
    char shown[32];
    (void)snprintf(shown, sizeof(shown), "%.*f %%", decimals, v * 100.0);
    output_real_as(o, v, shown);
}

static void show_stats(struct output *o, const struct fault_trace *t,
                       const struct fault_trace_stats *s)
{
    output_begin(o, stat_columns, OUTPUT_RECORD);
    output_int(o, s->nodes);
    output_int(o, t->nodes_seen);
    output_int(o, s->faults);
    output_int(o, s->intervals);
    output_real(o, s->days, 2);
    share(o, s->down_fraction_mean, 3);
    share(o, s->refault_d1, 1);
    share(o, s->refault_d7, 1);
    share(o, s->refault_d30, 1);
    output_real(o, s->repair_days_mean, 3);
    output_real(o, s->repair_days_p50, 3);
    output_real(o, s->repair_days_p90, 2);
    output_end(o, NULL);
}

static const struct output_column class_columns[] = {
    { .key = "class", .title = "CLASS" },
    { .key = "faults", .title = "FAULTS", .right = true },
    { .key = "share", .title = "SHARE", .right = true },
    { 0 },
};

static void show_classes(struct output *o, const struct fault_trace *t,
                         const struct class_count *c)
{
    output_begin(o, class_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < t->classes; i++) {
        output_text(o, c[i].name);
        output_int(o, c[i].faults);
        share(o, (double)c[i].faults / t->faults, 1);
    }
    output_end(o, NULL);
}

static void show_table(struct cli_context *ctx, const struct fault_trace *t,
                       const struct fault_trace_stats *s, const struct class_count *c)
{
    enum output_form form = output_form_of(ctx->output);
    bool person = form == OUTPUT_TABLE || form == OUTPUT_WIDE;
    if (person)
        (void)fprintf(output_file(ctx->output), "%s (from a trace)\n\n", cli_arg(ctx, 0));
    show_stats(ctx->output, t, s);
    if (!person)
        return;
    show_classes(ctx->output, t, c);
}

/* ---- the command --------------------------------------------------------------------------- */

static void free_trace(struct fault_trace **t)
{
    fault_trace_destroy(*t);
}

static int run_faults(struct cli_context *ctx)
{
    char *json mw_cleanup(mw_freep) = NULL;
    struct class_count *c mw_cleanup(mw_freep) = NULL;
    struct fault_trace *t mw_cleanup(free_trace) = NULL;
    struct fault_trace_stats s;
    struct mw_error err = { 0 };
    size_t size = 0;
    const char *path = cli_arg(ctx, 0);
    uint64_t nodes = cli_option_u64(ctx, "nodes");

    if (nodes == 0 || nodes > 10000000)
        return cli_usage(ctx, "option --nodes: must be from 1 to 10,000,000");
    int rc = mw_read_file(path, TRACE_BYTES_MAX, true, &json, &size, &err);
    if (rc == 0)
        rc = fault_trace_parse(json, size, path, &t, &err);
    if (rc == 0)
        rc = fault_trace_stats(t, (uint32_t)nodes, &s, &err);
    if (rc != 0)
        return cli_fail(ctx, &err);
    c = count_classes(t);
    if (c == NULL) {
        (void)mw_fail(&err, MW_ENOMEM, "out of memory");
        return cli_fail(ctx, &err);
    }
    if (output_form_of(ctx->output) == OUTPUT_JSON)
        return show_json(ctx, t, &s, c);
    show_table(ctx, t, &s, c);
    return CLI_EXIT_OK;
}

static const struct command commands[] = {
    {
        .verb = "faults",
        .summary = "statistics of a fault trace",
        .description =
            "Counts what a recorded fault trace says: how many faults of which class, what share "
            "of the nodes is down on average, how long repairs take, how soon a node is down "
            "again.\n\n"
            "A node is down while it has an open fault; touching intervals are one. The trace runs "
            "from day 0 to its last event. Down again within d days is the share of ended down "
            "intervals after which the same node goes down within d days.\n\n"
            "The file is JSON as in data/stepfun (gzip or not): a list of records with node_id, "
            "event_time in days, event_type fault_start or fault_end, and fault_type with Class "
            "and Desc. A fault that never ends is down to the end of the trace and no repair. An "
            "end without its start, and the same start twice, are errors.",
        .examples =
            (const struct command_example[]){
                { .line = "mw trace faults data/stepfun/fault_trace.json --nodes 400",
                  .shows = "348 days of 400 servers that trained large language models." },
                { .line = "mw trace faults data/stepfun/fault_trace.json --nodes 400 --json",
                  .shows = "The same for a program." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "nodes", .type = VALUE_U64, .value = "N", .required = true,
                  .help = "how many servers the trace covers, those without a fault included" },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "FILE", .type = VALUE_FILE, .help = "the trace; - is standard input" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "the file does not exist" },
                { CLI_EXIT_DENIED, "the file may not be read" },
                { 0 },
            },
        .run = run_faults,
    },
    { 0 },
};

const struct command_group cmd_trace = {
    .noun = "trace",
    .summary = "what recorded traces say",
    .commands = commands,
};
