/*
 * `mw sim`: a scenario run once or many times, and the sweep over made-up
 * worlds (cmd_sim_sweep.c).
 */
#include "cli/cmd_sim.h"

#include "base/mem.h"
#include "cli/cmd_ettr.h"
#include "cli/commands.h"
#include "cli/live.h"
#include "cli/parallel.h"
#include "cli/run_json.h"
#include "cli/run_many.h"
#include "cli/scenario_files.h"

#include <stdatomic.h>

#define RUNS_MAX 100000u
#define WATCHES 400 /* looks at the progress of one run */

uint32_t cmd_sim_threads(const struct cli_context *ctx)
{
    return cli_option_given(ctx, "threads") ? (uint32_t)cli_option_u64(ctx, "threads")
                                            : parallel_processors();
}

/* ---- running ------------------------------------------------------------------------------- */

struct many {
    const struct scenario_files *files;
    uint64_t seed;
    struct run_result *result;
    struct mw_error *err; /* one a run; code 0 = it went well */
    struct progress progress;
    bool one;
    atomic_bool interrupted;
};

static int watch_run(void *ctx, const struct run_view *v)
{
    struct many *m = ctx;
    if (m->one) {
        progress_update(&m->progress, (uint64_t)((v->now_ns - v->start_ns) / MW_NS_PER_HOUR),
                        parallel_clock_ns());
        if (cli_interrupted())
            atomic_store(&m->interrupted, true);
    }
    return atomic_load(&m->interrupted);
}

static void run_task(void *ctx, uint64_t number)
{
    struct many *m = ctx;
    struct run_options o = scenario_files_options(m->files);
    o.seed = m->seed + number;
    o.clock_ns = parallel_clock_ns;
    o.watch = watch_run;
    o.watch_every_ns = m->files->scenario.horizon_ns / WATCHES;
    o.ctx = m;
    m->err[number].code = 0;
    m->err[number].code = run_scenario(&o, &m->result[number], &m->err[number]);
}

static bool tick(void *ctx, uint64_t done)
{
    struct many *m = ctx;
    progress_update(&m->progress, done, parallel_clock_ns());
    if (cli_interrupted())
        atomic_store(&m->interrupted, true);
    return atomic_load(&m->interrupted);
}

static int run_all(struct cli_context *ctx, struct many *m, uint32_t runs, struct mw_error *err)
{
    bool stopped = false;
    int rc = 0;
    int64_t now_ns = parallel_clock_ns();
    progress_begin(&m->progress, ctx->messages, ctx->messages_term, ctx->quiet);
    if (runs == 1) {
        m->one = true;
        progress_start(&m->progress, "simulated hours",
                       (uint64_t)(m->files->scenario.horizon_ns / MW_NS_PER_HOUR), now_ns);
        run_task(m, 0);
    } else {
        struct parallel p = {.tasks = runs, .threads = cmd_sim_threads(ctx), .task = run_task,
                             .tick = tick, .ctx = m};
        progress_start(&m->progress, "runs", runs, now_ns);
        rc = parallel_run(&p, &stopped, err);
    }
    progress_end(&m->progress);
    for (uint32_t i = 0; rc == 0 && !atomic_load(&m->interrupted) && i < runs; i++) {
        if (m->err[i].code == 0)
            continue;
        *err = m->err[i];
        rc = mw_fail_prefix(err, "seed %llu", (unsigned long long)(m->seed + i));
    }
    return rc;
}

/* ---- showing ------------------------------------------------------------------------------- */

/* What a figure rests on. */
enum basis { BASIS_SCENARIO, BASIS_FAULTS, BASIS_JOBS, BASIS_MODEL };

