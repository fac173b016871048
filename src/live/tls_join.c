/* One short connection, made for its one question; see the header. */
#include "live/tls_join.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "live/agent_frame.h"
#include "live/tls.h"
#include "live/tls_client.h"

#define TOKEN_BEGINS "mwj1."

/* ---- the token ----------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *from, size_t size, uint8_t *to)
{
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(from[2 * i]), low = high < 0 ? -1 : hex_digit(from[2 * i + 1]);
        if (low < 0)
            return false;
        to[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

int tls_token_read(const char *text, struct tls_token *ret, struct mw_error *err)
{
    struct tls_token t = { .id = "" };
    const char *id = text + sizeof(TOKEN_BEGINS) - 1;
    bool right = strncmp(text, TOKEN_BEGINS, sizeof(TOKEN_BEGINS) - 1) == 0;
    size_t id_size = right ? strspn(id, "0123456789abcdef") : 0;
    const char *secret = id + id_size + 1;
    right = right && id_size == sizeof(t.id) - 1 && id[id_size] == '.';
    size_t secret_size = right ? strspn(secret, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                "abcdefghijklmnopqrstuvwxyz") : 0;
    const char *ca = secret + secret_size + 1;
    right = right && secret_size == sizeof(t.secret) - 1 && secret[secret_size] == '.' &&
            strlen(ca) == 2 * sizeof(t.ca) && read_hex(ca, sizeof(t.ca), t.ca);
    if (!right)
        return mw_fail(err, MW_ESYNTAX, "this is no join token: `mw agent token new` on the "
                       "daemon's machine prints one, mwj1.….….…");
    memcpy(t.id, id, sizeof(t.id) - 1);
    memcpy(t.secret, secret, sizeof(t.secret) - 1);
    *ret = t;
    return 0;
}

void tls_token_write(const struct tls_token *t, char to[TLS_TOKEN_MAX])
{
    int n = snprintf(to, TLS_TOKEN_MAX, TOKEN_BEGINS "%s.%s.", t->id, t->secret);
    must(n > 0 && (size_t)n + 2 * sizeof(t->ca) < TLS_TOKEN_MAX);
    for (size_t i = 0; i < sizeof(t->ca); i++)
        n += snprintf(to + n, TLS_TOKEN_MAX - (size_t)n, "%02x", t->ca[i]);
}

/* ---- the daemon ---------------------------------------------------------------------------- */

struct pin {
    const uint8_t *ca;
    X509 *found; /* owned */
};

/* The chain must hold the CA of the token, and that CA must have signed the daemon's certificate,
 * which must be of now. */
static int is_pinned(X509_STORE_CTX *chain, void *ctx)
{
    struct pin *pin = ctx;
    X509 *leaf = X509_STORE_CTX_get0_cert(chain);
    STACK_OF(X509) *others = X509_STORE_CTX_get0_untrusted(chain);
    uint8_t hash[32];
    struct mw_error err;
    for (int i = 0; leaf != NULL && i < sk_X509_num(others); i++) {
        X509 *ca = sk_X509_value(others, i);
        if (tls_cert_sha256(ca, hash, &err) < 0 || CRYPTO_memcmp(hash, pin->ca, 32) != 0)
            continue;
        if (X509_verify(leaf, X509_get0_pubkey(ca)) != 1 ||
            X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) != 1 ||
            X509_cmp_current_time(X509_get0_notAfter(leaf)) <= 0 ||
            X509_cmp_current_time(X509_get0_notBefore(leaf)) >= 0)
            break;
        X509_free(pin->found);
        pin->found = X509_up_ref(ca) == 1 ? ca : NULL;
        return pin->found != NULL;
    }
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
}

struct talk {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
    struct pin pin;
    int64_t end_ms; /* by a clock that is never set */
};

static int64_t now_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_for(const struct talk *t, short events, struct mw_error *err)
{
    struct pollfd p = { .fd = t->fd, .events = events };
    int64_t left_ms = t->end_ms - now_ms();
    int n = left_ms > 0 ? poll(&p, 1, (int)MW_MIN(left_ms, (int64_t)INT32_MAX)) : 0;
    if (n > 0)
        return 0;
    return mw_fail(err, MW_ETIMEOUT, "no answer came in time");
}

