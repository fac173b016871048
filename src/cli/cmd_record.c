/*
 * `mw record`: a copy of a record, also while the daemon writes it, checked and
 * decided again, so that a live day can be kept and answered for.
 */
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/live_record.h"
#include "control/rederive.h"
#include "store/journal_sqlite.h"

static const struct output_column columns[] = {
    { .key = "out", .title = "COPY" },
    { .key = "state", .title = "STATE" },
    { .key = "events", .title = "EVENTS" },
    { .key = "groups", .title = "GROUPS" },
    { .key = "begin", .title = "FROM" },
    { .key = "end", .title = "TO" },
    { .key = "span_s", .title = "SPAN" },
    { .key = "decisions", .title = "DECISIONS" },
    { .key = "equal", .title = "DECIDED AGAIN, EQUAL" },
    { .key = "different", .title = "DECIDED AGAIN, DIFFERENT" },
    { .key = "refused", .title = "FACTS REFUSED" },
    { .key = "first_seq", .title = "FIRST DIFFERENCE AT EVENT" },
    { .key = "first", .title = "WHAT DIFFERS THERE" },
    { 0 },
};

struct count {
    uint64_t events, decisions;
    int64_t begin_ns, end_ns;
};

static int count_event(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct count *c = ctx;
    (void)tail;
    (void)last;
    c->begin_ns = c->events++ == 0 ? ev->time_ns : c->begin_ns;
    c->end_ns = ev->time_ns;
    c->decisions += event_info(ev->kind)->class == EVENT_DECISION;
    return 0;
}

/* Recorded decisions that were not taken again just so. */
static uint64_t recorded_differ(const struct rederive_report *r)
{
    uint64_t n = 0;
    for (uint32_t k = 0; k < EVENT_KIND_MAX; k++)
        if (event_info(k)->name && event_info(k)->class == EVENT_DECISION)
            n += r->changed[k] + r->missing[k];
    return n;
}

static void show(struct cli_context *ctx, const char *out, const struct count *c,
                 const struct journal_report *whole, const struct rederive_report *again)
{
    struct output *o = ctx->output;
    char from[40], to[40], span[40];
    mw_format_time(c->begin_ns, from, sizeof(from));
    mw_format_time(c->end_ns, to, sizeof(to));
    mw_format_duration(c->end_ns - c->begin_ns, span, sizeof(span));
    output_begin(o, columns, OUTPUT_RECORD);
    output_text(o, out);
    output_text(o, whole->loss == JOURNAL_WHOLE ? "whole" : "not whole");
    output_int(o, (int64_t)c->events);
    output_int(o, (int64_t)whole->groups);
    output_text(o, c->events ? from : NULL);
    output_text(o, c->events ? to : NULL);
    output_real_as(o, (double)(c->end_ns - c->begin_ns) / MW_NS_PER_S, span);
    output_int(o, (int64_t)c->decisions);
    output_int(o, (int64_t)(c->decisions - MW_MIN(c->decisions, recorded_differ(again))));
    output_int(o, (int64_t)again->differences);
    output_int(o, (int64_t)again->refused);
    if (again->first_seq)
        output_int(o, (int64_t)again->first_seq);
    else
        output_null(o);
    output_text(o, again->first[0] ? again->first : NULL);
    output_end(o, NULL);
}

/* The copy, from its first byte: chain, head, blobs; then every decision once more. */
static int check(struct cli_context *ctx, const char *out)
{
    struct journal *j = NULL;
    struct mw_error err = { 0 };
    struct journal_report whole = { 0 };
    struct rederive_report again = { 0 };
    struct count count = { 0 };
    const struct journal_sqlite_options options = { .read_only = true };
    int r = journal_sqlite_open(out, &options, &j, &err);
    if (r == 0)
        r = j->ops->verify(j, &whole, &err);
    if (r == 0)
        r = j->ops->read(j, 1, count_event, &count, &err);
    if (r == 0 && count.events > 0)
        r = control_rederive(j, NULL, &again, NULL, &err);
    journal_destroy(j);
    if (r < 0)
        return cli_fail(ctx, &err);
    show(ctx, out, &count, &whole, &again);
    bool good = whole.loss == JOURNAL_WHOLE && again.differences == 0 && again.refused == 0;
    return good ? CLI_EXIT_OK : CLI_EXIT_PROBLEMS;
}

static int run(struct cli_context *ctx)
{
    char found[LIVE_PATH_MAX];
    struct mw_error err = { 0 };
    uint64_t seq = 0;
    const char *from = cli_option_string(ctx, "journal"), *out = cli_option_string(ctx, "out");
    int r = from ? 0 : live_path_journal_found(found, &err);
    if (r == 0)
        r = journal_sqlite_copy(from ? from : found, out, &seq, &err);
    if (r < 0)
        return cli_fail(ctx, &err);
    cli_note(ctx, "copied %s up to event %llu", from ? from : found, (unsigned long long)seq);
    return check(ctx, out);
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "copy a record, check the copy and decide everything again",
        .description =
            "Copies the record, also while the daemon writes it: what was committed when it began, "
            "each group checked against the chain of hashes. Then the copy is verified, and every "
            "recorded fact goes, at its recorded time, through the decision code of this program "
            "under the rules that the record holds. Where a decision comes out different, or "
            "the copy is not whole, the exit code is 10.\n\n"
            "The copy is a journal like any other: mw why, shadow and journal read it.",
        .examples =
            (const struct command_example[]){
                { .line = "mw record --journal record --out monday",
                  .shows = "Keeps a day and answers for its decisions." },
                { .line = "mw record --journal record --out monday",
                  .shows = "There is a journal already: the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                LIVE_RECORD_OPTION,
                { .name = "out", .type = VALUE_DIR, .value = "DIR", .required = true,
                  .help = "the copy's folder" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no record" },
                { CLI_EXIT_DENIED, "a folder may not be read or written" },
                { CLI_EXIT_CONFLICT, "the copy's folder holds a journal already" },
                { CLI_EXIT_PROBLEMS, "the copy is not whole, or decisions come out different" },
                { 0 },
            },
        .run = run,
    },
    { 0 },
};

const struct command_group cmd_record = {
    .noun = "record",
    .summary = "keep a checked copy of a record",
    .commands = commands,
};
