/* TLS of the API's server: what is asked over it is answered as elsewhere, and nothing else is. */
#include "api/server_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

struct stage {
    struct scene *scene;
    char cert[300], key[300], other[300];
};

static EVP_PKEY *write_key(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *f = fopen(path, "w");
    assert_true(key != NULL && f != NULL);
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(f), 0);
    return key;
}

/* A certificate that vouches for itself, for a day. */
static void write_cert(const char *path, EVP_PKEY *key)
{
    X509 *x = X509_new();
    FILE *f = fopen(path, "w");
    assert_true(x != NULL && f != NULL);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_NAME *n = X509_get_subject_name(x);
    assert_int_equal(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"mw.test", -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(x, n), 1);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(f, x), 1);
    assert_int_equal(fclose(f), 0);
    X509_free(x);
}

static int setup(void **state)
{
    struct stage *s = calloc(1, sizeof(*s));
    s->scene = scene_make();
    (void)snprintf(s->cert, sizeof(s->cert), "%s/cert.pem", s->scene->dir);
    (void)snprintf(s->key, sizeof(s->key), "%s/key.pem", s->scene->dir);
    (void)snprintf(s->other, sizeof(s->other), "%s/other.pem", s->scene->dir);
    EVP_PKEY *key = write_key(s->key);
    write_cert(s->cert, key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(write_key(s->other));
    s->scene->options.tls_cert = s->cert;
    s->scene->options.tls_key = s->key;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct stage *s = *state;
    scene_free(s->scene);
    free(s);
    return 0;
}

/* Says `text` over TLS; gives what comes until the other end closes. */
static void talk(const struct scene *s, int version_max, const char *text, char *ret, size_t size)
{
    SSL_CTX *c = SSL_CTX_new(TLS_client_method());
    (void)SSL_CTX_set_max_proto_version(c, version_max);
    SSL *ssl = SSL_new(c);
    int fd = dial_tcp(s);
    size_t n = 0;
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, text, (int)strlen(text)) > 0)
        for (int got; n < size - 1 && (got = SSL_read(ssl, ret + n, (int)(size - 1 - n))) > 0;)
            n += (size_t)got;
    ret[n] = '\0';
    SSL_free(ssl);
    SSL_CTX_free(c);
    assert_int_equal(close(fd), 0);
}

#define ASK "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static void what_is_asked_over_tls_is_answered(void **state)
{
    struct stage *s = *state;
    char out[8192];
    scene_start(s->scene);
    assert_int_equal(strncmp(api_server_url(s->scene->server), "https://127.0.0.1:", 18), 0);
    talk(s->scene, TLS1_3_VERSION, ASK, out, sizeof(out));
    assert_int_equal(strncmp(out, "HTTP/1.1 200 OK", 15), 0);
    assert_non_null(strstr(out, "Strict-Transport-Security: max-age="));
    assert_non_null(strstr(out, "{\"status\":\"ok\"}"));
    talk(s->scene, TLS1_2_VERSION, ASK, out, sizeof(out));
    assert_int_equal(strncmp(out, "HTTP/1.1 200 OK", 15), 0);
}

static void two_questions_go_over_one_connection_and_long_answers_come_whole(void **state)
{
    struct stage *s = *state;
    static char out[262144];
    scene_start(s->scene);
    talk(s->scene, TLS1_3_VERSION,
         "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
         "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", out,
         sizeof(out));
    char *second = strstr(out + 9, "HTTP/1.1 200 OK");
    assert_non_null(second);
    const char *length = strstr(second, "Content-Length: "), *body = strstr(second, "\r\n\r\n");
    assert_true(length != NULL && body != NULL);
    assert_int_equal(strlen(body + 4), strtoul(length + 16, NULL, 10));
    assert_true(strlen(body) > 20000); /* more than one record of TLS */
}

static void older_tls_and_plain_http_are_not_answered(void **state)
{
    struct stage *s = *state;
    char out[8192];
    scene_start(s->scene);
    talk(s->scene, TLS1_1_VERSION, ASK, out, sizeof(out));
    assert_string_equal(out, "");
    int fd = dial_tcp(s->scene);
    say_text(fd, ASK);
    assert_true(ends(fd));
    assert_int_equal(close(fd), 0);
    talk(s->scene, TLS1_3_VERSION, ASK, out, sizeof(out)); /* it goes on */
    assert_int_equal(strncmp(out, "HTTP/1.1 200 OK", 15), 0);
}

static void with_tls_an_address_for_everybody_is_taken_under_any_name(void **state)
{
    struct stage *s = *state;
    char out[8192];
    s->scene->options.listen = "0.0.0.0:0";
    scene_start(s->scene);
    talk(s->scene, TLS1_3_VERSION,
         "GET /livez HTTP/1.1\r\nHost: mw.test\r\nConnection: close\r\n\r\n", out, sizeof(out));
    assert_int_equal(strncmp(out, "HTTP/1.1 200 OK", 15), 0);
    talk(s->scene, TLS1_3_VERSION,
         "GET /api/v1/nodes HTTP/1.1\r\nHost: mw.test\r\nConnection: close\r\n\r\n", out,
         sizeof(out));
    assert_int_equal(strncmp(out, "HTTP/1.1 401 ", 13), 0);
}

static void refused(struct scene *s, int code, const char *words)
{
    struct mw_error err = { 0 };
    struct api_server *server = NULL;
    int rc = api_server_start(&s->options, &server, &err);
    if (rc != code || strstr(err.text, words) == NULL)
        fail_msg("%d (%s) instead of %d and \"%s\"", rc, err.text, code, words);
}

static void files_that_are_no_certificate_and_its_key_are_refused(void **state)
{
    struct stage *s = *state;
    s->scene->options.tls_cert = "/nowhere.pem";
    refused(s->scene, MW_ENOTFOUND, "/nowhere.pem");
    s->scene->options.tls_cert = s->key;
    refused(s->scene, MW_EINVAL, "no certificate");
    s->scene->options.tls_cert = s->cert;
    s->scene->options.tls_key = s->other;
    refused(s->scene, MW_EINVAL, "not that of the certificate");
    s->scene->options.tls_key = s->cert;
    refused(s->scene, MW_EINVAL, "no private key");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_asked_over_tls_is_answered),
        T(two_questions_go_over_one_connection_and_long_answers_come_whole),
        T(older_tls_and_plain_http_are_not_answered),
        T(with_tls_an_address_for_everybody_is_taken_under_any_name),
        T(files_that_are_no_certificate_and_its_key_are_refused),
    };
    return cmocka_run_group_tests_name("server_tls", tests, NULL, NULL);
}
