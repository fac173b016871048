/* Signs, checks and remembers; see the header. */
#include "live/authority.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "live/address.h"

#define CA_FILE "ca.pem"
#define LIST_FILE "list"
#define PATH_BYTES 4096
#define SECRET_DIGITS 43 /* 62^43 > 2^256 */
#define DAY_S 86400

struct authority {
    char dir[PATH_BYTES];
    X509 *ca;
    EVP_PKEY *key;
    struct authority_log log;
};

/* ---- certificates -------------------------------------------------------------------------- */

static bool extend(X509 *x, const X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static bool random_serial(X509 *x)
{
    uint8_t bytes[16];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and always as long */
    BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
    BN_free(n);
    return ok;
}

struct shape {
    const char *name, *unit;   /* CN, OU */
    EVP_PKEY *key;             /* the public half is used */
    int64_t begins_s, ends_s;
    const char *constraints, *usage, *purpose, *also; /* extensions; NULL = none */
};

/* Signed by the CA, or by itself when there is none yet. */
static int make_cert(const struct authority *a, const struct shape *s, X509 **ret,
                     struct mw_error *err)
{
    X509 *x = X509_new();
    X509_NAME *n = x != NULL ? X509_get_subject_name(x) : NULL;
    const X509 *issuer = a->ca != NULL ? a->ca : x;
    time_t begins = (time_t)s->begins_s, ends = (time_t)s->ends_s;
    bool ok = n != NULL && X509_set_version(x, X509_VERSION_3) == 1 && random_serial(x) &&
              ASN1_TIME_set(X509_getm_notBefore(x), begins) != NULL &&
              ASN1_TIME_set(X509_getm_notAfter(x), ends) != NULL &&
              X509_NAME_add_entry_by_txt(n, "OU", MBSTRING_UTF8, (const unsigned char *)s->unit, -1,
                                         -1, 0) == 1 &&
              X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)s->name, -1,
                                         -1, 0) == 1 &&
              X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
              X509_set_pubkey(x, s->key) == 1 &&
              extend(x, issuer, NID_basic_constraints, s->constraints) &&
              extend(x, issuer, NID_key_usage, s->usage) &&
              extend(x, issuer, NID_subject_key_identifier, "hash") &&
              extend(x, issuer, NID_authority_key_identifier, "keyid") &&
              (s->purpose == NULL || extend(x, issuer, NID_ext_key_usage, s->purpose)) &&
              (s->also == NULL || extend(x, issuer, NID_subject_alt_name, s->also)) &&
              X509_sign(x, a->key, EVP_sha256()) > 0;
    if (!ok) {
        X509_free(x);
        return tls_fail(err, MW_EIO, "a certificate cannot be made");
    }
    *ret = x;
    return 0;
}

/* ---- opening ------------------------------------------------------------------------------- */

static int make_ca(struct authority *a, int64_t now_s, struct mw_error *err)
{
    const struct shape s = { .name = "Millwright agents", .unit = "authority",
                             .begins_s = now_s - DAY_S, .ends_s = now_s + AUTHORITY_CA_S,
                             .constraints = "critical,CA:TRUE,pathlen:0",
                             .usage = "critical,keyCertSign,cRLSign" };
    struct shape with_key = s;
    X509 *ca = NULL;
    int rc = tls_key_make(&a->key, err);
    with_key.key = a->key;
    if (rc == 0)
        rc = make_cert(a, &with_key, &ca, err);
    if (rc == 0)
        rc = tls_pair_write(a->dir, CA_FILE, a->key, ca, err);
    a->ca = ca;
    return rc;
}

static int open_ca(struct authority *a, int64_t now_s, bool make, struct mw_error *err)
{
    int rc = tls_key_read(a->dir, CA_FILE, &a->key, err);
    if (rc == MW_ENOTFOUND && make)
        return make_ca(a, now_s, err);
    if (rc == 0)
        rc = tls_cert_read(a->dir, CA_FILE, &a->ca, err);
    if (rc == 0 && X509_check_private_key(a->ca, a->key) != 1)
        rc = tls_fail(err, MW_ESYNTAX, "key and certificate of the agents' CA are no pair");
    return rc;
}

