/* Keeps answers by their key.  See idempotency.h. */
#include "api/idempotency.h"

#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/units.h"

/* A ticket is n * IDEMPOTENCY_MAX + the row, and n grows: the smallest ticket is the oldest. */
struct place {
    uint64_t ticket;
    uint32_t actor;
    uint64_t key;              /* XXH3 of actor and key: where the map finds it */
    struct mw_hash128 key_hash, question;
    int64_t time_ns;
    bool used, answered;
    int status;
    char *type, *location, *etag; /* owned */
    char *body;                   /* owned */
    size_t size;
};

struct idempotency {
    struct place *place; /* owned: IDEMPOTENCY_MAX */
    uint64_t given; /* tickets */
    size_t bytes;
    uint32_t high;  /* rows from here on were never used */
    struct map of_key;
    struct mw_hasher *hasher;
};

/* ---- places ---------------------------------------------------------------------------------- */

static void drop(struct idempotency *d, struct place *p)
{
    if (!p->used)
        return;
    (void)map_remove(&d->of_key, p->key);
    d->bytes -= p->size;
    mw_free(p->type);
    mw_free(p->location);
    mw_free(p->etag);
    mw_free(p->body);
    *p = (struct place){ 0 };
}

static struct place *place_of(const struct idempotency *d, uint64_t ticket)
{
    return &d->place[ticket % IDEMPOTENCY_MAX];
}

static void expire(struct idempotency *d, int64_t now_ns)
{
    for (uint32_t i = 0; i < d->high; i++)
        if (d->place[i].used && now_ns - d->place[i].time_ns >= IDEMPOTENCY_S * MW_NS_PER_S)
            drop(d, &d->place[i]);
}

/* What is there, of all and of one principal. */
struct survey {
    struct place *free;          /* NULL = none */
    struct place *oldest, *his_oldest; /* NULL = nothing is kept */
    uint32_t his;
    size_t his_bytes;
};

static void note_older(struct place **oldest, struct place *p)
{
    if (*oldest == NULL || p->ticket < (*oldest)->ticket)
        *oldest = p;
}

static struct survey look(const struct idempotency *d, uint32_t actor)
{
    struct survey s = { 0 };
    for (uint32_t i = 0; i < d->high; i++) {
        struct place *p = &d->place[i];
        if (!p->used) {
            s.free = p;
            continue;
        }
        note_older(&s.oldest, p);
        if (p->actor != actor)
            continue;
        note_older(&s.his_oldest, p);
        s.his++;
        s.his_bytes += p->size;
    }
    return s;
}

/* A row for one more of this principal. */
static struct place *make_place(struct idempotency *d, uint32_t actor)
{
    struct survey s = look(d, actor);
    struct place *gone = s.his >= IDEMPOTENCY_OF_ACTOR ? s.his_oldest : NULL;
    if (gone == NULL && s.free != NULL)
        return s.free;
    if (gone == NULL && d->high < IDEMPOTENCY_MAX)
        return &d->place[d->high++];
    if (gone == NULL)
        gone = s.oldest;
    drop(d, gone);
    return gone;
}

/* Until the bytes are within their bounds, or only `last` is left. */
static void make_room(struct idempotency *d, const struct place *last)
{
    for (;;) {
        struct survey s = look(d, last->actor);
        if (s.his_bytes > IDEMPOTENCY_BYTES_OF_ACTOR && s.his_oldest != last)
            drop(d, s.his_oldest);
        else if (d->bytes > IDEMPOTENCY_BYTES_MAX && s.oldest != last)
            drop(d, s.oldest);
        else
            return;
    }
}

/* ---- hashes ---------------------------------------------------------------------------------- */

static void add_text(struct mw_hasher *h, const char *s)
{
    mw_hasher_add(h, s != NULL ? s : "", s != NULL ? strlen(s) + 1 : 1);
}

static struct mw_hash128 hash_key(const struct idempotency *d, const struct idempotency_question *q)
{
    mw_hasher_reset(d->hasher);
    mw_hasher_add(d->hasher, &q->actor, sizeof(q->actor));
    add_text(d->hasher, q->key);
    return mw_hasher_result(d->hasher);
}

static struct mw_hash128 hash_question(const struct idempotency *d,
                                       const struct idempotency_question *q)
{
    mw_hasher_reset(d->hasher);
    add_text(d->hasher, q->method);
    add_text(d->hasher, q->path);
    add_text(d->hasher, q->query);
    mw_hasher_add(d->hasher, q->body, q->size);
    return mw_hasher_result(d->hasher);
}

