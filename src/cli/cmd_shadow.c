/*
 * `mw shadow report`: our withdrawals of nodes beside the team's, with the
 * evidence of both.
 */
#include <stdio.h>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/live_record.h"
#include "api/tell_shadow.h"

static const struct output_column sum_columns[] = {
    { .key = "group", .title = "GROUP" },
    { .key = "withdrawals", .title = "WITHDRAWALS", .right = true },
    { .key = "ours_gpu_h", .title = "OURS", .unit = "GPU-h", .right = true },
    { .key = "theirs_gpu_h", .title = "THEIRS", .unit = "GPU-h", .right = true },
    { .key = "judged", .title = "OF THEM" },
    { .key = "rests_on", .title = "RESTS ON" },
    { 0 },
};

static const struct output_column row_columns[] = {
    { .key = "group", .title = "GROUP" },
    { .key = "node", .title = "NODE" },
    { .key = "verdict", .title = "VERDICT" },
    { .key = "ours_begin", .title = "OURS FROM" },
    { .key = "ours_end", .title = "TO", .wide = true },
    { .key = "theirs_begin", .title = "THEIRS FROM" },
    { .key = "theirs_end", .title = "TO", .wide = true },
    { .key = "lead_s", .title = "THEIRS AFTER OURS", .right = true },
    { .key = "ours_gpu_h", .title = "OURS", .unit = "GPU-h", .right = true },
    { .key = "theirs_gpu_h", .title = "THEIRS", .unit = "GPU-h", .right = true },
    { .key = "evidence", .title = "OUR EVIDENCE" },
    { .key = "reason", .title = "THEIR REASON" },
    { .key = "events", .title = "EVENTS" },
    { 0 },
};

static double hours(int64_t gpu_ms)
{
    return (double)gpu_ms / MW_MS_PER_HOUR;
}

/* "12 false, 3 confirmed, 1 unjudged" of a group. */
static void add_judged(struct text *t, const struct shadow *s, uint32_t group)
{
    static const uint8_t of[SHADOW_GROUPS][3] = {
        [SHADOW_OURS] = { VERDICT_FALSE_DRAIN, VERDICT_CONFIRMED, VERDICT_UNJUDGED },
        [SHADOW_THEIRS] = { VERDICT_MISS, VERDICT_PLANNED },
    };
    if (group == SHADOW_SAME) {
        text_addf(t, "ours first %u, theirs first %u", s->ours_first, s->theirs_first);
        return;
    }
    for (uint32_t i = 0; i < MW_ARRAY_LEN(of[group]) && of[group][i]; i++)
        text_addf(t, "%s%s %u", i ? ", " : "", shadow_verdict_name(of[group][i]),
                  s->verdicts[of[group][i]]);
}

