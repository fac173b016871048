/*
 * The readings of simulated machines, without keeping any: each value is a
 * function of (machine, series, second), so that the frame between two seconds
 * can be written when it is needed.  Nodes of 8 GPUs with 35 metrics each, 10
 * ports, and a host, with noise at the declared steps: what changes each second
 * and what seldom does is as on a node that trains.
 */
#ifndef MW_BENCH_AGENTS_SIM_H
#define MW_BENCH_AGENTS_SIM_H

#include "signal/samples.h"

#define SIM_SERIES_MAX 512
#define SIM_GPUS 8
#define SIM_PORTS 10

enum sim_noise { SIM_STILL, SIM_GAUGE, SIM_COUNTER };

/* One series of the template that all machines share. */
struct sim_series {
    uint16_t metric;
    uint32_t instance;
    uint8_t noise;      /* enum sim_noise */
    uint32_t period_s;  /* between changes */
    int64_t base, amount; /* gauge: base +- amount; counter: about `amount` a period */
};

struct sim {
    struct sim_series series[SIM_SERIES_MAX];
    uint32_t count;
    uint32_t pending[SIM_GPUS]; /* rows of gpu_remap_pending, the fault that is put in */
};
void sim_init(struct sim *s);

/* What is known on a connection of a machine. */
struct sim_said {
    int64_t second;  /* of the last frame; -1: nothing was said */
    uint64_t seq;
    int8_t fault;    /* GPU with a pending row, as said; -1 = none */
};

/* Which frame. */
struct sim_now {
    uint32_t agent, machine; /* machine: its number on the connection; 0 = its own */
    int64_t second;          /* Unix time */
    int8_t fault;            /* GPU with a pending row; -1 */
};

/* The frame that brings `said` to this second; at most `size` bytes, which all series fit into.
 * Updates *said. */
size_t sim_frame(const struct sim *s, const struct sim_now *now, struct sim_said *said, uint8_t *to,
                 size_t size);

#endif
