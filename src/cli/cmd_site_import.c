/*
 * `mw site import slurm`: asks scontrol, or reads what it wrote, and writes a
 * site file.  Changes nothing in Slurm.
 */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/cmd_site.h"
#include "cli/report.h"
#include "cli/site_file.h"
#include "live/process_run.h"
#include "live/slurm_import.h"

#define INPUT_BYTES_MAX ((size_t)1 << 30)
#define COMMAND_NS (60 * MW_NS_PER_S)
#define PROBLEMS_SHOWN 20

/* ---- running scontrol ---------------------------------------------------------------------- */

struct answer {
    char *out; /* owned */
    bool came;
    int code;
    char why[MW_ERROR_TEXT_MAX];
};

static void take_answer(void *ctx, const struct process_result *r)
{
    struct answer *a = ctx;
    size_t n = strcspn(r->err, "\n");
    a->came = true;
    a->code = r->timed_out ? MW_ETIMEOUT : r->cut ? MW_ELIMIT : r->exit_code != 0 ? MW_EUNREACHABLE
                                                                                 : 0;
    (void)snprintf(a->why, sizeof(a->why), "%.*s", (int)MW_MIN(n, (size_t)300),
                   r->timed_out ? "no answer in a minute" : r->err);
    if (a->code == 0 && (a->out = mw_strdup(r->out)) == NULL)
        a->code = MW_ENOMEM;
}

/* Where commands run, and what the last one said; outlives what may still call back. */
struct asking {
    struct event_base *base;
    struct process_port port;
    const char *conf;
    struct answer answer;
};

/* Runs one command to its end.  Gives *ret (mw_free). */
static int run_scontrol(struct asking *asking, const char *const *argv, char **ret,
                        struct mw_error *err)
{
    char setting[4200];
    const char *env[] = { setting, NULL };
    struct answer *a = &asking->answer;
    struct process_request q = { .argv = argv, .deadline_ns = COMMAND_NS };
    if (asking->conf != NULL) {
        (void)snprintf(setting, sizeof(setting), "SLURM_CONF=%.4000s", asking->conf);
        q.env = env;
    }
    *a = (struct answer){ .came = false };
    int rc = asking->port.start(asking->port.self, &q, take_answer, a, err);
    if (rc != 0)
        return rc;
    while (!a->came) /* ends: the port kills the command at its deadline */
        if (event_base_loop(asking->base, EVLOOP_ONCE) != 0)
            return mw_fail(err, MW_EIO, "cannot wait for %s", argv[0]);
    *ret = TAKE(a->out);
    if (a->code == 0)
        return 0;
    mw_free(TAKE(*ret));
    return mw_fail(err, a->code, "scontrol failed: %s; is slurmctld up, and --slurm its file?",
                   a->why[0] != '\0' ? a->why : "it gave no reason");
}

struct input {
    char *nodes, *topology, *config; /* owned; the last two may be NULL */
};

static void input_fini(struct input *in)
{
    mw_free(in->nodes);
    mw_free(in->topology);
    mw_free(in->config);
}

static int ask_all(struct asking *asking, struct input *in, struct mw_error *err)
{
    static const char *const nodes[] = { "scontrol", "-o", "show", "nodes", NULL };
    static const char *const topology[] = { "scontrol", "-o", "show", "topology", NULL };
    static const char *const config[] = { "scontrol", "show", "config", NULL };
    int rc = run_scontrol(asking, config, &in->config, err);
    if (rc == 0)
        rc = run_scontrol(asking, nodes, &in->nodes, err);
    /* A cluster without a topology answers with an error in some releases. */
    if (rc == 0 && run_scontrol(asking, topology, &in->topology, err) != 0)
        in->topology = NULL;
    return rc;
}

