/*
 * What the daemon knows of every machine that speaks to it, by its own agent or
 * through a gatherer: the last value of every series, a bounded window of what
 * changed, its parts, the sources of its readings, its last checks, and the
 * conditions that hold (signal/rules.h, and what a source itself stated).
 *
 * Samples never enter the journal: this is memory, lost with the daemon; machines
 * say everything again when they connect.  Conditions become findings by the
 * callback.  Works without a controller and for machines that no site file names.
 *
 * Clock: the caller's, in ms UTC; values and frames bear the time at which they
 * came.  A machine's own clock is only compared (skew).  One thread.
 *
 * Memory: per machine its series (about 30 bytes each), a ring of frames (the
 * smaller of 1 MiB and 1 GiB over machines_max), parts and texts as long as they
 * are; machines_memory() says it by item.
 */
#ifndef MW_SIGNAL_MACHINES_H
#define MW_SIGNAL_MACHINES_H

#include "base/error.h"
#include "signal/rules.h"
#include "signal/samples.h"

#define MACHINES_MAX 1000000
#define MACHINE_LINES_MAX 8     /* who speaks of one machine: its agent, gatherers */
#define MACHINE_PARTS_MAX 4096
#define MACHINE_SOURCES_MAX 64
#define MACHINE_CHECKS 16       /* the last so many */
#define MACHINE_STATED_MAX 1024 /* conditions of one machine that its sources stated */
#define MACHINES_RING_TOTAL ((size_t)1 << 30)
#define MACHINES_RING_MAX ((size_t)1 << 20)
#define MACHINES_SAY_AGAIN_MS 20000 /* a condition that is up is told again */
#define MACHINES_STATED_MS 60000    /* a stated one that is not said again is over: 3 x 20 s */

enum machine_source_state { MACHINE_SOURCE_OK = 1, MACHINE_SOURCE_SILENT, MACHINE_SOURCE_ABSENT };

/* Strings are never NULL; borrowed until the part is said again. */
struct machine_part {
    int64_t at_ms; /* when it was said first, or changed */
    uint32_t n;
    uint8_t scope; /* enum metric_scope; SCOPE_COUNT: a scope without readings, see scope_name */
    bool gone;
    const char *scope_name, *name, *serial, *model, *fw, *pci, *peer, *peer_port, *text;
};

struct machine_check {
    int64_t at_ms;
    uint64_t id;       /* of the action that asked; 0: the machine did it by itself */
    uint8_t result;    /* enum result of core/event.h */
    uint8_t level;     /* 1 to 4; 0 = not said */
    const char *class, *text;
};

struct machine_source {
    int64_t since_ms;  /* in this state since */
    uint8_t state;     /* enum machine_source_state */
    const char *name, *text;
};

/* By a rule (rule != NULL), or stated by a source. */
struct machine_condition {
    const struct rule *rule;
    uint16_t metric;       /* rule: what was read; else 0 */
    uint32_t instance;
    int64_t value;         /* the value or the growth within the window, in whole steps */
    int64_t since_ms;      /* it holds since */
    const char *class;     /* of live/policy.h */
    const char *name;      /* of the rule; stated: what it is about */
    const char *code;      /* stated: as its source has it; else "" */
    const char *text;      /* words for a person */
};

/* A condition began to hold, holds still (told again every MACHINES_SAY_AGAIN_MS) or is over. */
typedef void machines_condition_fn(void *ctx, uint32_t machine, const struct machine_condition *c,
                                   bool up);
/* Does the record say that this condition of a rule holds?  Asked once when a series begins, so
 * that a condition outlives the daemon. */
typedef bool machines_recorded_fn(void *ctx, uint32_t machine, const struct rule *rule,
                                  uint32_t instance);

struct machines_options {
    uint32_t machines_max;      /* 1 .. MACHINES_MAX */
    size_t ring_bytes;          /* of one machine; 0: as above */
    machines_condition_fn *condition; /* NULL: conditions are kept for reading only */
    machines_recorded_fn *recorded;   /* NULL: nothing is */
    void *ctx;
};

struct machines;
MW_MUST_USE int machines_create(const struct machines_options *o, struct machines **ret,
                                struct mw_error *err);
void machines_destroy(struct machines *m); /* NULL is fine */

/* ---- what is said of machines ---------------------------------------------------------------- */

/* The machine of this name, made when it is new; MW_NONE: machines_max are known, or out of memory.
 * node: of the fleet, or MW_NONE. */
uint32_t machines_add(struct machines *m, const char *name, uint32_t node);

/* A connection begins to speak of a machine.  A line, or MW_NONE: too many speak of it.  What an
 * agent's last line said and this one does not say again within 30 s is gone. */
uint32_t machines_line_open(struct machines *m, uint32_t machine, bool gather, const char *version,
                            int64_t now_ms);
