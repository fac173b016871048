/*
 * Shared by the files that build a straggler graph; nobody else includes it.
 */
#ifndef MW_SIGNAL_STRAGGLER_BUILD_H
#define MW_SIGNAL_STRAGGLER_BUILD_H

#include "signal/straggler_trace.h"

struct straggler_edge {
    uint32_t from, to; /* operations; from ends before to starts */
};

struct straggler_build {
    const struct straggler_trace *t;
    struct mw_error *err;
    uint32_t *by_time;      /* operations by (stage, start, seq, kind) */
    uint32_t *stage_first;  /* [stages + 1] into by_time */
    struct straggler_edge *edge;
    uint32_t edges, edges_room;
    bool failed;            /* out of memory while adding */
    uint32_t *head;         /* per operation: the first of its group, itself when alone */
    bool *comm, *all_dps;   /* per operation; see struct straggler_group */
};

void straggler_build_edge(struct straggler_build *b, uint32_t from, uint32_t to);

/* The next operation of the stage in time order with one of the kinds; *at starts at 0.
 * MW_NONE at the end. */
uint32_t straggler_build_next(const struct straggler_build *b, uint32_t stage, uint32_t kinds,
                              uint32_t *at);

/* Pairs sends with receives and ties both to the computations they belong to. */
MW_MUST_USE int straggler_build_pipeline(struct straggler_build *b);

#endif
