/*
 * GET of the record: events as rows, by kind and by what they are about, and one event with every
 * field.  Rows say what a principal may see of them (about.h).
 *
 * Without `after` the newest rows, else those after it; a request looks at SCAN_MAX events at most
 * and says in `next` and `previous` where to go on, so that a rare kind in a long record holds up
 * nobody else.
 */
#include "api/call_view.h"

#include <stdlib.h>
#include <string.h>

#include "api/about.h"
#include "api/json_out.h"
#include "api/stream.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "store/event_json.h"

#define ROWS 100u
#define ROWS_MAX 1000u
#define SCAN_MAX 200000u /* chosen: some tenths of a second of this thread */
#define WINDOW 10000u    /* events read at a time on the way back */

/* What is looked for, and what was found: sequences in order. */
struct search {
    struct api_call *call;
    const struct fleet *fleet;
    const struct board *board;
    uint64_t kinds;            /* a bit a kind */
    uint64_t job, incident, component;
    uint32_t node;             /* MW_NONE */
    uint64_t last_seq;         /* not past it */
    uint64_t seq[2 * ROWS_MAX]; /* of a walk on: up to limit; of one back: the newest ones */
    uint32_t found, limit;
    bool newest;               /* when full, the oldest go */
    uint64_t scanned_to;       /* the last event looked at */
    uint32_t scanned;
};

/* ---- what is looked for --------------------------------------------------------------------- */

/* "job:12", "incident:57", or a component by its name, "node:n3" too. */
static int read_about(struct search *s, const char *about, struct mw_error *err)
{
    const char *colon = strchr(about, ':');
    size_t n = colon != NULL ? (size_t)(colon - about) : 0;
    if (n == 3 && memcmp(about, "job", 3) == 0 && mw_parse_u64(colon + 1, &s->job) == 0)
        return 0;
    if (n == 8 && memcmp(about, "incident", 8) == 0 &&
        mw_parse_u64(colon + 1, &s->incident) == 0)
        return 0;
    s->component = fleet_find(s->fleet, about);
    if (s->component == 0 && colon != NULL)
        s->component = fleet_find(s->fleet, colon + 1);
    if (component_kind_of(s->component) == COMPONENT_NODE)
        s->node = component_index_of(s->component);
    if (s->component != 0)
        return 0;
    return mw_fail(err, MW_EINVAL, "about: '%.60s' is neither job:N, incident:N nor the name of a "
                   "component", about);
}

static int read_search(struct search *s, struct mw_error *err)
{
    char buf[512];
    uint64_t limit = ROWS;
    int rc = api_query_u64(s->call, "limit", ROWS_MAX, &limit, err);
    if (rc == 0 && limit == 0)
        rc = mw_fail(err, MW_EINVAL, "limit: 0 is not a number from 1 to %u", ROWS_MAX);
    if (rc < 0)
        return rc;
    s->limit = (uint32_t)limit;
    const char *kind = api_query_get(s->call, "kind", buf, sizeof(buf));
    rc = stream_kinds(kind != NULL && kind[0] != '\0' ? kind : "all", &s->kinds, err);
    if (rc < 0)
        return rc;
    const char *about = api_query_get(s->call, "about", buf, sizeof(buf));
    return about != NULL && about[0] != '\0' ? read_about(s, about, err) : 0;
}

/* Does the tail of a placement name the node? */
static bool places(const struct event *ev, const void *tail, uint32_t node)
{
    const uint32_t *list = tail;
    if (ev->kind != EV_ATTEMPT_PLACED && ev->kind != EV_ATTEMPT_ALLOCATED)
        return false;
    for (uint32_t i = 0; i < ev->tail_size / sizeof(*list); i++)
        if (list[i] == node)
            return true;
    return false;
}

