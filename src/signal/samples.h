/*
 * The readings of one machine on their way to the daemon: a table of (metric,
 * instance) -> whole steps, and the frames that say what changed in it.
 *
 * A frame (the payload of a binary record, docs/agent-protocol.md) is
 *   machine, seq, wall_ms, coalesced
 *   ndef   {metric, instance}*      new rows, numbered on in this connection
 *   nval   {gap, zigzag delta}*     rows in ascending order; gap: rows left out since the last
 *   ngone  {gap}*                   rows that have no value any more
 * all of them varints (7 bits a byte, low first).  A delta is against the row's
 * last value on this connection, 0 where it has none; differences wrap.
 *
 * A connection that is new knows no rows: samples_again() makes the next frame
 * say everything.  What does not fit into a frame waits for the next.
 * libc only (and base): the agent and the gatherer compile it.  One thread.
 */
#ifndef MW_SIGNAL_SAMPLES_H
#define MW_SIGNAL_SAMPLES_H

#include "base/error.h"
#include "signal/metric.h"

#define SAMPLES_SERIES_MAX 32768 /* of one machine */
#define SAMPLES_SIZE_MAX 65535   /* bytes of a payload */
#define SAMPLES_SIZE_LEAST 128   /* samples_encode() needs at least so many to say anything */

struct sample_head {
    uint64_t seq;       /* counts frames of this connection */
    int64_t wall_ms;    /* when it was read, by the machine's clock, UTC */
    uint32_t machine;   /* 0: the agent's own; a gatherer's: as its `machine` frames say */
    uint32_t coalesced; /* readings that this frame stands for besides its own: the line was cut */
};

struct samples_row;
struct samples {
    struct samples_row *row; /* owned; in the order of first put */
    uint16_t *sorted;        /* rows by metric, instance */
    uint16_t *said;          /* rows by their number on this connection */
    uint32_t rows, rows_said, series_max;
    uint32_t changed;        /* rows that the next frame is to say */
    uint32_t left_out;       /* puts past series_max, or of a number that is no metric's */
    uint32_t encoded_rows, encoded_said; /* what samples_commit() takes as said; 0 = nothing */
};

/* MW_ENOMEM; MW_EINVAL: series_max is 0 or above SAMPLES_SERIES_MAX. */
MW_MUST_USE int samples_init(struct samples *s, uint32_t series_max);
void samples_fini(struct samples *s);

void samples_put(struct samples *s, uint32_t metric, uint32_t instance,
                 double value); /* real unit; NaN = gone */
void samples_put_int(struct samples *s, uint32_t metric, uint32_t instance,
                     int64_t value); /* in whole steps */
void samples_gone(struct samples *s, uint32_t metric, uint32_t instance);
/* Every instance of a metric (a module was pulled, a driver is away). */
void samples_gone_all(struct samples *s, uint32_t metric);

/* The value in whole steps; false: there is none. */
bool samples_get(const struct samples *s, uint32_t metric, uint32_t instance, int64_t *ret);

/* A new connection: all is to be said again, with definitions.  Forgets what is gone. */
void samples_again(struct samples *s);

/* Writes what changed since the last frame that was committed; returns its bytes.  A frame without
 * changes is a beat and has a few bytes.  Rows that do not fit are left for the next one
 * (s->changed counts on).  0: `size` is under SAMPLES_SIZE_LEAST.  Changes nothing: when the frame
 * could not be sent, the next samples_encode() says it all, and newer values instead of older. */
size_t samples_encode(struct samples *s, const struct sample_head *h, uint8_t *to, size_t size);

/* The frame that was encoded last is on its way; nothing was put since. */
void samples_commit(struct samples *s);

/* ---- reading -------------------------------------------------------------------------------- */

/* A bounded cursor over one payload from outside. */
struct sample_reader {
    const uint8_t *at, *end;
    struct sample_head head;
    uint8_t part;    /* of the payload: definitions, values, gone */
    uint32_t left;   /* entries of this part that are still to come */
    uint32_t next;   /* the lowest row that may come */
};

enum sample_what { SAMPLE_END, SAMPLE_DEFINES, SAMPLE_VALUE, SAMPLE_GONE };

struct sample_entry {
    uint8_t what;      /* enum sample_what */
    uint16_t metric;   /* SAMPLE_DEFINES; a number that this build does not know may come */
    uint32_t instance;
    uint32_t row;      /* SAMPLE_VALUE, SAMPLE_GONE: < SAMPLES_SERIES_MAX */
    uint64_t delta;    /* SAMPLE_VALUE: to add, wrapping */
};

/* MW_ECORRUPT: the bytes are no frame.  The data is borrowed until the last entry is read. */
MW_MUST_USE int sample_reader_open(struct sample_reader *r, const uint8_t *data, size_t size,
                                   struct mw_error *err);
/* The next entry; SAMPLE_END after the last, when no byte is left over.  MW_ECORRUPT otherwise. */
MW_MUST_USE int sample_reader_next(struct sample_reader *r, struct sample_entry *ret,
                                   struct mw_error *err);

#endif
