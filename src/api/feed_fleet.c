/* GET /fleet/layout and /fleet/heat: what is drawn, and in which order. */
#include "api/feeds.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

#include "api/layout.h"
#include "api/routes.h"
#include "api/schema.h"
#include "base/mem.h"
#include "base/text.h"

const struct api_schema api_schemas_fleet[] = {
    { "FleetLayout",
      "{'type':'object','required':['now','revision','site','halls','nodes','gpus','gpu_total'],"
      "'properties':{'now':{'$ref':'#/components/schemas/Time'},"
      "'revision':{'type':'integer','minimum':0},'site':{'type':'string'},"
      "'halls':{'type':'array','items':{'type':'object','required':['name','rows'],'properties':{"
      "'name':{'type':'string'},'rows':{'type':'array','items':{'type':'object',"
      "'required':['name','racks'],'properties':{'name':{'type':'string'},'racks':{'type':'array',"
      "'items':{'type':'object','required':['name','first_node','nodes'],'properties':{"
      "'name':{'type':'string'},"
      "'first_node':{'type':'integer','minimum':0,'description':'its place in nodes'},"
      "'nodes':{'type':'integer','minimum':1}}}}}}}}}},"
      "'nodes':{'type':'array','items':{'type':'string'},"
      "'description':'names; GPUs are numbered in this order'},"
      "'gpus':{'type':'array','items':{'type':'integer','minimum':0}},"
      "'gpu_total':{'type':'integer','minimum':0}}}" },
    { 0 },
};

/* What a layout depends on: the site, and whose it is. */
static uint64_t layout_mark(const struct fleet *f, const struct principal *who)
{
    uint64_t mark = mw_hash64_of(f->site_sha256, sizeof(f->site_sha256));
    for (uint32_t i = 0; i < who->halls; i++)
        mark = mw_mix64(mark + mw_hash64_of(who->hall[i], strlen(who->hall[i])));
    return mark;
}

int api_get_layout(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    const struct fleet *f = replica_control(call->replica)->board->fleet;
    struct layout l;
    int r = layout_init(&l, f, call->who);
    ret->raw = r == 0 ? evbuffer_new() : NULL;
    bool good = ret->raw && layout_write(&l, f, replica_now_ns(call->replica),
                                         replica_seq(call->replica), ret->raw);
    layout_fini(&l);
    if (!good)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    (void)snprintf(ret->etag, sizeof(ret->etag), "layout-%016llx",
                   (unsigned long long)layout_mark(f, call->who));
    return 0;
}

/* ---- heat ----------------------------------------------------------------------------------- */

struct heat_asked {
    int metric;
    int64_t at_ms;   /* MW_NEVER: now */
    int64_t time_ms; /* that the bytes are of */
};

static int read_asked(const struct api_call *call, struct heat_asked *ret, struct api_answer *a,
                      struct mw_error *err)
{
    char text[64];
    int64_t at_ns;
    const char *metric = api_query_get(call, "metric", text, sizeof(text));
    *ret = (struct heat_asked){ .metric = metric ? heat_metric_of(metric) : HEAT_STATE,
                                .at_ms = MW_NEVER };
    if (ret->metric < 0) {
        (void)snprintf(a->field, sizeof(a->field), "metric");
        return mw_fail(err, MW_EINVAL, "metric: \"%s\" is none of state, incident, job, tenant, "
                       "age, risk", text);
    }
    const char *at = api_query_get(call, "at", text, sizeof(text));
    if (!at)
        return 0;
    if (mw_parse_time(at, &at_ns) != 0 || ret->metric != HEAT_STATE) {
        (void)snprintf(a->field, sizeof(a->field), "at");
        return mw_fail(err, MW_EINVAL, "at: an RFC 3339 time of the last 24 hours, and only with "
                       "metric=state");
    }
    ret->at_ms = mw_ms(at_ns);
    return 0;
}