static int open_dir(struct authority *a, bool make, struct mw_error *err)
{
    struct stat st;
    if (make && mkdir(a->dir, 0700) != 0 && errno != EEXIST)
        return mw_fail(err, MW_EIO, "%s cannot be made: %s", a->dir, strerror(errno));
    if (stat(a->dir, &st) != 0)
        return mw_fail(err, errno == ENOENT ? MW_ENOTFOUND : MW_EIO, "%s: %s", a->dir,
                       strerror(errno));
    if (!S_ISDIR(st.st_mode) || (st.st_mode & 022) != 0)
        return mw_fail(err, MW_EDENIED, "%s may be written by others: chmod 700 it", a->dir);
    return 0;
}

int authority_open(const char *dir, int64_t now_s, bool make, struct authority **ret,
                   struct mw_error *err)
{
    char path[PATH_BYTES + 16];
    must(dir != NULL && ret != NULL && now_s > 0);
    struct authority *a = mw_calloc(1, sizeof(*a));
    if (a == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    a->log.file = -1;
    int n = snprintf(a->dir, sizeof(a->dir), "%s", dir);
    (void)snprintf(path, sizeof(path), "%s/" LIST_FILE, a->dir);
    int rc = n >= PATH_BYTES ? mw_fail(err, MW_EINVAL, "the path is too long")
                             : open_dir(a, make, err);
    if (rc == 0)
        rc = open_ca(a, now_s, make, err);
    if (rc == 0)
        rc = authority_log_open(&a->log, path, err);
    if (rc < 0) {
        authority_close(a);
        return rc;
    }
    *ret = a;
    return 0;
}

void authority_close(struct authority *a)
{
    if (a == NULL)
        return;
    X509_free(a->ca);
    EVP_PKEY_free(a->key);
    authority_log_close(&a->log);
    mw_free(a);
}

int authority_refresh(struct authority *a, struct mw_error *err)
{
    return authority_log_read(&a->log, err);
}

const struct authority_token *authority_tokens(const struct authority *a, uint32_t *ret_count)
{
    *ret_count = a->log.tokens;
    return a->log.token;
}

const struct authority_node *authority_nodes(const struct authority *a, uint32_t *ret_count)
{
    *ret_count = a->log.nodes;
    return a->log.node;
}

uint64_t authority_revocations(const struct authority *a)
{
    return a->log.revocations;
}

/* ---- what a person does -------------------------------------------------------------------- */

/* 256 random bits in base 62, by long division. */
static bool make_secret(char to[SECRET_DIGITS + 1])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint8_t bytes[32];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    for (int d = 0; d < SECRET_DIGITS; d++) {
        uint32_t rest = 0;
        for (size_t i = 0; i < sizeof(bytes); i++) {
            rest = rest << 8 | bytes[i];
            bytes[i] = (uint8_t)(rest / 62);
            rest %= 62;
        }
        to[d] = digits[rest];
    }
    to[SECRET_DIGITS] = '\0';
    return true;
}

static void hash_secret(const char *secret, uint8_t to[32])
{
    must(EVP_Digest(secret, strlen(secret), to, NULL, EVP_sha256(), NULL) == 1);
}

static void write_hex(const uint8_t *from, size_t size, char *to)
{
    for (size_t i = 0; i < size; i++)
        (void)snprintf(to + 2 * i, 3, "%02x", from[i]);
}

/* An id that no token has. */
static int make_id(const struct authority *a, char to[9], struct mw_error *err)
{
    uint8_t bytes[4];
    for (int tries = 0; tries < 100; tries++) {
        if (RAND_bytes(bytes, sizeof(bytes)) != 1)
            break;
        write_hex(bytes, sizeof(bytes), to);
        if (authority_log_token(&a->log, to) == NULL)
            return 0;
    }
    return tls_fail(err, MW_EIO, "no id can be drawn");
}

