/*
 * What the doors have learned, on its way to the daemon: the machines, their
 * readings, and the levels (parts, findings, sources) that are said again
 * after every welcome.  Doors write from their own threads; one thread sends.
 * It bounds what it keeps, counts what did not fit, and knows no protocol but
 * the agents' own.
 */
#ifndef MW_GATHER_OUT_H
#define MW_GATHER_OUT_H

#include "base/error.h"

#define DOOR_OUT_MACHINES_MAX 65536
#define DOOR_OUT_SERIES_MAX 4096 /* of one machine */
#define DOOR_OUT_LEVELS_MAX 2048 /* parts, findings and sources of one machine */
#define DOOR_OUT_AGAIN_MS 20000  /* a finding that is up is said again */
#define DOOR_NAME_MAX 96
#define DOOR_TEXT_MAX 256

struct door_out;

/* ---- for doors: any thread ------------------------------------------------------------------ */

/* The number, from 1, under which a door speaks of a machine; two doors of one machine have two,
 * and the daemon knows by the name that it is one.  Asked again it is the same number, unless
 * series_max has grown: then all is said anew under another.  MW_NONE when there is no room
 * (counted).  acts: the daemon may ask this door for power actions on it. */
uint32_t door_out_machine(struct door_out *o, const char *door, const char *name, bool acts,
                          uint32_t series_max);

/* A reading in the metric's unit (signal/metric.h).  NaN: there is none now.  Sent after
 * door_out_flush; a second value before that replaces the first. */
void door_out_put(struct door_out *o, uint32_t machine, uint32_t metric, uint32_t instance,
                  double value);
/* In whole steps of the metric: counters. */
void door_out_put_int(struct door_out *o, uint32_t machine, uint32_t metric, uint32_t instance,
                      int64_t value);
void door_out_gone(struct door_out *o, uint32_t machine, uint32_t metric, uint32_t instance);
/* The readings put so far belong together and were taken at this time. */
void door_out_flush(struct door_out *o, uint32_t machine, int64_t wall_ms);

/* A part of a machine (inventory): said when it is new or changed, and after each welcome. */
struct door_part {
    const char *scope; /* a scope of signal/metric.h: "sensor", "outlet", "port", … */
    uint32_t n;        /* its number within the scope: the instance of its readings */
    const char *name;  /* as the door names it; never NULL or "" */
    const char *serial, *model, *firmware, *pci, *peer, *peer_port, *text; /* NULL = not known */
    bool gone;
};
void door_out_part(struct door_out *o, uint32_t machine, const struct door_part *p);

/* A condition that the source itself states.  A level: said at once when it changes, again every
 * DOOR_OUT_AGAIN_MS while it is up. */
struct door_finding {
    const char *class_name; /* live/policy.h: "bmc", "power", "thermal", "link", … */
    const char *name;       /* what it is about; with the class it identifies it */
    const char *code;       /* "psu-failed"; may be NULL */
    const char *text;       /* a sentence; may be NULL */
    bool up;
};
void door_out_finding(struct door_out *o, uint32_t machine, const struct door_finding *f);
/* A moment's event (a new entry of a log): up once, and no level.  The daemon ends it. */
void door_out_event(struct door_out *o, uint32_t machine, const struct door_finding *f);

enum door_state { DOOR_OK = 1, DOOR_SILENT, DOOR_ABSENT };
/* Whether a source of readings answers; said when it changes.  What was read of it before a
 * silence is not taken back: the daemon knows its age. */
void door_out_source(struct door_out *o, uint32_t machine, const char *source,
                     enum door_state state, const char *text);

/* ---- for the program: one thread ------------------------------------------------------------ */

struct agent_frame;
struct door_out_to {
    void *ctx;
    /* A line to send (event: or to keep; it must not be lost).  false: not now, it is offered
     * again; of an event it is ignored. */
    bool (*line)(void *ctx, const struct agent_frame *f, bool event);
    /* A samples payload; false: not now, it is offered again. */
    bool (*samples)(void *ctx, const uint8_t *payload, size_t size);
};

MW_MUST_USE int door_out_create(struct door_out **ret, struct mw_error *err); /* MW_ENOMEM */
void door_out_destroy(struct door_out *o); /* NULL is fine */
int door_out_fd(const struct door_out *o); /* readable when there is something to send */
/* A new connection: everything is to be said again. */
void door_out_again(struct door_out *o);
/* Sends what is due. */
void door_out_send(struct door_out *o, int64_t now_ms, const struct door_out_to *to);
/* The names behind a number, copied; any may be NULL; false when there is none. */
bool door_out_name(struct door_out *o, uint32_t machine, char ret_door[DOOR_NAME_MAX],
                   char ret_name[DOOR_NAME_MAX]);

struct door_out_counts {
    uint64_t machines, series, levels;
    uint64_t dropped;   /* machines, readings or levels past a bound */
    uint64_t coalesced; /* readings flushed over others that had not gone out */
};
struct door_out_counts door_out_counts(struct door_out *o);

#endif
