/*
 * An operator cordons 750 nodes: how long until all of it is durable, and, timed
 * apart, until a real slurmctld has drained every one and each was read back.
 *
 * It is the daemon's own way: a command over the control socket with the list of
 * nodes, answered when all of it is on the disk; orders through the Slurm
 * adapter, a command for as many nodes as are at the same step, each read back
 * by itself.  Then the same with one request a node, each durable by itself.
 * slurmctld is Debian's, with 750 CLOUD nodes (bench/peer/slurm_cloud), so that
 * no slurmd is needed.  The person is another process.  Beside it the same done
 * by hand: one scontrol a node, nothing read back, nothing recorded.  The open
 * peer's figure, 303.7 s for 750 nodes, is from its own test through Kubernetes
 * and was not measured here.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/act_live.h"
#include "api/server.h"
#include "base/text.h"
#include "base/units.h"
#include "bench/measure.h"
#include "fleet/site.h"
#include "live/loop.h"
#include "live/policy.h"
#include "store/journal_sqlite.h"

#define NODES 750u
#define SCRIPT "bench/peer/slurm_cloud"
#define ALL "n[0-749]"
#define WAIT_S 120.0

/* What the two processes share. */
struct shared {
    volatile int go, failed;
    volatile double began_s, durable_s;
};

struct way {
    const char *key_durable, *key_read_back, *what;
    bool together;
};

struct cordon {
    struct measure *measure;
    struct shared *shared;
    struct loop *loop;
    struct asks *asks;
    struct api_site site;
    struct api_writer writer;
    uint32_t answered, drained;
    uint64_t commands_before, commands; /* of Slurm's, for the orders */
    double started_s, last_s;
    const char *socket;
};

/* ---- Slurm ---------------------------------------------------------------------------------- */

/* The first number that the script prints; negative when it fails. */
static double script(const char *verb, const char *dir)
{
    char words[2 * MEASURE_PATH_MAX], line[64] = "";
    (void)snprintf(words, sizeof(words), "%s %s %s %u", SCRIPT, verb, dir, NODES);
    FILE *f = popen(words, "r");
    must(f);
    char *got = fgets(line, sizeof(line), f);
    double value = got ? strtod(line, NULL) : 0;
    return pclose(f) == 0 ? value : -1;
}

/* ---- the person, in a process of its own ----------------------------------------------------- */

static int dial(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(strlen(path) < sizeof(to.sun_path));
    memcpy(to.sun_path, path, strlen(path));
    return fd >= 0 && connect(fd, (struct sockaddr *)(void *)&to, sizeof(to)) == 0 ? fd : -1;
}

/* One answer: its head, and as many bytes as that says. */
static bool is_well_answered(int fd)
{
    char in[8192];
    size_t got = 0;
    ssize_t n;
    while (got < sizeof(in) - 1 && (n = read(fd, in + got, sizeof(in) - 1 - got)) > 0) {
        got += (size_t)n;
        in[got] = '\0';
        const char *body = strstr(in, "\r\n\r\n"), *size = strstr(in, "Content-Length: ");
        if (body && size && strlen(body + 4) >= strtoul(size + 16, NULL, 10))
            return strncmp(in, "HTTP/1.1 200", 12) == 0;
    }
    return false;
}

static bool hold(int fd, const char *nodes)
{
    char body[128], text[512];
    int n = snprintf(body, sizeof(body),
                     "{\"verb\": \"hold\", \"node\": \"%s\", \"reason\": \"cordon\"}", nodes);
    int size = snprintf(text, sizeof(text),
                        "POST /api/v1/commands HTTP/1.1\r\nHost: mw\r\nContent-Type: "
                        "application/json\r\nContent-Length: %d\r\n\r\n%s", n, body);
    return write(fd, text, (size_t)size) == size && is_well_answered(fd);
}

static _Noreturn void be_person(struct shared *s, const char *path, bool together)
{
    while (!s->go)
        (void)usleep(1000);
    int fd = dial(path);
    s->began_s = measure_wall_s();
    for (uint32_t i = 0; i < NODES && !s->failed; i++) {
        char one[16];
        (void)snprintf(one, sizeof(one), "n%u", i);
        if (fd < 0 || !hold(fd, together ? ALL : one))
            s->failed = 1;
        if (together)
            break;
    }
    s->durable_s = measure_wall_s();
    _exit(s->failed);
}

/* ---- the daemon ------------------------------------------------------------------------------ */

static void on_event(void *ctx, const struct event *ev, const void *tail)
{
    struct cordon *c = ctx;
    (void)tail;
    if (ev->kind != EV_ENGINE_ANSWERED)
        return;
    c->answered++;
    c->drained += ev->body.engine.result == RESULT_OK;
    c->last_s = measure_wall_s();
}

