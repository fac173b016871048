/*
 * `mw straggler`: which workers, stages and operations hold a training job
 * back, asked of a trace of its operations.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/straggler_file.h"

#define MAP_ROWS_MAX 64 /* of the heat map, without -o wide */

/* ---- JSON ---------------------------------------------------------------------------------- */

/* null for what has no value. */
static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *by_number(const double *v, uint32_t n)
{
    json_t *o = json_object();
    char key[16];

    for (uint32_t i = 0; i < n; i++) {
        (void)snprintf(key, sizeof(key), "%u", i);
        (void)json_object_set_new(o, key, number(v[i]));
    }
    return o;
}

static json_t *by_name(const struct straggler_result *r)
{
    json_t *o = json_object();
    for (uint32_t i = 0; i < r->ops; i++)
        (void)json_object_set_new(o, r->by_op[i].name, number(r->by_op[i].slowdown));
    return o;
}

/* A list for each data-parallel rank, a number in it for each stage. */
static json_t *map_json(const struct straggler_result *r)
{
    json_t *map = json_array();
    for (uint32_t d = 0; d < r->dps; d++) {
        json_t *row = json_array();
        for (uint32_t s = 0; s < r->stages; s++)
            (void)json_array_append_new(row, number(straggler_of_worker(r, d, s)));
        (void)json_array_append_new(map, row);
    }
    return map;
}

static int show_json(struct cli_context *ctx, const struct straggler_result *r)
{
    json_t *v = json_pack("{s:f, s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:i, s:{s:i, s:i, s:i}, s:o}",
                          "slowdown", r->slowdown, "Mw", number(r->workers_share), "Ms",
                          number(r->last_stage_share), "by_worker", by_number(r->by_dp, r->dps),
                          "by_stage", by_number(r->by_stage, r->stages), "by_op", by_name(r),
                          "step_s", r->step_s, "ideal_step_s", r->ideal_step_s, "steps",
                          (int)r->steps, "worst", "dp_rank", (int)r->worst_dp, "stage",
                          (int)r->worst_stage, "rank", (int)r->worst_rank, "heat_map",
                          map_json(r));
    if (v == NULL) {
        cli_error(ctx, "out of memory");
        return CLI_EXIT_ERROR;
    }
    output_document(ctx->output, v);
    json_decref(v);
    return CLI_EXIT_OK;
}

/* ---- CSV ----------------------------------------------------------------------------------- */

static const struct output_column csv_columns[] = {
    { .key = "by" }, { .key = "name" }, { .key = "slowdown" }, { 0 },
};

static void csv_row(struct output *o, const char *by, const char *name, double slowdown)
{
    output_text(o, by);
    output_text(o, name);
    output_real(o, slowdown, 4);
}

static void show_csv(struct output *o, const struct straggler_result *r)
{
    char name[16];

    output_begin(o, csv_columns, OUTPUT_ROWS);
    csv_row(o, "job", "", r->slowdown);
    for (uint32_t d = 0; d < r->dps; d++) {
        (void)snprintf(name, sizeof(name), "%u", d);
        csv_row(o, "worker", name, r->by_dp[d]);
    }
    for (uint32_t s = 0; s < r->stages; s++) {
        (void)snprintf(name, sizeof(name), "%u", s);
        csv_row(o, "stage", name, r->by_stage[s]);
    }
    for (uint32_t i = 0; i < r->ops; i++)
        csv_row(o, "operation", r->by_op[i].name, r->by_op[i].slowdown);
    output_end(o, NULL);
}

/* ---- for a person -------------------------------------------------------------------------- */

/* From which slowdown a cell is marked, with what, and in which colour. */
static const struct shade {
    double from;
    char mark;
    const char *colour;
} shades[] = {
    { 1.5, '#', "\x1b[97;48;5;124m" },
    { 1.25, '*', "\x1b[30;48;5;203m" },
    { 1.1, '+', "\x1b[30;48;5;217m" },
    { 1.03, '.', "\x1b[30;48;5;224m" },
};

