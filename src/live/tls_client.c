/* One context, one connection; see the header. */
#include "live/tls_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "live/tls.h"

#define ASK_AGAIN_S 60

struct tls_client {
    char *dir;
    SSL_CTX *context;
    SSL *ssl;            /* the connection; NULL */
    X509 *ca;
    EVP_PKEY *next_key;  /* of a renewal under way; NULL */
    int64_t asked_s;
    struct tls_identity me;
};

/* ---- the folder ---------------------------------------------------------------------------- */

/* That CA alone is trusted, and it signs no other (pathlen 0). */
static int trust(SSL_CTX *context, X509 *ca, struct mw_error *err)
{
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca) != 1)
        return tls_fail(err, MW_EIO, "the CA cannot be used");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return 0;
}

static int use(struct tls_client *c, X509 *cert, EVP_PKEY *key, struct mw_error *err)
{
    SSL_CTX *context = NULL;
    int rc = tls_identity_of(cert, &c->me, err);
    if (rc == 0)
        rc = tls_context(false, &context, err);
    if (rc == 0)
        rc = trust(context, c->ca, err);
    if (rc == 0 && (SSL_CTX_use_certificate(context, cert) != 1 ||
                    SSL_CTX_use_PrivateKey(context, key) != 1))
        rc = tls_fail(err, MW_ESYNTAX, "key and certificate in node.pem are not of one pair");
    if (rc < 0) {
        SSL_CTX_free(context);
        return rc;
    }
    SSL_CTX_free(c->context);
    c->context = context;
    return 0;
}

static int load(struct tls_client *c, struct mw_error *err)
{
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    int rc = tls_cert_read(c->dir, TLS_CA_FILE, &c->ca, err);
    if (rc == 0)
        rc = tls_key_read(c->dir, TLS_PAIR_FILE, &key, err);
    if (rc == 0)
        rc = tls_cert_read(c->dir, TLS_PAIR_FILE, &cert, err);
    if (rc == MW_ENOTFOUND)
        rc = mw_fail(err, rc, "%s holds no certificate: get one with `mw-agent join`", c->dir);
    if (rc == 0)
        rc = use(c, cert, key, err);
    X509_free(cert);
    EVP_PKEY_free(key);
    return rc;
}

