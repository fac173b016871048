/*
 * A site's agents against one daemon: 31,250 simulated agents (agents_sim.h), each
 * a frame of samples a second, against one real `mw serve` for ten minutes, with
 * faults put in at a known rate and the daemon killed (SIGKILL) in the middle.
 * What is asked: how much memory and processor time the daemon takes; how long
 * from a frame to its finding being durable; whether any fact is lost.
 *
 * How a finding's durability is seen: behind the frame with the fault goes an
 * event on the same connection, and the daemon acknowledges an event only when it
 * and what came before it are committed.  At the end the record is read: each
 * fault put in must have its finding.
 *
 * usage: agents [--agents N] [--seconds S] [--faults PER_SECOND] [--no-restart] [--tls]
 *               [--json] [--quick] [--dir DIR]
 * Runs the program `mw` beside this one's folder, as script/bench builds it.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/units.h"
#include "bench/agents_tls.h"
#include "bench/agents_wire.h"
#include "bench/measure.h"
#include "fleet/site.h"
#include "live/policy.h"
#include "signal/machines.h"
#include "store/journal_sqlite.h"

#define AGENTS 31250u
#define SECONDS 600u
#define QUICK_AGENTS 500u
#define QUICK_SECONDS 12u
#define FAULTS_PER_S 10u
#define FILES_SPARE 300u /* of either process, besides connections */
#define START_NS (60 * MW_NS_PER_S)
#define CONNECT_NS (300 * MW_NS_PER_S)
#define SETTLE_NS (60 * MW_NS_PER_S)

struct bench {
    struct measure m;
    uint32_t agents, direct, seconds, faults_per_s;
    bool restart, tls;
    struct fleet *fleet;
    const char **name;
    struct wire wire;
    struct agents_tls certs;
    char mw[PATH_MAX], journal[PATH_MAX], site[PATH_MAX], log[PATH_MAX], socket[PATH_MAX];
    pid_t daemon;
    uint16_t port;
    uint32_t logs;            /* daemons so far: each has its own log */
    uint32_t next_fault;
    /* measured */
    double rss_start, rss_connected, rss_first, rss_end, rss_peak; /* MiB */
    double cpu_s, cpu_over_s;
    double up_s, back_s;      /* from the start, from the kill to all connected */
    uint64_t frames, missing;
    uint64_t frame_bytes;     /* of frames sent while it was measured */
};

static _Noreturn void die(struct bench *b, const struct mw_error *err)
{
    if (b->daemon > 0)
        (void)kill(b->daemon, SIGKILL);
    measure_fail(&b->m, err);
}

static void stop_on(struct bench *b, int rc, struct mw_error *err)
{
    if (rc == 0)
        return;
    err->code = rc;
    die(b, err);
}

/* ---- the site and the daemon ----------------------------------------------------------------- */

static void path(struct bench *b, char ret[PATH_MAX], const char *name)
{
    must(snprintf(ret, PATH_MAX, "%s/%s", b->m.dir, name) < PATH_MAX);
}

static void make_site(struct bench *b)
{
    struct text yaml = { 0 };
    struct site_problems problems = { 0 };
    struct mw_error err = { .text = "" };
    stop_on(b, site_new("hgx-h100", b->agents * SIM_GPUS, &yaml, &err), &err);
    path(b, b->site, "site.yaml");
    FILE *f = fopen(b->site, "w");
    bool wrote = f && fwrite(yaml.data, 1, yaml.length, f) == yaml.length;
    if (!f || fclose(f) != 0 || !wrote)
        stop_on(b, mw_fail(&err, MW_EIO, "cannot write %s", b->site), &err);
    const struct site_source source = { .yaml = yaml.data, .size = yaml.length, .name = "bench" };
    stop_on(b, site_load(&source, &b->fleet, &problems, &err), &err);
    text_fini(&yaml);
    site_problems_fini(&problems);
    b->agents = MW_MIN(b->agents, b->fleet->count[COMPONENT_NODE]);
    b->name = mw_calloc(b->agents, sizeof(*b->name));
    must(b->name != NULL);
    for (uint32_t i = 0; i < b->agents; i++)
        b->name[i] = fleet_name(b->fleet, component_id(COMPONENT_NODE, i));
}