static void map_cell(FILE *f, double v, bool colour)
{
    const struct shade *s = NULL;

    for (uint32_t i = 0; s == NULL && i < MW_ARRAY_LEN(shades); i++)
        s = v >= shades[i].from ? &shades[i] : NULL;
    (void)fprintf(f, " %s%6.3f%c%s", s != NULL && colour ? s->colour : "", v,
                  s == NULL ? ' ' : s->mark, s != NULL && colour ? "\x1b[0m" : "");
}

/* A data-parallel rank and how much it holds the job back. */
struct map_row {
    double slowdown;
    uint32_t dp;
};

static int compare_slowest(const void *a, const void *b)
{
    const struct map_row *x = a, *y = b;
    if (x->slowdown < y->slowdown || x->slowdown > y->slowdown)
        return x->slowdown > y->slowdown ? -1 : 1;
    return x->dp < y->dp ? -1 : x->dp > y->dp;
}

static int compare_dps(const void *a, const void *b)
{
    const struct map_row *x = a, *y = b;
    return x->dp < y->dp ? -1 : x->dp > y->dp;
}

/* The rows to show, by rank: all of them, or the slowest. */
static void map_rows(const struct straggler_result *r, struct map_row *rows, uint32_t shown)
{
    for (uint32_t d = 0; d < r->dps; d++)
        rows[d] = (struct map_row){ r->by_dp[d], d };
    qsort(rows, r->dps, sizeof(*rows), compare_slowest);
    qsort(rows, shown, sizeof(*rows), compare_dps);
}

static void show_map(struct cli_context *ctx, const struct straggler_result *r)
{
    struct map_row *rows mw_cleanup(mw_freep) = mw_calloc(r->dps, sizeof(*rows));
    const struct term *term = output_term(ctx->output);
    FILE *f = output_file(ctx->output);
    uint32_t shown = output_form_of(ctx->output) == OUTPUT_WIDE ? r->dps
                                                                : MW_MIN(r->dps, MAP_ROWS_MAX);
    uint32_t per_block = MW_MAX(term->width, 32U) / 8 - 1;

    if (rows == NULL) {
        cli_error(ctx, "out of memory: no heat map");
        return;
    }
    map_rows(r, rows, shown);
    (void)fprintf(f, "\nSlowdown by worker (down) and stage (across): . from 1.03, + 1.10, * 1.25, "
                     "# 1.50\n");
    for (uint32_t first = 0; first < r->stages; first += per_block) {
        uint32_t end = MW_MIN(r->stages, first + per_block);
        (void)fprintf(f, "worker ");
        for (uint32_t s = first; s < end; s++)
            (void)fprintf(f, " %6u ", s);
        for (uint32_t i = 0; i < shown; i++) {
            (void)fprintf(f, "\n%6u ", rows[i].dp);
            for (uint32_t s = first; s < end; s++)
                map_cell(f, straggler_of_worker(r, rows[i].dp, s), term->colour);
        }
        (void)fprintf(f, "\n");
    }
    if (shown < r->dps)
        (void)fprintf(f, "The %u slowest of %u workers; all with -o wide.\n", shown, r->dps);
    (void)fprintf(f, "\n");
}

static const struct output_column op_columns[] = {
    { .key = "operation", .title = "OPERATION" },
    { .key = "slowdown", .title = "SLOWDOWN", .right = true },
    { 0 },
};

/* "63.1 %", "nothing to explain". */
static void share_text(double v, char *buf, size_t size)
{
    if (isfinite(v))
        (void)snprintf(buf, size, "%.1f %%", v * 100.0);
    else
        (void)snprintf(buf, size, "-");
}

