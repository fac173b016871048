/*
 * A job's story for somebody who sees a part of the site.  It is told from the whole record, and
 * so names other jobs: those that had to stop for this one, and the one that this one stopped for.
 * Owns nothing; it does not decide whether the job itself is seen.
 */
#ifndef MW_API_STORY_SCOPE_H
#define MW_API_STORY_SCOPE_H

#include "api/access.h"
#include "api/views.h"
#include "control/story.h"

/* Leaves out the lines that the principal may not hear of (about.h), and the name of the job that
 * this one made room for.  What befell the nodes of its own job a tenant hears.  MW_ENOMEM; what
 * reading the record fails with. */
MW_MUST_USE int story_narrow(const struct api_view_of *of, struct story *s,
                             const struct principal *who, struct mw_error *err);

#endif