/* The frame of a time in the last day. */
static int fill_past(const struct api_call *call, const struct layout *l, struct heat_asked *asked,
                     uint8_t *ret, struct mw_error *err)
{
    const struct fleet *f = replica_control(call->replica)->board->fleet;
    struct history_store *h = feeds_history(call->server);
    uint32_t gpus = f->count[COMPONENT_GPU];
    uint8_t *frame mw_cleanup(mw_freep) = mw_calloc(gpus + 1u, 1);
    if (!frame)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    if (!h || history_heat_get(h, asked->at_ms, frame, gpus, &asked->time_ms) < 0)
        return mw_fail(err, MW_ENOTFOUND, "at: no frame of that time is kept: there is one every "
                       "10 minutes of the last 24 hours");
    heat_order(l, f, frame, ret);
    return 0;
}

static int fill(const struct api_call *call, const struct layout *l, struct heat_asked *asked,
                uint8_t *ret, struct mw_error *err)
{
    const struct control *c = replica_control(call->replica);
    int64_t now_ms = mw_ms(replica_now_ns(call->replica));
    asked->time_ms = now_ms;
    if (asked->at_ms < now_ms && call->who->tenants > 0)
        return mw_fail(err, MW_EDENIED, "at: whose jobs were where at that time is not kept, so "
                       "%s, who sees those of some tenants, sees the map of now only",
                       call->who->name);
    if (asked->at_ms < now_ms)
        return fill_past(call, l, asked, ret, err);
    if (heat_fill(l, c, (enum heat_metric)asked->metric, call->who, now_ms, ret) < 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    return 0;
}

static int reserve(struct evbuffer *b, uint32_t bytes, struct evbuffer_iovec *v)
{
    return b && evbuffer_reserve_space(b, bytes, v, 1) == 1 && v->iov_len >= bytes ? 0 : MW_ENOMEM;
}

static void add_heads(const struct api_call *call, const struct heat_asked *asked,
                      struct api_answer *ret)
{
    struct text t = { 0 };
    uint64_t seq = replica_seq(call->replica);
    uint64_t mark = layout_mark(replica_control(call->replica)->board->fleet, call->who);
    for (uint32_t i = 0; i < call->who->tenants; i++)
        mark = mw_mix64(mark + call->who->tenant[i] + 1);
    words_time_ms(&t, asked->time_ms);
    api_answer_header(ret, "MW-Revision", "%llu", (unsigned long long)seq);
    api_answer_header(ret, "MW-Now", "%s", text_string(&t));
    text_fini(&t);
    int64_t step = asked->metric == HEAT_AGE ? asked->time_ms / MW_MS_PER_HOUR : 0;
    bool past = asked->at_ms != MW_NEVER && asked->time_ms <= asked->at_ms;
    (void)snprintf(ret->etag, sizeof(ret->etag), "%d-%llx-%llx", asked->metric,
                   (unsigned long long)(past ? (uint64_t)asked->time_ms : seq * 4 + 1) +
                       (uint64_t)step, (unsigned long long)mark);
}

int api_get_heat(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    const struct fleet *f = replica_control(call->replica)->board->fleet;
    struct heat_asked asked;
    struct evbuffer_iovec v = { 0 };
    struct layout l = { 0 };
    int r = read_asked(call, &asked, ret, err);
    if (r < 0)
        return r;
    r = layout_init(&l, f, call->who);
    ret->raw = r == 0 ? evbuffer_new() : NULL;
    r = r == 0 ? reserve(ret->raw, l.gpus + 1, &v) : r;
    if (r < 0)
        r = mw_fail(err, MW_ENOMEM, "out of memory");
    else
        r = fill(call, &l, &asked, v.iov_base, err);
    v.iov_len = l.gpus;
    layout_fini(&l);
    if (r < 0)
        return r;
    if (evbuffer_commit_space(ret->raw, &v, 1) != 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    ret->type = "application/octet-stream";
    add_heads(call, &asked, ret);
    return 0;
}
