/*
 * `mw why`: what happened to a job, from the record: every line cites the event
 * that says so.
 */
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/live_record.h"
#include "cli/why_json.h"

static const struct output_column line_columns[] = {
    { .key = "seq", .title = "EVENT", .right = true },
    { .key = "time", .title = "TIME" },
    { .key = "kind", .title = "KIND" },
    { .key = "text", .title = "WHAT HAPPENED" },
    { 0 },
};

static double hours(int64_t gpu_ms)
{
    return (double)gpu_ms / MW_MS_PER_HOUR;
}

/* "[#57]" of the event that says so; nothing for 0. */
static void add_citation(struct text *t, uint64_t seq)
{
    if (seq)
        text_addf(t, "  [#%llu]", (unsigned long long)seq);
}

static void add_head(struct text *t, const struct story *s, const struct words *w)
{
    text_addf(t, "job %llu", (unsigned long long)s->job);
    if (s->name) {
        text_add(t, " ");
        words_quote(t, s->name, (uint32_t)strlen(s->name));
    }
    text_addf(t, ": %u GPU%s on %u node%s, tenant %u", s->gpus, s->gpus == 1 ? "" : "s", s->nodes,
              s->nodes == 1 ? "" : "s", s->tenant);
    add_citation(t, s->submitted_seq);
    text_add(t, "\nnow      ");
    story_now(t, s, w);
    add_citation(t, s->state_seq);
    text_add(t, "\nresumes  ");
    story_resume(t, s);
    add_citation(t, s->state == STORY_DONE ? 0 : s->saved_seq);
}

static void add_cost(struct text *t, const struct story_cost *c, const struct words *w)
{
    const struct {
        const char *words;
        int64_t gpu_ms;
    } part[] = {
        { "starting", c->starting }, { "checkpoints", c->checkpoint },
        { "work done again", c->redone }, { "standing still", c->standing },
        { "work never saved", c->unsaved }, { "slower than it should be", c->slowed },
    };
    const char *between = ": ";
    text_addf(t, "\nlost     %.2f of %.2f GPU-hours", hours(c->lost), hours(c->held));
    for (uint32_t i = 0; i < MW_ARRAY_LEN(part); i++) {
        if (part[i].gpu_ms == 0)
            continue;
        text_addf(t, "%s%s %.2f", between, part[i].words, hours(part[i].gpu_ms));
        between = ", ";
    }
    if (c->unreported > 0)
        text_addf(t, "; %.2f not reported yet", hours(c->unreported));
    if (c->waiting_ms > 0) {
        text_add(t, "; waited ");
        words_span_ms(t, c->waiting_ms);
        text_add(t, " between attempts");
    }
    text_addf(t, " (%s)\n", words_basis(w->policy));
}

static bool has_phases(const struct story_attempt *a)
{
    for (uint32_t p = 0; p < PHASE_COUNT; p++)
        if (a->phase_ns[p] >= 0)
            return a->how != 0;
    return false;
}

/* One line for each time the job was struck: how long each step took. */
static void add_phases(struct text *t, const struct story *s)
{
    for (uint32_t i = 0; i < s->attempts; i++) {
        const struct story_attempt *a = &s->attempt[i];
        const char *between = "";
        if (!has_phases(a))
            continue;
        text_addf(t, "steps    after attempt %u: ", a->number);
        for (uint32_t p = 0; p < PHASE_COUNT; p++) {
            char shown[40];
            if (a->phase_ns[p] < 0)
                continue;
            mw_format_duration(a->phase_ns[p], shown, sizeof(shown));
            text_addf(t, "%s%s %s", between, story_phase_name(p), shown);
            between = ", ";
        }
        add_citation(t, a->ended_seq);
        text_add(t, "\n");
    }
}

static void add_lines(struct text *t, const struct story *s)
{
    text_add(t, "\n");
    for (uint32_t i = 0; i < s->lines; i++) {
        char time[40];
        mw_format_time(s->line[i].time_ns, time, sizeof(time));
        text_addf(t, "%s  %s", time, s->line[i].text);
        add_citation(t, s->line[i].seq);
        text_add(t, "\n");
    }
    if (s->left_out)
        text_addf(t, "%llu more lines are left out\n", (unsigned long long)s->left_out);
}

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
        json_t *o = why_json(s, w);
        if (o)
            output_document(ctx->output, o);
        else
            cli_error(ctx, "out of memory");
        json_decref(o);
        return o ? CLI_EXIT_OK : CLI_EXIT_ERROR;
    }
    add_head(&t, s, w);
    add_cost(&t, &s->cost, w);
    add_phases(&t, s);
    add_lines(&t, s);
    bool lost = t.failed;
    (void)fputs(text_string(&t), output_file(ctx->output));
    text_fini(&t);
    return lost ? CLI_EXIT_ERROR : CLI_EXIT_OK;
}

static int run(struct cli_context *ctx)
{
    struct live_record r mw_cleanup(live_record_close) = { 0 };
    struct story story mw_cleanup(story_fini) = { 0 };
    struct mw_error err = { 0 };
    uint64_t job = 0;
    must(mw_parse_u64(cli_arg(ctx, 0), &job) == 0); /* the parser let only numbers through */
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
                { CLI_EXIT_DENIED, "the record may not be read" },
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
