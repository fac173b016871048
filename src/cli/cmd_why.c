/*
 * `mw why`: what happened to a job, from the record: every line cites the event
 * that says so.
 */
#include <string.h>

#include "api/tell_job.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/daemon_of.h"
#include "cli/live_record.h"
#include "cli/story_page.h"

static const struct output_column line_columns[] = {
    { .key = "seq", .title = "EVENT", .right = true },
    { .key = "time", .title = "TIME" },
    { .key = "kind", .title = "KIND" },
    { .key = "text", .title = "WHAT HAPPENED" },
    { 0 },
};

static void show_rows(struct output *o, const struct story *s)
{
    output_begin(o, line_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < s->lines; i++) {
        char time[40];
        mw_format_time(s->line[i].time_ns, time, sizeof(time));
        output_int(o, (int64_t)s->line[i].seq);
        output_text(o, time);
        output_text(o, event_info(s->line[i].kind)->name);
        output_text(o, s->line[i].text);
    }
    output_end(o, NULL);
}

static int show(struct cli_context *ctx, const struct story *s, const struct words *w)
{
    struct text t = { 0 };
    if (output_form_of(ctx->output) == OUTPUT_CSV) {
        show_rows(ctx->output, s);
        return CLI_EXIT_OK;
    }
    if (output_form_of(ctx->output) == OUTPUT_JSON) {
        json_t *o = tell_job(s, w);
        if (o)
            output_document(ctx->output, o);
        else
            cli_error(ctx, "out of memory");
        json_decref(o);
        return o ? CLI_EXIT_OK : CLI_EXIT_ERROR;
    }
    tell_job_text(&t, s, w);
    bool lost = t.failed;
    (void)fputs(text_string(&t), output_file(ctx->output));
    text_fini(&t);
    return lost ? CLI_EXIT_ERROR : CLI_EXIT_OK;
}

/* ---- over the API --------------------------------------------------------------------------- */

static void show_timeline(struct output *o, const json_t *document)
{
    size_t i;
    json_t *line;
    output_begin(o, line_columns, OUTPUT_ROWS);
    json_array_foreach(json_object_get(document, "timeline"), i, line) {
        output_int(o, json_integer_value(json_object_get(line, "seq")));
        output_text(o, json_string_value(json_object_get(line, "time")));
        output_text(o, json_string_value(json_object_get(line, "kind")));
        output_text(o, json_string_value(json_object_get(line, "text")));
    }
    output_end(o, NULL);
}

/* The daemon tells the same story from its own record. */
static int run_daemon(struct cli_context *ctx)
{
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    struct mw_error err = { 0 };
    struct text t = { 0 };
    json_t *o = NULL;
    const char *job = cli_arg(ctx, 0);
    bool all = cli_option_bool(ctx, "all");
    enum output_form form = output_form_of(ctx->output);
    int rc = daemon_of(ctx, &d, &err);
    if (rc == 0 && (form == OUTPUT_JSON || form == OUTPUT_CSV))
        rc = story_document(d, "jobs", job, all, &o, &err);
    else if (rc == 0)
        rc = story_text(d, "jobs", job, all, &t, &err);
    if (rc == 0 && form == OUTPUT_CSV)
        show_timeline(ctx->output, o);
    else if (rc == 0 && form == OUTPUT_JSON)
        output_document(ctx->output, o);
    else if (rc == 0)
        (void)fputs(text_string(&t), output_file(ctx->output));
    json_decref(o);
    text_fini(&t);
    return rc < 0 ? daemon_fail(ctx, &err) : CLI_EXIT_OK;
}

/* ---- from a record -------------------------------------------------------------------------- */

static int run(struct cli_context *ctx)
{
    struct live_record r mw_cleanup(live_record_close) = { 0 };
    struct story story mw_cleanup(story_fini) = { 0 };
    struct mw_error err = { 0 };
    uint64_t job = 0;
    must(mw_parse_u64(cli_arg(ctx, 0), &job) == 0); /* the parser let only numbers through */
    if (daemon_wanted(ctx))
        return run_daemon(ctx);
    int code = live_record_open(ctx, &r);
    if (code != CLI_EXIT_OK)
        return code;
    const struct story_options o = { .words = &r.words, .all = cli_option_bool(ctx, "all") };
    if (story_tell(r.journal, job, &o, &story, &err) < 0) {
        code = live_record_fail(ctx, &r, &err);
        if (err.code == MW_ENOTFOUND)
            cli_note(ctx, "the record is %s; mw journal tail %s shows its end", r.dir, r.dir);
        return code;
    }
    return show(ctx, &story, &r.words);
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "tell what happened to a job, and why",
        .description =
            "Tells the story of a job, live or long ended, from the record: where it ran, what "
            "struck it and on what evidence, what was decided and by whom, or why that stayed "
            "advice, what Slurm was asked and answered, how long each step took, the GPU-hours "
            "that it cost, and whether and from where it resumes. Every line cites the event that "
            "says so: mw journal show DIR EVENT has it with every field.\n\n"
            "The steps are lengths between events: detect (from when work stood still to the "
            "finding), decide, requeue (to the end of the attempt), place (to new nodes), start "
            "(to work going on). Works beside a running daemon, and on the record of a simulated "
            "run.",
        .examples =
            (const struct command_example[]){
                { .line = "mw why 9 --journal record",
                  .shows = "A job of the replay that mw journal verify's example recorded." },
                { .line = "mw why 9 --journal record --all --json",
                  .shows = "With the repair of its nodes, for a program." },
                { .line = "mw why 999999 --journal record",
                  .shows = "A job that nobody submitted; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                LIVE_RECORD_OPTION,
                DAEMON_OPTIONS,
                { .name = "all", .help = "every report of progress and the repair of the nodes" },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "JOB", .type = VALUE_U64, .help = "the job's number" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no record, or no such job in it" },
                { CLI_EXIT_DENIED, "the record may not be read, or the token does not allow it" },
                { CLI_EXIT_UNREACHABLE, "no daemon answers" },
                { 0 },
            },
        .run = run,
    },
    { 0 },
};

const struct command_group cmd_why = {
    .noun = "why",
    .summary = "what happened to a job",
    .commands = commands,
};