static void show_sums(struct output *o, const struct shadow *s)
{
    output_begin(o, sum_columns, OUTPUT_ROWS);
    for (uint32_t g = 0; g < SHADOW_GROUPS; g++) {
        struct text judged = { 0 };
        add_judged(&judged, s, g);
        output_text(o, shadow_group_name(g));
        output_int(o, s->count[g]);
        output_real(o, hours(s->ours_gpu_ms[g]), 2);
        output_real(o, hours(s->theirs_gpu_ms[g]), 2);
        output_text(o, text_string(&judged));
        output_text(o, "measured");
        text_fini(&judged);
    }
    output_end(o, NULL);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void add_event(struct text *t, const char *what, uint64_t seq)
{
    if (seq)
        text_addf(t, "%s%s #%llu", t->length ? ", " : "", what, (unsigned long long)seq);
}

static void add_events(struct text *t, const struct shadow_row *r)
{
    add_event(t, "finding", r->finding_seq);
    add_event(t, "incident", r->incident);
    add_event(t, "ours", r->ours.seq);
    add_event(t, "theirs", r->theirs.seq);
    add_event(t, "shown by", r->confirm_seq);
}

static void time_cell(struct output *o, int64_t time_ns, bool known)
{
    char shown[40];
    mw_format_time(time_ns, shown, sizeof(shown));
    output_text(o, known ? shown : NULL);
}

static void lead_cell(struct output *o, const struct shadow_row *r)
{
    char shown[40], length[36];
    if (r->group != SHADOW_SAME) {
        output_null(o);
        return;
    }
    mw_format_duration(r->lead_ns < 0 ? -r->lead_ns : r->lead_ns, length, sizeof(length));
    (void)snprintf(shown, sizeof(shown), "%s%s", r->lead_ns < 0 ? "-" : "", length);
    output_real_as(o, (double)r->lead_ns / MW_NS_PER_S, shown);
}

static void show_row(struct output *o, const struct shadow_row *r, const struct words *w)
{
    struct text evidence = { 0 }, events = { 0 };
    shadow_evidence(&evidence, r, w);
    add_events(&events, r);
    output_text(o, shadow_group_name(r->group));
    output_text(o, words_node(w, r->node));
    output_text(o, r->verdict == VERDICT_NONE ? NULL : shadow_verdict_name(r->verdict));
    time_cell(o, r->ours.begin_ns, r->ours.seq != 0);
    time_cell(o, r->ours.end_ns, r->ours.seq != 0 && !r->ours.open);
    time_cell(o, r->theirs.begin_ns, r->theirs.seq != 0);
    time_cell(o, r->theirs.end_ns, r->theirs.seq != 0 && !r->theirs.open);
    lead_cell(o, r);
    output_real(o, hours(r->ours.gpu_ms), 2);
    output_real(o, hours(r->theirs.gpu_ms), 2);
    output_text(o, r->ours.seq ? text_string(&evidence) : NULL);
    output_text(o, r->reason[0] ? r->reason : NULL);
    output_text(o, text_string(&events));
    text_fini(&evidence);
    text_fini(&events);
}

static void show_rows(struct output *o, const struct shadow *s, const struct words *w)
{
    output_begin(o, row_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < s->rows; i++)
        show_row(o, &s->row[i], w);
    output_end(o, "nobody took a node out of service");
}

/* ---- the command ---------------------------------------------------------------------------- */

static int show(struct cli_context *ctx, const struct shadow *s, const struct words *w,
                int64_t window_ns)
{
    char from[40], to[40];
    enum output_form form = output_form_of(ctx->output);
    if (form == OUTPUT_CSV) {
        show_rows(ctx->output, s, w);
        return CLI_EXIT_OK;
    }
    if (form == OUTPUT_JSON) {
        json_t *o = tell_shadow(s, w, window_ns);
        if (o)
            output_document(ctx->output, o);
        else
            cli_error(ctx, "out of memory");
        json_decref(o);
        return o ? CLI_EXIT_OK : CLI_EXIT_ERROR;
    }
    mw_format_time(s->from_ns, from, sizeof(from));
    mw_format_time(s->to_ns, to, sizeof(to));
    (void)fprintf(output_file(ctx->output), "%s to %s; Slurm itself took nodes out %u times\n\n",
                  s->from_ns ? from : "the beginning", to, s->engine_down);
    show_sums(ctx->output, s);
    show_rows(ctx->output, s, w);
    cli_note(ctx, "theirs count as planned when a word of the reason begins with one of: %s",
             shadow_planned_words());
    return CLI_EXIT_OK;
}

static int run_report(struct cli_context *ctx)
{
    struct live_record r mw_cleanup(live_record_close) = { 0 };
    struct shadow shadow mw_cleanup(shadow_fini) = { 0 };
    struct mw_error err = { 0 };
    const struct shadow_options o = { .since_ns = cli_option_duration_ns(ctx, "since"),
                                      .window_ns = cli_option_duration_ns(ctx, "window") };
    int code = live_record_open(ctx, &r);
    if (code != CLI_EXIT_OK)
        return code;
    if (shadow_compare(r.journal, &r.words, &o, &shadow, &err) < 0)
        return live_record_fail(ctx, &r, &err);
    return show(ctx, &shadow, &r.words, o.window_ns);
}

static const struct command commands[] = {
    {
        .verb = "report",
        .summary = "our withdrawals of nodes beside the team's",
        .description =
            "Compares, node by node, what we took out of service, or in observe mode would have "
            "taken, with what the team drained or set down in Slurm. Two are the same when they "
            "overlap or begin within --window of each other. Each row has our finding and "
            "incident, their reason, who was first and by how much, and the GPU-hours, measured "
            "from the record.\n\n"
            "How what only one side did is judged. Ours is confirmed when Slurm itself found the "
            "node down meanwhile, or the node, and not our order, ended the job on it; a false "
            "drain when it stayed advice and the job that was on the node, or the first that came "
            "to it, ended well; else unjudged: really withdrawn, or no job was there to show it. "
            "Theirs is planned when a word of the reason begins like maintenance work, else a "
            "miss.\n\n"
            "The time is counted back from the last event of the record.",
        .examples =
            (const struct command_example[]){
                { .line = "mw shadow report --journal record",
                  .shows = "The last week of a record." },
                { .line = "mw shadow report --journal record --since 1d --window 1h --json",
                  .shows = "A day, with a closer match, for a program." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                LIVE_RECORD_OPTION,
                { .name = "since", .type = VALUE_DURATION, .value = "TIME", .fallback = "7d",
                  .help = "how far back, from the end of the record; 0 = all of it" },
                { .name = "window", .type = VALUE_DURATION, .value = "TIME", .fallback = "24h",
                  .help = "withdrawals that begin within this are the same" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no record" },
                { CLI_EXIT_DENIED, "the record may not be read" },
                { 0 },
            },
        .run = run_report,
    },
    { 0 },
};

const struct command_group cmd_shadow = {
    .noun = "shadow",
    .summary = "our judgement of nodes beside the team's",
    .commands = commands,
};
