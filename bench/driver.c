/* The stand-in world.  See driver.h. */
#include "bench/driver.h"

#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/units.h"

#define ROWS_MAX (1u << 19)   /* things still to say */
#define FINDINGS_MAX (1u << 19)
#define NUMBER_ROW_BITS 19
#define QUEUE_MAX 64u         /* tenants wait when more jobs than this are queued */
#define START_NS (INT64_C(1767225600) * MW_NS_PER_S) /* 2026-01-01 */
#define GPUS_OF_THE_YEAR 250000.0

enum { CLASS_GPU, CLASS_NIC, CLASS_OPTIC, CLASS_FLAP, CLASS_COUNT };

/* What a row says when it is due. */
enum say {
    SAY_JOB, SAY_FAULT, SAY_OPTIC, SAY_FLAP, /* the four arrivals: rows 0 to 3 */
    SAY_FACT,                                /* the fact as it lies there */
    SAY_CLEARED,                             /* a flap is over */
    SAY_REPAIRED,                            /* findings close, then the order ends */
    SAY_RUNNING, SAY_PROGRESS, SAY_ENDED,    /* an attempt */
    ARRIVALS = SAY_FACT
};

/* Per year on 250,000 GPUs, scaled to the site: the site-year. */
static const double PER_YEAR[ARRIVALS] = { [SAY_JOB] = 200000, [SAY_FAULT] = 50000,
                                           [SAY_OPTIC] = 20000, [SAY_FLAP] = 1000000 };

struct row {
    struct event fact;
    int64_t began_ns, interval_ms, write_ms, restart_ms, work_ms; /* an attempt */
    uint32_t next;                                                /* free list */
    uint8_t say;
};

/* An open finding, to be closed by its repair. */
struct open {
    struct event fact;
    uint32_t next, generation;
};

struct driver {
    const struct fleet *fleet;
    struct control *control;
    struct script *keep;
    int64_t *due;
    struct heap heap;
    struct row *row;
    uint32_t rows, row_free;
    struct open *open;
    uint32_t opens, open_free;
    uint32_t *node_open;  /* node -> its open findings */
    uint32_t *slot_row;   /* job row -> row of its attempt */
    uint64_t *source_seq; /* facts of each source so far */
    uint64_t draws, jobs;
    int64_t gap_ns[ARRIVALS];
    int64_t now_ns;
    uint64_t said;        /* sequence after the last look at advice */
    bool full;
    bool fired;           /* the last step was a timer */
};

struct control_policy driver_policy(void)
{
    struct control_policy p = control_policy_default();
    const struct care_class class[CLASS_COUNT] = {
        [CLASS_GPU] = { .name = "gpu", .effect = EFFECT_KILLS, .count = 1,
                        .gate_ms = 30 * MW_MS_PER_MIN, .probation_ms = MW_MS_PER_HOUR },
        [CLASS_NIC] = { .name = "nic", .effect = EFFECT_SLOWS, .drain = DRAIN_AT_CHECKPOINT,
                        .count = 1, .gate_ms = 10 * MW_MS_PER_MIN, .probation_ms = 0 },
        [CLASS_OPTIC] = { .name = "optic", .effect = EFFECT_SLOWS, .count = 1,
                          .gate_ms = 5 * MW_MS_PER_MIN },
        [CLASS_FLAP] = { .name = "flap", .effect = EFFECT_SLOWS, .count = 4,
                         .window_ms = MW_MS_PER_HOUR },
    };
    p.care.classes = CLASS_COUNT;
    memcpy(p.care.class, class, sizeof(class));
    return p;
}

static uint64_t draw(struct driver *d)
{
    return mw_random_u64(1, 2, 3, d->draws++);
}

static uint32_t draw_below(struct driver *d, uint32_t bound)
{
    return (uint32_t)mw_random_below(draw(d), bound);
}

static int64_t draw_around(struct driver *d, int64_t mean_ns)
{
    return (int64_t)mw_draw_exponential(mw_unit_of(draw(d)), (double)mean_ns) + 1;
}

