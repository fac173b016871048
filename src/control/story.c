/*
 * The two walks.  Owns which events belong to a job's story; their words are
 * in words.c, the sums in story_sums.c.
 */
#include "control/story.h"

#include <string.h>

#include "base/units.h"
#include "control/grow.h"

/* Findings of the job's incidents: opened under one key, closed under the same. */
struct tie {
    uint64_t key, seq;
};

struct telling {
    struct story *story;
    const struct story_options *options;
    struct journal *journal;
    uint64_t last_seq;         /* of the record as it was when we began */
    struct tie *tie;           /* owned */
    uint64_t *ref;             /* owned: orders and advice that answers and commands name */
    uint32_t attempts_room, incidents_room, lines_room;
    uint32_t ties, ties_room, refs, refs_room;
    uint32_t at;               /* second walk: the attempt of this time */
    uint32_t epoch;            /* second walk: the writer of the last event */
    struct mw_error *err;
};

/* ---- the first walk: attempts and incidents ------------------------------------------------- */

static void forget(struct telling *t)
{
    struct story *s = t->story;
    for (uint32_t i = 0; i < s->attempts; i++)
        mw_free(s->attempt[i].node);
    mw_free(s->name);
    s->name = NULL;
    s->attempts = s->incidents = t->ties = 0;
    s->left_out = s->saved_seq = 0;
    s->high_ms = s->saved_ms = 0;
    s->cancelled = false;
}

static int submitted(struct telling *t, const struct event *ev, const void *tail)
{
    const struct body_job *b = &ev->body.job;
    struct story *s = t->story;
    forget(t);
    s->submitted_seq = ev->seq;
    s->submitted_ns = ev->time_ns;
    s->tenant = ev->tenant;
    s->gpus = b->gpus;
    s->nodes = b->nodes;
    s->priority = b->priority;
    s->work_ms = b->work_ms;
    if (ev->tail_size > 0 && !(s->name = mw_strndup(tail, ev->tail_size)))
        return MW_ENOMEM;
    return 0;
}

static struct story_attempt *last_attempt(const struct story *s)
{
    return s->attempts ? &s->attempt[s->attempts - 1] : NULL;
}

/* The attempt that has this number, if it is the last. */
static struct story_attempt *attempt_of(const struct story *s, uint32_t number)
{
    struct story_attempt *a = last_attempt(s);
    return a && a->number == number ? a : NULL;
}

static int placed(struct telling *t, const struct event *ev, const void *tail)
{
    const struct body_place *b = &ev->body.place;
    struct story *s = t->story;
    if (!GROW(s->attempt, s->attempts, &t->attempts_room))
        return MW_ENOMEM;
    struct story_attempt a = {
        .number = b->attempt, .gpus = b->gpus, .nodes = ev->tail_size / (uint32_t)sizeof(uint32_t),
        .placed_seq = ev->seq, .placed_ns = ev->time_ns, .from_ms = b->from_ms,
        .interval_ms = b->interval_ms, .fail_node = MW_NONE, .fail_class = UINT16_MAX };
    if (!(a.node = mw_calloc(a.nodes, sizeof(*a.node))))
        return MW_ENOMEM;
    if (a.nodes > 0)
        memcpy(a.node, tail, a.nodes * sizeof(*a.node));
    s->attempt[s->attempts++] = a;
    return 0;
}

static void running(struct telling *t, const struct event *ev)
{
    struct story_attempt *a = attempt_of(t->story, ev->body.running.attempt);
    if (!a)
        return;
    a->running_seq = ev->seq;
    a->running_ns = ev->time_ns;
    a->from_ms = ev->body.running.from_ms;
}

static void progress(struct telling *t, const struct event *ev)
{
    const struct body_progress *b = &ev->body.progress;
    struct story *s = t->story;
    struct story_attempt *a = attempt_of(s, b->attempt);
    if (!a || a->how)
        return;
    a->progress_ms = MW_MAX(a->progress_ms, b->progress_ms);
    a->saved_ms = MW_MAX(a->saved_ms, b->saved_ms);
    a->checkpoint_ms = MW_MAX(a->checkpoint_ms, b->checkpoint_ms);
    if (b->saved_ms > s->saved_ms) {
        s->saved_ms = b->saved_ms;
        s->saved_seq = ev->seq;
    }
    s->high_ms = MW_MAX(s->high_ms, b->progress_ms);
    if (ev->kind == EV_ATTEMPT_PROGRESS) {
        a->heard_seq = ev->seq;
        a->heard_ns = ev->time_ns;
        a->reports++;
        return;
    }
    a->ended_seq = ev->seq;
    a->ended_ns = ev->time_ns;
    a->stopped_ms = b->stopped_ms;
    a->how = b->how;
    a->fail_node = b->node;
    a->fail_class = b->class;
}

