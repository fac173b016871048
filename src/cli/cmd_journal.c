/*
 * `mw journal`: look at a record, check it, save what is whole of a damaged
 * one.  Reads beside a running writer; only `recover` writes, elsewhere.
 */
#include "cli/cmd_journal.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/live_record.h"
#include "core/event_fields.h"
#include "core/event_print.h"
#include "store/event_json.h"
#include "store/journal_sqlite.h"

#define TAIL_MAX 100000

static void close_journal(struct journal **j)
{
    journal_destroy(*j);
}

/* Damage is told and no error: what is whole can be read. */
static int open_journal(struct cli_context *ctx, struct journal **ret)
{
    struct journal_sqlite_options o = { .read_only = true };
    struct mw_error err = { 0 };
    if (journal_sqlite_open(cli_arg(ctx, 0), &o, ret, &err) != 0)
        return cli_fail(ctx, &err);
    return CLI_EXIT_OK;
}

/* The exit code after reading: 10 when the record is not whole. */
static int ended(struct cli_context *ctx, const struct journal *j, int rc,
                 const struct mw_error *err)
{
    if (rc == MW_ECORRUPT || (rc == 0 && j->opened.loss != JOURNAL_WHOLE)) {
        cli_error(ctx, "%s", rc == 0 ? j->opened.text : err->text);
        if (rc != 0)
            cli_note(ctx, "mw journal verify %s says more", cli_arg(ctx, 0));
        return CLI_EXIT_PROBLEMS;
    }
    return rc < 0 ? cli_fail(ctx, err) : CLI_EXIT_OK;
}

/* ---- verify -------------------------------------------------------------------------------- */

static const struct output_column verify_columns[] = {
    { .key = "state", .title = "STATE" },
    { .key = "valid_seq", .title = "WHOLE UP TO EVENT" },
    { .key = "head_seq", .title = "ACKNOWLEDGED UP TO EVENT" },
    { .key = "groups", .title = "GROUPS" },
    { .key = "epoch", .title = "WRITER EPOCH" },
    { .key = "detail", .title = "DETAIL" },
    { 0 },
};

static void show_report(struct output *o, const struct journal *j, const struct journal_report *r)
{
    static const char *const state[] = {
        [JOURNAL_WHOLE] = "whole",
        [JOURNAL_TAIL_LOST] = "tail-lost",
        [JOURNAL_DAMAGED] = "damaged",
        [JOURNAL_HEAD_DAMAGED] = "head-damaged",
    };
    output_begin(o, verify_columns, OUTPUT_RECORD);
    output_text(o, state[r->loss]);
    output_int(o, (int64_t)r->valid_seq);
    output_int(o, (int64_t)r->head_seq);
    output_int(o, (int64_t)r->groups);
    output_int(o, j->head.epoch);
    output_text(o, r->text[0] != '\0' ? r->text : NULL);
    output_end(o, NULL);
}

static int run_verify(struct cli_context *ctx)
{
    struct journal *j mw_cleanup(close_journal) = NULL;
    struct journal_report report;
    struct mw_error err = { 0 };
    int code = open_journal(ctx, &j);
    if (code != CLI_EXIT_OK)
        return code;
    if (j->ops->verify(j, &report, &err) != 0)
        return cli_fail(ctx, &err);
    show_report(ctx->output, j, &report);
    return report.loss == JOURNAL_WHOLE ? CLI_EXIT_OK : CLI_EXIT_PROBLEMS;
}

/* ---- tail ---------------------------------------------------------------------------------- */

static const struct output_column event_columns[] = {
    { .key = "seq", .title = "SEQ", .right = true },
    { .key = "time", .title = "TIME" },
    { .key = "kind", .title = "KIND" },
    { .key = "cause", .title = "CAUSE", .right = true },
    { .key = "actor", .title = "ACTOR", .right = true, .wide = true },
    { .key = "about", .title = "ABOUT" },
    { .key = "fields", .title = "WHAT IT SAYS" },
    { 0 },
};

/* What names are looked up in: the record's own site and rules; fleet NULL when it has none. */
struct names {
    struct cli_context *ctx;
    struct fleet *fleet;
    struct control_policy policy;
};

