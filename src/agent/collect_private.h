/*
 * What collect.c (when is what read) and collect_say.c (what is said of it) share.
 */
#ifndef MW_AGENT_COLLECT_PRIVATE_H
#define MW_AGENT_COLLECT_PRIVATE_H

#include "agent/collect.h"
#include "agent/parts.h"
#include "agent/places.h"
#include "agent/workers.h"

#define COLLECT_WORKERS (WHERES - 1) /* worker[where - 1] */

/* One source of the table. */
struct collect_entry {
    const struct source *source;
    struct worker_try here;  /* of those read in this process */
    int64_t due_ms;
    uint32_t delay_ms;       /* of the next try after a failure */
    uint8_t said;            /* enum agent_source_state; 0 = nothing is known yet */
    bool told, off;          /* off: it is not to be read */
    char text[256];          /* why it is silent */
};

struct collect {
    struct source_env env;
    struct places places;
    uint32_t generation;     /* of the places */
    int64_t places_due_ms;
    struct samples samples;
    struct source_out out;   /* of the sources that are read here */
    struct uplink *uplink;   /* during a call: where `out` leads */
    int64_t now_ms;          /* likewise */
    struct collect_entry entry[SOURCES_MAX];
    uint32_t entries;
    struct worker_side worker[COLLECT_WORKERS];
    struct worker_start start;
    struct parts parts;
    uint32_t sample_ms, asked_ms; /* in force; as the daemon or the flag says */
    bool fixed;              /* the flag says it */
    int64_t rate_until_ms;   /* sample_ms is for so long; 0 = it is the usual */
    int64_t gpus_left_ms;    /* GPUs are left alone until then */
    int64_t round_ms;        /* when the round of readings began that is not sent yet; 0 = none */
    int64_t own_due_ms;      /* what the agent itself costs */
    int64_t own_cpu_us, own_wall_ms;
    uint64_t seq, frames;
    uint32_t coalesced;
    int epoll;               /* of the workers' sockets */
    uint8_t *buffer;         /* owned; WORKER_MESSAGE_MAX */
};

/* The state of a source is now this; said when it is another than before. */
void collect_state(struct collect *c, struct collect_entry *e, uint8_t state, const char *text);
/* Says states, parts and conditions that are due, and the readings when `round_ended`. */
void collect_say(struct collect *c, bool round_ended);

#endif