struct figure {
    const char *key, *title, *inside;
    unsigned decimals;
    double scale;
    enum basis basis;
};
static const struct figure figures[] = {
    {"horizon_days", "horizon (days)", NULL, 2, 1, BASIS_SCENARIO},
    {"nodes", "nodes", NULL, 0, 1, BASIS_SCENARIO},
    {"gpus", "GPUs", NULL, 0, 1, BASIS_SCENARIO},
    {"faults", "faults of any part", NULL, 0, 1, BASIS_FAULTS},
    {"node_faults", "faults on nodes", NULL, 0, 1, BASIS_FAULTS},
    {"kills", "attempts killed", NULL, 0, 1, BASIS_MODEL},
    {"mttf_hours", "job time between kills (h)", NULL, 2, 1, BASIS_MODEL},
    {"jobs_submitted", "jobs submitted", NULL, 0, 1, BASIS_JOBS},
    {"jobs_done", "jobs done", NULL, 0, 1, BASIS_MODEL},
    {"ettr", "ETTR, by GPU time (%)", NULL, 2, 100, BASIS_MODEL},
    {"goodput", "goodput (%)", NULL, 2, 100, BASIS_MODEL},
    {"lost_usd", "lost (USD)", NULL, 0, 1, BASIS_MODEL},
#define X(e, name, lost, doc) {name, name " (GPU-h)", "classes", 0, 1.0 / 3600, BASIS_MODEL},
    ACCOUNT_CLASSES(X)
#undef X
    {"incidents", "incidents", NULL, 0, 1, BASIS_MODEL},
    {"drains", "nodes drained in service", NULL, 0, 1, BASIS_MODEL},
    {"gates_failed", "gates failed", NULL, 0, 1, BASIS_MODEL},
    {"events", "events in the record", NULL, 0, 1, BASIS_MODEL},
};

static const char *basis_text(const struct scenario *s, enum basis b)
{
    bool traced = s->fault_trace_path[0] != '\0';
    bool jobs = s->jobs == JOBS_TRACE;
    switch (b) {
    case BASIS_SCENARIO:
        return "given";
    case BASIS_FAULTS:
        return !traced ? "modelled" : s->processes > 0 ? "trace and model" : "from trace";
    case BASIS_JOBS:
        return jobs ? "from trace" : "modelled";
    case BASIS_MODEL:
        break;
    }
    return traced || jobs ? "modelled on a trace" : "modelled";
}

static const struct output_column columns[] = {
    {.key = "figure", .title = "FIGURE"},
    {.key = "mean", .title = "VALUE", .right = true},
    {.key = "lo", .title = "95 % FROM", .right = true},
    {.key = "hi", .title = "TO", .right = true},
    {.key = "basis", .title = "RESTS ON"},
    {0},
};

static double number_of(const json_t *v, const char *part, double scale)
{
    const json_t *n = json_is_object(v) ? json_object_get(v, part) : v;
    return json_number_value(n) * scale;
}

static void show_table(struct cli_context *ctx, const struct many *m, const json_t *doc)
{
    struct output *o = ctx->output;
    output_begin(o, columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(figures); i++) {
        const struct figure *f = &figures[i];
        const json_t *from = f->inside != NULL ? json_object_get(doc, f->inside) : doc;
        const json_t *v = json_object_get(from, f->key);
        output_text(o, f->title);
        double value = number_of(v, "mean", f->scale);
        if (f->decimals == 0 && !json_is_object(v))
            output_int(o, (int64_t)(value + 0.5));
        else
            output_real(o, value, f->decimals);
        if (json_is_object(v)) {
            output_real(o, number_of(v, "lo", f->scale), f->decimals);
            output_real(o, number_of(v, "hi", f->scale), f->decimals);
        } else {
            output_null(o);
            output_null(o);
        }
        output_text(o, basis_text(&m->files->scenario, f->basis));
    }
    output_end(o, NULL);
}

static int show(struct cli_context *ctx, const struct many *m, uint32_t runs, double wall_s)
{
    json_t *doc =
        runs == 1 ? run_json(&m->result[0]) : run_many_json(m->result, runs, wall_s);
    if (doc == NULL) {
        cli_error(ctx, "out of memory");
        return CLI_EXIT_ERROR;
    }
    if (output_form_of(ctx->output) == OUTPUT_JSON) {
        output_document(ctx->output, doc);
    } else {
        show_table(ctx, m, doc);
        cli_note(ctx, "seed %llu%s, state %s, %.1f s", (unsigned long long)m->seed,
                 runs > 1 ? " and those after it" : "",
                 json_string_value(json_object_get(doc, "state_hash")), wall_s);
    }
    json_decref(doc);
    return CLI_EXIT_OK;
}

