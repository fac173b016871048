/*
 * How the site hangs together as jobs see it: placement groups with the jobs on them and what is
 * left, how many groups have how many free nodes (where a gang still fits whole), leaf and spine
 * switches with their links and those that an open incident has down.  Pure.
 */
#ifndef MW_API_TOPOLOGY_H
#define MW_API_TOPOLOGY_H

#include "api/access.h"
#include "control/words.h"

struct evbuffer;

struct topology_of {
    const struct control *control;
    const struct words *words;
    const struct principal *who;
    int64_t now_ns;
};

/* {"now","revision","groups":[…],"idle_segments":[…],"rails","leaves":[…],"spines":[…],
 * "rests_on"}.  MW_ENOMEM. */
MW_MUST_USE int topology_write(const struct topology_of *t, struct evbuffer *to,
                               struct mw_error *err);

#endif