static void run_daemon(struct bench *b, const char *listen)
{
    char *const argv[] = { b->mw, "serve", "--site", b->site, "--no-slurm", "--journal",
                           b->journal, "--socket", b->socket, "--listen",
                           (char *)(uintptr_t)listen, "--http", "127.0.0.1:0",
                           b->tls ? "--agents-tls" : NULL, NULL };
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive us */
    (void)signal(SIGPIPE, SIG_DFL);
    int fd = open(b->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
        _exit(99);
    (void)execv(b->mw, argv);
    _exit(99);
}

/* "agents connect to 127.0.0.1:7377 …" in what the daemon said; 0 = not yet. */
static uint16_t port_said(struct bench *b)
{
    char text[8192] = "";
    FILE *f = fopen(b->log, "r");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f)
        (void)fclose(f);
    text[n] = '\0';
    const char *at = strstr(text, "agents connect to 127.0.0.1:");
    return at ? (uint16_t)strtoul(at + strlen("agents connect to 127.0.0.1:"), NULL, 10) : 0;
}

static void start_daemon(struct bench *b)
{
    char listen[64], name[32];
    int status;
    struct mw_error err = { .text = "" };
    (void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", b->port);
    (void)snprintf(name, sizeof(name), "log%u", ++b->logs);
    path(b, b->log, name);
    b->daemon = fork();
    if (b->daemon == 0)
        run_daemon(b, listen);
    int64_t until_ns = wire_now_ns() + START_NS;
    while (b->daemon > 0 && (b->port = port_said(b)) == 0 && wire_now_ns() < until_ns) {
        if (waitpid(b->daemon, &status, WNOHANG) == b->daemon)
            b->daemon = -1;
        (void)usleep(20000);
    }
    if (b->daemon <= 0 || b->port == 0)
        stop_on(b, mw_fail(&err, MW_EBUG, "mw serve did not begin: see %s", b->log), &err);
    b->wire.port = b->port;
}

/* A number of /proc/PID/status, in MiB. */
static double status_mib(const struct bench *b, const char *key)
{
    char name[64], line[256];
    double kib = 0;
    (void)snprintf(name, sizeof(name), "/proc/%d/status", b->daemon);
    FILE *f = fopen(name, "r");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtod(line + strlen(key) + 1, NULL);
    if (f)
        (void)fclose(f);
    return kib / 1024;
}

static double daemon_cpu_s(const struct bench *b)
{
    char name[64], text[1024] = "";
    unsigned long user = 0, system = 0;
    (void)snprintf(name, sizeof(name), "/proc/%d/stat", b->daemon);
    FILE *f = fopen(name, "r");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f)
        (void)fclose(f);
    text[n] = '\0';
    const char *at = strrchr(text, ')');
    if (at)
        (void)sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void stop_daemon(struct bench *b, int how)
{
    int status;
    (void)kill(b->daemon, how);
    (void)waitpid(b->daemon, &status, 0);
    b->daemon = 0;
}

/* ---- the run --------------------------------------------------------------------------------- */

static void wait_for_all(struct bench *b, const char *what)
{
    struct mw_error err = { .text = "" };
    int64_t until_ns = wire_now_ns() + CONNECT_NS;
    while (b->wire.up < b->wire.connections && wire_now_ns() < until_ns)
        wire_run(&b->wire, wire_now_ns() + 50 * MW_NS_PER_MS, false);
    if (b->wire.up < b->wire.connections)
        stop_on(b, mw_fail(&err, MW_ETIMEOUT, "%s: %u of %u connections stand", what, b->wire.up,
                           b->wire.connections), &err);
}

/* Samples flow and faults come, evenly, for so long. */
static void run_for(struct bench *b, double seconds)
{
    int64_t began_ns = wire_now_ns(), ns = (int64_t)(seconds * 1e9);
    uint64_t put = 0;
    while (wire_now_ns() - began_ns < ns) {
        wire_run(&b->wire, wire_now_ns() + 20 * MW_NS_PER_MS, true);
        double passed_s = (double)(wire_now_ns() - began_ns) / 1e9;
        for (; put < (uint64_t)(passed_s * b->faults_per_s); put++) {
            /* A prime stride: all racks, own connections and gatherers. */
            uint32_t agent = (uint32_t)((uint64_t)b->next_fault * 7919 % b->agents);
            bool line = b->next_fault % 2 == 1 && b->wire.agent[agent].machine == 0;
            if (b->next_fault++ >= b->agents)
                return;
            wire_fault(&b->wire, agent, line ? WIRE_LINE : WIRE_SAMPLE);
        }
    }
}

static void measured(struct bench *b, double seconds)
{
    double before_s = daemon_cpu_s(b), began_s = measure_wall_s();
    uint64_t frames = b->wire.frames, bytes = b->wire.bytes;
    run_for(b, seconds);
    b->cpu_s += daemon_cpu_s(b) - before_s;
    b->cpu_over_s += measure_wall_s() - began_s;
    b->frames += b->wire.frames - frames;
    b->frame_bytes += b->wire.bytes - bytes;
    b->rss_peak = MW_MAX(b->rss_peak, status_mib(b, "VmHWM:"));
}

/* Killed between two turns of its own, at any point; what it had acknowledged must be there. */
static void kill_and_restart(struct bench *b)
{
    int64_t killed_ns = wire_now_ns();
    stop_daemon(b, SIGKILL);
    uint64_t before = b->wire.connects;
    run_for(b, 2);
    start_daemon(b);
    while (b->wire.up < b->wire.connections && wire_now_ns() - killed_ns < CONNECT_NS)
        run_for(b, 0.1);
    b->back_s = (double)(wire_now_ns() - killed_ns) / 1e9;
    measure_note(&b->m, "killed and started again: %llu connections made anew",
                 (unsigned long long)(b->wire.connects - before));
}

static void settle(struct bench *b)
{
    int64_t until_ns = wire_now_ns() + SETTLE_NS;
    while (b->wire.waiting > 0 && wire_now_ns() < until_ns)
        wire_run(&b->wire, wire_now_ns() + 50 * MW_NS_PER_MS, true);
    b->rss_end = status_mib(b, "VmRSS:");
}

/* ---- what is in the record ------------------------------------------------------------------- */

struct found {
    const struct bench *b;
    uint8_t *seen; /* of each node: bits of enum wire_fault */
};

static int look(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct found *f = ctx;
    const struct body_finding *x = &ev->body.finding;
    (void)tail;
    (void)last;
    if (ev->kind != EV_FINDING_OPENED || x->node >= f->b->agents)
        return 0;
    if (x->class == LIVE_GPU && x->detail == 79)
        f->seen[x->node] |= 1 << WIRE_LINE;
    if (x->class == LIVE_GPU_SOON && x->detail > LIVE_DETAIL_RULE)
        f->seen[x->node] |= 1 << WIRE_SAMPLE;
    return 0;
}

static void read_record(struct bench *b)
{
    const struct journal_sqlite_options o = { .read_only = true };
    struct found f = { .b = b, .seen = mw_calloc(b->agents, 1) };
    struct journal *j = NULL;
    struct mw_error err = { .text = "" };
    must(f.seen != NULL);
    stop_on(b, journal_sqlite_open(b->journal, &o, &j, &err), &err);
    stop_on(b, j->ops->read(j, 1, look, &f, &err), &err);
    journal_destroy(j);
    for (uint32_t i = 0; i < b->agents; i++) {
        const struct wire_agent *a = &b->wire.agent[i];
        b->missing += a->acked && !(f.seen[i] & 1 << a->fault);
    }
    mw_free(f.seen);
}

/* ---- the report ------------------------------------------------------------------------------ */

static int by_size(const void *left, const void *right)
{
    float a = *(const float *)left, b = *(const float *)right;
    return a < b ? -1 : a > b;
}

static double latency(const struct bench *b, double share)
{
    uint32_t n = b->wire.latencies;
    return n > 0 ? b->wire.latency_ms[MW_MIN((uint32_t)(share * n), n - 1)] : 0;
}

/* Memory of the hub by its items: the same store, fed with the same frames of a few machines. */
static void itemise(struct bench *b)
{
    enum { FEW = 64 };
    const struct machines_options o = {
        .machines_max = FEW,
        .ring_bytes = MW_MIN(MACHINES_RING_MAX, MACHINES_RING_TOTAL / (b->agents + 4096)) };
    struct machines *m;
    struct mw_error err = { .text = "" };
    stop_on(b, machines_create(&o, &m, &err), &err);
    for (uint32_t i = 0; i < FEW; i++) {
        struct sim_said said = { .second = -1, .fault = -1 };
        uint32_t machine = machines_add(m, b->name[i % b->agents], i);
        uint32_t line = machines_line_open(m, machine, false, "", 1);
        for (int64_t t = 1; t < 200; t++) {
            uint8_t bytes[SIM_SERIES_MAX * 24];
            struct sample_reader r;
            const struct sim_now now = { .agent = i, .second = 1700000000 + t, .fault = -1 };
            size_t size = sim_frame(&b->wire.sim, &now, &said, bytes, sizeof(bytes));
            stop_on(b, sample_reader_open(&r, bytes, size, &err), &err);
            stop_on(b, machines_samples(m, line, t * 1000, &r, &err), &err);
        }
    }
    const struct machines_memory x = machines_memory(m);
    double scale = (double)b->agents / FEW / 1048576.0;
    measure_note(&b->m, "by items, %u machines: values %.0f MiB, windows %.0f MiB, rows of "
                 "connections %.0f MiB", b->agents, (double)x.series * scale,
                 (double)x.rings_used * scale, (double)x.lines * scale);
    measure_note(&b->m, "as it grew: site and daemon %.0f MiB, with %u connections %.0f MiB, with "
                 "all values %.0f MiB, at the end %.0f MiB", b->rss_start, b->wire.connections,
                 b->rss_connected, b->rss_first, b->rss_end);
    machines_destroy(m);
}

static void report(struct bench *b)
{
    struct measure *m = &b->m;
    qsort(b->wire.latency_ms, b->wire.latencies, sizeof(float), by_size);
    double per_s = (double)b->frames / b->cpu_over_s;
    const struct figure figures[] = {
        { .key = "agents", .what = "machines, a frame of samples a second each",
          .value = b->agents, .unit = "" },
        { .key = "connections", .what = "of them with a connection of their own",
          .value = b->direct, .unit = "" },
        { .key = "frames_per_s", .what = "frames sent a second", .value = per_s, .unit = "/s" },
        { .key = "bytes_per_frame", .what = "bytes a frame, all lines included",
          .value = (double)b->frame_bytes / (double)MW_MAX(b->frames, 1u), .unit = "B" },
        { .key = "rss_mib", .what = "memory of the daemon, at its peak", .value = b->rss_peak,
          .unit = "MiB", .sense = AT_MOST, .target = 4096 },
        { .key = "cpu_percent", .what = "processor time of the daemon, of one core",
          .value = 100 * b->cpu_s / b->cpu_over_s, .unit = "%" },
        { .key = "durable_p50_ms", .what = "frame sent to finding durable, p50",
          .value = latency(b, 0.5), .unit = "ms" },
        { .key = "durable_p99_ms", .what = "frame sent to finding durable, p99",
          .value = latency(b, 0.99), .unit = "ms" },
        { .key = "durable_max_ms", .what = "frame sent to finding durable, longest",
          .value = latency(b, 1), .unit = "ms" },
        { .key = "faults", .what = "faults put in", .value = (double)b->wire.events, .unit = "" },
        { .key = "lost", .what = "of them acknowledged, and without a finding in the record",
          .value = (double)b->missing, .unit = "", .sense = AT_MOST, .target = 0 },
        { .key = "unacknowledged", .what = "of them not acknowledged a minute after the end",
          .value = (double)b->wire.waiting, .unit = "", .sense = AT_MOST, .target = 0 },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(figures); i++)
        measure_add(m, &figures[i]);
    const struct figure up = { .key = "up_s", .what = "all at once, to all connections welcomed",
                               .value = b->up_s, .unit = "s" };
    measure_add(m, &up);
    if (b->restart) {
        const struct figure back = { .key = "back_s", .what = "daemon killed, to all agents back",
                                     .value = b->back_s, .unit = "s" };
        measure_add(m, &back);
    }
    measure_note(m, "over %s, from %u addresses; %llu frames were coalesced by their senders, "
                 "%llu connections refused and made again",
                 b->tls ? "mutual TLS" : "plain TCP", WIRE_ADDRESSES,
                 (unsigned long long)b->wire.coalesced, (unsigned long long)b->wire.refused);
    if (b->direct < b->agents)
        measure_note(m, "this process may have %u files: %u machines spoke through %u gatherers' "
                     "connections", b->direct + FILES_SPARE, b->agents - b->direct,
                     b->wire.connections - b->direct);
    itemise(b);
}

/* ---- making ---------------------------------------------------------------------------------- */

static uint32_t number(const char *text, const char *what)
{
    uint64_t n;
    if (mw_parse_u64(text ? text : "", &n) == 0 && n > 0 && n <= 1000000)
        return (uint32_t)n;
    fprintf(stderr, "agents: %s: a number above 0\n", what);
    exit(2);
}

/* Takes our own arguments and leaves the rest to measure_begin(). */
static int own_arguments(struct bench *b, int argc, char **argv)
{
    int kept = 1;
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--agents") == 0)
            b->agents = number(next, argv[i++]);
        else if (strcmp(argv[i], "--seconds") == 0)
            b->seconds = number(next, argv[i++]);
        else if (strcmp(argv[i], "--faults") == 0)
            b->faults_per_s = number(next, argv[i++]);
        else if (strcmp(argv[i], "--tls") == 0)
            b->tls = true;
        else if (strcmp(argv[i], "--no-restart") == 0)
            b->restart = false;
        else
            argv[kept++] = argv[i];
    }
    return kept;
}

