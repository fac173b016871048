/*
 * `mw-agent run`: one thread, one epoll loop.  Puts the parts together and gives
 * them the time; each part does its own reading.
 */
#include "agent/run.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/check.h"
#include "agent/collect.h"
#include "agent/disk.h"
#include "agent/exec_link.h"
#include "agent/jobs.h"
#include "agent/klog.h"
#include "agent/options.h"
#include "agent/watch.h"
#include "live/uplink.h"

#define BEAT_MS 200
#define EXIT_USE 2
#define GPUS_MAX 16
#define PCI_NAME_MAX 16 /* "0000:3b:00.0" */

/* What an event of epoll is about. */
enum from { FROM_SIGNAL, FROM_TIMER, FROM_UPLINK, FROM_KLOG, FROM_CHECK, FROM_COLLECT,
            FROM_EXEC, FROM_WATCH /* + i */ };

struct program {
    struct agent_options o;
    int epoll, signals, timer;
    uint32_t uplink_sockets; /* what epoll knows of the uplink */
    bool uplink_writes;
    struct uplink uplink;
    struct klog klog;
    struct watched watch[AGENT_WATCHES_MAX];
    struct disk disk[AGENT_DISKS_MAX];
    struct jobs jobs;
    struct check check;
    struct exec_link exec;
    uint32_t exec_sockets;   /* what epoll knows of the executor's socket */
    bool exec_writes;
    struct collect *collect;
    uint64_t beats;
    uint64_t frames;         /* of samples, when it beat last: such a frame is a beat too */
    uint32_t beat_ms, tick_ms;
    int64_t beat_due_ms;
    bool linked;             /* the uplink is there to be ended */
    bool end;
};

static int64_t clock_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool listen_to(struct program *p, int fd, uint32_t source, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.u32 = source };
    return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* epoll follows a socket that comes and goes (closing takes it out of epoll). */
static void follow(struct program *p, int fd, struct epoll_event e, bool *writes, bool known)
{
    bool wants_write = (e.events & EPOLLOUT) != 0;
    if (fd < 0 || (known && *writes == wants_write))
        return;
    (void)epoll_ctl(p->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e);
    *writes = wants_write;
}

static void listen_to_sockets(struct program *p)
{
    const struct uplink *u = &p->uplink;
    const struct exec_link *x = &p->exec;
    const struct epoll_event up = { .events = EPOLLIN | (u->wants_write ? EPOLLOUT : 0u),
                                    .data.u32 = FROM_UPLINK };
    const struct epoll_event ex = { .events = EPOLLIN | (x->wants_write ? EPOLLOUT : 0u),
                                    .data.u32 = FROM_EXEC };
    follow(p, u->fd, up, &p->uplink_writes, p->uplink_sockets == u->sockets);
    follow(p, x->fd, ex, &p->exec_writes, p->exec_sockets == x->sockets);
    p->uplink_sockets = u->fd >= 0 ? u->sockets : p->uplink_sockets;
    p->exec_sockets = x->fd >= 0 ? x->sockets : p->exec_sockets;
}

/* The timer is as fast as the faster of beats and readings. */
static bool set_timer(struct program *p)
{
    uint32_t tick_ms = MW_MIN(p->beat_ms, collect_tick_ms(p->collect));
    const struct timespec every = { .tv_sec = tick_ms / 1000,
                                    .tv_nsec = (long)(tick_ms % 1000) * 1000000 };
    const struct itimerspec t = { .it_interval = every, .it_value = every };
    if (tick_ms == p->tick_ms)
        return true;
    p->tick_ms = tick_ms;
    return timerfd_settime(p->timer, 0, &t, NULL) == 0;
}

/* ---- what comes from the daemon ------------------------------------------------------------ */

static void welcomed(struct program *p, const struct agent_frame *f)
{
    uint32_t beat_ms = p->o.beat_ms > 0 ? p->o.beat_ms : (uint32_t)f->beat_ms;
    if (beat_ms >= 20)
        p->beat_ms = beat_ms;
    for (uint32_t i = 0; i < p->o.watches; i++)
        watch_again(&p->watch[i]);
    for (uint32_t i = 0; i < p->o.disks; i++)
        disk_again(&p->disk[i]);
    jobs_again(&p->jobs);
    collect_welcome(p->collect, (uint32_t)MW_MIN(f->sample_ms, 60000));
    exec_link_again(&p->exec);
}

/* What the executor's link says. */
static void exec_event(void *ctx, const struct agent_frame *f)
{
    struct program *p = ctx;
    if (f->verb == AGENT_ACTED)
        collect_leave_gpus(p->collect, clock_ms(), 0);
    uplink_event(&p->uplink, clock_ms(), f);
}

static void exec_level(void *ctx, const struct agent_frame *f)
{
    struct program *p = ctx;
    uplink_level(&p->uplink, clock_ms(), f);
}

