/* Small pieces over OpenSSL; see the header.  Keeps nothing. */
#include "live/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define FILE_BYTES_MAX 16384

int tls_fail(struct mw_error *err, int code, const char *what)
{
    char text[160];
    unsigned long first = ERR_get_error();
    const char *reason = ERR_reason_error_string(first);
    if (reason == NULL)
        ERR_error_string_n(first, text, sizeof(text));
    ERR_clear_error();
    return mw_fail(err, code, "%s: %s", what,
                   first == 0 ? "no reason is known" : reason != NULL ? reason : text);
}

int tls_context(bool server, SSL_CTX **ret, struct mw_error *err)
{
    SSL_CTX *c = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (c == NULL)
        return tls_fail(err, MW_ENOMEM, "TLS cannot be set up");
    if (SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set1_groups_list(c, "P-256") != 1) {
        SSL_CTX_free(c);
        return tls_fail(err, MW_EIO, "TLS 1.3 with P-256 is not to be had");
    }
    (void)SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_num_tickets(c, 0);
    (void)SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    *ret = c;
    return 0;
}

/* ---- certificates -------------------------------------------------------------------------- */

static bool entry(const X509 *cert, int nid, char *to, size_t size)
{
    int n = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), nid, to, (int)size);
    return n > 0 && (size_t)n < size && strlen(to) == (size_t)n;
}

static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm parts;
    return ASN1_TIME_to_tm(t, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

int tls_identity_of(const X509 *cert, struct tls_identity *ret, struct mw_error *err)
{
    struct tls_identity as = { .gather = false };
    char role[16] = "";
    if (!entry(cert, NID_commonName, as.name, sizeof(as.name)) ||
        !entry(cert, NID_organizationalUnitName, role, sizeof(role)))
        return mw_fail(err, MW_ESYNTAX, "the certificate names no node");
    as.gather = strcmp(role, "gather") == 0;
    if (!as.gather && strcmp(role, "agent") != 0)
        return mw_fail(err, MW_ESYNTAX, "the certificate is neither of an agent nor of a gatherer");
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *hex = number != NULL ? BN_bn2hex(number) : NULL;
    if (hex != NULL)
        (void)snprintf(as.serial, sizeof(as.serial), "%s", hex);
    OPENSSL_free(hex);
    BN_free(number);
    as.begins_s = seconds_of(X509_get0_notBefore(cert));
    as.ends_s = seconds_of(X509_get0_notAfter(cert));
    *ret = as;
    return 0;
}

int tls_cert_sha256(const X509 *cert, uint8_t ret[32], struct mw_error *err)
{
    unsigned size = 32;
    if (X509_digest(cert, EVP_sha256(), ret, &size) != 1 || size != 32)
        return tls_fail(err, MW_EIO, "a certificate has no hash");
    return 0;
}

int tls_key_make(EVP_PKEY **ret, struct mw_error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL)
        return tls_fail(err, MW_EIO, "no key can be made");
    *ret = key;
    return 0;
}

static bool name_entry(X509_NAME *n, const char *field, const char *text)
{
    return X509_NAME_add_entry_by_txt(n, field, MBSTRING_UTF8, (const unsigned char *)text, -1, -1,
                                      0) == 1;
}

int tls_request(EVP_PKEY *key, const char *name, bool gather, char *to, size_t size,
                struct mw_error *err)
{
    X509_REQ *q = X509_REQ_new();
    X509_NAME *n = q != NULL ? X509_REQ_get_subject_name(q) : NULL;
    uint8_t *der = NULL;
    int length = -1;
    if (n != NULL && name_entry(n, "OU", gather ? "gather" : "agent") &&
        name_entry(n, "CN", name) && X509_REQ_set_pubkey(q, key) == 1 &&
        X509_REQ_sign(q, key, EVP_sha256()) > 0)
        length = i2d_X509_REQ(q, &der);
    int rc = length > 0 ? tls_to_base64(der, (size_t)length, to, size, err)
                        : tls_fail(err, MW_EIO, "no request for a certificate can be made");
    OPENSSL_free(der);
    X509_REQ_free(q);
    return rc;
}

/* ---- base64 -------------------------------------------------------------------------------- */

int tls_to_base64(const uint8_t *from, size_t size, char *to, size_t to_size,
                  struct mw_error *err)
{
    if (size > FILE_BYTES_MAX || (size + 2) / 3 * 4 + 1 > to_size)
        return mw_fail(err, MW_ELIMIT, "%zu bytes are too many for a word", size);
    (void)EVP_EncodeBlock((unsigned char *)to, from, (int)size);
    return 0;
}