static bool fits(const struct search *s, const struct event *ev, const void *tail)
{
    if (!(s->kinds >> ev->kind & 1u))
        return false;
    struct about a = about_event(ev, s->fleet, s->board);
    if (s->job != 0 && a.job != s->job)
        return false;
    if (s->incident != 0 && a.incident != s->incident)
        return false;
    if (s->node != MW_NONE && a.node != s->node && !places(ev, tail, s->node))
        return false;
    if (s->component != 0 && s->node == MW_NONE && a.component != s->component)
        return false;
    return about_seen(&a, s->fleet, s->call->who);
}

/* ---- walks ---------------------------------------------------------------------------------- */

static int look(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct search *s = ctx;
    (void)last;
    if (ev->seq > s->last_seq)
        return 1;
    s->scanned_to = ev->seq;
    s->scanned++;
    if (fits(s, ev, tail)) {
        if (s->found == MW_ARRAY_LEN(s->seq)) { /* only on the way back: the older half goes */
            memmove(s->seq, s->seq + s->found - s->limit, s->limit * sizeof(s->seq[0]));
            s->found = s->limit;
        }
        s->seq[s->found++] = ev->seq;
    }
    bool full = !s->newest && s->found == s->limit;
    return full || s->scanned >= SCAN_MAX;
}

static int walk_on(struct search *s, struct journal *j, uint64_t after, struct mw_error *err)
{
    s->scanned_to = after;
    s->last_seq = UINT64_MAX;
    int rc = j->ops->read(j, after + 1, look, s, err);
    return rc < 0 ? rc : 0;
}

/* From the newest back, window by window; *ret_from is the oldest event looked at. */
static int walk_back(struct search *s, struct journal *j, uint64_t before, uint64_t *ret_from,
                     struct mw_error *err)
{
    uint64_t to = before - 1, kept[ROWS_MAX];
    uint32_t have = 0, looked = 0;
    s->newest = true;
    *ret_from = before;
    while (to > 0 && have < s->limit && looked < SCAN_MAX) {
        uint64_t from = to > WINDOW ? to - WINDOW + 1 : 1;
        s->found = s->scanned = 0;
        s->last_seq = to;
        int rc = j->ops->read(j, from, look, s, err);
        if (rc < 0)
            return rc;
        looked += s->scanned;
        uint32_t take = MW_MIN(s->found, s->limit - have);
        memmove(kept + take, kept, have * sizeof(kept[0]));
        memcpy(kept, s->seq + s->found - take, take * sizeof(kept[0]));
        have += take;
        *ret_from = have == s->limit ? kept[0] : from;
        to = from - 1;
    }
    memcpy(s->seq, kept, have * sizeof(kept[0]));
    s->found = have;
    s->scanned_to = before - 1;
    return 0;
}

/* ---- the document --------------------------------------------------------------------------- */

/* {"actor":…,"seq":… as streams tell it. */
static bool write_row(struct evbuffer *out, struct api_call *call, const struct event *ev,
                      const void *tail)
{
    const struct control *c = replica_control(call->replica);
    const struct words *w = replica_words(call->replica);
    struct about a = about_event(ev, w->fleet, c->board);
    struct evbuffer *row = evbuffer_new();
    bool ok = row != NULL && about_write(row, w, ev, tail, &a) && evbuffer_drain(row, 1) == 0 &&
              evbuffer_add_printf(out, "{\"actor\":%u,", ev->actor) > 0 &&
              evbuffer_add_buffer(out, row) == 0;
    if (row != NULL)
        evbuffer_free(row);
    return ok;
}

static bool write_rows(struct evbuffer *out, const struct search *s, struct journal *j)
{
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    bool ok = tail != NULL;
    for (uint32_t i = 0; ok && i < s->found; i++) {
        struct event ev;
        if (j->ops->get(j, s->seq[i], &ev, tail, NULL) < 0)
            return false;
        ok = (i == 0 || evbuffer_add(out, ",\n", 2) == 0) &&
             write_row(out, s->call, &ev, ev.tail_size ? tail : NULL);
    }
    return ok;
}

