/* The file of an identity provider: what may stand there, and whom its rows let in. */
#include "api/oidc_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

#define HEAD "issuer: https://id.example\nclient_id: mw\n"
#define ROWS                                                       \
    "grants:\n"                                                    \
    "  - {group: ops, roles: [operator, finance], halls: [h1]}\n" \
    "  - {group: acme, roles: [user], tenants: [7, 8]}\n"         \
    "  - {group: \"*\", roles: [viewer]}\n"

static int parse(const char *text, struct oidc_config *c, struct mw_error *err)
{
    return oidc_config_parse(text, strlen(text), "oidc.yaml", c, err);
}

static void a_file_is_read_with_its_defaults(void **state)
{
    struct oidc_config c;
    struct mw_error err;
    (void)state;
    assert_int_equal(parse(HEAD "console: https://mw.example\n" ROWS, &c, &err), 0);
    assert_string_equal(c.issuer, "https://id.example");
    assert_string_equal(c.console, "https://mw.example/");
    assert_string_equal(c.scopes, "openid profile email");
    assert_string_equal(c.claim, "groups");
    assert_string_equal(c.client_secret, "");
    assert_int_equal(c.grants, 3);
    assert_int_equal(c.grant[0].roles, 1u << ROLE_OPERATOR | 1u << ROLE_FINANCE);
    oidc_config_fini(&c);
}

static void the_first_row_that_fits_counts_alone(void **state)
{
    struct oidc_config c;
    struct mw_error err;
    struct principal p;
    (void)state;
    assert_int_equal(parse(HEAD ROWS, &c, &err), 0);
    json_t *claims = json_pack("{s:s, s:[s, s]}", "email", "ada@example", "groups", "acme", "ops");
    assert_int_equal(oidc_config_map(&c, claims, &p, &err), 0);
    assert_string_equal(p.name, "ada@example");
    assert_true(access_may(&p, PERM_OPERATE) && access_sees_hall(&p, "h1"));
    assert_false(access_sees_hall(&p, "h2")); /* viewer of all does not add up with it */
    assert_int_equal(p.tenants, 0);
    json_decref(claims);
    claims = json_pack("{s:s, s:s}", "sub", "bob", "groups", "acme"); /* one, as a text */
    assert_int_equal(oidc_config_map(&c, claims, &p, &err), 0);
    assert_true(access_sees_tenant(&p, 8) && !access_sees_tenant(&p, 9));
    json_decref(claims);
    claims = json_pack("{s:s}", "sub", "eve");
    assert_int_equal(oidc_config_map(&c, claims, &p, &err), 0);
    assert_int_equal(p.roles, 1u << ROLE_VIEWER);
    json_decref(claims);
    oidc_config_fini(&c);
}

static void nobody_of_no_group_comes_in(void **state)
{
    struct oidc_config c;
    struct mw_error err;
    struct principal p;
    (void)state;
    assert_int_equal(parse(HEAD "grants: [{group: ops, roles: [admin]}]\n", &c, &err), 0);
    json_t *claims = json_pack("{s:s, s:[s, i]}", "sub", "eve", "groups", "opsx", 1);
    assert_int_equal(oidc_config_map(&c, claims, &p, &err), MW_EDENIED);
    json_object_set_new(claims, "groups", json_string("*"));
    assert_int_equal(oidc_config_map(&c, claims, &p, &err), MW_EDENIED);
    json_object_set_new(claims, "groups", json_string("ops"));
    json_object_set_new(claims, "sub", json_string("a\nb")); /* a name that would forge a log */
    assert_int_equal(oidc_config_map(&c, claims, &p, &err), MW_EDENIED);
    json_decref(claims);
    oidc_config_fini(&c);
}

static void mistakes_are_named_with_file_line_and_key(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "client_id: mw\n" ROWS, "issuer" },
        { HEAD "client_secret: hunter2\n" ROWS, "oidc.yaml:3:1: " },
        { "issuer: http://id.example\nclient_id: mw\n" ROWS, "oidc.yaml:1:9: issuer" },
        { "issuer: http://localhost@id.example\nclient_id: mw\n" ROWS, "issuer" },
        { HEAD "scopes: profile email\n" ROWS, "openid" },
        { HEAD "grants: []\n", "grants" },
        { HEAD "grants: [{group: g, roles: [root]}]\n", "oidc.yaml:3:" },
        { HEAD "grants: [{group: g, roles: [user]}]\n", "tenants" },
        { HEAD "grants: [{roles: [viewer]}]\n", "group" },
        { "issuer: [", "oidc.yaml:" },
    };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        struct oidc_config c;
        struct mw_error err = { 0 };
        assert_int_equal(parse(bad[i].text, &c, &err), MW_ESYNTAX);
        assert_non_null(strstr(err.text, bad[i].says));
    }
}

static void put(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_secret_comes_from_a_file_of_its_owner_alone(void **state)
{
    char folder[] = "/tmp/mw-oidc-XXXXXX", file[64], secret[64];
    struct oidc_config c;
    struct mw_error err;
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof(file), "%s/oidc.yaml", folder);
    (void)snprintf(secret, sizeof(secret), "%s/secret", folder);
    put(file, HEAD "client_secret_file: secret\n" ROWS, 0644);
    assert_int_equal(oidc_config_read(file, &c, &err), MW_ENOTFOUND);
    put(secret, "hunter2\n", 0644);
    assert_int_equal(oidc_config_read(file, &c, &err), MW_EDENIED);
    assert_int_equal(chmod(secret, 0600), 0);
    assert_int_equal(oidc_config_read(file, &c, &err), 0);
    assert_string_equal(c.client_secret, "hunter2");
    oidc_config_fini(&c);
    put(secret, "\n", 0600);
    assert_int_equal(oidc_config_read(file, &c, &err), MW_EINVAL);
    assert_int_equal(unlink(secret) | unlink(file) | rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_with_its_defaults),
        cmocka_unit_test(the_first_row_that_fits_counts_alone),
        cmocka_unit_test(nobody_of_no_group_comes_in),
        cmocka_unit_test(mistakes_are_named_with_file_line_and_key),
        cmocka_unit_test(a_secret_comes_from_a_file_of_its_owner_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