static void find_mw(struct bench *b, const char *self)
{
    char real[PATH_MAX];
    struct mw_error err = { .text = "" };
    const char *slash = realpath(self, real) ? strrchr(real, '/') : NULL;
    int n = slash ? snprintf(b->mw, sizeof(b->mw), "%.*s/../src/cli/mw", (int)(slash - real), real)
                  : -1;
    if (n < 0 || (size_t)n >= sizeof(b->mw) || access(b->mw, X_OK) != 0)
        stop_on(b, mw_fail(&err, MW_ENOTFOUND, "there is no %s: build it first", b->mw), &err);
}

/* As many connections of their own as this process, and a daemon that inherits its limit, may
 * have. */
static void allot(struct bench *b)
{
    struct rlimit l;
    must(getrlimit(RLIMIT_NOFILE, &l) == 0);
    l.rlim_cur = l.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &l);
    uint64_t most = l.rlim_cur > FILES_SPARE + 100 ? l.rlim_cur - FILES_SPARE : 100;
    b->direct = (uint32_t)MW_MIN(most, (uint64_t)b->agents);
}

static void prepare(struct bench *b)
{
    struct mw_error err = { .text = "" };
    char folder[PATH_MAX];
    (void)measure_folder(&b->m);
    path(b, b->journal, "journal");
    path(b, b->socket, "socket");
    path(b, folder, "agents-ca");
    make_site(b);
    allot(b);
    stop_on(b, wire_init(&b->wire, b->name, b->agents, b->direct, &err), &err);
    if (!b->tls)
        return;
    stop_on(b, agents_tls_make(&b->certs, folder, b->name, b->direct,
                               b->wire.connections - b->direct, &err), &err);
    b->wire.tls = b->certs.context;
    b->wire.cert = b->certs.cert;
    b->wire.key = b->certs.key;
}

