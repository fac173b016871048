/* See gang_http.h. */
#include "bench/gang_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"

#define CLIENTS_MAX 256u
#define BODY "{\"nodes\": 4, \"gpus\": 32, \"work_s\": 86400, \"name\": \"train\"}"

/* ---- the server ----------------------------------------------------------------------------- */

struct server {
    struct gang_stand *stand;
    struct event_base *base;
    struct evhttp *http;
    struct event *commit; /* after everything that is there to be read */
    struct {
        struct evhttp_request *q;
        struct gang_life *place; /* the one that ended: its successor is kept there */
        uint64_t job;
    } held[CLIENTS_MAX];
    uint32_t helds, answered, count;
};

static void answer(struct server *v, uint32_t i)
{
    struct gang_stand *s = v->stand;
    struct gang_life life = gang_placed(s, v->held[i].job);
    struct evbuffer *out = evbuffer_new();
    uint32_t node = s->first_node[life.job % GANG_OFFERS_MAX];
    must(out);
    *v->held[i].place = life;
    (void)evbuffer_add_printf(out, "{\"job\": %llu, \"groups\": %u, \"nodes\": [",
                              (unsigned long long)life.job, life.groups);
    const struct board *b = s->control->board;
    for (node = b->job_first_node[life.slot]; node != MW_NONE; node = b->node_next[node])
        (void)evbuffer_add_printf(out, "\"%s\"%s",
                                  fleet_name(s->fleet, component_id(COMPONENT_NODE, node)),
                                  b->node_next[node] == MW_NONE ? "" : ", ");
    (void)evbuffer_add_printf(out, "]}\n");
    evhttp_send_reply(v->held[i].q, 200, "OK", out);
    evbuffer_free(out);
    v->answered++;
}

static void commit(evutil_socket_t fd, short what, void *ctx)
{
    struct server *v = ctx;
    (void)fd;
    (void)what;
    gang_commit(v->stand);
    for (uint32_t i = 0; i < v->helds; i++)
        answer(v, i);
    v->helds = 0;
    if (v->answered == v->count)
        (void)event_base_loopexit(v->base, NULL);
}

static void request(struct evhttp_request *q, void *ctx)
{
    struct server *v = ctx;
    struct gang_stand *s = v->stand;
    struct evbuffer *in = evhttp_request_get_input_buffer(q);
    size_t size = evbuffer_get_length(in);
    json_t *job = json_loadb((const char *)evbuffer_pullup(in, -1), size, 0, NULL);
    json_int_t nodes = json_integer_value(json_object_get(job, "nodes"));
    must(job && nodes == GANG_FOUR && v->helds < CLIENTS_MAX);
    json_decref(job);
    s->now_ns += MW_NS_PER_MS;
    /* One of those that run ends; it is not one that has just taken another's row of the list. */
    struct gang_life *one = gang_any(s, true);
    for (uint32_t i = 0; i < v->helds; i++)
        while (v->held[i].place == one) {
            one = gang_any(s, true);
            i = 0;
        }
    gang_end(s, one);
    v->held[v->helds].q = q;
    v->held[v->helds].place = one;
    v->held[v->helds++].job = gang_offer(s, (uint32_t)nodes);
    event_active(v->commit, 0, 0);
}

static uint16_t serve(struct server *v)
{
    struct sockaddr_in at = { 0 };
    socklen_t size = sizeof(at);
    v->base = event_base_new();
    must(v->base && event_base_priority_init(v->base, 2) == 0);
    v->http = evhttp_new(v->base);
    v->commit = event_new(v->base, -1, EV_PERSIST, commit, v);
    must(v->http && v->commit && event_priority_set(v->commit, 1) == 0);
    evhttp_set_gencb(v->http, request, v);
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(v->http, "127.0.0.1", 0);
    must(bound);
    must(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)(void *)&at, &size) ==
         0);
    return ntohs(at.sin_port);
}

/* ---- the clients, in a process of their own -------------------------------------------------- */

struct client {
    int fd;
    double asked_s;
    size_t got;
    char in[4096];
};

static void ask(struct client *c)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "POST /jobs HTTP/1.1\r\nHost: l\r\nContent-Type: "
                     "application/json\r\nContent-Length: %zu\r\n\r\n%s", sizeof(BODY) - 1, BODY);
    c->got = 0;
    c->asked_s = measure_wall_s();
    must(write(c->fd, text, (size_t)n) == n);
}

static void dial(struct client *c, uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(c->fd >= 0 && connect(c->fd, (struct sockaddr *)(void *)&to, sizeof(to)) == 0);
}

/* An answer ends with the end of its one line of JSON. */
static bool heard(struct client *c)
{
    ssize_t n = read(c->fd, c->in + c->got, sizeof(c->in) - 1 - c->got);
    must(n > 0);
    c->got += (size_t)n;
    c->in[c->got] = '\0';
    must(strncmp(c->in, "HTTP/1.1 200", MW_MIN(c->got, (size_t)12)) == 0);
    return c->got > 2 && strcmp(c->in + c->got - 3, "]}\n") == 0;
}

static void ask_all(uint16_t port, uint32_t clients, uint32_t count, uint64_t *ret_ns)
{
    static struct client client[CLIENTS_MAX];
    static struct pollfd at[CLIENTS_MAX];
    uint32_t asked = 0, answered = 0;
    for (uint32_t i = 0; i < clients; i++) {
        dial(&client[i], port);
        at[i] = (struct pollfd){ .fd = client[i].fd, .events = POLLIN };
    }
    for (; asked < clients; asked++)
        ask(&client[asked]);
    while (answered < count) {
        must(poll(at, clients, 60000) > 0);
        for (uint32_t i = 0; i < clients; i++) {
            if (!(at[i].revents & POLLIN) || !heard(&client[i]))
                continue;
            ret_ns[answered++] = (uint64_t)((measure_wall_s() - client[i].asked_s) * 1e9);
            if (asked < count) {
                ask(&client[i]);
                asked++;
            }
        }
    }
}

double gang_http_run(struct gang_stand *s, uint32_t clients, uint32_t count, struct gang_times *t)
{
    struct server v = { .stand = s, .count = count };
    uint64_t *ns = mmap(NULL, count * sizeof(*ns), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(ns != MAP_FAILED && clients <= CLIENTS_MAX && clients <= count);
    uint16_t port = serve(&v);
    double start = measure_wall_s();
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        ask_all(port, clients, count, ns);
        _exit(0);
    }
    must(event_base_dispatch(v.base) >= 0);
    double took = measure_wall_s() - start;
    int status = 0;
    event_free(v.commit);
    struct timeval moment = { .tv_usec = 50000 };
    (void)event_base_loopexit(v.base, &moment); /* the last answers go out */
    (void)event_base_dispatch(v.base);
    must(waitpid(pid, &status, 0) == pid && status == 0);
    for (uint32_t i = 0; i < count; i++)
        gang_add_time(t, ns[i]);
    evhttp_free(v.http);
    event_base_free(v.base);
    (void)munmap(ns, count * sizeof(*ns));
    return took;
}
