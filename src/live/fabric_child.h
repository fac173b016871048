/*
 * mw-fabric as a child process: the InfiniBand libraries may print, exit or
 * hang, so they run there, under a deadline; past it the child is killed and
 * the next round starts another.  Owns the child.  One thread; a round blocks it.
 */
#ifndef MW_LIVE_FABRIC_CHILD_H
#define MW_LIVE_FABRIC_CHILD_H

#include "live/fabric_line.h"

struct fabric_child_options {
    const char *program; /* path of mw-fabric; NULL: beside this program, else in $PATH */
    const char *ca;      /* adapter; NULL: the first with a link */
    const char *port;    /* its port, a number; NULL: the first with a link */
    int64_t deadline_ms; /* of one round */
    bool counters, hosts;
};

struct fabric_child; /* opaque */

/* Starts nothing yet.  The strings are borrowed.  MW_ENOMEM. */
MW_MUST_USE int fabric_child_create(const struct fabric_child_options *o, struct fabric_child **ret,
                                    struct mw_error *err);
void fabric_child_destroy(struct fabric_child *c); /* kills; NULL is fine */

/* One round into *ret (cleared first).  MW_ENOTFOUND: no mw-fabric, or no adapter; MW_ETIMEOUT: it
 * was killed; MW_EUNREACHABLE: it ended, with the last line that it wrote to its standard error. */
MW_MUST_USE int fabric_child_round(struct fabric_child *c, struct fabric_round *ret,
                                   struct mw_error *err);

#endif
