/* Jobs at risk, and what changed since somebody last looked.  See summary.h. */
#include "api/summary.h"

#include <stdlib.h>
#include <string.h>

#include "api/about.h"
#include "api/feeds.h"
#include "api/job_state.h"
#include "api/resource_tables.h"
#include "api/views.h"
#include "base/mem.h"

/* ---- jobs at risk --------------------------------------------------------------------------- */

struct risk {
    int64_t stake; /* GPU-ms */
    uint32_t slot;
};

static int dearest_first(const void *left, const void *right)
{
    const struct risk *a = left, *b = right;
    if (a->stake != b->stake)
        return a->stake > b->stake ? -1 : 1;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

static json_t *risk_row(const struct summary_of *s, const struct risk *r)
{
    const struct control *c = s->control;
    int64_t now_ms = mw_ms(s->now_ns);
    struct text why = { 0 };
    job_risk(&why, s->words, c, r->slot, now_ms);
    return json_pack("{s:I, s:I, s:I, s:o, s:I, s:I}", "job", (json_int_t)c->board->job_id[r->slot],
                     "tenant", (json_int_t)c->board->job_tenant[r->slot], "gpus",
                     (json_int_t)c->board->job_gpus[r->slot], "why", api_text(&why), "unsaved_ms",
                     (json_int_t)board_job_unsaved_ms(c->board, r->slot, now_ms), "stake_uusd",
                     (json_int_t)account_price(r->stake,
                                               c->policy.account.microdollars_per_gpu_hour));
}

static bool is_at_risk(const struct summary_of *s, uint32_t slot)
{
    struct text why = { 0 };
    job_risk(&why, s->words, s->control, slot, mw_ms(s->now_ns));
    bool yes = why.length > 0;
    text_fini(&why);
    return yes;
}

json_t *summary_risks(const struct summary_of *s, uint32_t *ret_jobs)
{
    const struct board *b = s->control->board;
    struct risk *list mw_cleanup(mw_freep) = mw_calloc((size_t)b->jobs_used + 1, sizeof(*list));
    json_t *rows = list ? json_array() : NULL;
    uint32_t n = 0;
    for (uint32_t slot = 0; rows && slot < b->jobs_used; slot++)
        if (b->job_id[slot] && b->job_state[slot] >= JOB_PLACED &&
            api_sees_job_row(b, slot, s->who) && is_at_risk(s, slot))
            list[n++] = (struct risk){ job_unsaved_gpu_ms(b, slot, mw_ms(s->now_ns)), slot };
    if (n > 0)
        qsort(list, n, sizeof(*list), dearest_first);
    for (uint32_t i = 0; i < MW_MIN(n, SUMMARY_RISKS_MAX); i++)
        (void)json_array_append_new(rows, risk_row(s, &list[i]));
    *ret_jobs = n;
    return rows;
}

/* ---- what changed --------------------------------------------------------------------------- */

/* What people want to see first of what happened: the higher, the sooner; 0 = not at all. */
static uint32_t weight_of(const struct history_note *row)
{
    switch (row->kind) {
    case EV_GUARD_TRIPPED:
    case EV_CASCADE_STOPPED:
        return 5;
    case EV_ORDER_ESCALATED:
    case EV_NODE_JUDGED:
        return 4;
    case EV_INCIDENT_OPENED:
        return 3;
    case EV_ADVICE:
    case EV_COMMAND:
        return 2;
    case EV_ATTEMPT_ENDED:
        return row->how == HOW_FAILED ? 2 : 0;
    default:
        return 0;
    }
}

struct top {
    struct history_store *history;
    struct history_note note[SUMMARY_TOP_MAX]; /* heaviest first, of equals the newest */
    uint32_t notes;
};

/* An incident that turned out to be another's symptom is told with that. */
static bool is_symptom(struct history_store *h, const struct history_note *row)
{
    struct history_incident i;
    return row->kind == EV_INCIDENT_OPENED && history_incident_get(h, row->seq, &i) && i.parent;
}

static int take_note(void *ctx, const struct history_note *row)
{
    struct top *t = ctx;
    uint32_t weight = weight_of(row), at = t->notes, same = 0;
    for (uint32_t i = 0; i < t->notes; i++)
        same += t->note[i].kind == row->kind;
    if (same >= SUMMARY_TOP_MAX / 2) /* one kind does not hide the others */
        return 0;
    while (at > 0 && weight_of(&t->note[at - 1]) < weight)
        at--;
    if (weight == 0 || at == SUMMARY_TOP_MAX || is_symptom(t->history, row))
        return 0;
    t->notes = MW_MIN(t->notes + 1, SUMMARY_TOP_MAX);
    memmove(&t->note[at + 1], &t->note[at], (t->notes - at - 1) * sizeof(t->note[0]));
    t->note[at] = *row;
    return 0;
}

static json_t *top_row(const struct summary_of *s, uint64_t seq, void *tail)
{
    struct event ev;
    struct text t = { 0 };
    if (s->journal->ops->get(s->journal, seq, &ev, tail, NULL) < 0)
        return NULL;
    about_sentence(&t, s->words, &ev, ev.tail_size ? tail : NULL);
    return json_pack("{s:I, s:o, s:s, s:o}", "seq", (json_int_t)seq, "time",
                     api_time_ms(mw_ms(ev.time_ns)), "kind", event_info(ev.kind)->name, "text",
                     api_text(&t));
}

static json_t *top_rows(const struct summary_of *s, struct mw_error *err)
{
    const struct history_range r = { .after_seq = s->since, .most = SUMMARY_NOTES_MAX };
    struct top t = { .history = s->history };
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (!tail) {
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
        return NULL;
    }
    if (history_notes_each(s->history, &r, take_note, &t, err) < 0)
        return NULL;
    json_t *rows = json_array();
    for (uint32_t i = 0; rows && i < t.notes; i++) {
        json_t *row = top_row(s, t.note[i].seq, tail);
        if (row)
            (void)json_array_append_new(rows, row);
    }
    return rows;
}

/* The time of an event; of 0, or of one that cannot be read, the beginning of all times. */
static int64_t time_of(const struct summary_of *s, uint64_t seq)
{
    struct event ev = { 0 };
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (!tail || seq == 0 || s->journal->ops->get(s->journal, seq, &ev, tail, NULL) < 0)
        return 0;
    return mw_ms(ev.time_ns);
}

json_t *summary_changed(const struct summary_of *s, const struct history_sample *now,
                        struct mw_error *err)
{
    struct history_store *h = s->history;
    struct history_sample from = { 0 };
    int64_t since_ms = time_of(s, s->since);
    json_t *top = top_rows(s, err);
    if (!top)
        return NULL;
    (void)feeds_sums_at(h, now, since_ms, &from);
    uint64_t stopped = history_notes_count(h, s->since, EV_ATTEMPT_ENDED, HOW_STOPPED) +
                       history_notes_count(h, s->since, EV_ATTEMPT_ENDED, HOW_FAILED);
    json_t *o = json_pack(
        "{s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "since_seq", (json_int_t)s->since,
        "since", api_time_ms(since_ms), "incidents_opened",
        (json_int_t)history_notes_count(h, s->since, EV_INCIDENT_OPENED, 0), "incidents_closed",
        (json_int_t)history_notes_count(h, s->since, EV_INCIDENT_CLOSED, 0), "jobs_stopped",
        (json_int_t)stopped, "jobs_ended", (json_int_t)history_jobs_ended(h, s->since),
        "orders_closed", (json_int_t)history_notes_count(h, s->since, EV_ORDER_ENDED, 0),
        "lost_uusd", (json_int_t)(now->lost_uusd - from.lost_uusd), "top", top);
    if (!o)
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
    return o;
}
