/*
 * Browsers' sessions and the one-time codes that begin them: in memory, bounded,
 * gone with the daemon.  Words are kept as hashes, so that neither a dump of the
 * memory nor the time a comparison takes gives one away.  See access.h.
 */
#include "api/access_private.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

int access_code_new(struct access *a, char ret[ACCESS_WORD_MAX], struct mw_error *err)
{
    must(a != NULL && ret != NULL);
    int rc = access_word_make(ret, err);
    if (rc < 0)
        return rc;
    struct access_code *place = &a->code[0];
    for (uint32_t i = 1; i < ACCESS_CODES_MAX; i++)
        if (a->code[i].expires_ns < place->expires_ns)
            place = &a->code[i];
    access_hash(ret, place->hash);
    place->expires_ns = access_now_ns(a) + ACCESS_CODE_NS;
    return 0;
}

/* A place in the table: a free or ended one, else that of the session which ends first. */
static struct access_session *place_for(struct access *a, int64_t now_ns)
{
    struct access_session *place = &a->session[0];
    for (uint32_t i = 0; i < ACCESS_SESSIONS_MAX; i++) {
        struct access_session *s = &a->session[i];
        if (s->who.expires_ns <= now_ns)
            return s;
        if (s->who.expires_ns < place->who.expires_ns)
            place = s;
    }
    return place;
}

static int begin(struct access *a, const struct principal *who, char ret_word[ACCESS_WORD_MAX],
                 struct principal *ret, struct mw_error *err)
{
    struct principal p = *who;
    int64_t now_ns = access_now_ns(a);
    memset(p.csrf, 0, sizeof(p.csrf));
    int rc = access_word_make(ret_word, err);
    if (rc == 0)
        rc = access_word_make(p.csrf, err);
    if (rc < 0)
        return rc;
    p.via = ACCESS_VIA_SESSION;
    p.cookie = true;
    p.expires_ns = now_ns + ACCESS_SESSION_NS;
    (void)snprintf(p.id, sizeof(p.id), "s-%llu", (unsigned long long)++a->session_last);
    struct access_session *s = place_for(a, now_ns);
    access_hash(ret_word, s->hash);
    s->who = p;
    s->created_ns = now_ns;
    *ret = p;
    return 0;
}

int access_login(struct access *a, const char *code, char ret_session[ACCESS_WORD_MAX],
                 struct principal *ret, struct mw_error *err)
{
    uint8_t hash[MW_SHA256_SIZE];
    must(a != NULL && ret_session != NULL && ret != NULL);
    struct access_code *found = NULL;
    if (code != NULL && strnlen(code, ACCESS_WORD_MAX) == ACCESS_WORD_MAX - 1) {
        access_hash(code, hash);
        for (uint32_t i = 0; i < ACCESS_CODES_MAX; i++)
            if (a->code[i].expires_ns > access_now_ns(a) &&
                access_hash_equal(a->code[i].hash, hash))
                found = &a->code[i];
    }
    if (found == NULL)
        return mw_fail(err, MW_EDENIED, "the link was used already, or is older than ten minutes: "
                       "ask for a new one with mw token link");
    OPENSSL_cleanse(found, sizeof(*found));
    struct principal p = { .actor = ACCESS_ACTOR_USER + geteuid(), .roles = 1u << ROLE_ADMIN };
    memcpy(p.name, a->own_name, sizeof(p.name));
    return begin(a, &p, ret_session, ret, err);
}

static struct access_session *find_session(struct access *a, const char *word)
{
    uint8_t hash[MW_SHA256_SIZE];
    int64_t now_ns = access_now_ns(a);
    if (word == NULL || strnlen(word, ACCESS_WORD_MAX) != ACCESS_WORD_MAX - 1)
        return NULL;
    access_hash(word, hash);
    for (uint32_t i = 0; i < ACCESS_SESSIONS_MAX; i++)
        if (a->session[i].who.expires_ns > now_ns && access_hash_equal(a->session[i].hash, hash))
            return &a->session[i];
    return NULL;
}

int access_cookie(struct access *a, const char *session, struct principal *ret,
                  struct mw_error *err)
{
    must(a != NULL && ret != NULL);
    const struct access_session *s = find_session(a, session);
    if (s == NULL)
        return mw_fail(err, MW_EDENIED, "the session has ended: log in again");
    *ret = s->who;
    return 0;
}

void access_logout(struct access *a, const char *session)
{
    must(a != NULL);
    struct access_session *s = find_session(a, session);
    if (s != NULL)
        OPENSSL_cleanse(s, sizeof(*s));
}

bool access_session_end(struct access *a, const char *id)
{
    for (uint32_t i = 0; i < ACCESS_SESSIONS_MAX; i++) {
        struct access_session *s = &a->session[i];
        if (s->who.expires_ns == 0 || strcmp(s->who.id, id) != 0)
            continue;
        OPENSSL_cleanse(s, sizeof(*s));
        return true;
    }
    return false;
}

const struct access_session *access_session_at(const struct access *a, uint32_t nth)
{
    int64_t now_ns = access_now_ns(a);
    for (uint32_t i = 0; i < ACCESS_SESSIONS_MAX; i++)
        if (a->session[i].who.expires_ns > now_ns && nth-- == 0)
            return &a->session[i];
    return NULL;
}

struct numbering {
    const char *subject, *name;
    uint32_t actor;
};

static int number_person(struct access *a, struct access_file *f, void *ctx, struct mw_error *err)
{
    struct numbering *n = ctx;
    bool fresh = false;
    (void)a;
    return access_person_of(f, n->subject, n->name, &n->actor, &fresh, err);
}

int access_session_for(struct access *a, const char *subject, const struct principal *who,
                       char ret_session[ACCESS_WORD_MAX], struct principal *ret,
                       struct mw_error *err)
{
    must(a != NULL && subject != NULL && who != NULL && ret_session != NULL && ret != NULL);
    struct numbering n = { .subject = subject, .name = who->name };
    bool known = false;
    access_refresh(a);
    for (uint32_t i = 0; i < a->file.persons && !known; i++) {
        known = strcmp(a->file.person[i].subject, subject) == 0;
        n.actor = known ? a->file.person[i].actor : 0;
    }
    int rc = known ? 0 : access_change(a, number_person, &n, err); /* only the first time */
    if (rc < 0)
        return rc;
    struct principal p = *who;
    p.actor = n.actor;
    return begin(a, &p, ret_session, ret, err);
}
