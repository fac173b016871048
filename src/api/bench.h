/* A live site without Slurm, on which tests of the API act and look. */
#ifndef MW_API_BENCH_H
#define MW_API_BENCH_H

#include "api/act.h"
#include "api/act_live.h"

#define BENCH_START_NS (INT64_C(1700000000) * 1000000000)
#define NODES 40
#define PERSON 1042

struct bench {
    struct fleet *fleet;
    struct control_policy policy;
    struct journal *journal;
    struct live *live;
    struct api_port port;
    int64_t now_ns;
    struct mw_error err;
    uint64_t seq; /* of what act() recorded last */
    char tail[EVENT_TAIL_MAX + 1];
};

struct bench *bench_make(uint8_t mode);
/* The same with its record on disk; goes on with one that is there.  price: another rule, micro-
 * dollars per GPU-hour; 0 = the policy's. */
struct bench *bench_make_in(uint8_t mode, const char *journal_dir, int64_t price);
void bench_free(struct bench *b);

/* A node's name. */
const char *name(const struct bench *b, uint32_t node);
/* A command about a node (MW_NONE) or an event (0), a second later. */
int act(struct bench *b, uint8_t verb, uint32_t node, uint64_t ref);
/* The last error has these words, or the test fails. */
void said(const struct bench *b, const char *words);
/* The event that act() recorded; its tail is valid until the next call. */
struct event recorded(struct bench *b, const char **ret_tail);

/* An incident waits a moment for others of the same cause before a crew is asked. */
void let_settle(struct bench *b);
/* The agent of a node says that a GPU is lost: an order for a crew. */
void lose_gpu(struct bench *b, uint32_t node);
/* Repaired and started again: what its last kernel said is over. */
void reboot(struct bench *b, uint32_t node);

#endif
