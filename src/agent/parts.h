/*
 * The levels that sources state: which parts the node has, and conditions that a
 * source is sure of by itself.  Keeps the last of each, passes on what changed,
 * and all of it again after a welcome.
 */
#ifndef MW_AGENT_PARTS_H
#define MW_AGENT_PARTS_H

#include "live/uplink.h"

#define PARTS_MAX 512      /* more are counted and left out */
#define FINDINGS_MAX 64
#define FINDING_SAY_MS 20000 /* an open condition is said again so often */

struct part_kept {
    char *line;            /* owned; the frame as it was written */
    bool told;
};

struct finding_kept {
    char *line;            /* owned */
    bool up;
    int64_t said_ms;
};

struct parts {
    struct part_kept part[PARTS_MAX];
    struct finding_kept finding[FINDINGS_MAX];
    uint32_t parts, findings;
    uint64_t left_out;
};

void parts_fini(struct parts *p);
/* A part as it is now; said at the next parts_tell() when it is new or changed. */
void parts_put(struct parts *p, const struct agent_frame *f);
/* A condition; when it changes, an event. */
void parts_finding(struct parts *p, const struct agent_frame *f, int64_t now_ms,
                   struct uplink *u);
void parts_again(struct parts *p); /* a welcome: the daemon may be another */
/* Says what is due. */
void parts_tell(struct parts *p, int64_t now_ms, struct uplink *u);

#endif
