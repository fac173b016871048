/*
 * The walk that gathers an incident's story.  Owns which events belong to it;
 * their words are in words.c and words_care.c, the layout is the command's.
 */
#include "control/explain.h"

#include <string.h>

#include "base/units.h"
#include "control/grow.h"

struct walk {
    struct explain *x;
    const struct words *words;
    struct journal *journal;
    uint64_t last_seq;      /* of the record as it was when we began */
    uint64_t *key, *advice; /* owned: of its findings; of its advice, which commands name */
    uint32_t keys, advices;
    uint32_t findings_room, symptoms_room, steps_room, lines_room, keys_room, advices_room;
    int64_t since_ns;       /* of the node's health */
    struct mw_error *err;
};

const char *explain_bar(uint32_t bar)
{
    static const char *const why[BAR_COUNT] = {
        [BAR_NONE] = "",
        [BAR_TRIED] = "tried here, did not help",
        [BAR_LIGHT] = "too light for this node",
        [BAR_MODE] = "the mode, or a person, says no",
    };
    return bar < BAR_COUNT ? why[bar] : "for a reason unknown";
}

const char *explain_drain(uint32_t drain)
{
    static const char *const when[] = { [0] = "never", [DRAIN_NOW] = "now",
                                        [DRAIN_AT_CHECKPOINT] = "at the next checkpoint" };
    return drain < MW_ARRAY_LEN(when) ? when[drain] : "at a time unknown";
}

/* ---- lists ---------------------------------------------------------------------------------- */

static int make_line(const struct walk *k, const struct event *ev, const void *tail,
                     struct explain_line *ret)
{
    struct text t = { 0 };
    words_of_event(&t, k->words, ev, tail);
    *ret = (struct explain_line){ .seq = ev->seq, .time_ns = ev->time_ns, .kind = ev->kind,
                                  .text = t.failed ? NULL : mw_strdup(text_string(&t)) };
    text_fini(&t);
    return ret->text ? 0 : MW_ENOMEM;
}

static int add_line(struct walk *k, const struct event *ev, const void *tail)
{
    struct explain *x = k->x;
    if (x->lines == EXPLAIN_LINES_MAX) {
        x->left_out++;
        return 0;
    }
    if (!GROW(x->line, x->lines, &k->lines_room))
        return MW_ENOMEM;
    int r = make_line(k, ev, tail, &x->line[x->lines]);
    x->lines += r == 0;
    return r;
}

static int add_finding(struct walk *k, const struct event *ev, const void *tail)
{
    struct explain *x = k->x;
    uint64_t number = ev->body.finding.finding & ((UINT64_C(1) << 40) - 1);
    if (x->findings == EXPLAIN_FINDINGS_MAX) {
        x->left_out++;
        return 0;
    }
    if (!GROW(x->finding, x->findings, &k->findings_room) ||
        !GROW(k->key, k->keys, &k->keys_room))
        return MW_ENOMEM;
    k->key[k->keys++] = (uint64_t)ev->source << 40 | number;
    int r = make_line(k, ev, tail, &x->finding[x->findings]);
    x->findings += r == 0;
    return r;
}

static int get(const struct walk *k, uint64_t seq, struct event *ret, void *tail)
{
    return k->journal->ops->get(k->journal, seq, ret, tail, k->err);
}

/* The finding that this event of the incident answers. */
static int add_finding_of(struct walk *k, uint64_t seq)
{
    struct event ev;
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (!tail)
        return MW_ENOMEM;
    int r = seq ? get(k, seq, &ev, tail) : 0;
    if (r < 0 || !seq || ev.kind != EV_FINDING_OPENED)
        return r;
    if (k->x->findings == 0) {
        k->x->found_seq = ev.seq;
        k->x->found_ns = ev.time_ns;
        k->x->began_ns = ev.observed_ns;
    }
    return add_finding(k, &ev, tail);
}

static bool is_own_finding(const struct walk *k, const struct event *ev)
{
    uint64_t number = ev->body.finding.finding & ((UINT64_C(1) << 40) - 1);
    uint64_t key = (uint64_t)ev->source << 40 | number;
    for (uint32_t i = 0; i < k->keys; i++)
        if (k->key[i] == key)
            return true;
    return false;
}

static int add_symptom(struct walk *k, const struct event *ev)
{
    struct explain *x = k->x;
    const struct body_cause *b = &ev->body.cause;
    if (x->symptoms == EXPLAIN_SYMPTOMS_MAX) {
        x->left_out++;
        return 0;
    }
    if (!GROW(x->symptom, x->symptoms, &k->symptoms_room))
        return MW_ENOMEM;
    x->symptom[x->symptoms++] =
        (struct explain_symptom){ .incident = b->incident, .node = b->node, .class = UINT16_MAX };
    return 0;
}

