/* Tokens, sessions and codes: what holds them, what ends them, what is refused. */
#include "api/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/access_file.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"

struct lab {
    char folder[64], path[96];
    int64_t now_ns;
    struct access *access;
    struct mw_error err;
};

static int64_t lab_now(void *ctx)
{
    return ((struct lab *)ctx)->now_ns;
}

static struct access *open_access(struct lab *l)
{
    struct access *a = NULL;
    const struct access_options o = { .path = l->path, .now_ns = lab_now, .ctx = l };
    assert_int_equal(access_create(&o, &a, &l->err), 0);
    return a;
}

static int setup(void **state)
{
    struct lab *l = mw_calloc(1, sizeof(*l));
    assert_non_null(l);
    (void)snprintf(l->folder, sizeof(l->folder), "/tmp/mw-access-XXXXXX");
    assert_non_null(mkdtemp(l->folder));
    (void)snprintf(l->path, sizeof(l->path), "%s/access.json", l->folder);
    l->now_ns = INT64_C(1790000000) * MW_NS_PER_S;
    l->access = open_access(l);
    *state = l;
    return 0;
}

static int teardown(void **state)
{
    struct lab *l = *state;
    char lock[112];
    access_destroy(l->access);
    (void)snprintf(lock, sizeof(lock), "%s.lock", l->path);
    (void)unlink(lock);
    (void)unlink(l->path);
    (void)rmdir(l->folder);
    mw_free(l);
    return 0;
}

static const struct access_grant operator_grant = { .name = "ci", .roles = 1u << ROLE_OPERATOR };

static void make(struct lab *l, const struct access_grant *g, char token[ACCESS_TOKEN_MAX],
                 char id[ACCESS_ID_SIZE + 1])
{
    assert_int_equal(access_token_create(l->access, g, token, id, &l->err), 0);
}

static void a_token_names_its_holder_with_roles_and_scopes(void **state)
{
    struct lab *l = *state;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    struct principal p;
    const struct access_grant g = { .name = "acme", .roles = 1u << ROLE_USER, .tenants = 1,
                                    .tenant = { 7 }, .halls = 1, .hall = { "h1" } };
    make(l, &g, token, id);
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), 0);
    assert_string_equal(p.name, "acme");
    assert_int_equal(p.actor, ACCESS_ACTOR_FIRST);
    assert_true(access_may(&p, PERM_READ) && !access_may(&p, PERM_OPERATE));
    assert_true(access_sees_tenant(&p, 7) && !access_sees_tenant(&p, 8));
    assert_true(access_sees_hall(&p, "h1") && !access_sees_hall(&p, "h2"));
    assert_false(access_sees_all(&p));
    assert_int_equal(p.via, ACCESS_VIA_TOKEN);
    assert_false(p.cookie);
}

static void the_file_holds_no_secret_and_is_the_owners_alone(void **state)
{
    struct lab *l = *state;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    struct stat st;
    char *text = NULL;
    size_t size = 0;
    make(l, &operator_grant, token, id);
    assert_int_equal(stat(l->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(mw_read_file(l->path, 1 << 20, false, &text, &size, &l->err), 0);
    assert_non_null(strstr(text, id));
    assert_null(strstr(text, token));
    token[strlen(token) - 6] = '\0'; /* nor the secret without its checksum */
    assert_null(strstr(text, token + 4 + ACCESS_ID_SIZE + 1));
    mw_free(text);
}

static void any_changed_character_of_a_token_is_refused(void **state)
{
    struct lab *l = *state;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    struct principal p;
    make(l, &operator_grant, token, id);
    assert_int_equal(strlen(token), 62);
    for (size_t i = 0; i < strlen(token); i++) {
        char other[ACCESS_TOKEN_MAX];
        memcpy(other, token, sizeof(other));
        other[i] = other[i] == 'a' ? 'b' : 'a';
        assert_int_equal(access_bearer(l->access, other, &p, &l->err), MW_EDENIED);
    }
    token[61] = '\0';
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), MW_EDENIED);
    assert_int_equal(access_bearer(l->access, "", &p, &l->err), MW_EDENIED);
    assert_int_equal(access_bearer(l->access, NULL, &p, &l->err), MW_EDENIED);
}

