/*
 * Puts the rows of a straggler trace together: which steps, stages, ranks and
 * operations there are, and one cell for each operation, step and rank.
 * Refuses a trace in which they do not all match, and names the row or what is
 * missing.
 */
#include "signal/straggler_trace.h"

#include <stdlib.h>

#include "base/mem.h"
#include "signal/straggler_csv.h"

/* What is being put together. */
struct build {
    const struct straggler_row *row;
    uint32_t rows;
    const char *file;
    struct straggler_trace *t;
    struct mw_error *err;
};

static int compare_steps(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static int no_memory(const struct build *b)
{
    return mw_fail(b->err, MW_ENOMEM, "%s: out of memory", b->file);
}

/* Counts steps, ranks, stages; the steps' numbers. */
static int extent_find(struct build *b)
{
    struct straggler_trace *t = b->t;

    t->step = mw_calloc(b->rows, sizeof(*t->step));
    if (t->step == NULL)
        return no_memory(b);
    for (uint32_t i = 0; i < b->rows; i++) {
        const struct straggler_row *r = &b->row[i];
        t->step[i] = r->step;
        t->dps = MW_MAX(t->dps, r->dp + 1);
        t->stages = MW_MAX(t->stages, r->stage + 1);
        if (r->chunk >= 0)
            t->chunks = MW_MAX(t->chunks, (uint32_t)r->chunk + 1);
        t->kinds |= straggler_kind_bit(r->kind);
    }
    qsort(t->step, b->rows, sizeof(*t->step), compare_steps);
    for (uint32_t i = 0; i < b->rows; i++)
        if (t->steps == 0 || t->step[i] != t->step[t->steps - 1])
            t->step[t->steps++] = t->step[i];
    return 0;
}

static bool in_template(const struct build *b, const struct straggler_row *r)
{
    return r->dp == 0 && r->step == b->t->step[0];
}

/* The operations of data-parallel rank 0 in the first step. */
static int template_read(struct build *b)
{
    struct straggler_trace *t = b->t;
    uint32_t n = 0;

    for (uint32_t i = 0; i < b->rows; i++)
        n += in_template(b, &b->row[i]);
    if (n == 0)
        return mw_fail(b->err, MW_EINVAL, "%s: step %lld has no operation of dp_rank 0; leave that "
                       "step out", b->file, (long long)t->step[0]);
    t->op = mw_calloc(n, sizeof(*t->op));
    if (t->op == NULL || map_init(&t->index, n) != 0)
        return no_memory(b);
    for (uint32_t i = 0; i < b->rows; i++) {
        const struct straggler_row *r = &b->row[i];
        if (!in_template(b, r))
            continue;
        uint64_t key = straggler_trace_key(r->kind, r->seq, r->stage);
        if (map_get(&t->index, key) != MW_NONE)
            continue; /* told when the cells are filled, with its line */
        map_put(&t->index, key, t->ops);
        t->op[t->ops++] = (struct straggler_op){ .start = r->start, .end = r->start + r->duration,
            .seq = r->seq, .stage = (uint16_t)r->stage, .kind = r->kind,
            .chunk = (int16_t)r->chunk, .chunk_all = r->chunk_all };
    }
    return 0;
}

/* Sequence numbers run from 0 without a gap: what depends on what is told by them. */
static int template_check(const struct build *b)
{
    const struct straggler_trace *t = b->t;

    for (uint32_t i = 0; i < t->ops; i++) {
        const struct straggler_op *o = &t->op[i];
        if (o->seq > 0 && straggler_trace_find(t, o->kind, o->seq - 1, o->stage) == MW_NONE)
            return mw_fail(b->err, MW_EINVAL, "%s: step %lld: stage %u has %s seq_id %u but no %u; "
                           "numbers must run from 0 without a gap", b->file,
                           (long long)t->step[0], o->stage, straggler_kind_name(o->kind), o->seq,
                           o->seq - 1);
    }
    return 0;
}

static uint32_t step_index(const struct straggler_trace *t, int64_t step)
{
    const int64_t *at = bsearch(&step, t->step, t->steps, sizeof(step), compare_steps);
    must(at != NULL);
    return (uint32_t)(at - t->step);
}

/* One worker has one rank number, throughout. */
static int rank_note(const struct build *b, const struct straggler_row *r)
{
    uint32_t *rank = &b->t->rank[r->dp * b->t->stages + r->stage];

    if (*rank == MW_NONE)
        *rank = r->rank;
    if (*rank != r->rank)
        return mw_fail(b->err, MW_EINVAL, "%s:%u:1: dp_rank %u stage %u is rank %u here and %u "
                       "before; a worker has one rank", b->file, r->line, r->dp, r->stage, r->rank,
                       *rank);
    return 0;
}

static int cell_fill(const struct build *b, const struct straggler_row *r)
{
    struct straggler_trace *t = b->t;
    uint32_t op = straggler_trace_find(t, r->kind, r->seq, r->stage);

    if (op == MW_NONE)
        return mw_fail(b->err, MW_EINVAL, "%s:%u:1: step %lld dp_rank %u has %s seq_id %u of stage "
                       "%u, which step %lld dp_rank 0 has not; all steps and ranks must run the "
                       "same operations", b->file, r->line, (long long)r->step, r->dp,
                       straggler_kind_name(r->kind), r->seq, r->stage, (long long)t->step[0]);
    size_t at = (size_t)op * t->cells + (size_t)step_index(t, r->step) * t->dps + r->dp;
    if (t->duration[at] >= 0.0)
        return mw_fail(b->err, MW_EINVAL, "%s:%u:1: %s seq_id %u of step %lld dp_rank %u stage %u "
                       "is there twice", b->file, r->line, straggler_kind_name(r->kind), r->seq,
                       (long long)r->step, r->dp, r->stage);
    t->start[at] = r->start;
    t->duration[at] = r->duration;
    return rank_note(b, r);
}

static int cells_check(const struct build *b)
{
    const struct straggler_trace *t = b->t;

    for (uint32_t i = 0; i < t->ops; i++) {
        for (uint32_t c = 0; c < t->cells; c++) {
            if (t->duration[(size_t)i * t->cells + c] >= 0.0)
                continue;
            return mw_fail(b->err, MW_EINVAL, "%s: step %lld dp_rank %u lacks %s seq_id %u of "
                           "stage %u; all steps and ranks must run the same operations: leave "
                           "incomplete steps out", b->file, (long long)t->step[c / t->dps],
                           c % t->dps, straggler_kind_name(t->op[i].kind), t->op[i].seq,
                           t->op[i].stage);
        }
    }
    return 0;
}

static int cells_read(struct build *b)
{
    struct straggler_trace *t = b->t;
    uint64_t cells = (uint64_t)t->steps * t->dps;
    uint64_t workers = (uint64_t)t->dps * t->stages;
    int rc = 0;

    /* Each cell needs its row, so more cells than rows is known to fail: no memory for it. */
    if (cells * t->ops > b->rows || workers > b->rows)
        return mw_fail(b->err, MW_EINVAL, "%s: %u rows are fewer than %u steps of %u data-parallel "
                       "ranks with %u operations each need; all steps and ranks must run the same "
                       "operations", b->file, b->rows, t->steps, t->dps, t->ops);
    t->cells = (uint32_t)cells;
    t->start = mw_calloc(cells * t->ops, sizeof(*t->start));
    t->duration = mw_calloc(cells * t->ops, sizeof(*t->duration));
    t->rank = mw_calloc(workers, sizeof(*t->rank));
    if (t->start == NULL || t->duration == NULL || t->rank == NULL)
        return no_memory(b);
    for (uint64_t i = 0; i < cells * t->ops; i++)
        t->duration[i] = -1.0;
    for (uint64_t i = 0; i < workers; i++)
        t->rank[i] = MW_NONE;
    for (uint32_t i = 0; rc == 0 && i < b->rows; i++)
        rc = cell_fill(b, &b->row[i]);
    if (rc == 0)
        rc = cells_check(b);
    for (uint64_t i = 0; rc == 0 && i < workers; i++)
        if (t->rank[i] == MW_NONE)
            rc = mw_fail(b->err, MW_EINVAL, "%s: dp_rank %u stage %u has no operation", b->file,
                         (uint32_t)(i / t->stages), (uint32_t)(i % t->stages));
    return rc;
}

static void destroy(struct straggler_trace **t)
{
    straggler_trace_destroy(*t);
}

int straggler_trace_parse(const char *csv, size_t size, const char *file_name,
                          struct straggler_trace **ret, struct mw_error *err)
{
    struct straggler_row *row mw_cleanup(mw_freep) = NULL;
    struct straggler_trace *t mw_cleanup(destroy) = mw_calloc(1, sizeof(*t));
    struct build b = { .file = file_name, .t = t, .err = err };

    must(ret != NULL && file_name != NULL);
    if (t == NULL)
        return no_memory(&b);
    int rc = straggler_csv_read(csv, size, file_name, &row, &b.rows, err);
    b.row = row;
    if (rc == 0)
        rc = extent_find(&b);
    if (rc == 0)
        rc = template_read(&b);
    if (rc == 0)
        rc = template_check(&b);
    if (rc == 0)
        rc = cells_read(&b);
    if (rc == 0)
        *ret = TAKE(t);
    return rc;
}

void straggler_trace_destroy(struct straggler_trace *t)
{
    if (t == NULL)
        return;
    map_fini(&t->index);
    mw_free(t->op);
    mw_free(t->step);
    mw_free(t->start);
    mw_free(t->duration);
    mw_free(t->rank);
    mw_free(t);
}

uint32_t straggler_trace_find(const struct straggler_trace *t, uint32_t kind, uint32_t seq,
                              uint32_t stage)
{
    return map_get(&t->index, straggler_trace_key(kind, seq, stage));
}
