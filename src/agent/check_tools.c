/* Levels 3 and 4 by other people's tools: dcgmi, nccl-tests, perftest, stress-ng. */
#include "agent/check_tools.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/check_parse.h"

/* Says that a tool is not there, or that it may not be used; NULL: it is there. */
static char *room_for(struct check_ctx *c, const char *program, const char *figure)
{
    if (!c->o->tools)
        check_say(c, VERDICT_ABSENT, figure, "", "tools are left out (--no-tools)");
    else if (!tool_found(program))
        check_say(c, VERDICT_ABSENT, figure, "", "%s is not installed", program);
    else
        return calloc(1, TOOL_OUTPUT_MAX + 1);
    return NULL;
}

static void say_end(struct check_ctx *c, const char *figure, const struct tool *t)
{
    size_t tail = t->length > 100 ? t->length - 100 : 0;
    char text[104];
    (void)snprintf(text, sizeof(text), "%s", t->output + tail);
    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20)
            *at = ' ';
    check_say(c, VERDICT_UNKNOWN, figure, "", "%s: status %d: %s", t->argv[0], t->status, text);
}

void check_dcgmi(struct check_ctx *c)
{
    static const char *const argv[] = { "dcgmi", "diag", "-r", "2", NULL };
    char *output = room_for(c, argv[0], "dcgmi-failed");
    struct tool t = { .argv = argv, .output = output, .deadline_ms = c->deadline_ms - 500 };
    struct parsed_dcgmi p;
    if (output == NULL)
        return;
    if (tool_run(&t) && parse_dcgmi(output, &p)) {
        check_note(c, "%u passed, %u warned, %u skipped%s%s", p.passed, p.warned, p.skipped,
                   p.failed > 0 ? "; first: " : "", p.first);
        check_figure(c, "dcgmi-failed", "", "", p.failed);
    } else {
        say_end(c, "dcgmi-failed", &t);
    }
    free(output);
}

static void count_gpu(void *ctx, const char *name)
{
    (void)name;
    *(uint32_t *)ctx += 1;
}

void check_nccl(struct check_ctx *c)
{
    uint32_t gpus = 0;
    char count[12];
    check_each(c->o->proc_root, "/proc/driver/nvidia/gpus", count_gpu, &gpus);
    (void)snprintf(count, sizeof(count), "%u", gpus);
    const char *const argv[] = { "all_reduce_perf", "-b", "4G", "-e", "4G", "-g", count, NULL };
    char *output = room_for(c, argv[0], "nccl-bus");
    struct tool t = { .argv = argv, .output = output, .deadline_ms = c->deadline_ms - 500 };
    struct parsed_nccl p;
    if (output == NULL)
        return;
    if (gpus < 2) {
        check_say(c, VERDICT_ABSENT, "nccl-bus", "", "%u GPUs", gpus);
    } else if (tool_run(&t) && parse_nccl(output, &p)) {
        check_note(c, "all-reduce of 4 GiB over %u GPUs, %llu wrong values", gpus,
                   (unsigned long long)p.wrong);
        check_figure(c, "nccl-bus", "", "GB/s", p.bus_gbps);
        check_figure(c, "nccl-wrong", "", "", (double)p.wrong);
    } else {
        say_end(c, "nccl-bus", &t);
    }
    free(output);
}

/* ---- InfiniBand, each card with itself ------------------------------------------------------ */

struct ib_walk {
    struct check_ctx *c;
    char *output;
    uint32_t cards;
};

static void ib_card(void *ctx, const char *card)
{
    struct ib_walk *w = ctx;
    char port[8];
    int fd = -1, status;
    double gbps;
    (void)snprintf(port, sizeof(port), "%u", 18600 + w->cards++ % 400);
    const char *const server[] = { "ib_write_bw", "-d", card, "-p", port, "-D", "2",
                                   "--report_gbits", NULL };
    const char *const client[] = { "ib_write_bw", "-d", card, "-p", port, "-D", "2",
                                   "--report_gbits", "localhost", NULL };
    struct tool t = { .argv = client, .output = w->output,
                      .deadline_ms = MW_MIN(check_clock_ms() + 8000, w->c->deadline_ms - 300) };
    pid_t pid = tool_start(server, &fd);
    if (pid < 0)
        return;
    (void)usleep(300000); /* until it listens */
    if (tool_run(&t) && parse_perftest(w->output, &gbps))
        check_figure(w->c, "ib-write", card, "Gb/s", gbps);
    else
        check_say(w->c, VERDICT_UNKNOWN, "ib-write", card, "ib_write_bw: status %d", t.status);
    (void)kill(pid, SIGKILL);
    (void)close(fd);
    (void)waitpid(pid, &status, 0);
}

void check_ib(struct check_ctx *c)
{
    struct ib_walk w = { .c = c };
    check_each(c->o->sysfs_root, "/sys/class/infiniband", count_gpu, &w.cards);
    if (w.cards == 0) {
        check_say(c, VERDICT_ABSENT, "ib-write", "", "no InfiniBand or RoCE card");
        return;
    }
    w.cards = 0;
    w.output = room_for(c, "ib_write_bw", "ib-write");
    if (w.output != NULL)
        check_each(c->o->sysfs_root, "/sys/class/infiniband", ib_card, &w);
    free(w.output);
}

/* ---- stress-ng ------------------------------------------------------------------------------ */

void check_stress(struct check_ctx *c)
{
    char seconds[32], bytes[24];
    int64_t left = (c->deadline_ms - check_clock_ms()) / 1000 - 2;
    int64_t length = MW_MIN(c->o->burn_ms / 1000, left);
    (void)snprintf(seconds, sizeof(seconds), "%llds", (long long)MW_MAX(length, 1));
    (void)snprintf(bytes, sizeof(bytes), "%lluM",
                   (unsigned long long)MW_MAX(c->o->memory_max >> 20, 16ull));
    const char *const argv[] = { "stress-ng", "--cpu", "0", "--vm", "1", "--vm-bytes", bytes,
                                 "--verify", "--timeout", seconds, "--oomable", NULL };
    char *output = room_for(c, argv[0], "stress-ng-failed");
    struct tool t = { .argv = argv, .output = output, .deadline_ms = c->deadline_ms - 300 };
    if (output == NULL)
        return;
    if (tool_run(&t) && (t.status == 0 || t.status == 2)) { /* 2: one failed or verified wrong */
        check_note(c, "%s of --cpu and --vm with --verify", seconds);
        check_figure(c, "stress-ng-failed", "", "", t.status == 0 ? 0 : 1);
    } else {
        say_end(c, "stress-ng-failed", &t);
    }
    free(output);
}
