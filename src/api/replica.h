/*
 * The API's own copy of the site: a controller that follows the record.  It opens the journal's
 * folder read-only beside whoever writes it, loads the newest snapshot, and applies every
 * committed event as it was recorded; it decides nothing and hands nothing out.  So what the API
 * shows never waits for the writer and never touches its state, and a kill of either loses nothing.
 *
 * When the record goes on under other rules (a new epoch) the copy is made again under them, as
 * the writer's was.
 *
 * One thread.
 */
#ifndef MW_API_REPLICA_H
#define MW_API_REPLICA_H

#include "control/history.h"

#define REPLICA_LISTENERS_MAX 8

struct replica;

struct replica_options {
    const char *journal_dir;
    /* Hash of the rules that the writer goes on under: saves reading the whole record for its last
     * epoch.  Only a hint; NULL = look. */
    const uint8_t *rules;
    /* Says, once, with the record open, the last event that listeners have heard of before; they
     * want every event after it, so no later snapshot is used, now or when the copy is made again.
     * NULL = they want what comes. */
    uint64_t (*heard)(void *ctx, struct journal *j);
    void *heard_ctx;
};

/* Opens read-only and loads the newest snapshot; events after it come with replica_catch_up().
 * Waits for nothing: MW_ENOTFOUND while the journal is not there or has no epoch yet.  MW_ECORRUPT:
 * it is damaged.  MW_EVERSION, MW_EIO, MW_ENOMEM … */
MW_MUST_USE int replica_create(const struct replica_options *o, struct replica **ret,
                               struct mw_error *err);
void replica_destroy(struct replica *r); /* NULL is fine */

/* Called for each event that replica_catch_up() reads, AFTER it was applied; `last` = the end of
 * its group.  Where a new epoch made the copy be made again, the state may be further already. */
typedef void replica_told_fn(void *ctx, const struct event *ev, const void *tail, bool last);
/* At most REPLICA_LISTENERS_MAX, before the first catch_up. */
void replica_listen(struct replica *r, replica_told_fn *told, void *ctx);

/* Reads on to the end of what is committed, at most about `most` events (0 = all; whole groups);
 * *ret_more says whether there is more.  MW_EBUSY, MW_ENOMEM: try again.  MW_ECORRUPT: the record
 * is damaged, what was read stays. */
MW_MUST_USE int replica_catch_up(struct replica *r, uint32_t most, bool *ret_more,
                                 struct mw_error *err);

/* All borrowed until the next catch_up (which may make them again). */
const struct control *replica_control(const struct replica *r);
struct journal *replica_journal(const struct replica *r); /* for stories; read-only */
const struct words *replica_words(const struct replica *r);
/* Swapped parts, read on to where the replica is.  NULL when out of memory or unreadable. */
struct serials *replica_serials(struct replica *r);

/* The last event applied = `revision` of every document. */
uint64_t replica_seq(const struct replica *r);
/* The last event committed, as the replica last saw the head of the record. */
uint64_t replica_head(const struct replica *r);
/* How often the copy was made again because the rules changed. */
uint32_t replica_rebuilt(const struct replica *r);

/* The site's now: journal time, or what the writer last told (api/asks.h), whichever is later. */
int64_t replica_now_ns(const struct replica *r);
void replica_now_is(struct replica *r, int64_t now_ns);

#endif