int main(int argc, char **argv)
{
    struct bench b = { .restart = true, .faults_per_s = FAULTS_PER_S };
    argc = own_arguments(&b, argc, argv);
    measure_begin(&b.m, "agents", argc, argv);
    b.agents = b.agents ? b.agents : b.m.quick ? QUICK_AGENTS : AGENTS;
    b.seconds = b.seconds ? b.seconds : b.m.quick ? QUICK_SECONDS : SECONDS;
    (void)signal(SIGPIPE, SIG_IGN); /* TLS writes to sockets that the daemon's death closed */
    find_mw(&b, argv[0]);
    prepare(&b);
    start_daemon(&b);
    b.rss_start = status_mib(&b, "VmRSS:");
    double began_s = measure_wall_s();
    wait_for_all(&b, "the first time");
    b.up_s = measure_wall_s() - began_s;
    b.rss_connected = status_mib(&b, "VmRSS:");
    wire_run(&b.wire, wire_now_ns() + 3 * MW_NS_PER_S, true);
    b.rss_first = status_mib(&b, "VmRSS:");
    measured(&b, b.restart ? b.seconds / 2.0 : b.seconds);
    if (b.restart) {
        kill_and_restart(&b);
        run_for(&b, 2);
        measured(&b, b.seconds / 2.0);
    }
    settle(&b);
    stop_daemon(&b, SIGTERM);
    read_record(&b);
    report(&b);
    wire_fini(&b.wire);
    agents_tls_fini(&b.certs);
    mw_free((void *)b.name);
    fleet_destroy(b.fleet);
    return measure_end(&b.m);
}
