/*
 * The uplink against the real listener, over mutual TLS.  What would break for the
 * user: a stranger who is believed, an agent that goes silent because its certificate
 * ended, a token that is good for a thief.
 */
#include "live/uplink_testing.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

static void a_node_joins_and_is_heard_over_tls(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX], path[128];
    struct stat st;
    token(b, "n*", false, 1, t);
    if (join_as(b, "n1", false, t, b->state) != 0)
        fail_msg("%s", b->err.text);
    (void)snprintf(path, sizeof(path), "%s/node.pem", b->state);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    link_up(b, b->state);
    kmsg(b, 1);
    turn_until(b, b->events == 1);
    ack(b, 1);
    turn_until(b, spool_unacked(b->uplink.spool) == 0);
    assert_int_equal(b->peer, 1);
    send_samples(b);
}

static void over_tls_nothing_is_lost_either_when_the_daemon_dies(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    token(b, "n*", false, 1, t);
    assert_int_equal(join_as(b, "n1", false, t, b->state), 0);
    link_up(b, b->state);
    kmsg(b, 1);
    turn_until(b, b->events == 1);
    daemon_dies(b);
    kmsg(b, 2);
    turn_until(b, !uplink_is_up(&b->uplink));
    daemon_begins(b);
    turn_until(b, b->events == 3);
    assert_string_equal(b->text, "xid-1,xid-1,xid-2,");
}

static void a_token_is_not_said_to_another_daemon(void **state)
{
    struct bench *b = *state;
    struct authority *ours = b->authority, *other = NULL;
    char dir[96], t[TLS_TOKEN_MAX];
    uint32_t count = 0;
    (void)snprintf(dir, sizeof(dir), "%s/other", b->dir);
    assert_int_equal(authority_open(dir, time(NULL), true, &other, &b->err), 0);
    b->authority = other;
    token(b, "*", false, 1, t); /* of the other */
    b->authority = ours;
    assert_int_equal(join_as(b, "n1", false, t, b->state), MW_EDENIED);
    expect_said(b->err.text, "not the daemon that made this token");
    assert_int_equal(listener_stats(b->listener).refused_join, 0); /* it heard nothing */
    assert_int_equal(authority_refresh(other, &b->err), 0);
    assert_int_equal(authority_tokens(other, &count)->used, 0);
    authority_close(other);
}

static void a_token_that_was_used_up_or_is_for_others_is_refused(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    token(b, "n[12]", false, 1, t);
    assert_int_equal(join_as(b, "n3", false, t, b->state), MW_EDENIED);
    expect_said(b->err.text, "for names like n[12], not for n3");
    assert_int_equal(join_as(b, "n1", false, t, b->state), 0);
    assert_int_equal(join_as(b, "n2", false, t, b->state), MW_EDENIED);
    expect_said(b->err.text, "used up");
    assert_int_equal(listener_stats(b->listener).joined, 1);
    assert_int_equal(listener_stats(b->listener).refused_join, 2);
}

static void a_certificate_speaks_for_its_own_name_alone(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    token(b, "*", false, 1, t);
    assert_int_equal(join_as(b, "n1", false, t, b->state), 0);
    assert_int_equal(link_as(b, "n2", false, b->state), MW_ECONFLICT); /* it says so itself */
    expect_said(b->err.text, "is for \"n1\"");
    /* One that lies about itself: */
    link_up(b, b->state);
    memcpy(b->uplink.hello.name, "n2", 3);
    turn_until(b, uplink_stats(&b->uplink).refused == 1);
    expect_said(b->uplink.trouble, "for \"n1\", not for \"n2\"");
}

static void an_agents_certificate_makes_no_gatherer(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX], dir[128];
    token(b, "*", false, 1, t);
    assert_int_equal(join_as(b, "n1", false, t, b->state), 0);
    assert_int_equal(link_as(b, "n1", true, b->state), 0);
    turn_until(b, uplink_stats(&b->uplink).refused == 1);
    expect_said(b->uplink.trouble, "an agent's, not a gatherer's");
    uplink_fini(&b->uplink);
    b->linked = false;
    token(b, "*", true, 1, t);
    (void)snprintf(dir, sizeof(dir), "%s/g", b->dir);
    assert_int_equal(join_as(b, "g1", true, t, dir), 0);
    assert_int_equal(link_as(b, "g1", true, dir), 0);
    turn_until(b, uplink_is_up(&b->uplink));
    assert_int_equal(b->peer, NODES);
}

