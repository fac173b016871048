/*
 * The answers that every daemon has: is it alive, which one is it, how is it;
 * a person's command; the views of api/views.h.
 */
#include <stdio.h>
#include <string.h>

#include "api/audit.h"
#include "api/call_view.h"
#include "api/command_scope.h"
#include "api/dry_run.h"
#include "api/routes.h"
#include "api/server_private.h"
#include "api/wait.h"
#include "base/mem.h"
#include "base/units.h"
#include "store/event_json.h"

#define HEALTH_FRESH_NS MW_NS_PER_S /* no older than the look at a failing record (live/loop.c) */

static int no_memory(struct mw_error *err)
{
    return mw_fail(err, MW_ENOMEM, "out of memory");
}

static int answer_json(struct api_answer *ret, json_t *o, struct mw_error *err)
{
    ret->json = o;
    return o != NULL ? 0 : no_memory(err);
}

/* ---- alive ----------------------------------------------------------------------------------- */

int api_get_live(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    (void)call;
    return answer_json(ret, json_pack("{s:s}", "status", "ok"), err);
}

int api_get_ready(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    const char *trouble = server_trouble(call->server);
    bool ready = api_server_ready(call->server) && trouble == NULL;
    ret->status = ready ? 200 : 503;
    return answer_json(ret, json_pack("{s:s, s:I, s:s*}", "status",
                                      ready ? "ok" : trouble ? "the record cannot be read"
                                                             : "reading the record",
                                      "events_behind", (json_int_t)server_behind(call->server),
                                      "why", trouble), err);
}

int api_get_version(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    (void)call;
    return answer_json(ret, json_pack("{s:s, s:s, s:i}", "program", "millwright", "version",
                                      MW_VERSION, "api", 1), err);
}

/* ---- what only the writer knows -------------------------------------------------------------- */

static json_t *health_json(const struct server_health *h)
{
    return json_pack("{s:s, s:s*}", "status", h->good ? "ok" : "the record takes nothing", "why",
                     h->good ? NULL : h->why);
}

static void told_health(void *ctx, struct ask_answer *t)
{
    struct api_wait *w mw_cleanup(api_wait_freep) = ctx;
    if (w->gone)
        return;
    struct api_server *s = api_later_call(w->later)->server;
    struct server_health *h = server_health(s);
    const json_t *record = json_object_get(t->json, "journal");
    const char *why = json_string_value(json_object_get(record, "trouble"));
    if (t->code < 0)
        why = t->err.text;
    *h = (struct server_health){ .heard_ns = server_now_ns(s), .good = why == NULL };
    (void)snprintf(h->why, sizeof(h->why), "%.255s", why != NULL ? why : "");
    struct api_answer a = { .status = h->good ? 200 : 503, .json = health_json(h) };
    api_later_send(w->later, &a);
}

int api_get_health(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    const struct server_health *h = server_health(call->server);
    struct asks *asks = api_server_asks(call->server);
    if (h->heard_ns != 0 && server_now_ns(call->server) - h->heard_ns < HEALTH_FRESH_NS) {
        ret->status = h->good ? 200 : 503;
        return answer_json(ret, health_json(h), err);
    }
    struct api_wait *w = api_wait_new(call, NULL);
    return w == NULL ? no_memory(err)
                     : api_wait_asked(w, asks_status(asks, told_health, w, err), ret, err);
}

static json_t *follower(struct api_server *s)
{
    struct api_server_stats t = api_server_stats(s);
    const struct replica *r = api_server_replica(s);
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:s*}", "ready", (int)api_server_ready(s),
                     "seq", (json_int_t)(r != NULL ? replica_seq(r) : 0), "behind",
                     (json_int_t)server_behind(s), "rebuilt",
                     (json_int_t)(r != NULL ? replica_rebuilt(r) : 0), "errors",
                     (json_int_t)t.replica_errors, "connections", (json_int_t)t.connections,
                     "requests", (json_int_t)t.requests, "trouble", server_trouble(s));
}

/* Who is confined reads of the daemon, and of its own halls: not which nodes elsewhere are broken,
 * nor what waits there. */
static void confine(json_t *o, const struct principal *who)
{
    json_t *halls = json_object_get(o, "halls");
    if (access_sees_all(who))
        return;
    for (size_t i = json_array_size(halls); i-- > 0;) {
        const json_t *hall = json_object_get(json_array_get(halls, i), "hall");
        if (!access_sees_hall(who, json_string_value(hall)))
            (void)json_array_remove(halls, i);
    }
    (void)json_object_set_new(o, "nodes_not_ready", json_array());
    (void)json_object_set_new(o, "pending", json_array());
}

static void told_status(void *ctx, struct ask_answer *t)
{
    struct api_wait *w mw_cleanup(api_wait_freep) = ctx;
    struct api_answer a = { .status = 200 };
    if (w->gone)
        return;
    if (t->code < 0) {
        api_later_fail(w->later, 0, &t->err);
        return;
    }
    struct api_server *s = api_later_call(w->later)->server;
    a.json = TAKE(t->json);
    confine(a.json, api_later_call(w->later)->who);
    (void)json_object_set_new(a.json, "follower", follower(s));
    api_later_send(w->later, &a);
}

int api_get_status(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct asks *asks = api_server_asks(call->server);
    struct api_wait *w = api_wait_new(call, NULL);
    return w == NULL ? no_memory(err)
                     : api_wait_asked(w, asks_status(asks, told_status, w, err), ret, err);
}

/* ---- a replay -------------------------------------------------------------------------------- */

