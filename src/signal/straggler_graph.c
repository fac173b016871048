/*
 * Builds the dependency graph of one step: each worker's streams, the chain
 * after its last computation, the groups across workers; then puts the groups
 * in an order in which they can be replayed.
 */
#include "signal/straggler_graph.h"

#include <stdlib.h>

#include "base/mem.h"
#include "signal/straggler_build.h"

#define COMPUTES (straggler_kind_bit(KIND_FORWARD_COMPUTE) | \
                  straggler_kind_bit(KIND_BACKWARD_COMPUTE))
#define ALL_DPS (straggler_kind_bit(KIND_PARAMS_ALL_GATHER) |    \
                 straggler_kind_bit(KIND_GRADS_REDUCE_SCATTER) | \
                 straggler_kind_bit(KIND_SEPARATE_ALL_REDUCE) |  \
                 straggler_kind_bit(KIND_OPTIMIZER_CLIP))
#define DP_STREAM (straggler_kind_bit(KIND_PARAMS_ALL_GATHER) | \
                   straggler_kind_bit(KIND_GRADS_REDUCE_SCATTER))

void straggler_build_edge(struct straggler_build *b, uint32_t from, uint32_t to)
{
    must(from < b->t->ops && to < b->t->ops);
    if (b->edges == b->edges_room) {
        uint32_t room = b->edges_room == 0 ? 1024 : b->edges_room * 2;
        void *more = mw_resize(b->edge, room, sizeof(*b->edge));
        if (more == NULL) {
            b->failed = true;
            return;
        }
        b->edge = more;
        b->edges_room = room;
    }
    b->edge[b->edges++] = (struct straggler_edge){ from, to };
}

uint32_t straggler_build_next(const struct straggler_build *b, uint32_t stage, uint32_t kinds,
                              uint32_t *at)
{
    uint32_t first = b->stage_first[stage], end = b->stage_first[stage + 1];

    while (first + *at < end) {
        uint32_t i = b->by_time[first + (*at)++];
        if ((straggler_kind_bit(b->t->op[i].kind) & kinds) != 0)
            return i;
    }
    return MW_NONE;
}

/* ---- in time order ------------------------------------------------------------------------- */

struct timed {
    double start;
    uint32_t op, seq;
    uint16_t stage;
    uint8_t kind;
};

static int compare_timed(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;
    if (x->stage != y->stage)
        return x->stage < y->stage ? -1 : 1;
    if (x->start < y->start || x->start > y->start)
        return x->start < y->start ? -1 : 1;
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return x->kind < y->kind ? -1 : x->kind > y->kind;
}

static bool sort_by_time(struct straggler_build *b)
{
    const struct straggler_trace *t = b->t;
    struct timed *list mw_cleanup(mw_freep) = mw_calloc(t->ops, sizeof(*list));

    if (list == NULL)
        return false;
    for (uint32_t i = 0; i < t->ops; i++) {
        const struct straggler_op *o = &t->op[i];
        list[i] = (struct timed){ o->start, i, o->seq, o->stage, o->kind };
        b->stage_first[o->stage + 1]++;
    }
    qsort(list, t->ops, sizeof(*list), compare_timed);
    for (uint32_t i = 0; i < t->ops; i++)
        b->by_time[i] = list[i].op;
    for (uint32_t s = 0; s < t->stages; s++)
        b->stage_first[s + 1] += b->stage_first[s];
    return true;
}

/* ---- one worker's streams ------------------------------------------------------------------ */

static void stream_chain(struct straggler_build *b, uint32_t stage, uint32_t kinds)
{
    uint32_t at = 0, last = MW_NONE, i;

    while ((i = straggler_build_next(b, stage, kinds, &at)) != MW_NONE) {
        if (last != MW_NONE)
            straggler_build_edge(b, last, i);
        last = i;
    }
}

/* The first backward send and receive are posted after the second last computation before the
 * first backward one. */
static void first_backward(struct straggler_build *b, uint32_t stage)
{
    static const uint8_t kinds[] = { KIND_BACKWARD_RECV, KIND_BACKWARD_SEND };
    uint32_t at = 0, i, before = MW_NONE, before2 = MW_NONE;

    while ((i = straggler_build_next(b, stage, COMPUTES, &at)) != MW_NONE &&
           b->t->op[i].kind != KIND_BACKWARD_COMPUTE) {
        before2 = before;
        before = i;
    }
    if (i == MW_NONE || before2 == MW_NONE)
        return;
    for (uint32_t k = 0; k < MW_ARRAY_LEN(kinds); k++) {
        uint32_t op = straggler_trace_find(b->t, kinds[k], 0, stage);
        if (op != MW_NONE)
            straggler_build_edge(b, before2, op);
    }
}