static void free_symptom(struct explain *x, uint64_t incident)
{
    for (uint32_t i = x->symptoms; i-- > 0;)
        if (x->symptom[i].incident == incident) {
            x->symptom[i].freed = true;
            return;
        }
}

static int add_step(struct walk *k, const struct event *ev, const void *tail)
{
    struct explain *x = k->x;
    uint32_t n = ev->tail_size / (uint32_t)sizeof(struct step_sum);
    if (x->steps == EXPLAIN_STEPS_MAX) {
        x->left_out++;
        return 0;
    }
    if (!GROW(x->step, x->steps, &k->steps_room))
        return MW_ENOMEM;
    struct step_sum *sum = mw_calloc(n, sizeof(*sum));
    if (!sum)
        return MW_ENOMEM;
    if (n > 0)
        memcpy(sum, tail, n * sizeof(*sum));
    x->step[x->steps++] = (struct explain_step){ .seq = ev->seq, .time_ns = ev->time_ns,
                                                 .body = ev->body.step, .sum = sum, .sums = n };
    return 0;
}

static int add_causes(struct explain *x, const struct event *ev, const void *tail)
{
    uint32_t n = ev->tail_size / (uint32_t)sizeof(*x->cause);
    if (n == 0)
        return 0;
    x->cause = mw_calloc(n, sizeof(*x->cause));
    if (!x->cause)
        return MW_ENOMEM;
    memcpy(x->cause, tail, n * sizeof(*x->cause));
    x->causes = n;
    return 0;
}

/* ---- dates ---------------------------------------------------------------------------------- */

/* The step that an order or action of now belongs to: the last chosen one. */
static struct explain_step *step_now(const struct explain *x)
{
    return x->steps ? &x->step[x->steps - 1] : NULL;
}

/* The step that this answers, or withdraws: not the last one where another took its place. */
static struct explain_step *step_of(const struct explain *x, uint64_t order_seq)
{
    for (uint32_t i = x->steps; i-- > 0;)
        if (order_seq && x->step[i].done_seq == order_seq)
            return &x->step[i];
    return step_now(x);
}

static void note_order(struct explain *x, const struct event *ev)
{
    bool opened = ev->kind == EV_ORDER_OPENED || ev->kind == EV_ACTION_STARTED;
    bool ended = ev->kind == EV_ORDER_ENDED || ev->kind == EV_ACTION_ENDED;
    struct explain_step *s = opened ? step_now(x) : step_of(x, ev->cause);
    if (opened)
        x->visits++;
    if (ev->kind == EV_ORDER_OPENED && x->times.to_order_ns < 0)
        x->times.to_order_ns = ev->time_ns - x->opened_ns;
    if (ev->kind == EV_ORDER_TAKEN && x->times.to_taken_ns < 0)
        x->times.to_taken_ns = ev->time_ns - x->opened_ns;
    if (ev->kind == EV_ORDER_ESCALATED)
        x->level = MW_MAX(x->level, ev->body.order.level);
    if (!s)
        return;
    if (opened && !s->done_seq)
        s->done_seq = ev->seq;
    if ((ended || ev->kind == EV_ORDER_WITHDRAWN) && !s->ended_seq) {
        s->ended_seq = ev->seq;
        s->result = ended ? ev->body.order.result : 0;
        s->withdrawn = !ended;
    }
}

static void note_let_go(struct explain *x, const struct event *ev, uint8_t how)
{
    if (x->let_go_seq)
        return;
    x->let_go = how;
    x->let_go_seq = ev->seq;
}

static void note_moved(struct walk *k, const struct event *ev)
{
    struct explain *x = k->x;
    const struct body_node *b = &ev->body.node;
    x->times.health_ns[x->health] += ev->time_ns - k->since_ns;
    k->since_ns = ev->time_ns;
    x->health = b->to < HEALTH_COUNT ? b->to : x->health;
    if (b->from == HEALTH_READY && b->to == HEALTH_DOWN)
        note_let_go(x, ev, DRAIN_NOW);
    bool back = b->to == HEALTH_DOWN &&
                (b->from == HEALTH_VALIDATING || b->from == HEALTH_PROBATION);
    x->refaults += back;
}

