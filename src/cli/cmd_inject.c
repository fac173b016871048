/*
 * `mw inject`: a person chooses a fault and sees the story unfold, on a test
 * site only (cli/test_lab.h says what that is and keeps to it).
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/inject_lines.h"
#include "cli/test_lab.h"
#include "signal/xid.h"

#define DONE_MAX 640
#define RANKS_MAX 10000000

/* One fault as asked for: where, and what was done about it, in words. */
struct inject {
    struct test_lab lab;
    const char *value;  /* the first word of two: an Xid's number, a text */
    const char *target; /* node, or JOB[:RANK]; "" where there is none */
    uint32_t gpu;
    char done[DONE_MAX];
};

typedef int inject_fn(struct inject *in, struct mw_error *err);

/* ---- what each kind does ------------------------------------------------------------------- */

static int to_kernel_log(struct inject *in, const char *line, struct mw_error *err)
{
    (void)snprintf(in->done, sizeof(in->done), "wrote to the kernel log of %s: %s", in->target,
                   line);
    return test_lab_kernel_line(&in->lab, in->target, line, err);
}

static int parse_code(const struct inject *in, const char *what, uint32_t *ret,
                      struct mw_error *err)
{
    uint64_t code;
    if (mw_parse_u64(in->value, &code) != 0 || code == 0 || code > 99999)
        return mw_fail(err, MW_EINVAL, "'%s' is no number of an %s (1 to 99999)", in->value, what);
    *ret = (uint32_t)code;
    return 0;
}

static int do_xid(struct inject *in, struct mw_error *err)
{
    char line[INJECT_LINE_MAX];
    uint32_t code = 0;
    int rc = parse_code(in, "Xid", &code, err);
    if (rc != 0)
        return rc;
    inject_xid_line(code, in->gpu, line);
    return to_kernel_log(in, line, err);
}

static int do_sxid(struct inject *in, struct mw_error *err)
{
    char line[INJECT_LINE_MAX];
    uint32_t code = 0;
    int rc = parse_code(in, "SXid", &code, err);
    if (rc != 0)
        return rc;
    inject_sxid_line(code, line);
    return to_kernel_log(in, line, err);
}

static int do_kernel(struct inject *in, struct mw_error *err)
{
    for (const char *p = in->value; *p != '\0'; p++)
        if ((unsigned char)*p < ' ')
            return mw_fail(err, MW_EINVAL, "the text must be one line without control characters");
    if (in->value[0] == '\0' || strlen(in->value) >= INJECT_LINE_MAX)
        return mw_fail(err, MW_EINVAL, "the text must have 1 to %d bytes", INJECT_LINE_MAX - 1);
    return to_kernel_log(in, in->value, err);
}

static int kill_named(struct inject *in, const char *program, struct mw_error *err)
{
    char name[128];
    pid_t pid = 0;
    (void)snprintf(name, sizeof(name), "%s%s%s", program, in->target[0] != '\0' ? "-" : "",
                   in->target);
    int rc = test_lab_kill(&in->lab, name, &pid, err);
    (void)snprintf(in->done, sizeof(in->done), "killed %s (process %ld)", name, (long)pid);
    return rc;
}

static int do_kill_slurmd(struct inject *in, struct mw_error *err)
{
    return kill_named(in, "slurmd", err);
}

static int do_kill_agent(struct inject *in, struct mw_error *err)
{
    return kill_named(in, "agent", err);
}

static int do_kill_slurmctld(struct inject *in, struct mw_error *err)
{
    return kill_named(in, "slurmctld", err);
}

static int do_kill_daemon(struct inject *in, struct mw_error *err)
{
    return kill_named(in, "mw-serve", err);
}

static int do_kill_rank(struct inject *in, struct mw_error *err)
{
    char job_text[32] = "";
    uint64_t job = 0, rank = 0;
    const char *colon = strchr(in->target, ':');
    size_t length = colon != NULL ? (size_t)(colon - in->target) : strlen(in->target);
    if (length < sizeof(job_text))
        (void)snprintf(job_text, sizeof(job_text), "%.*s", (int)length, in->target);
    if (mw_parse_u64(job_text, &job) != 0 ||
        (colon != NULL && mw_parse_u64(colon + 1, &rank) != 0) || rank > RANKS_MAX)
        return mw_fail(err, MW_EINVAL, "'%s' is not JOB or JOB:RANK, e.g. 17:3", in->target);
    pid_t pid = 0;
    int rc = test_lab_kill_rank(&in->lab, job, rank, &pid, err);
    (void)snprintf(in->done, sizeof(in->done), "killed rank %llu of job %llu (process %ld)",
                   (unsigned long long)rank, (unsigned long long)job, (long)pid);
    return rc;
}

static int by_ctl(struct inject *in, const char *verb, const char *done, struct mw_error *err)
{
    const char *node = in->target[0] != '\0' ? in->target : NULL;
    (void)snprintf(in->done, sizeof(in->done), "%s%s%s", done, node != NULL ? " " : "", in->target);
    return test_lab_ctl(&in->lab, verb, node, err);
}

