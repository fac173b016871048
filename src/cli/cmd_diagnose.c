/*
 * `mw diagnose`: an answer for somebody with files in hand.  Finds out what
 * each file is by its content and hands it to its reader; prints, decides
 * nothing.
 */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/straggler_file.h"
#include "signal/bug_report.h"
#include "signal/diagnosis.h"
#include "signal/flight.h"
#include "signal/kmsg.h"
#include "signal/straggler_diagnosis.h"

#define DIAGNOSE_BYTES_MAX ((size_t)1 << 29)

enum file_kind { FILE_TEXT, FILE_REPORT, FILE_TRACE, FILE_FLIGHT, FILE_OTHER };

static enum file_kind kind_of(const char *data, size_t size)
{
    if (flight_is_dump(data, size))
        return FILE_FLIGHT;
    if (straggler_is_trace(data, size))
        return FILE_TRACE;
    if (bug_report_is(data, size))
        return FILE_REPORT;
    return kmsg_is_text(data, size) ? FILE_TEXT : FILE_OTHER;
}

/* ---- what is printed ----------------------------------------------------------------------- */

static const struct output_column columns[] = {
    { .key = "wrong", .title = "WRONG" },
    { .key = "part", .title = "PART" },
    { .key = "code", .title = "CODE" },
    { .key = "cause", .title = "CAUSE" },
    { .key = "action", .title = "ACTION" },
    { .key = "sure", .title = "SURE" },
    { .key = "look", .title = "LOOK AT" },
    { .key = "count", .title = "TIMES", .right = true },
    { .key = "file", .title = "FILE" },
    { .key = "line", .title = "LINE", .right = true },
    { .key = "evidence", .title = "EVIDENCE" },
    { 0 },
};

static const char *or_null(const char *s)
{
    return s[0] != '\0' ? s : NULL;
}

/* JSON, CSV and the wide table: a row each. */
static void show_rows(struct output *o, const struct diagnoses *d)
{
    output_begin(o, columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < d->length; i++) {
        const struct diagnosis *one = &d->item[i];
        output_bool(o, one->wrong);
        output_text(o, one->part);
        output_text(o, or_null(one->code));
        output_text(o, one->cause);
        output_text(o, one->action);
        output_text(o, diagnosis_sure_name(one->sure));
        output_text(o, or_null(one->look));
        output_int(o, one->count);
        output_text(o, one->file);
        if (one->line > 0)
            output_int(o, one->line);
        else
            output_null(o);
        output_text(o, or_null(one->evidence));
    }
    output_end(o, NULL);
}

static void show_one(FILE *f, const struct diagnosis *d)
{
    (void)fprintf(f, "%s: %s%s%s\n", d->wrong ? "WRONG" : "NOTE", d->part,
                  d->code[0] != '\0' ? ", " : "", d->code);
    (void)fprintf(f, "  cause     %s\n", d->cause);
    if (d->action[0] != '\0')
        (void)fprintf(f, "  action    %s\n", d->action);
    (void)fprintf(f, "  sure      %s\n", diagnosis_sure_name(d->sure));
    if (d->look[0] != '\0')
        (void)fprintf(f, "  look at   %s\n", d->look);
    if (d->line > 0)
        (void)fprintf(f, "  evidence  %s:%u", d->file, d->line);
    else
        (void)fprintf(f, "  evidence  %s", d->file);
    if (d->count > 1)
        (void)fprintf(f, " (first of %u)", d->count);
    (void)fprintf(f, "\n");
    if (d->evidence[0] != '\0')
        (void)fprintf(f, "            %s\n", d->evidence);
    (void)fprintf(f, "\n");
}

static uint32_t count_wrong(const struct diagnoses *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->length; i++)
        n += d->item[i].wrong;
    return n;
}

static void show_text(struct cli_context *ctx, const struct diagnoses *d)
{
    FILE *f = output_file(ctx->output);
    uint32_t wrong = count_wrong(d), files = cli_arg_count(ctx);
    for (uint32_t i = 0; i < d->length; i++)
        show_one(f, &d->item[i]);
    if (d->total > d->length)
        (void)fprintf(f, "%u more are not listed\n", d->total - d->length);
    if (wrong == 0)
        (void)fprintf(f, "nothing known to be wrong in %u file%s\n", files, files == 1 ? "" : "s");
    else
        (void)fprintf(f, "%u wrong\n", wrong);
}

/* ---- the command --------------------------------------------------------------------------- */

/* Dumps of a job's ranks say something only together: kept until all files are read. */
struct dumps {
    struct flight_file *file; /* owned, with the data */
    uint32_t length;
};

static void dumps_fini(struct dumps *d)
{
    for (uint32_t i = 0; i < d->length; i++)
        mw_free((void *)(uintptr_t)d->file[i].data);
    mw_free(d->file);
}

static int diagnose_trace(const char *data, size_t size, const char *path, struct diagnoses *found,
                          struct mw_error *err)
{
    struct straggler_result r mw_cleanup(straggler_result_fini) = { 0 };
    struct straggler_meta meta;
    char meta_path[STRAGGLER_PATH_MAX];
    struct straggler_text text = { data, size, path, meta_path };
    int rc = straggler_meta_find(path, meta_path, err);
    if (rc == 0)
        rc = straggler_analyse_text(&text, &meta, &r, err);
    if (rc == 0)
        straggler_tell(&r, path, found);
    return rc;
}