static bool good_key(const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < n; i++)
        if (key[i] < ' ' || key[i] > '~')
            return false;
    return n > 0 && n <= IDEMPOTENCY_KEY_MAX;
}

/* ---- public ---------------------------------------------------------------------------------- */

int idempotency_create(struct idempotency **ret, struct mw_error *err)
{
    must(ret != NULL);
    struct idempotency *d = mw_calloc(1, sizeof(*d));
    if (d != NULL)
        d->place = mw_calloc(IDEMPOTENCY_MAX, sizeof(*d->place));
    if (d != NULL)
        d->hasher = mw_hasher_create();
    if (d == NULL || d->place == NULL || d->hasher == NULL ||
        map_init(&d->of_key, IDEMPOTENCY_MAX) < 0) {
        idempotency_destroy(d);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    *ret = d;
    return 0;
}

void idempotency_destroy(struct idempotency *d)
{
    if (d == NULL)
        return;
    for (uint32_t i = 0; i < d->high; i++)
        drop(d, &d->place[i]);
    map_fini(&d->of_key);
    mw_hasher_destroy(d->hasher);
    mw_free(d->place);
    mw_free(d);
}

static int answer_again(const struct place *p, const struct mw_hash128 question,
                        struct idempotency_answer *ret, struct mw_error *err)
{
    if (!mw_hash128_equal(p->question, question))
        return mw_fail(err, MW_EINVAL, "this Idempotency-Key came with another request before: "
                       "a new request needs a new key");
    if (!p->answered)
        return mw_fail(err, MW_EBUSY, "the first request with this Idempotency-Key is not answered "
                       "yet");
    *ret = (struct idempotency_answer){ .status = p->status, .type = p->type,
                                        .location = p->location, .etag = p->etag,
                                        .body = p->body, .size = p->size };
    return 1;
}

int idempotency_take(struct idempotency *d, const struct idempotency_question *q, int64_t now_ns,
                     uint64_t *ret, struct idempotency_answer *ret_answer, struct mw_error *err)
{
    must(d != NULL && q != NULL && q->key != NULL && ret != NULL && ret_answer != NULL);
    if (!good_key(q->key))
        return mw_fail(err, MW_EINVAL, "an Idempotency-Key has 1 to %d printing characters",
                       IDEMPOTENCY_KEY_MAX);
    expire(d, now_ns);
    struct mw_hash128 key = hash_key(d, q), question = hash_question(d, q);
    uint32_t row = map_get(&d->of_key, key.lo);
    if (row != MW_NONE && mw_hash128_equal(d->place[row].key_hash, key))
        return answer_again(&d->place[row], question, ret_answer, err);
    if (row != MW_NONE) /* 2^64 keys apart: the older one gives way */
        drop(d, &d->place[row]);
    struct place *p = make_place(d, q->actor);
    *ret = ++d->given * IDEMPOTENCY_MAX + (uint64_t)(p - d->place);
    *p = (struct place){ .ticket = *ret, .actor = q->actor, .key = key.lo, .key_hash = key,
                         .question = question, .time_ns = now_ns, .used = true };
    map_put(&d->of_key, key.lo, (uint32_t)(p - d->place));
    return 0;
}

static bool copy_answer(struct place *p, const struct idempotency_answer *a)
{
    p->type = mw_strdup(a->type);
    p->location = mw_strdup(a->location);
    p->etag = mw_strdup(a->etag);
    p->body = mw_calloc(1, a->size + 1);
    if (p->type == NULL || p->location == NULL || p->etag == NULL || p->body == NULL)
        return false;
    if (a->size > 0)
        memcpy(p->body, a->body, a->size);
    p->status = a->status;
    p->answered = true;
    return true;
}

void idempotency_keep(struct idempotency *d, uint64_t ticket, const struct idempotency_answer *a)
{
    struct place *p = place_of(d, ticket);
    if (!p->used || p->ticket != ticket) /* pushed out meanwhile */
        return;
    must(!p->answered);
    if (!copy_answer(p, a)) {
        drop(d, p);
        return;
    }
    p->size = a->size;
    d->bytes += p->size;
    make_room(d, p);
}

void idempotency_forget(struct idempotency *d, uint64_t ticket)
{
    struct place *p = place_of(d, ticket);
    if (p->used && p->ticket == ticket)
        drop(d, p);
}
