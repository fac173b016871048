/*
 * The access file's JSON.  Every key is checked when it is read: a file that a
 * person mended by hand and got wrong is refused whole, with the place.
 */
#include "api/access_json.h"

#include <string.h>

#include "base/format.h"
#include "base/parse.h"

#define FORMAT "millwright access 1"

json_t *access_tenants_json(const uint32_t *tenant, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        (void)json_array_append_new(list, json_integer(tenant[i]));
    return list;
}

json_t *access_halls_json(const char (*hall)[64], uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        (void)json_array_append_new(list, json_string(hall[i]));
    return list;
}

json_t *access_time_json(int64_t time_ns)
{
    char text[40];
    if (time_ns == 0)
        return json_null();
    mw_format_time(time_ns, text, sizeof(text));
    return json_string(text);
}

/* ---- writing ------------------------------------------------------------------------------- */

static json_t *token_json(const struct access_record *t)
{
    char hash[MW_HEX256_MAX];
    const struct access_grant *g = &t->grant;
    mw_hex256(t->hash, hash);
    return json_pack("{s:s, s:s, s:s, s:b, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "id", t->id, "name",
                     g->name, "sha256", hash, "login", (int)t->login, "actor",
                     (json_int_t)t->actor, "roles", access_roles_json(g->roles), "tenants",
                     access_tenants_json(g->tenant, g->tenants), "halls",
                     access_halls_json(g->hall, g->halls), "created",
                     access_time_json(t->created_ns), "expires", access_time_json(g->expires_ns),
                     "revoked", access_time_json(t->revoked_ns));
}

char *access_file_text(const struct access_file *f)
{
    json_t *tokens = json_array(), *people = json_array();
    bool good = tokens != NULL && people != NULL;
    for (uint32_t i = 0; good && i < f->tokens; i++)
        good = json_array_append_new(tokens, token_json(&f->token[i])) == 0;
    for (uint32_t i = 0; good && i < f->persons; i++) {
        const struct access_person *p = &f->person[i];
        good = json_array_append_new(people, json_pack("{s:s, s:s, s:I}", "subject", p->subject,
                                                       "name", p->name, "actor",
                                                       (json_int_t)p->actor)) == 0;
    }
    json_t *o = json_pack("{s:s, s:I, s:o, s:o}", "format", FORMAT, "next_actor",
                          (json_int_t)f->next_actor, "tokens", tokens, "people", people);
    char *text = good && o != NULL ? json_dumps(o, JSON_INDENT(1)) : NULL;
    json_decref(o);
    return text;
}

/* ---- reading ------------------------------------------------------------------------------- */

static int read_text(const json_t *o, const char *key, char *ret, size_t room, struct mw_error *err)
{
    const json_t *v = json_object_get(o, key);
    size_t n = json_string_length(v);
    if (!json_is_string(v) || n == 0 || n >= room || strlen(json_string_value(v)) != n)
        return mw_fail(err, MW_EINVAL, "%s: must be a text of 1 to %zu bytes", key, room - 1);
    memcpy(ret, json_string_value(v), n + 1);
    for (const char *c = ret; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return mw_fail(err, MW_EINVAL, "%s: must hold no control characters", key);
    return 0;
}

static int read_number(const json_t *o, const char *key, json_int_t min, uint32_t *ret,
                       struct mw_error *err)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > UINT32_MAX)
        return mw_fail(err, MW_EINVAL, "%s: must be a number from %lld to %u", key, (long long)min,
                       UINT32_MAX);
    *ret = (uint32_t)json_integer_value(v);
    return 0;
}

/* null and an absent key are 0. */
static int read_time(const json_t *o, const char *key, int64_t *ret_ns, struct mw_error *err)
{
    const json_t *v = json_object_get(o, key);
    *ret_ns = 0;
    if (v == NULL || json_is_null(v))
        return 0;
    if (!json_is_string(v) || mw_parse_time(json_string_value(v), ret_ns) < 0 || *ret_ns <= 0)
        return mw_fail(err, MW_EINVAL, "%s: must be a time like 2027-01-31T00:00:00Z, or null",
                       key);
    return 0;
}

