/*
 * `mw preflight`: seconds before a big job, every node proves itself; those that
 * do not are named, with the reason and as a hostlist to leave out.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/preflight.h"
#include "cli/remote.h"
#include "fleet/hostlist.h"

#define GRACE_NS (15 * MW_NS_PER_S) /* for the way there: ssh, srun */
#define ARGS_MAX 48

struct flight {
    struct preflight_host *host;
    char **name;
    uint32_t hosts;
    const char *argv[ARGS_MAX + 1];
    uint32_t args;
    char budget[32];
};

static void answered(const struct remote_end *e)
{
    struct preflight_host *h = e->call->ctx;
    preflight_read(h, e->out, e->out_size, e->exit_code,
                   e->timed_out ? "no answer within the budget" : e->err);
}

static void add(struct flight *f, const char *word)
{
    if (f->args < ARGS_MAX)
        f->argv[f->args++] = word;
    f->argv[f->args] = NULL;
}

static void add_option(struct flight *f, struct cli_context *ctx, const char *name,
                       const char *flag)
{
    for (uint32_t i = 0; i < cli_option_count(ctx, name); i++) {
        add(f, flag);
        add(f, cli_option_nth(ctx, name, i));
    }
}

static void make_call(struct cli_context *ctx, struct flight *f)
{
    add(f, cli_option_string(ctx, "agent"));
    add(f, "check");
    add(f, "--json");
    add(f, "--level");
    add(f, cli_option_string(ctx, "level"));
    add(f, "--budget");
    (void)snprintf(f->budget, sizeof(f->budget), "%llds",
                   (long long)MW_MAX(cli_option_duration_ns(ctx, "budget") / MW_NS_PER_S, 1));
    add(f, f->budget);
    add_option(f, ctx, "sku", "--sku");
    add_option(f, ctx, "expect", "--expect");
    add_option(f, ctx, "fleet", "--fleet");
    add_option(f, ctx, "only", "--only");
    add_option(f, ctx, "class", "--class");
    add_option(f, ctx, "set", "--set");
    add_option(f, ctx, "pass", "");
}

/* --pass words stand by themselves: the empty flag before each is taken out. */
static void drop_empty(struct flight *f)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->args; i++)
        if (f->argv[i][0] != '\0')
            f->argv[n++] = f->argv[i];
    f->args = n;
    f->argv[n] = NULL;
}

static int ask_all(struct cli_context *ctx, struct flight *f, struct mw_error *err)
{
    struct remote *r = NULL;
    int rc = remote_create(cli_option_string(ctx, "via"), (uint32_t)cli_option_u64(ctx, "width"),
                           &r, err);
    for (uint32_t i = 0; rc == 0 && i < f->hosts; i++) {
        struct remote_call call = { .host = f->name[i], .argv = f->argv, .ctx = &f->host[i],
                                    .deadline_ns = cli_option_duration_ns(ctx, "budget") +
                                                   GRACE_NS };
        rc = remote_start(r, &call, answered, err);
        if (rc == MW_ENOTFOUND) { /* no such program here: this node's answer, not all nodes' */
            preflight_read(&f->host[i], "", 0, -1, err->text);
            rc = 0;
        }
    }
    if (rc == 0)
        remote_wait(r);
    remote_destroy(r);
    return rc;
}

static int save_fleet(struct cli_context *ctx, const struct flight *f, struct mw_error *err)
{
    const char *path = cli_option_string(ctx, "save-fleet");
    char source[96], day[16] = "";
    time_t now = time(NULL);
    struct tm t;
    if (path == NULL)
        return 0;
    if (gmtime_r(&now, &t) != NULL)
        (void)strftime(day, sizeof(day), "%Y-%m-%d", &t);
    (void)snprintf(source, sizeof(source), "preflight of %s, %u nodes", day, f->hosts);
    json_t *fleet = preflight_fleet(f->host, f->hosts, source);
    int rc = fleet != NULL && json_dump_file(fleet, path, JSON_INDENT(1) | JSON_SORT_KEYS) == 0
                 ? 0
                 : mw_fail(err, MW_EIO, "%s: could not be written", path);
    json_decref(fleet);
    return rc;
}

