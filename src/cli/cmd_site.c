/*
 * `mw site`: make, check and read site files, and ask about the wiring
 * (cmd_site_query.c has the questions).
 */
#include "cli/cmd_site.h"
#include "cli/daemon_of.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/site_file.h"

/* What was written, and that it is more than was asked for. */
static void tell_new(const struct cli_context *ctx, const char *out, uint32_t asked, uint32_t made)
{
    if (strcmp(out, "-") != 0)
        cli_note(ctx, "wrote %s", out);
    if (made != asked)
        cli_note(ctx, "%u GPUs instead of %u: the shape has only whole servers or racks", made,
                 asked);
}

static int run_new(struct cli_context *ctx)
{
    struct text t = { 0 };
    struct mw_error err = { 0 };
    const char *out = cli_option_string(ctx, "out");
    uint64_t gpus = cli_option_u64(ctx, "gpus");
    if (gpus == 0 || gpus > SITE_NEW_GPUS_MAX)
        return cli_usage(ctx, "option --gpus: must be from 1 to %u", SITE_NEW_GPUS_MAX);
    int rc = site_new(cli_option_string(ctx, "shape"), (uint32_t)gpus, &t, &err);
    if (rc == 0 && t.failed)
        rc = mw_fail(&err, MW_ENOMEM, "out of memory: the site file is too large");
    if (rc == 0 && strcmp(out, "-") == 0)
        (void)fwrite(text_string(&t), 1, t.length, output_file(ctx->output));
    else if (rc == 0)
        rc = site_file_write(out, cli_option_bool(ctx, "force"), &t, &err);
    if (rc == 0)
        tell_new(ctx, out, (uint32_t)gpus,
                 site_new_gpus(cli_option_string(ctx, "shape"), (uint32_t)gpus));
    text_fini(&t);
    return rc < 0 ? cli_fail(ctx, &err) : CLI_EXIT_OK;
}

static int run_check(struct cli_context *ctx)
{
    struct problems problems = { 0 };
    struct mw_error err = { 0 };
    struct fleet *f = NULL;
    int code = CLI_EXIT_OK;
    int rc = site_load_file(cli_arg(ctx, 0), &f, &problems, &err);
    if (rc == 0 || (rc == MW_ESYNTAX && problems.length > 0))
        report_problem_rows(ctx, &problems);
    else
        code = cli_fail(ctx, &err);
    if (rc == 0)
        cli_note(ctx, "%s: no problems; %u nodes, %u GPUs", cli_arg(ctx, 0),
                 f->count[COMPONENT_NODE], f->count[COMPONENT_GPU]);
    else if (code == CLI_EXIT_OK)
        code = CLI_EXIT_PROBLEMS;
    problems_fini(&problems);
    fleet_destroy(f);
    return code;
}

static const char *const kind_plural[COMPONENT_KIND_COUNT] = {
#define X(e, name, plural, doc) plural,
    COMPONENT_KINDS(X)
#undef X
};
static const char *const kind_doc[COMPONENT_KIND_COUNT] = {
#define X(e, name, plural, doc) doc,
    COMPONENT_KINDS(X)
#undef X
};

static const struct output_column count_columns[] = {
    { .key = "kind", .title = "KIND" },
    { .key = "count", .title = "COUNT", .right = true },
    { .key = "what", .title = "WHAT ONE IS" },
    { 0 },
};

static void show_counts(struct cli_context *ctx, const struct fleet *f)
{
    struct output *o = ctx->output;
    output_begin(o, count_columns, OUTPUT_ROWS);
    for (uint32_t k = COMPONENT_SITE + 1; k < COMPONENT_KIND_COUNT; k++) {
        bool table = output_form_of(o) == OUTPUT_TABLE || output_form_of(o) == OUTPUT_WIDE;
        output_text(o, table ? kind_plural[k] : component_kind_name((enum component_kind)k));
        output_int(o, f->count[k]);
        output_text(o, kind_doc[k]);
    }
    output_end(o, NULL);
}

