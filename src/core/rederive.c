/*
 * Rederiving: a journal that compares stands in the place of the fresh core's
 * own.  The recorded groups are read one by one; each drives the core (a fact
 * is submitted, a timer fires by itself when its time comes), and the groups
 * that come out queue up until the record has its say about them.
 */
#include "core/rederive.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/core_private.h"
#include "core/event_print.h"

#define STOP 1 /* the end of the range, not of the journal */

/* Bytes that grow. */
struct bytes {
    uint8_t *data;
    size_t size, room;
};

struct rederive {
    struct journal port; /* what the core sees as its journal */
    struct core *core;
    struct rederive_range range;
    struct rederive_report *report;
    struct mw_error *err;
    struct bytes then;   /* the recorded group */
    uint32_t then_count;
    struct bytes now;    /* new groups, each headed by a struct group without bytes */
    size_t now_at;       /* the first not compared yet */
};

/* ---- groups in memory ----------------------------------------------------------------------- */

static int bytes_add(struct bytes *b, const void *data, size_t size, struct mw_error *err)
{
    if (b->size + size > b->room) {
        size_t room = MW_MAX(b->room * 2, b->size + size + 65536);
        uint8_t *bigger = mw_resize(b->data, room, 1);
        if (!bigger)
            return mw_fail(err, MW_ENOMEM, "no memory to compare a group of %zu bytes", size);
        b->data = bigger;
        b->room = room;
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return 0;
}

static const struct event *event_at(const struct group *g, size_t at)
{
    return (const struct event *)(const void *)((const uint8_t *)g->bytes + at);
}

static const void *tail_of(const struct event *ev)
{
    return ev->tail_size ? ev + 1 : NULL;
}

/* The first new group that waits, or one of no events. */
static struct group front(const struct rederive *r)
{
    struct group g = { 0 };
    if (r->now_at < r->now.size) {
        memcpy(&g, r->now.data + r->now_at, sizeof(g));
        g.bytes = r->now.data + r->now_at + sizeof(g);
    }
    return g;
}

static void drop_front(struct rederive *r)
{
    r->now_at += sizeof(struct group) + front(r).size;
    if (r->now_at == r->now.size)
        r->now_at = r->now.size = 0;
}

/* ---- the port ------------------------------------------------------------------------------- */

static int port_append(struct journal *j, const struct group *g, struct mw_error *err)
{
    struct rederive *r = (struct rederive *)(void *)j;
    struct group head = *g;
    head.bytes = NULL;
    int rc = bytes_add(&r->now, &head, sizeof(head), err);
    return rc < 0 ? rc : bytes_add(&r->now, g->bytes, g->size, err);
}

static int port_commit(struct journal *j, struct mw_error *err)
{
    (void)j;
    (void)err;
    return 0;
}

static const struct journal_ops PORT = { .append = port_append, .commit = port_commit };

/* ---- comparing ------------------------------------------------------------------------------ */

static void note_first(struct rederive *r, uint64_t seq, const struct event *then,
                       const struct event *now)
{
    if (r->report->first_seq)
        return;
    struct text t = { 0 };
    text_add(&t, "recorded: ");
    text_add(&t, then ? event_info(then->kind)->name : "nothing");
    if (then) {
        text_add(&t, " ");
        event_print_fields(&t, then, tail_of(then));
    }
    text_add(&t, "; now: ");
    text_add(&t, now ? event_info(now->kind)->name : "nothing");
    if (now) {
        text_add(&t, " ");
        event_print_fields(&t, now, tail_of(now));
    }
    r->report->first_seq = seq;
    memcpy(r->report->first, text_string(&t), MW_MIN(t.length, REDERIVE_TEXT_MAX - 1));
    text_fini(&t);
}

/* One of them may be NULL: then the other has no counterpart. */
static void differ(struct rederive *r, uint64_t seq, const struct event *then,
                   const struct event *now)
{
    must(then || now);
    note_first(r, seq, then, now);
    r->report->differences++;
    if (then && now)
        r->report->changed[then->kind]++;
    else if (then)
        r->report->missing[then->kind]++;
    else
        r->report->additional[now->kind]++;
}

static bool equal(const struct event *then, const struct event *now)
{
    struct event a = *then, b = *now;
    a.epoch = b.epoch = 0;
    a.seq = b.seq = 0; /* by place in the group */
    if (then->tail_size != now->tail_size || memcmp(&a, &b, sizeof(a)) != 0)
        return false;
    return then->tail_size == 0 || memcmp(then + 1, now + 1, then->tail_size) == 0;
}

/* How many events from `at` on until one of this kind; MW_NONE when none comes. */
static uint32_t distance(const struct group *g, size_t at, uint16_t kind)
{
    for (uint32_t n = 0; at < g->size; n++) {
        const struct event *ev = event_at(g, at);
        if (ev->kind == kind)
            return n;
        at += event_frame_size(ev);
    }
    return MW_NONE;
}

static void compare(struct rederive *r, const struct group *then, const struct group *now)
{
    size_t i = 0, j = 0;
    uint64_t seq = then->first_seq;
    while (i < then->size || j < now->size) {
        const struct event *a = i < then->size ? event_at(then, i) : NULL;
        const struct event *b = j < now->size ? event_at(now, j) : NULL;
        if (a && b && a->kind != b->kind) { /* which side has something in between? */
            uint32_t skip_now = distance(now, j, a->kind);
            uint32_t skip_then = distance(then, i, b->kind);
            if (skip_now < skip_then)
                a = NULL;
            else if (skip_then < skip_now)
                b = NULL;
        }
        if (!a || !b || !equal(a, b))
            differ(r, a ? a->seq : seq, a, b);
        if (a) {
            seq = a->seq;
            i += event_frame_size(a);
        }
        if (b)
            j += event_frame_size(b);
    }
}

static void all_missing(struct rederive *r, const struct group *then)
{
    const struct group none = { 0 };
    compare(r, then, &none);
}

static void front_is_additional(struct rederive *r, uint64_t seq)
{
    const struct group none = { .first_seq = seq }, now = front(r);
    compare(r, &none, &now);
    drop_front(r);
}

/* ---- driving -------------------------------------------------------------------------------- */

/* Timers in the order in which they fire. */
static int timer_order(const struct body_timer *a, const struct body_timer *b)
{
    if (a->due_ns != b->due_ns)
        return a->due_ns < b->due_ns ? -1 : 1;
    if (a->plane != b->plane)
        return a->plane < b->plane ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* A recorded timer: the core fires it, or another, or none. */
static int drive_timer(struct rederive *r, const struct group *then)
{
    const struct event *fired = event_at(then, 0);
    if (front(r).count == 0) {
        r->core->seq = then->first_seq - 1;
        int rc = core_advance(r->core, fired->time_ns, r->err);
        if (rc < 0)
            return rc;
    }
    for (struct group now = front(r); now.count > 0; now = front(r)) {
        int order = timer_order(&event_at(&now, 0)->body.timer, &fired->body.timer);
        if (order > 0)
            break;
        if (order == 0) {
            compare(r, then, &now);
            drop_front(r);
            return 0;
        }
        front_is_additional(r, fired->seq);
    }
    all_missing(r, then);
    return 0;
}

static int drive_fact(struct rederive *r, const struct group *then)
{
    const struct event *fact = event_at(then, 0);
    int rc = fact->kind == EV_EPOCH ? 0 : core_advance(r->core, fact->time_ns, r->err);
    while (rc == 0 && front(r).count > 0)
        front_is_additional(r, fact->seq); /* timers that nobody set then */
    if (rc < 0)
        return rc;
    struct event again = *fact;
    enum admit admit = ADMIT_OK;
    again.seq = fact->source_seq; /* those before it were refused, then as now */
    r->core->seq = then->first_seq - 1;
    rc = core_submit(r->core, fact->time_ns, &again, tail_of(fact), &admit, r->err);
    if (rc < 0)
        return rc;
    struct group now = front(r);
    if (now.count == 0) {
        r->report->refused++;
        all_missing(r, then);
        return 0;
    }
    compare(r, then, &now);
    drop_front(r);
    return 0;
}

/* Before the range: believed as it was decided. */
static void take_over(struct core *c, const struct event *ev, const void *tail, bool last)
{
    c->replaying = true;
    c->seq = ev->seq;
    c->time_ns = MW_MAX(c->time_ns, ev->time_ns);
    core_apply_event(c, ev, tail);
    if (last)
        core_quiet(c);
    c->replaying = false;
}

static int visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    static const uint8_t zero[8];
    struct rederive *r = ctx;
    if (ev->seq > r->range.last_seq)
        return STOP;
    if (ev->seq < r->range.first_seq) {
        take_over(r->core, ev, tail, last);
        return 0;
    }
    int rc = bytes_add(&r->then, ev, sizeof(*ev), r->err);
    if (rc == 0 && ev->tail_size)
        rc = bytes_add(&r->then, tail, ev->tail_size, r->err);
    if (rc == 0)
        rc = bytes_add(&r->then, zero, event_frame_size(ev) - sizeof(*ev) - ev->tail_size, r->err);
    r->then_count++;
    r->report->events++;
    if (rc < 0 || !last)
        return rc;
    const struct group then = { .count = r->then_count, .size = (uint32_t)r->then.size,
                                .first_seq = ev->seq + 1 - r->then_count, .bytes = r->then.data };
    r->report->groups++;
    rc = event_at(&then, 0)->kind == EV_TIMER_FIRED ? drive_timer(r, &then) : drive_fact(r, &then);
    r->then.size = 0;
    r->then_count = 0;
    return rc;
}

int core_rederive(struct journal *from, struct core *fresh, const struct rederive_range *range,
                  struct rederive_report *ret, struct mw_error *err)
{
    must(from && fresh && range && ret && fresh->seq == 0);
    must(!fresh->config.act || fresh->config.rederiving);
    struct journal *own = fresh->config.journal;
    must(own != from);
    struct rederive r = { .port = { .ops = &PORT, .epoch = own->epoch, .next_seq = 1 },
                          .core = fresh, .range = *range, .report = ret, .err = err };
    fresh->config.journal = &r.port;
    int rc = from->ops->read(from, 1, visit, &r, err);
    fresh->config.journal = own;
    mw_free(r.then.data);
    mw_free(r.now.data);
    return rc == STOP ? 0 : rc;
}