static const struct output_column columns[] = {
    { .key = "node", .title = "NODE" },
    { .key = "result", .title = "RESULT" },
    { .key = "took_s", .title = "TOOK", .unit = "s", .right = true },
    { .key = "sku", .title = "SKU", .wide = true },
    { .key = "why", .title = "WHY" },
    { 0 },
};

static void print(struct cli_context *ctx, const struct flight *f)
{
    static const enum preflight_result order[] = { PREFLIGHT_BAD, PREFLIGHT_SLOW, PREFLIGHT_UNKNOWN,
                                                   PREFLIGHT_SILENT, PREFLIGHT_WELL };
    output_begin(ctx->output, columns, OUTPUT_ROWS);
    for (uint32_t k = 0; k < MW_ARRAY_LEN(order); k++)
        for (uint32_t i = 0; i < f->hosts; i++) {
            const struct preflight_host *h = &f->host[i];
            if (h->result != order[k])
                continue;
            output_text(ctx->output, h->name);
            output_text(ctx->output, preflight_word(h->result));
            output_real(ctx->output, (double)h->took_ms / 1e3, 1);
            output_text(ctx->output, h->sku);
            output_text(ctx->output, h->text);
        }
    output_end(ctx->output, NULL);
}

/* "12 of 16 nodes are well; to leave out: n[3,7]". */
static int conclude(struct cli_context *ctx, const struct flight *f)
{
    const char **bad = mw_calloc(f->hosts, sizeof(*bad));
    struct text list = { 0 };
    uint32_t out = 0, failed = 0;
    for (uint32_t i = 0; bad != NULL && i < f->hosts; i++) {
        failed += f->host[i].result == PREFLIGHT_BAD || f->host[i].result == PREFLIGHT_SLOW;
        if (f->host[i].result != PREFLIGHT_WELL)
            bad[out++] = f->name[i];
    }
    if (out > 0 && hostlist_add(&list, bad, out) == 0)
        cli_note(ctx, "%u of %u nodes are well; to leave out: %s", f->hosts - out, f->hosts,
                 text_string(&list));
    else
        cli_note(ctx, "%u of %u nodes are well", f->hosts - out, f->hosts);
    text_fini(&list);
    mw_free(bad);
    return failed > 0 ? CLI_EXIT_PROBLEMS : out > 0 ? CLI_EXIT_PARTIAL : CLI_EXIT_OK;
}