static void show_person(struct cli_context *ctx, const struct straggler_result *r,
                        const struct straggler_meta *m)
{
    FILE *f = output_file(ctx->output);
    char workers[32], stage[32];

    share_text(r->workers_share, workers, sizeof(workers));
    share_text(r->last_stage_share, stage, sizeof(stage));
    term_put_safe(f, m->name, strnlen(m->name, sizeof(m->name)));
    (void)fprintf(f, "%s%u steps of %u workers in %u stages\n\n", m->name[0] == '\0' ? "" : ": ",
                  r->steps, r->dps, r->stages);
    (void)fprintf(f, "slowdown                          %.4f (a step takes %.3f s, without "
                     "stragglers %.3f s)\n", r->slowdown, r->step_s, r->ideal_step_s);
    (void)fprintf(f, "explained by the slowest workers  %s\n", workers);
    (void)fprintf(f, "explained by the last stage       %s\n", stage);
    (void)fprintf(f, "slowest                           worker %u stage %u (rank %u): %.4f\n",
                  r->worst_dp, r->worst_stage, r->worst_rank,
                  straggler_of_worker(r, r->worst_dp, r->worst_stage));
    show_map(ctx, r);
    output_begin(ctx->output, op_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < r->ops; i++) {
        output_text(ctx->output, r->by_op[i].name);
        output_real(ctx->output, r->by_op[i].slowdown, 4);
    }
    output_end(ctx->output, NULL);
}

/* ---- the command --------------------------------------------------------------------------- */

static int run_straggler(struct cli_context *ctx)
{
    char *csv mw_cleanup(mw_freep) = NULL;
    struct straggler_result r mw_cleanup(straggler_result_fini) = { 0 };
    struct straggler_meta m;
    struct mw_error err = { 0 };
    size_t size = 0;
    const char *path = cli_arg(ctx, 0), *meta = cli_option_string(ctx, "meta");

    int rc = mw_read_file(path, STRAGGLER_BYTES_MAX, true, &csv, &size, &err);
    struct straggler_text text = { csv, size, path, meta };
    if (rc == 0)
        rc = straggler_analyse_text(&text, &m, &r, &err);
    if (rc != 0)
        return cli_fail(ctx, &err);
    switch (output_form_of(ctx->output)) {
    case OUTPUT_JSON:
        return show_json(ctx, &r);
    case OUTPUT_CSV:
        show_csv(ctx->output, &r);
        break;
    case OUTPUT_TABLE:
    case OUTPUT_WIDE:
        show_person(ctx, &r, &m);
        break;
    }
    return CLI_EXIT_OK;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "which workers, stages and operations hold a training job back",
        .description =
            "Replays the steps of a traced training job on what its operations wait for (the "
            "order in each worker's streams, sends and receives between stages, collectives "
            "between workers) and asks: what if every operation took what its kind takes on "
            "average? The method is that of \"Understanding Stragglers in Large Model Training\" "
            "(OSDI 2025).\n\n"
            "slowdown is the step time with the recorded over that with the ideal times: means of "
            "computations, medians of transfers. By worker (data-parallel rank), stage or "
            "operation it is the step time when only that one keeps its recorded times. Mw and Ms "
            "are the shares of the lost time that go when the slowest 3 % of the workers, or the "
            "last stage, take ideal times: about 1 means that they alone are to blame. A cell of "
            "the heat map is the lesser of its worker's and its stage's slowdown.\n\n"
            "The trace is CSV, gzip or not, with the columns dp_rank, stage, rank, step, optype, "
            "start_ts, duration, seq_id, mc, mb_id and gmc: a row for each operation of a worker "
            "in a step. All steps and data-parallel ranks must have run the same operations. The "
            "YAML file names dp_size and pp_size, and as far as they are not 1, dsp_size, tp_size, "
            "vpp_size and world_size.",
        .examples =
            (const struct command_example[]){
                { .line = "mw straggler data/stragglers/trace-AR.csv.gz --meta "
                          "data/stragglers/meta-AR.yaml",
                  .shows = "One slow worker among sixteen doubles the step time of a job." },
                { .line = "mw straggler data/stragglers/trace-ST.csv.gz --meta "
                          "data/stragglers/meta-ST.yaml --json",
                  .shows = "A last stage with too much work, for a program." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "meta", .type = VALUE_FILE, .value = "FILE", .required = true,
                  .help = "how the job is cut into parallel parts (YAML)" },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "TRACE", .type = VALUE_FILE, .help = "the trace; - is standard input" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "a file does not exist" },
                { CLI_EXIT_DENIED, "a file may not be read" },
                { 0 },
            },
        .run = run_straggler,
    },
    { 0 },
};

const struct command_group cmd_straggler = {
    .noun = "straggler",
    .summary = "which workers, stages and operations hold a training job back",
    .commands = commands,
};
