/*
 * A world without a controller: the test gives the orders and reads the facts.
 * For tests only; helpers fail the running test when they cannot do what they
 * are asked.
 */
#ifndef MW_SIM_WORLD_TESTING_H
#define MW_SIM_WORLD_TESTING_H

#include "sim/world.h"

#define STAGE_FACTS_MAX 200000u
#define STAGE_NODES 16u

struct stage {
    struct scenario scenario;   /* set by stage_plain(), changed before stage_begin() */
    struct world_doings doings;
    struct fault_trace *trace;  /* borrowed; NULL = none */
    struct fleet *fleet;        /* made once, for all tests of a program */
    struct world *world;
    struct marks marks;
    uint64_t seq;               /* the last one given to an order */
    int64_t now_ns;             /* from the scenario's start */
    uint32_t facts;
    struct event fact[STAGE_FACTS_MAX];
    const char *text[STAGE_FACTS_MAX]; /* NULL = it has none */
};

struct scenario_draw stage_fixed(int64_t ns);
struct scenario_mix stage_one(int64_t ns);

/* One process, on nodes: a fault on each after a day that kills, seen after a minute, repaired in
 * an hour.  Gives the process, to be changed. */
struct scenario_process *stage_plain(struct stage *s);
/* The same over a longer time, where what cures is certain: nothing under a replacement. */
struct scenario_process *stage_cured(struct stage *s);

/* The world begins anew. */
void stage_begin(struct stage *s, uint64_t seed);
void stage_finish(struct stage *s);
void stage_run_until(struct stage *s, int64_t ns); /* from the scenario's start */
struct world_stats stage_stats(const struct stage *s);

/* The n-th fact of a kind (from 0) about a node; NULL when there is none. */
const struct event *stage_fact(const struct stage *s, uint16_t kind, uint32_t node, uint32_t n);
/* When it happened, from the scenario's start; there is one. */
int64_t stage_seen_ns(const struct stage *s, uint16_t kind, uint32_t node, uint32_t n);
const char *stage_text(const struct stage *s, uint16_t kind, uint32_t node, uint32_t n);

/* Now: an order (kind) about the node's n-th finding; as EV_ORDER_OPENED and EV_ACTION_STARTED it
 * is given at once by the two below. */
struct event stage_order(struct stage *s, uint16_t kind, uint32_t node, uint32_t n, uint8_t step);
void stage_act(struct stage *s, const struct event *ev);
void stage_work_order(struct stage *s, uint32_t node, uint32_t n, uint8_t step);
void stage_action(struct stage *s, uint32_t node, uint32_t n, uint8_t step);
/* Runs a gate of a minute; whether it passed. */
bool stage_gate(struct stage *s, uint32_t node);

#endif