static void told_replay(void *ctx, struct ask_answer *t)
{
    struct api_wait *w mw_cleanup(api_wait_freep) = ctx;
    struct api_answer a = { .status = 200 };
    if (w->gone)
        return;
    if (t->code < 0) {
        api_later_fail(w->later, 0, &t->err);
        return;
    }
    a.json = TAKE(t->json);
    api_later_send(w->later, &a);
}

static int ask_replay(struct api_call *call, json_t *wish, struct api_answer *ret,
                      struct mw_error *err)
{
    struct api_wait *w = api_wait_new(call, NULL);
    if (w == NULL) {
        json_decref(wish);
        return no_memory(err);
    }
    int rc = asks_replay(api_server_asks(call->server), wish, told_replay, w, err);
    return api_wait_asked(w, rc, ret, err);
}

int api_get_replay(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    if (!asks_is_replay(api_server_asks(call->server)))
        return answer_json(ret, json_pack("{s:b}", "replaying", 0), err);
    return ask_replay(call, NULL, ret, err);
}

int api_post_replay(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    json_error_t where;
    int rc = call_needs_whole_site(call, err);
    if (rc < 0)
        return rc;
    if (!asks_is_replay(api_server_asks(call->server)))
        return mw_fail(err, MW_ECONFLICT, "this site is live: its time is not ours to steer");
    json_t *wish = json_loadb(call->body, call->size, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(wish)) {
        json_decref(wish);
        return mw_fail(err, MW_ESYNTAX, "the body must be a JSON object: {\"speed\": 3600}, "
                       "{\"paused\": true} or {\"until\": \"incident\"}");
    }
    return ask_replay(call, wish, ret, err);
}

/* ---- commands -------------------------------------------------------------------------------- */

/* Who may say it: to work on orders, to answer advice, to run the site. */
static enum permission permission_of(const struct api_command *c)
{
    switch (c->verb) {
    case API_ORDER_TAKEN:
    case API_ORDER_DONE:
    case API_ORDER_FAILED:
    case API_GATE_PASS:
    case API_GATE_FAIL:
        return PERM_ORDERS;
    case API_APPROVE:
    case API_REJECT:
        return PERM_APPROVE;
    default:
        return PERM_OPERATE;
    }
}

/* The event as it stands in the record now. */
static json_t *recorded(const struct replica *r, uint64_t seq)
{
    struct event ev;
    struct journal *j = r != NULL ? replica_journal(r) : NULL;
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    json_t *o = NULL;
    if (j != NULL && tail != NULL && j->ops->get(j, seq, &ev, tail, NULL) == 0)
        o = event_json(&ev, ev.tail_size ? tail : NULL);
    return o != NULL ? json_pack("{s:o}", "recorded", o)
                     : json_pack("{s:{s:I}}", "recorded", "seq", (json_int_t)seq);
}

static void told_command(void *ctx, struct ask_answer *t)
{
    struct api_wait *w mw_cleanup(api_wait_freep) = ctx;
    struct api_answer a = { .status = 200, .seq = t->seq };
    if (w->gone)
        return;
    if (t->code < 0) {
        api_later_fail(w->later, t->changed ? 412 : 0, &t->err);
        return;
    }
    struct api_server *s = api_later_call(w->later)->server;
    api_server_catch_up(s); /* whoever reads next sees what he did */
    a.json = recorded(api_server_replica(s), t->seq);
    api_later_send(w->later, &a);
}

/* "drain n17: fans" */
static void note_command(struct api_call *call, const struct api_command *c)
{
    char ref[24] = "";
    if (c->ref != 0 || c->job != 0)
        (void)snprintf(ref, sizeof(ref), " %llu", (unsigned long long)(c->ref ? c->ref : c->job));
    (void)snprintf(call->audit, sizeof(call->audit), "%s%s%.80s%s%.40s%s%s%.80s",
                   api_verb_info(c->verb)->word, c->node[0] ? " " : "", c->node,
                   c->hall[0] ? " " : "", c->hall, ref, c->reason[0] ? ": " : "", c->reason);
}

int api_post_command(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct api_command c;
    int rc = api_command_read(call->body, call->size, &c, err);
    if (rc < 0)
        return rc;
    enum permission needed = permission_of(&c);
    note_command(call, &c);
    if (!access_may(call->who, needed))
        return mw_fail(err, MW_EDENIED, "%s may not %s: it needs the permission \"%s\"",
                       call->who->name, api_verb_info(c.verb)->word,
                       access_permission_word(needed));
    rc = command_scope(call->who, &c, call->replica, err);
    if (rc == 0)
        rc = command_precondition(call, &c, ret, err);
    bool dry = api_query_flag(call, "dryRun");
    ret->unaudited = rc == 0 && dry; /* nothing is changed, nobody was refused */
    if (rc < 0 || dry)
        return rc < 0 ? rc : command_dry_run(call, &c, ret, err);
    int n = snprintf(c.if_match, sizeof(c.if_match), "%s", call->if_match ? call->if_match : "");
    if (n < 0 || (size_t)n >= sizeof(c.if_match))
        return mw_fail(err, MW_EINVAL, "If-Match has %d bytes; at most %zu are taken", n,
                       sizeof(c.if_match) - 1);
    struct api_wait *w = api_wait_new(call, NULL);
    if (w == NULL)
        return no_memory(err);
    rc = asks_command(api_server_asks(call->server), call->who->actor, &c, told_command, w, err);
    return api_wait_asked(w, rc, ret, err);
}
