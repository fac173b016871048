/* Swaps of serial numbers, and the walk that follows one.  See history.h. */
#include "control/history.h"

#include <stdio.h>
#include <string.h>

#include "control/grow.h"


#define MARK "serial "
#define ARROW " -> "

/* ---- serial numbers ------------------------------------------------------------------------- */

const char *serials_now(const struct serials *s, const struct fleet *f, uint64_t component)
{
    for (uint32_t i = s ? s->changes : 0; i-- > 0;)
        if (s->change[i].component == component)
            return s->change[i].after;
    return fleet_serial(f, component);
}

static bool bears(const struct serials *s, const struct fleet *f, uint64_t component,
                  const char *serial)
{
    return component && strcmp(serials_now(s, f, component), serial) == 0;
}

/* Of `count` parts from `first` on, the one that bears this serial; 0. */
static uint64_t among(const struct serials *s, const struct fleet *f, const char *serial,
                      uint64_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (bears(s, f, first + i, serial))
            return first + i;
    return 0;
}

/* The slot whose part was swapped: of what the order is about, and of its node, the one that bears
 * the old serial; where none is known to, what the order is about. */
static uint64_t slot_of(const struct serials *s, const struct fleet *f,
                        const struct body_order *o, const char *serial)
{
    uint32_t n = o->node;
    if (bears(s, f, o->component, serial))
        return o->component;
    if (n == MW_NONE || n >= f->count[COMPONENT_NODE])
        return o->component;
    if (bears(s, f, component_id(COMPONENT_NODE, n), serial))
        return component_id(COMPONENT_NODE, n);
    uint64_t found = among(s, f, serial, component_id(COMPONENT_GPU, f->node_gpu_first[n]),
                           f->node_gpus[n]);
    if (!found)
        found = among(s, f, serial, component_id(COMPONENT_NIC, f->node_nic_first[n]),
                      f->node_nics[n]);
    return found ? found : o->component;
}

/* "gpu/112-1": how a site that keeps no serial numbers numbers its parts, with the slot's kind and
 * row (the simulated world does); 0 when it is no such. */
static uint64_t slot_in(const struct fleet *f, const char *serial)
{
    for (uint32_t k = COMPONENT_HALL; k < COMPONENT_KIND_COUNT; k++) {
        const char *name = component_kind_name((enum component_kind)k);
        size_t n = strlen(name);
        if (strncmp(serial, name, n) != 0 || serial[n] != '/')
            continue;
        char digits[24];
        uint64_t row = 0;
        (void)snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(serial + n + 1, "-"),
                       serial + n + 1);
        if (mw_parse_u64(digits, &row) == 0 && row < f->count[k])
            return component_id((enum component_kind)k, (uint32_t)row);
    }
    return 0;
}

/* Copies a word of the text and moves past it; false when there is none. */
static bool take_word(const char **at, const char *end, char ret[SERIAL_MAX])
{
    size_t n = 0;
    while (*at + n < end && !strchr(" ;,\n\t", (*at)[n]))
        n++;
    (void)snprintf(ret, SERIAL_MAX, "%.*s", (int)MW_MIN(n, (size_t)SERIAL_MAX - 1), *at);
    *at += n;
    return n > 0;
}

/* The next "serial OLD -> NEW" of a text; moves *at past it. */
static bool next_change(const char **at, const char *end, struct serial_change *ret)
{
    for (;;) {
        const char *p = memmem(*at, (size_t)(end - *at), MARK, strlen(MARK));
        if (!p)
            return false;
        *at = p + strlen(MARK);
        if (!take_word(at, end, ret->before))
            continue;
        size_t arrow = strlen(ARROW);
        if ((size_t)(end - *at) < arrow || memcmp(*at, ARROW, arrow) != 0)
            continue;
        *at += arrow;
        if (take_word(at, end, ret->after))
            return true;
    }
}

struct reading {
    struct serials *serials;
    const struct fleet *fleet;
    uint64_t last_seq;
};

