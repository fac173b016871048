/*
 * The pipeline's part of a straggler graph: which computation a send or a
 * receive belongs to, and which receive a send meets.
 *
 * A profiler may record sends and receives that moved nothing: receives posted
 * after the last computation, sends that ended before the first, and those past
 * the model's two ends.  They stay in their stream and meet nobody.
 */
#include "signal/straggler_build.h"

#include "base/mem.h"

/* Clocks of one worker's streams may differ by this when records are compared; of the method. */
#define CLOCK_SLACK_S 5e-5

enum { STREAMS = 4 };

static const struct stream {
    uint8_t kind, compute;
    bool send;
    int8_t delta; /* where the other end's chunk stands */
} streams[STREAMS] = {
    { KIND_FORWARD_SEND, KIND_FORWARD_COMPUTE, true, 1 },
    { KIND_FORWARD_RECV, KIND_FORWARD_COMPUTE, false, -1 },
    { KIND_BACKWARD_SEND, KIND_BACKWARD_COMPUTE, true, -1 },
    { KIND_BACKWARD_RECV, KIND_BACKWARD_COMPUTE, false, 1 },
};

/* Sends and receives that move something, in order, by stream and stage. */
struct pairs {
    uint32_t *real;         /* operations */
    uint32_t *first, *count; /* [STREAMS * stages] */
    uint32_t length;
};

/* Computations of one direction in one stage. */
struct span {
    uint32_t count;
    double start_last, end_first;
};

static struct span span_of(const struct straggler_build *b, uint32_t stage, uint32_t kind)
{
    struct span s = { 0 };
    uint32_t at = 0, i;

    while ((i = straggler_build_next(b, stage, straggler_kind_bit(kind), &at)) != MW_NONE) {
        const struct straggler_op *o = &b->t->op[i];
        s.start_last = s.count == 0 ? o->start : MW_MAX(s.start_last, o->start);
        s.end_first = s.count == 0 ? o->end : MW_MIN(s.end_first, o->end);
        s.count++;
    }
    return s;
}

/* Whether it stands for a computation at all. */
static bool within(const struct stream *s, const struct span *span, const struct straggler_op *o)
{
    if (span->count == 0)
        return false;
    return s->send ? o->end >= span->end_first - CLOCK_SLACK_S
                   : o->start <= span->start_last + CLOCK_SLACK_S;
}

/* The computation waits for its receive, which is posted after the one before. */
static void tie(struct straggler_build *b, const struct stream *s, uint32_t op, uint32_t compute)
{
    const struct straggler_op *c = &b->t->op[compute];

    if (s->send) {
        straggler_build_edge(b, compute, op);
        return;
    }
    straggler_build_edge(b, op, compute);
    if (c->seq > 0)
        straggler_build_edge(b, straggler_trace_find(b->t, c->kind, c->seq - 1, c->stage), op);
}

/* The number of the first computation that has one: a first receive may be missing. */
static int count_check(const struct straggler_build *b, const struct stream *s, uint32_t stage,
                       const struct span *span, uint32_t *ret_first)
{
    uint32_t at = 0, i, n = 0;

    while ((i = straggler_build_next(b, stage, straggler_kind_bit(s->kind), &at)) != MW_NONE)
        n += within(s, span, &b->t->op[i]);
    *ret_first = !s->send && n + 1 == span->count ? 1 : 0;
    bool at_end = stage == 0 || stage == b->t->stages - 1;
    if (n == span->count || (at_end && (n == 0 || n + 1 == span->count)))
        return 0;
    return mw_fail(b->err, MW_EINVAL, "step %lld dp_rank 0 stage %u: %u %s for %u %s; the two must "
                   "match", (long long)b->t->step[0], stage, n, straggler_kind_name(s->kind),
                   span->count, straggler_kind_name(s->compute));
}

static int stream_tie(struct straggler_build *b, uint32_t which, uint32_t stage, struct pairs *p)
{
    const struct stream *s = &streams[which];
    const struct straggler_trace *t = b->t;
    struct span span = span_of(b, stage, s->compute);
    uint32_t seq, at = 0, i, slot = which * t->stages + stage;

    p->first[slot] = p->length;
    int rc = count_check(b, s, stage, &span, &seq);
    if (rc != 0)
        return rc;
    while ((i = straggler_build_next(b, stage, straggler_kind_bit(s->kind), &at)) != MW_NONE) {
        b->comm[i] = true;
        if (!within(s, &span, &t->op[i]))
            continue;
        uint32_t compute = straggler_trace_find(t, s->compute, seq++, stage);
        must(compute != MW_NONE);
        tie(b, s, i, compute);
        int64_t peer = (int64_t)t->op[compute].chunk_all + s->delta;
        if (peer >= 0 && peer < (int64_t)t->chunks * t->stages)
            p->real[p->length++] = i;
    }
    p->count[slot] = p->length - p->first[slot];
    return 0;
}

/* The n-th send of a stage meets the n-th receive of the next (or, backward, the one before). */
static int stage_pair(struct straggler_build *b, uint32_t which, uint32_t stage,
                      const struct pairs *p)
{
    uint32_t stages = b->t->stages;
    uint32_t peer = (stage + stages + (uint32_t)streams[which].delta) % stages;
    uint32_t from = which * stages + stage, to = (which + 1) * stages + peer;

    must(streams[which].send && !streams[which + 1].send);
    if (p->count[from] != p->count[to])
        return mw_fail(b->err, MW_EINVAL, "step %lld dp_rank 0: stage %u has %u %s and stage %u "
                       "has %u %s; each send needs its receive", (long long)b->t->step[0], stage,
                       p->count[from], straggler_kind_name(streams[which].kind), peer, p->count[to],
                       straggler_kind_name(streams[which + 1].kind));
    for (uint32_t i = 0; i < p->count[from]; i++)
        b->head[p->real[p->first[to] + i]] = p->real[p->first[from] + i];
    return 0;
}

int straggler_build_pipeline(struct straggler_build *b)
{
    const struct straggler_trace *t = b->t;
    uint32_t *real mw_cleanup(mw_freep) = mw_calloc(t->ops, sizeof(*real));
    uint32_t *slots mw_cleanup(mw_freep) = mw_calloc((size_t)t->stages * STREAMS * 2,
                                                     sizeof(*slots));
    int rc = 0;

    if (real == NULL || slots == NULL)
        return mw_fail(b->err, MW_ENOMEM, "out of memory");
    struct pairs p = { real, slots, slots + (size_t)t->stages * STREAMS, 0 };
    for (uint32_t s = 0; s < STREAMS; s++)
        for (uint32_t stage = 0; rc == 0 && stage < t->stages; stage++)
            rc = stream_tie(b, s, stage, &p);
    for (uint32_t s = 0; s < STREAMS; s += 2)
        for (uint32_t stage = 0; rc == 0 && stage < t->stages; stage++)
            rc = stage_pair(b, s, stage, &p);
    return rc;
}