static void without_a_certificate_there_is_no_hello(void **state)
{
    struct bench *b = *state;
    assert_int_equal(link_as(b, "n1", false, b->state), MW_ENOTFOUND);
    expect_said(b->err.text, "mw-agent join");
    link_up(b, NULL); /* in plain text to a daemon that speaks TLS */
    turn_until(b, strstr(b->uplink.trouble, "joins first") != NULL);
    assert_int_equal(b->hello_e, 0);
}

static void a_revoked_node_is_cut_off_and_stays_refused(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    token(b, "*", false, 0, t);
    assert_int_equal(join_as(b, "n1", false, t, b->state), 0);
    link_up(b, b->state);
    turn_until(b, uplink_is_up(&b->uplink));
    assert_int_equal(authority_revoke(b->authority, time(NULL), "n1", &b->err), 0);
    turn_until(b, uplink_stats(&b->uplink).refused == 1);
    expect_said(b->uplink.trouble, "revoked");
    assert_int_equal(listener_stats(b->listener).dropped_revoked, 1);
    b->uplink.due_ms = 0; /* not in ten seconds */
    turn_until(b, uplink_stats(&b->uplink).refused == 2);
    expect_said(b->uplink.trouble, "revoked");
}

/* A certificate of this node, made in the past by the same CA, with the key of the folder. */
static void age(struct bench *b, int64_t by_s)
{
    struct tls_identity who;
    struct agent_frame renew = { .verb = AGENT_RENEW }, cert;
    X509 *old = NULL, *new = NULL;
    EVP_PKEY *key = NULL;
    assert_int_equal(tls_cert_read(b->state, TLS_PAIR_FILE, &old, &b->err), 0);
    assert_int_equal(tls_key_read(b->state, TLS_PAIR_FILE, &key, &b->err), 0);
    assert_int_equal(tls_identity_of(old, &who, &b->err), 0);
    assert_int_equal(tls_request(key, who.name, false, renew.text, sizeof(renew.text), NULL), 0);
    assert_int_equal(authority_renew(b->authority, time(NULL) - by_s, &who, &renew, &cert,
                                     &b->err), 0);
    assert_int_equal(tls_cert_from_base64(cert.text, &new, &b->err), 0);
    assert_int_equal(tls_pair_write(b->state, TLS_PAIR_FILE, key, new, &b->err), 0);
    X509_free(old);
    X509_free(new);
    EVP_PKEY_free(key);
}

static void an_ended_certificate_is_refused_with_what_to_do(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    token(b, "*", false, 0, t);
    assert_int_equal(join_as(b, "n1", false, t, b->state), 0);
    age(b, AUTHORITY_LEAF_S + 60);
    link_up(b, b->state);
    turn_until(b, uplink_stats(&b->uplink).refused == 1);
    expect_said(b->uplink.trouble, "has ended");
    expect_said(b->uplink.trouble, "join again");
}

static void a_certificate_is_renewed_over_the_connection_that_stands(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    struct tls_identity who;
    X509 *cert = NULL;
    token(b, "*", false, 0, t);
    assert_int_equal(join_as(b, "n1", false, t, b->state), 0);
    age(b, AUTHORITY_LEAF_S * 2 / 3 + 60);
    link_up(b, b->state);
    turn_until(b, uplink_stats(&b->uplink).renewals == 1);
    assert_true(uplink_is_up(&b->uplink));
    assert_int_equal(uplink_stats(&b->uplink).connects, 1);
    assert_int_equal(b->lost, 0);
    assert_int_equal(tls_cert_read(b->state, TLS_PAIR_FILE, &cert, &b->err), 0);
    assert_int_equal(tls_identity_of(cert, &who, &b->err), 0);
    assert_true(who.ends_s > time(NULL) + AUTHORITY_LEAF_S - 60);
    X509_free(cert);
    daemon_dies(b); /* the next connection is made with it */
    turn_until(b, !uplink_is_up(&b->uplink));
    daemon_begins(b);
    turn_until(b, uplink_is_up(&b->uplink));
    turn_until(b, listener_stats(b->listener).renewed == 0);
}