static bool has_node(const struct story_attempt *a, uint32_t node)
{
    for (uint32_t i = 0; a && i < a->nodes; i++)
        if (a->node[i] == node)
            return true;
    return false;
}

/* Is the attempt on this node at this time, or was it a moment ago? */
static bool stands_on(const struct story_attempt *a, uint32_t node, int64_t now_ns)
{
    if (!a || node == MW_NONE || (a->how && now_ns > a->ended_ns + STORY_AFTER_NS))
        return false;
    return has_node(a, node);
}

static struct story_incident *incident_of(const struct story *s, uint64_t incident)
{
    for (uint32_t i = s->incidents; incident && i-- > 0;)
        if (s->incident[i].incident == incident)
            return &s->incident[i];
    return NULL;
}

static int tie_finding(struct telling *t, uint64_t key, uint64_t seq)
{
    if (!GROW(t->tie, t->ties, &t->ties_room))
        return MW_ENOMEM;
    t->tie[t->ties++] = (struct tie){ .key = key, .seq = seq };
    return 0;
}

/* From its number alone: the second walk fills the rest. */
static int add_incident(struct telling *t, uint64_t incident)
{
    struct story *s = t->story;
    if (!incident || incident_of(s, incident))
        return 0;
    if (s->incidents == STORY_INCIDENTS_MAX) {
        s->left_out++;
        return 0;
    }
    if (!GROW(s->incident, s->incidents, &t->incidents_room))
        return MW_ENOMEM;
    s->incident[s->incidents++] = (struct story_incident){ .incident = incident, .node = MW_NONE,
                                                           .class = UINT16_MAX };
    return 0;
}

/* An incident begins or grows on a node of the job. */
static int struck(struct telling *t, const struct event *ev)
{
    struct story_attempt *a = last_attempt(t->story);
    uint64_t incident = ev->body.incident.incident ? ev->body.incident.incident : ev->seq;
    if (!stands_on(a, ev->body.incident.node, ev->time_ns))
        return 0;
    bool fits = !a->how || (a->how != HOW_DONE && !a->incident);
    if (fits && ev->body.incident.effect == EFFECT_KILLS && !a->stopped)
        a->incident = incident;
    return add_incident(t, incident);
}

/* A stop or a requeue is decided for the job. */
static int to_stop(struct telling *t, const struct event *ev, uint32_t attempt, uint64_t incident)
{
    struct story_attempt *a = attempt_of(t->story, attempt);
    if (a && !a->how) {
        a->stopped = true;
        a->decided_seq = ev->seq;
        a->incident = incident ? incident : a->incident;
    }
    return add_incident(t, incident);
}

/* Slurm did not put it back: it goes on as if nobody had asked. */
static void not_stopped(struct telling *t, const struct body_engine *e)
{
    struct story_attempt *a = attempt_of(t->story, e->attempt);
    if (e->verb == ENGINE_REQUEUE && e->result != RESULT_OK && a && !a->how)
        a->stopped = false;
}

/* Of this job? */
static bool is_of_job(const struct event *ev, uint64_t job)
{
    switch (ev->kind) {
    case EV_JOB_SUBMITTED:
        return ev->body.job.job == job;
    case EV_JOB_CANCELLED:
        return ev->body.command.ref == job;
    case EV_ATTEMPT_PLACED:
    case EV_ATTEMPT_ALLOCATED:
        return ev->body.place.job == job;
    case EV_ATTEMPT_RUNNING:
        return ev->body.running.job == job;
    case EV_ATTEMPT_PROGRESS:
    case EV_ATTEMPT_ENDED:
        return ev->body.progress.job == job;
    case EV_ATTEMPT_STOP:
        return ev->body.stop.job == job;
    case EV_ENGINE_ORDER:
    case EV_ENGINE_ANSWERED:
        return ev->body.engine.job == job;
    case EV_COMMAND:
        return ev->body.command.verb == CMD_ENGINE && ev->body.command.ref == job;
    default:
        return false;
    }
}