static int read_hash(const json_t *o, uint8_t ret[MW_SHA256_SIZE], struct mw_error *err)
{
    static const char hex[] = "0123456789abcdef";
    const json_t *v = json_object_get(o, "sha256");
    const char *s = json_string_value(v);
    bool good = s != NULL && json_string_length(v) == (size_t)2 * MW_SHA256_SIZE;
    for (size_t i = 0; good && i < MW_SHA256_SIZE; i++) {
        const char *high = s[2 * i] != '\0' ? strchr(hex, s[2 * i]) : NULL;
        const char *low = s[2 * i + 1] != '\0' ? strchr(hex, s[2 * i + 1]) : NULL;
        good = high != NULL && low != NULL;
        if (good)
            ret[i] = (uint8_t)((high - hex) << 4 | (low - hex));
    }
    return good ? 0 : mw_fail(err, MW_EINVAL, "sha256: must be 64 hex digits");
}

/* A list of at most `most` items; NULL with err filled; an absent one is *ret_absent. */
static int read_list(const json_t *o, const char *key, size_t most, const json_t **ret,
                     struct mw_error *err)
{
    const json_t *v = json_object_get(o, key);
    *ret = v;
    if (v == NULL || json_is_null(v))
        *ret = NULL;
    else if (!json_is_array(v) || json_array_size(v) > most)
        return mw_fail(err, MW_EINVAL, "%s: must be a list of at most %zu", key, most);
    return 0;
}

static int read_roles(const json_t *o, uint32_t *ret, struct mw_error *err)
{
    const json_t *list = NULL;
    int rc = read_list(o, "roles", ROLE_COUNT, &list, err);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        int role = access_role_of(word);
        if (role < 0)
            rc = mw_fail(err, MW_EINVAL, "roles: there is no role \"%.40s\"; there are viewer, "
                         "user, technician, operator, finance, auditor and admin",
                         word != NULL ? word : "(not a text)");
        else
            *ret |= 1u << role;
    }
    return rc;
}

static int read_scopes(const json_t *o, struct access_grant *g, struct mw_error *err)
{
    const json_t *tenants = NULL, *halls = NULL;
    int rc = read_list(o, "tenants", ACCESS_SCOPES_MAX, &tenants, err);
    for (size_t i = 0; rc == 0 && i < json_array_size(tenants); i++) {
        const json_t *v = json_array_get(tenants, i);
        json_int_t n = json_integer_value(v);
        if (!json_is_integer(v) || n < 0 || n > UINT32_MAX)
            return mw_fail(err, MW_EINVAL, "tenants: must be numbers of tenants");
        g->tenant[g->tenants++] = (uint32_t)n;
    }
    if (rc == 0)
        rc = read_list(o, "halls", ACCESS_SCOPES_MAX, &halls, err);
    for (size_t i = 0; rc == 0 && i < json_array_size(halls); i++) {
        const json_t *v = json_array_get(halls, i);
        size_t n = json_string_length(v);
        if (!json_is_string(v) || n == 0 || n >= sizeof(g->hall[0]))
            return mw_fail(err, MW_EINVAL, "halls: must be names of 1 to %zu bytes",
                           sizeof(g->hall[0]) - 1);
        memcpy(g->hall[g->halls++], json_string_value(v), n);
    }
    return rc;
}

int access_grant_read(const json_t *o, struct access_grant *ret, struct mw_error *err)
{
    must(o != NULL && ret != NULL);
    *ret = (struct access_grant){ 0 };
    int rc = read_text(o, "name", ret->name, sizeof(ret->name), err);
    if (rc == 0)
        rc = read_roles(o, &ret->roles, err);
    if (rc == 0)
        rc = read_scopes(o, ret, err);
    if (rc == 0)
        rc = read_time(o, "expires", &ret->expires_ns, err);
    return rc == 0 ? access_grant_check(ret, err) : rc;
}