static void a_certificate_that_is_young_is_not_renewed(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    int64_t skew_us, error_us;
    token(b, "*", false, 0, t);
    assert_int_equal(join_as(b, "n1", false, t, b->state), 0);
    age(b, AUTHORITY_LEAF_S * 2 / 3 - 600);
    link_up(b, b->state);
    turn_until(b, uplink_skew(&b->uplink, &skew_us, &error_us)); /* ticks went by while up */
    assert_int_equal(listener_stats(b->listener).renewed, 0);
}

static void a_key_that_others_can_read_is_not_used(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX], path[128];
    token(b, "*", false, 0, t);
    assert_int_equal(join_as(b, "n1", false, t, b->state), 0);
    (void)snprintf(path, sizeof(path), "%s/node.pem", b->state);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(link_as(b, "n1", false, b->state), MW_EDENIED);
    expect_said(b->err.text, "chmod 600");
}

static void another_daemon_with_the_same_address_is_not_believed(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX], dir[96];
    token(b, "*", false, 0, t);
    assert_int_equal(join_as(b, "n1", false, t, b->state), 0);
    daemon_dies(b);
    authority_close(b->authority);
    (void)snprintf(dir, sizeof(dir), "%s/other", b->dir);
    assert_int_equal(authority_open(dir, time(NULL), true, &b->authority, &b->err), 0);
    daemon_begins(b);
    link_up(b, b->state);
    turn_until(b, strstr(b->uplink.trouble, "not of the CA") != NULL);
    assert_int_equal(b->hello_e, 0);
}

/* The other side of a TLS connection speaks with a node's certificate. */
static void a_node_cannot_pass_for_the_daemon(void **state)
{
    struct bench *b = *state;
    char t[TLS_TOKEN_MAX];
    X509 *cert = NULL, *ca = NULL;
    SSL_CTX *client = NULL;
    token(b, "*", false, 0, t);
    assert_int_equal(join_as(b, "n1", false, t, b->state), 0);
    assert_int_equal(tls_cert_read(b->state, TLS_PAIR_FILE, &cert, &b->err), 0);
    assert_int_equal(tls_cert_read(b->state, TLS_CA_FILE, &ca, &b->err), 0);
    assert_int_equal(tls_context(false, &client, &b->err), 0);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(client), ca), 1);
    X509_STORE_CTX *c = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_CTX_init(c, SSL_CTX_get_cert_store(client), cert, NULL), 1);
    assert_int_equal(X509_STORE_CTX_set_default(c, "ssl_server"), 1); /* as a client checks it */
    assert_int_not_equal(X509_verify_cert(c), 1);
    assert_int_equal(X509_STORE_CTX_get_error(c), X509_V_ERR_INVALID_PURPOSE);
    X509_STORE_CTX_free(c);
    SSL_CTX_free(client);
    X509_free(cert);
    X509_free(ca);
}

int main(void)
{
#define TLS(name) cmocka_unit_test_setup_teardown(name, setup_tls, teardown)
    const struct CMUnitTest tests[] = {
        TLS(a_node_joins_and_is_heard_over_tls),
        TLS(over_tls_nothing_is_lost_either_when_the_daemon_dies),
        TLS(a_token_is_not_said_to_another_daemon),
        TLS(a_token_that_was_used_up_or_is_for_others_is_refused),
        TLS(a_certificate_speaks_for_its_own_name_alone),
        TLS(an_agents_certificate_makes_no_gatherer),
        TLS(without_a_certificate_there_is_no_hello),
        TLS(a_revoked_node_is_cut_off_and_stays_refused),
        TLS(an_ended_certificate_is_refused_with_what_to_do),
        TLS(a_certificate_is_renewed_over_the_connection_that_stands),
        TLS(a_certificate_that_is_young_is_not_renewed),
        TLS(a_key_that_others_can_read_is_not_used),
        TLS(another_daemon_with_the_same_address_is_not_believed),
        TLS(a_node_cannot_pass_for_the_daemon),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("live/uplink_tls", tests, NULL, NULL);
}