static int do_start_slurmd(struct inject *in, struct mw_error *err)
{
    return by_ctl(in, "start-slurmd", "started the slurmd of", err);
}

static int do_start_agent(struct inject *in, struct mw_error *err)
{
    return by_ctl(in, "start-agent", "started the agent of", err);
}

static int do_start_slurmctld(struct inject *in, struct mw_error *err)
{
    return by_ctl(in, "start-slurmctld", "started slurmctld", err);
}

static int do_kill_node(struct inject *in, struct mw_error *err)
{
    return by_ctl(in, "stop-node", "killed the agent, the slurmd and all job steps of", err);
}

static int do_freeze_node(struct inject *in, struct mw_error *err)
{
    return by_ctl(in, "freeze-node", "froze the agent, the slurmd and all job steps of", err);
}

static int do_revive_node(struct inject *in, struct mw_error *err)
{
    return by_ctl(in, "revive-node", "booted again:", err);
}

static int do_cut_link(struct inject *in, struct mw_error *err)
{
    return by_ctl(in, "cut-link", "cut the link of the agent of", err);
}

static int do_mend_link(struct inject *in, struct mw_error *err)
{
    return by_ctl(in, "mend-link", "mended the link of the agent of", err);
}

static int do_fill_disk(struct inject *in, struct mw_error *err)
{
    uint64_t bytes = 0;
    int rc = test_lab_fill_disk(&in->lab, in->target, &bytes, err);
    (void)snprintf(in->done, sizeof(in->done), "filled the disk of %s with %llu bytes", in->target,
                   (unsigned long long)bytes);
    return rc;
}

static int do_free_disk(struct inject *in, struct mw_error *err)
{
    (void)snprintf(in->done, sizeof(in->done), "emptied the disk of %s", in->target);
    return test_lab_free_disk(&in->lab, in->target, err);
}

/* ---- the table of kinds -------------------------------------------------------------------- */

enum target { TARGET_NONE, TARGET_NODE, TARGET_JOB };

#define SEE_NODE "mw status; mw suspects; sinfo -R"
#define SEE_JOB "mw why JOB; squeue"

static const struct kind {
    const char *name;
    const char *value; /* the word before the target: "N", "TEXT"; NULL = none */
    enum target target;
    inject_fn *run;
    const char *watch;
} kinds[] = {
    { "xid", "N", TARGET_NODE, do_xid, SEE_NODE "; " SEE_JOB },
    { "sxid", "N", TARGET_NODE, do_sxid, SEE_NODE "; " SEE_JOB },
    { "kernel", "TEXT", TARGET_NODE, do_kernel, SEE_NODE },
    { "kill-rank", NULL, TARGET_JOB, do_kill_rank, SEE_JOB "; the node is not blamed for it" },
    { "kill-slurmd", NULL, TARGET_NODE, do_kill_slurmd, SEE_NODE "; " SEE_JOB },
    { "start-slurmd", NULL, TARGET_NODE, do_start_slurmd, SEE_NODE },
    { "kill-agent", NULL, TARGET_NODE, do_kill_agent, SEE_NODE "; " SEE_JOB },
    { "start-agent", NULL, TARGET_NODE, do_start_agent, SEE_NODE },
    { "kill-node", NULL, TARGET_NODE, do_kill_node, SEE_NODE "; " SEE_JOB },
    { "freeze-node", NULL, TARGET_NODE, do_freeze_node, SEE_NODE "; " SEE_JOB },
    { "revive-node", NULL, TARGET_NODE, do_revive_node, SEE_NODE },
    { "kill-daemon", NULL, TARGET_NONE, do_kill_daemon,
      "jobs go on; start mw serve again: it takes up its record" },
    { "kill-slurmctld", NULL, TARGET_NONE, do_kill_slurmctld,
      "mw status: the engine is silent, no node is blamed for it" },
    { "start-slurmctld", NULL, TARGET_NONE, do_start_slurmctld, "mw status; sinfo" },
    { "cut-link", NULL, TARGET_NODE, do_cut_link, SEE_NODE "; " SEE_JOB },
    { "mend-link", NULL, TARGET_NODE, do_mend_link, SEE_NODE },
    { "fill-disk", NULL, TARGET_NODE, do_fill_disk, SEE_NODE "; " SEE_JOB },
    { "free-disk", NULL, TARGET_NODE, do_free_disk, SEE_NODE },
};