static int read_event(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct reading *r = ctx;
    struct serials *s = r->serials;
    struct serial_change c = { .seq = ev->seq, .time_ns = ev->time_ns };
    (void)last;
    if (ev->seq > r->last_seq)
        return 1;
    s->next_seq = ev->seq + 1;
    if (ev->kind != EV_ORDER_ENDED || ev->tail_size == 0)
        return 0;
    const char *at = tail, *end = at + ev->tail_size;
    while (next_change(&at, end, &c)) {
        c.component = slot_in(r->fleet, c.before);
        if (!c.component)
            c.component = slot_of(s, r->fleet, &ev->body.order, c.before);
        if (s->changes == SERIALS_MAX) {
            s->left_out++;
            continue;
        }
        if (!GROW(s->change, s->changes, &s->room))
            return MW_ENOMEM;
        s->change[s->changes++] = c;
    }
    return 0;
}

int serials_update(struct serials *s, struct journal *j, const struct fleet *f,
                   struct mw_error *err)
{
    struct reading r = { .serials = s, .fleet = f, .last_seq = j->head.seq };
    must(s && j && f);
    if (s->next_seq > j->head.seq)
        return 0;
    int rc = j->ops->read(j, MW_MAX(s->next_seq, 1u), read_event, &r, err);
    if (rc == MW_ENOMEM)
        return mw_fail(err, rc, "out of memory for %u serial numbers", s->changes);
    return rc < 0 ? rc : 0;
}

void serials_fini(struct serials *s)
{
    mw_free(s->change);
    *s = (struct serials){ 0 };
}

/* ---- where it was --------------------------------------------------------------------------- */

struct telling {
    struct history *h;
    const struct words *words;
    uint64_t last_seq;
    uint32_t spans_room, lines_room, incidents_room;
};

static int begin_span(struct telling *t, uint64_t component, uint64_t first_seq)
{
    struct history *h = t->h;
    if (!GROW(h->span, h->spans, &t->spans_room))
        return MW_ENOMEM;
    h->span[h->spans++] = (struct history_span){ .component = component, .first_seq = first_seq,
                                                 .last_seq = UINT64_MAX };
    return 0;
}

/* The component that the site file gives this serial; 0. */
static uint64_t find_serial(const struct fleet *f, const char *serial)
{
    for (uint32_t k = 0; k < COMPONENT_KIND_COUNT; k++) {
        for (uint32_t i = 0; f->serial_of[k] && i < f->count[k]; i++)
            if (f->serial_of[k][i] && strcmp(f->text.pool + f->serial_of[k][i], serial) == 0)
                return component_id((enum component_kind)k, i);
    }
    return 0;
}

/* Where a serial was, from the site file and every swap since. */
static int follow(struct telling *t, const char *serial, const struct serials *s)
{
    struct history *h = t->h;
    uint64_t first = find_serial(t->words->fleet, serial);
    int r = first ? begin_span(t, first, 0) : 0;
    for (uint32_t i = 0; r == 0 && i < s->changes; i++) {
        const struct serial_change *c = &s->change[i];
        struct history_span *now = h->spans ? &h->span[h->spans - 1] : NULL;
        bool open = now && now->last_seq == UINT64_MAX;
        if (strcmp(c->before, serial) == 0 && !open && !now)
            r = begin_span(t, c->component, 0); /* it was there before anybody wrote it down */
        now = h->spans ? &h->span[h->spans - 1] : NULL;
        if (r == 0 && strcmp(c->before, serial) == 0 && now)
            now->last_seq = c->seq;
        if (r == 0 && strcmp(c->after, serial) == 0)
            r = begin_span(t, c->component, c->seq);
    }
    return r;
}

/* ---- what happened there -------------------------------------------------------------------- */

