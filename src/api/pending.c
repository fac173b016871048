/* Walks what the planes say is pending.  See pending.h. */
#include "api/pending.h"

#include "base/mem.h"

static int walk(const struct live *l, const struct plane *p, void *tail, api_pending_fn *each,
                void *ctx)
{
    struct journal *j = live_journal(l);
    uint32_t at = 0;
    uint64_t seq;
    while ((seq = p->pending(p->self, &at)) != 0) {
        struct event ev;
        if (j->ops->get(j, seq, &ev, tail, NULL) < 0)
            continue; /* decided, and not durable yet */
        int rc = each(ctx, &ev, ev.tail_size ? tail : NULL);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int api_pending_each(const struct live *l, api_pending_fn *each, void *ctx, struct mw_error *err)
{
    const struct control *c = live_control(l);
    const struct plane plane[] = { care_plane(c->care), work_plane(c->work) };
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    must(each != NULL);
    if (tail == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < MW_ARRAY_LEN(plane); i++)
        rc = plane[i].pending != NULL ? walk(l, &plane[i], tail, each, ctx) : 0;
    return rc;
}
