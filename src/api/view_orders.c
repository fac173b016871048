/* Open work orders and machines' actions, as those who do them need them. */
#include "api/views.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "core/event_fields.h"

/* What a person takes along, by step: chosen, from the vendors' service manuals in general (no
 * site's own list is known). */
static const char *const TOOLS[STEP_COUNT] = {
    [STEP_REPAIR] = "ESD strap, Torx and Phillips drivers, laptop with console cable",
    [STEP_RESTART_JOB] = "none",
    [STEP_RESET_GPU] = "shell on the node (nvidia-smi)",
    [STEP_RESTART_SERVICE] = "shell on the node",
    [STEP_REBOOT] = "shell on the node, or its BMC",
    [STEP_POWER_CYCLE] = "its BMC, or hands at its power cords",
    [STEP_FIRMWARE] = "firmware image, shell on the node, its BMC",
    [STEP_RESEAT] = "ESD strap, drivers, fibre inspection scope and cleaner for optics",
    [STEP_REPLACE] = "the part, ESD strap, torque driver, thermal paste where it is cooled",
    [STEP_RMA] = "RMA number, lift, packing of the vendor",
    [STEP_RETIRE] = "lift, disk shredder or wipe certificate",
};

struct entry {
    struct care_order order;
    int64_t stake;
    bool stuck;
};

/* Stuck first, then what was escalated, then what costs most, then the oldest. */
static int first_things_first(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->stuck != b->stuck)
        return a->stuck ? -1 : 1;
    if (a->order.level != b->order.level)
        return a->order.level > b->order.level ? -1 : 1;
    if (a->stake != b->stake)
        return a->stake > b->stake ? -1 : 1;
    return a->order.seq < b->order.seq ? -1 : a->order.seq > b->order.seq;
}

static bool read_event(const struct api_view_of *v, uint64_t seq, struct event *ret, void *tail)
{
    return seq && v->journal->ops->get(v->journal, seq, ret, tail, NULL) == 0;
}

/* What the repair is for, and of the finding that the incident began with what it said, where that
 * was of the same class: "gpu: Xid 79: …". */
static void add_evidence(struct text *t, const struct api_view_of *v, const struct care_order *o,
                         void *tail)
{
    struct event ev;
    const char *class = words_class(v->words, o->class);
    text_add(t, class);
    if (!read_event(v, o->incident, &ev, tail) || ev.kind != EV_INCIDENT_OPENED ||
        !read_event(v, ev.cause, &ev, tail) || ev.kind != EV_FINDING_OPENED ||
        ev.body.finding.class != o->class)
        return; /* not durable yet, or what was found first is something else */
    const struct body_finding *f = &ev.body.finding;
    struct text more = { 0 };
    if (v->words->detail)
        v->words->detail(&more, class, f->detail);
    if (more.length > 0)
        text_addf(t, ": %s", text_string(&more));
    else if (f->detail)
        text_addf(t, ": detail %u", f->detail);
    text_fini(&more);
}

static const char *state_of(const struct entry *e)
{
    if (e->stuck)
        return e->order.taken ? "stuck, begun" : "stuck";
    return e->order.action ? "asked" : e->order.taken ? "begun" : "open";
}

/* What the order itself is about: its incident may have begun with another part. */
static uint64_t component_of(const struct api_view_of *v, const struct care_order *o, void *tail)
{
    struct event ev;
    bool known = read_event(v, o->seq, &ev, tail) && ev.body.order.component != 0 &&
                 (ev.kind == EV_ORDER_OPENED || ev.kind == EV_ACTION_STARTED);
    return known ? ev.body.order.component : o->component;
}

static json_t *order_row(const struct api_view_of *v, const struct entry *e, void *tail)
{
    struct care_order own = e->order;
    const struct care_order *o = &own;
    own.component = component_of(v, o, tail);
    const struct board *b = v->control->board;
    const char *step = event_step_word(o->step), *who = event_who_word(o->who);
    struct text evidence = { 0 }, serial = { 0 };
    add_evidence(&evidence, v, o, tail);
    text_add(&serial, serials_now(v->serials, b->fleet, o->component));
    return json_pack(
        "{s:I, s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:s, s:I, s:o, s:b, s:I,"
        " s:I, s:s, s:I, s:s}",
        "order", (json_int_t)o->seq,
        "incident", (json_int_t)o->incident,
        "state", state_of(e),
        "step", step ? step : "?",
        "do", words_step_do(o->step),
        "who", who ? who : "?",
        "component", api_component(v->words, o->component),
        "serial", api_text(&serial),
        "part", o->part == CARE_PART_NONE ? json_null()
                                          : json_string(words_part(v->words, o->part)),
        "place", api_place(b->fleet, o->component),
        "class", words_class(v->words, o->class),
        "evidence", api_text(&evidence),
        "tools", o->step < STEP_COUNT ? TOOLS[o->step] : "?",
        "age_ms", (json_int_t)(mw_ms(v->now_ns) - o->opened_ms),
        "deadline", api_time_ms(o->deadline_ms),
        "stuck", (int)e->stuck,
        "level", (json_int_t)o->level,
        "stake_uusd_per_hour", (json_int_t)e->stake,
        "rests_on", "modelled",
        "symptoms", (json_int_t)b->incident_symptoms[o->slot],
        "warranty", "unknown");
}

static uint32_t collect(const struct api_view_of *v, const int64_t *stake, struct entry *list,
                        struct care_order *order)
{
    int64_t now_ms = mw_ms(v->now_ns);
    uint32_t n = care_orders(v->control->care, order, v->control->board->incidents_used);
    for (uint32_t i = 0; i < n; i++)
        list[i] = (struct entry){ .order = order[i], .stake = stake[order[i].slot],
                                  .stuck = order[i].deadline_ms && now_ms > order[i].deadline_ms };
    if (n > 0)
        qsort(list, n, sizeof(*list), first_things_first);
    return n;
}

json_t *api_view_orders(const struct api_view_of *v, struct mw_error *err)
{
    size_t most = (size_t)v->control->board->incidents_used + 1;
    int64_t *stake mw_cleanup(mw_freep) = api_stakes(v->control);
    struct entry *list mw_cleanup(mw_freep) = mw_calloc(most, sizeof(*list));
    struct care_order *order mw_cleanup(mw_freep) = mw_calloc(most, sizeof(*order));
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    bool ok = stake != NULL && list != NULL && order != NULL && tail != NULL;
    json_t *rows = ok ? json_array() : NULL;
    uint32_t n = rows != NULL ? collect(v, stake, list, order) : 0;
    ok = rows != NULL;
    for (uint32_t i = 0; ok && i < MW_MIN(n, API_ROWS_MAX); i++)
        ok = json_array_append_new(rows, order_row(v, &list[i], tail)) == 0;
    if (!ok) {
        json_decref(rows);
        rows = NULL;
    }
    return api_document(v, rows, n > API_ROWS_MAX ? n - API_ROWS_MAX : 0, err);
}
