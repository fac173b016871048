/*
 * What is done about each class of fault of a live site before anybody wrote
 * other rules: the steps, who takes them, how long they take, and the odds that
 * they cure, each with its source.  Machines act only where a hall's mode lets
 * them (care_sums.h); elsewhere the same tables say what would be best.
 */
#ifndef MW_LIVE_POLICY_LADDERS_H
#define MW_LIVE_POLICY_LADDERS_H

#include "control/control.h"

/* Gives the live classes (live/policy.h) their ladders. */
void live_ladders(struct control_policy *p);

/* The unit that restart-service restarts for a class by its name; "" where there is none. */
const char *live_ladder_unit(const char *class_name);

#endif
