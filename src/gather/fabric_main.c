/*
 * mw-fabric: asks the InfiniBand fabric and says on standard output what it
 * found, in the lines of live/fabric_line.h.  A program of its own, started by
 * mw-gather and mw, because the libraries it links may print, exit or hang: who
 * started it reads with a deadline and kills it.  Ends when its input ends.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#include "base/parse.h"
#include "gather/fabric_sweep.h"

#define TIMEOUT_MS 200 /* of one request; chosen: the tools of infiniband-diags wait 1 s */

static const char usage[] =
    "usage: mw-fabric [--ca NAME] [--port N] [--timeout-ms N]\n"
    "Reads `round counters=0|1 hosts=0|1` from standard input and writes what it finds.\n"
    "mw-gather, mw fabric and mw import start it; people rarely need to.\n";

static void say(FILE *out, const char *line, size_t size)
{
    must(size > 0);
    (void)fwrite(line, 1, size, out);
}

static void say_fail(FILE *out, const struct mw_error *err)
{
    char line[FABRIC_LINE_MAX];
    say(out, line, fabric_line_fail(err->code, err->text, line));
}

static void say_round(FILE *out, const struct fabric_round *r)
{
    const struct fabric *f = &r->fabric;
    char line[FABRIC_LINE_MAX];
    for (uint32_t i = 0; i < f->nodes; i++)
        say(out, line, fabric_line_node(&f->node[i], line));
    for (uint32_t i = 0; i < f->ports; i++)
        if (f->port[i].state != 0 || f->port[i].peer != MW_NONE)
            say(out, line, fabric_line_port(f, i, line));
    for (uint32_t i = 0; i < f->ports; i++)
        if (r->reading[i].has != 0)
            say(out, line, fabric_line_count(&f->port[i], &r->reading[i], line));
    (void)fprintf(out, "end %" PRIu64 " %" PRIu64 " %u %u\n", r->discover_us, r->read_us, r->asked,
                  r->failed);
}

static int read_number(const char *text, int most, int *ret)
{
    uint64_t v;
    if (mw_parse_u64(text, &v) != 0 || v > (uint64_t)most)
        return -1;
    *ret = (int)v;
    return 0;
}

static int read_options(int argc, char **argv, struct fabric_sweep_options *o)
{
    static const struct option longs[] = {
        { "ca", required_argument, NULL, 'C' },         { "port", required_argument, NULL, 'P' },
        { "timeout-ms", required_argument, NULL, 't' }, { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == 'C')
            o->ca = optarg;
        else if (c == 'P' && read_number(optarg, FABRIC_NUMBER_MAX, &o->port) == 0)
            continue;
        else if (c == 't' && read_number(optarg, 60000, &o->timeout_ms) == 0 && o->timeout_ms > 0)
            continue;
        else if (c != 'C')
            return c == 'h' ? 1 : -1;
    }
    return optind == argc ? 0 : -1;
}

static void serve(FILE *out, struct fabric_sweep_options *o, struct fabric_sweep *s)
{
    struct fabric_round round = { .asked = 0 };
    char line[256];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct mw_error err = { 0 };
        o->counters = strstr(line, "counters=1") != NULL;
        o->hosts = strstr(line, "hosts=1") != NULL;
        fabric_round_clear(&round);
        if (strncmp(line, "round", 5) != 0)
            (void)mw_fail(&err, MW_EINVAL, "mw-fabric understands `round` only");
        else if (fabric_sweep_round(s, o, &round, &err) == 0)
            say_round(out, &round);
        if (err.code != 0)
            say_fail(out, &err);
        (void)fflush(out);
    }
    fabric_round_fini(&round);
}

int main(int argc, char **argv)
{
    struct fabric_sweep_options o = { .timeout_ms = TIMEOUT_MS };
    struct fabric_sweep *s = NULL;
    struct mw_error err = { 0 };
    int asked = read_options(argc, argv, &o);
    if (asked != 0) {
        (void)fputs(usage, asked > 0 ? stdout : stderr);
        return asked > 0 ? 0 : 2;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The libraries may write to standard output: that goes to standard error, ours is kept. */
    int fd = dup(STDOUT_FILENO);
    FILE *out = fd >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL)
        return 1;
    (void)fputs("fabric 1\n", out);
    int rc = fabric_sweep_open(&o, &s, &err);
    if (rc != 0)
        say_fail(out, &err);
    (void)fflush(out);
    if (rc == 0)
        serve(out, &o, s);
    fabric_sweep_close(s);
    (void)fclose(out);
    return rc == 0 ? 0 : 1;
}
