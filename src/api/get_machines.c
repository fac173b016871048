/*
 * GET of what machines say of themselves, and of links with what their ends read.  The answers are
 * made by the writer (api/machines_tell.h); here is who may see them, and where a link ends.
 */
#include <stdio.h>
#include <string.h>

#include "api/call_view.h"
#include "api/machines_tell.h"
#include "api/resource_tables.h"
#include "api/server_private.h"
#include "api/wait.h"

#define LIST_USUAL 1000
#define POINTS_USUAL 300
#define BACK_S_USUAL 300

static int no_memory(struct mw_error *err)
{
    return mw_fail(err, MW_ENOMEM, "out of memory");
}

/* ---- who sees which ------------------------------------------------------------------------- */

/* A machine that is a node is seen as the node is; others by those whom nothing narrows. */
static bool sees(const struct replica *r, const struct principal *who, const char *name)
{
    const struct board *b = replica_control(r)->board;
    uint64_t id = fleet_find(b->fleet, name);
    if (access_sees_all(who))
        return true;
    return component_kind_of(id) == COMPONENT_NODE &&
           api_sees_node_row(b, component_index_of(id), who);
}

static void narrow(json_t *rows, const struct replica *r, const struct principal *who)
{
    if (access_sees_all(who))
        return;
    for (size_t i = json_array_size(rows); i-- > 0;) {
        const json_t *name = json_object_get(json_array_get(rows, i), "name");
        if (!sees(r, who, json_string_value(name)))
            (void)json_array_remove(rows, i);
    }
}

/* ---- asking --------------------------------------------------------------------------------- */

static void told(void *ctx, struct ask_answer *t)
{
    struct api_wait *w mw_cleanup(api_wait_freep) = ctx;
    struct api_answer a = { .status = 200 };
    if (w->gone)
        return;
    if (t->code < 0) {
        api_later_fail(w->later, t->code == MW_ENOTFOUND ? 404 : 0, &t->err);
        return;
    }
    const struct api_call *call = api_later_call(w->later);
    a.json = TAKE(t->json);
    narrow(json_object_get(a.json, "rows"), call->replica, call->who);
    if (w->kept != NULL) /* a link, whose ends these are */
        (void)json_object_update(a.json, w->kept);
    api_later_send(w->later, &a);
}

/* Takes wish and kept. */
static int ask(struct api_call *call, json_t *wish, json_t *kept, struct api_answer *ret,
               struct mw_error *err)
{
    struct api_wait *w = wish != NULL ? api_wait_new(call, kept) : NULL;
    if (w == NULL) {
        if (wish == NULL)
            json_decref(kept);
        json_decref(wish);
        return no_memory(err);
    }
    return api_wait_asked(w, asks_machines(api_server_asks(call->server), wish, told, w, err), ret,
                          err);
}

static int not_here(const struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    ret->status = 404;
    (void)snprintf(ret->hint, sizeof(ret->hint), "GET /api/v1/machines lists them; an agent "
                   "makes a machine appear (docs/agent.md)");
    return mw_fail(err, MW_ENOTFOUND, "there is no machine '%.100s'", call->arg[0]);
}

/* ---- machines ------------------------------------------------------------------------------- */

int api_get_machines(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    char name[API_ARG_MAX], after[API_ARG_MAX];
    uint64_t limit = LIST_USUAL;
    const char *which = api_query_get(call, "name", name, sizeof(name));
    const char *from = api_query_get(call, "after", after, sizeof(after));
    int rc = api_query_u64(call, "limit", MACHINES_LIST_MAX, &limit, err);
    if (rc < 0)
        return rc;
    return ask(call, json_pack("{s:I, s:s*, s:s*}", "list", (json_int_t)limit, "name", which,
                               "after", from), NULL, ret, err);
}

int api_get_machine(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    if (!sees(call->replica, call->who, call->arg[0]))
        return not_here(call, ret, err);
    return ask(call, json_pack("{s:s}", "machine", call->arg[0]), NULL, ret, err);
}

