/*
 * mw-gather: the doors.  One thread a door asks; this thread speaks to the
 * daemon, hands on its actions, and ends everything.  Prints to stderr what an
 * operator must know, never a secret.
 */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "gather/actions.h"
#include "gather/config.h"
#include "gather/options.h"
#include "gather/out.h"
#include "gather/print.h"
#include "live/uplink.h"

#define EXIT_USE 2
#define BEAT_MS 1000
#define TICK_MS 200
#define OUT_BYTES ((size_t)8 << 20) /* a round of a thousand BMCs, said anew */

struct program;

struct running {
    struct program *p;
    const struct door_kind *kind;
    const struct door_spec *spec;
    void *state;
    pthread_t thread;
    bool started;
};

struct program {
    struct gather_options o;
    struct doors_config config;
    struct door_out *out;
    struct actions *actions;
    struct uplink uplink;
    struct running door[DOORS_MAX];
    uint32_t doors;
    pthread_mutex_t lock; /* over end */
    pthread_cond_t ended;
    bool end, linked;
    uint64_t beats;
    int64_t beat_ms, beat_due_ms;
    int signals;
};

static int64_t clock_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- doors ---------------------------------------------------------------------------------- */

static void poll_door(struct running *d)
{
    struct mw_error err = { 0 };
    if (d->kind->poll(d->state, clock_ms(), &err) == 0)
        return;
    for (uint32_t i = 0; i < d->spec->targets; i++) {
        uint32_t machine = door_out_machine(d->p->out, d->spec->name, d->spec->target[i].machine,
                                            d->spec->acts, 1);
        door_out_source(d->p->out, machine, d->spec->name,
                        err.code == MW_ENOTFOUND ? DOOR_ABSENT : DOOR_SILENT, err.text);
    }
}

/* true: the program ends. */
static bool wait_until(struct program *p, int64_t due_ms)
{
    const struct timespec t = { .tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000 };
    must(pthread_mutex_lock(&p->lock) == 0);
    while (!p->end && clock_ms() < due_ms)
        (void)pthread_cond_timedwait(&p->ended, &p->lock, &t);
    bool end = p->end;
    must(pthread_mutex_unlock(&p->lock) == 0);
    return end;
}

static void *door_main(void *ctx)
{
    struct running *d = ctx;
    int64_t due_ms = clock_ms();
    do {
        poll_door(d);
        due_ms += d->spec->period_ms;
        if (due_ms < clock_ms()) /* a round took longer than its period: no burst to catch up */
            due_ms = clock_ms();
    } while (!wait_until(d->p, due_ms));
    return NULL;
}

static void warn(const struct door_spec *s)
{
    if (strcmp(door_setting(s, "insecure", "false"), "true") == 0)
        (void)fprintf(stderr, "mw-gather: %s: insecure: true: whoever answers at these addresses "
                      "is believed and is given the password\n", s->name);
}

static int open_doors(struct program *p, struct mw_error *err)
{
    for (uint32_t i = 0; i < p->config.doors; i++) {
        struct running *d = &p->door[i];
        *d = (struct running){ .p = p, .spec = &p->config.door[i],
                               .kind = door_kind_find(p->config.door[i].kind) };
        p->config.door[i].state = p->o.state;
        must(d->kind != NULL); /* the reader of the file refuses others */
        warn(d->spec);
        int rc = d->kind->open(d->spec, p->out, &d->state, err);
        if (rc < 0)
            return mw_fail_prefix(err, "door %s", d->spec->name);
        p->doors++;
    }
    return 0;
}

static int start_doors(struct program *p, struct mw_error *err)
{
    for (uint32_t i = 0; i < p->doors; i++) {
        struct running *d = &p->door[i];
        if (pthread_create(&d->thread, NULL, door_main, d) != 0)
            return mw_fail(err, MW_ENOMEM, "no thread can be made");
        d->started = true;
    }
    return 0;
}

static void end_doors(struct program *p)
{
    must(pthread_mutex_lock(&p->lock) == 0);
    p->end = true;
    must(pthread_cond_broadcast(&p->ended) == 0);
    must(pthread_mutex_unlock(&p->lock) == 0);
    for (uint32_t i = 0; i < p->doors; i++)
        if (p->door[i].started)
            must(pthread_join(p->door[i].thread, NULL) == 0);
    actions_destroy(p->actions);
    p->actions = NULL;
    for (uint32_t i = 0; i < p->doors; i++)
        p->door[i].kind->close(p->door[i].state);
    p->doors = 0;
}