static int diagnose_file(struct cli_context *ctx, const char *path, struct dumps *dumps,
                         struct diagnoses *found, struct mw_error *err)
{
    char *data mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    int rc = mw_read_file(path, DIAGNOSE_BYTES_MAX, true, &data, &size, err);
    if (rc != 0)
        return rc;
    struct kmsg_source s = { path, data, size, cli_arg_count(ctx) > 1 };
    switch (kind_of(data, size)) {
    case FILE_TEXT:
        return kmsg_diagnose(&s, found, err);
    case FILE_REPORT:
        return bug_report_diagnose(&s, found, err);
    case FILE_TRACE:
        return diagnose_trace(data, size, path, found, err);
    case FILE_FLIGHT:
        dumps->file[dumps->length++] = (struct flight_file){ path, TAKE(data), size };
        return 0;
    case FILE_OTHER:
        break;
    }
    return mw_fail(err, MW_EINVAL,
                   "%s: neither text nor a flight-recorder dump; give kernel or driver logs "
                   "(dmesg, journalctl, nvidia-bug-report), dumps or straggler traces",
                   path);
}

static int diagnose_all(struct cli_context *ctx, struct diagnoses *found, struct mw_error *err)
{
    struct dumps dumps mw_cleanup(dumps_fini) = { 0 };
    dumps.file = mw_calloc(cli_arg_count(ctx), sizeof(*dumps.file));
    if (dumps.file == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < cli_arg_count(ctx); i++) {
        int rc = diagnose_file(ctx, cli_arg(ctx, i), &dumps, found, err);
        if (rc != 0)
            return rc;
    }
    return dumps.length > 0 ? flight_diagnose(dumps.file, dumps.length, found, err) : 0;
}

static int run_diagnose(struct cli_context *ctx)
{
    struct diagnoses found mw_cleanup(diagnoses_fini) = { 0 };
    struct mw_error err = { 0 };
    if (diagnose_all(ctx, &found, &err) != 0)
        return cli_fail(ctx, &err);
    diagnoses_sort(&found);
    if (output_form_of(ctx->output) == OUTPUT_TABLE)
        show_text(ctx, &found);
    else
        show_rows(ctx->output, &found);
    return count_wrong(&found) > 0 ? CLI_EXIT_PROBLEMS : CLI_EXIT_OK;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "what is wrong, from logs and dumps in hand",
        .description =
            "Reads files that people have and says what is at fault, why, on which line, what to "
            "do, how sure that is and what else to look at. Needs no site and no daemon.\n\n"
            "What a file is, is found by its content (gzip or not): text of dmesg, journalctl, "
            "/dev/kmsg or pstore, the fabric manager's log, NCCL's warnings; nvidia-bug-report as "
            "a whole (also nvidia-smi -q or lspci -vv alone): its logs without their repetitions, "
            "the GPUs' memory errors, pending resets, slowdowns and PCIe links, and GPUs that one "
            "list has and another has not; PyTorch's flight-recorder dumps (pickle or JSON), all "
            "ranks of a job together, which name the ranks that stopped first; and straggler "
            "traces with their meta file beside them (trace-AR.csv.gz, meta-AR.yaml; see "
            "mw help straggler).\n\n"
            "Xid and SXid codes are judged by NVIDIA's catalogue, together: 13 and 31 by "
            "repetition, 45 by the Xid that it follows, 48 with 63 and 64, 74 and 144 to 150 by "
            "their registers. A code that the catalogue does not know is said to be unknown.\n\n"
            "Things worth knowing that ask for nothing are notes and no reason for exit code 10. "
            "Lines less than 15 s apart count as one occurrence.",
        .examples =
            (const struct command_example[]){
                { .line = "mw diagnose tests/data/node/xid/dmesg-with-xid-119.log",
                  .shows = "A GPU whose system processor stopped answering.",
                  .exit_code = CLI_EXIT_PROBLEMS },
                { .line = "mw diagnose tests/data/bug-report/eight-h100.log",
                  .shows = "A node's bug report: one GPU fell off the bus, one waits for a reset.",
                  .exit_code = CLI_EXIT_PROBLEMS },
                { .line = "mw diagnose data/stragglers/trace-AR.csv.gz",
                  .shows = "The worker that holds a training job back.",
                  .exit_code = CLI_EXIT_PROBLEMS },
                { .line = "mw diagnose tests/data/node/kmsg/kmsg.1.log --json",
                  .shows = "A healthy node's kernel log, for a program." },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "FILE", .type = VALUE_FILE, .repeat = true,
                  .help = "a log or dump; - is standard input" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "a file does not exist" },
                { CLI_EXIT_DENIED, "a file may not be read" },
                { CLI_EXIT_PROBLEMS, "something is wrong" },
                { 0 },
            },
        .run = run_diagnose,
    },
    { 0 },
};

const struct command_group cmd_diagnose = {
    .noun = "diagnose",
    .summary = "what is wrong, from logs and dumps in hand",
    .commands = commands,
};
