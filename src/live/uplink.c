/*
 * A non-blocking client.  What goes up waits in one buffer of whole records, in
 * the order in which it was said; a break empties it, as events are in the spool
 * and all else is said again.  Names are resolved at each try, which may block
 * for the resolver's time: only while there is no daemon to beat to.
 */
#include "live/uplink.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "live/tls_client.h"

#define USER_TIMEOUT_MS 5000 /* bytes that nobody acknowledges for so long end the connection */
#define WINDOW 4096          /* events on their way without an acknowledgement */
#define AGAIN_MS 10000       /* no acknowledgement for so long: they are sent again */
#define CLOCK_FIRST_MS 1000  /* between the first questions for the time … */
#define CLOCK_FIRST 4        /* … so many … */
#define CLOCK_MS 5000        /* … and later */

static int64_t wall_us(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void tell(struct uplink *u, const char *what)
{
    if (strncmp(u->trouble, what, sizeof(u->trouble) - 1) == 0)
        return;
    (void)snprintf(u->trouble, sizeof(u->trouble), "%.199s", what);
    (void)fprintf(stderr, "%s: %s:%s: %s\n", u->who, u->host, u->port, what);
}

/* ---- making -------------------------------------------------------------------------------- */

static int open_parts(struct uplink *u, const struct uplink_options *o, struct mw_error *err)
{
    const struct spool_options spool = { .dir = o->spool_dir, .boot = o->hello->boot,
                                         .bytes_max = o->spool_bytes };
    u->out = calloc(1, u->out_bytes);
    u->in = calloc(1, AGENT_FRAME_MAX);
    if (u->out == NULL || u->in == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = o->tls_dir != NULL ? tls_client_create(o->tls_dir, &u->tls, err) : 0;
    if (rc == 0 && u->tls != NULL && strcmp(tls_client_name(u->tls), u->hello.name) != 0)
        rc = mw_fail(err, MW_ECONFLICT, "the certificate in %s is for \"%s\", but this is \"%s\": "
                     "join again, or start with that name", o->tls_dir, tls_client_name(u->tls),
                     u->hello.name);
    return rc == 0 ? spool_open(&spool, &u->spool, err) : rc;
}

int uplink_init(struct uplink *u, const struct uplink_options *o, struct mw_error *err)
{
    must(o->who != NULL && o->host != NULL && o->port != NULL);
    must(o->hello != NULL && o->hello->verb == AGENT_HELLO);
    *u = (struct uplink){ .who = o->who, .host = o->host, .port = o->port, .hello = *o->hello,
                          .fd = -1, .delay_ms = UPLINK_RETRY_MS_MIN,
                          .out_bytes = o->out_bytes > 0 ? o->out_bytes : UPLINK_OUT_BYTES };
    must(u->out_bytes >= 4 * (size_t)AGENT_FRAME_MAX);
    u->hello.version = AGENT_PROTOCOL;
    int rc = open_parts(u, o, err);
    if (rc < 0) {
        uplink_fini(u);
        return rc;
    }
    (void)snprintf(u->hello.spool, sizeof(u->hello.spool), "%s", spool_id(u->spool));
    return 0;
}

void uplink_fini(struct uplink *u)
{
    if (u->tls != NULL)
        tls_client_end(u->tls);
    if (u->fd >= 0)
        (void)close(u->fd);
    tls_client_destroy(u->tls);
    spool_close(u->spool);
    free(u->out);
    free(u->in);
    *u = (struct uplink){ .fd = -1 };
}

/* ---- the connection ------------------------------------------------------------------------ */

/* Half to all of a delay that doubles: agents that lost one daemon do not come back as one. */
static void down(struct uplink *u, int64_t now_ms, const char *why)
{
    uint32_t random = 0;
    tell(u, why);
    if (u->tls != NULL)
        tls_client_end(u->tls);
    if (u->fd >= 0)
        (void)close(u->fd);
    u->fd = -1;
    u->state = UPLINK_DOWN;
    u->wants_write = false;
    u->in_length = u->queued = u->done = 0;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
        random = (uint32_t)now_ms * 2654435761u;
    u->due_ms = now_ms + u->delay_ms / 2 + random % (u->delay_ms / 2 + 1);
    u->delay_ms = MW_MIN(u->delay_ms * 2, (uint32_t)UPLINK_RETRY_MS_MAX);
}

static void set_options(int fd)
{
    const int on = 1, timeout_ms = USER_TIMEOUT_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
}

/* Bytes that the connection took; 0 = none now; < 0: it broke, and is down. */
static ssize_t give(struct uplink *u, int64_t now_ms, const char *from, size_t size)
{
    struct mw_error err = { 0 };
    if (u->tls != NULL) {
        int n = tls_client_write(u->tls, from, size, &err);
        if (n < 0)
            down(u, now_ms, err.text);
        return n;
    }
    ssize_t n;
    do
        n = send(u->fd, from, size, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n < 0)
        down(u, now_ms, strerror(errno));
    return n;
}

static void flush(struct uplink *u, int64_t now_ms)
{
    while (u->done < u->queued) {
        ssize_t n = give(u, now_ms, u->out + u->done, u->queued - u->done);
        if (n < 0)
            return;
        if (n == 0)
            break;
        u->done += (size_t)n;
        u->stats.bytes_sent += (uint64_t)n;
    }
    if (u->done == u->queued)
        u->done = u->queued = 0;
    u->wants_write = u->queued > 0;
}

/* Room for `size` bytes at the end of what waits; NULL when there is none. */
static char *room_for(struct uplink *u, size_t size)
{
    if (size <= u->out_bytes - u->queued)
        return u->out + u->queued;
    memmove(u->out, u->out + u->done, u->queued - u->done);
    u->queued -= u->done;
    u->done = 0;
    return size <= u->out_bytes - u->queued ? u->out + u->queued : NULL;
}

static bool queue_frame(struct uplink *u, const struct agent_frame *f)
{
    char line[AGENT_FRAME_MAX + 1];
    size_t n = agent_frame_write(f, line, sizeof(line));
    char *to = n > 0 ? room_for(u, n) : NULL;
    if (to == NULL)
        return false;
    memcpy(to, line, n);
    u->queued += n;
    return true;
}

/* As many events as the window and half of the room take. */
static void queue_events(struct uplink *u)
{
    while (spool_waits(u->spool) && spool_sent(u->spool) < WINDOW &&
           u->queued - u->done < u->out_bytes / 2) {
        size_t most = (size_t)2 * AGENT_FRAME_MAX;
        char *to = room_for(u, most);
        size_t n = to != NULL ? spool_next(u->spool, to, most) : 0;
        if (n == 0)
            return;
        u->queued += n;
    }
}

static void push(struct uplink *u, int64_t now_ms)
{
    if (u->state != UPLINK_UP)
        return;
    queue_events(u);
    flush(u, now_ms);
}

static void greet(struct uplink *u, int64_t now_ms)
{
    u->hello.e = spool_first(u->spool);
    must(queue_frame(u, &u->hello));
    u->state = UPLINK_GREETING;
    u->due_ms = now_ms + (u->tls != NULL ? UPLINK_SECURE_MS : UPLINK_WELCOME_MS);
    flush(u, now_ms);
}

static void secure(struct uplink *u, int64_t now_ms)
{
    struct mw_error err = { 0 };
    int rc = tls_client_shake(u->tls, &u->wants_write, &err);
    if (rc < 0)
        down(u, now_ms, err.text);
    else if (rc > 0)
        greet(u, now_ms);
}

static void connected(struct uplink *u, int64_t now_ms)
{
    struct mw_error err = { 0 };
    if (u->tls == NULL) {
        greet(u, now_ms);
        return;
    }
    u->state = UPLINK_SECURING;
    u->due_ms = now_ms + UPLINK_SECURE_MS;
    if (tls_client_begin(u->tls, u->fd, &err) < 0)
        down(u, now_ms, err.text);
    else
        secure(u, now_ms);
}

static void connect_now(struct uplink *u, int64_t now_ms)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(u->host, u->port, &hints, &list);
    if (rc != 0) {
        down(u, now_ms, gai_strerror(rc));
        return;
    }
    u->fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd >= 0) {
        u->sockets++;
        set_options(u->fd);
        rc = connect(u->fd, list->ai_addr, list->ai_addrlen);
    }
    int why = errno;
    freeaddrinfo(list);
    if (u->fd < 0 || (rc != 0 && why != EINPROGRESS)) {
        down(u, now_ms, strerror(why));
        return;
    }
    u->state = UPLINK_CONNECTING;
    u->wants_write = true;
    u->due_ms = now_ms + UPLINK_WELCOME_MS;
    if (rc == 0)
        connected(u, now_ms);
}