int api_get_machine_series(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    char metrics[2048];
    uint64_t back_s = BACK_S_USUAL, points = POINTS_USUAL;
    if (!sees(call->replica, call->who, call->arg[0]))
        return not_here(call, ret, err);
    const char *names = api_query_get(call, "metrics", metrics, sizeof(metrics));
    int rc = api_query_u64(call, "back_s", MACHINES_BACK_S_MAX, &back_s, err);
    if (rc == 0)
        rc = api_query_u64(call, "points", MACHINES_POINTS_MAX, &points, err);
    if (rc == 0 && names == NULL)
        rc = mw_fail(err, MW_EINVAL, "metrics: name one or several readings of GET "
                     "/api/v1/machines/{name}, with commas");
    if (rc < 0)
        return rc;
    return ask(call, json_pack("{s:s, s:s, s:I, s:I}", "series", call->arg[0], "metrics", names,
                               "back_s", (json_int_t)back_s, "points", (json_int_t)points), NULL,
               ret, err);
}

int api_post_machine_rate(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    json_error_t where;
    json_int_t sample_ms = 0, for_ms = 0;
    if (!sees(call->replica, call->who, call->arg[0]))
        return not_here(call, ret, err);
    json_t *body = json_loadb(call->body, call->size, JSON_REJECT_DUPLICATES, &where);
    int bad = json_unpack(body, "{s:I, s:I !}", "sample_ms", &sample_ms, "for_ms", &for_ms);
    json_decref(body);
    if (bad != 0)
        return mw_fail(err, MW_ESYNTAX, "the body must be {\"sample_ms\": 100, \"for_ms\": 60000}");
    (void)snprintf(call->audit, sizeof(call->audit), "readings of %.100s each %lld ms",
                   call->arg[0], (long long)sample_ms);
    return ask(call, json_pack("{s:s, s:I, s:I}", "rate", call->arg[0], "sample_ms", sample_ms,
                               "for_ms", for_ms), NULL, ret, err);
}

/* ---- a link --------------------------------------------------------------------------------- */

/* Which machine reads this end, and by which number: NIC k of a node, port p of a switch. */
static json_t *end_wish(const struct fleet *f, const struct fleet_port *p, const char *end,
                        const char *at)
{
    uint32_t i = component_index_of(p->component);
    if (component_kind_of(p->component) == COMPONENT_SWITCH)
        return json_pack("{s:s, s:s, s:s, s:i}", "end", end, "at", at, "machine",
                         fleet_name(f, p->component), "port", (int)p->port);
    uint32_t node = f->nic_node[i];
    return json_pack("{s:s, s:s, s:s, s:i}", "end", end, "at", at, "machine",
                     fleet_name(f, component_id(COMPONENT_NODE, node)), "nic",
                     (int)(i - f->node_nic_first[node]));
}

int api_get_link(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct api_view_of of;
    struct api_rows rows mw_cleanup(api_rows_fini) = { 0 };
    int rc = call_view(call, false, &of, err);
    if (rc == 0)
        rc = api_rows_make(api_resource_find("links"), &of, &rows, err);
    if (rc < 0)
        return rc;
    const struct fleet *f = of.control->board->fleet;
    uint64_t id = fleet_find(f, call->arg[0]);
    uint32_t cable = component_index_of(id);
    if (component_kind_of(id) != COMPONENT_CABLE || !api_sees_link(&rows, cable, call->who)) {
        ret->status = 404;
        return mw_fail(err, MW_ENOTFOUND, "there is no link '%.100s'", call->arg[0]);
    }
    json_t *row = row_json(&rows, cable, NULL);
    const char *a = json_string_value(json_object_get(row, "a"));
    const char *b = json_string_value(json_object_get(row, "b"));
    json_t *wish = row == NULL ? NULL
        : json_pack("{s:[o, o]}", "ends", end_wish(f, &f->cable_end[0][cable], "a", a),
                    end_wish(f, &f->cable_end[1][cable], "b", b));
    json_t *kept = row == NULL ? NULL : json_pack("{s:o}", "link", row);
    return ask(call, wish, kept, ret, err);
}
