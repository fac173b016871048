/*
 * HTTP by libevent.  Owns the socket and its connections; what is asked and
 * answered is in routes.c.
 */
#include "api/api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include "base/mem.h"

#define SLOW_S 10
#define HEADERS_MAX 16384
#define BODY_ROOM ((ev_ssize_t)1 << 20) /* past API_BODY_MAX we refuse, past this libevent does */
#define BACKLOG 64

struct api {
    struct api_site site;
    struct serials serials; /* read on with each question that needs them */
    struct evhttp *http;
    struct sockaddr_un at;
    struct stat made; /* the socket as we made it */
    bool bound;
};

/* ---- answers ------------------------------------------------------------------------------- */

static void send_json(struct evhttp_request *q, int status, json_t *body, const char *type)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(q);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    struct evbuffer *out = evhttp_request_get_output_buffer(q);
    (void)evhttp_add_header(headers, "Content-Type", type);
    (void)evhttp_add_header(headers, "Cache-Control", "no-store");
    if (text == NULL)
        status = 500;
    else if (evbuffer_add_printf(out, "%s\n", text) < 0)
        status = 500;
    mw_free(text); /* jansson's allocator is the system's */
    json_decref(body);
    evhttp_send_reply(q, status, api_http_title(status), NULL);
}

static void send_problem(struct evhttp_request *q, int status, const struct mw_error *err)
{
    send_json(q, status, api_problem(status, err), "application/problem+json");
}

/* Who is at the other end; 0 when the kernel does not say, or it is nobody's number. */
static uint32_t actor_of(struct evhttp_request *q)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    struct bufferevent *b =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(q));
    if (getsockopt(bufferevent_getfd(b), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return 0;
    return peer.uid <= UINT32_MAX - API_ACTOR_USER - 1 ? API_ACTOR_USER + peer.uid : 0;
}

static enum api_method method_of(const struct evhttp_request *q)
{
    switch (evhttp_request_get_command(q)) {
    case EVHTTP_REQ_GET:
        return API_GET;
    case EVHTTP_REQ_POST:
        return API_POST;
    default:
        return 0;
    }
}

/* Is the body JSON, and said to be?  0, or the status of the refusal. */
static int check_body(struct evhttp_request *q, size_t size, struct mw_error *err)
{
    const char *type = evhttp_find_header(evhttp_request_get_input_headers(q), "Content-Type");
    if (size > API_BODY_MAX) {
        (void)mw_fail(err, MW_ELIMIT, "the body has %zu bytes; at most %zu are taken", size,
                      API_BODY_MAX);
        return 413;
    }
    if (method_of(q) == API_POST && (type == NULL || strncmp(type, "application/json", 16) != 0)) {
        (void)mw_fail(err, MW_EINVAL, "the body must be application/json");
        return 415;
    }
    return 0;
}

static const struct api_route *route_of(struct evhttp_request *q, int *status,
                                        struct mw_error *err)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(q));
    uint32_t allowed = 0;
    const struct api_route *r = api_route_find(path != NULL ? path : "", method_of(q), &allowed);
    if (r == NULL && allowed == 0) {
        *status = 404;
        (void)mw_fail(err, MW_ENOTFOUND, "there is no %.100s here", path != NULL ? path : "");
    } else if (r == NULL) {
        *status = 405;
        const char *methods = allowed == API_GET ? "GET" : allowed == API_POST ? "POST"
                                                                              : "GET, POST";
        (void)evhttp_add_header(evhttp_request_get_output_headers(q), "Allow", methods);
        (void)mw_fail(err, MW_EINVAL, "%.100s takes only %s", path, methods);
    }
    return r;
}

static void answer(struct api *a, struct evhttp_request *q, const struct api_route *r, size_t size)
{
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(q));
    struct api_call call = { .site = &a->site, .size = size, .actor = actor_of(q),
                             .path = r->path, .query = query };
    struct mw_error err = { .code = MW_EBUG, .text = "internal error" };
    int status = 0;
    char *body mw_cleanup(mw_freep) = mw_calloc(1, size + 1);
    if (body == NULL) {
        send_problem(q, 503, &(struct mw_error){ .code = MW_ENOMEM, .text = "out of memory" });
        return;
    }
    (void)evbuffer_remove(evhttp_request_get_input_buffer(q), body, size);
    call.body = body;
    json_t *o = NULL;
    if (call.actor != 0)
        o = r->handler(&call, &status, &err);
    else
        (void)mw_fail(&err, MW_EDENIED, "who asks is not known");
    if (o != NULL)
        send_json(q, status, o, "application/json");
    else
        send_problem(q, status >= 400 ? status : api_http_status(err.code), &err);
}