/* Lets the person begin when Slurm was seen whole; ends the loop when all is done or fails. */
static void look(evutil_socket_t fd, short what, void *ctx)
{
    struct cordon *c = ctx;
    const struct slurm_stats s = live_slurm_stats(loop_live(c->loop));
    (void)fd;
    (void)what;
    if (!c->shared->go && s.nodes_known == NODES) {
        c->shared->go = 1;
        c->commands_before = s.commands - 2 * s.polls;
    }
    c->commands = s.commands - 2 * s.polls;
    if (c->answered >= NODES || c->shared->failed || measure_wall_s() - c->started_s > WAIT_S)
        (void)raise(SIGTERM);
}

static struct fleet *make_site(struct measure *m)
{
    static const char YAML[] =
        "site: t\nmodels:\n  - {name: box, gpus: 8, nics: 0, power_w: 1kW}\n"
        "halls:\n  - {name: hall}\nbreakers:\n  - {name: main, limit_w: 10MW}\n"
        "pdus:\n  - {name: pdu, breaker: main}\n"
        "racks:\n  - {name: k1, hall: hall, feeds: [pdu]}\n"
        "nodes:\n  - {name: \"n[0-749]\", model: box, rack: k1, group: g1}\n";
    struct site_problems problems = { 0 };
    struct mw_error err = { .text = "" };
    struct fleet *f = NULL;
    const struct site_source source = { .yaml = YAML, .size = sizeof(YAML) - 1, .name = "t" };
    if (site_load(&source, &f, &problems, &err) < 0)
        measure_fail(m, &err);
    return f;
}

static void on_asked(evutil_socket_t fd, short what, void *ctx)
{
    struct cordon *c = ctx;
    (void)fd;
    (void)what;
    asks_answer(c->asks, &c->writer);
}

static void on_committed(void *ctx, uint64_t seq, int64_t now_ns)
{
    struct cordon *c = ctx;
    if (c->asks)
        asks_committed(c->asks, seq, now_ns);
}

/* The API's thread, and the loop that answers what it asks. */
static struct event *begin_api(struct cordon *c, const char *path, struct api_server **ret)
{
    struct mw_error err = { .text = "" };
    const struct api_server_options o = { .journal = path, .socket = c->socket,
                                          .asks = c->asks };
    c->site = (struct api_site){ .loop = c->loop, .journal = path };
    c->writer = api_live_writer(&c->site);
    struct event *asked = event_new(loop_base(c->loop), asks_fd(c->asks), EV_READ | EV_PERSIST,
                                    on_asked, c);
    must(asked && event_add(asked, NULL) == 0);
    if (api_server_start(&o, ret, &err) < 0)
        measure_fail(c->measure, &err);
    return asked;
}

static void run_daemon(struct cordon *c, const char *conf, const char *path)
{
    struct mw_error err = { .text = "" };
    struct control_policy policy = live_policy();
    struct fleet *f = make_site(c->measure);
    struct journal *j = NULL;
    struct api_server *api = NULL;
    policy.care.engine = policy.work.engine = true;
    if (journal_sqlite_open(path, NULL, &j, &err) < 0 || asks_create(&c->asks, &err) < 0)
        measure_fail(c->measure, &err);
    const struct loop_options o = { .fleet = f, .policy = &policy, .journal = j,
                                    .mode = MODE_OBSERVE, .slurm = true, .slurm_conf = conf,
                                    .told = { .ctx = c, .event = on_event,
                                              .committed = on_committed } };
    if (loop_create(&o, &c->loop, &err) < 0)
        measure_fail(c->measure, &err);
    struct event *asked = begin_api(c, path, &api);
    struct event *timer = event_new(loop_base(c->loop), -1, EV_PERSIST, look, c);
    const struct timeval often = { .tv_usec = 10000 };
    must(timer && event_add(timer, &often) == 0);
    c->started_s = measure_wall_s();
    if (loop_run(c->loop, &err) < 0)
        measure_fail(c->measure, &err);
    event_free(timer);
    event_free(asked);
    asks_close(c->asks);
    api_server_stop(api);
    asks_destroy(TAKE(c->asks));
    loop_destroy(c->loop);
    journal_destroy(j);
    fleet_destroy(f);
}

