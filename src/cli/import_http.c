/* Owns an event loop that runs while an answer is awaited. */
#include "cli/import_http.h"

#include <event2/event.h>
#include <string.h>

#include "api/outbound.h"
#include "base/mem.h"

#define ANSWER_MAX ((size_t)256 << 20)

struct import_http {
    struct import_http_options o;
    struct event_base *base;
    struct outbound *outbound;
    bool came;
    int rc;
    char *body; /* owned until given */
    const char *url;
    struct mw_error *err;
};

static void take_answer(void *ctx, const struct outbound_answer *a)
{
    struct import_http *h = ctx;
    h->came = true;
    if (a->code != 0)
        h->rc = mw_fail(h->err, a->code, "%s: %s", h->url, a->text);
    else if (a->status == 401 || a->status == 403)
        h->rc = mw_fail(h->err, MW_EDENIED, "%s: it refuses (status %ld): see the token or the "
                        "password", h->url, a->status);
    else if (a->status == 404)
        h->rc = mw_fail(h->err, MW_ENOTFOUND, "%s: there is nothing (404)", h->url);
    else if (a->status != 200)
        h->rc = mw_fail(h->err, MW_EIO, "%s: it answers with status %ld", h->url, a->status);
    else if ((h->body = mw_strndup(a->body, a->size)) == NULL)
        h->rc = mw_fail(h->err, MW_ENOMEM, "out of memory");
}

int import_http_open(const struct import_http_options *o, struct import_http **ret,
                     struct mw_error *err)
{
    struct import_http *h = mw_calloc(1, sizeof(*h));
    struct outbound_options oo = { .ca_file = o->ca_file };
    if (h == NULL || (h->base = event_base_new()) == NULL) {
        mw_free(h);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    h->o = *o;
    oo.base = h->base;
    int rc = outbound_create(&oo, &h->outbound, err);
    if (rc != 0) {
        import_http_close(h);
        return rc;
    }
    *ret = h;
    return 0;
}

void import_http_close(struct import_http *h)
{
    if (h == NULL)
        return;
    if (h->outbound != NULL)
        outbound_destroy(h->outbound);
    event_base_free(h->base);
    mw_free(h->body);
    mw_free(h);
}

int import_http_get(struct import_http *h, const char *url, char **ret, struct mw_error *err)
{
    struct mw_error own = { 0 };
    struct outbound_request q = { .method = "GET", .url = url, .answer_max = ANSWER_MAX,
        .timeout_ns = h->o.timeout_ns, .user = h->o.user, .password = h->o.password,
        .headers = { "Accept: application/json", h->o.header } };
    h->came = false;
    h->rc = 0;
    h->url = url;
    h->err = err != NULL ? err : &own;
    int rc = outbound_ask(h->outbound, &q, take_answer, h, h->err);
    if (rc != 0)
        return rc;
    while (!h->came) /* ends: the request has a timeout */
        if (event_base_loop(h->base, EVLOOP_ONCE) < 0)
            return mw_fail(err, MW_EIO, "cannot wait for %s", url);
    if (h->rc == 0)
        *ret = TAKE(h->body);
    return h->rc;
}
