/*
 * What the daemon says while it runs: one line for each decision and for the
 * facts that decisions stand on, with the names of things instead of their
 * numbers.  At most SERVE_LOG_LINES a second; the rest is counted and named
 * once.  The record has everything: this is for whoever looks on.
 */
#ifndef MW_CLI_SERVE_LOG_H
#define MW_CLI_SERVE_LOG_H

#include <stdio.h>

#include "control/control.h"

#define SERVE_LOG_LINES 50

struct serve_log {
    FILE *to;
    const struct fleet *fleet;          /* borrowed */
    const struct control_policy *policy;
    int64_t second;  /* of the lines counted in `lines` */
    uint32_t lines;
    uint64_t left_out;
};

/* One committed event; most facts say nothing. */
void serve_log_event(struct serve_log *l, const struct event *ev, const void *tail);
/* Something about the daemon itself; never left out. */
void serve_log_note(struct serve_log *l, int64_t now_ns, const char *text);

/* The words of an event, "" for one that is not shown: "node n3: ready -> down (slurmd)". */
struct text;
void serve_log_words(const struct serve_log *l, const struct event *ev, const void *tail,
                     struct text *ret);

#endif