/* The names of nodes, components and classes that the event's fields give by number: "n8 gpu". */
static void add_about(struct text *t, const struct names *n, const struct event *ev)
{
    const struct event_body_info *body = event_body_of(ev->kind);
    const char *last = "";
    for (uint32_t i = 0; n->fleet != NULL && body != NULL && i < body->fields; i++) {
        const struct event_field *f = &body->field[i];
        const char *name = "";
        if (f->type != FIELD_NODE && f->type != FIELD_COMPONENT && f->type != FIELD_CLASS)
            continue;
        int64_t v = event_field_value(f, ev);
        if (event_field_none(f, v))
            continue;
        if (f->type == FIELD_NODE)
            name = fleet_name(n->fleet, component_id(COMPONENT_NODE, (uint32_t)v));
        else if (f->type == FIELD_COMPONENT)
            name = fleet_name(n->fleet, (uint64_t)v);
        else if (f->type == FIELD_CLASS && v < n->policy.care.classes)
            name = n->policy.care.class[v].name;
        if (name[0] == '\0' || strcmp(name, last) == 0)
            continue;
        text_addf(t, "%s%s", t->length > 0 ? " " : "", name);
        last = name;
    }
}

static void plain_number(struct output *o, uint64_t v)
{
    char shown[24];
    (void)snprintf(shown, sizeof(shown), "%llu", (unsigned long long)v);
    output_int_as(o, (int64_t)v, shown);
}

static int show_row(void *ctx, const struct event *ev, const void *tail, bool last)
{
    const struct names *names = ctx;
    struct output *o = names->ctx->output;
    struct text fields = { 0 }, about = { 0 };
    char time[40];
    (void)last;
    add_about(&about, names, ev);
    mw_format_time(ev->time_ns, time, sizeof(time));
    event_print_fields(&fields, ev, tail);
    plain_number(o, ev->seq);
    output_text(o, time);
    output_text(o, event_info(ev->kind)->name);
    if (ev->cause != 0)
        plain_number(o, ev->cause);
    else
        output_null(o);
    output_int(o, ev->actor);
    output_text(o, about.length > 0 ? text_string(&about) : NULL);
    output_text(o, text_string(&fields));
    text_fini(&about);
    text_fini(&fields);
    return output_closed(o) ? 1 : 0;
}

static int add_json(void *ctx, const struct event *ev, const void *tail, bool last)
{
    (void)last;
    json_t *o = event_json(ev, tail);
    return o != NULL && json_array_append_new(ctx, o) == 0 ? 0 : MW_ENOMEM;
}

