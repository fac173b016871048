/* How the ranks of a group find each other; used by group.c alone. */
#ifndef TRAIN_GROUP_FIND_H
#define TRAIN_GROUP_FIND_H

#include "group.h"

/* Fills g->fd.  Rank 0 hears of everybody and tells everybody; then partners connect. */
int group_find(struct group *g, const struct group_options *o, struct problem *p);

#endif
