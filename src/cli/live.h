/*
 * Moving pictures on a terminal: a frame of N lines redrawn in place, and a
 * progress bar.  Where there is no terminal a live frame becomes an occasional
 * plain line and the progress bar is silent.  The caller brings the time; the
 * cursor is never hidden, so that an interrupt needs no clean-up.
 */
#ifndef MW_CLI_LIVE_H
#define MW_CLI_LIVE_H

#include "cli/term.h"

/* A frame on a terminal is redrawn at most this often; a plain line at most that often. */
#define LIVE_FRAME_NS INT64_C(50000000)
#define LIVE_PLAIN_NS INT64_C(10000000000)

struct live {
    FILE *file; /* borrowed */
    struct term term;
    unsigned lines;  /* of the frame now on the screen */
    int64_t next_ns; /* earliest time of the next frame */
    bool quiet;      /* nothing at all is printed, except by live_line() */
};

/* Borrows f until live_end(). */
void live_begin(struct live *l, FILE *f, struct term term, bool quiet);

/* True when a frame given now would be shown: lets the caller skip making it. */
bool live_due(const struct live *l, int64_t now_ns);

/* Shows a frame: lines divided by '\n', cut to the width and height.  Without a terminal its FIRST
 * line is printed as a plain line.  Nothing happens when it is not due.  Escape sequences for
 * colour are not measured: leave them out. */
void live_draw(struct live *l, const char *frame, int64_t now_ns);

/* Prints a line that stays, above the frame. */
void live_line(struct live *l, const char *line);

/* Leaves the last frame on the screen, the cursor below it. */
void live_end(struct live *l);

/* A bar such as "runs  [########------] 312/1,000  31 %  about 12 s left". */
struct progress {
    struct live live;
    const char *what; /* borrowed */
    uint64_t total;
    int64_t start_ns;
};

/* f is normally stderr with its own terminal facts; silent when it is no terminal or quiet. */
void progress_begin(struct progress *p, FILE *f, struct term term, bool quiet);
void progress_start(struct progress *p, const char *what, uint64_t total, int64_t now_ns);
void progress_update(struct progress *p, uint64_t done, int64_t now_ns);
/* Takes the bar off the screen. */
void progress_end(struct progress *p);

#endif