/* ---- while it stands ----------------------------------------------------------------------- */

static void ask_clock(struct uplink *u, int64_t now_ms)
{
    struct agent_frame f = { .verb = AGENT_CLOCK };
    bool first = u->skew.taken < CLOCK_FIRST;
    u->clock_due_ms = now_ms + (first ? CLOCK_FIRST_MS : CLOCK_MS);
    if (u->queued > 0)
        return; /* it would wait, and measure that */
    u->asked_us = wall_us();
    f.t0_us = u->asked_us;
    if (queue_frame(u, &f))
        flush(u, now_ms);
}

static void ask_renewal(struct uplink *u, int64_t now_ms)
{
    struct agent_frame f;
    struct mw_error err = { 0 };
    int64_t now_s = wall_us() / 1000000;
    if (u->tls == NULL || !tls_client_renewal_due(u->tls, now_s))
        return;
    if (tls_client_ask(u->tls, now_s, &f, &err) < 0)
        tell(u, err.text);
    else if (queue_frame(u, &f))
        flush(u, now_ms);
}

static void tick_up(struct uplink *u, int64_t now_ms)
{
    if (now_ms - u->heard_ms > UPLINK_SILENT_MS) {
        down(u, now_ms, "the daemon does not answer any more");
        return;
    }
    if (now_ms >= u->clock_due_ms)
        ask_clock(u, now_ms);
    if (u->state == UPLINK_UP)
        ask_renewal(u, now_ms);
    if (u->state == UPLINK_UP && spool_sent(u->spool) > 0 && now_ms - u->acked_ms >= AGAIN_MS) {
        spool_rewind(u->spool); /* not taken, or the answer was lost */
        u->acked_ms = now_ms;
    }
    push(u, now_ms);
}

