/*
 * Answers to questions that carry an Idempotency-Key: asked again with the same key, the same body
 * and by the same principal within IDEMPOTENCY_S, the stored answer comes again and nothing is done
 * a second time.  In memory: it ends with the daemon.
 *
 * Bounded: of one principal IDEMPOTENCY_OF_ACTOR answers and IDEMPOTENCY_BYTES_OF_ACTOR, so that
 * his own oldest go first and he pushes out nobody else's; of all together IDEMPOTENCY_MAX and
 * IDEMPOTENCY_BYTES_MAX, the oldest first.  An answer with a status from 500 on is not kept: it may
 * be tried again.
 *
 * One thread.
 */
#ifndef MW_API_IDEMPOTENCY_H
#define MW_API_IDEMPOTENCY_H

#include "base/error.h"
#include "base/hash.h"

#define IDEMPOTENCY_S 86400
#define IDEMPOTENCY_MAX 10000u
#define IDEMPOTENCY_OF_ACTOR 1000u /* chosen: more than a person or a script does in hours */
#define IDEMPOTENCY_BYTES_MAX ((size_t)64 << 20)
#define IDEMPOTENCY_BYTES_OF_ACTOR (IDEMPOTENCY_BYTES_MAX / 8)
#define IDEMPOTENCY_KEY_MAX 200

struct idempotency;

/* What a question is: any difference is another question. */
struct idempotency_question {
    uint32_t actor;
    const char *key;
    const char *method, *path, *query; /* query may be NULL */
    const void *body;
    size_t size;
};

struct idempotency_answer {
    int status;
    const char *type;     /* borrowed */
    const char *location; /* "" = none */
    const char *etag;     /* "" = none */
    const void *body;
    size_t size;
};

MW_MUST_USE int idempotency_create(struct idempotency **ret, struct mw_error *err);
void idempotency_destroy(struct idempotency *d);

/*
 * 0 with *ret a ticket: ask, then idempotency_keep() or idempotency_forget() it.  1 with
 * *ret_answer filled: answer this.  MW_EINVAL: not 1 to IDEMPOTENCY_KEY_MAX printing characters,
 * or the key came with another question (422).  MW_EBUSY: the first with this key is not answered
 * yet (409).  MW_ENOMEM.
 */
MW_MUST_USE int idempotency_take(struct idempotency *d, const struct idempotency_question *q,
                                 int64_t now_ns, uint64_t *ret,
                                 struct idempotency_answer *ret_answer, struct mw_error *err);
void idempotency_keep(struct idempotency *d, uint64_t ticket,
                      const struct idempotency_answer *a);
void idempotency_forget(struct idempotency *d, uint64_t ticket);

#endif
