/* Walks what the planes say is pending.  See pending.h. */
#include "api/pending.h"

#include "base/mem.h"

struct walk {
    struct journal *journal;
    void *tail;
    api_pending_fn *each;
    void *ctx;
};

static int walk(const struct walk *w, const struct plane *p)
{
    uint32_t at = 0;
    uint64_t seq;
    while ((seq = p->pending(p->self, &at)) != 0) {
        struct event ev;
        if (w->journal->ops->get(w->journal, seq, &ev, w->tail, NULL) < 0)
            continue; /* decided, and not durable yet */
        int rc = w->each(w->ctx, &ev, ev.tail_size ? w->tail : NULL);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int api_pending_each(const struct control *c, struct journal *j, api_pending_fn *each, void *ctx,
                     struct mw_error *err)
{
    const struct plane plane[] = { care_plane(c->care), work_plane(c->work) };
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    const struct walk w = { .journal = j, .tail = tail, .each = each, .ctx = ctx };
    must(j != NULL && each != NULL);
    if (tail == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < MW_ARRAY_LEN(plane); i++)
        rc = plane[i].pending != NULL ? walk(&w, &plane[i]) : 0;
    return rc;
}
