/*
 * The journal port: where the record is kept.  Two implementations (memory in
 * core/journal_memory.h, SQLite in store/journal_sqlite.h), one test suite.
 *
 * The unit is a *group*: a fact and its whole cascade, whole or not at all.
 * append() stages a group; commit() makes everything staged durable, then the
 * head, and only then may anything be acknowledged or any action go out.  A
 * group is one frame: its events as they lie in memory, each tail padded to 8,
 * and a SHA-256 over (previous hash, first seq, count, size, bytes): the chain.
 */
#ifndef MW_CORE_JOURNAL_H
#define MW_CORE_JOURNAL_H

#include "base/error.h"
#include "core/event.h"

struct group {
    uint64_t first_seq;
    uint32_t count;    /* events */
    uint32_t size;     /* bytes */
    const void *bytes; /* 8-aligned */
};
#define GROUP_BYTES_MAX (8u * 1024u * 1024u)

struct journal_head {
    uint64_t seq;                  /* last committed event; 0 = empty */
    uint32_t epoch;                /* writer epoch of the last commit */
    int64_t time_ns;               /* its journal time */
    uint8_t hash[MW_SHA256_SIZE];  /* chain after its group; zeros when empty or not kept */
};

/* What was found wrong at opening or verifying.  loss == JOURNAL_WHOLE means nothing. */
enum journal_loss { JOURNAL_WHOLE, JOURNAL_TAIL_LOST, JOURNAL_DAMAGED, JOURNAL_HEAD_DAMAGED };
struct journal_report {
    enum journal_loss loss;
    uint64_t valid_seq;   /* the record is whole up to here */
    uint64_t head_seq;    /* the head says it should reach here; 0 = head unreadable */
    uint64_t groups;      /* whole groups seen */
    char text[512];       /* what is wrong, what is kept, what to do */
};

struct journal;

/* Called for each event in order; tail is NULL when tail_size is 0.  Non-zero stops and is passed
 * through.  `last` is true for the last event of its group. */
typedef int journal_visit_fn(void *ctx, const struct event *ev, const void *tail, bool last);

struct journal_ops {
    /* Stages a group.  Compare-and-append: MW_ECONFLICT when epoch or first_seq is not what the
     * journal expects next.  Copies the bytes. */
    int (*append)(struct journal *j, const struct group *g, struct mw_error *err);
    /* Makes all staged groups durable, then the head.  On failure the staged groups are still
     * staged: nothing was acknowledged, commit may be called again (MW_ENOSPC, MW_EIO). */
    int (*commit)(struct journal *j, struct mw_error *err);
    /* Reads committed events with seq >= from in order, checking the chain. MW_ECORRUPT at the
     * first group that does not hold. */
    int (*read)(struct journal *j, uint64_t from, journal_visit_fn *visit, void *ctx,
                struct mw_error *err);
    /* One committed event into ev and tail (room EVENT_TAIL_MAX). MW_ENOTFOUND. */
    int (*get)(struct journal *j, uint64_t seq, struct event *ev, void *tail,
               struct mw_error *err);
    /* Content-addressed blobs: site files, policies. put is durable with the next commit. */
    int (*blob_put)(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE], const void *data,
                    size_t size, struct mw_error *err);
    int (*blob_get)(struct journal *j, const uint8_t sha256[MW_SHA256_SIZE], char **ret,
                    size_t *ret_size, struct mw_error *err);
    /* The newest whole snapshot at or before seq (UINT64_MAX = any): gives bytes (mw_free).
     * MW_ENOTFOUND when there is none; a damaged one is passed over and counted in the report. */
    int (*snapshot_put)(struct journal *j, uint64_t seq, const void *data, size_t size,
                        struct mw_error *err);
    int (*snapshot_get)(struct journal *j, uint64_t seq_max, uint64_t *ret_seq, char **ret,
                        size_t *ret_size, struct mw_error *err);
    /* Reads everything and says what holds.  0 also when damage was found: see the report. */
    int (*verify)(struct journal *j, struct journal_report *ret, struct mw_error *err);
    void (*destroy)(struct journal *j);
};

/* The common beginning of every implementation. */
struct journal {
    const struct journal_ops *ops;
    struct journal_head head; /* last committed */
    uint64_t next_seq;        /* with what is staged */
    uint32_t epoch;           /* of this writer: head.epoch + 1 at open */
    bool read_only;           /* opened damaged or for reading: append gives MW_EDENIED */
    struct journal_report opened; /* what opening found */
};

static inline void journal_destroy(struct journal *j)
{
    if (j)
        j->ops->destroy(j);
}

/* The chain: hash of a group given the hash before it. */
void journal_chain(const uint8_t before[MW_SHA256_SIZE], const struct group *g,
                   uint8_t ret[MW_SHA256_SIZE]);

/* Walks the events of a group's bytes, checking every size. MW_ECORRUPT when they do not fit. */
MW_MUST_USE int group_walk(const struct group *g, journal_visit_fn *visit, void *ctx);

#endif
