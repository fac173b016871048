/*
 * `mw drain`, `cordon`, `return`: nodes taken from service and given back, with
 * what that breaks said before it is done.  `mw wait`: until it is so.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/act.h"
#include "cli/commands.h"
#include "cli/daemon_of.h"
#include "cli/get.h"
#include "cli/tell.h"
#include "cli/wait_words.h"

struct verb {
    const char *word;      /* of the API */
    const char *doing;     /* of the question: "drains" */
    const char *until;     /* what --wait waits for: a filter of nodes */
};

static const struct verb drain = { "drain", "drains", "holds>0 and job=null" };
static const struct verb cordon = { "hold", "holds", "holds>0" };
static const struct verb back = { "release", "releases", "holds=0" };

/* ---- what became of it ---------------------------------------------------------------------- */

static const struct output_column result_columns[] = {
    { .key = "node", .title = "NODE" },
    { .key = "result", .title = "RESULT" },
    { .key = "event", .title = "EVENT", .right = true },
    { .key = "why", .title = "WHY" },
    { 0 },
};

static void show_results(struct output *o, const struct act *a)
{
    const char *name;
    json_t *noted;
    char seq[24];
    output_begin(o, result_columns, OUTPUT_ROWS);
    json_object_foreach(a->nodes, name, noted) {
        output_text(o, name);
        output_text(o, json_is_integer(noted)  ? "done"
                       : json_is_string(noted) ? "not done"
                                               : "not tried");
        (void)snprintf(seq, sizeof(seq), "%lld", (long long)json_integer_value(noted));
        if (json_integer_value(noted) > 0)
            output_int_as(o, json_integer_value(noted), seq);
        else
            output_null(o);
        output_text(o, json_string_value(noted));
    }
    output_end(o, NULL);
}

/* ---- what it would break -------------------------------------------------------------------- */

static const struct output_column blast_columns[] = {
    { .key = "nodes", .title = "NODES" },
    { .key = "jobs", .title = "JOBS THAT STOP" },
    { .key = "gpus", .title = "GPUS" },
    { .key = "gpu_ms_lost", .title = "GPU-HOURS LOST" },
    { .key = "lost_uusd", .title = "COST" },
    { .key = "rests_on", .title = "THESE ARE" },
    { .key = "jobs_going_on", .title = "JOBS THAT GO ON" },
    { .key = "notes", .title = "WHAT HAPPENS" },
    { 0 },
};
static const struct output_column job_columns[] = {
    { .key = "job", .title = "JOB", .right = true },
    { .key = "gpus", .title = "GPUS", .right = true },
    { .key = "unsaved_gpu_ms", .title = "UNSAVED", .unit = "GPU-hours", .right = true },
    { .key = "stops", .title = "STOPS" },
    { 0 },
};

static void hours_cell(struct output *o, int64_t gpu_ms)
{
    char shown[40];
    (void)snprintf(shown, sizeof(shown), "%.2f", (double)gpu_ms / MW_MS_PER_HOUR);
    output_int_as(o, gpu_ms, shown);
}

static uint32_t targets(const struct act *a)
{
    return (uint32_t)json_object_size(a->nodes) - a->failed;
}

/* "what runs there goes on; nothing new starts" */
static void add_notes(struct text *t, const struct act *a)
{
    const char *note;
    json_t *yes;
    size_t before = t->length;
    json_object_foreach(a->notes, note, yes)
        text_addf(t, "%s%s", t->length > before ? "; " : "", note);
}

static void show_blast(struct output *o, const struct act *a)
{
    char cost[40];
    struct text notes = { 0 };
    add_notes(&notes, a);
    mw_format_usd(a->lost_uusd, cost, sizeof(cost));
    output_begin(o, blast_columns, OUTPUT_RECORD);
    output_int(o, targets(a));
    output_int(o, a->stops);
    output_int(o, a->gpus);
    hours_cell(o, a->gpu_ms_lost);
    output_int_as(o, a->lost_uusd, cost);
    output_text(o, a->rests_on);
    output_int(o, (int64_t)json_object_size(a->jobs) - a->stops);
    output_text(o, notes.length > 0 ? text_string(&notes) : NULL);
    output_end(o, NULL);
    text_fini(&notes);
}

static void show_jobs(struct output *o, const struct act *a)
{
    const char *key;
    json_t *job;
    output_begin(o, job_columns, OUTPUT_ROWS);
    json_object_foreach(a->jobs, key, job) {
        output_int_as(o, json_integer_value(json_object_get(job, "job")), key);
        output_int(o, json_integer_value(json_object_get(job, "gpus")));
        hours_cell(o, json_integer_value(json_object_get(job, "unsaved_gpu_ms")));
        output_text(o, json_string_value(json_object_get(job, "stops")));
    }
    output_end(o, NULL);
}