int authority_token_new(struct authority *a, int64_t now_s, const struct authority_wish *w,
                        char ret[TLS_TOKEN_MAX], struct mw_error *err)
{
    struct tls_token t = { .id = "" };
    uint8_t hash[32];
    char hex[65];
    if (!authority_name_is_right(w->pattern))
        return mw_fail(err, MW_EINVAL, "a pattern of names has 1 to %d bytes and no blank",
                       TLS_NAME_MAX - 1);
    if (w->length_s <= 0 || w->length_s > AUTHORITY_CA_S)
        return mw_fail(err, MW_EINVAL, "a token lives a second at least, %d years at most", 20);
    int rc = tls_cert_sha256(a->ca, t.ca, err);
    if (rc == 0 && !make_secret(t.secret))
        rc = tls_fail(err, MW_EIO, "no secret can be drawn");
    if (rc == 0)
        rc = authority_log_lock(&a->log, err);
    if (rc < 0)
        return rc;
    hash_secret(t.secret, hash);
    write_hex(hash, sizeof(hash), hex);
    rc = make_id(a, t.id, err);
    if (rc == 0)
        rc = authority_log_add(&a->log, err, "token id=%s hash=%s role=%s uses=%u pattern=%s "
                               "made=%lld ends=%lld", t.id, hex, w->gather ? "gather" : "agent",
                               w->uses, w->pattern, (long long)now_s,
                               (long long)(now_s + w->length_s));
    authority_log_unlock(&a->log);
    if (rc == 0)
        tls_token_write(&t, ret);
    OPENSSL_cleanse(&t, sizeof(t));
    return rc;
}

int authority_token_end(struct authority *a, int64_t now_s, const char *id, struct mw_error *err)
{
    int rc = authority_log_lock(&a->log, err);
    if (rc < 0)
        return rc;
    const struct authority_token *t = authority_log_token(&a->log, id);
    if (t == NULL)
        rc = mw_fail(err, MW_ENOTFOUND, "there is no join token %.40s: mw agent token list", id);
    else if (t->revoked_s == 0)
        rc = authority_log_add(&a->log, err, "ended id=%s at=%lld", t->id, (long long)now_s);
    authority_log_unlock(&a->log);
    return rc;
}

int authority_revoke(struct authority *a, int64_t now_s, const char *name, struct mw_error *err)
{
    int rc = authority_log_lock(&a->log, err);
    if (rc < 0)
        return rc;
    if (authority_log_node(&a->log, name) == NULL)
        rc = mw_fail(err, MW_ENOTFOUND, "no certificate was ever issued to \"%.95s\": mw agent "
                     "list", name);
    else
        rc = authority_log_add(&a->log, err, "revoked name=%s at=%lld", name, (long long)now_s);
    authority_log_unlock(&a->log);
    return rc;
}

/* ---- what the listener does ---------------------------------------------------------------- */

/* "DNS:host,IP:10.0.0.1" of what is known; OpenSSL reads it, so only plain names get there. */
static void names_of(const char *host, const char *address, char *to, size_t size)
{
    struct sockaddr_storage at;
    int at_size = 0;
    char ip[INET6_ADDRSTRLEN] = "";
    bool is_host = host != NULL && host[0] != '\0' && strlen(host) < 256 &&
                   strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-."
                          ) == strlen(host);
    bool is_ip = address != NULL && address_read(address, 0, &at, &at_size, NULL) == 0;
    const void *from = is_ip && at.ss_family == AF_INET6
                           ? (const void *)&((struct sockaddr_in6 *)(void *)&at)->sin6_addr
                           : (const void *)&((struct sockaddr_in *)(void *)&at)->sin_addr;
    is_ip = is_ip && inet_ntop(at.ss_family, from, ip, sizeof(ip)) != NULL;
    (void)snprintf(to, size, "%s%s%s%s%s", is_host ? "DNS:" : "", is_host ? host : "",
                   is_host && is_ip ? "," : "", is_ip ? "IP:" : "", ip);
}

int authority_serve(struct authority *a, int64_t now_s, SSL_CTX *context, const char *host,
                    const char *address, struct mw_error *err)
{
    char names[400];
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    struct shape s = { .name = "mw serve", .unit = "daemon", .begins_s = now_s - DAY_S,
                       .ends_s = now_s + AUTHORITY_SERVER_S,
                       .constraints = "critical,CA:FALSE", .usage = "critical,digitalSignature",
                       .purpose = "serverAuth" };
    names_of(host, address, names, sizeof(names));
    s.also = names[0] != '\0' ? names : NULL;
    int rc = tls_key_make(&key, err);
    s.key = key;
    if (rc == 0)
        rc = make_cert(a, &s, &cert, err);
    if (rc == 0 && (SSL_CTX_clear_chain_certs(context) != 1 ||
                    SSL_CTX_use_certificate(context, cert) != 1 ||
                    SSL_CTX_use_PrivateKey(context, key) != 1 ||
                    SSL_CTX_add1_chain_cert(context, a->ca) != 1))
        rc = tls_fail(err, MW_EIO, "the daemon's certificate cannot be used");
    X509_free(cert);
    EVP_PKEY_free(key);
    return rc;
}