static int connect_to(struct talk *t, const struct tls_join *j, struct mw_error *err)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *list = NULL;
    int why = 0;
    socklen_t size = sizeof(why);
    int rc = getaddrinfo(j->host, j->port, &hints, &list);
    if (rc != 0)
        return mw_fail(err, MW_EUNREACHABLE, "%s", gai_strerror(rc));
    t->fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    rc = t->fd < 0 ? -1 : connect(t->fd, list->ai_addr, list->ai_addrlen);
    why = rc == 0 ? 0 : errno;
    freeaddrinfo(list);
    if (why == EINPROGRESS) {
        rc = wait_for(t, POLLOUT, err);
        if (rc < 0)
            return rc;
        (void)getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &why, &size);
    }
    return why == 0 ? 0 : mw_fail(err, MW_EUNREACHABLE, "%s", strerror(why));
}

/* Waits when OpenSSL wants to; else the reason. */
static int again(struct talk *t, int got, struct mw_error *err)
{
    long verify = SSL_get_verify_result(t->ssl);
    switch (SSL_get_error(t->ssl, got)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(t, POLLIN, err);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(t, POLLOUT, err);
    case SSL_ERROR_ZERO_RETURN:
    case SSL_ERROR_SYSCALL:
        ERR_clear_error();
        return mw_fail(err, MW_EUNREACHABLE, "it closed the connection: is it mw serve with "
                       "--agents-tls?");
    default:
        break;
    }
    if (verify == X509_V_ERR_CERT_UNTRUSTED) {
        ERR_clear_error();
        return mw_fail(err, MW_EDENIED, "it is not the daemon that made this token: its CA is "
                       "another; nothing was said to it");
    }
    return tls_fail(err, MW_EUNREACHABLE, "no TLS with it (is it mw serve with --agents-tls?)");
}