static int run_files(struct cli_context *ctx, const struct scenario_files *files, uint32_t runs)
{
    struct mw_error err = {0};
    struct many m = {.files = files, .seed = files->scenario.seed};
    if (cli_option_given(ctx, "seed"))
        m.seed = cli_option_u64(ctx, "seed");
    m.result = mw_calloc(runs, sizeof(*m.result));
    m.err = mw_calloc(runs, sizeof(*m.err));
    int code;
    if (m.result == NULL || m.err == NULL) {
        (void)mw_fail(&err, MW_ENOMEM, "out of memory for %u runs", runs);
        code = cli_fail(ctx, &err);
    } else {
        cli_interrupt_catch();
        int64_t began_ns = parallel_clock_ns();
        int rc = run_all(ctx, &m, runs, &err);
        double wall_s = (double)(parallel_clock_ns() - began_ns) / 1e9;
        if (atomic_load(&m.interrupted))
            code = CLI_EXIT_INTERRUPTED;
        else
            code = rc < 0 ? cli_fail(ctx, &err) : show(ctx, &m, runs, wall_s);
    }
    mw_free(m.result);
    mw_free(m.err);
    return code;
}

static int run_run(struct cli_context *ctx)
{
    struct scenario_files files;
    uint64_t runs = cli_option_u64(ctx, "runs");
    if (runs == 0 || runs > RUNS_MAX)
        return cli_usage(ctx, "option --runs: must be from 1 to %u", RUNS_MAX);
    int code = scenario_files_load(ctx, cli_arg(ctx, 0), &files);
    if (code == 0)
        code = run_files(ctx, &files, (uint32_t)runs);
    scenario_files_fini(&files);
    return code;
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct command_option run_options[] = {
    {.name = "seed", .type = VALUE_U64, .value = "S", .help = "instead of the scenario's seed"},
    {.name = "runs", .type = VALUE_U64, .value = "N", .fallback = "1",
     .help = "so many runs, with the seeds S, S+1, ...; numbers become means"},
    {.name = "threads", .type = VALUE_U64, .value = "T",
     .help = "runs at the same time (default: one a processor)"},
    {.name = "set", .type = VALUE_STRING, .value = "KEY=VALUE", .repeat = true,
     .help = "change a value of the scenario, by its dotted key"},
    {0},
};

static const struct command_option levers_options[] = {
    {.name = "seed", .type = VALUE_U64, .value = "S", .help = "instead of the scenario's seed"},
    {.name = "runs", .type = VALUE_U64, .value = "N", .fallback = "5",
     .help = "seeds of every policy: S, S+1, ..."},
    {.name = "set", .type = VALUE_STRING, .value = "KEY=VALUE", .repeat = true,
     .help = "change a value of the scenario, by its dotted key"},
    {0},
};

static const struct command_option sweep_options[] = {
    {.name = "first", .type = VALUE_U64, .value = "S", .fallback = "1", .help = "the first seed"},
    {.name = "seeds", .type = VALUE_U64, .value = "N", .fallback = "200",
     .help = "how many seeds"},
    {.name = "threads", .type = VALUE_U64, .value = "T",
     .help = "seeds at the same time (default: one a processor)"},
    {0},
};

static const struct command_option ettr_options[] = {
    {.name = "seed", .type = VALUE_U64, .value = "S", .fallback = "1", .help = "of the draws"},
    {.name = "failures", .type = VALUE_U64, .value = "N", .fallback = "0",
     .help = "no more than so many failures a point; 0 = as many as the precision needs"},
    {.name = "threads", .type = VALUE_U64, .value = "T",
     .help = "points at the same time (default: one a processor)"},
    {0},
};

static const struct command commands[] = {
    {
        .verb = "run",
        .summary = "run a scenario in the simulated world",
        .description =
            "Runs the scenario from its start to its horizon: faults strike, crews repair, jobs "
            "run, hang and restart, and the code that a live site is to run decides. The "
            "result depends on the scenario and the seed alone, not on the number of threads.\n\n"
            "With --runs the numbers are means over the runs with their 95 % interval "
            "(Student's t), and the state hash covers all runs.",
        .examples =
            (const struct command_example[]){
                {.line = "mw sim run scenarios/small.yaml",
                 .shows = "A month on 32 nodes."},
                {.line = "mw sim run scenarios/small.yaml --runs 20 --set crews.number=1",
                 .shows = "The same with one crew, twenty times, as means with intervals."},
                {.line = "mw sim run scenarios/small.yaml --seed 7 --json",
                 .shows = "One JSON document."},
                {0},
            },
        .options = run_options,
        .args =
            (const struct command_arg[]){
                {.name = "SCENARIO", .type = VALUE_FILE, .help = "the scenario file"},
                {0},
            },
        .exits =
            (const struct command_exit[]){
                {CLI_EXIT_NOT_FOUND, "the scenario or a file it names does not exist"},
                {0},
            },
        .run = run_run,
    },
    {
        .verb = "levers",
        .summary = "what each part of the policy is worth: leave it out and see",
        .description =
            "Runs the scenario as it is, then with one part of its policy left out, for each part "
            "that it uses, then with none of them, all over the same seeds; a change is the mean "
            "of the differences between runs of one seed, with its 95 % interval. What is left "
            "out is one setting that --set takes (--json names the parts).\n\n"
            "The last row is a bound, not a policy: the clairvoyant knows of each fault in the "
            "moment before. Nothing is lost but the restart itself; saving costs nothing, "
            "detection takes no time. It does not know which nodes will fail later.",
        .examples =
            (const struct command_example[]){
                {.line = "mw sim levers scenarios/small.yaml --runs 3",
                 .shows = "A month on 32 nodes, with one part of the policy less each time."},
                {0},
            },
        .options = levers_options,
        .args =
            (const struct command_arg[]){
                {.name = "SCENARIO", .type = VALUE_FILE, .help = "the scenario file"},
                {0},
            },
        .exits =
            (const struct command_exit[]){
                {CLI_EXIT_NOT_FOUND, "the scenario or a file it names does not exist"},
                {0},
            },
        .run = cmd_sim_levers,
    },
    {
        .verb = "sweep",
        .summary = "test the program in thousands of made-up worlds",
        .description =
            "Every seed is another world: its site, faults, policy, crews, jobs, lost, late, "
            "doubled and reordered messages, and crashes of the controller between append, "
            "commit, action and acknowledgement. After every group all invariants are checked, "
            "and at the end all jobs must have ended. Each 20th seed is run twice; one in 50 is a "
            "small world with a crash at every step.\n\n"
            "A failure prints the command that repeats it. Over 1,000 seeds every mark must be "
            "reached ten times, over 200 once.",
        .examples =
            (const struct command_example[]){
                {.line = "mw sim sweep --seeds 20", .shows = "Twenty worlds."},
                {.line = "mw sim sweep --first 12 --seeds 1", .shows = "One world again."},
                {0},
            },
        .options = sweep_options,
        .exits =
            (const struct command_exit[]){
                {CLI_EXIT_PROBLEMS, "an invariant was violated, or a mark was not reached"},
                {0},
            },
        .run = cmd_sim_sweep,
    },
    {
        .verb = "ettr-check",
        .summary = "compare simulated failures with the exact expectation",
        .description =
            "One endless job under exponential node failures at the rates of RSC-1, RSC-2, StepFun "
            "and Llama 3, at 1,024 to 65,536 GPUs, with three kinds of recovery (A: restart 15 "
            "min, checkpoint 5 min; B: 5 min, 1 min; C: 2 min, 10 s), run by the whole program. "
            "The wall time of one checkpoint interval of progress is compared with the exact "
            "expectation M e^(u0/M) (e^((interval + w)/M) - 1) and must be within 1 %.\n\n"
            "OFF BY says how far the first-order form in the papers, (1 - (u0 + interval/2)/M) / "
            "(1 + w/interval), is from the exact share. Each point simulates as many failures as "
            "its standard error of 0.3 % needs, at least 20,000 where 69 years have as many.",
        .examples =
            (const struct command_example[]){
                {.line = "mw sim ettr-check", .shows = "All 48 points.", .slow = true},
                {0},
            },
        .options = ettr_options,
        .args =
            (const struct command_arg[]){
                {.name = "SCENARIO", .type = VALUE_FILE, .optional = true,
                 .help = "instead of scenarios/stepfun-rate.yaml"},
                {0},
            },
        .exits =
            (const struct command_exit[]){
                {CLI_EXIT_NOT_FOUND, "the scenario does not exist"},
                {CLI_EXIT_PROBLEMS, "a point is further than 1 % from the expectation"},
                {0},
            },
        .run = cmd_sim_ettr_check,
    },
    {0},
};

const struct command_group cmd_sim = {
    .noun = "sim",
    .summary = "the simulated world: scenarios, and the sweep that tests the program",
    .commands = commands,
};