static int read_token(const json_t *o, struct access_file *f, struct mw_error *err)
{
    struct access_record *t = access_file_add_token(f, err);
    if (t == NULL)
        return err != NULL ? err->code : MW_ENOMEM;
    int rc = read_text(o, "id", t->id, sizeof(t->id), err);
    if (rc == 0 && strlen(t->id) != ACCESS_ID_SIZE)
        rc = mw_fail(err, MW_EINVAL, "id: must have %d characters", ACCESS_ID_SIZE);
    if (rc == 0)
        rc = read_hash(o, t->hash, err);
    if (rc == 0)
        rc = read_number(o, "actor", ACCESS_ACTOR_FIRST, &t->actor, err);
    if (rc == 0)
        rc = access_grant_read(o, &t->grant, err);
    if (rc == 0)
        rc = read_time(o, "created", &t->created_ns, err);
    if (rc == 0)
        rc = read_time(o, "revoked", &t->revoked_ns, err);
    t->login = json_is_true(json_object_get(o, "login"));
    if (rc == 0 && t->actor >= f->next_actor)
        rc = mw_fail(err, MW_EINVAL, "actor: %u is not below next_actor", t->actor);
    return rc;
}

static int read_person(const json_t *o, struct access_file *f, struct mw_error *err)
{
    struct access_person *p = access_file_add_person(f, err);
    if (p == NULL)
        return err != NULL ? err->code : MW_ENOMEM;
    int rc = read_text(o, "subject", p->subject, sizeof(p->subject), err);
    if (rc == 0)
        rc = read_text(o, "name", p->name, sizeof(p->name), err);
    if (rc == 0)
        rc = read_number(o, "actor", ACCESS_ACTOR_FIRST, &p->actor, err);
    if (rc == 0 && p->actor >= f->next_actor)
        rc = mw_fail(err, MW_EINVAL, "actor: %u is not below next_actor", p->actor);
    return rc;
}

typedef int read_fn(const json_t *o, struct access_file *f, struct mw_error *err);

static int read_all(const json_t *o, const char *key, read_fn *one, struct access_file *f,
                    struct mw_error *err)
{
    const json_t *list = json_object_get(o, key);
    if (!json_is_array(list))
        return mw_fail(err, MW_EINVAL, "%s: must be a list", key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        int rc = one(json_array_get(list, i), f, err);
        if (rc < 0) {
            (void)mw_fail_prefix(err, "%s[%zu]", key, i);
            return rc;
        }
    }
    return 0;
}

static int read_file(const json_t *o, struct access_file *f, struct mw_error *err)
{
    const char *format = json_string_value(json_object_get(o, "format"));
    if (format == NULL || strcmp(format, FORMAT) != 0)
        return mw_fail(err, MW_EVERSION, "this is no access file (format is not \"%s\")", FORMAT);
    int rc = read_number(o, "next_actor", ACCESS_ACTOR_FIRST, &f->next_actor, err);
    if (rc == 0)
        rc = read_all(o, "tokens", read_token, f, err);
    return rc == 0 ? read_all(o, "people", read_person, f, err) : rc;
}

int access_file_parse(const char *text, size_t size, struct access_file *f, struct mw_error *err)
{
    json_error_t at;
    struct mw_error mine = { 0 };
    must(text != NULL && f != NULL && f->tokens == 0 && f->persons == 0);
    json_t *o = json_loadb(text, size, JSON_REJECT_DUPLICATES, &at);
    if (o == NULL)
        return mw_fail(err, MW_ESYNTAX, "line %d, column %d: %s", at.line, at.column, at.text);
    int rc = read_file(o, f, err != NULL ? err : &mine);
    json_decref(o);
    if (rc < 0)
        access_file_fini(f);
    return rc;
}
