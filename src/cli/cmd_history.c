/*
 * `mw history`: what happened to a component, or to a part by its serial number
 * wherever it was.
 */
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/live_record.h"
#include "api/record_json.h"
#include "control/history.h"

static const struct output_column line_columns[] = {
    { .key = "seq", .title = "EVENT", .right = true },
    { .key = "time", .title = "TIME" },
    { .key = "kind", .title = "KIND" },
    { .key = "text", .title = "WHAT HAPPENED" },
    { 0 },
};

static void add_line(struct text *t, const struct explain_line *l)
{
    char time[40];
    mw_format_time(l->time_ns, time, sizeof(time));
    text_addf(t, "%s  %s  [#%llu]\n", time, l->text, (unsigned long long)l->seq);
}

/* "gpu n3-g5, serial 123" now; of a serial where it is and was. */
static void add_head(struct text *t, const char *what, const struct history *h,
                     const struct words *w, const struct serials *s)
{
    text_addf(t, "%s%s: ", h->serial ? "serial " : "", what);
    for (uint32_t i = 0; i < h->spans; i++) {
        const struct history_span *at = &h->span[i];
        text_add(t, i ? ", then " : "");
        words_component(t, w, at->component);
        if (h->serial && at->last_seq != UINT64_MAX)
            text_addf(t, " until event %llu", (unsigned long long)at->last_seq);
    }
    const char *serial = h->serial ? "" : serials_now(s, w->fleet, h->span[0].component);
    if (!h->serial)
        text_addf(t, ", serial %s", *serial ? serial : "unknown");
    text_addf(t, "; %u incident%s\n\n", h->incidents, h->incidents == 1 ? "" : "s");
}

static void show_text(struct cli_context *ctx, const char *what, const struct history *h,
                      const struct words *w, const struct serials *s)
{
    struct text t = { 0 };
    add_head(&t, what, h, w, s);
    for (uint32_t i = 0; i < h->lines; i++)
        add_line(&t, &h->line[i]);
    if (h->lines == 0)
        text_add(&t, "nothing happened to it in this record\n");
    if (h->left_out)
        text_addf(&t, "%llu more lines are left out\n", (unsigned long long)h->left_out);
    (void)fputs(text_string(&t), output_file(ctx->output));
    text_fini(&t);
}

static void show_rows(struct output *o, const struct history *h)
{
    output_begin(o, line_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < h->lines; i++) {
        char time[40];
        mw_format_time(h->line[i].time_ns, time, sizeof(time));
        output_int(o, (int64_t)h->line[i].seq);
        output_text(o, time);
        output_text(o, event_info(h->line[i].kind)->name);
        output_text(o, h->line[i].text);
    }
    output_end(o, NULL);
}

static json_t *span_json(const struct history_span *s, const struct words *w)
{
    struct text t = { 0 };
    words_component(&t, w, s->component);
    return json_pack("{s:o, s:o, s:o}", "component", record_json_take(&t), "from",
                     record_json_seq(s->first_seq), "to",
                     record_json_seq(s->last_seq == UINT64_MAX ? 0 : s->last_seq));
}

static json_t *document(const char *what, const struct history *h, const struct words *w)
{
    json_t *spans = json_array(), *incidents = json_array(), *lines = json_array();
    bool ok = spans && incidents && lines;
    for (uint32_t i = 0; ok && i < h->spans; i++)
        ok = record_json_append(spans, span_json(&h->span[i], w));
    for (uint32_t i = 0; ok && i < h->incidents; i++)
        ok = record_json_append(incidents, json_integer((json_int_t)h->incident[i]));
    for (uint32_t i = 0; ok && i < h->lines; i++)
        ok = record_json_append(
            lines, json_pack("{s:I, s:o, s:s?, s:o}", "seq", (json_int_t)h->line[i].seq, "time",
                             record_json_time(h->line[i].time_ns, true), "kind",
                             event_info(h->line[i].kind)->name, "text",
                             record_json_text(h->line[i].text)));
    if (ok)
        return json_pack("{s:o, s:b, s:o, s:o, s:o, s:I}", "of", record_json_text(what), "serial",
                         (int)h->serial, "was", spans, "incidents", incidents, "timeline", lines,
                         "left_out", (json_int_t)h->left_out);
    json_decref(spans);
    json_decref(incidents);
    json_decref(lines);
    return NULL;
}

static int show(struct cli_context *ctx, const struct history *h, const struct words *w,
                const struct serials *s)
{
    const char *what = cli_arg(ctx, 0);
    enum output_form form = output_form_of(ctx->output);
    if (form == OUTPUT_CSV) {
        show_rows(ctx->output, h);
        return CLI_EXIT_OK;
    }
    if (form != OUTPUT_JSON) {
        show_text(ctx, what, h, w, s);
        return CLI_EXIT_OK;
    }
    json_t *o = document(what, h, w);
    if (o)
        output_document(ctx->output, o);
    else
        cli_error(ctx, "out of memory");
    json_decref(o);
    return o ? CLI_EXIT_OK : CLI_EXIT_ERROR;
}

static int run(struct cli_context *ctx)
{
    struct live_record r mw_cleanup(live_record_close) = { 0 };
    struct serials serials mw_cleanup(serials_fini) = { 0 };
    struct history history mw_cleanup(history_fini) = { 0 };
    struct mw_error err = { 0 };
    int code = live_record_open(ctx, &r);
    if (code != CLI_EXIT_OK)
        return code;
    int rc = serials_update(&serials, r.journal, r.fleet, &err);
    if (rc == 0)
        rc = history_tell(r.journal, cli_arg(ctx, 0), &r.words, &serials, &history, &err);
    return rc < 0 ? live_record_fail(ctx, &r, &err) : show(ctx, &history, &r.words, &serials);
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "tell what happened to a node or a part, across its moves",
        .description =
            "Lists everything in the record about a component by its name, or about a part by its "
            "serial number. A serial number is followed from slot to slot: the site file says "
            "where it was first, and each work order that was closed with --serial OLD=NEW where "
            "it went. For a node this is all that happened to it and to its parts.",
        .examples =
            (const struct command_example[]){
                { .line = "mw history --journal record h01-r01-k1-n1",
                  .shows = "One node of the replay that mw journal verify's example recorded." },
                { .line = "mw history --journal record SN-4711",
                  .shows = "A serial number that nobody knows; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = (const struct command_option[]){ LIVE_RECORD_OPTION, { 0 } },
        .args =
            (const struct command_arg[]){
                { .name = "WHAT", .type = VALUE_STRING,
                  .help = "a component's name, or a serial number" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no record, or nothing in the site has that name" },
                { CLI_EXIT_DENIED, "the record may not be read" },
                { 0 },
            },
        .run = run,
    },
    { 0 },
};

const struct command_group cmd_history = {
    .noun = "history",
    .summary = "what happened to a node or a part",
    .commands = commands,
};
