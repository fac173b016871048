/* What each role permits, and what each principal sees.  See access.h. */
#include "api/access.h"

#include <string.h>

#include <openssl/crypto.h>

struct role {
    const char *word;
    uint32_t permits;
    const char *text;
};

static const struct role roles[ROLE_COUNT] = {
#define X(name, word_, permits_, text_) \
    [name] = { .word = (word_), .permits = (permits_), .text = (text_) },
    ACCESS_ROLES(X)
#undef X
};

static const char *const permission_words[PERM_COUNT] = {
    [PERM_PUBLIC] = "public",   [PERM_SESSION] = "session", [PERM_READ] = "read",
    [PERM_ORDERS] = "orders",   [PERM_OPERATE] = "operate",
    [PERM_APPROVE] = "approve", [PERM_REPLAY] = "replay",   [PERM_AUDIT] = "audit",
    [PERM_ADMIN] = "admin",     [PERM_METRICS] = "metrics",
};

const char *access_role_word(enum access_role role)
{
    must(role < ROLE_COUNT);
    return roles[role].word;
}

const char *access_role_text(enum access_role role)
{
    must(role < ROLE_COUNT);
    return roles[role].text;
}

uint32_t access_role_permits(enum access_role role)
{
    must(role < ROLE_COUNT);
    return roles[role].permits;
}

int access_role_of(const char *word)
{
    for (int r = 0; word != NULL && r < ROLE_COUNT; r++)
        if (strcmp(roles[r].word, word) == 0)
            return r;
    return -1;
}

const char *access_permission_word(enum permission perm)
{
    return perm >= PERM_PUBLIC && perm < PERM_COUNT ? permission_words[perm] : "";
}

bool access_may(const struct principal *p, enum permission perm)
{
    must(p != NULL && p->roles < 1u << ROLE_COUNT);
    if (perm < PERM_PUBLIC || perm >= PERM_COUNT)
        return false;
    uint32_t may = ACCESS_BIT(PERM_PUBLIC);
    for (uint32_t r = 0; r < ROLE_COUNT; r++)
        may |= (p->roles >> r & 1) != 0 ? roles[r].permits : 0;
    return (may & ACCESS_BIT(perm)) != 0;
}

bool access_sees_tenant(const struct principal *p, uint32_t tenant)
{
    must(p != NULL && p->tenants <= ACCESS_SCOPES_MAX);
    for (uint32_t i = 0; i < p->tenants; i++)
        if (p->tenant[i] == tenant)
            return true;
    return p->tenants == 0;
}

bool access_sees_hall(const struct principal *p, const char *hall)
{
    must(p != NULL && p->halls <= ACCESS_SCOPES_MAX);
    for (uint32_t i = 0; hall != NULL && i < p->halls; i++)
        if (strcmp(p->hall[i], hall) == 0)
            return true;
    return p->halls == 0;
}

bool access_sees_all(const struct principal *p)
{
    must(p != NULL);
    return p->tenants == 0 && p->halls == 0;
}

bool access_csrf_ok(const struct principal *p, const char *word)
{
    must(p != NULL);
    size_t n = strnlen(p->csrf, sizeof(p->csrf));
    return word != NULL && n > 0 && n < sizeof(p->csrf) && strlen(word) == n &&
           CRYPTO_memcmp(p->csrf, word, n) == 0;
}

json_t *access_roles_json(uint32_t held)
{
    json_t *list = json_array();
    for (uint32_t r = 0; r < ROLE_COUNT; r++)
        if ((held >> r & 1) != 0)
            (void)json_array_append_new(list, json_string(roles[r].word));
    return list;
}

json_t *access_permissions_json(const struct principal *p)
{
    json_t *list = json_array();
    for (enum permission perm = PERM_PUBLIC; perm < PERM_COUNT; perm++)
        if (access_may(p, perm))
            (void)json_array_append_new(list, json_string(permission_words[perm]));
    return list;
}