/* ---- actions -------------------------------------------------------------------------------- */

static bool has_machine(const struct door_spec *s, const char *machine)
{
    for (uint32_t i = 0; i < s->targets; i++)
        if (strcmp(s->target[i].machine, machine) == 0)
            return true;
    return false;
}

static const struct running *acting_door(const struct program *p, const char *machine,
                                         struct mw_error *err)
{
    int why = MW_ENOTFOUND;
    for (uint32_t i = 0; i < p->doors; i++) {
        const struct running *d = &p->door[i];
        if (d->kind->act == NULL || !has_machine(d->spec, machine))
            continue;
        if (d->spec->acts)
            return d;
        why = MW_EDENIED;
    }
    (void)mw_fail(err, why, why == MW_EDENIED
                  ? "shadow: doors.yaml does not say `actions: act` for %s; nothing was done"
                  : "no door of this gatherer can act on %s; nothing was done", machine);
    return NULL;
}

static int may_act(void *ctx, const char *machine, struct mw_error *err)
{
    return acting_door(ctx, machine, err) != NULL ? 0 : err->code;
}

static int act(void *ctx, const char *machine, const char *step, char *ret_text, size_t size,
               struct mw_error *err)
{
    const struct running *d = acting_door(ctx, machine, err);
    return d == NULL ? err->code : d->kind->act(d->state, machine, step, ret_text, size, err);
}

/* ---- the daemon ----------------------------------------------------------------------------- */

static void take(void *ctx, const struct agent_frame *f)
{
    struct program *p = ctx;
    if (f->verb == AGENT_WELCOME) {
        p->beat_ms = f->beat_ms > 0 ? f->beat_ms : BEAT_MS;
        door_out_again(p->out);
    } else if (f->verb == AGENT_ACT) {
        actions_take(p->actions, clock_ms(), f);
    }
}

static bool send_line(void *ctx, const struct agent_frame *f, bool event)
{
    struct program *p = ctx;
    if (event) {
        uplink_event(&p->uplink, clock_ms(), f);
        return true;
    }
    return uplink_level(&p->uplink, clock_ms(), f);
}

static bool send_samples(void *ctx, const uint8_t *payload, size_t size)
{
    struct program *p = ctx;
    return uplink_samples(&p->uplink, clock_ms(), payload, size);
}

static void send_all(struct program *p)
{
    const struct door_out_to to = { .ctx = p, .line = send_line, .samples = send_samples };
    struct agent_frame acted;
    int64_t now_ms = clock_ms();
    while (actions_next(p->actions, &acted))
        uplink_event(&p->uplink, now_ms, &acted);
    if (!uplink_is_up(&p->uplink))
        return;
    door_out_send(p->out, now_ms, &to);
    if (now_ms < p->beat_due_ms)
        return;
    const struct agent_frame beat = { .verb = AGENT_BEAT, .n = ++p->beats };
    uplink_beat(&p->uplink, now_ms, &beat);
    p->beat_due_ms = now_ms + p->beat_ms;
}

static void loop(struct program *p)
{
    for (;;) {
        struct pollfd fds[] = {
            { .fd = p->signals, .events = POLLIN },
            { .fd = p->uplink.fd,
              .events = (short)(POLLIN | (p->uplink.wants_write ? POLLOUT : 0)) },
            { .fd = uplink_is_up(&p->uplink) ? door_out_fd(p->out) : -1, .events = POLLIN },
            { .fd = actions_fd(p->actions), .events = POLLIN },
        };
        int n = poll(fds, MW_ARRAY_LEN(fds), TICK_MS);
        if (n > 0 && fds[0].revents != 0)
            break;
        if (n > 0 && fds[1].revents != 0)
            uplink_ready(&p->uplink, clock_ms(), (fds[1].revents & ~POLLOUT) != 0, take, p);
        uplink_tick(&p->uplink, clock_ms());
        send_all(p);
    }
    uplink_bye(&p->uplink, clock_ms());
}

/* ---- starting ------------------------------------------------------------------------------- */

static void read_word(const char *path, char *to, size_t size)
{
    FILE *f = fopen(path, "re");
    to[0] = '\0';
    if (f != NULL && fgets(to, (int)size, f) != NULL)
        to[strcspn(to, " \r\n")] = '\0';
    if (f != NULL)
        (void)fclose(f);
}

