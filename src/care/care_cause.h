/*
 * One cause: findings that share a parent in containment, power, cooling or
 * network, close in time, become one incident on that parent, and the incidents
 * they had opened become its symptoms: they wait for it, and no crew is sent
 * for them.
 *
 * What is counted, per possible cause (rack, PDU, breaker, CDU, switch): the
 * nodes that hang on it (of a switch: its cables) that cried within the window,
 * in a class whose `shared` bits allow that tree.  A node or cable counts once,
 * however often it cries, and until the window has passed even when its finding
 * closes sooner: a link that flaps has failed all the same.  Which racks hang on
 * a PDU or breaker follows the power (care_cause_tree.c): a rack with two feeds
 * hangs on one alone only when the other is known to be dead.  A node hangs on a
 * switch when all its cables end there.
 *
 * A possible cause is weighed against the symptoms being chance, by the log of
 * the odds, in thousandths of a nat:
 *
 *     score = seen * ln(q / p) - (below - seen) * ln((1 - p) / (1 - q)) - ln(1 / p)
 *
 * p: a node fails by itself within the window of 30 s: 4.20 faults per 1,000
 *    node-days (StepFun's trace) make 1.46e-6; the part itself as rarely, for no
 *    better figure is public.  q = 0.9, chosen: of those that hang on a dead part
 *    nine in ten are heard within the window.
 * So each one explained counts 13.333 nats and each one left unsaid -2.302: of two
 * that explain the same, the more specific one scores higher, and a wider one
 * takes over when the others below it speak too.  It is believed when it has the
 * policy's least number of symptoms and share of all below it, scores above 0, above
 * every other that does, and above the causes below it that are open already, taken
 * together.  The candidates are the tail of its incident.opened.
 *
 * A part's own finding (a PDU's trip, reported) needs no counting: what its effect
 * or class covers below it is its symptom, whenever it comes.
 *
 * A symptom's node moves as its effect says, and is not drained or repaired; an
 * open order that nobody has taken is withdrawn.  When its findings have closed it
 * goes to its gate.  It is freed, and from then on its own, when the cause was
 * repaired and settle_ms later it is not well, when the crew finds nothing wrong
 * with the cause (that closes), when its gate fails, or when a finding joins that
 * can only be its own.
 */
#ifndef MW_CARE_CAUSE_H
#define MW_CARE_CAUSE_H

#include "care/care_private.h"

#define CAUSE_ANCESTORS_MAX 64u /* above one finding; further ones are not looked at */

#define CAUSE_SEEN 13333   /* ln(0.9 / 1.46e-6) */
#define CAUSE_UNSAID 2303  /* ln(1 / 0.1) */
#define CAUSE_PRIOR 13438  /* ln(1 / 1.46e-6) */

int cause_init(struct care *c);
void cause_fini(struct care *c);
void cause_columns(struct care *c); /* lists its state with care's columns */
void cause_rebuild(struct care *c);
void cause_quiet(struct care *c);

/* Folds.  A finding row has just opened; an incident was opened or joined by it. */
void cause_opened(struct care *c, uint32_t row, const struct event *ev);
void cause_incident_opened(struct care *c, const struct event *ev);
void cause_incident_joined(struct care *c, const struct event *ev);
/* After the board has freed its row: its symptoms, if it has any, are on their own. */
void cause_incident_closed(struct care *c, uint32_t slot);
uint8_t cause_suppressed(struct care *c, const struct event *ev);
uint8_t cause_freed(struct care *c, const struct event *ev);
void cause_order_ended(struct care *c, const struct event *ev); /* care's flags say it already */
void cause_gate_failed(struct care *c, uint32_t slot);

int64_t cause_next_due(const struct care *c, uint32_t *ret_slot);
uint8_t cause_timer_fired(struct care *c, const struct event *ev);

/* After the fresh finding's own incident is settled: does it, with others, have a common cause?
 * Opens that incident, or suppresses one more symptom. */
bool cause_decide(struct care *c, struct decision *out);
/* An incident that something happened to: is it a symptom from now on, or no longer; has its order
 * to be withdrawn?  Before its ordinary step. */
bool cause_step(const struct care *c, uint32_t slot, struct decision *out);

/* The open incident that this one is a symptom of, MW_NONE. */
static inline uint32_t cause_parent(const struct care *c, uint32_t slot)
{
    return c->board->incident_parent[slot];
}

/* Nothing is to be done about it now: it is a symptom, or so fresh that it may become one. */
bool cause_waits(const struct care *c, uint32_t slot);
/* It was found by its symptoms, and not (only) reported. */
bool cause_is_inferred(const struct care *c, uint32_t slot);
/* So it was, just now: not all of them may be its own yet. */
bool cause_is_gathering(const struct care *c, uint32_t slot);
/* It was a cause, and the crew found nothing wrong there. */
bool cause_is_refuted(const struct care *c, uint32_t slot);
/* The open incident of a part that could be a cause; MW_NONE.  false: it is no such part. */
bool cause_incident_of(const struct care *c, uint64_t component, uint32_t *ret);

#endif