static void a_revoked_token_is_refused_from_the_next_request_on(void **state)
{
    struct lab *l = *state;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    struct principal p;
    make(l, &operator_grant, token, id);
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), 0);
    assert_true(access_still(l->access, &p));
    struct access *other = open_access(l); /* as mw token revoke does, in its own process */
    assert_int_equal(access_token_revoke(other, id, &l->err), 0);
    access_destroy(other);
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), MW_EDENIED);
    assert_string_equal(l->err.text, "the token was revoked");
    assert_false(access_still(l->access, &p));
    assert_int_equal(access_token_revoke(l->access, "00000000", &l->err), MW_ENOTFOUND);
}

static void a_token_ends_when_it_expires(void **state)
{
    struct lab *l = *state;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    struct principal p;
    struct access_grant g = operator_grant;
    g.expires_ns = l->now_ns + MW_NS_PER_HOUR;
    make(l, &g, token, id);
    l->now_ns = g.expires_ns - 1;
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), 0);
    l->now_ns = g.expires_ns;
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), MW_EDENIED);
    assert_int_equal(access_token_create(l->access, &g, token, id, &l->err), MW_EINVAL);
}

static void numbers_of_actors_are_never_given_twice(void **state)
{
    struct lab *l = *state;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    struct principal p, q, again;
    char word[ACCESS_WORD_MAX];
    make(l, &operator_grant, token, id);
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), 0);
    assert_int_equal(access_token_revoke(l->access, id, &l->err), 0);
    make(l, &operator_grant, token, id);
    assert_int_equal(access_bearer(l->access, token, &q, &l->err), 0);
    assert_int_equal(q.actor, p.actor + 1);
    const struct principal ada = { .name = "ada", .roles = 1u << ROLE_VIEWER };
    assert_int_equal(access_session_for(l->access, "iss ada", &ada, word, &q, &l->err), 0);
    assert_int_equal(q.actor, p.actor + 2);
    access_destroy(l->access);
    l->access = open_access(l); /* a daemon's restart */
    assert_int_equal(access_mint_for(l->access, "iss ada", &ada, token, &again, &l->err), 0);
    assert_int_equal(again.actor, q.actor);
    assert_int_equal(access_mint_for(l->access, "iss bob", &ada, token, &again, &l->err), 0);
    assert_int_equal(again.actor, q.actor + 1);
}

static void a_minted_token_ends_after_a_shift_and_leaves_the_file(void **state)
{
    struct lab *l = *state;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    struct principal p;
    struct access_token t;
    const struct principal ada = { .name = "ada", .roles = 1u << ROLE_VIEWER };
    assert_int_equal(access_mint_for(l->access, "iss ada", &ada, token, &p, &l->err), 0);
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), 0);
    assert_true(access_token_at(l->access, 0, &t) && t.kind == ACCESS_LOGIN);
    l->now_ns += ACCESS_SESSION_NS;
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), MW_EDENIED);
    make(l, &operator_grant, token, id);
    assert_true(access_token_at(l->access, 0, &t) && t.kind == ACCESS_TOKEN);
    assert_false(access_token_at(l->access, 1, &t));
}

static void a_file_open_to_others_counts_for_nothing(void **state)
{
    struct lab *l = *state;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    struct principal p;
    make(l, &operator_grant, token, id);
    assert_int_equal(chmod(l->path, 0640), 0);
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), MW_EDENIED);
    assert_non_null(strstr(access_trouble(l->access), "open to other users"));
    struct access *other = NULL;
    const struct access_options o = { .path = l->path };
    assert_int_equal(access_create(&o, &other, &l->err), MW_EDENIED);
    assert_int_equal(chmod(l->path, 0600), 0);
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), 0);
    assert_null(access_trouble(l->access));
}

