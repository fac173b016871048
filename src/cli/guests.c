/*
 * The thread, its loop, and the agent that it may start.  One lock guards the
 * hub: taken for each frame, and by whoever asks.
 */
#include "cli/guests.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "api/machines_tell.h"
#include "base/mem.h"
#include "live/listener.h"
#include "live/machine_frames.h"

struct guest {
    uint32_t machine; /* of the hub; MW_NONE = never heard */
    uint32_t line;    /* MW_NONE = not connected */
};

struct guests {
    pthread_mutex_t lock;      /* over machines, guest, wish and ending */
    struct machines *machines; /* owned, as is the rest */
    struct guest guest[GUESTS_MAX];
    struct {                   /* readings more often: asked on another thread */
        uint32_t peer;         /* MW_NONE = nothing */
        struct agent_frame frame;
    } wish;
    struct event_base *base;
    struct listener *listener;
    struct event *woken, *tick;
    int wake_fd;
    pthread_t thread;
    bool running, ending;
    pid_t agent;               /* 0 = none */
};

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what agents say ------------------------------------------------------------------------- */

/* The peer of a machine, by its place in the hub: one that comes again gets its own back. */
static uint32_t peer_of(struct guests *g, uint32_t machine)
{
    for (uint32_t i = 0; i < GUESTS_MAX; i++)
        if (g->guest[i].machine == machine || g->guest[i].machine == MW_NONE)
            return i;
    return MW_NONE;
}

static int hello(void *ctx, const struct agent_frame *f, uint32_t *ret_peer, struct mw_error *err)
{
    struct guests *g = ctx;
    if (f->role != AGENT_ROLE_AGENT)
        return mw_fail(err, MW_ENOTFOUND, "a replay listens to agents, not to gatherers");
    (void)pthread_mutex_lock(&g->lock);
    uint32_t machine = machines_add(g->machines, f->name, MW_NONE);
    uint32_t peer = machine != MW_NONE ? peer_of(g, machine) : MW_NONE;
    if (peer != MW_NONE) {
        if (g->guest[peer].machine == machine && g->guest[peer].line != MW_NONE)
            machines_line_close(g->machines, g->guest[peer].line);
        g->guest[peer] = (struct guest){
            .machine = machine,
            .line = machines_line_open(g->machines, machine, false, f->agent, now_ms()) };
    }
    (void)pthread_mutex_unlock(&g->lock);
    if (peer == MW_NONE)
        return mw_fail(err, MW_ELIMIT, "%u machines are here already", GUESTS_MAX);
    *ret_peer = peer;
    return 0;
}

/* Nothing of a guest is kept for good: what it has said is acknowledged at once. */
static void acknowledge(struct guests *g, uint32_t peer, const struct agent_frame *f)
{
    const struct agent_frame ack = { .verb = AGENT_ACK, .n = f->e };
    if (f->e > 0)
        (void)listener_send(g->listener, peer, &ack);
}

static void heard(void *ctx, uint32_t peer, const struct agent_frame *f)
{
    struct guests *g = ctx;
    (void)pthread_mutex_lock(&g->lock);
    const struct guest *who = &g->guest[peer];
    if (who->line != MW_NONE) {
        machines_heard(g->machines, who->line, now_ms(), 0);
        (void)machine_frame(g->machines, who->machine, now_ms(), f);
    }
    (void)pthread_mutex_unlock(&g->lock);
    acknowledge(g, peer, f);
}

static void samples(void *ctx, uint32_t peer, const uint8_t *payload, size_t size)
{
    struct guests *g = ctx;
    struct sample_reader r;
    struct mw_error err;
    (void)pthread_mutex_lock(&g->lock);
    uint32_t line = g->guest[peer].line;
    if (line != MW_NONE) {
        machines_heard(g->machines, line, now_ms(), size);
        if (sample_reader_open(&r, payload, size, &err) == 0)
            (void)!machines_samples(g->machines, line, now_ms(), &r, &err); /* counted there */
    }
    (void)pthread_mutex_unlock(&g->lock);
}

static void lost(void *ctx, uint32_t peer)
{
    struct guests *g = ctx;
    (void)pthread_mutex_lock(&g->lock);
    if (g->guest[peer].line != MW_NONE)
        machines_line_close(g->machines, g->guest[peer].line);
    g->guest[peer].line = MW_NONE;
    (void)pthread_mutex_unlock(&g->lock);
}

/* ---- what is asked --------------------------------------------------------------------------- */

/* On the asker's thread, under the lock: the frame goes out on ours. */
static int ask_rate(void *ctx, const char *machine, int64_t sample_ms, int64_t for_ms,
                    struct mw_error *err)
{
    struct guests *g = ctx;
    uint32_t i = machines_find(g->machines, machine), peer = peer_of(g, i);
    const uint64_t one = 1;
    if (peer == MW_NONE || g->guest[peer].machine != i || g->guest[peer].line == MW_NONE)
        return mw_fail(err, MW_ENOTFOUND, "the agent of '%.80s' is not connected", machine);
    g->wish.peer = peer;
    g->wish.frame = (struct agent_frame){ .verb = AGENT_RATE, .sample_ms = sample_ms,
                                          .for_ms = for_ms };
    (void)!write(g->wake_fd, &one, sizeof(one));
    return 0;
}

