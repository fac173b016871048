/* See wait.h. */
#include "api/wait.h"

#include "base/mem.h"

static void dropped(void *ctx)
{
    struct api_wait *w = ctx;
    w->gone = true;
}

struct api_wait *api_wait_new(struct api_call *call, json_t *kept)
{
    struct api_wait *w = mw_calloc(1, sizeof(*w));
    if (w == NULL) {
        json_decref(kept);
        return NULL;
    }
    w->kept = kept;
    w->later = api_later(call, dropped, w);
    return w;
}

void api_wait_free(struct api_wait *w)
{
    if (w == NULL)
        return;
    json_decref(w->kept);
    mw_free(w);
}

void api_wait_freep(struct api_wait **w)
{
    api_wait_free(*w);
}

int api_wait_asked(struct api_wait *w, int rc, struct api_answer *ret, const struct mw_error *err)
{
    ret->later = true;
    if (rc < 0) {
        api_later_fail(w->later, 0, err);
        api_wait_free(w);
    }
    return 0;
}
