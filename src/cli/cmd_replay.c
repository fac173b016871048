/*
 * `mw replay`: a trace driven through the controller, watched as it goes, with
 * a report at the end and the same run again with its assumptions changed.
 */
#include "base/units.h"
#include "cli/commands.h"
#include "cli/replay_compare.h"
#include "cli/run_report.h"
#include "store/journal_sqlite.h"

static void print(const struct cli_context *ctx, const struct replay_report *report)
{
    if (output_form_of(ctx->output) != OUTPUT_JSON) {
        replay_report_print(ctx, report);
        return;
    }
    json_t *document = replay_report_json(report);
    output_document(ctx->output, document);
    json_decref(document);
}

/* A new journal in the folder that --journal names; *ret stays NULL without it. */
static int open_journal(const struct cli_context *ctx, struct journal **ret, struct mw_error *err)
{
    const struct journal_sqlite_options simulated = { .simulated = true };
    const char *dir = cli_option_string(ctx, "journal");
    if (!dir)
        return 0;
    int r = journal_sqlite_open(dir, &simulated, ret, err);
    if (r == 0 && (*ret)->head.seq > 0)
        r = mw_fail(err, MW_EEXIST, "%s holds a journal already: name a new folder", dir);
    return r;
}

/* The run that is watched. */
static int run_watched(struct cli_context *ctx, const struct scenario_files *f,
                       struct replay_view *view, struct run_result *ret, struct mw_error *err)
{
    struct journal *journal = NULL;
    struct run_options o = scenario_files_options(f);
    int r = open_journal(ctx, &journal, err);
    if (r < 0) {
        journal_destroy(journal);
        return r;
    }
    if (cli_option_given(ctx, "seed"))
        o.seed = cli_option_u64(ctx, "seed");
    o.journal = journal;
    o.clock_ns = replay_clock_ns;
    o.watch = replay_view_watch;
    o.watch_every_ns = 2 * MW_NS_PER_HOUR;
    o.event = replay_view_event;
    o.ctx = view;
    r = run_scenario(&o, ret, err);
    if (r == 0 && journal)
        r = journal_sqlite_flush(journal, err);
    journal_destroy(journal);
    return r;
}

static int replay(struct cli_context *ctx, struct scenario_files *f, struct replay_view *view)
{
    struct mw_error err = { 0 };
    struct run_result result;
    struct sensitivity_table sensitivity;
    struct replay_report report = { .files = f, .result = &result, .view = view };
    int r = run_watched(ctx, f, view, &result, &err);
    live_end(&view->live);
    if (view->interrupted)
        return CLI_EXIT_INTERRUPTED;
    if (r == 0 && f->trace) {
        report.traced = true;
        r = fault_trace_stats(f->trace, f->fleet->count[COMPONENT_NODE], &report.stats, &err);
    }
    if (r == 0 && !cli_option_bool(ctx, "no-sensitivity")) {
        r = sensitivity_run(ctx, f, &f->scenario, result.seed, &sensitivity, &err);
        report.sensitivity = sensitivity.interrupted ? NULL : &sensitivity;
        view->interrupted = sensitivity.interrupted;
    }
    if (r < 0)
        return cli_fail(ctx, &err);
    print(ctx, &report);
    if (view->interrupted)
        return CLI_EXIT_INTERRUPTED;
    if (cli_option_string(ctx, "journal"))
        cli_note(ctx, "the record is in %s: mw journal tail %s",
                 cli_option_string(ctx, "journal"), cli_option_string(ctx, "journal"));
    return CLI_EXIT_OK;
}

static int replay_once(struct cli_context *ctx, struct scenario_files *f, double speed)
{
    struct replay_view view;
    cli_interrupt_catch();
    if (replay_view_begin(&view, ctx, speed, f) < 0) {
        cli_error(ctx, "out of memory");
        return CLI_EXIT_ERROR;
    }
    int code = replay(ctx, f, &view);
    replay_view_end(&view);
    return code;
}

/* Before the journal's folder is made: a record with crashes is kept in memory only. */
static int refuse_crashes(struct cli_context *ctx, const struct scenario *s)
{
    if (s->crashes == 0 && !s->crash_every_step)
        return 0;
    return cli_usage(ctx, "the scenario crashes its daemon, and such a record cannot be kept: add "
                     "--set crashes=0%s", s->crash_every_step ? " --set crash_every_step=false"
                                                              : "");
}