json_t *guests_tell(struct guests *g, const json_t *wish, struct mw_error *err)
{
    (void)pthread_mutex_lock(&g->lock);
    const struct machines_of of = { .machines = g->machines, .clock_ms = now_ms(),
                                    .rate = ask_rate, .rate_ctx = g };
    json_t *o = machines_tell(&of, wish, err);
    (void)pthread_mutex_unlock(&g->lock);
    return o;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void on_woken(evutil_socket_t fd, short what, void *ctx)
{
    struct guests *g = ctx;
    uint64_t n;
    (void)what;
    (void)!read(fd, &n, sizeof(n));
    (void)pthread_mutex_lock(&g->lock);
    bool end = g->ending;
    uint32_t peer = g->wish.peer;
    const struct agent_frame f = g->wish.frame;
    g->wish.peer = MW_NONE;
    (void)pthread_mutex_unlock(&g->lock);
    if (end)
        (void)event_base_loopbreak(g->base);
    else if (peer != MW_NONE)
        (void)listener_send(g->listener, peer, &f);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    struct guests *g = ctx;
    (void)fd;
    (void)what;
    (void)pthread_mutex_lock(&g->lock);
    (void)machines_tick(g->machines, now_ms());
    (void)pthread_mutex_unlock(&g->lock);
}

static void *run(void *ctx)
{
    struct guests *g = ctx;
    (void)event_base_dispatch(g->base);
    return NULL;
}

static int make_events(struct guests *g, struct mw_error *err)
{
    const struct timeval second = { .tv_sec = 1 };
    g->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g->base = event_base_new();
    if (g->base != NULL && g->wake_fd >= 0) {
        g->woken = event_new(g->base, g->wake_fd, EV_READ | EV_PERSIST, on_woken, g);
        g->tick = event_new(g->base, -1, EV_PERSIST, on_tick, g);
    }
    bool ok = g->woken != NULL && g->tick != NULL && event_add(g->woken, NULL) == 0 &&
              event_add(g->tick, &second) == 0;
    return ok ? 0 : mw_fail(err, MW_ENOMEM, "out of memory for an event loop");
}

static int make_hub(struct guests *g, const char *address, struct mw_error *err)
{
    const struct machines_options hub = { .machines_max = GUESTS_MAX };
    const struct listener_options o = {
        .base = g->base, .address = address, .nodes = GUESTS_MAX,
        .port = { .ctx = g, .hello = hello, .heard = heard, .lost = lost, .samples = samples } };
    int rc = machines_create(&hub, &g->machines, err);
    return rc < 0 ? rc : listener_create(&o, &g->listener, err);
}

/* The signals that end the daemon are its main thread's. */
static int start_thread(struct guests *g, struct mw_error *err)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&g->thread, NULL, run, g);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    g->running = rc == 0;
    return rc == 0 ? 0 : mw_fail(err, MW_EIO, "no thread can be started: %s", strerror(rc));
}

/* ---- the agent of this machine --------------------------------------------------------------- */

static _Noreturn void become_agent(const char *program, const char *address, pid_t parent)
{
    char *const argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)"--daemon",
                           (char *)(uintptr_t)address, NULL };
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent)
        (void)execv(program, argv);
    _exit(127);
}

static int start_agent(struct guests *g, const char *program, struct mw_error *err)
{
    pid_t parent = getpid();
    if (program == NULL)
        return 0;
    if (access(program, X_OK) != 0)
        return mw_fail(err, MW_ENOTFOUND, "--agent %.200s is no program that may be run", program);
    pid_t pid = fork();
    if (pid == 0)
        become_agent(program, listener_address(g->listener), parent);
    if (pid < 0)
        return mw_fail(err, MW_EIO, "%.200s cannot be started: %s", program, strerror(errno));
    g->agent = pid;
    return 0;
}

static void end_agent(struct guests *g)
{
    int status;
    if (g->agent <= 0)
        return;
    (void)kill(g->agent, SIGTERM);
    (void)waitpid(g->agent, &status, 0);
    g->agent = 0;
}

/* ---- making ---------------------------------------------------------------------------------- */

int guests_start(const struct guests_options *o, struct guests **ret, struct mw_error *err)
{
    must(o != NULL && o->address != NULL && ret != NULL);
    struct guests *g = mw_calloc(1, sizeof(*g));
    if (g == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    (void)pthread_mutex_init(&g->lock, NULL);
    g->wake_fd = -1;
    g->wish.peer = MW_NONE;
    for (uint32_t i = 0; i < GUESTS_MAX; i++)
        g->guest[i] = (struct guest){ .machine = MW_NONE, .line = MW_NONE };
    int rc = make_events(g, err);
    if (rc == 0)
        rc = make_hub(g, o->address, err);
    if (rc == 0)
        rc = start_agent(g, o->agent, err); /* before the thread: a fork takes one thread only */
    if (rc == 0)
        rc = start_thread(g, err);
    if (rc < 0) {
        guests_stop(g);
        return rc;
    }
    *ret = g;
    return 0;
}

void guests_stop(struct guests *g)
{
    const uint64_t one = 1;
    if (g == NULL)
        return;
    end_agent(g);
    if (g->running) {
        (void)pthread_mutex_lock(&g->lock);
        g->ending = true;
        (void)pthread_mutex_unlock(&g->lock);
        (void)!write(g->wake_fd, &one, sizeof(one));
        (void)pthread_join(g->thread, NULL);
    }
    listener_destroy(g->listener);
    machines_destroy(g->machines);
    if (g->woken != NULL)
        event_free(g->woken);
    if (g->tick != NULL)
        event_free(g->tick);
    if (g->base != NULL)
        event_base_free(g->base);
    if (g->wake_fd >= 0)
        (void)close(g->wake_fd);
    (void)pthread_mutex_destroy(&g->lock);
    mw_free(g);
}

const char *guests_address(const struct guests *g)
{
    return listener_address(g->listener);
}
