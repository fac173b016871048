/* What the API answers.  See routes.h. */
#include "api/routes.h"

#include <string.h>

#include "api/act.h"
#include "api/detail.h"
#include "api/views.h"
#include "base/mem.h"
#include "store/event_json.h"

static json_t *healthz(const struct api_call *call, int *status, struct mw_error *err)
{
    struct live_stats s = live_stats(loop_live(call->site->loop));
    bool good = s.trouble_since_ns == 0;
    (void)err;
    *status = good ? 200 : 503;
    return json_pack("{s:s, s:s*}", "status", good ? "ok" : "the record takes nothing", "why",
                     good ? NULL : s.trouble);
}

static json_t *get_status(const struct api_call *call, int *status, struct mw_error *err)
{
    json_t *o = api_status(call->site);
    *status = 200;
    if (o == NULL) {
        *status = 0;
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
    }
    return o;
}

/* The event as it stands in the record now. */
static json_t *recorded(const struct live *l, uint64_t seq, struct mw_error *err)
{
    struct event ev;
    struct journal *j = live_journal(l);
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (tail == NULL || j->ops->get(j, seq, &ev, tail, err) < 0)
        return NULL;
    json_t *o = event_json(&ev, ev.tail_size ? tail : NULL);
    return o != NULL ? json_pack("{s:o}", "recorded", o) : NULL;
}

static json_t *post_command(const struct api_call *call, int *status, struct mw_error *err)
{
    struct api_command c;
    uint64_t seq = 0;
    struct live *l = loop_live(call->site->loop);
    if (api_command_read(call->body, call->size, &c, err) < 0)
        return NULL;
    if (api_act(l, loop_now_ns(call->site->loop), call->actor, &c, &seq, err) < 0)
        return NULL;
    *status = 200;
    json_t *o = recorded(l, seq, err);
    return o != NULL ? o : json_pack("{s:{s:I}}", "recorded", "seq", (json_int_t)seq);
}

/* Is `key` one of "a=1&b=1"?  "key", "key=1" and "key=true" say yes. */
static bool asks(const char *query, const char *key)
{
    size_t n = strlen(key);
    for (const char *at = query; at != NULL && *at != '\0'; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, key, n) != 0)
            continue;
        size_t rest = strcspn(at + n, "&");
        if (rest == 0 || (rest == 2 && strncmp(at + n, "=1", 2) == 0) ||
            (rest == 5 && strncmp(at + n, "=true", 5) == 0))
            return true;
    }
    return false;
}

static json_t *get_view(const struct api_call *call, int *status, struct mw_error *err)
{
    const struct live *l = loop_live(call->site->loop);
    const struct control *c = live_control(l);
    const struct words words = { .fleet = c->board->fleet, .policy = &c->policy,
                                 .detail = api_finding_detail };
    struct journal *j = live_journal(l);
    struct serials *serials = call->site->serials;
    if (serials != NULL && serials_update(serials, j, words.fleet, err) < 0)
        return NULL;
    const struct api_view_of v = { .control = c, .journal = j, .words = &words,
                                   .serials = serials, .now_ns = loop_now_ns(call->site->loop),
                                   .all = asks(call->query, "all") };
    json_t *o = api_view_find(strrchr(call->path, '/') + 1)->make(&v, err);
    *status = o != NULL ? 200 : 0;
    return o;
}

const struct api_route api_routes[] = {
    { "/healthz", API_GET, healthz, "200 while what is heard is recorded, else 503" },
    { "/api/v1/status", API_GET, get_status, "the daemon: mode, worlds, record, what waits" },
    { "/api/v1/commands", API_POST, post_command, "a person's command becomes a fact" },
    { "/api/v1/incidents", API_GET, get_view, "open incidents, symptoms counted; ?all" },
    { "/api/v1/orders", API_GET, get_view, "open work orders and actions, stuck ones first" },
    { "/api/v1/parts", API_GET, get_view, "parts in the store and on their way" },
    { "/api/v1/odds", API_GET, get_view, "how often each step cures" },
    { "/api/v1/lemons", API_GET, get_view, "nodes that fail more often than others; ?all" },
    { "/api/v1/spares", API_GET, get_view, "nodes kept for restarts, and why so many" },
    { "/api/v1/budget", API_GET, get_view, "what automation took, and may take" },
    { "/api/v1/windows", API_GET, get_view, "maintenance, planned and on" },
    { 0 },
};

const struct api_route *api_route_find(const char *path, enum api_method method,
                                       uint32_t *ret_allowed)
{
    must(path != NULL && ret_allowed != NULL);
    *ret_allowed = 0;
    for (const struct api_route *r = api_routes; r->path != NULL; r++) {
        if (strcmp(r->path, path) != 0)
            continue;
        *ret_allowed |= r->method;
        if (r->method == method)
            return r;
    }
    return NULL;
}

int api_http_status(int code)
{
    switch (code) {
    case MW_ESYNTAX:
        return 400;
    case MW_EDENIED:
        return 403;
    case MW_EEXIST:
    case MW_ECONFLICT:
        return 409;
    case MW_EINVAL:
    case MW_ENOTFOUND: /* what the body names; an unknown path is found out before */
        return 422;
    case MW_ELIMIT:
    case MW_ENOMEM:
    case MW_EBUSY:
        return 503;
    case MW_ENOSPC:
        return 507;
    default:
        return 500;
    }
}

const char *api_http_title(int status)
{
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 503: return "Service Unavailable";
    case 507: return "Insufficient Storage";
    default: return "Internal Server Error";
    }
}

json_t *api_problem(int status, const struct mw_error *err)
{
    json_t *detail = json_string(err->text);
    return json_pack("{s:s, s:s, s:i, s:o, s:s}", "type", "about:blank", "title",
                     api_http_title(status), "status", status, "detail",
                     detail != NULL ? detail : json_string("(unreadable)"), "code",
                     mw_code_name(err->code));
}