static int open_uplink(struct program *p, struct mw_error *err)
{
    struct agent_frame hello = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL,
                                 .role = AGENT_ROLE_GATHER };
    char path[512], spool[512];
    (void)snprintf(hello.name, sizeof(hello.name), "%s", p->o.name);
    (void)snprintf(hello.agent, sizeof(hello.agent), "%s", MW_VERSION);
    read_word("/proc/sys/kernel/random/boot_id", hello.boot, sizeof(hello.boot));
    if (p->o.token_file != NULL)
        read_word(p->o.token_file, hello.token, sizeof(hello.token));
    if (p->o.token_file != NULL && hello.token[0] == '\0')
        return mw_fail(err, MW_ENOTFOUND, "%s holds no token", p->o.token_file);
    (void)snprintf(path, sizeof(path), "%s/node.crt", p->o.state != NULL ? p->o.state : "");
    (void)snprintf(spool, sizeof(spool), "%s", p->o.state != NULL ? p->o.state : "");
    const struct uplink_options o = {
        .who = "mw-gather", .host = p->o.host, .port = p->o.port, .hello = &hello,
        .tls_dir = p->o.state != NULL && access(path, F_OK) == 0 ? p->o.state : NULL,
        .spool_dir = p->o.state != NULL ? spool : NULL, .out_bytes = OUT_BYTES,
    };
    int rc = uplink_init(&p->uplink, &o, err);
    p->linked = rc == 0;
    return rc;
}

static int run(struct program *p, struct mw_error *err)
{
    const struct actions_options a = { .state = p->o.state, .act = act, .may = may_act, .ctx = p };
    int rc = actions_create(&a, &p->actions, err);
    if (rc == 0)
        rc = open_uplink(p, err);
    if (rc == 0)
        rc = start_doors(p, err);
    if (rc == 0)
        loop(p);
    return rc;
}

/* Two rounds: the first may only have found out what there is. */
static int once(struct program *p, struct mw_error *err)
{
    struct print *print = print_create(p->out, stdout);
    if (print == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    const struct door_out_to to = print_to(print);
    for (uint32_t i = 0; i < p->doors; i++) {
        poll_door(&p->door[i]);
        poll_door(&p->door[i]);
    }
    door_out_send(p->out, clock_ms(), &to);
    print_destroy(print);
    return 0;
}

static int start(struct program *p, struct mw_error *err)
{
    struct text said = { 0 };
    sigset_t stop;
    int rc = doors_config_read(p->o.doors, &p->config, &said, err);
    (void)fputs(text_string(&said), stderr);
    text_fini(&said);
    if (rc == 0)
        rc = door_out_create(&p->out, err);
    if (rc < 0)
        return rc;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGINT);
    must(pthread_sigmask(SIG_BLOCK, &stop, NULL) == 0);
    p->signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
    rc = open_doors(p, err);
    if (rc == 0 && p->o.check)
        (void)printf("%s: %u doors, nothing wrong\n", p->o.doors, p->doors);
    else if (rc == 0)
        rc = p->o.once ? once(p, err) : run(p, err);
    end_doors(p);
    if (p->linked)
        uplink_fini(&p->uplink);
    (void)close(p->signals);
    return rc;
}

static void init(struct program *p)
{
    pthread_condattr_t clock;
    must(pthread_condattr_init(&clock) == 0);
    must(pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&p->ended, &clock) == 0 && pthread_mutex_init(&p->lock, NULL) == 0);
    (void)pthread_condattr_destroy(&clock);
    p->beat_ms = BEAT_MS;
}

int main(int argc, char **argv)
{
    struct mw_error err = { 0 };
    struct program *p = mw_calloc(1, sizeof(*p));
    if (p == NULL)
        return EXIT_FAILURE;
    int rc = gather_options_read(argc, argv, &p->o, &err);
    int status = rc < 0 ? EXIT_USE : EXIT_SUCCESS;
    if (rc == 0 && (p->o.help || p->o.version)) {
        (void)puts(p->o.help ? gather_help : GATHER_VERSION);
    } else if (rc == 0) {
        (void)signal(SIGPIPE, SIG_IGN);
        must(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
        init(p);
        rc = start(p, &err);
        status = rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        door_out_destroy(p->out);
        doors_config_fini(&p->config);
        curl_global_cleanup();
    }
    if (rc < 0)
        (void)fprintf(stderr, "mw-gather: %s\n", err.text);
    mw_free(p);
    return status;
}