static void a_damaged_or_missing_file_gives_nobody_access(void **state)
{
    struct lab *l = *state;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    struct principal p;
    make(l, &operator_grant, token, id);
    assert_int_equal(truncate(l->path, 40), 0);
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), MW_EDENIED);
    assert_int_equal(access_token_create(l->access, &operator_grant, token, id, &l->err),
                     MW_ESYNTAX); /* and it is not written over */
    assert_int_equal(unlink(l->path), 0);
    assert_int_equal(access_bearer(l->access, token, &p, &l->err), MW_EDENIED);
    assert_string_equal(l->err.text, "the token is not known");
}

static void a_grant_says_who_and_what_or_is_refused(void **state)
{
    struct lab *l = *state;
    char token[ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    const struct access_grant bad[] = {
        { .name = "", .roles = 1u << ROLE_VIEWER },
        { .name = "x\ny", .roles = 1u << ROLE_VIEWER },
        { .name = "no role" },
        { .name = "user of no tenant", .roles = 1u << ROLE_USER },
        { .name = "no such role", .roles = 1u << ROLE_COUNT },
        { .name = "hall without name", .roles = 1u << ROLE_VIEWER, .halls = 1 },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        assert_int_equal(access_token_create(l->access, &bad[i], token, id, &l->err), MW_EINVAL);
}

static void a_link_logs_in_once_and_within_ten_minutes(void **state)
{
    struct lab *l = *state;
    char code[ACCESS_WORD_MAX], late[ACCESS_WORD_MAX], session[ACCESS_WORD_MAX];
    struct principal p, q;
    assert_int_equal(access_code_new(l->access, code, &l->err), 0);
    assert_int_equal(access_code_new(l->access, late, &l->err), 0);
    assert_int_equal(access_login(l->access, code, session, &p, &l->err), 0);
    assert_true(access_may(&p, PERM_ADMIN) && p.cookie);
    assert_int_equal(p.actor, ACCESS_ACTOR_USER + geteuid());
    assert_int_equal(access_login(l->access, code, session, &q, &l->err), MW_EDENIED);
    l->now_ns += ACCESS_CODE_NS;
    assert_int_equal(access_login(l->access, late, session, &q, &l->err), MW_EDENIED);
    assert_int_equal(access_login(l->access, "", session, &q, &l->err), MW_EDENIED);
    assert_int_equal(access_login(l->access, NULL, session, &q, &l->err), MW_EDENIED);
}

static void a_session_lasts_twelve_hours_or_until_logout(void **state)
{
    struct lab *l = *state;
    char code[ACCESS_WORD_MAX], session[ACCESS_WORD_MAX];
    struct principal p, q;
    assert_int_equal(access_code_new(l->access, code, &l->err), 0);
    assert_int_equal(access_login(l->access, code, session, &p, &l->err), 0);
    assert_int_equal(access_cookie(l->access, session, &q, &l->err), 0);
    assert_true(access_csrf_ok(&q, p.csrf) && access_still(l->access, &q));
    assert_false(access_csrf_ok(&q, session) || access_csrf_ok(&q, "") || access_csrf_ok(&q, NULL));
    access_logout(l->access, session);
    assert_int_equal(access_cookie(l->access, session, &q, &l->err), MW_EDENIED);
    assert_false(access_still(l->access, &p));
    assert_int_equal(access_code_new(l->access, code, &l->err), 0);
    assert_int_equal(access_login(l->access, code, session, &p, &l->err), 0);
    l->now_ns += ACCESS_SESSION_NS - 1;
    assert_int_equal(access_cookie(l->access, session, &q, &l->err), 0);
    l->now_ns += 1;
    assert_int_equal(access_cookie(l->access, session, &q, &l->err), MW_EDENIED);
    assert_false(access_still(l->access, &p));
}

static void sessions_are_bounded_and_listed_and_can_be_ended(void **state)
{
    struct lab *l = *state;
    char code[ACCESS_WORD_MAX], first[ACCESS_WORD_MAX] = "", session[ACCESS_WORD_MAX];
    struct principal p;
    struct access_token t;
    for (uint32_t i = 0; i < ACCESS_SESSIONS_MAX + 1; i++) {
        l->now_ns += 1;
        assert_int_equal(access_code_new(l->access, code, &l->err), 0);
        assert_int_equal(access_login(l->access, code, i == 0 ? first : session, &p, &l->err), 0);
    }
    assert_int_equal(access_cookie(l->access, first, &p, &l->err), MW_EDENIED);
    assert_int_equal(access_cookie(l->access, session, &p, &l->err), 0);
    uint32_t n = 0;
    while (access_token_at(l->access, n, &t))
        n++;
    assert_int_equal(n, ACCESS_SESSIONS_MAX);
    assert_int_equal(access_token_revoke(l->access, p.id, &l->err), 0);
    assert_int_equal(access_cookie(l->access, session, &p, &l->err), MW_EDENIED);
}

static void the_socket_is_for_the_daemons_user_and_root(void **state)
{
    struct lab *l = *state;
    struct principal p;
    assert_int_equal(access_unix(l->access, geteuid(), &p, &l->err), 0);
    assert_int_equal(p.actor, ACCESS_ACTOR_USER + geteuid());
    assert_true(access_may(&p, PERM_ADMIN));
    assert_int_equal(access_unix(l->access, 0, &p, &l->err), 0);
    assert_int_equal(access_unix(l->access, geteuid() + 4711, &p, &l->err), MW_EDENIED);
}

static void each_role_may_what_the_contract_says(void **state)
{
    /* viewer user technician operator finance auditor admin */
    static const char *const may[PERM_COUNT] = {
        [PERM_PUBLIC] = "1111111",  [PERM_SESSION] = "1111111", [PERM_READ] = "1111111",
        [PERM_ORDERS] = "0011001",  [PERM_OPERATE] = "0001001",
        [PERM_APPROVE] = "0001001", [PERM_REPLAY] = "0001001",  [PERM_AUDIT] = "0000011",
        [PERM_ADMIN] = "0000001",   [PERM_METRICS] = "1011111",
    };
    (void)state;
    const struct principal nobody = { 0 };
    for (enum permission perm = PERM_PUBLIC; perm < PERM_COUNT; perm++) {
        assert_int_equal(access_may(&nobody, perm), perm == PERM_PUBLIC);
        for (uint32_t r = 0; r < ROLE_COUNT; r++) {
            const struct principal p = { .roles = 1u << r };
            assert_int_equal(access_may(&p, perm), may[perm][r] == '1');
        }
    }
    assert_int_equal(access_role_of("finance"), ROLE_FINANCE);
    assert_int_equal(access_role_of("root"), -1);
}

static void two_writers_lose_nothing(void **state)
{
    struct lab *l = *state;
    char token[2][ACCESS_TOKEN_MAX], id[ACCESS_ID_SIZE + 1];
    struct principal p;
    struct access *other = open_access(l);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(access_token_create(l->access, &operator_grant, token[0], id, &l->err), 0);
        assert_int_equal(access_token_create(other, &operator_grant, token[1], id, &l->err), 0);
        assert_int_equal(access_bearer(other, token[0], &p, &l->err), 0);
        assert_int_equal(access_bearer(l->access, token[1], &p, &l->err), 0);
    }
    struct access_token t;
    assert_true(access_token_at(l->access, 19, &t) && !access_token_at(l->access, 20, &t));
    access_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_token_names_its_holder_with_roles_and_scopes),
        TEST(the_file_holds_no_secret_and_is_the_owners_alone),
        TEST(any_changed_character_of_a_token_is_refused),
        TEST(a_revoked_token_is_refused_from_the_next_request_on),
        TEST(a_token_ends_when_it_expires),
        TEST(numbers_of_actors_are_never_given_twice),
        TEST(a_minted_token_ends_after_a_shift_and_leaves_the_file),
        TEST(a_file_open_to_others_counts_for_nothing),
        TEST(a_damaged_or_missing_file_gives_nobody_access),
        TEST(a_grant_says_who_and_what_or_is_refused),
        TEST(a_link_logs_in_once_and_within_ten_minutes),
        TEST(a_session_lasts_twelve_hours_or_until_logout),
        TEST(sessions_are_bounded_and_listed_and_can_be_ended),
        TEST(the_socket_is_for_the_daemons_user_and_root),
        TEST(two_writers_lose_nothing),
        cmocka_unit_test(each_role_may_what_the_contract_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