static const struct output_column component_columns[] = {
    { .key = "name", .title = "NAME" },
    { .key = "kind", .title = "KIND" },
    { .key = "part_of", .title = "PART OF" },
    { .key = "node", .title = "NODE", .wide = true },
    { .key = "serial", .title = "SERIAL" },
    { 0 },
};

static void show_component(struct output *o, const struct fleet *f, uint64_t id)
{
    uint64_t parent = site_file_parent(f, id);
    uint32_t node = fleet_node_of(f, id);
    const char *serial = fleet_serial(f, id);
    output_text(o, fleet_name(f, id));
    output_text(o, component_kind_name(component_kind_of(id)));
    output_text(o, parent != 0 ? fleet_name(f, parent) : NULL);
    output_text(o, node != MW_NONE ? fleet_name(f, component_id(COMPONENT_NODE, node)) : NULL);
    output_text(o, serial[0] != '\0' ? serial : NULL);
}

static int show_named(struct cli_context *ctx, const struct fleet *f)
{
    uint64_t id = 0;
    int code = CLI_EXIT_OK;
    for (uint32_t i = 1; i < cli_arg_count(ctx) && code == CLI_EXIT_OK; i++)
        code = site_file_find(ctx, f, cli_arg(ctx, i), &id);
    if (code != CLI_EXIT_OK)
        return code;
    output_begin(ctx->output, component_columns, OUTPUT_ROWS);
    for (uint32_t i = 1; i < cli_arg_count(ctx); i++)
        show_component(ctx->output, f, fleet_find(f, cli_arg(ctx, i)));
    output_end(ctx->output, NULL);
    return CLI_EXIT_OK;
}

static void show_kind(struct cli_context *ctx, const struct fleet *f, const char *word)
{
    uint32_t k = COMPONENT_NONE;
    while (k < COMPONENT_KIND_COUNT &&
           strcmp(component_kind_name((enum component_kind)k), word) != 0)
        k++;
    must(k < COMPONENT_KIND_COUNT); /* the parser let only kinds through */
    output_begin(ctx->output, component_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < f->count[k] && !output_closed(ctx->output); i++)
        show_component(ctx->output, f, component_id((enum component_kind)k, i));
    output_end(ctx->output, "none");
}

static int run_show(struct cli_context *ctx)
{
    struct fleet *f = NULL;
    const char *kind = cli_option_string(ctx, "kind");
    if (kind != NULL && cli_arg_count(ctx) > 1)
        return cli_usage(ctx, "name components or give --kind, not both");
    int code = site_file_load(ctx, cli_arg(ctx, 0), &f);
    if (code != CLI_EXIT_OK)
        return code;
    if (cli_arg_count(ctx) > 1)
        code = show_named(ctx, f);
    else if (kind != NULL)
        show_kind(ctx, f, kind);
    else
        show_counts(ctx, f);
    fleet_destroy(f);
    return code;
}

static const struct command_arg file_arg[] = {
    { .name = "FILE", .type = VALUE_FILE, .help = "the site file" },
    { 0 },
};
static const struct command_arg file_and_names[] = {
    { .name = "FILE", .type = VALUE_FILE, .help = "the site file" },
    { .name = "NAME", .type = VALUE_STRING, .optional = true, .repeat = true,
      .help = "components to show" },
    { 0 },
};
static const struct command_arg file_and_name[] = {
    { .name = "FILE", .type = VALUE_FILE, .help = "the site file" },
    { .name = "NAME", .type = VALUE_STRING, .help = "a component" },
    { 0 },
};
static const struct command_arg file_and_components[] = {
    { .name = "FILE", .type = VALUE_FILE, .help = "the site file" },
    { .name = "NAME", .type = VALUE_STRING, .repeat = true, .help = "components" },
    { 0 },
};
static const struct command_exit read_exits[] = {
    { CLI_EXIT_NOT_FOUND, "the file, or a component named, does not exist" },
    { CLI_EXIT_DENIED, "the file may not be read" },
    { 0 },
};

