/*
 * A node's history: the seven signals of a lemon over 28 days, repairs that did
 * not hold, and what follows from them: a longer probation, a verdict, a heavier
 * first step, the end of its service, and the hazard that placement reads.
 *
 * The window of 28 days is four buckets of seven; the oldest goes as the fifth
 * begins, so that a signal covers 21 to 28 days.  A bucket is found from journal
 * time when its node is touched: nothing here needs a timer.
 *
 * A job counts against a node when an attempt was ended by a fault on it, or was
 * stopped for the node's own incident.  What comes from elsewhere (the incident
 * is a symptom of another) does not count against the node, nor does it make a
 * refault, nor a verdict.
 *
 * A repair holds when its node does not fail again for hold_h hours after its
 * incident is closed (policy.refault_ms when that was decided: it is in
 * incident.closed).  An incident before that is a refault.
 *
 * A lemon is one from the event on with which lemon_signals signals have reached
 * policy.lemon_at.  It is no longer one when it has no open incident and either
 * its part was replaced, or it came back from its vendor, and that held (its
 * history then begins anew), or too few signals speak any more.
 *
 * node_hazard: 16 for each time that a node is more likely to fail than another,
 * from 0 (as all others) to 255 (17 times).  Measured in StepFun's trace (400
 * nodes, 348 days, tickets less than 6 h apart merged, the rate after a repair
 * over the mean of all nodes): first day 15.2 times, days 2 to 7 4.6 times, and
 * 10 to 13 when the repair before did not hold either; nodes with three faults in
 * 28 days 5.2 times in the next 28.  An open incident that does not stop the
 * node: 3 times, chosen.  The terms are added.  It is brought up to date when a
 * node is touched, and for one node more with each event that care takes.
 *
 * Owns these columns and node_hazard; decides node.judged and nothing else.
 */
#ifndef MW_CARE_LEMON_H
#define MW_CARE_LEMON_H

#include "care/care_private.h"

int lemon_init(struct care *c);
void lemon_fini(struct care *c);
void lemon_columns(struct care *c);

/* Folds. */
void lemon_taken(struct care *c);                                       /* any event */
void lemon_held(struct care *c, uint32_t node);                         /* by a person */
void lemon_finding(struct care *c, uint32_t node);
void lemon_incident_opened(struct care *c, const struct event *ev);     /* a refault? */
void lemon_incident_joined(struct care *c, uint32_t node);
void lemon_suppressed(struct care *c, uint32_t slot);                   /* not its own fault */
void lemon_ticket(struct care *c, uint32_t node);
void lemon_repaired(struct care *c, const struct event *ev); /* order.ended, action.ended */
void lemon_out(struct care *c, uint32_t node);
void lemon_back(struct care *c, uint32_t node);                         /* in service again */
void lemon_attempt_ended(struct care *c, const struct event *ev);       /* stopped by its node? */
/* Its node is free of it; held: the ladder counts its repair among those that held. */
void lemon_incident_closed(struct care *c, const struct event *ev, bool held);
void lemon_judged(struct care *c, const struct event *ev);

bool lemon_decide(struct care *c, struct decision *out);                /* node.judged */
void lemon_quiet(struct care *c);

/* For incident.closed: hours until the repair of this incident has held; 0 = there was none. */
uint16_t lemon_hold_h(const struct care *c, uint32_t slot);

/* The probation that this node has to pass, from that of its classes. ms. */
int64_t lemon_probation_ms(const struct care *c, uint32_t node, int64_t base_ms);
bool lemon_is(const struct care *c, uint32_t node);
/* How many repairs of the node did not hold since one did. */
uint32_t lemon_refaults(const struct care *c, uint32_t node);

/*
 * Is the node worth less in a year than what keeping it is expected to cost?
 *
 *   (kills - 1) * job_nodes * gpus * 45 min * price of a GPU-hour
 * + (tickets - 1) * (cost, part and hands of its last repair)
 * + hours out of service * gpus * price of a GPU-hour * (tickets - 1) / tickets
 *
 * of the last four weeks, times 365 / 28, against policy.node_worth_uusd over four years (the
 * middle of Moody's 3 to 5 economic years).  One event less than counted, for it is an event that
 * makes one look.  45 min: 15 to start again and half of the hour between two checkpoints, as in
 * Meta's RSC (arXiv 2410.21680).  Never before two repairs in a row did not hold: chosen, for
 * retirement is final.
 */
bool lemon_spent(const struct care *c, uint32_t node);

#endif