/* A row for something to say later; MW_NONE when there are too many. */
static uint32_t row_take(struct driver *d, uint8_t say, int64_t due_ns)
{
    uint32_t at = d->row_free;
    if (at != MW_NONE)
        d->row_free = d->row[at].next;
    else if (d->rows < ROWS_MAX)
        at = d->rows++;
    else
        d->full = true;
    if (at == MW_NONE)
        return MW_NONE;
    d->row[at] = (struct row){ .say = say };
    heap_set(&d->heap, at, due_ns);
    return at;
}

static void row_give(struct driver *d, uint32_t at)
{
    heap_set(&d->heap, at, MW_NEVER);
    d->row[at].next = d->row_free;
    d->row_free = at;
}

static void keep(struct driver *d, const struct event *fact)
{
    struct script *s = d->keep;
    if (!s)
        return;
    if (s->length == s->room) {
        uint64_t room = s->room ? s->room * 2 : 1u << 20;
        struct event *bigger = mw_resize(s->fact, room, sizeof(*bigger));
        if (!bigger) {
            d->full = true;
            return;
        }
        s->fact = bigger;
        s->room = room;
    }
    s->fact[s->length] = *fact;
    s->fact[s->length++].time_ns = d->now_ns;
}

static int submit(struct driver *d, const struct event *fact, struct mw_error *err)
{
    struct event ev = *fact;
    enum admit a;
    if (ev.source != SOURCE_PERSON)
        ev.source_seq = ++d->source_seq[ev.source];
    ev.observed_ns = d->now_ns;
    keep(d, &ev);
    int r = core_submit(d->control->core, d->now_ns, &ev, ev.tail_size ? SCRIPT_TAIL : NULL, &a,
                        err);
    return r < 0 ? r : core_commit(d->control->core, err);
}

/* ---- findings ------------------------------------------------------------------------------ */

/* The finding with this number while it is open; MW_NONE. */
static uint32_t find_open(const struct driver *d, uint64_t number)
{
    uint32_t at = (uint32_t)(number & ((UINT64_C(1) << NUMBER_ROW_BITS) - 1));
    const struct open *o = &d->open[at];
    return o->fact.kind && o->fact.body.finding.finding == number ? at : MW_NONE;
}

/* *ret_number may be NULL; 0 = it could not be seen. */
static int open_finding(struct driver *d, uint64_t component, uint32_t node, uint16_t class,
                        uint64_t *ret_number, struct mw_error *err)
{
    uint32_t at = d->open_free;
    if (at != MW_NONE)
        d->open_free = d->open[at].next;
    else if (d->opens < FINDINGS_MAX)
        at = d->opens++;
    if (ret_number)
        *ret_number = 0;
    if (at == MW_NONE)
        return 0; /* as many as may be open: this one is not seen */
    struct open *o = &d->open[at];
    uint64_t number = (uint64_t)++o->generation << NUMBER_ROW_BITS | at;
    o->fact = (struct event){ .kind = EV_FINDING_OPENED,
                              .source = node == MW_NONE ? SOURCE_FABRIC : SOURCE_NODE + node };
    o->fact.body.finding = (struct body_finding){ .component = component, .finding = number,
                                                  .node = node, .class = class };
    if (ret_number)
        *ret_number = number;
    o->next = MW_NONE;
    if (node != MW_NONE) {
        o->next = d->node_open[node];
        d->node_open[node] = at;
    }
    return submit(d, &o->fact, err);
}

static int close_finding(struct driver *d, uint32_t at, struct mw_error *err)
{
    struct open *o = &d->open[at];
    struct event ev = o->fact;
    uint32_t node = ev.body.finding.node;
    if (node != MW_NONE) {
        uint32_t *link = &d->node_open[node];
        while (*link != at)
            link = &d->open[*link].next;
        *link = o->next;
    }
    o->fact.kind = EV_NONE;
    o->next = d->open_free;
    d->open_free = at;
    ev.kind = EV_FINDING_CLOSED;
    return submit(d, &ev, err);
}