static void take(void *ctx, const struct agent_frame *f)
{
    struct program *p = ctx;
    if (f->verb == AGENT_ACT && strcmp(f->action, "reset-gpu") == 0 && f->lease_ms > 0)
        collect_leave_gpus(p->collect, clock_ms(), f->lease_ms);
    if (f->verb == AGENT_WELCOME)
        welcomed(p, f);
    else if ((f->verb == AGENT_ACT || f->verb == AGENT_CHECK) && exec_link_take(&p->exec, f))
        ; /* its answer comes from there */
    else if (f->verb == AGENT_CHECK && check_start(&p->check, clock_ms(), f, &p->uplink))
        (void)listen_to(p, p->check.pidfd, FROM_CHECK, EPOLLIN);
    else if (f->verb == AGENT_RATE)
        collect_rate(p->collect, clock_ms(), f->sample_ms, f->for_ms);
    (void)set_timer(p);
}

/* ---- the loop ------------------------------------------------------------------------------ */

/* A frame of samples since the last beat stands for one. */
static void beat(struct program *p, int64_t now_ms)
{
    struct agent_frame f = { .verb = AGENT_BEAT, .n = p->beats };
    if (now_ms < p->beat_due_ms)
        return;
    p->beat_due_ms = MW_MAX(p->beat_due_ms + p->beat_ms, now_ms + p->beat_ms / 2);
    if (collect_frames(p->collect) != p->frames) {
        p->frames = collect_frames(p->collect);
        return;
    }
    f.n = ++p->beats;
    uplink_beat(&p->uplink, now_ms, &f);
}

static void tick(struct program *p, int64_t now_ms)
{
    uint64_t expired;
    (void)!read(p->timer, &expired, sizeof(expired));
    beat(p, now_ms); /* first: nothing below may make it late */
    uplink_tick(&p->uplink, now_ms);
    check_tick(&p->check, now_ms);
    exec_link_tick(&p->exec);
    klog_read(&p->klog, now_ms, &p->uplink);
    for (uint32_t i = 0; i < p->o.watches; i++)
        if (watch_tick(&p->watch[i], now_ms, &p->uplink))
            (void)listen_to(p, p->watch[i].pidfd, FROM_WATCH + i, EPOLLIN);
    for (uint32_t i = 0; i < p->o.disks; i++)
        disk_tick(&p->disk[i], now_ms, &p->uplink);
    jobs_tick(&p->jobs, now_ms, &p->uplink);
    collect_tick(p->collect, now_ms, &p->uplink);
    (void)set_timer(p);
}

static void dispatch(struct program *p, const struct epoll_event *e)
{
    uint32_t source = e->data.u32;
    int64_t now_ms = clock_ms();
    switch (source) {
    case FROM_SIGNAL:
        p->end = true;
        return;
    case FROM_TIMER:
        tick(p, now_ms);
        return;
    case FROM_UPLINK:
        uplink_ready(&p->uplink, now_ms, (e->events & ~(uint32_t)EPOLLOUT) != 0, take, p);
        return;
    case FROM_KLOG:
        klog_read(&p->klog, now_ms, &p->uplink);
        return;
    case FROM_CHECK:
        check_ended(&p->check, now_ms, &p->uplink);
        return;
    case FROM_EXEC:
        exec_link_ready(&p->exec);
        return;
    case FROM_COLLECT:
        collect_ready(p->collect, now_ms, &p->uplink);
        return;
    default:
        must(source - FROM_WATCH < p->o.watches);
        watch_ended(&p->watch[source - FROM_WATCH], now_ms, &p->uplink);
    }
}

static int loop(struct program *p)
{
    struct epoll_event events[16];
    tick(p, clock_ms());
    while (!p->end) {
        listen_to_sockets(p);
        int n = epoll_wait(p->epoll, events, MW_ARRAY_LEN(events), -1);
        if (n < 0 && errno != EINTR) {
            perror("mw-agent: epoll_wait");
            return EXIT_FAILURE;
        }
        for (int i = 0; i < n; i++)
            dispatch(p, &events[i]);
    }
    uplink_bye(&p->uplink, clock_ms());
    return EXIT_SUCCESS;
}

/* ---- starting ------------------------------------------------------------------------------ */

