/* See agents_tls.h. */
#include "bench/agents_tls.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "live/authority.h"
#include "live/tls.h"

struct issue {
    struct authority *authority;
    struct agents_tls *t;
    const char *token[2]; /* of agents, of gatherers */
};

static int issue(struct issue *s, const char *name, bool gather, struct mw_error *err)
{
    struct agent_frame join = { .verb = AGENT_JOIN }, cert;
    (void)snprintf(join.name, sizeof(join.name), "%s", name);
    (void)snprintf(join.token, sizeof(join.token), "%s", s->token[gather]);
    int rc = tls_request(s->t->key, name, gather, join.text, sizeof(join.text), err);
    if (rc == 0)
        rc = authority_join(s->authority, (int64_t)time(NULL), &join, &cert, err);
    return rc < 0 ? rc : tls_cert_from_base64(cert.text, &s->t->cert[s->t->count++], err);
}

int agents_tls_make(struct agents_tls *t, const char *folder, const char *const *name,
                    uint32_t agents, uint32_t gatherers, struct mw_error *err)
{
    char token[2][TLS_TOKEN_MAX], gather[32];
    int64_t now_s = (int64_t)time(NULL);
    struct issue s = { .t = t, .token = { token[0], token[1] } };
    *t = (struct agents_tls){ 0 };
    t->cert = mw_calloc(agents + gatherers, sizeof(X509 *));
    if (!t->cert)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = authority_open(folder, now_s, true, &s.authority, err);
    for (int i = 0; rc == 0 && i < 2; i++) {
        const struct authority_wish wish = { .pattern = "*", .gather = i == 1,
                                             .length_s = 3600 };
        rc = authority_token_new(s.authority, now_s, &wish, token[i], err);
    }
    if (rc == 0)
        rc = tls_key_make(&t->key, err);
    for (uint32_t i = 0; rc == 0 && i < agents; i++)
        rc = issue(&s, name[i], false, err);
    for (uint32_t i = 0; rc == 0 && i < gatherers; i++) {
        (void)snprintf(gather, sizeof(gather), "gather-%u", i);
        rc = issue(&s, gather, true, err);
    }
    authority_close(s.authority);
    if (rc == 0)
        rc = tls_context(false, &t->context, err);
    if (rc == 0)
        (void)SSL_CTX_set_mode(t->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return rc;
}

void agents_tls_fini(struct agents_tls *t)
{
    for (uint32_t i = 0; t->cert && i < t->count; i++)
        X509_free(t->cert[i]);
    mw_free(t->cert);
    EVP_PKEY_free(t->key);
    SSL_CTX_free(t->context);
    *t = (struct agents_tls){ 0 };
}