/* The component and node that an event names; 0 and MW_NONE. */
static uint32_t place_of(const struct event *ev, uint64_t *ret_component)
{
    *ret_component = 0;
    switch (ev->kind) {
    case EV_FINDING_OPENED:
    case EV_FINDING_CLOSED:
        *ret_component = ev->body.finding.component;
        return ev->body.finding.node;
    case EV_INCIDENT_OPENED:
    case EV_INCIDENT_JOINED:
    case EV_INCIDENT_CLOSED:
        *ret_component = ev->body.incident.component;
        return ev->body.incident.node;
    case EV_ORDER_OPENED:
    case EV_ORDER_TAKEN:
    case EV_ORDER_ENDED:
    case EV_ORDER_ESCALATED:
    case EV_ORDER_WITHDRAWN:
    case EV_ACTION_STARTED:
    case EV_ACTION_ENDED:
        *ret_component = ev->body.order.component;
        return ev->body.order.node;
    case EV_NODE_MOVED:
        return ev->body.node.node;
    case EV_DRAIN_ORDERED:
        return ev->body.drain.node;
    case EV_GATE_STARTED:
    case EV_GATE_ENDED:
        return ev->body.gate.node;
    case EV_STEP_CHOSEN:
        return ev->body.step.node;
    case EV_NODE_JUDGED:
        return ev->body.judge.node;
    case EV_ADVICE:
        return ev->body.advice.node;
    case EV_NODE_REPORTED:
        return ev->body.report.node;
    case EV_COMMAND:
        return ev->body.command.verb == CMD_SET_MODE ? MW_NONE : ev->body.command.node;
    default:
        return MW_NONE;
    }
}

static bool is_its_incident(const struct history *h, uint64_t incident)
{
    for (uint32_t i = h->incidents; incident && i-- > 0;)
        if (h->incident[i] == incident)
            return true;
    return false;
}

static bool is_told(const struct telling *t, const struct event *ev)
{
    const struct history *h = t->h;
    uint64_t component;
    uint32_t node = place_of(ev, &component);
    for (uint32_t i = 0; i < h->spans; i++) {
        const struct history_span *s = &h->span[i];
        bool whole = component_kind_of(s->component) == COMPONENT_NODE;
        if (ev->seq < s->first_seq || ev->seq > s->last_seq)
            continue;
        bool swap = ev->seq == s->first_seq || ev->seq == s->last_seq;
        bool on_it = whole && node == component_index_of(s->component);
        if (swap || on_it || component == s->component ||
            is_its_incident(h, words_incident(ev)))
            return true;
    }
    return false;
}

static int tell(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct telling *t = ctx;
    struct history *h = t->h;
    struct text words = { 0 };
    (void)last;
    if (ev->seq > t->last_seq)
        return 1;
    if (!is_told(t, ev))
        return 0;
    if (h->lines == HISTORY_LINES_MAX) {
        h->left_out++;
        return 0;
    }
    if (!GROW(h->line, h->lines, &t->lines_room) ||
        !GROW(h->incident, h->incidents, &t->incidents_room))
        return MW_ENOMEM;
    uint64_t incident = words_incident(ev);
    if (incident && !is_its_incident(h, incident))
        h->incident[h->incidents++] = incident;
    words_of_event(&words, t->words, ev, tail);
    struct explain_line line = { .seq = ev->seq, .time_ns = ev->time_ns, .kind = ev->kind };
    line.text = words.failed ? NULL : mw_strdup(text_string(&words));
    text_fini(&words);
    if (!line.text)
        return MW_ENOMEM;
    h->line[h->lines++] = line;
    return 0;
}

int history_tell(struct journal *j, const char *what, const struct words *w,
                 const struct serials *s, struct history *ret, struct mw_error *err)
{
    must(j && what && w && s && ret);
    *ret = (struct history){ 0 };
    struct telling t = { .h = ret, .words = w, .last_seq = j->head.seq };
    uint64_t component = fleet_find(w->fleet, what);
    ret->serial = component == 0;
    int r = component ? begin_span(&t, component, 0) : follow(&t, what, s);
    if (r == 0 && ret->spans == 0)
        r = mw_fail(err, MW_ENOTFOUND, "\"%s\" is no component of the site, and no serial number "
                    "that the site file or a repair has named (mw site show lists names)", what);
    if (r == 0)
        r = j->ops->read(j, 1, tell, &t, err);
    if (r < 0) {
        history_fini(ret);
        return r == MW_ENOMEM ? mw_fail(err, r, "out of memory for a history") : r;
    }
    return 0;
}

void history_fini(struct history *h)
{
    for (uint32_t i = 0; i < h->lines; i++)
        mw_free(h->line[i].text);
    mw_free(h->line);
    mw_free(h->span);
    mw_free(h->incident);
    *h = (struct history){ 0 };
}