/* The first forward computation of a model chunk waits for the last gathering of its parameters;
 * with reduce, the first reduction of a chunk's gradients waits for its last backward one. */
static void chunk_tie(struct straggler_build *b, uint32_t stage, bool reduce, uint32_t *of_chunk)
{
    const struct straggler_op *op = b->t->op;
    uint32_t at = 0, i;
    uint32_t wanted = straggler_kind_bit(reduce ? KIND_BACKWARD_COMPUTE : KIND_FORWARD_COMPUTE);
    uint32_t kind = reduce ? KIND_GRADS_REDUCE_SCATTER : KIND_PARAMS_ALL_GATHER;

    for (uint32_t c = 0; c < b->t->chunks; c++)
        of_chunk[c] = MW_NONE;
    while ((i = straggler_build_next(b, stage, wanted, &at)) != MW_NONE) {
        uint32_t *best = &of_chunk[op[i].chunk];
        if (*best == MW_NONE || (reduce && op[i].end > op[*best].end))
            *best = i;
    }
    uint32_t n = 0;
    while (straggler_trace_find(b->t, kind, n, stage) != MW_NONE)
        n++;
    for (uint32_t k = 0; k < n; k++) {
        i = straggler_trace_find(b->t, kind, reduce ? k : n - 1 - k, stage);
        if (op[i].chunk < 0 || of_chunk[op[i].chunk] == MW_NONE)
            continue;
        uint32_t *compute = &of_chunk[op[i].chunk];
        straggler_build_edge(b, reduce ? *compute : i, reduce ? i : *compute);
        *compute = MW_NONE;
    }
}

/* All of a kind in their numbers' order after *last; *last becomes the last of them. */
static void kind_chain(struct straggler_build *b, uint32_t stage, uint32_t kind, uint32_t *last,
                       uint32_t also)
{
    uint32_t i;

    for (uint32_t seq = 0; (i = straggler_trace_find(b->t, kind, seq, stage)) != MW_NONE; seq++) {
        if (*last != MW_NONE)
            straggler_build_edge(b, *last, i);
        if (also != MW_NONE && seq == 0)
            straggler_build_edge(b, also, i);
        *last = i;
    }
}

/* From the last computation to the end of the step. */
static void step_end(struct straggler_build *b, uint32_t stage)
{
    const struct straggler_op *op = b->t->op;
    bool overlapped = (b->t->kinds & straggler_kind_bit(KIND_SEPARATE_ALL_REDUCE)) != 0;
    uint32_t at = 0, i, last = MW_NONE, reduced = MW_NONE;

    while ((i = straggler_build_next(b, stage, COMPUTES, &at)) != MW_NONE)
        if (last == MW_NONE || op[i].end > op[last].end)
            last = i;
    for (uint32_t seq = 0; overlapped; seq++) {
        if ((i = straggler_trace_find(b->t, KIND_GRADS_REDUCE_SCATTER, seq, stage)) == MW_NONE)
            break;
        reduced = i;
    }
    kind_chain(b, stage, KIND_GC, &last, MW_NONE);
    kind_chain(b, stage, KIND_LAYERNORM_ALL_REDUCE, &last, reduced);
    kind_chain(b, stage, KIND_EMBEDDING_ALL_REDUCE, &last, reduced);
    if (overlapped)
        kind_chain(b, stage, KIND_SEPARATE_ALL_REDUCE, &last, reduced);
    else
        kind_chain(b, stage, KIND_GRADS_REDUCE_SCATTER, &last, MW_NONE);
    kind_chain(b, stage, KIND_OPTIMIZER_CLIP, &last, reduced);
    kind_chain(b, stage, KIND_OPTIMIZER, &last, MW_NONE);
}