static int say_repaired(struct driver *d, const struct row *r, struct mw_error *err)
{
    const struct body_order *o = &r->fact.body.order;
    int rc = 0;
    uint32_t at = o->node == MW_NONE ? find_open(d, o->finding & ((UINT64_C(1) << 40) - 1))
                                     : MW_NONE;
    if (at != MW_NONE)
        rc = close_finding(d, at, err);
    while (rc == 0 && o->node != MW_NONE && d->node_open[o->node] != MW_NONE)
        rc = close_finding(d, d->node_open[o->node], err);
    return rc < 0 ? rc : submit(d, &r->fact, err);
}

/* ---- arrivals ------------------------------------------------------------------------------ */

static int say_job(struct driver *d, struct mw_error *err)
{
    static const uint32_t GPUS[] = { 8, 64, 256, 1024, 2048 };
    static const uint32_t UP_TO[] = { 50, 75, 90, 97, 100 }; /* percent */
    uint32_t percent = draw_below(d, 100), k = 0;
    if (work_queued(d->control->work) >= QUEUE_MAX)
        return 0;
    while (percent >= UP_TO[k])
        k++;
    struct event ev = { .kind = EV_JOB_SUBMITTED, .source = SOURCE_TENANT, .tenant = 1 + k };
    ev.body.job = (struct body_job){
        .job = ++d->jobs, .gpus = GPUS[k], .nodes = GPUS[k] / 8, .category = k,
        .priority = (uint8_t)(k == 4), .write_ms = 60 * MW_MS_PER_S,
        .restart_ms = 5 * MW_MS_PER_MIN,
        .work_ms = draw_around(d, 48 * MW_NS_PER_HOUR) / MW_NS_PER_MS + 1 };
    return submit(d, &ev, err);
}

static int say_flap(struct driver *d, struct mw_error *err)
{
    const struct fleet *f = d->fleet;
    uint64_t number;
    uint64_t cable = component_id(COMPONENT_CABLE, draw_below(d, f->count[COMPONENT_CABLE]));
    int r = open_finding(d, cable, fleet_node_of(f, cable), CLASS_FLAP, &number, err);
    uint32_t at = number ? row_take(d, SAY_CLEARED, d->now_ns + 2 * MW_NS_PER_S) : MW_NONE;
    if (at != MW_NONE)
        d->row[at].fact.body.finding.finding = number;
    return r;
}

static int say_arrival(struct driver *d, uint8_t say, struct mw_error *err)
{
    const struct fleet *f = d->fleet;
    heap_set(&d->heap, say, d->now_ns + draw_around(d, d->gap_ns[say]));
    if (say == SAY_JOB)
        return say_job(d, err);
    if (say == SAY_FLAP)
        return say_flap(d, err);
    if (say == SAY_OPTIC) {
        uint64_t c = component_id(COMPONENT_OPTIC, draw_below(d, f->count[COMPONENT_OPTIC]));
        return open_finding(d, c, fleet_node_of(f, c), CLASS_OPTIC, NULL, err);
    }
    uint32_t node = draw_below(d, f->count[COMPONENT_NODE]);
    bool nic = draw_below(d, 5) == 0;
    uint64_t c = nic ? component_id(COMPONENT_NIC, f->node_nic_first[node])
                     : component_id(COMPONENT_GPU, f->node_gpu_first[node]);
    return open_finding(d, c, node, nic ? CLASS_NIC : CLASS_GPU, NULL, err);
}

/* ---- attempts ------------------------------------------------------------------------------ */

#define PROGRESS_EVERY_NS (6 * MW_NS_PER_HOUR)

/* How far an attempt is at `at_ns`, by its cadence. */
static void fill_progress(const struct row *r, int64_t at_ns, struct body_progress *p)
{
    int64_t ran_ms = MW_MAX(0, (at_ns - r->began_ns) / MW_NS_PER_MS);
    int64_t cycle_ms = r->interval_ms + r->write_ms;
    int64_t writes = r->interval_ms > 0 ? ran_ms / cycle_ms : 0;
    int64_t from_ms = r->fact.body.running.from_ms;
    p->job = r->fact.body.running.job;
    p->slot = r->fact.body.running.slot;
    p->attempt = r->fact.body.running.attempt;
    p->checkpoint_ms = writes * r->write_ms;
    p->progress_ms = from_ms + ran_ms - p->checkpoint_ms;
    p->saved_ms = from_ms + writes * r->interval_ms;
    p->node = MW_NONE;
    p->class = UINT16_MAX;
}