static void report(struct cordon *c, const struct way *way, double alone_s)
{
    measure_add(c->measure, &(struct figure){
        .key = way->key_durable, .what = way->what,
        .value = c->shared->durable_s - c->shared->began_s, .unit = "s",
        .sense = way->together ? AT_MOST : NO_TARGET, .target = 1,
        .limit = (way->together ? 1 : NODES) / measure_sync_rate(c->measure, 4096),
        .limit_what = way->together ? "4 KiB appended and synced once"
                                    : "4 KiB appended and synced 750 times" });
    measure_add(c->measure, &(struct figure){
        .key = way->key_read_back, .what = "until slurmctld has drained all, each read back",
        .value = c->last_s - c->shared->began_s, .unit = "s", .peer = alone_s,
        .peer_what = "by hand: one scontrol a node in a loop, nothing read back" });
    measure_note(c->measure, "%u of %u drained and read back; %llu commands of Slurm; the open "
                 "peer reports 303.7 s through Kubernetes (not measured here)", c->drained, NODES,
                 (unsigned long long)(c->commands - c->commands_before));
}

/* The same without Slurm: commands and holds through the core, each committed. */
static void measure_core(struct measure *m)
{
    struct mw_error err = { .text = "" };
    struct control_policy policy = control_policy_default();
    struct fleet *f = make_site(m);
    struct journal *j = NULL;
    struct control *c = NULL;
    char path[MEASURE_PATH_MAX + 32];
    policy.guard.mode = MODE_ACT;
    (void)snprintf(path, sizeof(path), "%s/core", measure_folder(m));
    const int64_t now_ns = 1700000000 * MW_NS_PER_S;
    int rc = journal_sqlite_open(path, NULL, &j, &err);
    const struct control_options o = { .fleet = f, .policy = &policy, .journal = j };
    rc = rc < 0 ? rc : control_create(&o, &c, &err);
    rc = rc < 0 ? rc : control_begin(c, now_ns, &err);
    double start = measure_wall_s();
    for (uint32_t n = 0; rc == 0 && n < NODES; n++) {
        struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 1001,
                            .observed_ns = now_ns, .tail_size = 6 };
        enum admit a = ADMIT_OK;
        ev.body.command = (struct body_command){ .node = n, .hall = MW_NONE, .slot = MW_NONE,
                                                 .verb = CMD_HOLD };
        rc = core_submit(c->core, now_ns, &ev, "cordon", &a, &err);
        rc = rc < 0 ? rc : core_commit(c->core, &err);
        must(rc < 0 || (a == ADMIT_OK && c->board->node_holds[n] == 1));
    }
    double took = measure_wall_s() - start;
    if (rc < 0)
        measure_fail(m, &err);
    measure_add(m, &(struct figure){
        .key = "cordon_core_s",
        .what = "750 holds through core and journal, each durable by itself",
        .value = took, .unit = "s", .limit = NODES / measure_sync_rate(m, 4096),
        .limit_what = "4 KiB appended and synced 750 times" });
    control_destroy(c);
    journal_destroy(j);
    fleet_destroy(f);
}

/* A fresh slurmctld and a fresh daemon. */
static bool measure_way(struct measure *m, const struct way *way)
{
    struct cordon c = { .measure = m };
    char conf[MEASURE_PATH_MAX + 32], journal[MEASURE_PATH_MAX + 32], path[64];
    char slurm[] = "/tmp/millwright-cloud-XXXXXX";
    (void)snprintf(journal, sizeof(journal), "%s/%s", measure_folder(m), way->key_durable);
    if (access(SCRIPT, X_OK) != 0 || !mkdtemp(slurm) || script("start", slurm) < 0) {
        measure_note(m, "no slurmctld here: %s did not start one (run script/bench)", SCRIPT);
        return false;
    }
    (void)snprintf(conf, sizeof(conf), "%s/slurm.conf", slurm);
    (void)snprintf(path, sizeof(path), "%s/mw.sock", slurm);
    c.socket = path;
    c.shared = mmap(NULL, sizeof(*c.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                    -1, 0);
    must(c.shared != MAP_FAILED);
    pid_t person = fork();
    must(person >= 0);
    if (person == 0)
        be_person(c.shared, path, way->together);
    run_daemon(&c, conf, journal);
    (void)kill(person, SIGTERM);
    (void)waitpid(person, NULL, 0);
    double alone_s = script("each", slurm);
    (void)script("stop", slurm);
    report(&c, way, alone_s);
    must(!c.shared->failed && c.drained == NODES);
    (void)munmap(c.shared, sizeof(*c.shared));
    measure_empty(slurm);
    (void)rmdir(slurm);
    return true;
}

int main(int argc, char **argv)
{
    static const struct way WAYS[] = {
        { "cordon_durable_s", "cordon_read_back_s", "750 nodes cordoned by one command, durable",
          true },
        { "cordon_each_durable_s", "cordon_each_read_back_s",
          "750 nodes cordoned by 750 commands, each durable", false },
    };
    struct measure m;
    measure_begin(&m, "cordon", argc, argv);
    measure_core(&m);
    for (size_t i = 0; !m.quick && i < MW_ARRAY_LEN(WAYS); i++)
        if (!measure_way(&m, &WAYS[i]))
            break;
    return measure_end(&m);
}