static int meet_own(struct telling *t, const struct event *ev, const void *tail)
{
    switch (ev->kind) {
    case EV_JOB_SUBMITTED:
        return submitted(t, ev, tail);
    case EV_JOB_CANCELLED:
        t->story->cancelled = true;
        t->story->state_seq = ev->seq;
        return 0;
    case EV_ATTEMPT_PLACED:
    case EV_ATTEMPT_ALLOCATED:
        return placed(t, ev, tail);
    case EV_ATTEMPT_RUNNING:
        running(t, ev);
        return 0;
    case EV_ATTEMPT_PROGRESS:
    case EV_ATTEMPT_ENDED:
        progress(t, ev);
        return 0;
    case EV_ATTEMPT_STOP:
        return to_stop(t, ev, ev->body.stop.attempt, ev->body.stop.incident);
    case EV_ENGINE_ORDER:
        if (ev->body.engine.verb != ENGINE_REQUEUE)
            return 0;
        return to_stop(t, ev, ev->body.engine.attempt, ev->body.engine.incident);
    case EV_ENGINE_ANSWERED:
        not_stopped(t, &ev->body.engine);
        return 0;
    default:
        return 0;
    }
}

static int meet(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct telling *t = ctx;
    (void)last;
    if (ev->seq > t->last_seq)
        return 1;
    t->story->now_ns = ev->time_ns;
    if (is_of_job(ev, t->story->job))
        return ev->kind == EV_JOB_SUBMITTED || t->story->submitted_seq ? meet_own(t, ev, tail) : 0;
    if (ev->kind == EV_INCIDENT_SUPPRESSED && incident_of(t->story, ev->body.cause.incident))
        return add_incident(t, ev->body.cause.parent); /* what it is put down to is told with it */
    if (ev->kind != EV_INCIDENT_OPENED && ev->kind != EV_INCIDENT_JOINED)
        return 0;
    int r = struck(t, ev);
    if (r == 0 && ev->kind == EV_INCIDENT_JOINED &&
        incident_of(t->story, ev->body.incident.incident))
        r = tie_finding(t, ev->body.incident.finding, ev->cause);
    return r;
}

/* ---- between: what the incidents were opened by --------------------------------------------- */

/* Fills the job's incidents from their first event. */
static int look_up(struct telling *t, struct journal *j)
{
    struct story *s = t->story;
    struct event ev;
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    int r = tail ? 0 : MW_ENOMEM;
    for (uint32_t i = 0; r == 0 && i < s->incidents; i++) {
        struct story_incident *in = &s->incident[i];
        r = j->ops->get(j, in->incident, &ev, tail, t->err);
        if (r < 0 || ev.kind != EV_INCIDENT_OPENED)
            continue;
        const struct body_incident *b = &ev.body.incident;
        in->opened_ns = ev.time_ns;
        in->finding = b->finding;
        in->found_seq = ev.cause;
        in->component = b->component;
        in->node = b->node;
        in->class = b->class;
        r = tie_finding(t, b->finding, ev.cause);
        if (r == 0 && ev.cause)
            r = j->ops->get(j, ev.cause, &ev, tail, t->err);
        if (r == 0) {
            in->found_ns = ev.time_ns;
            in->began_ns = ev.observed_ns;
        }
    }
    return r;
}

/* ---- the second walk: lines ----------------------------------------------------------------- */

static int add_line(struct telling *t, const struct event *ev, char *text)
{
    struct story *s = t->story;
    if (!text)
        return MW_ENOMEM;
    if (s->lines == STORY_LINES_MAX) {
        mw_free(text);
        s->left_out++;
        return 0;
    }
    if (!GROW(s->line, s->lines, &t->lines_room)) {
        mw_free(text);
        return MW_ENOMEM;
    }
    s->line[s->lines++] = (struct story_line){ .seq = ev->seq, .time_ns = ev->time_ns,
                                               .kind = ev->kind, .text = text };
    return 0;
}

/* Is an attempt of another job told to stop for this one? */
static bool makes_room(const struct telling *t, const struct event *ev)
{
    return ev->kind == EV_ATTEMPT_STOP && ev->body.stop.class == BOARD_CLASS_PREEMPT &&
           ev->cause == t->story->submitted_seq;
}

/* ": for job 7", which the stop's cause submitted. */
static int add_room_for(struct telling *t, const struct event *stop, struct text *words)
{
    struct event ev;
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    int r = !tail ? MW_ENOMEM : stop->cause ? t->journal->ops->get(t->journal, stop->cause, &ev,
                                                                   tail, t->err) : 0;
    if (r == 0 && stop->cause && ev.kind == EV_JOB_SUBMITTED)
        text_addf(words, " (job %llu)", (unsigned long long)ev.body.job.job);
    return r;
}