static int run_preflight(struct cli_context *ctx)
{
    struct mw_error err = { 0 };
    struct flight f = { .args = 0 };
    uint64_t spread = cli_option_u64(ctx, "spread");
    if (spread > 99)
        return cli_usage(ctx, "--spread must be a percentage from 0 to 99");
    int rc = remote_hosts(cli_arg(ctx, 0), &f.name, &f.hosts, &err);
    if (rc < 0)
        return cli_fail(ctx, &err);
    f.host = mw_calloc(f.hosts, sizeof(*f.host));
    for (uint32_t i = 0; f.host != NULL && i < f.hosts; i++)
        f.host[i] = (struct preflight_host){ .name = f.name[i], .result = PREFLIGHT_SILENT };
    make_call(ctx, &f);
    drop_empty(&f);
    rc = f.host == NULL ? mw_fail(&err, MW_ENOMEM, "out of memory") : ask_all(ctx, &f, &err);
    if (rc == 0 && spread > 0)
        (void)preflight_compare(f.host, f.hosts, 1 - (double)spread / 100);
    if (rc == 0)
        rc = save_fleet(ctx, &f, &err);
    int code = rc < 0 ? cli_fail(ctx, &err) : CLI_EXIT_OK;
    if (rc == 0) {
        print(ctx, &f);
        code = conclude(ctx, &f);
    }
    for (uint32_t i = 0; f.host != NULL && i < f.hosts; i++)
        preflight_fini(&f.host[i]);
    mw_free(f.host);
    remote_hosts_free(f.name, f.hosts);
    return code;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "let nodes prove themselves before a big job",
        .description =
            "Runs mw-agent check on all the nodes at once, by the way that --via names, and says "
            "who is not well and why. What a node reaches is judged by its SKU's expected values, "
            "which it knows itself, and by the other nodes: one whose rate (GB/s, Gb/s, TFLOPS) is "
            "more than --spread below what half of them reach is slow. Every figure is "
            "measured.\n\n"
            "Level 2 takes seconds and disturbs nobody. Level 3 measures speed, level 4 burns in: "
            "both want nodes without jobs, as in a job's own prologue.\n\n"
            "The way may be any program: ssh {host}, srun -N1 -n1 --overlap -w {host}. Words that "
            "are sent to a node may hold letters, digits and _ . / : = , + @ % - only.",
        .examples =
            (const struct command_example[]){
                { .line = "mw preflight n[1-2] --via env --agent no-such-agent",
                  .shows = "Two nodes that do not answer: the exit code is 8.",
                  .exit_code = CLI_EXIT_PARTIAL },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "via", .type = VALUE_STRING, .value = "PROGRAM",
                  .fallback = "ssh -o BatchMode=yes {host}", .help = "the way to a node" },
                { .name = "agent", .type = VALUE_STRING, .value = "PATH", .fallback = "mw-agent",
                  .help = "mw-agent on the nodes" },
                { .name = "level", .letter = 'l', .type = VALUE_CHOICE, .value = "1|2|3|4",
                  .fallback = "2", .help = "how thorough" },
                { .name = "budget", .letter = 'b', .type = VALUE_DURATION, .value = "TIME",
                  .fallback = "120s", .help = "what each node may take" },
                { .name = "width", .type = VALUE_U64, .value = "N", .fallback = "128",
                  .help = "nodes at once, 256 at most" },
                { .name = "spread", .type = VALUE_U64, .value = "PCT", .fallback = "10",
                  .help = "per cent below the median that make a node slow; 0: none do" },
                { .name = "sku", .type = VALUE_STRING, .value = "NAME",
                  .help = "expected values: a name, or a file on the nodes" },
                { .name = "expect", .type = VALUE_STRING, .value = "FILE",
                  .help = "a file of expectations on the nodes" },
                { .name = "fleet", .type = VALUE_STRING, .value = "FILE",
                  .help = "the fleet's percentiles, a file on the nodes" },
                { .name = "only", .type = VALUE_STRING, .value = "NAMES",
                  .help = "these checks only (mw-agent check --list)" },
                { .name = "class", .type = VALUE_STRING, .value = "CLASS",
                  .help = "the class of fault to be cleared of" },
                { .name = "set", .type = VALUE_STRING, .value = "FIGURE=VALUE", .repeat = true,
                  .help = "one more expectation" },
                { .name = "pass", .type = VALUE_STRING, .value = "WORD", .repeat = true,
                  .help = "one more word for mw-agent check" },
                { .name = "save-fleet", .type = VALUE_FILE, .value = "FILE",
                  .help = "write the percentiles of all rates here, for --fleet" },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "HOSTS", .type = VALUE_NODES, .help = "nodes, as n[1-16,20]" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_PROBLEMS, "a node is not well, or slow" },
                { CLI_EXIT_PARTIAL, "none is known to be bad, but some did not answer or could not "
                                    "find out" },
                { 0, NULL },
            },
        .run = run_preflight,
    },
    { 0 },
};

const struct command_group cmd_preflight = {
    .noun = "preflight",
    .summary = "prove nodes before a big job",
    .commands = commands,
};