bool authority_is_revoked(const struct authority *a, const struct tls_identity *who)
{
    const struct authority_node *n = authority_log_node(&a->log, who->name);
    return n != NULL && n->revoked_s != 0 && who->begins_s <= n->revoked_s;
}

int authority_check(const struct authority *a, int64_t now_s, const X509 *cert,
                    struct tls_identity *ret, struct mw_error *err)
{
    struct tls_identity who;
    if (X509_verify((X509 *)(uintptr_t)cert, a->key) != 1) {
        (void)tls_fail(err, MW_EDENIED, "");
        return mw_fail(err, MW_EDENIED, "your certificate is not of this daemon's CA: join again "
                       "with a token of `mw agent token new`");
    }
    int rc = tls_identity_of(cert, &who, err);
    if (rc < 0)
        return mw_fail(err, MW_EDENIED, "your certificate is not an agent's");
    if (now_s >= who.ends_s)
        return mw_fail(err, MW_EDENIED, "the certificate of %s has ended %lld s ago: join again "
                       "with a token of `mw agent token new`", who.name,
                       (long long)(now_s - who.ends_s));
    if (now_s < who.begins_s)
        return mw_fail(err, MW_EDENIED, "the certificate of %s begins in %lld s", who.name,
                       (long long)(who.begins_s - now_s));
    if (authority_is_revoked(a, &who))
        return mw_fail(err, MW_EDENIED, "the certificate of %s was revoked: join again with a "
                       "token of `mw agent token new`, if it is to come back", who.name);
    *ret = who;
    return 0;
}

/* The public key of the request, which must be signed with it. */
static int read_request(const char *text, EVP_PKEY **ret, struct mw_error *err)
{
    uint8_t der[2048];
    size_t size = 0;
    int rc = tls_from_base64(text, der, sizeof(der), &size, err);
    if (rc < 0)
        return rc;
    const uint8_t *at = der;
    X509_REQ *q = d2i_X509_REQ(NULL, &at, (long)size);
    EVP_PKEY *key = q != NULL ? X509_REQ_get_pubkey(q) : NULL;
    char group[32] = "";
    size_t length = 0;
    bool ok = key != NULL && at == der + size && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
              EVP_PKEY_get_group_name(key, group, sizeof(group), &length) == 1 &&
              strcmp(group, "prime256v1") == 0 && X509_REQ_verify(q, key) == 1;
    X509_REQ_free(q);
    if (!ok) {
        EVP_PKEY_free(key);
        return tls_fail(err, MW_ESYNTAX, "the request for a certificate is not right (P-256)");
    }
    *ret = key;
    return 0;
}

/* Signs and notes it; under the lock of the list. */
static int issue(struct authority *a, int64_t now_s, const struct tls_identity *as, EVP_PKEY *key,
                 struct agent_frame *ret, struct mw_error *err)
{
    const struct authority_node *n = authority_log_node(&a->log, as->name);
    struct tls_identity who;
    struct shape s = { .name = as->name, .unit = as->gather ? "gather" : "agent", .key = key,
                       .begins_s = now_s, .constraints = "critical,CA:FALSE",
                       .usage = "critical,digitalSignature", .purpose = "clientAuth" };
    X509 *cert = NULL;
    if (n != NULL && n->revoked_s >= now_s)
        s.begins_s = n->revoked_s + 1; /* so that it is not taken for one of those */
    s.ends_s = s.begins_s + AUTHORITY_LEAF_S;
    int rc = make_cert(a, &s, &cert, err);
    if (rc == 0)
        rc = tls_identity_of(cert, &who, err);
    *ret = (struct agent_frame){ .verb = AGENT_CERT };
    if (rc == 0)
        rc = tls_cert_to_base64(cert, ret->text, sizeof(ret->text), err);
    if (rc == 0)
        rc = authority_log_add(&a->log, err, "issued role=%s serial=%s name=%s at=%lld ends=%lld",
                               s.unit, who.serial, s.name, (long long)s.begins_s,
                               (long long)s.ends_s);
    X509_free(cert);
    return rc;
}