static const struct kind *find_kind(const char *name)
{
    for (uint32_t i = 0; i < MW_ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static int unknown_kind(const struct cli_context *ctx, const char *name)
{
    struct nearest n = { .word = name };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(kinds); i++)
        nearest_offer(&n, kinds[i].name, strlen(kinds[i].name));
    if (n.best[0] != '\0')
        return cli_usage(ctx, "unknown fault '%s'; did you mean '%s'?", name, n.best);
    return cli_usage(ctx, "unknown fault '%s'; mw inject --help lists them", name);
}

/* ---- the command --------------------------------------------------------------------------- */

static const struct output_column columns[] = {
    { .key = "kind", .title = "FAULT" },
    { .key = "done", .title = "DONE" },
    { .key = "watch", .title = "WATCH" },
    { 0 },
};

static int wrong_words(const struct cli_context *ctx, const struct kind *k)
{
    static const char *const names[] = { "", " NODE", " JOB[:RANK]" };
    return cli_usage(ctx, "%s is used as: mw inject %s%s%s%s --lab DIR", k->name, k->name,
                     k->value != NULL ? " " : "", k->value != NULL ? k->value : "",
                     names[k->target]);
}

static int run_inject(struct cli_context *ctx)
{
    struct inject in = { .target = "" };
    struct mw_error err = { 0 };
    const struct kind *k = find_kind(cli_arg(ctx, 0));
    if (k == NULL)
        return unknown_kind(ctx, cli_arg(ctx, 0));
    uint32_t wanted = 1 + (k->value != NULL) + (k->target != TARGET_NONE);
    uint64_t gpu = cli_option_u64(ctx, "gpu");
    if (cli_arg_count(ctx) != wanted)
        return wrong_words(ctx, k);
    if (gpu >= INJECT_GPUS)
        return cli_usage(ctx, "option --gpu: must be from 0 to %d", INJECT_GPUS - 1);
    if (cli_option_given(ctx, "gpu") && k->run != do_xid)
        return cli_usage(ctx, "option --gpu: only an xid is of a GPU");
    in.gpu = (uint32_t)gpu;
    in.value = k->value != NULL ? cli_arg(ctx, 1) : "";
    if (k->target != TARGET_NONE)
        in.target = cli_arg(ctx, wanted - 1);
    int rc = test_lab_open(&in.lab, cli_option_string(ctx, "lab"), &err);
    if (rc == 0 && k->target == TARGET_NODE)
        rc = test_lab_check_node(&in.lab, in.target, &err);
    if (rc == 0)
        rc = k->run(&in, &err);
    if (rc != 0)
        return cli_fail(ctx, &err);
    output_begin(ctx->output, columns, OUTPUT_RECORD);
    output_text(ctx->output, k->name);
    output_text(ctx->output, in.done);
    output_text(ctx->output, k->watch);
    output_end(ctx->output, NULL);
    return CLI_EXIT_OK;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "make a fault on a test site",
        .description =
            "Makes one fault on the cluster of one machine that script/slurm-lab started in DIR, "
            "and says what to watch. It refuses every folder without the mark that slurm-lab puts "
            "there, and every process that neither the lab recorded nor belongs to a job of it: "
            "nothing of a real cluster can be named.\n\n"
            "xid N NODE, sxid N NODE: a line of the NVIDIA driver with that code in the node's "
            "kernel log; kernel TEXT NODE: any line.\n\n"
            "kill-rank JOB[:RANK]: a process of a running job (rank 0). kill-slurmd, kill-agent, "
            "kill-node NODE: the daemon, the agent, or both with all job steps. freeze-node NODE: "
            "they stand still, as when power is gone or the kernel hangs: no connection is closed. "
            "start-slurmd, start-agent, revive-node NODE: back, the last with a new boot.\n\n"
            "kill-daemon: mw serve itself, recorded in DIR/pids/mw-serve. kill-slurmctld, "
            "start-slurmctld.\n\n"
            "cut-link, mend-link NODE: of the node whose agent has a network namespace of its own "
            "(slurm-lab --netns). fill-disk, free-disk NODE: its small disk.",
        .examples =
            (const struct command_example[]){
                { .line = "mw inject xid 79 n3 --lab lab",
                  .shows = "A GPU of n3 falls off the bus; without a lab there, nothing does.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { .line = "mw inject kill-rank 17:3 --lab lab",
                  .shows = "Rank 3 of job 17 is killed, as by the kernel when memory is out.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "lab", .type = VALUE_DIR, .value = "DIR", .required = true,
                  .help = "the folder of the test site, as given to script/slurm-lab" },
                { .name = "gpu", .type = VALUE_U64, .value = "K", .fallback = "0",
                  .help = "xid: which GPU of the node, 0 to 15" },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "KIND", .type = VALUE_STRING, .help = "the fault, one of the above" },
                { .name = "TARGET", .type = VALUE_STRING, .optional = true, .repeat = true,
                  .help = "what KIND asks for: a node, a job, a number and a node" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no such folder, node, process or job" },
                { CLI_EXIT_DENIED, "DIR is no test site, or the process is not the lab's" },
                { CLI_EXIT_CONFLICT, "the lab cannot do it, e.g. has no namespace or disk" },
                { 0 },
            },
        .run = run_inject,
    },
    { 0 },
};

const struct command_group cmd_inject = {
    .noun = "inject",
    .summary = "make a fault on a test site",
    .commands = commands,
};