static const struct command commands[] = {
    {
        .verb = "new",
        .summary = "write the site file of a regular site",
        .description =
            "Writes the YAML of a regular site with at least this many GPUs, rounded up to whole "
            "servers or racks: halls, rows and racks, a rail-optimised fat tree with an optic at "
            "each end of a long cable, breakers and PDUs with two feeds, and cooling. It is a file "
            "to edit, and a size to try things on.",
        .examples =
            (const struct command_example[]){
                { .line = "mw site new --shape hgx-h100 --gpus 256 --out site.yaml",
                  .shows = "A site of 32 servers with 8 H100 each, in site.yaml." },
                { .line = "mw site new --shape gb200-nvl72 --gpus 144 > nvl.yaml",
                  .shows = "Two NVL72 racks, written to standard output." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "shape", .type = VALUE_CHOICE, .value = "hgx-h100|gb200-nvl72|mixed",
                  .fallback = "hgx-h100", .help = "what the site is built of" },
                { .name = "gpus", .type = VALUE_U64, .value = "N", .required = true,
                  .help = "how many GPUs at least" },
                { .name = "out", .type = VALUE_FILE, .value = "FILE", .fallback = "-",
                  .help = "where to write; - is standard output" },
                { .name = "force", .help = "write over a file that exists" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "the folder to write into does not exist" },
                { CLI_EXIT_DENIED, "the file may not be written" },
                { CLI_EXIT_CONFLICT, "the file exists already" },
                { 0 },
            },
        .run = run_new,
    },
    {
        .verb = "import slurm",
        .summary = "write a first site file from what Slurm says (as mw import slurm)",
        .description = "The same as `mw import slurm`, which says more; kept for those who know it "
                       "under this name.",
        .examples =
            (const struct command_example[]){
                { .line = "mw site import slurm --nodes tests/data/slurm/nodes.txt "
                          "--topology tests/data/slurm/topology.txt --out slurm.yaml; "
                          "mw site check slurm.yaml",
                  .shows = "From recorded output of scontrol -o show nodes and scontrol show "
                           "topology; on a cluster neither file is needed." },
                { 0 },
            },
        .options = cmd_import_slurm_options,
        .exits = cmd_import_slurm_exits,
        .run = cmd_site_import_slurm,
    },
    {
        .verb = "diff",
        .summary = "compare a site file with what agents and gatherers say",
        .description =
            "Names what is not as the site file says: nodes that nobody speaks of, machines with "
            "an agent that the file lacks, another number of GPUs or fewer NICs, serial numbers "
            "that changed, cables that end elsewhere. The running daemon is asked; with "
            "--machines its documents are read from a file instead. Only what somebody says is "
            "compared: a serial number that the file does not have is no difference.\n\n"
            "The exit code is 0 when there is no difference and 10 when there is one.",
        .examples =
            (const struct command_example[]){
                { .line = "mw site diff --site tests/fabric/small.yaml "
                          "--machines tests/data/machines.json",
                  .shows = "From saved documents of GET /api/v1/machines/{name}.",
                  .exit_code = CLI_EXIT_PROBLEMS },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "site", .type = VALUE_FILE, .value = "FILE", .required = true,
                  .help = "the site file" },
                { .name = "live", .help = "ask the daemon also where files are given" },
                { .name = "machines", .type = VALUE_FILE, .value = "FILE",
                  .help = "documents of machines; the daemon is not asked" },
                { .name = "slurm-nodes", .type = VALUE_FILE, .value = "FILE",
                  .help = "also compare the output of scontrol -o show nodes" },
                DAEMON_OPTIONS,
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "a file does not exist" },
                { CLI_EXIT_DENIED, "a file may not be read, or the daemon refuses" },
                { CLI_EXIT_UNREACHABLE, "no daemon answers" },
                { CLI_EXIT_TIMEOUT, "the daemon did not answer in time" },
                { CLI_EXIT_PROBLEMS, "there are differences" },
                { 0 },
            },
        .run = cmd_site_diff,
    },
    {
        .verb = "check",
        .summary = "check a site file and report every problem with its place",
        .description =
            "Reads a site file and the CSV files it names and reports every problem with file, "
            "line and column: unknown keys, dangling cables, an optic on two ports, serial numbers "
            "used twice, breakers that feed more than they can carry.\n\n"
            "Problems are messages on standard error; with --json or -o csv they are data on "
            "standard output, an empty list when there is none.",
        .examples =
            (const struct command_example[]){
                { .line = "mw site check site.yaml",
                  .shows = "Says how large the site is when all is well." },
                { .line = "mw site check --json site.yaml",
                  .shows = "The problems as a list of file, line, column and problem." },
                { .line = "sed 's/^halls:/hals:/' site.yaml > bad.yaml; mw site check bad.yaml",
                  .shows = "What a mistyped key looks like; the exit code is 10.",
                  .exit_code = CLI_EXIT_PROBLEMS },
                { 0 },
            },
        .args = file_arg,
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "the file does not exist" },
                { CLI_EXIT_DENIED, "the file may not be read" },
                { CLI_EXIT_PROBLEMS, "the file was read and has problems" },
                { 0 },
            },
        .run = run_check,
    },
    {
        .verb = "show",
        .summary = "count or list what a site consists of",
        .description = "Without names: how many of each kind there are. With --kind: all of one "
                       "kind. With names: these components, what contains or feeds them, the node "
                       "they belong to and their serial numbers.",
        .examples =
            (const struct command_example[]){
                { .line = "mw site show site.yaml", .shows = "What there is, and how many." },
                { .line = "mw site show site.yaml --kind rack", .shows = "All racks." },
                { .line = "mw site show site.yaml --kind gpu -o csv | "
                          "awk -F, 'NR < 4 { print $1 }'",
                  .shows = "The names of the first GPUs." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "kind", .type = VALUE_CHOICE,
                  .value = "hall|row|rack|node|gpu|nic|switch|cable|optic|pdu|breaker|cdu",
                  .help = "list all components of this kind" },
                { 0 },
            },
        .args = file_and_names,
        .exits = read_exits,
        .run = run_show,
    },
    {
        .verb = "query fails-with",
        .summary = "say what stops when a part stops",
        .description =
            "Lists everything that goes down with a component, and what loses only a part of what "
            "it needs. Redundancy is honoured: a rack that keeps one of two feeds and a node that "
            "keeps other rails are degraded, not down.",
        .examples =
            (const struct command_example[]){
                { .line = "mw site query fails-with site.yaml h01-r01-k1",
                  .shows = "All that a rack takes with it." },
                { 0 },
            },
        .args = file_and_name,
        .exits = read_exits,
        .run = cmd_site_fails_with,
    },
    {
        .verb = "query shares",
        .summary = "say what parts have in common",
        .description =
            "Lists what all the components named have in common, nearest first: rack, row, hall, "
            "power, cooling, switches, placement group, rail, batch. The question to ask about a "
            "row of failures. MEMBERS says how many nodes (or parts, for a batch) of the whole "
            "site have it.",
        .examples =
            (const struct command_example[]){
                { .line = "mw site query shares site.yaml h01-r01-k1-n1 h01-r01-k1-n2",
                  .shows = "Why these two servers might fail together." },
                { 0 },
            },
        .args = file_and_components,
        .exits = read_exits,
        .run = cmd_site_shares,
    },
    {
        .verb = "query stands-on",
        .summary = "say what nodes depend on",
        .description =
            "Lists all that a set of nodes, such as those of a job, stands on: racks, power, "
            "cooling, NICs, cables, optics, leaf switches and the spines above them. A GPU or NIC "
            "stands for its node.",
        .examples =
            (const struct command_example[]){
                { .line = "mw site query stands-on site.yaml h01-r01-k1-n1 -o csv",
                  .shows = "What one server depends on, for a spreadsheet." },
                { 0 },
            },
        .args = file_and_components,
        .exits = read_exits,
        .run = cmd_site_stands_on,
    },
    { 0 },
};

const struct command_group cmd_site = {
    .noun = "site",
    .summary = "make, check and read the description of a site",
    .commands = commands,
};
