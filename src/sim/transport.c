/*
 * Two ways through: a plain line when nothing can go wrong (it must cost
 * nothing in a run of millions of facts), and an agenda of copies when it can.
 */
#include "sim/transport.h"

#include "base/mem.h"
#include "base/random.h"
#include "sim/queue.h"

enum { COPY = 1, RESEND = 2 };
enum { SALT_LOST, SALT_LATE, SALT_LATE_BY, SALT_DOUBLED, SALT_SWAPPED, SALT_ACK };
#define PROCESS_MESSAGE 1000u
#define RESEND_NS_MIN MW_NS_PER_S

struct message {
    struct event fact;
    const char *text;
    int64_t sent_ns;    /* the last time */
    uint32_t next;      /* kept by the same source; free list; or the plain line */
    uint32_t in_flight; /* copies on the agenda or held back */
    bool kept;
};

struct transport {
    struct transport_config config;
    struct message *row;
    uint32_t used, room, free;
    uint64_t *source_count;
    uint32_t *source_first, *source_last; /* kept messages */
    uint8_t *source_armed;
    uint32_t line_first, line_last; /* the plain line */
    int64_t line_ns;
    uint32_t held;  /* waits to change places with the next; MW_NONE */
    struct queue agenda;
    uint64_t draws;
    struct transport_stats stats;
    bool faulty, calm, failed;
};

static bool can_fail(const struct scenario_messages *m)
{
    return m->lost > 0 || m->late > 0 || m->doubled > 0 || m->reordered > 0;
}

int transport_create(const struct transport_config *c, struct transport **ret)
{
    must(c->sources > 0 && c->marks != NULL);
    struct transport *t = mw_calloc(1, sizeof(*t));
    if (t == NULL)
        return MW_ENOMEM;
    *t = (struct transport){.config = *c, .free = MW_NONE, .line_first = MW_NONE,
                            .line_last = MW_NONE, .held = MW_NONE,
                            .faulty = can_fail(&c->messages)};
    t->config.messages.resend_ns = MW_MAX(c->messages.resend_ns, RESEND_NS_MIN);
    t->source_count = mw_calloc(c->sources, sizeof(*t->source_count));
    t->source_first = mw_calloc(c->sources, sizeof(*t->source_first));
    t->source_last = mw_calloc(c->sources, sizeof(*t->source_last));
    t->source_armed = mw_calloc(c->sources, sizeof(*t->source_armed));
    if (!t->source_count || !t->source_first || !t->source_last || !t->source_armed) {
        transport_destroy(t);
        return MW_ENOMEM;
    }
    for (uint32_t s = 0; s < c->sources; s++)
        t->source_first[s] = t->source_last[s] = MW_NONE;
    *ret = t;
    return 0;
}

void transport_destroy(struct transport *t)
{
    if (t == NULL)
        return;
    mw_free(t->row);
    mw_free(t->source_count);
    mw_free(t->source_first);
    mw_free(t->source_last);
    mw_free(t->source_armed);
    queue_fini(&t->agenda);
    mw_free(t);
}

static uint32_t row_take(struct transport *t)
{
    uint32_t row = t->free;
    if (row != MW_NONE) {
        t->free = t->row[row].next;
        return row;
    }
    if (t->used == t->room) {
        uint32_t room = t->room == 0 ? 64 : t->room * 2;
        struct message *grown = mw_resize(t->row, room, sizeof(*grown));
        if (grown == NULL) {
            t->failed = true;
            return MW_NONE;
        }
        t->row = grown;
        t->room = room;
    }
    return t->used++;
}

static void row_free(struct transport *t, uint32_t row)
{
    t->row[row].next = t->free;
    t->free = row;
}

/* ---- what goes wrong ----------------------------------------------------------------------- */

static uint64_t draw(struct transport *t, uint32_t salt)
{
    return mw_random_u64(t->config.seed, salt, PROCESS_MESSAGE, t->draws);
}

static bool happens(struct transport *t, int64_t now_ns, uint32_t salt, uint32_t permille)
{
    if (permille == 0 || t->calm || now_ns >= t->config.quiet_ns)
        return false;
    return mw_random_below(draw(t, salt), 1000) < permille;
}

static void copy_at(struct transport *t, uint32_t row, int64_t time_ns)
{
    t->row[row].in_flight++;
    queue_push(&t->agenda, time_ns, (struct queue_what){.kind = COPY, .a = row});
}

/* The one that waited goes right behind the one just sent. */
static void release_held(struct transport *t, int64_t now_ns)
{
    if (t->held == MW_NONE)
        return;
    t->row[t->held].in_flight--;
    copy_at(t, t->held, now_ns);
    t->held = MW_NONE;
    t->stats.reordered++;
    mark_hit(t->config.marks, MARK_MESSAGE_SWAPPED);
}

static void put_on_way(struct transport *t, uint32_t row, int64_t now_ns)
{
    const struct scenario_messages *m = &t->config.messages;
    t->draws++;
    t->row[row].sent_ns = now_ns;
    if (happens(t, now_ns, SALT_LOST, m->lost)) {
        t->stats.lost++;
        mark_hit(t->config.marks, MARK_MESSAGE_LOST);
        return;
    }
    int64_t at_ns = now_ns;
    if (m->late_ns_max > 0 && happens(t, now_ns, SALT_LATE, m->late)) {
        at_ns += (int64_t)mw_random_below(draw(t, SALT_LATE_BY), (uint64_t)m->late_ns_max) + 1;
        t->stats.late++;
        mark_hit(t->config.marks, MARK_MESSAGE_LATE);
    }
    if (happens(t, now_ns, SALT_DOUBLED, m->doubled)) {
        copy_at(t, row, at_ns + m->late_ns_max / 2);
        t->stats.doubled++;
        mark_hit(t->config.marks, MARK_MESSAGE_DOUBLED);
    }
    if (t->held == MW_NONE && happens(t, now_ns, SALT_SWAPPED, m->reordered)) {
        t->held = row;
        t->row[row].in_flight++;
        return;
    }
    copy_at(t, row, at_ns);
    release_held(t, now_ns);
}

