/*
 * Withdrawals from events: who took which node out, from when to when, on what
 * evidence, and what the jobs on it said of that.  Owns the state of that walk.
 */
#include <string.h>

#include "base/mem.h"
#include "control/shadow_private.h"

#define SLOTS_MAX (1u << 24) /* rows of jobs that a record may name */

/* Per node. */
struct place {
    uint32_t ours, theirs; /* open spans; MW_NONE */
    uint64_t engine_seq;   /* the report by which Slurm itself has it down; 0 */
    uint64_t incident, finding_seq; /* the incident that opened last, and by what */
    uint64_t job;
    uint32_t detail, slot, attempt;
};

/* Per row of a job: the attempt that is there now. */
struct present {
    uint64_t job;
    uint32_t attempt;
    bool alive;
};

struct shadow_walk {
    const struct words *words;
    struct spans *spans;
    struct mw_error *err;
    uint64_t last_seq;
    struct place *place;     /* owned */
    uint32_t nodes;
    struct present *present; /* owned */
    uint32_t slots;
    uint32_t *awaiting;      /* owned: our spans whose job has not ended */
    uint32_t waits, waits_room;
    uint64_t finding_seq;    /* the last finding */
    uint32_t detail;
};

static int room_for(void **array, uint32_t length, uint32_t *room, size_t size)
{
    if (length < *room)
        return 0;
    uint32_t more = *room ? *room * 2 : 64;
    void *bigger = mw_resize(*array, more, size);
    if (!bigger)
        return MW_ENOMEM;
    *array = bigger;
    *room = more;
    return 0;
}

static struct span *open_span(const struct shadow_walk *k, uint32_t at)
{
    return at == MW_NONE ? NULL : &k->spans->span[at];
}

/* A new span; its place in the list is the last. */
static int new_span(struct shadow_walk *k, const struct event *ev, uint32_t node, uint8_t side)
{
    struct spans *s = k->spans;
    if (s->length == SHADOW_ROWS_MAX)
        return mw_fail(k->err, MW_ELIMIT, "more than %u withdrawals of nodes: give a shorter time "
                       "with --since", SHADOW_ROWS_MAX);
    int r = room_for((void **)&s->span, s->length, &s->room, sizeof(*s->span));
    if (r == 0)
        s->span[s->length++] = (struct span){ .seq = ev->seq, .begin_ns = ev->time_ns,
                                              .node = node, .side = side, .open = true,
                                              .class = UINT16_MAX };
    return r;
}

static void end_span(struct shadow_walk *k, uint32_t *at, int64_t time_ns)
{
    struct span *s = open_span(k, *at);
    if (!s)
        return;
    s->end_ns = time_ns;
    s->open = false;
    *at = MW_NONE;
}

/* The job on the node, if one is there now. */
static bool job_on(const struct shadow_walk *k, const struct place *p)
{
    const struct present *now = p->slot < k->slots ? &k->present[p->slot] : NULL;
    return now && p->job && now->alive && now->job == p->job && now->attempt == p->attempt;
}

/* From now on the span is judged by what becomes of that job. */
static int await(struct shadow_walk *k, uint32_t at, const struct place *p)
{
    struct span *s = &k->spans->span[at];
    int r = room_for((void **)&k->awaiting, k->waits, &k->waits_room, sizeof(*k->awaiting));
    if (r < 0)
        return r;
    s->job = p->job;
    s->attempt = p->attempt;
    s->slot = p->slot;
    k->awaiting[k->waits++] = at;
    return 0;
}

/* We take a node out, or say that we would. */
static int ours(struct shadow_walk *k, const struct event *ev, uint32_t node, uint64_t incident,
                uint16_t class, bool did)
{
    if (node >= k->nodes)
        return 0;
    struct place *p = &k->place[node];
    struct span *s = open_span(k, p->ours);
    if (s && s->incident == incident) {
        s->did |= did;
        return 0;
    }
    end_span(k, &p->ours, ev->time_ns);
    int r = new_span(k, ev, node, SPAN_OURS);
    if (r < 0)
        return r;
    p->ours = k->spans->length - 1;
    s = &k->spans->span[p->ours];
    s->incident = incident;
    s->class = class;
    s->did = did;
    if (p->incident == incident) {
        s->finding_seq = p->finding_seq;
        s->detail = p->detail;
    }
    if (p->engine_seq) {
        s->verdict = VERDICT_CONFIRMED;
        s->confirm_seq = p->engine_seq;
    }
    return job_on(k, p) ? await(k, p->ours, p) : 0;
}

static int by_advice(struct shadow_walk *k, const struct event *ev)
{
    const struct body_advice *a = &ev->body.advice;
    bool engine = a->kind == EV_ENGINE_ORDER && (a->verb == ENGINE_DOWN || a->verb == ENGINE_DRAIN);
    if (!engine && a->kind != EV_DRAIN_ORDERED)
        return 0;
    return ours(k, ev, a->node, a->incident, a->class, false);
}