static int say(struct telling *t, const struct event *ev, const void *tail)
{
    struct text words = { 0 };
    bool room = ev->kind == EV_ATTEMPT_STOP && ev->body.stop.class == BOARD_CLASS_PREEMPT;
    if (room && ev->body.stop.job != t->story->job)
        text_addf(&words, "job %llu, ", (unsigned long long)ev->body.stop.job);
    words_of_event(&words, t->options->words, ev, tail);
    if (room && add_room_for(t, ev, &words) < 0)
        words.failed = true;
    char *text = words.failed ? NULL : mw_strdup(text_string(&words));
    text_fini(&words);
    return add_line(t, ev, text);
}

static bool refers(const struct telling *t, uint64_t seq)
{
    for (uint32_t i = t->refs; seq && i-- > 0;)
        if (t->ref[i] == seq)
            return true;
    return false;
}

/* Part of how a node is repaired: only told when all is asked for.  When the job has to let go of
 * it is the job's own business. */
static bool is_repair(const struct event *ev)
{
    const struct body_node *m = &ev->body.node;
    switch (ev->kind) {
    case EV_NODE_MOVED:
        return m->to != HEALTH_READY && m->from != HEALTH_READY && m->from != HEALTH_SUSPECT;
    case EV_STEP_CHOSEN:
        return ev->body.step.drain == 0;
    case EV_ORDER_OPENED:
    case EV_ORDER_TAKEN:
    case EV_ORDER_ENDED:
    case EV_ORDER_ESCALATED:
    case EV_ORDER_WITHDRAWN:
    case EV_ACTION_STARTED:
    case EV_ACTION_ENDED:
    case EV_GATE_STARTED:
    case EV_GATE_ENDED:
        return true;
    default:
        return false;
    }
}

static bool is_ours(const struct telling *t, const struct event *ev)
{
    const struct body_engine *e = &ev->body.engine;
    const struct story_incident *in = incident_of(t->story, words_incident(ev));
    if (ev->kind == EV_ENGINE_ANSWERED && refers(t, e->order))
        return true;
    if (!in)
        return false;
    /* what an incident means for other jobs is theirs */
    if (ev->kind == EV_ENGINE_ORDER || ev->kind == EV_ENGINE_ANSWERED)
        return !e->job || e->job == t->story->job;
    return t->options->all || !is_repair(ev);
}

/* The attempt that is, or last was, at this time; NULL. */
static const struct story_attempt *attempt_at(struct telling *t, const struct event *ev)
{
    const struct story *s = t->story;
    while (t->at + 1 < s->attempts && s->attempt[t->at + 1].placed_seq <= ev->seq)
        t->at++;
    return t->at < s->attempts && s->attempt[t->at].placed_seq <= ev->seq ? &s->attempt[t->at]
                                                                            : NULL;
}

static bool finding_is_ours(const struct telling *t, const struct event *ev)
{
    uint64_t number = ev->body.finding.finding & ((UINT64_C(1) << 40) - 1);
    uint64_t key = (uint64_t)ev->source << 40 | number;
    for (uint32_t i = 0; i < t->ties; i++)
        if (ev->kind == EV_FINDING_OPENED ? t->tie[i].seq == ev->seq
                                          : t->tie[i].key == key && t->tie[i].seq < ev->seq)
            return true;
    return false;
}

/* Of what struck it only the beginnings are told that were before the job, and the ends that were
 * a while after it was done. */
static bool is_aside(const struct story *s, const struct story_attempt *a, const struct event *ev)
{
    if (ev->seq < s->submitted_seq)
        return ev->kind != EV_INCIDENT_OPENED && ev->kind != EV_INCIDENT_SUPPRESSED;
    return a && a->how == HOW_DONE && ev->time_ns > a->ended_ns + STORY_AFTER_NS &&
           ev->kind != EV_INCIDENT_CLOSED;
}

static bool is_told(struct telling *t, const struct event *ev)
{
    const struct body_command *c = &ev->body.command;
    const struct story_attempt *a = attempt_at(t, ev);
    if (is_of_job(ev, t->story->job))
        return ev->seq >= t->story->submitted_seq &&
               (t->options->all || ev->kind != EV_ATTEMPT_PROGRESS);
    if (is_aside(t->story, a, ev) && !t->options->all)
        return false;
    if (makes_room(t, ev))
        return true;
    switch (ev->kind) {
    case EV_FINDING_OPENED:
    case EV_FINDING_CLOSED:
        return finding_is_ours(t, ev);
    case EV_NODE_REPORTED:
        return stands_on(a, ev->body.report.node, ev->time_ns);
    case EV_COMMAND:
        if (c->verb == CMD_APPROVE || c->verb == CMD_REJECT)
            return refers(t, c->ref);
        return (c->verb == CMD_HOLD || c->verb == CMD_RELEASE || c->verb == CMD_DRAIN) &&
               stands_on(a, c->node, ev->time_ns);
    default:
        return is_ours(t, ev);
    }
}