/* Whether the token lets this name in. */
static int check_token(const struct authority *a, int64_t now_s, const struct tls_token *said,
                       const struct agent_frame *f, const struct authority_token **ret,
                       struct mw_error *err)
{
    const struct authority_token *t = authority_log_token(&a->log, said->id);
    uint8_t hash[32];
    hash_secret(said->secret, hash);
    if (t == NULL || CRYPTO_memcmp(hash, t->hash, sizeof(hash)) != 0)
        return mw_fail(err, MW_EDENIED, "the join token is not known here: make one with `mw agent "
                       "token new`");
    if (t->revoked_s != 0)
        return mw_fail(err, MW_EDENIED, "the join token %s was revoked", t->id);
    if (now_s >= t->ends_s)
        return mw_fail(err, MW_EDENIED, "the join token %s has ended %lld s ago", t->id,
                       (long long)(now_s - t->ends_s));
    if (t->uses != 0 && t->used >= t->uses)
        return mw_fail(err, MW_EDENIED, "the join token %s is used up: it was good for %u; if that "
                       "was not you, see `mw agent list`", t->id, t->uses);
    if (t->gather != (f->role == AGENT_ROLE_GATHER))
        return mw_fail(err, MW_EDENIED, "the join token %s is for %s", t->id,
                       t->gather ? "a gatherer (mw-gather)" : "an agent (mw-agent)");
    if (fnmatch(t->pattern, f->name, 0) != 0)
        return mw_fail(err, MW_EDENIED, "the join token %s is for names like %s, not for %.95s",
                       t->id, t->pattern, f->name);
    *ret = t;
    return 0;
}

/* What a join asks. */
struct request {
    struct tls_token said;
    EVP_PKEY *key; /* owned */
};

static int join_locked(struct authority *a, int64_t now_s, const struct request *q,
                       const struct agent_frame *join, struct agent_frame *ret,
                       struct mw_error *err)
{
    const struct authority_token *t = NULL;
    struct tls_identity as = { .gather = false };
    int rc = check_token(a, now_s, &q->said, join, &t, err);
    if (rc < 0)
        return rc;
    as.gather = t->gather;
    memcpy(as.name, join->name, sizeof(as.name));
    rc = authority_log_add(&a->log, err, "used id=%s at=%lld", q->said.id, (long long)now_s);
    return rc == 0 ? issue(a, now_s, &as, q->key, ret, err) : rc;
}

int authority_join(struct authority *a, int64_t now_s, const struct agent_frame *join,
                   struct agent_frame *ret_cert, struct mw_error *err)
{
    struct request q = { .key = NULL };
    must(join->verb == AGENT_JOIN);
    if (!authority_name_is_right(join->name))
        return mw_fail(err, MW_EDENIED, "that is no name of a node");
    int rc = tls_token_read(join->token, &q.said, err);
    if (rc == 0)
        rc = read_request(join->text, &q.key, err);
    if (rc == 0)
        rc = authority_log_lock(&a->log, err);
    if (rc == 0) {
        rc = join_locked(a, now_s, &q, join, ret_cert, err);
        authority_log_unlock(&a->log);
    }
    EVP_PKEY_free(q.key);
    OPENSSL_cleanse(&q.said, sizeof(q.said));
    return rc;
}

int authority_renew(struct authority *a, int64_t now_s, struct tls_identity *who,
                    const struct agent_frame *renew, struct agent_frame *ret_cert,
                    struct mw_error *err)
{
    EVP_PKEY *key = NULL;
    must(renew->verb == AGENT_RENEW);
    int rc = read_request(renew->text, &key, err);
    if (rc == 0)
        rc = authority_log_lock(&a->log, err);
    if (rc == 0) {
        if (authority_is_revoked(a, who))
            rc = mw_fail(err, MW_EDENIED, "the certificate of %s was revoked", who->name);
        else
            rc = issue(a, now_s, who, key, ret_cert, err);
        authority_log_unlock(&a->log);
    }
    EVP_PKEY_free(key);
    if (rc < 0)
        return rc;
    who->begins_s = now_s;
    who->ends_s = now_s + AUTHORITY_LEAF_S;
    return 0;
}