static void on_request(struct evhttp_request *q, void *ctx)
{
    struct mw_error err = { 0 };
    int status = 0;
    size_t size = evbuffer_get_length(evhttp_request_get_input_buffer(q));
    const struct api_route *r = route_of(q, &status, &err);
    if (r != NULL)
        status = check_body(q, size, &err);
    if (status != 0)
        send_problem(q, status, &err);
    else
        answer(ctx, q, r, size);
}

/* ---- the socket ---------------------------------------------------------------------------- */

static int system_fail(struct mw_error *err, const char *path)
{
    int code = errno == EACCES || errno == EPERM ? MW_EDENIED
               : errno == ENOENT                 ? MW_ENOTFOUND
                                                 : MW_EIO;
    return mw_fail(err, code, "cannot listen on %s: %s", path, strerror(errno));
}

/* Nobody listens on what is there. */
static int clear_path(const struct sockaddr_un *at, struct mw_error *err)
{
    struct stat st;
    if (lstat(at->sun_path, &st) != 0)
        return errno == ENOENT ? 0 : system_fail(err, at->sun_path);
    if (!S_ISSOCK(st.st_mode))
        return mw_fail(err, MW_EEXIST, "%s is there and no socket: remove it, or choose another "
                       "path with --socket", at->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return system_fail(err, at->sun_path);
    bool heard = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;
    (void)close(fd);
    if (heard)
        return mw_fail(err, MW_EBUSY, "another daemon listens on %s: stop it, or choose another "
                       "path with --socket", at->sun_path);
    return unlink(at->sun_path) == 0 ? 0 : system_fail(err, at->sun_path);
}

static int bind_socket(struct api *a, int fd, struct mw_error *err)
{
    mode_t before = umask(0177); /* never open to others, not even for a moment */
    int rc = bind(fd, (const struct sockaddr *)&a->at, sizeof(a->at));
    (void)umask(before);
    if (rc != 0)
        return system_fail(err, a->at.sun_path);
    a->bound = stat(a->at.sun_path, &a->made) == 0;
    return listen(fd, BACKLOG) == 0 ? 0 : system_fail(err, a->at.sun_path);
}

static int api_listen(struct api *a, struct event_base *base, struct mw_error *err)
{
    int rc = clear_path(&a->at, err);
    if (rc < 0)
        return rc;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return system_fail(err, a->at.sun_path);
    rc = bind_socket(a, fd, err);
    struct evconnlistener *l = NULL;
    if (rc == 0)
        l = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0,
                               fd);
    if (l != NULL && evhttp_bind_listener(a->http, l) != NULL) {
        evconnlistener_set_error_cb(l, listener_breathe);
        return 0;
    }
    if (l != NULL)
        evconnlistener_free(l);
    else
        (void)close(fd);
    return rc < 0 ? rc : mw_fail(err, MW_ENOMEM, "out of memory");
}

static int api_init(struct api *a, const struct api_options *o, struct mw_error *err)
{
    struct event_base *base = loop_base(o->site.loop);
    a->site = o->site;
    a->site.serials = &a->serials;
    a->at.sun_family = AF_UNIX;
    int n = snprintf(a->at.sun_path, sizeof(a->at.sun_path), "%s", o->socket);
    if (n <= 0 || (size_t)n >= sizeof(a->at.sun_path))
        return mw_fail(err, MW_EINVAL, "the path of the socket must have 1 to %zu bytes: choose "
                       "another with --socket", sizeof(a->at.sun_path) - 1);
    a->http = evhttp_new(base);
    if (a->http == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    evhttp_set_max_headers_size(a->http, HEADERS_MAX);
    evhttp_set_max_body_size(a->http, BODY_ROOM);
    evhttp_set_timeout(a->http, SLOW_S);
    evhttp_set_allowed_methods(a->http, UINT16_MAX); /* the table says which; we answer 405 */
    evhttp_set_gencb(a->http, on_request, a);
    return api_listen(a, base, err);
}

int api_create(const struct api_options *o, struct api **ret, struct mw_error *err)
{
    must(o != NULL && o->site.loop != NULL && o->socket != NULL && ret != NULL);
    struct api *a = mw_calloc(1, sizeof(*a));
    if (a == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = api_init(a, o, err);
    if (rc < 0) {
        api_destroy(a);
        return rc;
    }
    *ret = a;
    return 0;
}

void api_destroy(struct api *a)
{
    struct stat st;
    if (a == NULL)
        return;
    if (a->http != NULL)
        evhttp_free(a->http);
    serials_fini(&a->serials);
    if (a->bound && stat(a->at.sun_path, &st) == 0 && st.st_ino == a->made.st_ino &&
        st.st_dev == a->made.st_dev)
        (void)unlink(a->at.sun_path);
    mw_free(a);
}
