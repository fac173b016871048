/* History beside the record.  See feeds.h. */
#include "api/feeds.h"

#include <event2/event.h>

#include "api/parts.h"
#include "base/exact.h"
#include "base/mem.h"

struct feeds {
    struct api_server *server; /* borrowed */
    struct history_store *history;
    struct projector projector;
    struct replica *replica;   /* borrowed; NULL until it is there */
    struct event *second;
};

/* Frames from before this are too old to be kept, once what is recorded by now has been read. */
static int64_t heat_from_ms(const struct replica *r)
{
    return mw_ms(replica_journal(r)->head.time_ns) - HISTORY_HEAT_MS - PROJECTOR_SAMPLE_MS;
}

static void on_told(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct feeds *f = ctx;
    f->projector.heat_from_ms = heat_from_ms(f->replica); /* a replay's end runs ahead of us */
    projector_told(&f->projector, replica_control(f->replica), ev, tail, last);
}

static void on_second(evutil_socket_t fd, short what, void *ctx)
{
    struct feeds *f = ctx;
    (void)fd;
    (void)what;
    if (f->history && !history_stopped(f->history))
        (void)!history_commit(f->history, NULL); /* a failure is kept: history_where() */
}

uint64_t feeds_heard(void *ctx, struct journal *j)
{
    struct feeds *f = ctx;
    must(f && j);
    if (!f->history &&
        history_open(api_server_options(f->server)->journal, j, &f->history, NULL) < 0)
        return j->head.seq; /* no memory for any: nothing is folded */
    return history_seq(f->history);
}

int feeds_part_create(struct api_server *s, void **ret, struct mw_error *err)
{
    const struct timeval second = { .tv_sec = 1 };
    struct feeds *f = mw_calloc(1, sizeof(*f));
    if (!f)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    f->server = s;
    f->second = event_new(api_server_base(s), -1, EV_PERSIST, on_second, f);
    if (!f->second || event_add(f->second, &second) != 0) {
        feeds_part_destroy(f);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    *ret = f;
    return 0;
}

void feeds_part_begin(void *part, struct replica *r)
{
    struct feeds *f = part;
    f->replica = r;
    if (!f->history)
        return;
    projector_init(&f->projector, f->history, heat_from_ms(r));
    replica_listen(r, on_told, f);
}

void feeds_part_destroy(void *part)
{
    struct feeds *f = part;
    if (!f)
        return;
    if (f->second)
        event_free(f->second);
    history_close(f->history);
    projector_fini(&f->projector);
    mw_free(f);
}

struct history_store *feeds_history(struct api_server *s)
{
    const struct feeds *f = api_server_part(s, PART_FEEDS);
    return f ? f->history : NULL;
}

/* ---- between samples ------------------------------------------------------------------------ */

static int64_t between(int64_t a, int64_t b, int64_t part, int64_t whole)
{
    return a + mw_muldiv(b - a, part, whole);
}

bool feeds_sums_at(struct history_store *h, const struct history_sample *now, int64_t time_ms,
                   struct history_sample *ret)
{
    struct history_sample a, b = *now;
    must(h && now && ret);
    if (time_ms >= now->time_ms) {
        *ret = *now;
        return true;
    }
    if (!history_sample_before(h, time_ms, &a))
        return false;
    (void)history_sample_after(h, time_ms, &b);
    int64_t part = time_ms - a.time_ms, whole = b.time_ms - a.time_ms;
    *ret = a;
    if (whole <= 0)
        return true;
    ret->time_ms = time_ms;
    ret->productive_gpu_ms = between(a.productive_gpu_ms, b.productive_gpu_ms, part, whole);
    ret->available_gpu_ms = between(a.available_gpu_ms, b.available_gpu_ms, part, whole);
    ret->lost_gpu_ms = between(a.lost_gpu_ms, b.lost_gpu_ms, part, whole);
    ret->lost_uusd = between(a.lost_uusd, b.lost_uusd, part, whole);
    for (uint32_t k = 0; k < CAUSE_COUNT; k++)
        ret->lost_by[k] = between(a.lost_by[k], b.lost_by[k], part, whole);
    return true;
}
