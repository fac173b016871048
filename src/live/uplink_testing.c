/* The bench of uplink_test.c and uplink_tls_test.c. */
#include "live/uplink_testing.h"

#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "base/parse.h"
#include "live/agents.h"

int64_t now_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the daemon ---------------------------------------------------------------------------- */

static int on_hello(void *ctx, const struct agent_frame *f, uint32_t *ret, struct mw_error *err)
{
    struct bench *b = ctx;
    uint64_t n = 0;
    if (f->role == AGENT_ROLE_GATHER) {
        *ret = NODES;
    } else {
        if (f->name[0] != 'n' || mw_parse_u64(f->name + 1, &n) != 0 || n >= NODES)
            return mw_fail(err, MW_ENOTFOUND, "no such node");
        *ret = (uint32_t)n;
    }
    b->peer = *ret;
    b->hello_e = f->e;
    return 0;
}

static void on_heard(void *ctx, uint32_t peer, const struct agent_frame *f)
{
    struct bench *b = ctx;
    size_t n = strlen(b->text);
    (void)peer;
    b->beats += f->verb == AGENT_BEAT;
    if (f->e > 0) {
        b->events++;
        b->last_e = f->e;
        assert_true(f->at_ms > 0);
    }
    if (f->verb == AGENT_KMSG)
        (void)snprintf(b->text + n, sizeof(b->text) - n, "%.64s,", f->text);
}

static void on_lost(void *ctx, uint32_t peer)
{
    struct bench *b = ctx;
    (void)peer;
    b->lost++;
}

static void on_samples(void *ctx, uint32_t peer, const uint8_t *payload, size_t size)
{
    struct bench *b = ctx;
    (void)peer;
    for (size_t i = 0; i < size; i++)
        assert_int_equal(payload[i], (uint8_t)(size + i));
    b->samples++;
    b->sample_bytes += size;
}

void daemon_begins(struct bench *b)
{
    const struct listener_options o = {
        .base = b->base, .address = b->address, .nodes = NODES, .authority = b->authority,
        .port = { .ctx = b, .hello = on_hello, .heard = on_heard, .lost = on_lost,
                  .samples = on_samples } };
    if (listener_create(&o, &b->listener, &b->err) != 0)
        fail_msg("%s", b->err.text);
    (void)snprintf(b->address, sizeof(b->address), "%s", listener_address(b->listener));
    (void)snprintf(b->port, sizeof(b->port), "%s", strrchr(b->address, ':') + 1);
}

void daemon_dies(struct bench *b)
{
    listener_destroy(TAKE(b->listener));
}

void ack(struct bench *b, uint64_t e)
{
    const struct agent_frame f = { .verb = AGENT_ACK, .n = e };
    assert_true(listener_send(b->listener, b->peer, &f));
}

/* ---- the agent ----------------------------------------------------------------------------- */

static void on_take(void *ctx, const struct agent_frame *f)
{
    struct bench *b = ctx;
    b->taken++;
    b->taken_verb = f->verb;
}

int link_as(struct bench *b, const char *name, bool gather, const char *tls_dir)
{
    struct agent_frame hello = { .verb = AGENT_HELLO,
                                 .role = (uint8_t)(gather ? AGENT_ROLE_GATHER : AGENT_ROLE_AGENT) };
    (void)snprintf(hello.name, sizeof(hello.name), "%s", name);
    (void)snprintf(hello.boot, sizeof(hello.boot), BOOT);
    const struct uplink_options o = { .who = "test", .host = "127.0.0.1", .port = b->port,
                                      .hello = &hello, .tls_dir = tls_dir,
                                      .spool_dir = b->state };
    int rc = uplink_init(&b->uplink, &o, &b->err);
    b->linked = rc == 0;
    return rc;
}

void link_up(struct bench *b, const char *tls_dir)
{
    if (link_as(b, "n1", false, tls_dir) != 0)
        fail_msg("%s", b->err.text);
}

