/* See the header. */
#include "core/core_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"
#include "core/journal_memory.h"

static void note(struct straw *s, const char *what)
{
    size_t at = strlen(s->calls);
    if (at + 3 < sizeof(((struct bench *)0)->calls)) {
        s->calls[at] = "bgcmw"[s->id];
        s->calls[at + 1] = what[0];
        s->calls[at + 2] = '\0';
    }
}

static enum admit straw_admit(const void *self, const struct event *ev, const void *tail)
{
    (void)self;
    (void)tail;
    return ev->kind == EV_COMMAND ? (enum admit)ev->body.command.slot : ADMIT_OK;
}

static uint8_t straw_apply(void *self, const struct event *ev, const void *tail)
{
    struct straw *s = self;
    note(s, ev->kind == EV_COMMAND ? "C" : ev->kind == EV_TIMER_FIRED ? "T" : "d");
    s->sum = mw_mix64(s->sum + ev->seq * 31 + ev->kind + (tail ? *(const uint8_t *)tail : 0));
    s->row[s->used % 16] = s->sum;
    s->used = MW_MIN(s->used + 1, 16u);
    if (ev->kind == EV_TIMER_FIRED && ev->body.timer.plane == s->id)
        s->due = MW_NEVER;
    if (ev->kind == EV_COMMAND && ev->body.command.hall == s->id) {
        s->wanted = ev->body.command.node;
        s->mode = ev->body.command.mode;
        return ev->body.command.ref == 777 ? 9 : 0;
    }
    if (event_info(ev->kind)->class == EVENT_DECISION && s->wanted > 0)
        s->wanted--;
    if (ev->kind == EV_ORDER_OPENED)
        s->pending = ev->seq;
    return 0;
}

static bool straw_decide(void *self, struct decision *out)
{
    struct straw *s = self;
    if (s->wanted == 0)
        return false;
    out->ev.kind = s->mode == 1 ? EV_ORDER_OPENED : s->mode == 2 ? EV_DRAIN_ORDERED : EV_NODE_MOVED;
    return true;
}

static void straw_quiet(void *self)
{
    ((struct straw *)self)->wanted = 0;
}

static int64_t straw_due(const void *self, uint64_t *ret_id)
{
    *ret_id = ((const struct straw *)self)->due_id;
    return ((const struct straw *)self)->due;
}

static uint64_t straw_pending(const void *self, uint32_t *at)
{
    return (*at)++ == 0 ? ((const struct straw *)self)->pending : 0;
}

static struct column_list straw_columns(const void *self)
{
    const struct straw *s = self;
    return (struct column_list){ .owner = "straw", .item = s->column, .length = 4 };
}

static enum guard_reason straw_check(const void *self, const struct event *d, bool *trips)
{
    const struct bench *b = self;
    (void)d;
    *trips = b->trip_at != 0;
    return b->trip_at ? GUARD_HALL_RATE : GUARD_PASS;
}

static void straw_lower(const void *self, enum guard_reason reason, struct event *d,
                        struct event *tripped)
{
    (void)self;
    *d = (struct event){ .kind = EV_ADVICE, .cause = d->cause };
    d->body.advice.reason = (uint8_t)reason;
    if (tripped) {
        *tripped = *d;
        tripped->kind = EV_GUARD_TRIPPED;
    }
}

static void bench_act(void *ctx, const struct event *action, const void *tail)
{
    struct bench *b = ctx;
    (void)tail;
    assert_true(action->seq <= b->journal->head.seq); /* never before it is committed */
    assert_true(b->acts < MW_ARRAY_LEN(b->acted));
    b->acted[b->acts++] = action->seq;
}

struct bench *bench_on(struct journal *j, bool rederiving)
{
    struct bench *b = mw_calloc(1, sizeof(*b));
    struct plane plane[PLANE_COUNT];
    b->journal = j;
    for (uint32_t p = 0; p < PLANE_COUNT; p++) {
        struct straw *s = &b->straw[p];
        s->id = p;
        s->due = MW_NEVER;
        s->calls = b->calls;
        const struct column column[4] = { COLUMN("used", &s->used, 1, NULL),
                                          COLUMN("sum", &s->sum, 1, NULL),
                                          COLUMN("row", s->row, 16, &s->used),
                                          COLUMN("pending", &s->pending, 1, NULL) };
        memcpy(s->column, column, sizeof(column));
        plane[p] = (struct plane){ .name = "straw", .self = s, .admit = straw_admit,
                                   .apply = straw_apply, .decide = straw_decide,
                                   .quiet = straw_quiet, .next_due = straw_due,
                                   .pending = straw_pending, .columns = straw_columns };
    }
    const struct core_config config = { .journal = j, .plane = plane, .sources_max = STRAW_SOURCES,
                                        .guard = { .self = b, .check = straw_check,
                                                   .lower = straw_lower },
                                        .act = bench_act, .act_ctx = b, .trace_hash = true,
                                        .rederiving = rederiving };
    assert_int_equal(core_create(&config, &b->core, NULL), 0);
    return b;
}

struct bench *bench_make(void)
{
    struct journal *j = NULL;
    assert_int_equal(journal_memory_create(NULL, &j), 0);
    return bench_on(j, false);
}

void bench_free(struct bench *b, bool with_journal)
{
    core_destroy(b->core);
    if (with_journal)
        journal_destroy(b->journal);
    mw_free(b);
}

struct event bench_command(uint32_t plane, uint32_t decisions, uint8_t mode)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 1 };
    ev.body.command.hall = plane;
    ev.body.command.node = decisions;
    ev.body.command.mode = mode;
    return ev;
}

enum admit bench_submit(struct bench *b, int64_t now_ns, const struct event *ev)
{
    enum admit a = ADMIT_COUNT;
    assert_int_equal(core_submit(b->core, now_ns, ev, ev->tail_size ? "tail" : NULL, &a, NULL), 0);
    return a;
}

static int kinds_visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct kinds *k = ctx;
    (void)tail;
    assert_true(k->length < 512);
    k->kind[k->length] = ev->kind;
    k->time[k->length] = ev->time_ns;
    k->cause[k->length++] = ev->cause;
    k->groups += last;
    return 0;
}

struct kinds bench_record(struct bench *b)
{
    struct kinds k = { .length = 0 };
    assert_int_equal(core_commit(b->core, NULL), 0);
    assert_int_equal(b->journal->ops->read(b->journal, 1, kinds_visit, &k, NULL), 0);
    return k;
}