static int secure(struct talk *t, struct mw_error *err)
{
    int rc = tls_context(false, &t->context, err);
    if (rc < 0)
        return rc;
    SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(t->context, is_pinned, &t->pin);
    t->ssl = SSL_new(t->context);
    if (t->ssl == NULL || SSL_set_fd(t->ssl, t->fd) != 1)
        return tls_fail(err, MW_ENOMEM, "TLS");
    SSL_set_connect_state(t->ssl);
    for (int got; (got = SSL_do_handshake(t->ssl)) != 1;) {
        rc = again(t, got, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int say(struct talk *t, const struct agent_frame *f, struct mw_error *err)
{
    char line[AGENT_FRAME_MAX + 1];
    size_t n = agent_frame_write(f, line, sizeof(line));
    int rc = 0;
    must(n > 0);
    for (size_t done = 0; rc == 0 && done < n;) {
        int got = SSL_write(t->ssl, line + done, (int)(n - done));
        if (got > 0)
            done += (size_t)got;
        else
            rc = again(t, got, err);
    }
    OPENSSL_cleanse(line, sizeof(line));
    return rc;
}

static int hear(struct talk *t, struct agent_frame *ret, struct mw_error *err)
{
    char in[AGENT_FRAME_MAX];
    size_t n = 0;
    const char *end = NULL;
    while (end == NULL) {
        if (n == sizeof(in))
            return mw_fail(err, MW_ESYNTAX, "its answer has no end");
        int got = SSL_read(t->ssl, in + n, (int)(sizeof(in) - n));
        int rc = got > 0 ? 0 : again(t, got, err);
        if (rc < 0)
            return rc;
        n += got > 0 ? (size_t)got : 0;
        end = memchr(in, '\n', n);
    }
    int rc = agent_frame_read(in, (size_t)(end - in), ret, err);
    if (rc < 0)
        return rc;
    if (ret->verb == AGENT_REFUSE)
        return mw_fail(err, MW_EDENIED, "%s", ret->text);
    return ret->verb == AGENT_CERT ? 0 : mw_fail(err, MW_ESYNTAX, "it answers \"%s\"",
                                                 agent_verb_name(ret->verb));
}

static void hang_up(struct talk *t)
{
    SSL_free(t->ssl);
    SSL_CTX_free(t->context);
    X509_free(t->pin.found);
    if (t->fd >= 0)
        (void)close(t->fd);
}

/* ---- joining ------------------------------------------------------------------------------- */

static int make_dir(const char *dir, struct mw_error *err)
{
    struct stat st;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return mw_fail(err, MW_EIO, "%s cannot be made: %s", dir, strerror(errno));
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || (st.st_mode & 022) != 0)
        return mw_fail(err, MW_EDENIED, "%s is no folder, or may be written by others: its mode "
                       "must be 0700", dir);
    return 0;
}

static int keep(const struct tls_join *j, X509 *ca, X509 *cert, EVP_PKEY *key,
                struct tls_joined *ret, struct mw_error *err)
{
    struct tls_identity who;
    int rc = tls_identity_of(cert, &who, err);
    if (rc < 0)
        return rc;
    if (strcmp(who.name, j->name) != 0 || X509_check_private_key(cert, key) != 1 ||
        X509_verify(cert, X509_get0_pubkey(ca)) != 1)
        return tls_fail(err, MW_ECONFLICT, "the certificate that came is not the one asked for");
    rc = tls_pair_write(j->dir, TLS_CA_FILE, NULL, ca, err);
    if (rc == 0)
        rc = tls_pair_write(j->dir, TLS_PAIR_FILE, key, cert, err);
    ret->ends_s = who.ends_s;
    return rc;
}

static int ask(struct talk *t, const struct tls_join *j, EVP_PKEY *key, struct tls_joined *ret,
               struct mw_error *err)
{
    struct agent_frame f = {
        .verb = AGENT_JOIN, .role = (uint8_t)(j->gather ? AGENT_ROLE_GATHER : AGENT_ROLE_AGENT) };
    X509 *cert = NULL;
    (void)snprintf(f.name, sizeof(f.name), "%s", j->name);
    (void)snprintf(f.token, sizeof(f.token), "%s", j->token);
    int rc = tls_request(key, j->name, j->gather, f.text, sizeof(f.text), err);
    if (rc == 0)
        rc = say(t, &f, err);
    OPENSSL_cleanse(f.token, sizeof(f.token));
    if (rc == 0)
        rc = hear(t, &f, err);
    if (rc == 0)
        rc = tls_cert_from_base64(f.text, &cert, err);
    if (rc == 0)
        rc = keep(j, t->pin.found, cert, key, ret, err);
    X509_free(cert);
    return rc;
}

int tls_join(const struct tls_join *j, struct tls_joined *ret, struct mw_error *err)
{
    struct tls_token token;
    struct talk t = { .fd = -1, .pin.ca = token.ca };
    EVP_PKEY *key = NULL;
    must(j->host != NULL && j->port != NULL && j->token != NULL && j->dir != NULL);
    if (j->name[0] == '\0' || strlen(j->name) >= TLS_NAME_MAX)
        return mw_fail(err, MW_EINVAL, "a name of 1 to %d bytes is needed", TLS_NAME_MAX - 1);
    int rc = tls_token_read(j->token, &token, err);
    if (rc == 0)
        rc = make_dir(j->dir, err);
    if (rc < 0)
        return rc;
    t.end_ms = now_ms() + (j->wait_ms > 0 ? j->wait_ms : TLS_JOIN_WAIT_MS);
    rc = tls_key_make(&key, err);
    if (rc == 0)
        rc = connect_to(&t, j, err);
    if (rc == 0)
        rc = secure(&t, err);
    if (rc == 0)
        rc = ask(&t, j, key, ret, err);
    hang_up(&t);
    EVP_PKEY_free(key);
    OPENSSL_cleanse(&token, sizeof(token));
    return rc < 0 ? mw_fail_prefix(err, "%s:%s", j->host, j->port) : 0;
}