void uplink_tick(struct uplink *u, int64_t now_ms)
{
    if (u->state == UPLINK_UP)
        tick_up(u, now_ms);
    else if (now_ms < u->due_ms)
        return;
    else if (u->state == UPLINK_DOWN)
        connect_now(u, now_ms);
    else if (u->state == UPLINK_GREETING)
        down(u, now_ms, "it does not welcome us: not mw serve?");
    else
        down(u, now_ms, u->state == UPLINK_SECURING
                            ? "it does not answer in TLS: start mw serve with --agents-tls, or "
                              "this without a certificate"
                            : "no answer");
}

/* ---- reading ------------------------------------------------------------------------------- */

static void tell_dropped(struct uplink *u)
{
    struct agent_frame f = { .verb = AGENT_SOURCE, .name = "spool", .state = AGENT_SOURCE_SILENT };
    if (u->stats.spool_dropped == u->dropped_told)
        return;
    (void)snprintf(f.text, sizeof(f.text), "%llu events were lost: the spool was full, or could "
                   "not be written", (unsigned long long)u->stats.spool_dropped);
    (void)fprintf(stderr, "%s: %s\n", u->who, f.text);
    if (queue_frame(u, &f))
        u->dropped_told = u->stats.spool_dropped;
}

static void welcomed(struct uplink *u, int64_t now_ms)
{
    u->state = UPLINK_UP;
    u->delay_ms = UPLINK_RETRY_MS_MIN;
    u->stats.connects++;
    u->acked_ms = now_ms;
    u->clock_due_ms = now_ms;
    u->skew = (struct skew){ .taken = 0 };
    u->dropped_told = 0; /* a new connection is told again */
    spool_rewind(u->spool);
    tell(u, "connected");
    tell_dropped(u);
}

static void answered_clock(struct uplink *u, const struct agent_frame *f)
{
    int64_t error_us = 0;
    if (f->t0_us == u->asked_us && u->asked_us != 0)
        (void)(skew_take(&u->skew, f->t0_us, f->t1_us, wall_us()) &&
               skew_read(&u->skew, &u->last_skew_us, &error_us));
    u->asked_us = 0;
}