static bool file_begins(int dir, const char *name, const char *file, const char *with)
{
    char path[128], text[16] = "";
    (void)snprintf(path, sizeof(path), "%s/%s", name, file);
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    return n > 0 && strncmp(text, with, strlen(with)) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The NVIDIA GPUs (PCI class display or 3D) in the order of their addresses, which is the order in
 * which the driver numbers them. */
static void find_gpus(const char *pci_dir, char *to, size_t size)
{
    char name[GPUS_MAX][PCI_NAME_MAX];
    uint32_t count = 0;
    DIR *d = opendir(pci_dir);
    const struct dirent *e;
    to[0] = '\0';
    while (d != NULL && count < GPUS_MAX && (e = readdir(d)) != NULL) {
        size_t n = strlen(e->d_name);
        if (n >= PCI_NAME_MAX || !file_begins(dirfd(d), e->d_name, "vendor", "0x10de") ||
            (!file_begins(dirfd(d), e->d_name, "class", "0x0302") &&
             !file_begins(dirfd(d), e->d_name, "class", "0x0300")))
            continue;
        memcpy(name[count++], e->d_name, n + 1);
    }
    if (d != NULL)
        (void)closedir(d);
    qsort(name, count, sizeof(name[0]), by_name);
    for (size_t i = 0, at = 0; i < count; i++)
        at += (size_t)snprintf(to + at, size - at, "%s%s", i > 0 ? "," : "", name[i]);
}

static int open_uplink(struct program *p, struct mw_error *err)
{
    struct agent_frame hello = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL };
    char pci[512];
    (void)snprintf(pci, sizeof(pci), "%s/sys/bus/pci/devices", p->o.sysfs_root);
    (void)snprintf(hello.name, sizeof(hello.name), "%s", p->o.node);
    (void)snprintf(hello.boot, sizeof(hello.boot), "%s", p->o.boot);
    (void)snprintf(hello.agent, sizeof(hello.agent), "%s", MW_VERSION);
    (void)snprintf(hello.probe, sizeof(hello.probe), "%s", p->o.probe);
    (void)snprintf(hello.token, sizeof(hello.token), "%s", p->o.token);
    find_gpus(p->o.pci_dir != NULL ? p->o.pci_dir : pci, hello.text, sizeof(hello.text));
    const struct uplink_options o = { .who = "mw-agent", .host = p->o.host, .port = p->o.port,
                                      .hello = &hello,
                                      .tls_dir = p->o.tls ? p->o.state_dir : NULL,
                                      .spool_dir = p->o.state_dir };
    return uplink_init(&p->uplink, &o, err);
}

static int open_parts(struct program *p, struct mw_error *err)
{
    const struct collect_options c = { .sysfs_root = p->o.sysfs_root, .proc_root = p->o.proc_root,
                                       .dev_root = p->o.dev_root, .nvml = p->o.nvml,
                                       .without = p->o.without, .sample_ms = p->o.sample_ms };
    for (uint32_t i = 0; i < p->o.watches; i++)
        watch_init(&p->watch[i], &p->o.watch[i]);
    for (uint32_t i = 0; i < p->o.disks; i++)
        disk_init(&p->disk[i], p->o.disk[i]);
    jobs_init(&p->jobs, p->o.progress_dir, p->o.exits_dir, p->o.checks_dir);
    check_init(&p->check, p->o.check);
    const struct exec_link_port port = { .ctx = p, .event = exec_event, .level = exec_level };
    exec_link_init(&p->exec, p->o.exec_socket, &port);
    p->beat_ms = p->o.beat_ms > 0 ? p->o.beat_ms : BEAT_MS;
    int rc = klog_open(&p->klog, p->o.kmsg, p->o.state_dir, p->o.boot, clock_ms(), err);
    if (rc == 0)
        rc = collect_create(&c, &p->collect, err);
    if (rc == 0)
        rc = open_uplink(p, err);
    p->linked = rc == 0;
    return rc;
}

static int open_loop(struct program *p, struct mw_error *err)
{
    sigset_t stop;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &stop, NULL);
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    p->signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
    p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    int log = p->klog.device ? p->klog.fd : p->klog.notify;
    if (p->epoll < 0 || p->signals < 0 || p->timer < 0 ||
        !listen_to(p, p->signals, FROM_SIGNAL, EPOLLIN) ||
        !listen_to(p, p->timer, FROM_TIMER, EPOLLIN) ||
        !listen_to(p, collect_fd(p->collect), FROM_COLLECT, EPOLLIN) ||
        (log >= 0 && !listen_to(p, log, FROM_KLOG, EPOLLIN)) || !set_timer(p))
        return mw_fail(err, MW_EIO, "the event loop cannot be made: %s", strerror(errno));
    return 0;
}

static void close_all(struct program *p)
{
    const int fds[] = { p->epoll, p->signals, p->timer };
    check_fini(&p->check);
    exec_link_fini(&p->exec);
    klog_close(&p->klog);
    collect_destroy(p->collect);
    if (p->linked)
        uplink_fini(&p->uplink);
    for (uint32_t i = 0; i < p->o.watches; i++)
        watch_fini(&p->watch[i]);
    for (size_t i = 0; i < MW_ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

int run_main(int argc, char **argv)
{
    struct mw_error err = { 0 };
    struct program *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return EXIT_FAILURE;
    p->epoll = p->signals = p->timer = p->uplink.fd = -1;
    p->klog.fd = p->klog.notify = p->klog.mark.fd = -1;
    enum options_result got = options_read(argc, argv, &p->o, &err);
    int status = got == OPTIONS_BAD ? EXIT_USE : EXIT_SUCCESS;
    if (got == OPTIONS_RUN) {
        bool ready = open_parts(p, &err) == 0 && open_loop(p, &err) == 0;
        status = ready ? loop(p) : EXIT_FAILURE;
        close_all(p);
    }
    if (err.text[0] != '\0')
        (void)fprintf(stderr, "mw-agent: %s\n", err.text);
    options_fini(&p->o);
    free(p);
    return status;
}
