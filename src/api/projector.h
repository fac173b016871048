/*
 * The projector: the fold from the record to history (store/history.h).  Told each event after the
 * replica has applied it, it writes what ends, what people are told of, and every ten minutes of
 * journal time a sample of the site and a frame of the heat map.
 *
 * Events alone say what becomes of incidents and jobs; samples and frames are read from the state,
 * and only when that is just where the event left it (after new rules it may be further).
 * Told again of what it has, it does nothing: it goes on from history_seq().
 */
#ifndef MW_API_PROJECTOR_H
#define MW_API_PROJECTOR_H

#include "control/control.h"
#include "store/history.h"

/* Chosen: a point a pixel over a week on a wide screen.  A day's boundary is one of them. */
#define PROJECTOR_SAMPLE_MS (10 * MW_MS_PER_MIN)
#define PROJECTOR_WAITING_MAX 20000u /* rows of one transaction */

struct projector {
    struct history_store *history; /* borrowed */
    int64_t next_ms;               /* the next sample is due; 0 = not known yet */
    int64_t heat_from_ms;          /* frames before this would go at once */
    uint8_t *mark;                 /* owned: a frame */
    uint32_t gpus;
};

/* heat_from_ms: the time of the record's last event, less HISTORY_HEAT_MS and a sample's length. */
void projector_init(struct projector *p, struct history_store *h, int64_t heat_from_ms);
void projector_fini(struct projector *p);

void projector_told(struct projector *p, const struct control *c, const struct event *ev,
                    const void *tail, bool last);

/* Is this an event that people are told of unless they ask for all? */
bool projector_is_notable(const struct event *ev);

/* The site as it is now: what a sample has; no power when out of memory. */
void projector_sample(const struct control *c, int64_t now_ns, struct history_sample *ret);

#endif