int tls_from_base64(const char *from, uint8_t *to, size_t to_size, size_t *ret_size,
                    struct mw_error *err)
{
    size_t size = strlen(from);
    size_t pads = size >= 2 ? (size_t)(from[size - 1] == '=') + (from[size - 2] == '=') : 0;
    if (size == 0 || size % 4 != 0 || size / 4 * 3 > to_size ||
        strspn(from, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") !=
            size - pads ||
        EVP_DecodeBlock(to, (const unsigned char *)from, (int)size) < 0)
        return mw_fail(err, MW_ESYNTAX, "what should be base64 is not");
    *ret_size = size / 4 * 3 - pads;
    return 0;
}

int tls_cert_from_base64(const char *from, X509 **ret, struct mw_error *err)
{
    uint8_t der[4096];
    size_t size = 0;
    int rc = tls_from_base64(from, der, sizeof(der), &size, err);
    const uint8_t *at = der;
    X509 *cert = rc == 0 ? d2i_X509(NULL, &at, (long)size) : NULL;
    if (rc < 0)
        return rc;
    if (cert == NULL || at != der + size) {
        X509_free(cert);
        return tls_fail(err, MW_ESYNTAX, "what should be a certificate is not");
    }
    *ret = cert;
    return 0;
}

int tls_cert_to_base64(X509 *cert, char *to, size_t size, struct mw_error *err)
{
    uint8_t *der = NULL;
    int length = i2d_X509(cert, &der);
    int rc = length > 0 ? tls_to_base64(der, (size_t)length, to, size, err)
                        : tls_fail(err, MW_EIO, "a certificate cannot be written");
    OPENSSL_free(der);
    return rc;
}

/* ---- files --------------------------------------------------------------------------------- */

/* Opens it for reading; a secret only where nobody else may read it. */
static int open_checked(const char *dir, const char *file, bool secret, FILE **ret,
                        struct mw_error *err)
{
    char path[4096];
    struct stat st;
    int n = snprintf(path, sizeof(path), "%s/%s", dir, file);
    int fd = n > 0 && (size_t)n < sizeof(path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0)
        return mw_fail(err, errno == ENOENT ? MW_ENOTFOUND : MW_EIO, "%s/%s: %s", dir, file,
                       strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX) {
        (void)close(fd);
        return mw_fail(err, MW_ESYNTAX, "%s/%s is not what it should be", dir, file);
    }
    if (secret && ((st.st_mode & 077) != 0 || st.st_uid != geteuid())) {
        (void)close(fd);
        return mw_fail(err, MW_EDENIED, "%s/%s can be read by others, or is another's: chmod 600 "
                       "it, or make a new one", dir, file);
    }
    *ret = fdopen(fd, "r");
    if (*ret != NULL)
        return 0;
    (void)close(fd);
    return mw_fail(err, MW_ENOMEM, "out of memory");
}

int tls_key_read(const char *dir, const char *file, EVP_PKEY **ret, struct mw_error *err)
{
    FILE *f = NULL;
    char what[4200];
    int rc = open_checked(dir, file, true, &f, err);
    if (rc < 0)
        return rc;
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    (void)fclose(f);
    (void)snprintf(what, sizeof(what), "%s/%s is no private key", dir, file);
    if (key == NULL)
        return tls_fail(err, MW_ESYNTAX, what);
    *ret = key;
    return 0;
}

int tls_cert_read(const char *dir, const char *file, X509 **ret, struct mw_error *err)
{
    FILE *f = NULL;
    char what[4200];
    int rc = open_checked(dir, file, false, &f, err);
    if (rc < 0)
        return rc;
    X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
    (void)fclose(f);
    (void)snprintf(what, sizeof(what), "%s/%s is no certificate", dir, file);
    if (cert == NULL)
        return tls_fail(err, MW_ESYNTAX, what);
    *ret = cert;
    return 0;
}

int tls_pair_write(const char *dir, const char *file, EVP_PKEY *key, X509 *cert,
                   struct mw_error *err)
{
    char path[4096], new[4096];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, file);
    int m = snprintf(new, sizeof(new), "%s/%s.new", dir, file);
    if (n < 0 || m < 0 || (size_t)m >= sizeof(new))
        return mw_fail(err, MW_EINVAL, "the path is too long");
    (void)unlink(new); /* of a try that was cut off: the mode below is that of a new file */
    int fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool ok = f != NULL &&
              (key == NULL || PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1) &&
              (cert == NULL || PEM_write_X509(f, cert) == 1) && fflush(f) == 0 && fsync(fd) == 0;
    int why = errno;
    if (f != NULL)
        ok = fclose(f) == 0 && ok;
    else if (fd >= 0)
        (void)close(fd);
    if (ok && rename(new, path) == 0)
        return 0;
    return mw_fail(err, MW_EIO, "%s cannot be written: %s", path, strerror(ok ? errno : why));
}
