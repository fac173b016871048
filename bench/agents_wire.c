/* See agents_wire.h. */
#include "bench/agents_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/units.h"
#include "live/agent_frame.h"

#define IN_SIZE 4096u
#define CLOCK_NS (5 * MW_NS_PER_S) /* as live/uplink.c asks for the time */
#define RETRY_NS_MIN (50 * MW_NS_PER_MS)
#define RETRY_NS_MAX (2 * MW_NS_PER_S)
#define CONNECTS_PER_TURN 64u
#define EVENTS_MAX 4096u /* of one connection, not acknowledged */

enum state { DOWN, CONNECTING, SHAKING, GREETING, UP };

struct sent {
    uint64_t e;
    uint32_t agent;
    uint8_t fault;
    bool clean;       /* first sent on the present connection */
    int64_t sent_ns;  /* 0 = not yet */
};

struct wire_connection {
    int fd;
    uint8_t state;
    bool writing;      /* EPOLLOUT is asked for */
    SSL *ssl;
    uint32_t first, machines; /* agents */
    int64_t retry_ns, delay_ns, clock_ns;
    uint64_t e, acked; /* the last number given out; the last acknowledged */
    struct sent *event;
    uint32_t events, events_max;
    char *out;         /* owned: what the kernel did not take yet */
    size_t out_size, out_done;
    char in[512];
    size_t in_size;
};

int64_t wire_now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

static uint64_t draw(struct wire *w)
{
    return mw_mix64(w->random += UINT64_C(0x9e3779b97f4a7c15));
}

/* ---- making ---------------------------------------------------------------------------------- */

int wire_init(struct wire *w, const char *const *name, uint32_t agents, uint32_t direct,
              struct mw_error *err)
{
    uint32_t rest = agents - direct;
    *w = (struct wire){ .name = name, .agents = agents, .direct = direct, .random = 7 };
    sim_init(&w->sim);
    w->connections = direct + (rest + WIRE_GATHER_MACHINES - 1) / WIRE_GATHER_MACHINES;
    w->agent = mw_calloc(agents, sizeof(*w->agent));
    w->connection = mw_calloc(w->connections, sizeof(*w->connection));
    w->latency_ms = mw_calloc(WIRE_LATENCIES_MAX, sizeof(*w->latency_ms));
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!w->agent || !w->connection || !w->latency_ms || w->epoll < 0)
        return mw_fail(err, MW_ENOMEM, "out of memory for %u agents", agents);
    for (uint32_t i = 0; i < w->connections; i++) {
        bool gather = i >= direct;
        uint32_t first = gather ? direct + (i - direct) * WIRE_GATHER_MACHINES : i;
        w->connection[i] = (struct wire_connection){
            .fd = -1, .first = first,
            .machines = gather ? MW_MIN(WIRE_GATHER_MACHINES, agents - first) : 1 };
    }
    for (uint32_t i = 0; i < agents; i++) {
        bool gather = i >= direct;
        w->agent[i] = (struct wire_agent){
            .said = { .second = -1, .fault = -1 }, .gpu = -1,
            .connection = gather ? direct + (i - direct) / WIRE_GATHER_MACHINES : i,
            .machine = gather ? (i - direct) % WIRE_GATHER_MACHINES + 1 : 0 };
    }
    w->began_ns = wire_now_ns();
    return 0;
}

