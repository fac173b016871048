/*
 * What a person watches during a replay: a frame with the state of the site and
 * a map of its nodes, and a line for each incident as it comes.  Paces the
 * simulated time against the real one.  Where there is no terminal, one plain
 * line a simulated month.
 */
#ifndef MW_CLI_REPLAY_VIEW_H
#define MW_CLI_REPLAY_VIEW_H

#include "cli/context.h"
#include "cli/live.h"
#include "cli/scenario_files.h"

#define REPLAY_WORST 5

/* One of the nodes that cost most. */
struct replay_node {
    uint32_t node;
    uint32_t incidents;
    int64_t lost_gpu_ms;
};

struct replay_view {
    const struct cli_context *ctx;
    struct live live;
    struct text frame;
    double speed;              /* simulated over real time; 0 = as fast as it goes */
    int64_t real_start_ns;
    int64_t month_ns;          /* the next plain line */
    uint32_t *node_incidents;  /* owned, per node */
    int64_t *node_open;        /* owned, per node: scratch of find_worst */
    uint64_t incidents, stops;
    struct replay_node worst[REPLAY_WORST]; /* filled by the last look */
    bool interrupted;
};

/* speed < 0: the whole horizon in 20 s on a terminal, else as fast as it goes. */
MW_MUST_USE int replay_view_begin(struct replay_view *v, const struct cli_context *ctx,
                                  double speed, const struct scenario_files *files);
void replay_view_end(struct replay_view *v);

/* To be given to run_options with the view as ctx. */
int replay_view_watch(void *ctx, const struct run_view *v);
void replay_view_event(void *ctx, const struct run_view *v, const struct event *ev,
                       const void *tail);

int64_t replay_clock_ns(void);

#endif
