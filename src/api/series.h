/*
 * Figures over time, from the samples of history, with the present at the end.  Every point is a
 * sample, the last of its part of the time asked for; none is made up between them.
 */
#ifndef MW_API_SERIES_H
#define MW_API_SERIES_H

#include <jansson.h>

#include "api/projector.h"

/*
 * X(enum, "name", "unit", basis, what it is)
 * basis: 'r' the record's (measured or simulated), 'p' its time at a modelled price, 'm' modelled
 */
#define SERIES_NAMES(X)                                                                           \
    X(SERIES_GOODPUT, "goodput_ppm", "ppm", 'r',                                                  \
      "productive over available GPU time of the 24 h before (of a shorter record: of all)")      \
    X(SERIES_ETTR, "ettr_ppm", "ppm", 'r',                                                        \
      "productive over wall time of all jobs that had started by then, by GPU time")              \
    X(SERIES_HEALTHY, "gpus_healthy", "GPUs", 'r', "on nodes that serve, slow ones with them")     \
    X(SERIES_BUSY, "gpus_busy", "GPUs", 'r', "that a job has")                                    \
    X(SERIES_LOST, "lost_uusd", "micro-dollars", 'p', "lost since the record began")              \
    X(SERIES_LOST_RATE, "lost_uusd_per_hour", "micro-dollars an hour", 'p',                       \
      "lost in the time since the point before")                                                  \
    X(SERIES_INCIDENTS, "incidents_open", "incidents", 'r', "open, without symptoms")             \
    X(SERIES_ORDERS, "orders_open", "orders", 'r', "work orders and actions without a result")    \
    X(SERIES_RUNNING, "jobs_running", "jobs", 'r', "that have nodes")                             \
    X(SERIES_QUEUED, "jobs_queued", "jobs", 'r', "that wait")                                     \
    X(SERIES_POWER, "power_w", "W", 'm', "drawn: power.h")

struct series_of {
    const struct control *control;
    struct history_store *history; /* NULL: only the present is known */
    const char *names;             /* with commas; NULL = the first five but ettr */
    int64_t now_ns, from_ms, to_ms;
    uint32_t points;               /* 1 to HISTORY_POINTS_MAX */
};

/* A new reference; NULL with err filled: MW_EINVAL names the word that is none. */
json_t *series_make(const struct series_of *s, struct mw_error *err);

#endif