static void show_preview(struct cli_context *ctx, const struct act *a)
{
    bool table = output_form_of(ctx->output) == OUTPUT_TABLE ||
                 output_form_of(ctx->output) == OUTPUT_WIDE;
    show_blast(ctx->output, a);
    if (table && a->failed > 0)
        show_results(ctx->output, a);
    if (table && json_object_size(a->jobs) > 0)
        show_jobs(ctx->output, a);
    cli_note(ctx, "a dry run: nothing was done");
}

/* ---- whether it is meant -------------------------------------------------------------------- */

/* The line that a person types; false: there is nobody. */
static bool ask(struct cli_context *ctx, const char *question, char *ret, size_t size)
{
    FILE *tty = fopen("/dev/tty", "r+e");
    if (tty == NULL)
        return false;
    output_flush(ctx->output);
    (void)fprintf(tty, "%s", question);
    (void)fflush(tty);
    bool got = fgets(ret, (int)size, tty) != NULL;
    (void)fclose(tty);
    ret[got ? strcspn(ret, "\r\n") : 0] = '\0';
    return got;
}

/* What would make a person regret it is told, and its number of nodes has to be typed. */
static int confirm(struct cli_context *ctx, const struct act *a)
{
    char question[768], typed[32] = "", number[16], cost[40];
    uint32_t nodes = targets(a), jobs = a->stops;
    struct text notes mw_cleanup(text_fini) = { 0 };
    bool harmless = nodes <= ACT_NODES_UNASKED && jobs == 0;
    if (harmless || cli_option_bool(ctx, "yes"))
        return CLI_EXIT_OK;
    mw_format_usd(a->lost_uusd, cost, sizeof(cost));
    add_notes(&notes, a);
    (void)snprintf(question, sizeof(question),
                   "This %s %u node%s; %u job%s on %lld GPUs stop%s, %.2f GPU-hours and %s of work "
                   "are lost (%s)%s%.200s.\nType the number of nodes to go on: ", a->doing, nodes,
                   nodes == 1 ? "" : "s", jobs, jobs == 1 ? "" : "s", (long long)a->gpus,
                   jobs == 1 ? "s" : "", (double)a->gpu_ms_lost / MW_MS_PER_HOUR, cost,
                   a->rests_on, notes.length > 0 ? "; " : "", text_string(&notes));
    (void)snprintf(number, sizeof(number), "%u", nodes);
    if (cli_option_bool(ctx, "no-input") || !ask(ctx, question, typed, sizeof(typed)))
        return cli_usage(ctx, "it %s %u node%s and stops %u job%s: look with --dry-run, and say "
                         "--yes if it is meant", a->doing, nodes, nodes == 1 ? "" : "s", jobs,
                         jobs == 1 ? "" : "s");
    if (strcmp(typed, number) == 0)
        return CLI_EXIT_OK;
    cli_error(ctx, "nothing was done: \"%s\" is not %s", typed, number);
    return CLI_EXIT_USAGE;
}

/* ---- doing it ------------------------------------------------------------------------------- */

static int code_of(const struct act *a)
{
    if (a->failed == 0)
        return CLI_EXIT_OK;
    return a->done > 0 ? CLI_EXIT_PARTIAL : cli_exit_of(a->first_failure);
}

static int do_it(struct cli_context *ctx, struct act *a, const struct verb *v)
{
    struct mw_error err = { 0 };
    int64_t wait_ns = cli_option_duration_ns(ctx, "wait");
    int rc = act_do(a, &err);
    int code = rc < 0 ? daemon_fail(ctx, &err) : code_of(a);
    if (rc == 0 && wait_ns > 0 && act_wait(a, v->until, wait_ns, &err) < 0)
        code = cli_fail(ctx, &err);
    show_results(ctx->output, a);
    return a->done > 0 && rc < 0 ? CLI_EXIT_PARTIAL : code;
}

static int run(struct cli_context *ctx, const struct verb *v)
{
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    struct mw_error err = { 0 };
    struct act a mw_cleanup(act_fini) = { .ctx = ctx, .verb = v->word, .doing = v->doing,
                                          .reason = cli_option_string(ctx, "reason") };
    const char *filter = cli_option_string(ctx, "filter");
    if (cli_arg_count(ctx) == 0 && filter == NULL)
        return cli_usage(ctx, "name nodes, - for standard input, or --filter EXPR");
    int rc = daemon_of(ctx, &d, &err);
    a.daemon = d;
    if (rc == 0)
        rc = act_targets(&a, ctx->arg, cli_arg_count(ctx), filter, &err);
    if (rc == 0)
        rc = act_preview(&a, &err);
    if (rc < 0)
        return daemon_fail(ctx, &err);
    if (cli_option_bool(ctx, "dry-run")) {
        show_preview(ctx, &a);
        return code_of(&a);
    }
    int code = targets(&a) > 0 ? confirm(ctx, &a) : CLI_EXIT_OK;
    return code != CLI_EXIT_OK ? code : do_it(ctx, &a, v);
}