static int run_replay(struct cli_context *ctx)
{
    struct scenario_files files;
    bool compare = cli_option_bool(ctx, "compare");
    double speed = cli_option_given(ctx, "speed") ? cli_option_real(ctx, "speed") : -1.0;
    if (cli_option_given(ctx, "speed") && speed < 0)
        return cli_usage(ctx, "--speed is 0 (as fast as it goes) or more");
    if (compare && (cli_option_given(ctx, "speed") || cli_option_given(ctx, "journal")))
        return cli_usage(ctx, "--compare runs many times: it takes no --speed and no --journal");
    if (!compare && cli_option_given(ctx, "runs"))
        return cli_usage(ctx, "--runs goes with --compare");
    int code = scenario_files_load(ctx, cli_arg(ctx, 0), &files);
    if (code == 0 && cli_option_given(ctx, "journal"))
        code = refuse_crashes(ctx, &files.scenario);
    if (code == 0)
        code = compare ? replay_compare(ctx, &files) : replay_once(ctx, &files, speed);
    scenario_files_fini(&files);
    return code;
}

static const struct command_option options[] = {
    { .name = "speed", .type = VALUE_DECIMAL, .value = "X",
      .help = "simulated seconds a real second; 0 = as fast as it goes (default: the whole run in "
              "20 s on a terminal, else 0)" },
    { .name = "seed", .type = VALUE_U64, .value = "S", .help = "instead of the scenario's seed" },
    { .name = "set", .type = VALUE_STRING, .value = "KEY=VALUE", .repeat = true,
      .help = "change a value of the scenario, by its dotted key" },
    { .name = "journal", .type = VALUE_DIR, .value = "DIR",
      .help = "keep the record in a new journal there" },
    { .name = "compare",
      .help = "run three policies side by side: as it was; with the lemon rule and escalation; "
              "with spares and the checkpoint rule too" },
    { .name = "runs", .type = VALUE_U64, .value = "N", .fallback = "20",
      .help = "with --compare: so many seeds" },
    { .name = "no-sensitivity", .help = "leave out the runs with changed assumptions" },
    { 0 },
};

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "drive a trace of faults through the controller and report what it cost",
        .description =
            "Runs a scenario from its start to its horizon through the decision code that a live "
            "site is to run: faults become incidents, nodes are drained, repaired, proved and "
            "returned, jobs restart from their checkpoints. On a terminal the state of the site "
            "and a map of its nodes are shown as it goes, and each incident as it comes.\n\n"
            "The report names every lost GPU-hour and its price, by cause, and says for each "
            "figure whether it is from a trace or modelled. Goodput and ETTR are given again with "
            "each assumption (restart time, checkpoint cost, load, detection, ...) changed by "
            "half, over five seeds.\n\n"
            "With --compare nothing is watched: the scenario runs under three policies over the "
            "same seeds, and the table says what they differ by, with 95 % intervals. The first "
            "has none of the scenario's levers (mw sim levers names them), the second those of "
            "care, the third all. Where faults come from a trace, what a replay cannot know "
            "follows.",
        .examples =
            (const struct command_example[]){
                { .line = "mw replay scenarios/small.yaml",
                  .shows = "A month on 32 nodes, and the report." },
                { .line = "mw replay scenarios/stepfun.yaml --speed 0 --no-sensitivity --json",
                  .shows = "348 days of 400 real servers as one JSON document." },
                { .line = "mw replay scenarios/small.yaml --set policy.gate=false -o csv",
                  .shows = "The same month when a repair is believed without a gate." },
                { .line = "mw replay scenarios/small.yaml --compare --runs 3 --no-sensitivity",
                  .shows = "Three policies for that month, side by side." },
                { 0 },
            },
        .options = options,
        .args =
            (const struct command_arg[]){
                { .name = "SCENARIO", .type = VALUE_FILE, .help = "the scenario file" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "the scenario or a file it names does not exist" },
                { CLI_EXIT_CONFLICT, "the journal's folder holds a journal already" },
                { 0 },
            },
        .run = run_replay,
    },
    { 0 },
};

const struct command_group cmd_replay = {
    .noun = "replay",
    .summary = "a trace through the controller, watched live, with a report",
    .commands = commands,
};
