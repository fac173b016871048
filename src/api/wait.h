/*
 * An answer that the writer makes (api/asks.h) while the client may leave: what a
 * handler keeps meanwhile, and the three lines that every such handler needs.
 */
#ifndef MW_API_WAIT_H
#define MW_API_WAIT_H

#include "api/asks.h"
#include "api/routes.h"

struct api_wait {
    struct api_later *later; /* whose call lives as long as it does */
    bool gone;               /* the client has left: there is nobody to answer, and no call */
    json_t *kept;            /* owned: what the handler already has of its answer; NULL */
};

/* NULL without memory.  Takes kept. */
struct api_wait *api_wait_new(struct api_call *call, json_t *kept);
void api_wait_free(struct api_wait *w); /* NULL is fine */
void api_wait_freep(struct api_wait **w);

/* What a handler returns after it has asked with this wait: rc of the ask; where nothing could be
 * asked, that failure is the answer and the wait is freed. */
int api_wait_asked(struct api_wait *w, int rc, struct api_answer *ret, const struct mw_error *err);

#endif