static int64_t end_of(const struct row *r)
{
    int64_t left_ms = r->work_ms - r->fact.body.running.from_ms;
    int64_t writes = r->interval_ms > 0 ? left_ms / r->interval_ms : 0;
    return r->began_ns + (MW_MAX(left_ms, 0) + writes * r->write_ms) * MW_NS_PER_MS;
}

static int say_running(struct driver *d, uint32_t at, struct mw_error *err)
{
    struct row *r = &d->row[at];
    r->began_ns = d->now_ns;
    r->fact.body.running.ready_ms = mw_ms(d->now_ns) - r->restart_ms;
    int64_t next_ns = MW_MIN(d->now_ns + PROGRESS_EVERY_NS, end_of(r));
    r->say = next_ns == end_of(r) ? SAY_ENDED : SAY_PROGRESS;
    heap_set(&d->heap, at, next_ns);
    return submit(d, &r->fact, err);
}

static int say_progress(struct driver *d, uint32_t at, struct mw_error *err)
{
    struct row *r = &d->row[at];
    struct event ev = { .kind = EV_ATTEMPT_PROGRESS, .source = SOURCE_ENGINE };
    fill_progress(r, d->now_ns, &ev.body.progress);
    int64_t next_ns = MW_MIN(d->now_ns + PROGRESS_EVERY_NS, end_of(r));
    r->say = next_ns == end_of(r) ? SAY_ENDED : SAY_PROGRESS;
    heap_set(&d->heap, at, next_ns);
    return submit(d, &ev, err);
}

static int say_ended(struct driver *d, uint32_t at, struct mw_error *err)
{
    const struct row *r = &d->row[at];
    struct event ev = { .kind = EV_ATTEMPT_ENDED, .source = SOURCE_ENGINE };
    bool ran = r->began_ns > 0;
    fill_progress(r, ran ? d->now_ns : 0, &ev.body.progress);
    ev.body.progress.how = ran && d->now_ns >= end_of(r) ? HOW_DONE : HOW_STOPPED;
    ev.body.progress.stopped_ms = mw_ms(d->now_ns);
    d->slot_row[ev.body.progress.slot] = MW_NONE;
    row_give(d, at);
    return submit(d, &ev, err);
}

/* ---- answers to actions -------------------------------------------------------------------- */

static void act_place(struct driver *d, const struct body_place *p)
{
    uint32_t at = row_take(d, SAY_RUNNING, d->now_ns + p->restart_ms * MW_NS_PER_MS);
    if (at == MW_NONE)
        return;
    struct row *r = &d->row[at];
    r->interval_ms = p->interval_ms;
    r->write_ms = p->write_ms;
    r->restart_ms = p->restart_ms;
    r->work_ms = d->control->board->job_work_ms[p->slot];
    r->fact = (struct event){ .kind = EV_ATTEMPT_RUNNING, .source = SOURCE_ENGINE };
    r->fact.body.running = (struct body_running){
        .job = p->job, .from_ms = p->from_ms, .slot = p->slot, .attempt = p->attempt };
    d->slot_row[p->slot] = at;
}

static void act_stop(struct driver *d, const struct body_stop *s)
{
    uint32_t at = d->slot_row[s->slot];
    if (at == MW_NONE || d->row[at].fact.body.running.attempt != s->attempt)
        return;
    int64_t after_ns = s->how == DRAIN_NOW ? MW_NS_PER_S : 20 * MW_NS_PER_MIN;
    d->row[at].say = SAY_ENDED;
    heap_set(&d->heap, at, MW_MIN(d->due[at], d->now_ns + after_ns));
}

