/* Certificates for simulated agents, issued by the daemon's own CA before it starts. */
#ifndef MW_BENCH_AGENTS_TLS_H
#define MW_BENCH_AGENTS_TLS_H

#include "base/error.h"

#include <openssl/ssl.h>

struct agents_tls {
    SSL_CTX *context;
    EVP_PKEY *key;  /* one for all: what is measured is not their making */
    X509 **cert;    /* of each agent, then of each gatherer */
    uint32_t count;
};

/* `folder` is where the daemon will look for its CA. */
MW_MUST_USE int agents_tls_make(struct agents_tls *t, const char *folder, const char *const *name,
                                uint32_t agents, uint32_t gatherers, struct mw_error *err);
void agents_tls_fini(struct agents_tls *t);

#endif