static void note_drain(struct walk *k, const struct event *ev)
{
    struct explain *x = k->x;
    x->times.health_ns[x->health] += ev->time_ns - k->since_ns;
    k->since_ns = ev->time_ns;
    x->health = HEALTH_SUSPECT;
    note_let_go(x, ev, ev->body.drain.how);
}

static void note_closed(struct explain *x, const struct event *ev)
{
    x->closed_seq = ev->seq;
    x->closed_ns = ev->time_ns;
    x->lost_gpu_ms = ev->body.incident.lost_gpu_ms;
    x->class = ev->body.incident.class;
    x->effect = ev->body.incident.effect;
}

/* ---- the walk ------------------------------------------------------------------------------- */

static int opened(struct walk *k, const struct event *ev, const void *tail)
{
    struct explain *x = k->x;
    const struct body_incident *b = &ev->body.incident;
    x->opened_ns = k->since_ns = ev->time_ns;
    x->component = b->component;
    x->node = b->node;
    x->class = b->class;
    x->effect = b->effect;
    x->health = HEALTH_READY;
    int r = add_finding_of(k, ev->cause);
    return r < 0 ? r : add_causes(x, ev, tail);
}

static int joined(struct walk *k, const struct event *ev)
{
    k->x->class = ev->body.incident.class;
    k->x->effect = ev->body.incident.effect;
    return add_finding_of(k, ev->cause);
}

/* Of an event that is about the incident: what it means, and the line it gets, where it gets one
 * (steps and findings have lists of their own). */
static int take(struct walk *k, const struct event *ev, const void *tail)
{
    struct explain *x = k->x;
    switch (ev->kind) {
    case EV_INCIDENT_OPENED:
        return opened(k, ev, tail);
    case EV_INCIDENT_JOINED:
        return joined(k, ev);
    case EV_INCIDENT_CLOSED:
        note_closed(x, ev);
        break;
    case EV_INCIDENT_SUPPRESSED:
        x->parent = ev->body.cause.parent;
        x->parent_component = ev->body.cause.component;
        break;
    case EV_INCIDENT_FREED:
        x->parent = 0;
        break;
    case EV_STEP_CHOSEN:
        return add_step(k, ev, tail);
    case EV_NODE_MOVED:
        note_moved(k, ev);
        break;
    case EV_DRAIN_ORDERED:
        note_drain(k, ev);
        break;
    case EV_ADVICE:
        if (!GROW(k->advice, k->advices, &k->advices_room))
            return MW_ENOMEM;
        k->advice[k->advices++] = ev->seq;
        break;
    case EV_ENGINE_ORDER:
        x->had_job |= ev->body.engine.verb == ENGINE_REQUEUE;
        break;
    default:
        note_order(x, ev);
        break;
    }
    return add_line(k, ev, tail);
}

static bool names_advice(const struct walk *k, uint64_t seq)
{
    for (uint32_t i = 0; i < k->advices; i++)
        if (k->advice[i] == seq)
            return true;
    return false;
}

/* Is this, which names no incident or another, part of the story all the same? */
static bool belongs(struct walk *k, const struct event *ev)
{
    struct explain *x = k->x;
    const struct body_command *c = &ev->body.command;
    switch (ev->kind) {
    case EV_FINDING_CLOSED:
        return is_own_finding(k, ev);
    case EV_ATTEMPT_STOP:
        x->had_job |= ev->body.stop.incident == x->incident;
        return ev->body.stop.incident == x->incident;
    case EV_ATTEMPT_ENDED:
        return x->node != MW_NONE && ev->body.progress.node == x->node &&
               ev->body.progress.how != HOW_DONE;
    case EV_COMMAND:
        if (c->verb == CMD_APPROVE || c->verb == CMD_REJECT)
            return names_advice(k, c->ref);
        return x->node != MW_NONE && c->node == x->node &&
               (c->verb == CMD_HOLD || c->verb == CMD_RELEASE || c->verb == CMD_DRAIN);
    case EV_NODE_JUDGED:
        return ev->body.judge.node == x->node;
    default:
        return false;
    }
}

static int visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct walk *k = ctx;
    struct explain *x = k->x;
    (void)last;
    if (ev->seq > k->last_seq)
        return 1;
    if (x->closed_seq)
        return 1;
    if (words_incident(ev) == x->incident)
        return take(k, ev, tail);
    if (ev->kind == EV_INCIDENT_SUPPRESSED && ev->body.cause.parent == x->incident)
        return add_symptom(k, ev);
    if (ev->kind == EV_INCIDENT_FREED && ev->body.cause.parent == x->incident)
        free_symptom(x, ev->body.cause.incident);
    return belongs(k, ev) ? add_line(k, ev, tail) : 0;
}