void machines_line_close(struct machines *m, uint32_t line); /* the connection has ended */
uint32_t machines_line_machine(const struct machines *m, uint32_t line);

/* The line is heard: any frame of it. */
void machines_heard(struct machines *m, uint32_t line, int64_t now_ms, size_t bytes);

/* A frame of samples, opened by the caller (r->head.machine chose the line).  MW_ECORRUPT: it is
 * none, and the connection is to be closed; MW_ENOMEM: it was left out. */
MW_MUST_USE int machines_samples(struct machines *m, uint32_t line, int64_t now_ms,
                                 struct sample_reader *r, struct mw_error *err);

/* All of them copy.  False: no room (counted) or nothing that is known. */
bool machines_part_said(struct machines *m, uint32_t machine, const struct machine_part *p,
                        int64_t now_ms);
bool machines_source_said(struct machines *m, uint32_t machine, const char *name, uint32_t state,
                          const char *text, int64_t now_ms);
bool machines_check_said(struct machines *m, uint32_t machine, const struct machine_check *c);
/* A condition that its source states: up, again, or over. */
bool machines_stated(struct machines *m, uint32_t machine, const struct machine_condition *c,
                     bool up, int64_t now_ms);

/* Holds, windows, and what is told again; returns when it wants to be called next. */
int64_t machines_tick(struct machines *m, int64_t now_ms);

/* ---- reading --------------------------------------------------------------------------------- */

struct machine_info {
    const char *name;
    uint32_t node;          /* of the fleet; MW_NONE */
    bool agent, gather;     /* who speaks of it now */
    int64_t heard_ms;       /* 0 = never */
    int64_t skew_us;        /* its clock less ours; INT64_MIN = not known */
    uint64_t frames, bytes; /* of samples */
    uint64_t coalesced;     /* readings that came only summed up in later ones */
    uint32_t series;        /* with a value now */
    uint32_t parts, checks, sources, conditions;
    char version[32];       /* of its agent */
};
uint32_t machines_count(const struct machines *m);
uint32_t machines_find(const struct machines *m, const char *name); /* MW_NONE: none */
uint32_t machines_of_node(const struct machines *m, uint32_t node); /* MW_NONE: none */
struct machine_info machines_info(const struct machines *m, uint32_t i);

#define MACHINE_VALUE_GONE INT64_MIN
struct machine_value {
    uint16_t metric;
    uint32_t instance;
    int64_t value; /* whole steps; MACHINE_VALUE_GONE in a frame: it has none any more */
    int64_t at_ms; /* when it changed last */
};
/* The values that are there now, in the order in which they were first said; how many were
 * written. */
uint32_t machines_values(const struct machines *m, uint32_t i, struct machine_value *ret,
                         uint32_t most);
/* One value; false: there is none. */
bool machines_value(const struct machines *m, uint32_t i, uint32_t metric, uint32_t instance,
                    struct machine_value *ret);

/* What changed since from_ms, frame by frame, oldest first.  The first call has all values as they
 * were at the later of from_ms and the beginning of the window, which is its time.  Not called when
 * there is nothing, or no memory. */
typedef void machines_frame_fn(void *ctx, int64_t wall_ms, const struct machine_value *changed,
                               uint32_t n);
void machines_walk(const struct machines *m, uint32_t i, int64_t from_ms, machines_frame_fn *fn,
                   void *ctx);

/* The k-th of machine i, NULL past the end; borrowed until the next call that is not a reading.
 * Parts in the order of scope, n; checks the newest first. */
const struct machine_part *machines_part(const struct machines *m, uint32_t i, uint32_t k);
const struct machine_check *machines_check(const struct machines *m, uint32_t i, uint32_t k);
const struct machine_source *machines_source(const struct machines *m, uint32_t i, uint32_t k);
/* Those of rules first, in the order in which they began, then the stated ones.  Valid until the
 * next call of this function. */
const struct machine_condition *machines_condition(const struct machines *m, uint32_t i,
                                                   uint32_t k);

struct machines_memory {
    uint64_t machines;   /* rows and names */
    uint64_t series;     /* keys, values, times, index */
    uint64_t rings;      /* reserved; the kernel gives pages as they fill */
    uint64_t rings_used; /* bytes of frames in them */
    uint64_t lines;      /* row tables of connections */
    uint64_t parts;      /* parts, sources, checks and their texts */
    uint64_t conditions; /* what rules are looking at, and what was stated */
};
struct machines_memory machines_memory(const struct machines *m);

struct machines_stats {
    uint64_t frames, bytes, values, gone;
    uint64_t corrupt;    /* frames that were none */
    uint64_t left_out;   /* parts, sources, stated conditions, series past their room */
    uint64_t unknown;    /* definitions with a metric that this build does not know */
    uint64_t opened, closed; /* conditions */
    uint32_t watched;    /* series that a rule is looking at */
};
struct machines_stats machines_stats(const struct machines *m);

#endif
