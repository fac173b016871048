/*
 * Replays the steps of a trace on its dependency graph: given how long each
 * operation works, when does each step end?  All steps and data-parallel ranks
 * share one graph and are replayed side by side, from time 0 of each step,
 * without the gaps that the recorded job had between operations.
 */
#ifndef MW_SIGNAL_STRAGGLER_REPLAY_H
#define MW_SIGNAL_STRAGGLER_REPLAY_H

#include "signal/straggler_graph.h"

/* Mean step times, s. */
struct straggler_step_time {
    double all;       /* to the end of the last operation */
    double optimizer; /* to the end of the last optimizer; as `all` when there is none */
};

/* work_s [op * cells + cell]: how long a computation takes; of a transfer, the time after the last
 * of its group has started.  end_s is scratch of the same size and holds each operation's end
 * afterwards; at_s is scratch of `cells`. */
struct straggler_step_time straggler_replay(const struct straggler_trace *t,
                                            const struct straggler_graph *g, const double *work_s,
                                            double *end_s, double *at_s);

/* What the recorded operations worked: durations of computations; of transfers what is left after
 * the last of the group has started (at_s: scratch of `cells`). */
void straggler_work(const struct straggler_trace *t, const struct straggler_graph *g,
                    double *ret_work_s, double *at_s);

#endif
