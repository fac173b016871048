/*
 * Events on their way to the daemon, kept until it says that they are durable
 * there: a file of lines in the agent's state folder, so that neither the
 * agent's death nor a daemon that is away for hours loses one.  Without a folder
 * the lines are in memory (an anonymous file), bounded by less.
 *
 * A line is written to the file before it is sent, so it survives the process;
 * a thread syncs the file at most once a second, so that it survives the
 * machine too, but for the last second, and so that a disk that hangs stops
 * nobody.  Numbers e count from 1 within the spool's id; the id is a new one
 * after a boot.  The bound is kept by refusing what is new (causes come before
 * effects): spool_put() says so and counts it.
 *
 * The file: one header line of SPOOL_HEAD bytes, then lines as of agent_frame.h
 * without e; line i bears e = base + i.  What a crash left torn at the end is cut
 * off when it is opened; what does not read as lines is moved aside.
 */
#ifndef MW_LIVE_SPOOL_H
#define MW_LIVE_SPOOL_H

#include "base/error.h"

#define SPOOL_HEAD 128
#define SPOOL_BYTES ((uint64_t)64 << 20)         /* default bound; chosen: days of a noisy log */
#define SPOOL_MEMORY_BYTES ((uint64_t)256 << 10) /* without a folder */
#define SPOOL_ID_SIZE 17

struct spool_options {
    const char *dir;    /* of mode 0700, made when it is not there; NULL = in memory */
    const char *boot;   /* the boot id: numbers do not go on over a boot */
    uint64_t bytes_max; /* 0 = the default */
};

struct spool_stats {
    uint64_t kept, acked, dropped; /* events: put; told durable; refused, as the spool was full */
    uint64_t cut;                  /* bytes that a crash had left torn */
    uint64_t bytes;                /* of the file now */
};

struct spool;
/* MW_EBUSY: another process has it open. MW_EDENIED: others may write the folder. MW_EIO,
 * MW_ENOMEM. */
MW_MUST_USE int spool_open(const struct spool_options *o, struct spool **ret,
                           struct mw_error *err);
void spool_close(struct spool *s); /* what is not acknowledged stays in the file; NULL is fine */

const char *spool_id(const struct spool *s); /* for hello: 16 hex digits */

/* Keeps a line with its newline, and gives its e. MW_ELIMIT: full. MW_EIO: the disk does not take
 * it; either way it is counted as dropped. */
MW_MUST_USE int spool_put(struct spool *s, const char *line, size_t size, uint64_t *ret_e,
                          struct mw_error *err);

/* A new connection: all that is not acknowledged is to be sent, from the first on. */
void spool_rewind(struct spool *s);
/* Writes the next lines to send, with e, as many as fit; bytes written, 0 = none or no room. */
size_t spool_next(struct spool *s, char *to, size_t size);
bool spool_waits(const struct spool *s); /* there are lines that were not sent since the rewind */
/* All up to e are durable at the daemon. */
void spool_ack(struct spool *s, uint64_t e);
uint64_t spool_first(const struct spool *s); /* e of the first that is not acknowledged */
uint64_t spool_sent(const struct spool *s);  /* events given out and not acknowledged */

uint64_t spool_unacked(const struct spool *s); /* events */
struct spool_stats spool_stats(const struct spool *s);

#endif