static void write_place(struct json_out *o, const char *key, uint64_t seq)
{
    json_out_raw(o, ",\"", 2);
    json_out_raw(o, key, strlen(key));
    json_out_raw(o, "\":", 2);
    if (seq != 0)
        json_out_int(o, (int64_t)seq);
    else
        json_out_raw(o, "null", 4);
}

static int write_events(struct evbuffer *out, const struct search *s, uint64_t next,
                        uint64_t previous, struct mw_error *err)
{
    struct json_out o;
    struct replica *r = s->call->replica;
    json_out_begin(&o, out);
    json_out_raw(&o, "{\"kind\":\"EventList\",\"now\":", 26);
    json_out_time_ms(&o, mw_ms(replica_now_ns(r)));
    write_place(&o, "revision", replica_seq(r));
    write_place(&o, "next", next);
    write_place(&o, "previous", previous);
    json_out_raw(&o, ",\"rows\":[", 9);
    bool ok = json_out_end(&o) && write_rows(out, s, replica_journal(r)) &&
              evbuffer_add(out, "]}\n", 3) == 0;
    return ok ? 0 : mw_fail(err, MW_ENOMEM, "out of memory, or an event is not to be read");
}

static int answer(struct search *s, struct api_answer *ret, struct mw_error *err)
{
    struct journal *j = replica_journal(s->call->replica);
    uint64_t head = replica_seq(s->call->replica), after = UINT64_MAX, before = head + 1;
    uint64_t from = 1;
    int rc = read_search(s, err);
    if (rc == 0)
        rc = api_query_u64(s->call, "after", UINT64_MAX, &after, err);
    if (rc == 0)
        rc = api_query_u64(s->call, "before", UINT64_MAX, &before, err);
    if (rc < 0) {
        ret->status = 400;
        return rc;
    }
    before = MW_MAX(MW_MIN(before, head + 1), UINT64_C(1));
    rc = after < head ? walk_on(s, j, after, err)
         : after == UINT64_MAX ? walk_back(s, j, before, &from, err) : 0;
    if (rc < 0)
        return rc;
    if (after != UINT64_MAX)
        from = after < head ? after + 1 : head + 1;
    uint64_t to = after != UINT64_MAX && after >= head ? head : s->scanned_to;
    ret->raw = evbuffer_new();
    return ret->raw == NULL ? mw_fail(err, MW_ENOMEM, "out of memory")
                            : write_events(ret->raw, s, to, from > 1 ? from : 0, err);
}

int api_get_events(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct search *s mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*s));
    if (s == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    s->call = call;
    s->fleet = replica_words(call->replica)->fleet;
    s->board = replica_control(call->replica)->board;
    s->node = MW_NONE;
    return answer(s, ret, err);
}

int api_get_event(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct event ev;
    uint64_t seq;
    struct journal *j = replica_journal(call->replica);
    const struct words *w = replica_words(call->replica);
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (tail == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    ret->status = 404;
    if (mw_parse_u64(call->arg[0], &seq) < 0 || seq == 0 || seq > replica_seq(call->replica))
        return mw_fail(err, MW_ENOTFOUND, "there is no event '%.40s': the record has 1 to %llu",
                       call->arg[0], (unsigned long long)replica_seq(call->replica));
    int rc = j->ops->get(j, seq, &ev, tail, err);
    struct about a = rc == 0 ? about_event(&ev, w->fleet, replica_control(call->replica)->board)
                             : (struct about){ 0 };
    if (rc == 0 && !about_seen(&a, w->fleet, call->who))
        return mw_fail(err, MW_EDENIED, "event %llu is not about what %s may see",
                       (unsigned long long)seq, call->who->name);
    ret->status = rc == 0 ? 200 : 0;
    if (rc < 0)
        return rc;
    struct text t = { 0 };
    words_of_event(&t, w, &ev, ev.tail_size ? tail : NULL);
    ret->json = event_json(&ev, ev.tail_size ? tail : NULL);
    json_t *sentence = api_text(&t);
    if (ret->json == NULL || json_object_set_new(ret->json, "sentence", sentence) != 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    return 0;
}