static void act_order(struct driver *d, const struct event *action)
{
    int64_t taken_ns = d->now_ns + draw_around(d, 20 * MW_NS_PER_MIN);
    uint32_t taken = row_take(d, SAY_FACT, taken_ns);
    uint32_t ended = row_take(d, SAY_REPAIRED, taken_ns + draw_around(d, 2 * MW_NS_PER_HOUR));
    if (taken == MW_NONE || ended == MW_NONE)
        return;
    struct event fact = { .kind = EV_ORDER_TAKEN, .source = SOURCE_CREW, .cause = action->seq,
                          .body = action->body };
    d->row[taken].fact = fact;
    fact.kind = EV_ORDER_ENDED;
    fact.body.order.result = RESULT_OK;
    d->row[ended].fact = fact;
}

static void act_gate(struct driver *d, const struct event *action)
{
    const struct body_gate *g = &action->body.gate;
    uint32_t at = row_take(d, SAY_FACT, d->now_ns + g->length_ms * MW_NS_PER_MS);
    if (at == MW_NONE)
        return;
    struct event *ev = &d->row[at].fact;
    *ev = (struct event){ .kind = EV_GATE_ENDED, .source = SOURCE_NODE + g->node,
                          .cause = action->seq, .body = action->body };
    ev->body.gate.result = draw_below(d, 20) ? RESULT_OK : RESULT_FAILED;
}

void driver_act(void *ctx, const struct event *action, const void *tail)
{
    struct driver *d = ctx;
    (void)tail;
    switch (action->kind) {
    case EV_ATTEMPT_PLACED:
        act_place(d, &action->body.place);
        return;
    case EV_ATTEMPT_STOP:
        act_stop(d, &action->body.stop);
        return;
    case EV_ORDER_OPENED:
        act_order(d, action);
        return;
    case EV_GATE_STARTED:
        act_gate(d, action);
        return;
    default:
        return;
    }
}

/* A person approves advice and resets a tripped guard after a while. */
static int see_advice(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct driver *d = ctx;
    (void)tail;
    (void)last;
    if (ev->kind != EV_ADVICE && ev->kind != EV_GUARD_TRIPPED)
        return 0;
    uint32_t at = row_take(d, SAY_FACT, d->now_ns + 15 * MW_NS_PER_MIN);
    if (at == MW_NONE)
        return 0;
    bool advice = ev->kind == EV_ADVICE;
    struct event *say = &d->row[at].fact;
    *say = (struct event){ .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 1,
                           .tail_size = sizeof(SCRIPT_TAIL) - 1 };
    say->body.command = (struct body_command){
        .ref = ev->seq, .node = ev->body.advice.node, .hall = ev->body.advice.hall,
        .slot = ev->body.advice.slot, .verb = advice ? CMD_APPROVE : CMD_RESET_GUARD };
    return 0;
}

static void look_for_advice(struct driver *d)
{
    struct group g = core_last_group(d->control->core);
    if (g.first_seq == d->said)
        return;
    d->said = g.first_seq;
    must(group_walk(&g, see_advice, d) == 0);
}

/* ---- the run ------------------------------------------------------------------------------- */

static int say(struct driver *d, uint32_t at, struct mw_error *err)
{
    uint8_t what = d->row[at].say;
    if (what < ARRIVALS)
        return say_arrival(d, what, err);
    if (what == SAY_RUNNING)
        return say_running(d, at, err);
    if (what == SAY_PROGRESS)
        return say_progress(d, at, err);
    if (what == SAY_ENDED)
        return say_ended(d, at, err);
    struct row r = d->row[at];
    row_give(d, at);
    if (what == SAY_REPAIRED)
        return say_repaired(d, &r, err);
    if (what == SAY_FACT)
        return submit(d, &r.fact, err);
    uint32_t open = find_open(d, r.fact.body.finding.finding);
    return open == MW_NONE ? 0 : close_finding(d, open, err);
}