static int by_order(struct shadow_walk *k, const struct event *ev)
{
    const struct body_engine *e = &ev->body.engine;
    if ((e->verb != ENGINE_DOWN && e->verb != ENGINE_DRAIN) || !e->incident)
        return 0; /* of no incident: a person's own wish */
    return ours(k, ev, e->node, e->incident, e->class, true);
}

/* A node's health: where Slurm owns allocation it is only what we think of the node. */
static int by_move(struct shadow_walk *k, const struct event *ev)
{
    const struct body_node *m = &ev->body.node;
    bool engine = k->words->policy->care.engine;
    if (m->node >= k->nodes)
        return 0;
    struct place *p = &k->place[m->node];
    const struct span *s = open_span(k, p->ours);
    if (m->from == HEALTH_READY && m->to != HEALTH_READY)
        return ours(k, ev, m->node, m->incident, m->class, !engine);
    if (m->to == HEALTH_READY && s && !(engine && s->did)) /* else Slurm has to return it first */
        end_span(k, &p->ours, ev->time_ns);
    return 0;
}

static void closed(struct shadow_walk *k, const struct event *ev)
{
    uint32_t node = ev->body.incident.node;
    struct span *s = node < k->nodes ? open_span(k, k->place[node].ours) : NULL;
    if (s && s->incident == ev->body.incident.incident)
        end_span(k, &k->place[node].ours, ev->time_ns);
}

static void adopted(struct shadow_walk *k, const struct event *ev)
{
    const struct body_adopt *a = &ev->body.adopt;
    for (uint32_t i = 0; i < a->count && a->first + i < k->nodes; i++)
        if (a->health == HEALTH_READY)
            end_span(k, &k->place[a->first + i].ours, ev->time_ns);
}

/* A person rejects what was advised: we would no longer do it. */
static void commanded(struct shadow_walk *k, const struct event *ev)
{
    const struct body_command *c = &ev->body.command;
    struct span *s = c->node < k->nodes ? open_span(k, k->place[c->node].ours) : NULL;
    if (c->verb == CMD_REJECT && s && !s->did) {
        s->rejected = true;
        end_span(k, &k->place[c->node].ours, ev->time_ns);
    }
}

/* Slurm itself begins to say, or no longer says, that a node is down. */
static void engine_has(struct shadow_walk *k, const struct event *ev, uint32_t node, bool down)
{
    struct place *p = &k->place[node];
    struct span *mine = open_span(k, p->ours);
    k->spans->engine_down += down && !p->engine_seq;
    p->engine_seq = down ? ev->seq : 0;
    if (down && mine && mine->verdict != VERDICT_CONFIRMED) {
        mine->verdict = VERDICT_CONFIRMED;
        mine->confirm_seq = ev->seq;
    }
}

/* What Slurm says of a node. */
static int reported(struct shadow_walk *k, const struct event *ev, const char *reason)
{
    const struct body_report *b = &ev->body.report;
    if (b->node >= k->nodes)
        return 0;
    struct place *p = &k->place[b->node];
    bool others = b->owner == OWNER_OTHERS && b->service != SERVICE_IN;
    if (b->owner == OWNER_ENGINE && b->service == SERVICE_DOWN)
        engine_has(k, ev, b->node, true);
    if (b->service == SERVICE_IN)
        engine_has(k, ev, b->node, false);
    if (!others)
        end_span(k, &p->theirs, ev->time_ns);
    if (!others || p->theirs != MW_NONE)
        return 0;
    int r = new_span(k, ev, b->node, SPAN_THEIRS);
    if (r < 0)
        return r;
    p->theirs = k->spans->length - 1;
    struct span *s = &k->spans->span[p->theirs];
    s->service = b->service;
    if (reason)
        memcpy(s->reason, reason, MW_MIN(ev->tail_size, sizeof(s->reason) - 1));
    return 0;
}

/* ---- jobs: the witnesses -------------------------------------------------------------------- */

static int seat(struct shadow_walk *k, uint32_t slot, uint64_t job, uint32_t attempt)
{
    if (slot >= SLOTS_MAX)
        return mw_fail(k->err, MW_ECORRUPT, "a job's row %u is not possible", slot);
    if (slot >= k->slots) {
        uint32_t more = MW_MAX(slot + 1, k->slots * 2);
        struct present *bigger = mw_resize(k->present, more, sizeof(*bigger));
        if (!bigger)
            return MW_ENOMEM;
        memset(bigger + k->slots, 0, (more - k->slots) * sizeof(*bigger));
        k->present = bigger;
        k->slots = more;
    }
    k->present[slot] = (struct present){ .job = job, .attempt = attempt, .alive = true };
    return 0;
}

static int placed(struct shadow_walk *k, const struct event *ev, const uint32_t *node)
{
    const struct body_place *b = &ev->body.place;
    int r = seat(k, b->slot, b->job, b->attempt);
    for (uint32_t i = 0; r == 0 && i < ev->tail_size / sizeof(*node); i++) {
        if (node[i] >= k->nodes)
            continue;
        struct place *p = &k->place[node[i]];
        p->job = b->job;
        p->slot = b->slot;
        p->attempt = b->attempt;
        const struct span *s = open_span(k, p->ours);
        if (s && !s->job) /* Slurm does not know what we think, and puts a job there */
            r = await(k, p->ours, p);
    }
    return r;
}