static void acked(struct uplink *u, int64_t now_ms, const struct agent_frame *f)
{
    uint64_t before = spool_unacked(u->spool);
    spool_ack(u->spool, f->n);
    u->stats.acked += before - spool_unacked(u->spool);
    u->acked_ms = now_ms;
}

static void renewed(struct uplink *u, const struct agent_frame *f)
{
    struct mw_error err = { 0 };
    if (u->tls == NULL)
        return;
    if (tls_client_renewed(u->tls, f, &err) < 0)
        tell(u, err.text);
    else
        u->stats.renewals++;
}

static void refused(struct uplink *u, int64_t now_ms, const struct agent_frame *f)
{
    char why[sizeof(u->trouble)];
    (void)snprintf(why, sizeof(why), "refuses us: %.180s", f->text);
    u->stats.refused++;
    down(u, now_ms, why);
    u->due_ms = now_ms + UPLINK_REFUSED_MS;
}

static void take_up(struct uplink *u, int64_t now_ms, const struct agent_frame *f,
                    uplink_take_fn *take, void *ctx)
{
    switch (f->verb) {
    case AGENT_ACK:
        acked(u, now_ms, f);
        return;
    case AGENT_CLOCK:
        answered_clock(u, f);
        return;
    case AGENT_CERT:
        renewed(u, f);
        return;
    default:
        take(ctx, f);
    }
}

static void take_line(struct uplink *u, int64_t now_ms, size_t length, uplink_take_fn *take,
                      void *ctx)
{
    struct agent_frame f;
    struct mw_error err = { 0 };
    char why[sizeof(u->trouble)];
    int rc = agent_frame_read(u->in, length, &f, &err);
    if (rc == 0 && !agent_verb_is_daemons(f.verb))
        rc = mw_fail(&err, MW_ESYNTAX, "it says \"%s\"", agent_verb_name(f.verb));
    if (rc == 0 && f.verb == AGENT_WELCOME && f.version != AGENT_PROTOCOL)
        rc = mw_fail(&err, MW_EVERSION, "it speaks version %u of the protocol", f.version);
    if (rc < 0) {
        (void)snprintf(why, sizeof(why), "not our daemon: %.170s", err.text);
        down(u, now_ms, why);
    } else if (f.verb == AGENT_REFUSE) {
        refused(u, now_ms, &f);
    } else if (f.verb == AGENT_WELCOME && u->state == UPLINK_GREETING) {
        welcomed(u, now_ms);
        take(ctx, &f);
        push(u, now_ms);
    } else if (u->state == UPLINK_UP) {
        take_up(u, now_ms, &f, take, ctx);
    }
}

/* Bytes read into the rest of `in`; 0 = none now; < 0: the connection ended, and is down. */
static ssize_t receive(struct uplink *u, int64_t now_ms)
{
    struct mw_error err = { 0 };
    char *to = u->in + u->in_length;
    size_t size = AGENT_FRAME_MAX - u->in_length;
    if (u->tls != NULL) {
        int n = tls_client_read(u->tls, to, size, &err);
        if (n < 0)
            down(u, now_ms, err.text);
        return n;
    }
    ssize_t n = recv(u->fd, to, size, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n > 0)
        return n;
    const char *why = n == 0 ? "the daemon closed the connection" : strerror(errno);
    if (u->state == UPLINK_GREETING) /* as a daemon does that speaks TLS */
        why = "it ended the connection at once: with mw serve --agents-tls this node joins first";
    down(u, now_ms, why);
    return -1;
}

static void take_lines(struct uplink *u, int64_t now_ms, uplink_take_fn *take, void *ctx)
{
    while (u->fd >= 0) {
        const char *end = memchr(u->in, '\n', u->in_length);
        if (end == NULL)
            break;
        size_t length = (size_t)(end - u->in);
        uint32_t socket_before = u->sockets;
        take_line(u, now_ms, length, take, ctx);
        if (u->fd < 0 || u->sockets != socket_before)
            return; /* what was read with it is of no use any more */
        memmove(u->in, u->in + length + 1, u->in_length - length - 1);
        u->in_length -= length + 1;
    }
    if (u->fd >= 0 && u->in_length == AGENT_FRAME_MAX)
        down(u, now_ms, "not our daemon: a line without an end");
}