static int run_drain(struct cli_context *ctx)
{
    return run(ctx, &drain);
}

static int run_cordon(struct cli_context *ctx)
{
    return run(ctx, &cordon);
}

static int run_return(struct cli_context *ctx)
{
    return run(ctx, &back);
}

/* A name that is not there would be waited for until the end. */
static int all_there(struct daemon *d, const struct get_query *wait, struct mw_error *err)
{
    struct get_query q = *wait;
    json_t *document = NULL;
    struct text missing = { 0 };
    q.filter = NULL;
    int rc = get_rows(d, &q, &document, NULL, err);
    json_decref(document);
    if (rc == 0)
        get_names_missing(&missing, q.names);
    if (rc == 0 && missing.length > 0)
        rc = mw_fail(err, MW_ENOTFOUND, "not among the %s: %.400s", q.resource->name,
                     text_string(&missing));
    text_fini(&missing);
    return rc;
}

static int run_wait(struct cli_context *ctx)
{
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    struct mw_error err = { 0 };
    struct get_query q = { .resource = resource_find(cli_arg(ctx, 0)),
                           .filter = cli_option_string(ctx, "for"), .all = true,
                           .names = json_object() };
    int rc = 0;
    must(q.resource != NULL);
    q.fields = q.resource->key;
    for (uint32_t i = 1; rc == 0 && i < cli_arg_count(ctx); i++)
        rc = get_names_add(q.names, cli_arg(ctx, i), &err);
    if (rc == 0 && json_object_size(q.names) == 0)
        rc = mw_fail(&err, MW_EINVAL, "name what to wait for");
    if (rc == 0)
        rc = wait_words_check(q.resource, q.filter, &err);
    if (rc == 0)
        rc = daemon_of(ctx, &d, &err);
    if (rc == 0)
        rc = all_there(d, &q, &err);
    if (rc == 0)
        rc = act_wait_rows(d, &q, cli_option_duration_ns(ctx, "timeout"), &err);
    json_decref(q.names);
    return rc < 0 ? daemon_fail(ctx, &err) : CLI_EXIT_OK;
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct command_exit act_exits[] = {
    { CLI_EXIT_NOT_FOUND, "the site has none of the nodes" },
    { CLI_EXIT_DENIED, "the token does not allow it, or the socket belongs to another user" },
    { CLI_EXIT_CONFLICT, "the state or the mode does not allow it" },
    { CLI_EXIT_UNREACHABLE, "no daemon answers" },
    { CLI_EXIT_TIMEOUT, "it was done, and --wait ended before it was so" },
    { CLI_EXIT_PARTIAL, "done to some nodes, and not to others: each is listed" },
    { 0 },
};

static const struct command_option act_options[] = {
    REASON_OPTION,
    { .name = "filter", .letter = 'l', .type = VALUE_STRING, .value = "EXPR",
      .help = "nodes of which this is true (mw help get)" },
    { .name = "dry-run", .help = "say what it would break, and do nothing" },
    { .name = "yes", .letter = 'y', .help = "do not ask, whatever it breaks" },
    { .name = "no-input", .help = "never ask: what would have to be asked is refused" },
    { .name = "wait", .letter = 'w', .type = VALUE_DURATION, .value = "TIME", .fallback = "0",
      .help = "wait until the nodes are so, this long at most" },
    DAEMON_OPTIONS,
    { 0 },
};

static const struct command_arg act_args[] = {
    { .name = "NODES", .type = VALUE_NODES, .optional = true, .repeat = true,
      .help = "nodes, host lists such as n[1-4,7], or - for standard input" },
    { 0 },
};

#define BREAKS                                                                                    \
    "\n\nBefore anything is done the daemon is asked what it would break: how many jobs stop, how "\
    "much work is lost, what that costs (--dry-run shows only that). Where a job stops, or more "  \
    "than 10 nodes are meant, the number of nodes has to be typed; --yes does without, and "       \
    "--no-input refuses instead of asking. What became of each node is listed."

static const struct command drain_commands[] = {
    {
        .verb = "",
        .summary = "take nodes from service: what runs there stops",
        .description =
            "Nothing new starts on the nodes, and what runs there stops and starts elsewhere; "
            "automation does not return them until mw return. Where Slurm owns the nodes, mw "
            "cordon drains them there and lets what runs end." BREAKS,
        .examples =
            (const struct command_example[]){
                { .line = "mw drain 'h01-r01-k1-n[1-2]' --reason 'new firmware' --dry-run "
                          "--socket mw.sock",
                  .shows = "What it would break." },
                { .line = "mw drain h01-r01-k1-n2 -r 'new firmware' --yes --wait 10s "
                          "--socket mw.sock",
                  .shows = "Drains a node and waits until nothing runs there." },
                { .line = "mw drain nobody -r test --socket mw.sock",
                  .shows = "A node that the site does not have; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = act_options,
        .args = act_args,
        .exits = act_exits,
        .run = run_drain,
    },
    { 0 },
};
const struct command_group cmd_drain = {
    .noun = "drain",
    .summary = "take nodes from service",
    .commands = drain_commands,
};

static const struct command cordon_commands[] = {
    {
        .verb = "",
        .summary = "keep nodes from taking new work: what runs there goes on",
        .description =
            "Nothing new starts on the nodes until mw return; what runs there goes on to its end. "
            "Automation does not return them. With Slurm the nodes are drained there in your "
            "name." BREAKS,
        .examples =
            (const struct command_example[]){
                { .line = "mw cordon h01-r01-k1-n3 -r 'fan noise' --wait 10s --socket mw.sock",
                  .shows = "Holds a node." },
                { .line = "mw get nodes -l 'name~\"*-n4\"' -o name --socket mw.sock | "
                          "mw cordon - -r 'a look inside' --yes --socket mw.sock",
                  .shows = "Holds those that another command names." },
                { 0 },
            },
        .options = act_options,
        .args = act_args,
        .exits = act_exits,
        .run = run_cordon,
    },
    { 0 },
};
const struct command_group cmd_cordon = {
    .noun = "cordon",
    .summary = "keep nodes from taking new work",
    .commands = cordon_commands,
};

static const struct command return_commands[] = {
    {
        .verb = "",
        .summary = "give nodes back that persons held or drained",
        .description =
            "Lifts every hold that a person set on the nodes (mw drain, mw cordon, mw node hold). "
            "A node that is healthy takes work at once; one that is not stays out for its own "
            "reason. mw node release lifts one hold of several.",
        .examples =
            (const struct command_example[]){
                { .line = "mw return 'h01-r01-k1-n[2-3]' -r 'firmware is new' --wait 10s "
                          "--socket mw.sock",
                  .shows = "Gives both back." },
                { .line = "mw return h01-r01-k1-n2 -r again --socket mw.sock",
                  .shows = "Where there is no hold to lift, the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options = act_options,
        .args = act_args,
        .exits = act_exits,
        .run = run_return,
    },
    { 0 },
};
const struct command_group cmd_return = {
    .noun = "return",
    .summary = "give nodes back",
    .commands = return_commands,
};

static const struct command_exit wait_exits[] = {
    { CLI_EXIT_NOT_FOUND, "the daemon knows none of that name" },
    { CLI_EXIT_DENIED, "the token does not allow it, or the socket belongs to another user" },
    { CLI_EXIT_UNREACHABLE, "no daemon answers" },
    { CLI_EXIT_TIMEOUT, "it was not so in time; the message names what is left" },
    { 0 },
};

static const struct command wait_commands[] = {
    {
        .verb = "",
        .summary = "wait until something is so",
        .description =
            "Waits until an expression (mw help get) is true of everything that is named: nodes "
            "that are ready, a job that runs, an order that is closed. Looks twice a second. A "
            "name that is not there and a state that there is not end it at once.",
        .examples =
            (const struct command_example[]){
                { .line = "mw wait node h01-r01-k1-n1 --for health=ready --timeout 10s "
                          "--socket mw.sock",
                  .shows = "Until the node is healthy." },
                { .line = "mw wait node h01-r01-k1-n1 --for health=retired --timeout 1s "
                          "--socket mw.sock",
                  .shows = "What does not become so in time: the exit code is 7.",
                  .exit_code = CLI_EXIT_TIMEOUT },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "for", .type = VALUE_STRING, .value = "EXPR", .required = true,
                  .help = "what has to be true, as health=ready" },
                { .name = "timeout", .type = VALUE_DURATION, .value = "TIME", .fallback = "30s",
                  .help = "give up after this long" },
                DAEMON_OPTIONS,
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "RESOURCE", .type = VALUE_CHOICE, .choices = RESOURCE_CHOICES,
                  .help = "what is named" },
                { .name = "NAME", .type = VALUE_NODES, .repeat = true,
                  .help = "names or numbers, host lists, or - for standard input" },
                { 0 },
            },
        .exits = wait_exits,
        .run = run_wait,
    },
    { 0 },
};
const struct command_group cmd_wait = {
    .noun = "wait",
    .summary = "wait until something is so",
    .commands = wait_commands,
};
