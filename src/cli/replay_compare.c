/* Three policies for one trace.  See replay_compare.h. */
#include "cli/replay_compare.h"

#include <stdio.h>

#include "cli/compare_view.h"
#include "cli/run_report.h"

/* Said wherever faults come from a trace: the figures say nothing of this. */
static const char *const unknowable[] = {
    "Whether a fault would have struck at all under another policy: the trace's faults strike the "
    "same nodes at the same times in every column, also a node that idles, is a spare or has left "
    "for good; and whether the load that a policy moves elsewhere would have broken other nodes.",
    "How long a repair would have taken when escalated: the trace knows the repair as it was. The "
    "length of an escalated one is an assumption of the scenario; its sensitivity is above.",
    "What the site's own gate kept from the jobs: faults that are failed stress tests were caught "
    "before a job met them, in every column alike. Our gate takes no credit for them, and is on "
    "in every column.",
    "What a fault did to the job on the node: the trace names its class, the scenario what a class "
    "does.",
    "How long detection took: the trace begins when the site took note.",
    "Faults that nobody wrote down, and nodes that were taken for no fault of theirs.",
};

static uint32_t settings(const char *ret[LEVERS_MAX], bool care)
{
    uint32_t n = 0;
    for (const struct lever *l = cli_levers; l->key; l++)
        if (l->group == LEVER_WORK || (care && l->group == LEVER_CARE))
            ret[n++] = l->off;
    return n;
}

static int add_columns(struct compare *c)
{
    const char *off[LEVERS_MAX];
    int code = compare_add(c, "as-it-was", "as it was", off, settings(off, true));
    if (code == 0)
        code = compare_add(c, "care", "lemons, escalation", off, settings(off, false));
    if (code == 0)
        code = compare_add(c, "all", "spares, checkpoints too", NULL, 0);
    return code;
}

static const char *basis_of(const struct scenario *s)
{
    bool jobs = s->jobs == JOBS_TRACE;
    if (s->fault_trace_path[0])
        return jobs ? "traced faults and jobs, modelled costs" : "traced faults, modelled jobs";
    return jobs ? "traced jobs, modelled faults" : "modelled";
}

static void print_unknowable(struct output *o)
{
    FILE *f = output_file(o);
    if (output_form_of(o) == OUTPUT_CSV)
        return;
    (void)fputs("\nWhat a replay cannot know:\n", f);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(unknowable); i++)
        (void)fprintf(f, "- %s\n", unknowable[i]);
}

static void print_json(const struct compare *c, const struct sensitivity_table *t, bool traced)
{
    json_t *document = compare_json(c, 0);
    json_t *list = json_array();
    for (uint32_t i = 0; traced && i < MW_ARRAY_LEN(unknowable); i++)
        (void)json_array_append_new(list, json_string(unknowable[i]));
    (void)json_object_set_new(document, "basis", json_string(basis_of(&c->files->scenario)));
    (void)json_object_set_new(document, "sensitivity", replay_sensitivity_json(t));
    (void)json_object_set_new(document, "cannot_know", list);
    output_document(c->ctx->output, document);
    json_decref(document);
}

static void print(const struct compare *c, const struct sensitivity_table *t)
{
    struct output *o = c->ctx->output;
    bool traced = c->files->scenario.fault_trace_path[0] != '\0';
    if (output_form_of(o) == OUTPUT_JSON) {
        print_json(c, t, traced);
        return;
    }
    compare_print_side_by_side(c, basis_of(&c->files->scenario));
    if (t) {
        if (output_form_of(o) != OUTPUT_CSV)
            (void)fputc('\n', output_file(o));
        replay_sensitivity_print(o, t);
    }
    if (traced)
        print_unknowable(o);
    cli_note(c->ctx, "means of %u runs with their 95 %% interval, seeds from %llu; the last "
             "column's change is of pairs of one seed; %.1f s", c->runs,
             (unsigned long long)c->seed, c->wall_s);
    if (c->runs == 1)
        cli_note(c->ctx, "one run has no interval: the ± 0 above say nothing (--runs)");
}

static int run_and_print(struct cli_context *ctx, struct compare *c)
{
    struct sensitivity_table sensitivity;
    const struct sensitivity_table *shown = NULL;
    struct mw_error err = { 0 };
    int code = compare_run(c);
    if (code != 0 || c->interrupted)
        return c->interrupted ? CLI_EXIT_INTERRUPTED : code;
    if (!cli_option_bool(ctx, "no-sensitivity")) {
        const struct scenario *last = c->column[c->columns - 1].scenario;
        if (sensitivity_run(ctx, c->files, last, c->seed, &sensitivity, &err) < 0)
            return cli_fail(ctx, &err);
        if (sensitivity.interrupted)
            return CLI_EXIT_INTERRUPTED;
        shown = &sensitivity;
    }
    print(c, shown);
    return CLI_EXIT_OK;
}

int replay_compare(struct cli_context *ctx, const struct scenario_files *files)
{
    struct compare c;
    uint64_t runs = cli_option_u64(ctx, "runs");
    if (runs == 0 || runs > COMPARE_RUNS_MAX)
        return cli_usage(ctx, "option --runs: must be from 1 to %u", COMPARE_RUNS_MAX);
    compare_init(&c, ctx, cli_arg(ctx, 0), files);
    c.runs = (uint32_t)runs;
    if (cli_option_given(ctx, "seed"))
        c.seed = cli_option_u64(ctx, "seed");
    cli_interrupt_catch();
    int code = add_columns(&c);
    if (code == 0)
        code = run_and_print(ctx, &c);
    compare_fini(&c);
    return code;
}