/* TLS may hold bytes that the socket does not show: it is read until there are none. */
static void read_lines(struct uplink *u, int64_t now_ms, uplink_take_fn *take, void *ctx)
{
    for (bool more = true; more && u->fd >= 0;) {
        ssize_t n = receive(u, now_ms);
        if (n <= 0)
            return;
        u->heard_ms = now_ms;
        u->in_length += (size_t)n;
        take_lines(u, now_ms, take, ctx);
        more = u->tls != NULL;
    }
}

void uplink_ready(struct uplink *u, int64_t now_ms, bool readable, uplink_take_fn *take, void *ctx)
{
    int why = 0;
    socklen_t size = sizeof(why);
    if (u->fd < 0)
        return;
    if (u->state == UPLINK_CONNECTING) {
        if (getsockopt(u->fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0 || why != 0)
            down(u, now_ms, strerror(why));
        else
            connected(u, now_ms);
        return;
    }
    if (u->state == UPLINK_SECURING) {
        secure(u, now_ms);
        return;
    }
    if (readable)
        read_lines(u, now_ms, take, ctx);
    if (u->state == UPLINK_UP)
        push(u, now_ms);
    else if (u->state == UPLINK_GREETING && u->wants_write)
        flush(u, now_ms);
}

/* ---- what goes up -------------------------------------------------------------------------- */

void uplink_event(struct uplink *u, int64_t now_ms, const struct agent_frame *f)
{
    struct agent_frame event = *f;
    char line[AGENT_FRAME_MAX + 1];
    uint64_t e = 0;
    struct mw_error err = { 0 };
    must(agent_verb_is_event(f->verb));
    event.e = 0;
    if (event.at_ms == 0)
        event.at_ms = (wall_us() - u->last_skew_us) / 1000;
    size_t n = agent_frame_write(&event, line, sizeof(line));
    must(n > 0);
    if (spool_put(u->spool, line, n, &e, &err) < 0) {
        u->stats.spool_dropped++;
        if (u->state == UPLINK_UP)
            tell_dropped(u);
    } else {
        u->stats.events++;
        u->acked_ms = spool_unacked(u->spool) == 1 ? now_ms : u->acked_ms;
    }
    push(u, now_ms);
}

bool uplink_level(struct uplink *u, int64_t now_ms, const struct agent_frame *f)
{
    if (u->state != UPLINK_UP || !queue_frame(u, f)) {
        u->stats.levels_left_out++;
        return false;
    }
    flush(u, now_ms);
    return true;
}

void uplink_beat(struct uplink *u, int64_t now_ms, const struct agent_frame *f)
{
    if (u->state == UPLINK_UP && u->queued == 0 && queue_frame(u, f))
        flush(u, now_ms);
}

bool uplink_samples(struct uplink *u, int64_t now_ms, const uint8_t *payload, size_t size)
{
    must(size > 0 && size <= AGENT_SAMPLES_MAX);
    bool takes = u->state == UPLINK_UP && u->queued - u->done <= UPLINK_SAMPLES_WAIT;
    char *to = takes ? room_for(u, AGENT_SAMPLES_HEAD + size) : NULL;
    if (to == NULL) {
        u->stats.samples_left_out++;
        return false;
    }
    agent_samples_head((uint8_t *)to, size);
    memcpy(to + AGENT_SAMPLES_HEAD, payload, size);
    u->queued += AGENT_SAMPLES_HEAD + size;
    u->stats.samples++;
    flush(u, now_ms);
    return true;
}

void uplink_bye(struct uplink *u, int64_t now_ms)
{
    const struct agent_frame bye = { .verb = AGENT_BYE };
    struct pollfd p = { .fd = u->fd, .events = POLLOUT };
    if (u->state != UPLINK_UP || !queue_frame(u, &bye))
        return;
    flush(u, now_ms);
    if (u->wants_write && poll(&p, 1, 200) > 0)
        flush(u, now_ms);
    if (u->fd >= 0)
        (void)shutdown(u->fd, SHUT_WR);
}
