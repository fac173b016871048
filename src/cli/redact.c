/* One walk over the text: at each place, does a secret begin here?  See redact.h. */
#include "cli/redact.h"

#include <string.h>
#include <strings.h>

/* A word of secrets, and where it ends. */
static bool in_word(char c)
{
    return c > ' ' && c < 127 && strchr("\"'`,;&)}]>", c) == NULL;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool begins(const char *at, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - at) >= n && strncasecmp(at, word, n) == 0;
}

static const char *word_end(const char *at, const char *end)
{
    while (at < end && in_word(*at))
        at++;
    return at;
}

/* A token ("mwt_…") or the link that logs in: ours by their beginning, wherever they stand. */
static const char *own_token(const char *at, const char *end)
{
    static const char *const mark[] = { "mwt_", "#/login/" };
    for (size_t i = 0; i < MW_ARRAY_LEN(mark); i++) {
        size_t n = strlen(mark[i]);
        const char *p = at + n;
        if (!begins(at, end, mark[i]))
            continue;
        while (p < end && (is_alnum(*p) || *p == '_' || *p == '-'))
            p++;
        if ((size_t)(p - at) >= n + 8)
            return p;
    }
    return NULL;
}

/* After a name that says that a secret follows: past ':', '=', blanks and quotes to the word.
 * Gives the word's beginning; NULL when none follows. */
static const char *after_name(const char *at, const char *end)
{
    static const char *const name[] = { "bearer", "authorization", "token", "password", "passwd",
                                        "secret", "api_key", "apikey", "api-key", "hmac_key",
                                        "private_key", "session", "cookie", "csrf" };
    for (size_t i = 0; i < MW_ARRAY_LEN(name); i++) {
        const char *p = at + strlen(name[i]);
        if (!begins(at, end, name[i]) || (p < end && (is_alnum(*p) || *p == '_')))
            continue;
        const char *from = p;
        while (p < end && strchr("\"' :=", *p) != NULL)
            p++;
        bool said = p > from && (strcasecmp(name[i], "bearer") == 0 ||
                                 memchr(from, '=', (size_t)(p - from)) != NULL ||
                                 memchr(from, ':', (size_t)(p - from)) != NULL);
        return said && p < end && in_word(*p) ? p : NULL;
    }
    return NULL;
}

/* "//user:password@": gives the end of the password. */
static const char *url_password(const char *at, const char *end)
{
    const char *p = at + 2, *colon = NULL;
    if (!begins(at, end, "//"))
        return NULL;
    for (; p < end && in_word(*p) && *p != '/' && *p != '@'; p++)
        if (*p == ':' && colon == NULL)
            colon = p;
    return p < end && *p == '@' && colon != NULL ? p : NULL;
}

static const char *private_key(const char *at, const char *end)
{
    static const char head[] = "-----BEGIN ", tail[] = "-----END ";
    if (!begins(at, end, head) ||
        memmem(at, (size_t)(end - at) < 64 ? (size_t)(end - at) : 64, "PRIVATE KEY", 11) == NULL)
        return NULL;
    const char *p = memmem(at, (size_t)(end - at), tail, sizeof(tail) - 1);
    return p != NULL ? p : end;
}

uint32_t redact(struct text *t, const char *s, size_t size)
{
    const char *end = s + size, *at = s;
    uint32_t taken = 0;
    must(t != NULL && (s != NULL || size == 0));
    while (at < end) {
        bool inside = at > s && (is_alnum(at[-1]) || at[-1] == '_');
        const char *over = own_token(at, end);
        const char *word = over == NULL && !inside ? after_name(at, end) : NULL;
        over = over ? over : url_password(at, end);
        over = over ? over : private_key(at, end);
        if (word != NULL) {
            text_add_n(t, at, (size_t)(word - at));
            /* "Authorization: Bearer word": the word after the scheme */
            if (begins(word, end, "bearer ") || begins(word, end, "basic ")) {
                const char *scheme = word_end(word, end);
                text_add_n(t, word, (size_t)(scheme - word) + 1);
                word = scheme + 1;
            }
            over = word_end(word, end);
        }
        if (over != NULL) {
            text_add(t, REDACTED);
            taken++;
            at = over;
        } else {
            text_add_n(t, at++, 1);
        }
    }
    return taken;
}
