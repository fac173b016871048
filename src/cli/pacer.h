/*
 * The clock of a replay that people watch: what simulated time it is at a moment
 * of real time, when the next thing may happen, and what a person wishes of it
 * (speed, pause, go on until …).  Reads no clock: the caller brings real time,
 * monotonic ns.  Simulated time never goes back, and never beyond what happens
 * next.
 */
#ifndef MW_CLI_PACER_H
#define MW_CLI_PACER_H

#include <jansson.h>

#include "base/error.h"

#define PACER_SPEED_MAX 1e9 /* chosen: 32 years a second, past what any machine computes */

enum pacer_seek { SEEK_NONE, SEEK_INCIDENT, SEEK_TIME };

/* Read its parts through the functions below. */
struct pacer {
    int64_t start_ns, end_ns; /* of the replay, UTC */
    double speed;             /* simulated over real time; 0 = as fast as it goes */
    bool paused, ended;
    enum pacer_seek seek;     /* as fast as it goes until then, whatever speed and paused say */
    int64_t seek_ns;
    int64_t at_ns, real_ns;   /* it was at_ns at this moment of real time */
};

void pacer_begin(struct pacer *p, int64_t real_ns);

/* The simulated time to be shown; next_ns is when the next thing happens. */
int64_t pacer_now(const struct pacer *p, int64_t real_ns, int64_t next_ns);

/* Real time until simulated time may go to next_ns: 0 = at once, MW_NEVER = not before a wish. */
int64_t pacer_wait_ns(struct pacer *p, int64_t real_ns, int64_t next_ns);

/* Simulated time has come to at_ns.  Who comes late goes on from here, and catches up nothing. */
void pacer_came_to(struct pacer *p, int64_t real_ns, int64_t at_ns);

/* An incident was opened at at_ns: what was sought is found. */
void pacer_incident(struct pacer *p, int64_t real_ns, int64_t at_ns);

/* The end was reached: it stands there. */
void pacer_end(struct pacer *p);

/*
 * {"speed": X} (0 = as fast as it goes), {"paused": B}, {"until": "incident" or a time}, one or
 * several.  `until` goes on as fast as it goes until then; afterwards speed and pause are as they
 * were, or as they come with it.  A speed or a pause alone ends what is sought.  MW_EINVAL names
 * the key and what to write; MW_ECONFLICT: the end was reached.  On failure nothing has changed.
 */
MW_MUST_USE int pacer_wish(struct pacer *p, int64_t real_ns, int64_t next_ns, const json_t *wish,
                           struct mw_error *err);

/* "playing", "paused", "seeking", "ended" */
const char *pacer_state(const struct pacer *p);

#endif
