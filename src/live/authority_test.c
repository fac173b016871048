/*
 * What would break for the user: a stranger who speaks for a node, a node that
 * cannot come back, a token that is good twice.
 */
#include "live/authority.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#define NOW INT64_C(1763845200)

struct bench {
    char dir[64];
    struct authority *authority;
    EVP_PKEY *key;
    struct mw_error err;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_tree(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    char dir[96];
    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/mw-authority-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    (void)snprintf(dir, sizeof(dir), "%s/agents-ca", b->dir);
    if (authority_open(dir, NOW, true, &b->authority, &b->err) != 0)
        fail_msg("%s", b->err.text);
    assert_int_equal(tls_key_make(&b->key, NULL), 0);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    authority_close(b->authority);
    EVP_PKEY_free(b->key);
    remove_tree(b->dir);
    free(b);
    return 0;
}

static void token(struct bench *b, const char *pattern, bool gather, uint32_t uses, char *ret)
{
    const struct authority_wish w = { .pattern = pattern, .gather = gather, .uses = uses,
                                      .length_s = 3600 };
    if (authority_token_new(b->authority, NOW, &w, ret, &b->err) != 0)
        fail_msg("%s", b->err.text);
}

static int join(struct bench *b, int64_t now_s, const char *token_text, const char *name,
                struct agent_frame *ret)
{
    struct agent_frame f = { .verb = AGENT_JOIN };
    (void)snprintf(f.name, sizeof(f.name), "%s", name);
    (void)snprintf(f.token, sizeof(f.token), "%s", token_text);
    assert_int_equal(tls_request(b->key, name, false, f.text, sizeof(f.text), NULL), 0);
    return authority_join(b->authority, now_s, &f, ret, &b->err);
}

static X509 *cert_of(const struct agent_frame *f)
{
    X509 *x = NULL;
    assert_int_equal(f->verb, AGENT_CERT);
    assert_int_equal(tls_cert_from_base64(f->text, &x, NULL), 0);
    return x;
}

static int check(struct bench *b, int64_t now_s, const X509 *x, struct tls_identity *who)
{
    return authority_check(b->authority, now_s, x, who, &b->err);
}

static void expect_refused(struct bench *b, int rc, const char *why)
{
    assert_int_equal(rc, MW_EDENIED);
    if (strstr(b->err.text, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, b->err.text);
}

static void a_token_gives_a_certificate_of_a_day_for_that_name_alone(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    struct agent_frame f;
    struct tls_identity who;
    token(b, "n*", false, 1, t);
    assert_int_equal(join(b, NOW + 5, t, "n3", &f), 0);
    X509 *x = cert_of(&f);
    assert_int_equal(check(b, NOW + 10, x, &who), 0);
    assert_string_equal(who.name, "n3");
    assert_false(who.gather);
    assert_int_equal(who.begins_s, NOW + 5);
    assert_int_equal(who.ends_s, NOW + 5 + AUTHORITY_LEAF_S);
    assert_int_equal(check(b, who.ends_s - 1, x, &who), 0);
    expect_refused(b, check(b, who.ends_s, x, &who), "has ended");
    expect_refused(b, check(b, NOW, x, &who), "begins in");
    assert_int_equal(X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0), 0); /* no daemon's */
    assert_int_equal(X509_check_ca(x), 0);
    X509_free(x);
}

static void a_token_is_good_for_what_it_says_and_no_more(void **state)
{
    struct bench *b = *state;
    char once[TLS_TOKEN_MAX], of_n[TLS_TOKEN_MAX], twice[TLS_TOKEN_MAX], gather[TLS_TOKEN_MAX];
    struct agent_frame f;
    token(b, "*", false, 1, once);
    token(b, "n[0-9]*", false, 1, of_n);
    token(b, "*", false, 2, twice);
    token(b, "*", true, 1, gather);
    assert_int_equal(join(b, NOW, once, "n1", &f), 0);
    expect_refused(b, join(b, NOW, once, "n1", &f), "used up"); /* stolen, or said twice */
    expect_refused(b, join(b, NOW, of_n, "m1", &f), "names like n[0-9]*");
    assert_int_equal(join(b, NOW, of_n, "n9", &f), 0); /* the refusal cost no use */
    assert_int_equal(join(b, NOW, twice, "n1", &f), 0);
    assert_int_equal(join(b, NOW, twice, "n2", &f), 0);
    expect_refused(b, join(b, NOW, twice, "n3", &f), "used up");
    expect_refused(b, join(b, NOW, gather, "g1", &f), "gatherer");
    once[20] = once[20] == 'x' ? 'y' : 'x'; /* in its secret */
    expect_refused(b, join(b, NOW, once, "n1", &f), "not known");
    assert_int_equal(join(b, NOW, "mwj1.nonsense", "n1", &f), MW_ESYNTAX);
}

static void a_token_ends_with_its_time_or_by_a_person(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    struct agent_frame f;
    struct tls_token read;
    token(b, "*", false, 0, t);
    assert_int_equal(join(b, NOW + 3599, t, "n1", &f), 0);
    expect_refused(b, join(b, NOW + 3600, t, "n1", &f), "has ended");
    assert_int_equal(tls_token_read(t, &read, NULL), 0);
    assert_int_equal(authority_token_end(b->authority, NOW, read.id, &b->err), 0);
    expect_refused(b, join(b, NOW + 10, t, "n1", &f), "was revoked");
    assert_int_equal(authority_token_end(b->authority, NOW, "00000000", &b->err), MW_ENOTFOUND);
}

static void a_renewal_is_for_the_same_name_and_counts_from_now(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    struct agent_frame f, renew = { .verb = AGENT_RENEW };
    struct tls_identity who, read;
    token(b, "*", false, 1, t);
    assert_int_equal(join(b, NOW, t, "n1", &f), 0);
    X509 *x = cert_of(&f);
    assert_int_equal(check(b, NOW, x, &who), 0);
    X509_free(x);
    /* Whatever name the request bears, the certificate is for the one who asks. */
    assert_int_equal(tls_request(b->key, "n2", true, renew.text, sizeof(renew.text), NULL), 0);
    assert_int_equal(authority_renew(b->authority, NOW + 57600, &who, &renew, &f, &b->err), 0);
    x = cert_of(&f);
    assert_int_equal(check(b, NOW + 57600, x, &read), 0);
    assert_string_equal(read.name, "n1");
    assert_false(read.gather);
    assert_int_equal(read.ends_s, NOW + 57600 + AUTHORITY_LEAF_S);
    assert_int_equal(who.ends_s, read.ends_s);
    X509_free(x);
}

static void a_revoked_node_is_refused_until_it_joins_again(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    struct agent_frame f, renew = { .verb = AGENT_RENEW };
    struct tls_identity who, as;
    token(b, "*", false, 0, t);
    assert_int_equal(join(b, NOW, t, "n1", &f), 0);
    X509 *old = cert_of(&f);
    assert_int_equal(check(b, NOW + 1, old, &who), 0);
    assert_int_equal(authority_revoke(b->authority, NOW + 2, "n1", &b->err), 0);
    assert_true(authority_is_revoked(b->authority, &who));
    expect_refused(b, check(b, NOW + 3, old, &as), "was revoked");
    assert_int_equal(tls_request(b->key, "n1", false, renew.text, sizeof(renew.text), NULL), 0);
    expect_refused(b, authority_renew(b->authority, NOW + 3, &who, &renew, &f, &b->err),
                   "was revoked");
    assert_int_equal(join(b, NOW + 2, t, "n1", &f), 0); /* in the same second */
    X509 *new = cert_of(&f);
    assert_int_equal(check(b, NOW + 4, new, &who), 0);
    expect_refused(b, check(b, NOW + 4, old, &as), "was revoked");
    assert_int_equal(authority_revoke(b->authority, NOW, "n77", &b->err), MW_ENOTFOUND);
    X509_free(old);
    X509_free(new);
}

static void a_certificate_of_another_ca_is_refused(void **state)
{
    struct bench *b = *state;
    char dir[96], t[TLS_TOKEN_MAX];
    struct authority *other = NULL, *ours = b->authority;
    struct agent_frame f;
    struct tls_identity who;
    (void)snprintf(dir, sizeof(dir), "%s/other", b->dir);
    assert_int_equal(authority_open(dir, NOW, true, &other, &b->err), 0);
    b->authority = other;
    token(b, "*", false, 1, t);
    assert_int_equal(join(b, NOW, t, "n1", &f), 0);
    b->authority = ours;
    X509 *x = cert_of(&f);
    expect_refused(b, check(b, NOW, x, &who), "not of this daemon's CA");
    expect_refused(b, join(b, NOW, t, "n1", &f), "not known");
    X509_free(x);
    authority_close(other);
}

static void the_daemons_own_certificate_speaks_for_no_node(void **state)
{
    struct bench *b = *state;
    SSL_CTX *c = NULL;
    struct tls_identity who;
    assert_int_equal(tls_context(true, &c, NULL), 0);
    assert_int_equal(authority_serve(b->authority, NOW, c, "host.example", "10.0.0.1:7377",
                                     &b->err), 0);
    X509 *x = SSL_CTX_get0_certificate(c);
    expect_refused(b, check(b, NOW, x, &who), "not an agent's");
    assert_int_equal(X509_check_host(x, "host.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(x, "10.0.0.1", 0), 1);
    assert_int_equal(X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0), 1);
    assert_int_equal(X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, 0), 0);
    SSL_CTX_free(c);
}

/* As `mw agent` and the daemon are. */
static struct authority *second_of(struct bench *b)
{
    struct authority *a = NULL;
    char dir[96];
    (void)snprintf(dir, sizeof(dir), "%s/agents-ca", b->dir);
    if (authority_open(dir, NOW, false, &a, &b->err) != 0)
        fail_msg("%s", b->err.text);
    return a;
}

static void two_processes_see_what_each_other_wrote(void **state)
{
    struct bench *b = *state;
    struct authority *cli = second_of(b), *daemon = b->authority;
    char t[TLS_TOKEN_MAX];
    struct agent_frame f;
    struct tls_identity who;
    uint32_t count = 0;
    b->authority = cli;
    token(b, "*", false, 1, t);
    b->authority = daemon;
    assert_int_equal(join(b, NOW, t, "n1", &f), 0);
    X509 *x = cert_of(&f);
    assert_int_equal(authority_revoke(cli, NOW + 1, "n1", &b->err), 0); /* reads of it first */
    assert_int_equal(authority_refresh(daemon, &b->err), 0);
    expect_refused(b, check(b, NOW + 2, x, &who), "was revoked");
    assert_int_equal(authority_refresh(cli, &b->err), 0);
    const struct authority_token *tokens = authority_tokens(cli, &count);
    assert_int_equal(count, 1);
    assert_int_equal(tokens[0].used, 1);
    const struct authority_node *nodes = authority_nodes(cli, &count);
    assert_int_equal(count, 1);
    assert_string_equal(nodes[0].name, "n1");
    X509_free(x);
    authority_close(cli);
}

/* Whoever asks with a token at the same time as others: it is good once. */
static void a_token_of_one_use_serves_one_of_many_at_once(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    int served = 0;
    token(b, "*", false, 1, t);
    pid_t pid[8];
    for (int i = 0; i < 8; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0) {
            struct agent_frame f;
            b->authority = second_of(b);
            _exit(join(b, NOW, t, "n1", &f) == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < 8; i++) {
        int status = 0;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_true(WIFEXITED(status));
        served += WEXITSTATUS(status) == 0;
    }
    assert_int_equal(served, 1);
}

static void no_secret_is_on_disk_and_files_are_ours_alone(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX], path[128], text[4096] = "";
    struct tls_token read_t;
    struct stat st;
    token(b, "*", false, 1, t);
    assert_int_equal(tls_token_read(t, &read_t, NULL), 0);
    (void)snprintf(path, sizeof(path), "%s/agents-ca/list", b->dir);
    int fd = open(path, O_RDONLY);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    assert_int_equal(close(fd), 0);
    assert_non_null(strstr(text, read_t.id));
    assert_null(strstr(text, read_t.secret));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)snprintf(path, sizeof(path), "%s/agents-ca/ca.pem", b->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)snprintf(path, sizeof(path), "%s/agents-ca", b->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void what_others_could_read_or_write_is_not_used(void **state)
{
    struct bench *b = *state;
    char dir[96], path[128];
    struct authority *a = NULL;
    (void)snprintf(dir, sizeof(dir), "%s/agents-ca", b->dir);
    (void)snprintf(path, sizeof(path), "%s/ca.pem", dir);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(authority_open(dir, NOW, true, &a, &b->err), MW_EDENIED);
    assert_non_null(strstr(b->err.text, "chmod 600"));
    assert_int_equal(chmod(path, 0600), 0);
    (void)snprintf(path, sizeof(path), "%s/list", dir);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(authority_open(dir, NOW, true, &a, &b->err), MW_EDENIED);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(dir, 0770), 0);
    assert_int_equal(authority_open(dir, NOW, true, &a, &b->err), MW_EDENIED);
    assert_int_equal(authority_open("/nonexistent/place", NOW, false, &a, &b->err), MW_ENOTFOUND);
}

static void a_line_that_a_killed_writer_left_torn_harms_no_other(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX], path[128];
    struct agent_frame f;
    uint32_t count = 0;
    (void)snprintf(path, sizeof(path), "%s/agents-ca/list", b->dir);
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "revoked name=n", 14), 14);
    assert_int_equal(close(fd), 0);
    token(b, "*", false, 1, t);
    assert_int_equal(join(b, NOW, t, "n1", &f), 0);
    struct authority *second = second_of(b);
    const struct authority_node *nodes = authority_nodes(second, &count);
    assert_int_equal(count, 1);
    assert_string_equal(nodes[0].name, "n1");
    assert_int_equal(nodes[0].revoked_s, 0);
    authority_close(second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_token_gives_a_certificate_of_a_day_for_that_name_alone),
        TEST(a_token_is_good_for_what_it_says_and_no_more),
        TEST(a_token_ends_with_its_time_or_by_a_person),
        TEST(a_renewal_is_for_the_same_name_and_counts_from_now),
        TEST(a_revoked_node_is_refused_until_it_joins_again),
        TEST(a_certificate_of_another_ca_is_refused),
        TEST(the_daemons_own_certificate_speaks_for_no_node),
        TEST(two_processes_see_what_each_other_wrote),
        TEST(a_token_of_one_use_serves_one_of_many_at_once),
        TEST(no_secret_is_on_disk_and_files_are_ours_alone),
        TEST(what_others_could_read_or_write_is_not_used),
        TEST(a_line_that_a_killed_writer_left_torn_harms_no_other),
    };
    return cmocka_run_group_tests_name("live/authority", tests, NULL, NULL);
}
