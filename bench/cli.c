/*
 * What a person waits for at the command line: `mw get nodes` and the first
 * picture of `mw top` on a site of 31,250 nodes, end to end (the program starts,
 * asks a daemon on its socket, prints), and `mw --help`.
 *
 * Runs the program `mw` beside this one's folder, as script/bench builds it.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "bench/measure.h"

#define GPUS 250000u       /* 31,250 nodes of 8 */
#define QUICK_GPUS 25000u
#define TIMES 9            /* the median counts: others may use the machine */

struct cli {
    struct measure m;
    char mw[PATH_MAX], pid[32];
};

/* Runs a bash line in the folder; gives its exit code, and what it printed (at most size - 1). */
static int run(struct cli *c, const char *line, char *ret, size_t size)
{
    (void)setenv("LINE", line, 1);
    FILE *p = popen("exec bash -c \"cd \\\"\\$DIR\\\"; $LINE\"", "r");
    if (p == NULL)
        return -1;
    size_t n = fread(ret, 1, size - 1, p);
    ret[n] = '\0';
    int status = pclose(p);
    (void)c;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void must_run(struct cli *c, const char *line)
{
    char out[4096];
    struct mw_error err = { .code = MW_EBUG };
    if (run(c, line, out, sizeof(out)) == 0)
        return;
    (void)snprintf(err.text, sizeof(err.text), "this failed: %.200s: %.200s", line, out);
    (void)run(c, "kill $(cat pid)", out, sizeof(out));
    measure_fail(&c->m, &err);
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

/* Median seconds of a program's run from its start to its end. */
static double median_s(struct cli *c, const char *const *argv)
{
    double took[TIMES];
    for (int i = 0; i < TIMES; i++) {
        int status = 0;
        double before = measure_wall_s();
        pid_t pid = fork();
        if (pid == 0) {
            if (chdir(c->m.dir) != 0 || freopen("out", "w", stdout) == NULL)
                _exit(99);
            (void)execv(c->mw, (char *const *)(uintptr_t)argv);
            _exit(99);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            const struct mw_error err = { .code = MW_EBUG, .text = "mw did not end well" };
            measure_fail(&c->m, &err);
        }
        took[i] = measure_wall_s() - before;
    }
    qsort(took, TIMES, sizeof(took[0]), by_size);
    return took[TIMES / 2];
}

static void begin_daemon(struct cli *c)
{
    char line[512];
    (void)setenv("DIR", measure_folder(&c->m), 1);
    (void)setenv("MW", c->mw, 1);
    (void)setenv("XDG_CONFIG_HOME", c->m.dir, 1);
    (void)snprintf(line, sizeof(line), "\"$MW\" site new --gpus %u >site.yaml",
                   c->m.quick ? QUICK_GPUS : GPUS);
    must_run(c, line);
    must_run(c, "\"$MW\" serve --site site.yaml --no-slurm --listen 127.0.0.1:0 --http none "
                "--journal j --socket s --for 120s >log 2>&1 & echo $! >pid; "
                "\"$MW\" status --socket s --wait 60s >/dev/null; test $? = 0 -o $? = 10");
}

int main(int argc, char **argv)
{
    struct cli c = { .m = { 0 } };
    char self[PATH_MAX] = "", out[256];
    measure_begin(&c.m, "cli", argc, argv);
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash = n > 0 ? strrchr(self, '/') : NULL;
    if (slash != NULL)
        *slash = '\0';
    (void)snprintf(c.mw, sizeof(c.mw), "%.*s/../src/cli/mw", (int)sizeof(c.mw) - 32, self);
    begin_daemon(&c);
    const char *const nodes[] = { "mw", "get", "nodes", "--socket", "s", NULL };
    const char *const top[] = { "mw", "top", "-1", "--socket", "s", NULL };
    const char *const help[] = { "mw", "--help", NULL };
    double nodes_s = median_s(&c, nodes);
    must_run(&c, c.m.quick ? "test $(wc -l <out) = 3126" : "test $(wc -l <out) = 31251");
    const struct figure figure[] = {
        { .key = "get_nodes_ms", .what = "mw get nodes, all of them", .value = nodes_s * 1e3,
          .unit = "ms", .sense = AT_MOST, .target = 300 },
        { .key = "top_ms", .what = "first picture of mw top", .value = median_s(&c, top) * 1e3,
          .unit = "ms", .sense = AT_MOST, .target = 200 },
        { .key = "help_ms", .what = "mw --help", .value = median_s(&c, help) * 1e3, .unit = "ms",
          .sense = AT_MOST, .target = 10 },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(figure); i++)
        measure_add(&c.m, &figure[i]);
    measure_note(&c.m, "from the start of the program to its end; most of --help is the loader's "
                 "work on libraries");
    (void)run(&c, "kill $(cat pid); while kill -0 $(cat pid) 2>/dev/null; do sleep .05; done", out,
              sizeof(out));
    return measure_end(&c.m);
}
