/*
 * `mw sim levers`: what each part of the policy is worth, by leaving it out;
 * its row is in cmd_sim.c with the rest of the noun.
 */
#include "cli/cmd_sim.h"
#include "cli/compare_view.h"

#include <stdio.h>

/* As it is, each lever off in turn where that changes the policy, all off, clairvoyant. */
static int add_columns(struct compare *c)
{
    const char *off[LEVERS_MAX];
    uint32_t used = 0;
    int code = compare_add(c, "as-is", "as it is", NULL, 0);
    for (const struct lever *l = cli_levers; code == 0 && l->key; l++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "without %s", l->name);
        code = compare_add(c, l->key, name, &l->off, 1);
        if (code != 0)
            break;
        if (compare_same(c, c->columns - 1, 0))
            compare_drop_last(c);
        else
            off[used++] = l->off;
    }
    if (code == 0 && used > 1)
        code = compare_add(c, "none", "without any of them", off, used);
    return code == 0 ? compare_add_clairvoyant(c) : code;
}

static int show(struct cli_context *ctx, const struct compare *c)
{
    if (output_form_of(ctx->output) == OUTPUT_JSON) {
        json_t *document = compare_json(c, 0);
        output_document(ctx->output, document);
        json_decref(document);
        return CLI_EXIT_OK;
    }
    compare_print_levers(c, 0);
    cli_note(ctx, "modelled; means of %u runs with their 95 %% interval, seeds from %llu, %.1f s",
             c->runs, (unsigned long long)c->seed, c->wall_s);
    if (c->runs == 1)
        cli_note(ctx, "one run has no interval: the ± 0 above say nothing (--runs)");
    return CLI_EXIT_OK;
}

int cmd_sim_levers(struct cli_context *ctx)
{
    struct scenario_files files;
    struct compare c;
    uint64_t runs = cli_option_u64(ctx, "runs");
    if (runs == 0 || runs > COMPARE_RUNS_MAX)
        return cli_usage(ctx, "option --runs: must be from 1 to %u", COMPARE_RUNS_MAX);
    int code = scenario_files_load(ctx, cli_arg(ctx, 0), &files);
    if (code == 0) {
        compare_init(&c, ctx, cli_arg(ctx, 0), &files);
        c.runs = (uint32_t)runs;
        if (cli_option_given(ctx, "seed"))
            c.seed = cli_option_u64(ctx, "seed");
        cli_interrupt_catch();
        code = add_columns(&c);
        if (code == 0)
            code = compare_run(&c);
        if (code == 0)
            code = c.interrupted ? CLI_EXIT_INTERRUPTED : show(ctx, &c);
        compare_fini(&c);
    }
    scenario_files_fini(&files);
    return code;
}
