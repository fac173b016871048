/*
 * What a run says of itself: a log of phases for whoever measures restarts, the
 * progress file that mw-agent reads (MW_PROGRESS_DIR/JOB), and how a rank ended
 * (MW_EXITS_DIR).  Nothing here can stop the training: what cannot be written is
 * not written.
 */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include <stdint.h>

#include "settings.h"

struct report {
    const struct settings *settings;
    int fd;              /* dir/phases-RANK.log, -1 */
    uint64_t saved;      /* step of the last checkpoint */
    int64_t step_ns, checkpoint_ns; /* the last ones */
    int64_t noted_ns;    /* when progress was last written */
};

int64_t report_now_ns(void); /* monotonic */

void report_open(struct report *r, const struct settings *s);
/* Appends a line: utc_ns= mono_ns= job= restart= rank= node= pid= phase= step= code=.  Phases:
 * started, joined, loaded, first-step, caught-up, ended. */
void report_phase(struct report *r, const char *phase, uint64_t step, int code);
/* Phase saved, with "took_ns=…": so long did the checkpoint stop the work; and the progress. */
void report_saved(struct report *r, uint64_t step, int64_t took_ns);
/* At most every 100 ms unless `now`; by rank 0 alone. */
void report_progress(struct report *r, uint64_t step, int now);
/* How this rank ends, then closes the log. */
void report_end(struct report *r, uint64_t step, int code);

#endif
