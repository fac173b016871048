/*
 * What machines say of themselves (signal/machines.h), as documents.  The writer
 * makes them, for it owns the hub; the API's thread asks by a wish, a JSON object
 * of one of these shapes:
 *
 *   {"list": LIMIT, "after": NAME, "name": NAME}    rows, in the order in which they came
 *   {"machine": NAME}                               one, with all it says
 *   {"series": NAME, "metrics": "a,b", "back_s": S, "points": N}
 *   {"ends": [{"machine": NAME, "nic": K} or {"machine": NAME, "port": P}]}
 *                                                   readings of the ends of links
 *   {"rate": NAME, "sample_ms": MS, "for_ms": MS}   readings more often, for a while
 *
 * Every document has `clock`, this daemon's own time, also in a replay.  Every
 * figure is measured.  The writer's thread only.
 */
#ifndef MW_API_MACHINES_TELL_H
#define MW_API_MACHINES_TELL_H

#include <jansson.h>

#include "fleet/fleet.h"
#include "signal/machines.h"
#include "signal/metric.h"

#define MACHINES_LIST_MAX 5000   /* rows of one answer: the writer's thread makes them (chosen) */
#define MACHINES_TOLD_SERIES_MAX 128 /* of one answer */
#define MACHINES_POINTS_MAX 2000
#define MACHINES_BACK_S_MAX 86400

/* Asks the agent of a machine for readings each sample_ms, for for_ms. MW_ENOTFOUND: it is not
 * connected. */
typedef int machines_rate_fn(void *ctx, const char *machine, int64_t sample_ms, int64_t for_ms,
                             struct mw_error *err);

struct machines_of {
    const struct machines *machines; /* borrowed, as is the rest */
    const struct fleet *fleet;       /* whose names nodes have; NULL: no machine is of a site */
    int64_t clock_ms;                /* UTC */
    machines_rate_fn *rate;          /* NULL: cannot be asked for */
    void *rate_ctx;
};

/* NIC k of a node by its agent: the k-th of its ports that are NICs (a part of scope port with a
 * PCI address), in the order of their numbers.  MW_NONE: it is not known. */
uint32_t machines_nic_port(const struct machines *m, uint32_t machine, uint32_t nic);

/* What an instance is called: the name of its part, "GPU 3 link 7", "mlx5_0 lane 2"; "" of the host
 * itself. */
void machines_label(const struct machines *m, uint32_t machine, const struct metric *metric,
                    uint32_t instance, char *to, size_t size);

/* ---- between machines_tell.c, machines_series.c and machines_ends.c -------------------------- */

json_t *machines_tell_series(const struct machines_of *of, const json_t *wish,
                             struct mw_error *err);
json_t *machines_tell_ends(const struct machines_of *of, const json_t *wish,
                           struct mw_error *err);
json_t *machines_text(const char *text); /* null for NULL and "" */
json_t *machines_time(int64_t ms);       /* null for 0 */
/* The readings of a machine, or of one port of it and its lanes (port MW_NONE: all). */
json_t *machines_values_json(const struct machines_of *of, uint32_t machine, uint32_t port);

/* A new document; NULL with err: MW_ENOTFOUND (no such machine), MW_EINVAL names the key. */
json_t *machines_tell(const struct machines_of *of, const json_t *wish, struct mw_error *err);

#endif