/* A turn of both sides. */
void turn(struct bench *b)
{
    struct pollfd p = { .fd = b->uplink.fd, .events = (short)(POLLIN |
                                              (b->uplink.wants_write ? POLLOUT : 0)) };
    assert_true(event_base_loop(b->base, EVLOOP_NONBLOCK) >= 0);
    if (!b->linked)
        return;
    uplink_tick(&b->uplink, now_ms());
    p.fd = b->uplink.fd;
    if (p.fd >= 0 && poll(&p, 1, 0) > 0)
        uplink_ready(&b->uplink, now_ms(), (p.revents & ~POLLOUT) != 0, on_take, b);
}

/* One record, as soon as it is taken. */
void send_record(struct bench *b, const uint8_t *payload, size_t size)
{
    uint32_t turns = 0;
    while (!uplink_samples(&b->uplink, now_ms(), payload, size)) {
        turn(b);
        assert_true(++turns < TURNS_MAX);
    }
}

void kmsg(struct bench *b, uint64_t n)
{
    struct agent_frame f = { .verb = AGENT_KMSG };
    (void)snprintf(f.text, sizeof(f.text), "xid-%llu", (unsigned long long)n);
    uplink_event(&b->uplink, now_ms(), &f);
}

void send_samples(struct bench *b)
{
    uint8_t *payload = calloc(1, AGENT_SAMPLES_MAX);
    uint64_t bytes = 0, count = 0, events = b->events;
    assert_non_null(payload);
    for (size_t size = 1; size / 3 <= AGENT_SAMPLES_MAX; size = size * 3 + 1) {
        size_t n = MW_MIN(size, (size_t)AGENT_SAMPLES_MAX);
        for (size_t i = 0; i < n; i++)
            payload[i] = (uint8_t)(n + i);
        kmsg(b, n);
        send_record(b, payload, n);
        bytes += n;
        count++;
    }
    turn_until(b, b->samples == count && b->events == events + count);
    assert_int_equal(b->sample_bytes, bytes);
    free(payload);
}

/* ---- certificates -------------------------------------------------------------------------- */

void token(struct bench *b, const char *pattern, bool gather, uint32_t uses,
           char ret[TLS_TOKEN_MAX])
{
    const struct authority_wish w = { .pattern = pattern, .gather = gather, .uses = uses,
                                      .length_s = 3600 };
    assert_int_equal(authority_token_new(b->authority, time(NULL), &w, ret, &b->err), 0);
}

/* Joins in a child, as it waits; what it said of a failure is in `b->err`. */
int join_as(struct bench *b, const char *name, bool gather, const char *token_text,
            const char *dir)
{
    const struct tls_join j = { .host = "127.0.0.1", .port = b->port, .token = token_text,
                                .name = name, .gather = gather, .dir = dir };
    int told[2], status = -1;
    b->err = (struct mw_error){ .code = 0 };
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct tls_joined joined;
        struct mw_error err = { 0 };
        (void)!tls_join(&j, &joined, &err);
        (void)!write(told[1], &err, sizeof(err));
        _exit(0);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        turn(b);
        (void)usleep(100);
    }
    assert_int_equal(read(told[0], &b->err, sizeof(b->err)), sizeof(b->err));
    (void)close(told[0]);
    (void)close(told[1]);
    return b->err.code;
}

void expect_said(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* ---- setting up ---------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_tree(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/mw-uplink-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    (void)snprintf(b->state, sizeof(b->state), "%s/state", b->dir);
    (void)snprintf(b->address, sizeof(b->address), "127.0.0.1:0");
    b->base = event_base_new();
    *state = b;
    return 0;
}

int setup_plain(void **state)
{
    int rc = setup(state);
    daemon_begins(*state);
    return rc;
}

int setup_tls(void **state)
{
    int rc = setup(state);
    struct bench *b = *state;
    char dir[96];
    (void)snprintf(dir, sizeof(dir), "%s/agents-ca", b->dir);
    if (authority_open(dir, time(NULL), true, &b->authority, &b->err) != 0)
        fail_msg("%s", b->err.text);
    daemon_begins(b);
    return rc;
}

int teardown(void **state)
{
    struct bench *b = *state;
    if (b->linked)
        uplink_fini(&b->uplink);
    listener_destroy(b->listener);
    authority_close(b->authority);
    event_base_free(b->base);
    remove_tree(b->dir);
    free(b);
    return 0;
}