/* The job of an open question has ended. */
static void testify(struct span *s, const struct event *ev)
{
    const struct body_progress *b = &ev->body.progress;
    /* what our own order stopped confirms nothing */
    bool by_node = b->how != HOW_DONE && !(s->did && b->how == HOW_STOPPED) &&
                   (b->node == s->node || (b->class != UINT16_MAX && b->class == s->class));
    if (s->verdict == VERDICT_CONFIRMED || (b->how != HOW_DONE && !by_node))
        return;
    s->verdict = by_node ? VERDICT_CONFIRMED : VERDICT_FALSE_DRAIN;
    s->confirm_seq = ev->seq;
}

static void ended(struct shadow_walk *k, const struct event *ev)
{
    const struct body_progress *b = &ev->body.progress;
    uint32_t kept = 0;
    if (b->slot < k->slots && k->present[b->slot].job == b->job)
        k->present[b->slot].alive = false;
    for (uint32_t i = 0; i < k->waits; i++) {
        struct span *s = &k->spans->span[k->awaiting[i]];
        if (s->job == b->job && s->attempt == b->attempt && s->slot == b->slot)
            testify(s, ev);
        else
            k->awaiting[kept++] = k->awaiting[i];
    }
    k->waits = kept;
}

/* ---- the walk ------------------------------------------------------------------------------- */

static void incident_opened(struct shadow_walk *k, const struct event *ev)
{
    uint32_t node = ev->body.incident.node;
    if (node >= k->nodes)
        return;
    k->place[node].incident = ev->seq;
    k->place[node].finding_seq = ev->cause;
    k->place[node].detail = ev->cause == k->finding_seq ? k->detail : 0;
}

/* Slurm's word that a node does not answer comes as a finding of its own. */
static void found(struct shadow_walk *k, const struct event *ev)
{
    uint32_t node = ev->body.finding.node;
    bool opened = ev->kind == EV_FINDING_OPENED;
    if (opened) {
        k->finding_seq = ev->seq;
        k->detail = ev->body.finding.detail;
    }
    if (ev->source == SOURCE_ENGINE && node < k->nodes)
        engine_has(k, ev, node, opened);
}

static int take(struct shadow_walk *k, const struct event *ev, const void *tail)
{
    switch (ev->kind) {
    case EV_FINDING_OPENED:
    case EV_FINDING_CLOSED:
        found(k, ev);
        return 0;
    case EV_INCIDENT_OPENED:
        incident_opened(k, ev);
        return 0;
    case EV_INCIDENT_CLOSED:
        closed(k, ev);
        return 0;
    case EV_NODES_ADOPTED:
        adopted(k, ev);
        return 0;
    case EV_COMMAND:
        commanded(k, ev);
        return 0;
    case EV_NODE_MOVED:
        return by_move(k, ev);
    case EV_DRAIN_ORDERED:
        return ours(k, ev, ev->body.drain.node, ev->body.drain.incident, ev->body.drain.class,
                    !k->words->policy->care.engine);
    case EV_ENGINE_ORDER:
        return by_order(k, ev);
    case EV_ADVICE:
        return by_advice(k, ev);
    case EV_NODE_REPORTED:
        return reported(k, ev, tail);
    case EV_ATTEMPT_PLACED:
    case EV_ATTEMPT_ALLOCATED:
        return placed(k, ev, tail);
    case EV_ATTEMPT_ENDED:
        ended(k, ev);
        return 0;
    default:
        return 0;
    }
}

static int visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct shadow_walk *k = ctx;
    (void)last;
    if (ev->seq > k->last_seq)
        return 1;
    k->spans->last_ns = ev->time_ns;
    return take(k, ev, tail);
}

int shadow_walk(struct journal *j, const struct words *w, struct spans *ret, struct mw_error *err)
{
    struct shadow_walk k = { .words = w, .spans = ret, .err = err, .last_seq = j->head.seq,
                             .nodes = w->fleet->count[COMPONENT_NODE] };
    must(ret->length == 0 && ret->span == NULL);
    k.place = mw_calloc(k.nodes, sizeof(*k.place));
    int r = k.place ? 0 : MW_ENOMEM;
    for (uint32_t i = 0; r == 0 && i < k.nodes; i++)
        k.place[i] = (struct place){ .ours = MW_NONE, .theirs = MW_NONE, .slot = MW_NONE };
    if (r == 0)
        r = j->ops->read(j, 1, visit, &k, err);
    for (uint32_t i = 0; i < ret->length; i++)
        if (ret->span[i].open)
            ret->span[i].end_ns = ret->last_ns;
    mw_free(k.place);
    mw_free(k.present);
    mw_free(k.awaiting);
    if (r == MW_ENOMEM)
        (void)mw_fail(err, r, "out of memory for the withdrawals of a record");
    return MW_MIN(r, 0);
}