int tls_client_create(const char *dir, struct tls_client **ret, struct mw_error *err)
{
    must(dir != NULL && ret != NULL);
    struct tls_client *c = calloc(1, sizeof(*c));
    if (c == NULL || (c->dir = strdup(dir)) == NULL) {
        free(c);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    int rc = load(c, err);
    if (rc < 0) {
        tls_client_destroy(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void tls_client_destroy(struct tls_client *c)
{
    if (c == NULL)
        return;
    tls_client_end(c);
    SSL_CTX_free(c->context);
    X509_free(c->ca);
    EVP_PKEY_free(c->next_key);
    free(c->dir);
    free(c);
}

const char *tls_client_name(const struct tls_client *c)
{
    return c->me.name;
}

int64_t tls_client_ends_s(const struct tls_client *c)
{
    return c->me.ends_s;
}

/* ---- one connection ------------------------------------------------------------------------ */

int tls_client_begin(struct tls_client *c, int fd, struct mw_error *err)
{
    tls_client_end(c);
    c->ssl = SSL_new(c->context);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1)
        return tls_fail(err, MW_ENOMEM, "TLS");
    SSL_set_connect_state(c->ssl);
    return 0;
}

void tls_client_end(struct tls_client *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
    ERR_clear_error();
}

/* What a call of OpenSSL that did not succeed means: 0 = wait, else the end of the connection. */
static int meaning(struct tls_client *c, int got, struct mw_error *err)
{
    int why = errno;
    long verify = SSL_get_verify_result(c->ssl);
    switch (SSL_get_error(c->ssl, got)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return mw_fail(err, MW_EUNREACHABLE, "the daemon closed the connection");
    case SSL_ERROR_SYSCALL:
        ERR_clear_error();
        return mw_fail(err, MW_EUNREACHABLE, "%s",
                       why != 0 ? strerror(why) : "the daemon closed the connection");
    default:
        break;
    }
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        ERR_clear_error();
        return mw_fail(err, MW_EUNREACHABLE, "the daemon closed the connection");
    }
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_WRONG_VERSION_NUMBER) {
        ERR_clear_error();
        return mw_fail(err, MW_EIO, "it answers in plain text: start mw serve with --agents-tls, "
                       "or this without its certificate");
    }
    if (verify != X509_V_OK) {
        ERR_clear_error();
        return mw_fail(err, MW_EDENIED, "its certificate is not of the CA that this node joined "
                       "(%s): another daemon, or join again",
                       X509_verify_cert_error_string(verify));
    }
    return tls_fail(err, MW_EIO, "TLS");
}

int tls_client_shake(struct tls_client *c, bool *wants_write, struct mw_error *err)
{
    must(c->ssl != NULL);
    errno = 0;
    int got = SSL_do_handshake(c->ssl);
    *wants_write = got != 1 && SSL_want_write(c->ssl);
    return got == 1 ? 1 : meaning(c, got, err);
}

int tls_client_read(struct tls_client *c, void *to, size_t size, struct mw_error *err)
{
    must(c->ssl != NULL && size > 0 && size <= INT32_MAX);
    errno = 0;
    int got = SSL_read(c->ssl, to, (int)size);
    return got > 0 ? got : meaning(c, got, err);
}

int tls_client_write(struct tls_client *c, const void *from, size_t size, struct mw_error *err)
{
    must(c->ssl != NULL && size > 0 && size <= INT32_MAX);
    errno = 0;
    int got = SSL_write(c->ssl, from, (int)size);
    return got > 0 ? got : meaning(c, got, err);
}

/* ---- renewal ------------------------------------------------------------------------------- */

bool tls_client_renewal_due(const struct tls_client *c, int64_t now_s)
{
    int64_t third_s = (c->me.ends_s - c->me.begins_s) / 3;
    return now_s >= c->me.ends_s - third_s &&
           (now_s >= c->asked_s + ASK_AGAIN_S || now_s < c->asked_s);
}

int tls_client_ask(struct tls_client *c, int64_t now_s, struct agent_frame *ret,
                   struct mw_error *err)
{
    EVP_PKEY *key = NULL;
    c->asked_s = now_s;
    *ret = (struct agent_frame){ .verb = AGENT_RENEW };
    int rc = tls_key_make(&key, err);
    if (rc == 0)
        rc = tls_request(key, c->me.name, c->me.gather, ret->text, sizeof(ret->text), err);
    if (rc < 0) {
        EVP_PKEY_free(key);
        return rc;
    }
    EVP_PKEY_free(c->next_key);
    c->next_key = key;
    return 0;
}

static int check(const struct tls_client *c, X509 *cert, struct mw_error *err)
{
    struct tls_identity who;
    EVP_PKEY *ca = X509_get0_pubkey(c->ca);
    int rc = tls_identity_of(cert, &who, err);
    if (rc < 0)
        return rc;
    if (strcmp(who.name, c->me.name) != 0 || who.gather != c->me.gather)
        return mw_fail(err, MW_ECONFLICT, "the new certificate is for \"%s\"", who.name);
    if (X509_verify(cert, ca) != 1)
        return tls_fail(err, MW_EDENIED, "the new certificate is not of our CA");
    if (X509_check_private_key(cert, c->next_key) != 1)
        return tls_fail(err, MW_ECONFLICT, "the new certificate is not for our new key");
    return 0;
}

int tls_client_renewed(struct tls_client *c, const struct agent_frame *cert, struct mw_error *err)
{
    X509 *x = NULL;
    must(cert->verb == AGENT_CERT);
    if (c->next_key == NULL)
        return 0; /* a second answer */
    int rc = tls_cert_from_base64(cert->text, &x, err);
    if (rc == 0)
        rc = check(c, x, err);
    if (rc == 0)
        rc = tls_pair_write(c->dir, TLS_PAIR_FILE, c->next_key, x, err);
    if (rc == 0)
        rc = use(c, x, c->next_key, err);
    X509_free(x);
    if (rc < 0)
        return mw_fail_prefix(err, "the certificate is not renewed");
    EVP_PKEY_free(c->next_key);
    c->next_key = NULL;
    return 0;
}