static int streams_build(struct straggler_build *b, bool use_dp)
{
    static const uint8_t pipes[] = { KIND_FORWARD_SEND, KIND_FORWARD_RECV, KIND_BACKWARD_SEND,
                                     KIND_BACKWARD_RECV };
    uint32_t *of_chunk mw_cleanup(mw_freep) = mw_calloc(b->t->chunks, sizeof(*of_chunk));
    bool overlapped = (b->t->kinds & straggler_kind_bit(KIND_SEPARATE_ALL_REDUCE)) != 0;

    if (of_chunk == NULL)
        return mw_fail(b->err, MW_ENOMEM, "out of memory");
    for (uint32_t stage = 0; stage < b->t->stages; stage++) {
        stream_chain(b, stage, COMPUTES);
        for (uint32_t k = 0; k < MW_ARRAY_LEN(pipes); k++)
            stream_chain(b, stage, straggler_kind_bit(pipes[k]));
        first_backward(b, stage);
        if (use_dp || (b->t->kinds & DP_STREAM) != 0) {
            stream_chain(b, stage, DP_STREAM);
            chunk_tie(b, stage, false, of_chunk);
            if (overlapped)
                chunk_tie(b, stage, true, of_chunk);
        }
        step_end(b, stage);
    }
    return 0;
}

/* ---- groups -------------------------------------------------------------------------------- */

/* Operations of a kind with the same number are one group across the stages. */
static void stages_join(struct straggler_build *b, uint32_t kind)
{
    for (uint32_t seq = 0;; seq++) {
        uint32_t head = MW_NONE;
        for (uint32_t stage = 0; stage < b->t->stages; stage++) {
            uint32_t i = straggler_trace_find(b->t, kind, seq, stage);
            if (i == MW_NONE)
                continue;
            head = head == MW_NONE ? i : head;
            b->head[i] = head;
            b->comm[i] = true;
        }
        if (head == MW_NONE)
            return;
    }
}

static void groups_join(struct straggler_build *b)
{
    for (uint32_t i = 0; i < b->t->ops; i++) {
        if ((straggler_kind_bit(b->t->op[i].kind) & ALL_DPS) != 0)
            b->comm[i] = b->all_dps[i] = true;
    }
    stages_join(b, KIND_EMBEDDING_ALL_REDUCE);
    stages_join(b, KIND_OPTIMIZER_CLIP);
}

/* ---- the order ----------------------------------------------------------------------------- */

/* Lists of `of` by `by`: first[by] .. first[by + 1] into list. */
static void edges_list(const struct straggler_build *b, bool by_to, uint32_t *first, uint32_t *list)
{
    for (uint32_t e = 0; e < b->edges; e++)
        first[(by_to ? b->edge[e].to : b->edge[e].from) + 1]++;
    for (uint32_t i = 0; i < b->t->ops; i++)
        first[i + 1] += first[i];
    for (uint32_t e = b->edges; e-- > 0;) {
        /* Fill from the back of each list; first[] is put right below. */
        uint32_t key = by_to ? b->edge[e].to : b->edge[e].from;
        list[--first[key + 1]] = by_to ? b->edge[e].from : b->edge[e].to;
    }
    for (uint32_t i = 0; i < b->t->ops; i++)
        first[i] = first[i + 1];
    first[b->t->ops] = b->edges;
}

/* Scratch of the ordering; all [ops] or more. */
struct order {
    uint32_t *wait;   /* by head: dependencies not yet done */
    uint32_t *queue;  /* heads */
    uint32_t *next;   /* by operation: the next member of its group */
    uint32_t *out_first, *out;
};

/* Takes the group of this head: its members, and what they set free. */
static uint32_t group_take(const struct straggler_build *b, struct straggler_graph *g,
                           struct order *o, uint32_t head, uint32_t queued)
{
    struct straggler_group *group = &g->group[g->groups];

    group->first = g->groups == 0 ? 0 : group[-1].first + group[-1].count;
    group->comm = b->comm[head];
    group->all_dps = b->all_dps[head];
    g->groups++;
    for (uint32_t m = head; m != MW_NONE; m = o->next[m]) {
        g->member[group->first + group->count++] = m;
        for (uint32_t e = o->out_first[m]; e < o->out_first[m + 1]; e++) {
            uint32_t to = b->head[o->out[e]];
            must(o->wait[to] > 0);
            if (--o->wait[to] == 0)
                o->queue[queued++] = to;
        }
    }
    return queued;
}

