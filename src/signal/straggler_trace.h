/*
 * A trace of a training job, operation by operation, as published with
 * "Understanding Stragglers in Large Model Training" (OSDI 2025): one CSV row
 * for an operation of one worker in one step.  Read into columns: the
 * operations of one step of one data-parallel rank are the template; every
 * step and rank must have the same ones, and each (operation, step, rank) is
 * one cell.  Knows nothing of what depends on what: see straggler_graph.h.
 */
#ifndef MW_SIGNAL_STRAGGLER_TRACE_H
#define MW_SIGNAL_STRAGGLER_TRACE_H

#include "base/error.h"
#include "base/map.h"

/* Kinds of operation by name, so that their order is the names' order. */
#define STRAGGLER_KINDS(X)                                        \
    X(KIND_BACKWARD_COMPUTE, "backward-compute")                  \
    X(KIND_BACKWARD_RECV, "backward-recv")                        \
    X(KIND_BACKWARD_SEND, "backward-send")                        \
    X(KIND_EMBEDDING_ALL_REDUCE, "embedding-grads-all-reduce")    \
    X(KIND_FORWARD_COMPUTE, "forward-compute")                    \
    X(KIND_FORWARD_RECV, "forward-recv")                          \
    X(KIND_FORWARD_SEND, "forward-send")                          \
    X(KIND_GC, "gc")                                              \
    X(KIND_GRADS_REDUCE_SCATTER, "grads-reduce-scatter")          \
    X(KIND_LAYERNORM_ALL_REDUCE, "layernorm-grads-all-reduce")    \
    X(KIND_OPTIMIZER, "optimizer")                                \
    X(KIND_OPTIMIZER_CLIP, "optimizer-clip-main-grad")            \
    X(KIND_PARAMS_ALL_GATHER, "params-all-gather")                \
    X(KIND_SEPARATE_ALL_REDUCE, "separate-grads-all-reduce")

enum straggler_kind {
#define X(name, text) name,
    STRAGGLER_KINDS(X)
#undef X
    STRAGGLER_KINDS_MAX
};
const char *straggler_kind_name(uint32_t kind);
static inline uint32_t straggler_kind_bit(uint32_t kind)
{
    return UINT32_C(1) << kind;
}

#define STRAGGLER_BYTES_MAX ((size_t)2 << 30) /* of the CSV, inflated */
#define STRAGGLER_ROWS_MAX 20000000
#define STRAGGLER_DPS_MAX 16384
#define STRAGGLER_STAGES_MAX 1024
#define STRAGGLER_CHUNKS_MAX 1024
#define STRAGGLER_SEQ_MAX 1000000

/* One operation of the template, with its times in the template's own cell. */
struct straggler_op {
    double start, end;  /* s */
    uint32_t seq;       /* from 0 without a gap within (kind, stage) */
    uint16_t stage;
    uint8_t kind;       /* enum straggler_kind */
    int16_t chunk;      /* model chunk of the stage; -1 = none */
    int32_t chunk_all;  /* the chunk's place in the whole model; -1 = none */
};

struct straggler_trace {
    struct straggler_op *op;
    uint32_t ops;
    int64_t *step;         /* numbers as in the file, rising */
    uint32_t steps, dps, stages, chunks;
    uint32_t cells;        /* steps * dps; cell = step index * dps + data-parallel rank */
    double *start, *duration; /* s; [op * cells + cell] */
    uint32_t *rank;        /* of worker [dp * stages + stage], as in the file */
    uint32_t kinds;        /* bits of the kinds that occur */
    struct map index;      /* straggler_trace_key -> op */
};

/* Parses size bytes; file_name is for messages ("file:line:column: ...").  Gives *ret
 * (straggler_trace_destroy).  MW_ESYNTAX, MW_EINVAL, MW_ELIMIT, MW_ENOMEM. */
MW_MUST_USE int straggler_trace_parse(const char *csv, size_t size, const char *file_name,
                                      struct straggler_trace **ret, struct mw_error *err);
void straggler_trace_destroy(struct straggler_trace *t); /* NULL is fine */

/* The template's operation; MW_NONE when there is none. */
uint32_t straggler_trace_find(const struct straggler_trace *t, uint32_t kind, uint32_t seq,
                              uint32_t stage);

static inline uint64_t straggler_trace_key(uint32_t kind, uint32_t seq, uint32_t stage)
{
    return (uint64_t)kind << 56 | (uint64_t)stage << 32 | seq;
}

#endif
