/*
 * The part of check.h that is about repairs, by a fold of its own over the
 * record.  Each is one of the things that must be impossible:
 *
 *  - a node that was out is not watched or in service again without a passed gate
 *    of the class with the longest gate among what was wrong with it since it went
 *    out, unless that class has none, or a person adopted the node
 *  - nothing is taken for repaired before an order or action about it ended well,
 *    unless its class heals by itself or its cause was elsewhere
 *  - an incident has one order, action and gate at a time; a result is believed only
 *    of the one that is open, and of an action only with what was read back
 *  - a finding that is opened on an incident's node is in the incident, or decided
 *    to be none, before anything else is decided about that node
 */
#ifndef MW_SIM_CHECK_CARE_H
#define MW_SIM_CHECK_CARE_H

#include "control/control.h"

struct check_care;
MW_MUST_USE int check_care_create(const struct fleet *f, const struct care_policy *p,
                                  struct check_care **ret);
void check_care_destroy(struct check_care *c); /* NULL is fine */

/* Committed events, in order. */
void check_care_event(struct check_care *c, const struct event *ev);

/* The first violation, or NULL. */
const char *check_care_text(const struct check_care *c);

#endif