/* The classes of its symptoms, from their own openings. */
static int look_up_symptoms(struct walk *k)
{
    struct explain *x = k->x;
    struct event ev;
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    int r = tail ? 0 : MW_ENOMEM;
    for (uint32_t i = 0; r == 0 && i < x->symptoms; i++) {
        r = get(k, x->symptom[i].incident, &ev, tail);
        if (r == 0 && ev.kind == EV_INCIDENT_OPENED)
            x->symptom[i].class = ev.body.incident.class;
    }
    return r;
}

/* Is the event the beginning of an incident?  What to ask for instead, where it is not. */
static int check_opened(const struct walk *k)
{
    struct event ev;
    unsigned long long number = k->x->incident;
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (!tail)
        return MW_ENOMEM;
    if (k->x->incident > k->last_seq)
        return mw_fail(k->err, MW_ENOTFOUND, "the record has no event %llu: its last is %llu",
                       number, (unsigned long long)k->last_seq);
    int r = get(k, k->x->incident, &ev, tail);
    if (r < 0 || ev.kind == EV_INCIDENT_OPENED)
        return r;
    uint64_t of = words_incident(&ev);
    if (of)
        return mw_fail(k->err, MW_EINVAL, "event %llu is %s: ask for its incident, %llu", number,
                       event_info(ev.kind)->name, (unsigned long long)of);
    return mw_fail(k->err, MW_EINVAL, "event %llu is %s and begins no incident (mw incidents, mw "
                   "history NODE list them)", number, event_info(ev.kind)->name);
}

static int gather(struct walk *k)
{
    struct explain *x = k->x;
    int r = check_opened(k);
    if (r == 0)
        r = k->journal->ops->read(k->journal, x->incident, visit, k, k->err);
    if (r >= 0)
        r = look_up_symptoms(k);
    if (r < 0)
        return r;
    int64_t end_ns = x->closed_seq ? x->closed_ns : x->now_ns;
    x->times.health_ns[x->health] += end_ns - k->since_ns;
    x->times.total_ns = end_ns - x->opened_ns;
    return 0;
}

int explain_incident(struct journal *j, uint64_t incident, const struct words *w,
                     struct explain *ret, struct mw_error *err)
{
    must(j && w && ret && incident);
    *ret = (struct explain){ .incident = incident, .node = MW_NONE, .lost_gpu_ms = -1,
                             .now_ns = j->head.time_ns };
    ret->times.to_order_ns = ret->times.to_taken_ns = -1;
    struct walk k = { .x = ret, .words = w, .journal = j, .last_seq = j->head.seq, .err = err };
    int r = gather(&k);
    mw_free(k.key);
    mw_free(k.advice);
    if (r < 0)
        explain_fini(ret);
    return r == MW_ENOMEM ? mw_fail(err, r, "out of memory for the story of an incident") : r;
}

static void free_lines(struct explain_line *line, uint32_t lines)
{
    for (uint32_t i = 0; i < lines; i++)
        mw_free(line[i].text);
    mw_free(line);
}

void explain_fini(struct explain *x)
{
    free_lines(x->finding, x->findings);
    free_lines(x->line, x->lines);
    for (uint32_t i = 0; i < x->steps; i++)
        mw_free(x->step[i].sum);
    mw_free(x->step);
    mw_free(x->cause);
    mw_free(x->symptom);
    *x = (struct explain){ 0 };
}

/* ---- a node's incident ---------------------------------------------------------------------- */

struct find {
    uint64_t incident, last_seq;
    uint32_t node;
};

static int find_visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct find *f = ctx;
    (void)tail;
    (void)last;
    if (ev->seq > f->last_seq)
        return 1;
    if (ev->kind == EV_INCIDENT_OPENED && ev->body.incident.node == f->node)
        f->incident = ev->seq;
    return 0;
}

int explain_find(struct journal *j, const struct words *w, uint32_t node, uint64_t *ret,
                 struct mw_error *err)
{
    struct find f = { .node = node, .last_seq = j->head.seq };
    int r = j->ops->read(j, 1, find_visit, &f, err);
    if (r < 0)
        return r;
    if (!f.incident)
        return mw_fail(err, MW_ENOTFOUND, "%s never had an incident in this record",
                       words_node(w, node));
    *ret = f.incident;
    return 0;
}

uint32_t explain_symptoms_now(const struct explain *x)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < x->symptoms; i++)
        n += !x->symptom[i].freed;
    return n;
}