static int order_run(const struct straggler_build *b, struct straggler_graph *g, struct order *o)
{
    uint32_t queued = 0, heads = 0;

    edges_list(b, true, g->dep_first, g->dep);
    edges_list(b, false, o->out_first, o->out);
    for (uint32_t i = 0; i < b->t->ops; i++)
        o->next[i] = MW_NONE;
    for (uint32_t i = b->t->ops; i-- > 0;) {
        uint32_t head = b->head[i];
        o->wait[head] += g->dep_first[i + 1] - g->dep_first[i];
        if (head == i)
            continue;
        o->next[i] = o->next[head];
        o->next[head] = i;
    }
    for (uint32_t i = 0; i < b->t->ops; i++) {
        heads += b->head[i] == i;
        if (b->head[i] == i && o->wait[i] == 0)
            o->queue[queued++] = i;
    }
    for (uint32_t i = 0; i < queued; i++)
        queued = group_take(b, g, o, o->queue[i], queued);
    if (g->groups == heads)
        return 0;
    return mw_fail(b->err, MW_EINVAL, "step %lld dp_rank 0: the order of operations has a circle: "
                   "sends and receives start in an order that no pipeline can run",
                   (long long)b->t->step[0]);
}

static int order_find(const struct straggler_build *b, struct straggler_graph *g)
{
    uint32_t n = b->t->ops;
    uint32_t *scratch mw_cleanup(mw_freep) = mw_calloc((size_t)n * 4 + 1, sizeof(*scratch));
    uint32_t *out mw_cleanup(mw_freep) = mw_calloc(b->edges, sizeof(*out));

    g->group = mw_calloc(n, sizeof(*g->group));
    g->member = mw_calloc(n, sizeof(*g->member));
    g->dep_first = mw_calloc((size_t)n + 1, sizeof(*g->dep_first));
    g->dep = mw_calloc(b->edges, sizeof(*g->dep));
    if (scratch == NULL || out == NULL || g->group == NULL || g->member == NULL ||
        g->dep_first == NULL || g->dep == NULL)
        return mw_fail(b->err, MW_ENOMEM, "out of memory");
    struct order o = { scratch, scratch + n, scratch + 2 * (size_t)n, scratch + 3 * (size_t)n,
                       out };
    return order_run(b, g, &o);
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void build_fini(struct straggler_build *b)
{
    mw_free(b->by_time);
    mw_free(b->stage_first);
    mw_free(b->edge);
    mw_free(b->head);
    mw_free(b->comm);
    mw_free(b->all_dps);
}

static int build_init(struct straggler_build *b)
{
    uint32_t n = b->t->ops;

    b->by_time = mw_calloc(n, sizeof(*b->by_time));
    b->stage_first = mw_calloc((size_t)b->t->stages + 1, sizeof(*b->stage_first));
    b->head = mw_calloc(n, sizeof(*b->head));
    b->comm = mw_calloc(n, sizeof(*b->comm));
    b->all_dps = mw_calloc(n, sizeof(*b->all_dps));
    if (b->by_time == NULL || b->stage_first == NULL || b->head == NULL || b->comm == NULL ||
        b->all_dps == NULL || !sort_by_time(b))
        return mw_fail(b->err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++)
        b->head[i] = i;
    return 0;
}

static void destroy(struct straggler_graph **g)
{
    straggler_graph_destroy(*g);
}

int straggler_graph_build(const struct straggler_trace *t, bool use_dp,
                          struct straggler_graph **ret, struct mw_error *err)
{
    struct straggler_build b mw_cleanup(build_fini) = { .t = t, .err = err };
    struct straggler_graph *g mw_cleanup(destroy) = mw_calloc(1, sizeof(*g));

    must(t->ops > 0 && t->stages > 0);
    if (g == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = build_init(&b);
    if (rc == 0)
        rc = streams_build(&b, use_dp);
    if (rc == 0)
        rc = straggler_build_pipeline(&b);
    if (rc == 0)
        groups_join(&b);
    if (rc == 0 && b.failed)
        rc = mw_fail(err, MW_ENOMEM, "out of memory");
    if (rc == 0)
        rc = order_find(&b, g);
    if (rc == 0)
        *ret = TAKE(g);
    return rc;
}

void straggler_graph_destroy(struct straggler_graph *g)
{
    if (g == NULL)
        return;
    mw_free(g->group);
    mw_free(g->member);
    mw_free(g->dep_first);
    mw_free(g->dep);
    mw_free(g);
}