void wire_fini(struct wire *w)
{
    for (uint32_t i = 0; w->connection && i < w->connections; i++) {
        struct wire_connection *c = &w->connection[i];
        SSL_free(c->ssl);
        if (c->fd >= 0)
            (void)close(c->fd);
        mw_free(c->out);
        mw_free(c->event);
    }
    mw_free(w->agent);
    mw_free(w->connection);
    mw_free(w->latency_ms);
    if (w->epoll > 0)
        (void)close(w->epoll);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void drop(struct wire *w, struct wire_connection *c)
{
    w->up -= c->state == UP;
    SSL_free(c->ssl);
    c->ssl = NULL;
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
    c->state = DOWN;
    c->in_size = c->out_size = c->out_done = 0;
    mw_free(c->out);
    c->out = NULL;
    c->delay_ns = MW_MIN(MW_MAX(c->delay_ns * 2, RETRY_NS_MIN), RETRY_NS_MAX);
    c->retry_ns = wire_now_ns() + c->delay_ns / 2 + (int64_t)(draw(w) % (uint64_t)c->delay_ns);
    for (uint32_t i = 0; i < c->events; i++)
        c->event[i].clean = false;
    for (uint32_t i = 0; i < c->machines; i++)
        w->agent[c->first + i].said = (struct sim_said){ .second = -1, .fault = -1 };
}

static void want(struct wire *w, struct wire_connection *c, bool writing)
{
    struct epoll_event ev = { .events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c };
    if (c->writing != writing)
        (void)epoll_ctl(w->epoll, EPOLL_CTL_MOD, c->fd, &ev);
    c->writing = writing;
}

/* Bytes taken, 0 = not now, -1 = the connection is over. */
static int64_t push(struct wire_connection *c, const char *bytes, size_t size)
{
    if (c->ssl) {
        size_t n = 0;
        if (SSL_write_ex(c->ssl, bytes, size, &n) == 1)
            return (int64_t)n;
        int why = SSL_get_error(c->ssl, 0);
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
    ssize_t n = send(c->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static void flush(struct wire *w, struct wire_connection *c)
{
    while (c->out_done < c->out_size) {
        int64_t n = push(c, c->out + c->out_done, c->out_size - c->out_done);
        if (n < 0) {
            drop(w, c);
            return;
        }
        if (n == 0)
            break;
        c->out_done += (size_t)n;
    }
    if (c->out_done == c->out_size) {
        mw_free(c->out);
        c->out = NULL;
        c->out_size = c->out_done = 0;
    }
    want(w, c, c->out_size > 0);
}

static void write_bytes(struct wire *w, struct wire_connection *c, const char *bytes, size_t size)
{
    w->bytes += size;
    if (!c->out) {
        int64_t n = push(c, bytes, size);
        if (n < 0) {
            drop(w, c);
            return;
        }
        bytes += n;
        size -= (size_t)n;
    }
    if (size == 0)
        return;
    char *more = mw_resize(c->out, c->out_size + size, 1);
    must(more != NULL);
    memcpy(more + c->out_size, bytes, size);
    c->out = more;
    c->out_size += size;
    want(w, c, true);
}

static void write_frame(struct wire *w, struct wire_connection *c, const struct agent_frame *f)
{
    char line[AGENT_FRAME_MAX + 1];
    size_t size = agent_frame_write(f, line, sizeof(line));
    must(size > 0);
    write_bytes(w, c, line, size);
}

static void copy(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void write_event(struct wire *w, struct wire_connection *c, struct sent *s)
{
    struct agent_frame f = { .e = s->e };
    const struct wire_agent *a = &w->agent[s->agent];
    if (s->fault == WIRE_LINE) {
        f.verb = AGENT_KMSG;
        copy(f.text, sizeof(f.text), "NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.");
    } else if (a->machine == 0) { /* nothing in itself: acknowledged, the reading … */
        f.verb = AGENT_UNIT;
        f.up = true;
        copy(f.name, sizeof(f.name), "bench");
    } else {                      /* … that came before it is durable too */
        f.verb = AGENT_FINDING;
        f.machine = a->machine;
        copy(f.class, sizeof(f.class), "bmc");
        copy(f.name, sizeof(f.name), "bench");
    }
    write_frame(w, c, &f);
}

static void send_samples(struct wire *w, uint32_t agent)
{
    struct wire_agent *a = &w->agent[agent];
    struct wire_connection *c = &w->connection[a->connection];
    uint8_t bytes[SIM_SERIES_MAX * 24 + AGENT_SAMPLES_HEAD];
    int64_t second = (int64_t)time(NULL);
    if (c->state != UP || second <= a->said.second)
        return;
    if (c->out) { /* the daemon does not keep up: the next frame stands for this one too */
        w->coalesced++;
        return;
    }
    const struct sim_now now = { agent, a->machine, second, a->gpu };
    size_t size = sim_frame(&w->sim, &now, &a->said, bytes + AGENT_SAMPLES_HEAD,
                            sizeof(bytes) - AGENT_SAMPLES_HEAD);
    agent_samples_head(bytes, size);
    w->frames++;
    write_bytes(w, c, (const char *)bytes, size + AGENT_SAMPLES_HEAD);
}

/* The reading that is the fault, out of turn. */
static void send_reading(struct wire *w, uint32_t agent)
{
    struct wire_agent *a = &w->agent[agent];
    if (a->said.second >= 0)
        a->said.second = MW_MIN(a->said.second, (int64_t)time(NULL) - 1);
    send_samples(w, agent);
}

void wire_fault(struct wire *w, uint32_t agent, enum wire_fault fault)
{
    struct wire_agent *a = &w->agent[agent];
    struct wire_connection *c = &w->connection[a->connection];
    must(a->fault == WIRE_NONE && c->events < EVENTS_MAX);
    if (c->events == c->events_max) {
        c->events_max = MW_MAX(c->events_max * 2, 4u);
        struct sent *more = mw_resize(c->event, c->events_max, sizeof(*more));
        must(more != NULL);
        c->event = more;
    }
    bool up = c->state == UP;
    c->event[c->events++] = (struct sent){ .e = ++c->e, .agent = agent, .clean = up,
                                           .fault = (uint8_t)fault, .sent_ns = wire_now_ns() };
    a->fault = (uint8_t)fault;
    w->events++;
    w->waiting++;
    if (fault == WIRE_SAMPLE)
        a->gpu = (int8_t)(agent % SIM_GPUS);
    if (up && fault == WIRE_SAMPLE)
        send_reading(w, agent);
    if (c->state == UP)
        write_event(w, c, &c->event[c->events - 1]);
}

static void acknowledged(struct wire *w, struct wire_connection *c, uint64_t e)
{
    uint32_t n = 0;
    for (; n < c->events && c->event[n].e <= e; n++) {
        const struct sent *s = &c->event[n];
        w->agent[s->agent].acked = true;
        if (s->clean && w->latencies < WIRE_LATENCIES_MAX)
            w->latency_ms[w->latencies++] = (float)(wire_now_ns() - s->sent_ns) / 1e6f;
    }
    memmove(c->event, c->event + n, (c->events - n) * sizeof(*c->event));
    c->events -= n;
    c->acked = MW_MAX(c->acked, e);
    w->acked += n;
    w->waiting -= n;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static void hello(struct wire *w, struct wire_connection *c)
{
    uint32_t number = (uint32_t)(c - w->connection);
    bool gather = number >= w->direct;
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .e = c->acked + 1,
                             .role = gather ? AGENT_ROLE_GATHER : AGENT_ROLE_AGENT };
    if (gather)
        (void)snprintf(f.name, sizeof(f.name), "gather-%u", number - w->direct);
    else
        copy(f.name, sizeof(f.name), w->name[number]);
    copy(f.boot, sizeof(f.boot), "7d9d0b2e-0000-4000-8000-000000000001");
    copy(f.agent, sizeof(f.agent), "bench");
    (void)snprintf(f.spool, sizeof(f.spool), "bench%u", number);
    copy(f.text, sizeof(f.text), gather ? "" : "0000:3b:00.0");
    c->state = GREETING;
    want(w, c, false);
    write_frame(w, c, &f);
}

static void shake(struct wire *w, struct wire_connection *c)
{
    int rc = SSL_do_handshake(c->ssl);
    if (rc == 1) {
        hello(w, c);
        return;
    }
    int why = SSL_get_error(c->ssl, rc);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        drop(w, c);
    else
        want(w, c, why == SSL_ERROR_WANT_WRITE);
}

static void connected(struct wire *w, struct wire_connection *c)
{
    int failed = 0;
    socklen_t size = sizeof(failed);
    (void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) {
        drop(w, c);
        return;
    }
    if (!w->tls) {
        hello(w, c);
        return;
    }
    uint32_t number = (uint32_t)(c - w->connection);
    c->ssl = SSL_new(w->tls);
    must(c->ssl && SSL_set_fd(c->ssl, c->fd) == 1);
    must(SSL_use_certificate(c->ssl, w->cert[number]) == 1);
    must(SSL_use_PrivateKey(c->ssl, w->key) == 1);
    SSL_set_connect_state(c->ssl);
    c->state = SHAKING;
    shake(w, c);
}

static void begin(struct wire *w, struct wire_connection *c)
{
    uint32_t number = (uint32_t)(c - w->connection), net = number % WIRE_ADDRESSES + 1;
    struct sockaddr_in from = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(0x7f000001u | net << 8) };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(w->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
        bind(c->fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
        (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)) {
        drop(w, c);
        return;
    }
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->state = CONNECTING;
    c->writing = true;
    (void)epoll_ctl(w->epoll, EPOLL_CTL_ADD, c->fd, &ev);
}

static void welcomed(struct wire *w, struct wire_connection *c)
{
    uint32_t number = (uint32_t)(c - w->connection);
    c->state = UP;
    c->delay_ns = 0;
    c->clock_ns = wire_now_ns() + (int64_t)(draw(w) % (uint64_t)CLOCK_NS);
    w->up++;
    w->connects++;
    for (uint32_t i = 0; number >= w->direct && i < c->machines && c->state == UP; i++) {
        struct agent_frame f = { .verb = AGENT_MACHINE, .n = i + 1 };
        copy(f.name, sizeof(f.name), w->name[c->first + i]);
        write_frame(w, c, &f);
    }
    for (uint32_t i = 0; i < c->events && c->state == UP; i++) {
        if (c->event[i].fault == WIRE_SAMPLE)
            send_reading(w, c->event[i].agent);
        if (c->state == UP)
            write_event(w, c, &c->event[i]);
    }
}

/* ---- hearing --------------------------------------------------------------------------------- */

static void take_line(struct wire *w, struct wire_connection *c, const char *line, size_t size)
{
    struct agent_frame f;
    struct mw_error err = { 0 };
    if (agent_frame_read(line, size, &f, &err) < 0) {
        fprintf(stderr, "agents: %s: %.*s\n", err.text, (int)size, line);
        drop(w, c);
        return;
    }
    if (f.verb == AGENT_WELCOME && c->state == GREETING)
        welcomed(w, c);
    else if (f.verb == AGENT_ACK)
        acknowledged(w, c, f.n);
    else if (f.verb == AGENT_REFUSE) {
        if (w->refused++ == 0)
            fprintf(stderr, "agents: refused: %s\n", f.text);
        drop(w, c);
    }
}

static void take_lines(struct wire *w, struct wire_connection *c)
{
    size_t from = 0;
    for (const char *end; c->state >= GREETING &&
         (end = memchr(c->in + from, '\n', c->in_size - from)) != NULL;) {
        size_t size = (size_t)(end - c->in) - from, at = from;
        from += size + 1;
        take_line(w, c, c->in + at, size);
    }
    if (c->state < GREETING)
        return;
    memmove(c->in, c->in + from, c->in_size - from);
    c->in_size -= from;
}

static void hear(struct wire *w, struct wire_connection *c)
{
    while (c->state >= GREETING) {
        size_t room = sizeof(c->in) - c->in_size, got = 0;
        if (c->ssl) {
            if (SSL_read_ex(c->ssl, c->in + c->in_size, room, &got) != 1) {
                if (SSL_get_error(c->ssl, 0) != SSL_ERROR_WANT_READ)
                    drop(w, c);
                return;
            }
        } else {
            ssize_t n = recv(c->fd, c->in + c->in_size, room, MSG_DONTWAIT);
            if (n <= 0) {
                if (n == 0 || (errno != EAGAIN && errno != EINTR))
                    drop(w, c);
                return;
            }
            got = (size_t)n;
        }
        c->in_size += got;
        take_lines(w, c);
        if (!c->ssl && got < room)
            return;
    }
}

static void ready(struct wire *w, struct wire_connection *c, uint32_t events)
{
    if (c->state == CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        connected(w, c);
    else if (c->state == SHAKING)
        shake(w, c);
    else if (c->state >= GREETING) {
        if (events & EPOLLOUT)
            flush(w, c);
        if (c->state >= GREETING && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
            hear(w, c);
    }
}

/* ---- turns ----------------------------------------------------------------------------------- */

static void connect_some(struct wire *w, int64_t now_ns)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->connections && n < CONNECTS_PER_TURN; i++) {
        struct wire_connection *c = &w->connection[i];
        if (c->state != DOWN || now_ns < c->retry_ns)
            continue;
        begin(w, c);
        n++;
    }
}

static void ask_clock(struct wire *w, struct wire_connection *c, int64_t now_ns)
{
    if (c->state != UP || now_ns < c->clock_ns)
        return;
    const struct agent_frame f = { .verb = AGENT_CLOCK,
                                   .t0_us = (int64_t)time(NULL) * 1000000 };
    c->clock_ns = now_ns + CLOCK_NS;
    write_frame(w, c, &f);
}

static void send_beat(struct wire *w, uint32_t agent)
{
    struct wire_connection *c = &w->connection[w->agent[agent].connection];
    const struct agent_frame f = { .verb = AGENT_BEAT, .n = w->step + 1 };
    if (c->state == UP && w->agent[agent].machine <= 1)
        write_frame(w, c, &f);
}

/* Each machine has its moment of every second. */
static void send_due(struct wire *w, int64_t now_ns, bool samples)
{
    uint64_t due = (uint64_t)(now_ns - w->began_ns) / 1000 * w->agents / 1000000;
    if (due > w->step + w->agents)
        w->step = due - w->agents; /* we slept: what is past is coalesced */
    for (; w->step < due; w->step++) {
        uint32_t agent = (uint32_t)(w->step % w->agents);
        if (samples)
            send_samples(w, agent);
        else
            send_beat(w, agent);
        if (w->agent[agent].machine <= 1)
            ask_clock(w, &w->connection[w->agent[agent].connection], now_ns);
    }
}

void wire_run(struct wire *w, int64_t until_ns, bool samples)
{
    struct epoll_event ev[256];
    for (int64_t now_ns = wire_now_ns(); now_ns < until_ns; now_ns = wire_now_ns()) {
        if (w->up < w->connections)
            connect_some(w, now_ns);
        send_due(w, now_ns, samples);
        int n = epoll_wait(w->epoll, ev, (int)MW_ARRAY_LEN(ev), 1);
        for (int i = 0; i < n; i++)
            ready(w, ev[i].data.ptr, ev[i].events);
    }
}