static int step(struct driver *d, struct mw_error *err)
{
    struct core *c = d->control->core;
    int64_t due_ns = heap_top_due(&d->heap), timer_ns = core_next_due(c);
    d->now_ns = MW_MIN(due_ns, timer_ns);
    int r;
    d->fired = timer_ns <= due_ns;
    if (d->fired) {
        r = core_advance(c, d->now_ns, err);
        if (r == 0)
            r = core_commit(c, err);
    } else {
        r = say(d, heap_top(&d->heap), err);
    }
    look_for_advice(d);
    return r;
}

int driver_run(struct driver *d, struct control *c, uint64_t events, struct mw_error *err)
{
    d->control = c;
    d->now_ns = START_NS;
    int r = control_begin(c, START_NS, err);
    while (r == 0 && (core_seq(c->core) < events || d->fired) && !d->full)
        r = step(d, err);
    if (r == 0 && d->full)
        return mw_fail(err, MW_ELIMIT, "the driver has no room for more facts");
    return r;
}

int script_begin(struct control *c, struct mw_error *err)
{
    return control_begin(c, START_NS, err);
}

int script_run(const struct script *s, struct control *c, struct script_range range,
               struct mw_error *err)
{
    uint32_t staged = 0;
    int r = 0;
    must(range.from <= range.to && range.to <= s->length);
    for (uint64_t i = range.from; r == 0 && i < range.to; i++) {
        const struct event *f = &s->fact[i];
        enum admit a;
        r = core_submit(c->core, f->time_ns, f, f->tail_size ? SCRIPT_TAIL : NULL, &a, err);
        if (r == 0 && ++staged == range.every) {
            staged = 0;
            r = core_commit(c->core, err);
        }
    }
    return r < 0 ? r : core_commit(c->core, err);
}

void script_fini(struct script *s)
{
    mw_free(s->fact);
    *s = (struct script){ 0 };
}

static bool alloc(struct driver *d)
{
    uint32_t nodes = d->fleet->count[COMPONENT_NODE], jobs = 65536;
    d->due = mw_calloc(ROWS_MAX, sizeof(*d->due));
    d->row = mw_calloc(ROWS_MAX, sizeof(*d->row));
    d->open = mw_calloc(FINDINGS_MAX, sizeof(*d->open));
    d->node_open = mw_calloc(nodes, sizeof(*d->node_open));
    d->slot_row = mw_calloc(jobs, sizeof(*d->slot_row));
    d->source_seq = mw_calloc(SOURCE_NODE + (size_t)nodes, sizeof(*d->source_seq));
    if (!d->due || !d->row || !d->open || !d->node_open || !d->slot_row || !d->source_seq)
        return false;
    memset(d->node_open, 0xff, nodes * sizeof(*d->node_open));
    memset(d->slot_row, 0xff, jobs * sizeof(*d->slot_row));
    for (uint32_t i = 0; i < ROWS_MAX; i++)
        d->due[i] = MW_NEVER;
    return heap_init(&d->heap, d->due, ROWS_MAX) == 0;
}

int driver_create(const struct fleet *f, struct script *keep, struct driver **ret)
{
    struct driver *d = mw_calloc(1, sizeof(*d));
    if (!d)
        return MW_ENOMEM;
    d->fleet = f;
    d->keep = keep;
    d->row_free = d->open_free = MW_NONE;
    if (!alloc(d)) {
        driver_destroy(d);
        return MW_ENOMEM;
    }
    for (uint8_t say = 0; say < ARRIVALS; say++) {
        double per_year = PER_YEAR[say] * (double)f->gpus_total / GPUS_OF_THE_YEAR;
        d->gap_ns[say] = (int64_t)(365.0 * (double)MW_NS_PER_DAY / per_year);
        (void)row_take(d, say, START_NS + d->gap_ns[say]);
    }
    *ret = d;
    return 0;
}

void driver_destroy(struct driver *d)
{
    if (!d)
        return;
    void *const owned[] = { d->due, d->row, d->open, d->node_open, d->slot_row, d->source_seq };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(owned); i++)
        mw_free(owned[i]);
    heap_fini(&d->heap);
    mw_free(d);
}