/* ---- sending ------------------------------------------------------------------------------- */

static void arm(struct transport *t, uint32_t source, int64_t now_ns)
{
    if (t->source_armed[source])
        return;
    t->source_armed[source] = 1;
    queue_push(&t->agenda, now_ns + t->config.messages.resend_ns,
               (struct queue_what){.kind = RESEND, .a = source});
}

static void append(struct transport *t, uint32_t *first, uint32_t *last, uint32_t row)
{
    t->row[row].next = MW_NONE;
    if (*last == MW_NONE)
        *first = row;
    else
        t->row[*last].next = row;
    *last = row;
}

void transport_send(struct transport *t, int64_t now_ns, const struct event *fact,
                    const char *text)
{
    must(fact->source < t->config.sources);
    uint32_t row = row_take(t);
    if (row == MW_NONE)
        return;
    struct message *m = &t->row[row];
    *m = (struct message){.fact = *fact, .text = text, .next = MW_NONE, .kept = true};
    m->fact.source_seq = ++t->source_count[fact->source];
    t->stats.sent++;
    if (!t->faulty) {
        append(t, &t->line_first, &t->line_last, row);
        t->line_ns = now_ns;
        return;
    }
    append(t, &t->source_first[fact->source], &t->source_last[fact->source], row);
    put_on_way(t, row, now_ns);
    arm(t, fact->source, now_ns);
}

static void resend(struct transport *t, uint32_t source, int64_t now_ns)
{
    t->source_armed[source] = 0;
    for (uint32_t row = t->source_first[source]; row != MW_NONE; row = t->row[row].next) {
        if (now_ns - t->row[row].sent_ns < t->config.messages.resend_ns && !t->calm)
            continue;
        t->stats.resent++;
        put_on_way(t, row, now_ns);
    }
    if (t->source_first[source] != MW_NONE)
        arm(t, source, now_ns);
}

/* ---- arriving ------------------------------------------------------------------------------ */

int64_t transport_next_ns(const struct transport *t)
{
    if (!t->faulty)
        return t->line_first == MW_NONE ? MW_NEVER : t->line_ns;
    return queue_next_ns(&t->agenda);
}

static void give(const struct transport *t, uint32_t row, struct delivery *ret)
{
    const struct message *m = &t->row[row];
    uint32_t lowest = t->faulty ? t->source_first[m->fact.source] : row;
    ret->fact = m->fact;
    ret->fact.seq = m->fact.source_seq;
    if (lowest != MW_NONE)
        ret->fact.seq = MW_MIN(ret->fact.seq, t->row[lowest].fact.source_seq);
    ret->text = m->text;
    ret->row = row;
}

bool transport_take(struct transport *t, int64_t now_ns, struct delivery *ret)
{
    if (!t->faulty) {
        if (t->line_first == MW_NONE)
            return false;
        give(t, t->line_first, ret);
        return true;
    }
    while (queue_next_ns(&t->agenda) <= now_ns) {
        struct queue_entry e = queue_pop(&t->agenda);
        if (queue_kind(&e) == COPY) {
            give(t, e.a, ret);
            return true;
        }
        resend(t, e.a, now_ns);
    }
    return false;
}

/* The source forgets what is acknowledged: all up to this number. */
static void forget(struct transport *t, uint32_t source, uint64_t up_to)
{
    uint32_t row = t->source_first[source];
    while (row != MW_NONE && t->row[row].fact.source_seq <= up_to) {
        uint32_t next = t->row[row].next;
        t->row[row].kept = false;
        if (t->row[row].in_flight == 0)
            row_free(t, row);
        row = next;
    }
    t->source_first[source] = row;
    if (row == MW_NONE)
        t->source_last[source] = MW_NONE;
}

void transport_answer(struct transport *t, int64_t now_ns, const struct delivery *d, bool acked)
{
    if (!t->faulty) {
        if (!acked)
            return; /* it stays first in the line */
        t->line_first = t->row[d->row].next;
        if (t->line_first == MW_NONE)
            t->line_last = MW_NONE;
        row_free(t, d->row);
        return;
    }
    struct message *m = &t->row[d->row];
    must(m->in_flight > 0);
    m->in_flight--;
    t->draws++;
    if (acked && happens(t, now_ns, SALT_ACK, t->config.messages.lost)) {
        mark_hit(t->config.marks, MARK_ACK_LOST);
        acked = false;
    }
    bool gone = !m->kept && m->in_flight == 0;
    if (gone)
        row_free(t, d->row);
    if (acked)
        forget(t, d->fact.source, d->fact.source_seq);
}

void transport_flush(struct transport *t, int64_t now_ns)
{
    t->calm = true;
    if (!t->faulty)
        return;
    release_held(t, now_ns);
    for (uint32_t s = 0; s < t->config.sources; s++) {
        if (t->source_first[s] != MW_NONE)
            resend(t, s, now_ns);
    }
}

struct transport_stats transport_stats(const struct transport *t)
{
    return t->stats;
}

bool transport_failed(const struct transport *t)
{
    return t->failed || t->agenda.failed;
}