static int ask_slurm(const char *conf, struct input *in, struct mw_error *err)
{
    struct asking asking = { .base = event_base_new(), .conf = conf };
    struct process_run *run = NULL;
    if (asking.base == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = process_run_create(asking.base, 1, &run, err);
    if (rc == 0) {
        asking.port = process_run_port(run);
        rc = ask_all(&asking, in, err);
    }
    process_run_destroy(run);
    mw_free(asking.answer.out);
    event_base_free(asking.base);
    return rc;
}

static int read_files(const char *nodes, const char *topology, struct input *in,
                      struct mw_error *err)
{
    size_t size;
    int rc = mw_read_file(nodes, INPUT_BYTES_MAX, true, &in->nodes, &size, err);
    if (rc == 0 && topology != NULL)
        rc = mw_read_file(topology, INPUT_BYTES_MAX, true, &in->topology, &size, err);
    return rc;
}

/* ---- the command --------------------------------------------------------------------------- */

/* What is written must be what `mw site check` takes. */
static int check(const struct cli_context *ctx, const struct text *yaml, const char *name,
                 struct mw_error *err)
{
    struct problems problems = { 0 };
    struct fleet *f = NULL;
    struct site_source s = { .yaml = text_string(yaml), .size = yaml->length, .name = name };
    int rc = site_load(&s, &f, &problems, err);
    if (rc == MW_ESYNTAX && problems.length > 0) {
        report_problems(ctx, &problems, PROBLEMS_SHOWN);
        rc = mw_fail(err, MW_EINVAL, "the site file made from this would have the problems above");
    }
    problems_fini(&problems);
    fleet_destroy(f);
    return rc;
}

static void tell(const struct cli_context *ctx, const char *out, const char *topology,
                 const struct slurm_import_result *r)
{
    if (strcmp(out, "-") != 0)
        cli_note(ctx, "wrote %s", out);
    cli_note(ctx, "%u node%s with %u GPUs, %u kind%s of node, %u placement group%s", r->nodes,
             r->nodes == 1 ? "" : "s", r->gpus, r->models, r->models == 1 ? "" : "s", r->groups,
             r->groups == 1 ? "" : "s");
    if (r->without_gpus > 0)
        cli_note(ctx, "%u nodes without GPUs are left out", r->without_gpus);
    if (topology == NULL || topology[0] == '\0')
        cli_note(ctx, "there is no topology: all nodes are one placement group");
    if (r->no_switch > 0)
        cli_note(ctx, "%u nodes are on no switch of the topology: one group of their own",
                 r->no_switch);
    cli_note(ctx, "power, cooling, racks and cables are assumed; the file says what to add");
}

static int import(struct cli_context *ctx, const struct input *in, const char *nodes,
                  const char *topology)
{
    struct text yaml mw_cleanup(text_fini) = { 0 };
    struct slurm_import_result result;
    struct mw_error err = { 0 };
    const char *out = cli_option_string(ctx, "out");
    struct slurm_import_source s = { .nodes = in->nodes, .topology = in->topology,
        .config = in->config, .site = cli_option_string(ctx, "name"),
        .nodes_name = nodes != NULL ? nodes : "scontrol show nodes",
        .topology_name = topology != NULL ? topology : "scontrol show topology" };
    int rc = slurm_import(&s, &yaml, &result, &err);
    if (rc == 0)
        rc = check(ctx, &yaml, strcmp(out, "-") == 0 ? "site.yaml" : out, &err);
    if (rc == 0 && strcmp(out, "-") == 0)
        (void)fwrite(text_string(&yaml), 1, yaml.length, output_file(ctx->output));
    else if (rc == 0)
        rc = site_file_write(out, cli_option_bool(ctx, "force"), &yaml, &err);
    if (rc != 0)
        return cli_fail(ctx, &err);
    tell(ctx, out, in->topology, &result);
    return CLI_EXIT_OK;
}

int cmd_site_import_slurm(struct cli_context *ctx)
{
    struct input in mw_cleanup(input_fini) = { 0 };
    struct mw_error err = { 0 };
    const char *nodes = cli_option_string(ctx, "nodes"), *conf = cli_option_string(ctx, "slurm");
    const char *topology = cli_option_string(ctx, "topology"), *name =
        cli_option_string(ctx, "name");
    if (nodes != NULL && conf != NULL)
        return cli_usage(ctx, "give --nodes to read a file or --slurm to ask a cluster, not both");
    if (topology != NULL && nodes == NULL)
        return cli_usage(ctx, "option --topology: goes with --nodes");
    if (name != NULL && (name[0] == '\0' || strlen(name) > 63 || strpbrk(name, "\"\\\n") != NULL))
        return cli_usage(ctx, "option --name: must be 1 to 63 characters without quotes");
    int rc = nodes != NULL ? read_files(nodes, topology, &in, &err) : ask_slurm(conf, &in, &err);
    if (rc != 0)
        return cli_fail(ctx, &err);
    return import(ctx, &in, nodes, topology);
}