static int tail_json(struct cli_context *ctx, struct journal *j, uint64_t from,
                     struct mw_error *err)
{
    json_t *list = json_array();
    if (list == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = j->ops->read(j, from, add_json, list, err);
    if (rc == MW_ENOMEM)
        (void)mw_fail(err, rc, "out of memory");
    output_document(ctx->output, list);
    json_decref(list);
    return rc;
}

static int run_tail(struct cli_context *ctx)
{
    struct journal *j mw_cleanup(close_journal) = NULL;
    struct mw_error err = { 0 };
    uint64_t n = cli_option_u64(ctx, "lines");
    if (n == 0 || n > TAIL_MAX)
        return cli_usage(ctx, "option --lines: must be from 1 to %d", TAIL_MAX);
    int code = open_journal(ctx, &j);
    if (code != CLI_EXIT_OK)
        return code;
    uint64_t from = j->head.seq > n ? j->head.seq - n + 1 : 1;
    int rc;
    if (output_form_of(ctx->output) == OUTPUT_JSON) {
        rc = tail_json(ctx, j, from, &err);
    } else {
        struct names names = { .ctx = ctx };
        if (live_record_basis(j, &names.fleet, &names.policy, NULL) < 0)
            names.fleet = NULL; /* the numbers are there all the same */
        output_begin(ctx->output, event_columns, OUTPUT_ROWS);
        rc = j->ops->read(j, from, show_row, &names, &err);
        output_end(ctx->output, "no events");
        fleet_destroy(names.fleet);
    }
    return ended(ctx, j, rc > 0 ? 0 : rc, &err);
}

/* ---- show ---------------------------------------------------------------------------------- */

static const struct output_column field_columns[] = {
    { .key = "field", .title = "FIELD" },
    { .key = "value", .title = "VALUE" },
    { .key = "meaning", .title = "WHAT IT IS" },
    { 0 },
};

static void show_field(void *ctx, const char *name, const char *value, const char *doc)
{
    output_text(ctx, name);
    output_text(ctx, value);
    output_text(ctx, doc);
}

static int show_event(struct cli_context *ctx, const struct event *ev, const void *tail)
{
    if (output_form_of(ctx->output) == OUTPUT_JSON) {
        json_t *o = event_json(ev, tail);
        if (o == NULL) {
            cli_error(ctx, "out of memory");
            return CLI_EXIT_ERROR;
        }
        output_document(ctx->output, o);
        json_decref(o);
        return CLI_EXIT_OK;
    }
    output_begin(ctx->output, field_columns, OUTPUT_ROWS);
    event_each_field(ev, tail, show_field, ctx->output);
    output_end(ctx->output, NULL);
    return CLI_EXIT_OK;
}

static int run_show(struct cli_context *ctx)
{
    struct journal *j mw_cleanup(close_journal) = NULL;
    void *tail mw_cleanup(mw_freep) = NULL;
    struct mw_error err = { 0 };
    struct event ev;
    uint64_t seq = 0;
    must(mw_parse_u64(cli_arg(ctx, 1), &seq) == 0); /* the parser let only numbers through */
    int code = open_journal(ctx, &j);
    if (code != CLI_EXIT_OK)
        return code;
    tail = mw_calloc(1, EVENT_TAIL_MAX);
    if (tail == NULL) {
        cli_error(ctx, "out of memory");
        return CLI_EXIT_ERROR;
    }
    int rc = j->ops->get(j, seq, &ev, tail, &err);
    return rc == 0 ? show_event(ctx, &ev, tail) : ended(ctx, j, rc, &err);
}

/* ---- export -------------------------------------------------------------------------------- */

struct export {
    struct cli_context *cli;
    uint64_t to;
    uint64_t events;
};

/* 1 stops: the last one wanted was written, or nobody reads any more. */
static int export_event(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct export *e = ctx;
    (void)last;
    if (ev->seq > e->to)
        return 1;
    json_t *o = event_json(ev, tail);
    if (o == NULL)
        return MW_ENOMEM;
    FILE *f = output_file(e->cli->output);
    int rc = json_dumpf(o, f, JSON_COMPACT);
    json_decref(o);
    e->events++;
    return rc != 0 || fputc('\n', f) == EOF || output_closed(e->cli->output) ? 1 : 0;
}

static int run_export(struct cli_context *ctx)
{
    struct journal *j mw_cleanup(close_journal) = NULL;
    struct mw_error err = { 0 };
    struct export e = { .cli = ctx, .to = UINT64_MAX };
    uint64_t from = cli_option_u64(ctx, "from");
    if (output_form_of(ctx->output) == OUTPUT_CSV)
        return cli_usage(ctx, "events are exported as JSON only: their fields differ");
    if (cli_option_given(ctx, "to"))
        e.to = cli_option_u64(ctx, "to");
    if (e.to < from)
        return cli_usage(ctx, "--to comes before --from");
    int code = open_journal(ctx, &j);
    if (code != CLI_EXIT_OK)
        return code;
    int rc = j->ops->read(j, from, export_event, &e, &err);
    if (rc == MW_ENOMEM)
        (void)mw_fail(&err, rc, "out of memory");
    code = ended(ctx, j, rc > 0 ? 0 : rc, &err);
    cli_note(ctx, "%llu events", (unsigned long long)e.events);
    return code;
}

/* ---- recover ------------------------------------------------------------------------------- */

static int run_recover(struct cli_context *ctx)
{
    struct journal_report report;
    struct mw_error err = { 0 };
    const char *out = cli_option_string(ctx, "out");
    if (journal_recover_prefix(cli_arg(ctx, 0), out, &report, &err) != 0)
        return cli_fail(ctx, &err);
    if (report.text[0] != '\0')
        cli_note(ctx, "%s holds: %s", cli_arg(ctx, 0), report.text);
    struct journal *j mw_cleanup(close_journal) = NULL;
    struct journal_sqlite_options o = { .read_only = true };
    if (journal_sqlite_open(out, &o, &j, &err) != 0)
        return cli_fail(ctx, &err);
    if (j->ops->verify(j, &report, &err) != 0)
        return cli_fail(ctx, &err);
    show_report(ctx->output, j, &report);
    cli_note(ctx, "start from %s; what automation did after event %llu has to be looked at", out,
             (unsigned long long)report.valid_seq);
    return report.loss == JOURNAL_WHOLE ? CLI_EXIT_OK : CLI_EXIT_PROBLEMS;
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct command_arg dir_arg[] = {
    { .name = "DIR", .type = VALUE_DIR, .help = "the journal's folder" },
    { 0 },
};
static const struct command_arg dir_and_seq[] = {
    { .name = "DIR", .type = VALUE_DIR, .help = "the journal's folder" },
    { .name = "SEQ", .type = VALUE_U64, .help = "the event's number" },
    { 0 },
};
static const struct command_exit exits[] = {
    { CLI_EXIT_NOT_FOUND, "there is no journal, or no such event" },
    { CLI_EXIT_DENIED, "the folder may not be read" },
    { CLI_EXIT_PROBLEMS, "the record is not whole" },
    { 0 },
};

static const struct command commands[] = {
    {
        .verb = "verify",
        .summary = "check a whole record",
        .description =
            "Reads every event and checks the chain of hashes from the first to the last, the "
            "separately kept head, stored files and snapshots. Says what holds, what is lost and "
            "what to do. May run beside the daemon.",
        .examples =
            (const struct command_example[]){
                { .line = "mw replay scenarios/small.yaml --set crashes=0 --set horizon=2d "
                          "--no-sensitivity --journal record > report.txt && "
                          "mw journal verify record",
                  .shows = "Keeps the record of a replay and checks it." },
                { .line = "mw journal verify record --json", .shows = "The same for a program." },
                { .line = "cp -r record bad; echo x > bad/head; mw journal verify bad",
                  .shows = "What a damaged head looks like; the exit code is 10.",
                  .exit_code = CLI_EXIT_PROBLEMS },
                { 0 },
            },
        .args = dir_arg,
        .exits = exits,
        .run = run_verify,
    },
    {
        .verb = "tail",
        .summary = "show the last events",
        .description = "Shows the end of the record, one event a line. With --json: the events "
                       "with all their fields.",
        .examples =
            (const struct command_example[]){
                { .line = "mw journal tail record -n 20", .shows = "The last 20 events." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "lines", .letter = 'n', .type = VALUE_U64, .value = "N",
                  .fallback = "10", .help = "how many events" },
                { 0 },
            },
        .args = dir_arg,
        .exits = exits,
        .run = run_tail,
    },
    {
        .verb = "show",
        .summary = "show one event with every field",
        .description = "Shows an event with all its fields and what each of them says. Other "
                       "events cite it by its number: `cause` leads back to what began it.",
        .examples =
            (const struct command_example[]){
                { .line = "mw journal show record 2", .shows = "The second event." },
                { .line = "mw journal show record 1 --json", .shows = "The first, for a program." },
                { 0 },
            },
        .args = dir_and_seq,
        .exits = exits,
        .run = run_show,
    },
    {
        .verb = "export",
        .summary = "write events as JSON, one a line",
        .description =
            "Writes the events with all their fields as JSON, one object a line. Of a damaged "
            "record what is whole is written, and the exit code is 10.",
        .examples =
            (const struct command_example[]){
                { .line = "mw journal export record --from 10 --to 20 > events.ndjson",
                  .shows = "Eleven events." },
                { .line = "mw journal export record | grep -c incident.opened",
                  .shows = "How many incidents there were." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "from", .type = VALUE_U64, .value = "SEQ", .fallback = "1",
                  .help = "the first event" },
                { .name = "to", .type = VALUE_U64, .value = "SEQ", .help = "the last event" },
                { 0 },
            },
        .args = dir_arg,
        .exits = exits,
        .run = run_export,
    },
    {
        .verb = "rederive",
        .summary = "take the recorded decisions again and compare",
        .description =
            "Sends every recorded fact, at its recorded time, through the decision code of this "
            "program and compares what it decides with what was recorded. Site and policy come "
            "from the record. Under the recorded policy there is no difference; if there is one, "
            "the exit code is 10.\n\n"
            "With --scenario the policy is the scenario's: the answer is where the two part and "
            "how many decisions differ. The facts stay as they were, so this shows different "
            "decisions, not what would have come of them: for that, run the scenario.",
        .examples =
            (const struct command_example[]){
                { .line = "mw journal rederive record",
                  .shows = "The same decisions again: no difference." },
                { .line = "mw journal rederive record --scenario scenarios/stepfun.yaml "
                          "--set policy.gate=false",
                  .shows = "What would be decided without gates." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "scenario", .type = VALUE_FILE, .value = "FILE",
                  .help = "site and policy from this scenario instead of the record" },
                { .name = "set", .type = VALUE_STRING, .value = "KEY=VALUE", .repeat = true,
                  .help = "change a value of that scenario" },
                { 0 },
            },
        .args = dir_arg,
        .exits = exits,
        .run = cmd_journal_rederive,
    },
    {
        .verb = "recover",
        .summary = "make a new journal from what is whole of a damaged one",
        .description =
            "Copies all events up to the first damage, and the stored files that hold, into a new "
            "journal. The damaged one is not changed: keep it. The new one gives out no number "
            "again under which the lost events may have acted.",
        .examples =
            (const struct command_example[]){
                { .line = "mw journal recover bad --out good",
                  .shows = "Saves what is whole of the damaged record." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "out", .type = VALUE_DIR, .value = "DIR", .required = true,
                  .help = "the new journal's folder" },
                { 0 },
            },
        .args = dir_arg,
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no journal" },
                { CLI_EXIT_DENIED, "a folder may not be read or written" },
                { CLI_EXIT_CONFLICT, "the new folder holds a journal already" },
                { 0 },
            },
        .run = run_recover,
    },
    { 0 },
};

const struct command_group cmd_journal = {
    .noun = "journal",
    .summary = "read, check and save the record",
    .commands = commands,
};
