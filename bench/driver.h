/*
 * A stand-in for the world, for benchmarks: it offers the controller a year's
 * mix of facts (jobs, faults of nodes and optics, link flaps below the
 * threshold), scaled to the site, and answers every action.  It owns what it
 * still has to say and never measures time.
 *
 * Facts can be kept in a script and submitted again without the driver: the
 * same controller then takes the same decisions, and the time is its own.
 */
#ifndef MW_BENCH_DRIVER_H
#define MW_BENCH_DRIVER_H

#include "control/control.h"

/* Facts in the order of submission; time_ns of each is its journal time. */
struct script {
    struct event *fact; /* owned */
    uint64_t length, room;
};
#define SCRIPT_TAIL "the driver looked at it"

struct driver;

/* What driver runs expect of the controller: four fault classes. */
struct control_policy driver_policy(void);

/* keep may be NULL.  Everything is borrowed until driver_destroy. */
MW_MUST_USE int driver_create(const struct fleet *f, struct script *keep, struct driver **ret);
void driver_destroy(struct driver *d);

/* For control_options.act; ctx is the driver. */
void driver_act(void *ctx, const struct event *action, const void *tail);

/* Begins the site and goes on until the core has seen `events` and the last came from a fact;
 * each group is committed by itself. */
MW_MUST_USE int driver_run(struct driver *d, struct control *c, uint64_t events,
                           struct mw_error *err);

/* Begins the site on a fresh controller, as driver_run does. */
MW_MUST_USE int script_begin(struct control *c, struct mw_error *err);

/* Submits facts [from, to), a commit every `every` facts. */
struct script_range {
    uint64_t from, to;
    uint32_t every;
};
MW_MUST_USE int script_run(const struct script *s, struct control *c, struct script_range range,
                           struct mw_error *err);
void script_fini(struct script *s);

#endif
