/* Tokens against the access file.  Sessions are in access_session.c.  See access.h. */
#include "api/access_private.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/format.h"
#include "base/mem.h"
#include "base/units.h"

int64_t access_now_ns(const struct access *a)
{
    struct timespec t;
    if (a->options.now_ns != NULL)
        return a->options.now_ns(a->options.ctx);
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

static bool same_stamp(const struct access_stamp *a, const struct access_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

void access_refresh(struct access *a)
{
    struct access_stamp now;
    if (a->path == NULL)
        return;
    (void)access_file_stamp(a->path, &now);
    if (same_stamp(&now, &a->stamp) && !a->broken)
        return;
    /* One that was broken is read each time: what was wrong may be a mode, which a stamp shows,
     * or a folder's, which none does. */
    a->broken = access_file_load(a->path, &a->file, &a->stamp, &a->trouble) < 0;
}

const char *access_trouble(struct access *a)
{
    must(a != NULL);
    access_refresh(a);
    return a->broken ? a->trouble.text : NULL;
}

static void own_name(char ret[ACCESS_NAME_MAX])
{
    struct passwd pw, *found = NULL;
    char room[4096];
    if (getpwuid_r(geteuid(), &pw, room, sizeof(room), &found) == 0 && found != NULL &&
        pw.pw_name[0] != '\0')
        (void)snprintf(ret, ACCESS_NAME_MAX, "%s", pw.pw_name);
    else
        (void)snprintf(ret, ACCESS_NAME_MAX, "uid %u", (unsigned)geteuid());
}

int access_create(const struct access_options *o, struct access **ret, struct mw_error *err)
{
    must(o != NULL && ret != NULL);
    struct access *a = mw_calloc(1, sizeof(*a));
    if (a == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    a->options = *o;
    access_file_init(&a->file);
    own_name(a->own_name);
    a->session = mw_calloc(ACCESS_SESSIONS_MAX, sizeof(*a->session));
    a->path = o->path != NULL ? mw_strdup(o->path) : NULL;
    int rc = a->session == NULL || (o->path != NULL && a->path == NULL)
                 ? mw_fail(err, MW_ENOMEM, "out of memory")
                 : 0;
    if (rc == 0 && a->path != NULL)
        rc = access_file_load(a->path, &a->file, &a->stamp, err);
    if (rc < 0) {
        access_destroy(a);
        return rc;
    }
    *ret = a;
    return 0;
}

void access_destroy(struct access *a)
{
    if (a == NULL)
        return;
    if (a->session != NULL)
        OPENSSL_cleanse(a->session, ACCESS_SESSIONS_MAX * sizeof(*a->session));
    mw_free(a->session);
    access_file_fini(&a->file);
    mw_free(a->path);
    mw_free(a);
}

/* ---- who asks ------------------------------------------------------------------------------ */

void access_principal_of(const struct access_record *t, struct principal *ret)
{
    const struct access_grant *g = &t->grant;
    *ret = (struct principal){ .actor = t->actor, .roles = g->roles, .tenants = g->tenants,
                               .halls = g->halls, .via = ACCESS_VIA_TOKEN,
                               .expires_ns = g->expires_ns };
    memcpy(ret->name, g->name, sizeof(ret->name));
    memcpy(ret->tenant, g->tenant, sizeof(ret->tenant));
    memcpy(ret->hall, g->hall, sizeof(ret->hall));
    memcpy(ret->id, t->id, sizeof(t->id));
}

static const struct access_record *find(const struct access *a, const char *id)
{
    for (uint32_t i = 0; i < a->file.tokens; i++)
        if (strcmp(a->file.token[i].id, id) == 0)
            return &a->file.token[i];
    return NULL;
}

/* NULL: good. */
static const char *why_not(const struct access_record *t, int64_t now_ns)
{
    if (t == NULL)
        return "the token is not known";
    if (t->revoked_ns != 0)
        return "the token was revoked";
    if (t->grant.expires_ns != 0 && t->grant.expires_ns <= now_ns)
        return "the token has expired";
    return NULL;
}

int access_bearer(struct access *a, const char *token, struct principal *ret, struct mw_error *err)
{
    char id[ACCESS_ID_SIZE + 1];
    uint8_t hash[MW_SHA256_SIZE];
    must(a != NULL && ret != NULL);
    if (token == NULL || !access_token_read(token, id))
        return mw_fail(err, MW_EDENIED, "this is no token of Millwright (mwt_…), or a part of it "
                       "is missing");
    access_refresh(a);
    if (a->broken)
        return mw_fail(err, MW_EDENIED, "no token is taken at present: the access file cannot be "
                       "read");
    const struct access_record *t = find(a, id);
    access_hash(token, hash);
    if (t != NULL && !access_hash_equal(hash, t->hash))
        t = NULL;
    const char *why = why_not(t, access_now_ns(a));
    if (why != NULL)
        return mw_fail(err, MW_EDENIED, "%s", why);
    access_principal_of(t, ret);
    return 0;
}

int access_unix(struct access *a, uid_t uid, struct principal *ret, struct mw_error *err)
{
    must(a != NULL && ret != NULL);
    if (uid != 0 && uid != geteuid())
        return mw_fail(err, MW_EDENIED, "user %u is neither root nor the user that runs the "
                       "daemon", (unsigned)uid);
    *ret = (struct principal){ .actor = ACCESS_ACTOR_USER + uid, .roles = 1u << ROLE_ADMIN,
                               .via = ACCESS_VIA_UNIX };
    (void)snprintf(ret->name, sizeof(ret->name), "%s", uid == geteuid() ? a->own_name : "root");
    return 0;
}

bool access_still(struct access *a, const struct principal *p)
{
    must(a != NULL && p != NULL);
    int64_t now_ns = access_now_ns(a);
    if (p->via == ACCESS_VIA_UNIX)
        return true;
    if (p->expires_ns != 0 && p->expires_ns <= now_ns)
        return false;
    if (p->via == ACCESS_VIA_TOKEN) {
        access_refresh(a);
        return !a->broken && why_not(find(a, p->id), now_ns) == NULL;
    }
    for (uint32_t i = 0; p->via == ACCESS_VIA_SESSION && i < ACCESS_SESSIONS_MAX; i++)
        if (a->session[i].who.expires_ns > now_ns && strcmp(a->session[i].who.id, p->id) == 0)
            return true;
    return false;
}

/* ---- changing the file --------------------------------------------------------------------- */

static int change_locked(struct access *a, access_change_fn *change, void *ctx,
                         struct mw_error *err)
{
    struct access_file f;
    struct access_stamp stamp;
    access_file_init(&f);
    int rc = access_file_load(a->path, &f, &stamp, err);
    if (rc == 0)
        rc = change(a, &f, ctx, err);
    if (rc == 0)
        rc = access_file_save(a->path, &f, err);
    access_file_fini(&f);
    access_refresh(a);
    return rc;
}

int access_change(struct access *a, access_change_fn *change, void *ctx, struct mw_error *err)
{
    int lock = -1;
    if (a->path == NULL)
        return mw_fail(err, MW_ECONFLICT, "this daemon has no access file: start mw serve with "
                       "--access FILE");
    int rc = access_file_lock(a->path, &lock, err);
    if (rc < 0)
        return rc;
    rc = change_locked(a, change, ctx, err);
    access_file_unlock(lock);
    return rc;
}

static bool has_id(const struct access_file *f, const char *id)
{
    for (uint32_t i = 0; i < f->tokens; i++)
        if (strcmp(f->token[i].id, id) == 0)
            return true;
    return false;
}

static int next_actor(struct access_file *f, uint32_t *ret, struct mw_error *err)
{
    if (f->next_actor == UINT32_MAX)
        return mw_fail(err, MW_ELIMIT, "all numbers of actors are given");
    *ret = f->next_actor++;
    return 0;
}

int access_person_of(struct access_file *f, const char *subject, const char *name,
                     uint32_t *ret_actor, bool *ret_new, struct mw_error *err)
{
    *ret_new = false;
    if (strnlen(subject, ACCESS_SUBJECT_MAX) >= ACCESS_SUBJECT_MAX)
        return mw_fail(err, MW_EINVAL, "the identity provider's name for the person is too long");
    for (uint32_t i = 0; i < f->persons; i++) {
        if (strcmp(f->person[i].subject, subject) != 0)
            continue;
        *ret_actor = f->person[i].actor;
        return 0;
    }
    uint32_t actor = 0;
    struct access_person *p = access_file_add_person(f, err);
    if (p == NULL || next_actor(f, &actor, err) < 0)
        return MW_ELIMIT;
    (void)snprintf(p->subject, sizeof(p->subject), "%s", subject);
    (void)snprintf(p->name, sizeof(p->name), "%s", name);
    p->actor = *ret_actor = actor;
    *ret_new = true;
    return 0;
}

struct creation {
    const struct access_grant *grant;
    const char *subject; /* NULL: a token of its own */
    char *token, *id;
    struct principal *who; /* may be NULL */
};

/* Logins that have ended say nothing that the table of people does not. */
static void drop_ended_logins(struct access_file *f, int64_t now_ns)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f->tokens; i++)
        if (!f->token[i].login || why_not(&f->token[i], now_ns) == NULL)
            f->token[kept++] = f->token[i];
    f->tokens = kept;
}

static int create(struct access *a, struct access_file *f, void *ctx, struct mw_error *err)
{
    struct creation *c = ctx;
    uint32_t actor = 0;
    bool fresh = false;
    int64_t now_ns = access_now_ns(a);
    drop_ended_logins(f, now_ns);
    int rc = c->subject == NULL
                 ? next_actor(f, &actor, err)
                 : access_person_of(f, c->subject, c->grant->name, &actor, &fresh, err);
    do {
        if (rc == 0)
            rc = access_token_make(c->token, c->id, err);
    } while (rc == 0 && has_id(f, c->id));
    struct access_record *t = rc == 0 ? access_file_add_token(f, err) : NULL;
    if (t == NULL)
        return rc < 0 ? rc : MW_ELIMIT;
    t->grant = *c->grant;
    t->actor = actor;
    t->login = c->subject != NULL;
    t->created_ns = now_ns;
    memcpy(t->id, c->id, sizeof(t->id));
    access_hash(c->token, t->hash);
    if (c->who != NULL)
        access_principal_of(t, c->who);
    return 0;
}

int access_token_create(struct access *a, const struct access_grant *g,
                        char ret_token[ACCESS_TOKEN_MAX], char ret_id[ACCESS_ID_SIZE + 1],
                        struct mw_error *err)
{
    must(a != NULL && g != NULL && ret_token != NULL && ret_id != NULL);
    struct creation c = { .grant = g, .token = ret_token, .id = ret_id };
    int rc = access_grant_check(g, err);
    if (rc == 0 && g->expires_ns != 0 && g->expires_ns <= access_now_ns(a))
        rc = mw_fail(err, MW_EINVAL, "expires: the time is past");
    return rc == 0 ? access_change(a, create, &c, err) : rc;
}

int access_mint_for(struct access *a, const char *subject, const struct principal *who,
                    char ret_token[ACCESS_TOKEN_MAX], struct principal *ret, struct mw_error *err)
{
    char id[ACCESS_ID_SIZE + 1];
    must(a != NULL && subject != NULL && who != NULL && ret_token != NULL && ret != NULL);
    struct access_grant g = { .roles = who->roles, .tenants = who->tenants, .halls = who->halls,
                              .expires_ns = access_now_ns(a) + ACCESS_SESSION_NS };
    memcpy(g.name, who->name, sizeof(g.name));
    memcpy(g.tenant, who->tenant, sizeof(g.tenant));
    memcpy(g.hall, who->hall, sizeof(g.hall));
    struct creation c = { .grant = &g, .subject = subject, .token = ret_token, .id = id,
                          .who = ret };
    int rc = access_grant_check(&g, err);
    return rc == 0 ? access_change(a, create, &c, err) : rc;
}

static int revoke_in(struct access *a, struct access_file *f, void *ctx, struct mw_error *err)
{
    const char *id = ctx;
    for (uint32_t i = 0; i < f->tokens; i++) {
        if (strcmp(f->token[i].id, id) != 0)
            continue;
        if (f->token[i].revoked_ns == 0)
            f->token[i].revoked_ns = access_now_ns(a);
        return 0;
    }
    return mw_fail(err, MW_ENOTFOUND, "there is no token %.40s: mw token list shows them", id);
}

int access_token_revoke(struct access *a, const char *id, struct mw_error *err)
{
    must(a != NULL && id != NULL);
    if (access_session_end(a, id))
        return 0;
    char copy[ACCESS_WORD_MAX];
    (void)snprintf(copy, sizeof(copy), "%s", id);
    if (a->path == NULL)
        return mw_fail(err, MW_ENOTFOUND, "there is no token or session %.40s", id);
    return access_change(a, revoke_in, copy, err);
}

bool access_token_at(struct access *a, uint32_t nth, struct access_token *ret)
{
    must(a != NULL && ret != NULL);
    if (nth == 0)
        access_refresh(a);
    if (nth < a->file.tokens) {
        const struct access_record *t = &a->file.token[nth];
        *ret = (struct access_token){ .kind = t->login ? ACCESS_LOGIN : ACCESS_TOKEN,
                                      .created_ns = t->created_ns, .revoked_ns = t->revoked_ns };
        access_principal_of(t, &ret->who);
        return true;
    }
    const struct access_session *s = access_session_at(a, nth - a->file.tokens);
    if (s == NULL)
        return false;
    *ret = (struct access_token){ .kind = ACCESS_SESSION, .who = s->who,
                                  .created_ns = s->created_ns };
    return true;
}