/* Does this event say what is to be done, or would be?  Under Slurm a node's health alone does
 * nothing to a job. */
static bool decides(const struct story *s, const struct event *ev)
{
    return ev->kind == EV_ENGINE_ORDER || ev->kind == EV_DRAIN_ORDERED || ev->kind == EV_ADVICE ||
           (ev->kind == EV_NODE_MOVED && !s->engine);
}

/* Dates of an incident that its later events give. */
static void note_incident(struct story *s, const struct event *ev)
{
    struct story_incident *in = incident_of(s, words_incident(ev));
    if (!in)
        return;
    if (ev->kind == EV_INCIDENT_CLOSED) {
        in->closed_seq = ev->seq;
        in->closed_ns = ev->time_ns;
    }
    if (!decides(s, ev) || (in->decided_seq && !(in->advised && ev->kind != EV_ADVICE)))
        return;
    in->decided_seq = ev->seq;
    in->decided_ns = ev->time_ns;
    in->advised = ev->kind == EV_ADVICE;
}

/* Another process writes the record than before. */
static int note_writer(struct telling *t, const struct event *ev)
{
    uint32_t before = t->epoch;
    const struct story_attempt *a = last_attempt(t->story);
    t->epoch = ev->epoch;
    if (!before || before == ev->epoch || ev->seq < t->story->submitted_seq ||
        (a && a->how && ev->seq > a->ended_seq))
        return 0;
    struct event ended = *ev;
    ended.kind = EV_NONE;
    return add_line(t, &ended, mw_strdup("the controller was started again: it goes on from its "
                                         "record"));
}

static int collect(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct telling *t = ctx;
    (void)last;
    if (ev->seq > t->last_seq)
        return 1;
    int r = note_writer(t, ev);
    if (r < 0 || !is_told(t, ev))
        return r;
    note_incident(t->story, ev);
    if (ev->kind == EV_ENGINE_ORDER || ev->kind == EV_ADVICE) {
        if (!GROW(t->ref, t->refs, &t->refs_room))
            return MW_ENOMEM;
        t->ref[t->refs++] = ev->seq;
    }
    return say(t, ev, tail);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int walk(struct telling *t, struct journal *j)
{
    struct story *s = t->story;
    int r = j->ops->read(j, MW_MAX(t->options->from_seq, 1u), meet, t, t->err);
    if (r < 0)
        return r;
    if (!s->submitted_seq)
        return mw_fail(t->err, MW_ENOTFOUND, "the record has no job %llu",
                       (unsigned long long)s->job);
    r = look_up(t, j);
    uint64_t from = s->submitted_seq;
    for (uint32_t i = 0; i < s->incidents; i++)
        if (s->incident[i].found_seq)
            from = MW_MIN(from, s->incident[i].found_seq);
    return r < 0 ? r : j->ops->read(j, from, collect, t, t->err);
}

int story_tell(struct journal *j, uint64_t job, const struct story_options *o, struct story *ret,
               struct mw_error *err)
{
    must(j && o && o->words && ret);
    *ret = (struct story){ .job = job, .engine = o->words->policy->work.engine };
    struct telling t = { .story = ret, .options = o, .journal = j,
                         .last_seq = j->head.seq, .err = err };
    if (o->to_seq)
        t.last_seq = MW_MIN(t.last_seq, o->to_seq);
    int r = walk(&t, j);
    mw_free(t.tie);
    mw_free(t.ref);
    if (r < 0) {
        story_fini(ret);
        return r == MW_ENOMEM ? mw_fail(err, r, "out of memory for the story of a job") : r;
    }
    story_sum(ret);
    return 0;
}

void story_fini(struct story *s)
{
    for (uint32_t i = 0; i < s->attempts; i++)
        mw_free(s->attempt[i].node);
    for (uint32_t i = 0; i < s->lines; i++)
        mw_free(s->line[i].text);
    mw_free(s->attempt);
    mw_free(s->incident);
    mw_free(s->line);
    mw_free(s->name);
    *s = (struct story){ 0 };
}
