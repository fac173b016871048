/* What the files of the machines' store share. */
#ifndef MW_SIGNAL_MACHINES_PRIVATE_H
#define MW_SIGNAL_MACHINES_PRIVATE_H

#include "base/map.h"
#include "base/mem.h"
#include "base/units.h"
#include "signal/machines.h"

#define SERIES_MAX 32767u      /* of one machine: what a line's row can point to */
#define ROW_NONE UINT16_MAX    /* a row whose metric this build does not know */
#define ROW_FRESH 0x8000u      /* a row that has no value on its connection */
#define SWEEP_MS 30000         /* after so long a new line has said all that is still there */
#define TICK_MS 200
#define FRAME_BYTES_MAX 65536 /* of a ring's frame */

enum series_flag {
    SERIES_HERE = 1,      /* it has a value */
    SERIES_BASE = 2,      /* it had one at the beginning of the ring */
    SERIES_WATCHED = 4,   /* a rule is looking at it */
    SERIES_UNSAID = 8,    /* a new line has not said it yet */
    SERIES_RULED = 16,    /* its metric concerns rules */
    SERIES_GATHERED = 32, /* a gatherer said it */
    SERIES_NOTED = 64,    /* its change in this frame is noted */
};

struct series {
    int64_t value, base; /* now; at the beginning of the ring.  0 where there is none */
    uint32_t key;        /* metric << 22 | instance */
    uint32_t at;         /* when it changed: tenths of a second since the store began */
};

/* Frames, oldest first, contiguous each: a length in two bytes (0: go on at the beginning), then
 * time since the frame before in ms, count of values, {zigzag step in series, zigzag delta}*, count
 * of ends, {zigzag step}*. */
struct ring {
    uint8_t *bytes;          /* NULL until the first frame */
    uint32_t size, head, tail, frames;
    uint32_t used;           /* bytes of frames, lengths included */
    int64_t base_ms, last_ms; /* time of the values in `base`; of the newest frame */
};

struct machine {
    char *name;
    uint32_t node;
    int64_t heard_ms;
    uint64_t frames, bytes, coalesced;
    struct series *series;
    uint8_t *flags;          /* of each series */
    uint16_t *sorted;        /* series by key */
    uint32_t rows, rows_max, here;
    struct ring ring;
    struct machine_part **part; /* sorted by scope, n; each one block with its strings */
    uint32_t parts, parts_max;
    struct machine_source **source;
    struct machine_check *check[MACHINE_CHECKS]; /* newest at checks - 1, modulo */
    uint32_t sources, checks;
    uint32_t watch, stated;  /* first of its own in the pools, MW_NONE */
    uint32_t stateds;
    uint32_t line[MACHINE_LINES_MAX]; /* MW_NONE = free */
    char version[32];
};

struct line {
    uint32_t machine;        /* MW_NONE = free: next_free counts */
    uint32_t next_free;
    uint16_t *series;        /* by row number: series, ROW_FRESH; or ROW_NONE */
    uint32_t rows, rows_max;
    int64_t opened_ms, sampled_ms; /* sampled: the last frame of samples */
    bool gather, swept;
};

#define RULES_MAX 96
#define RULE_BUCKETS 8 /* a window is counted in so many steps */

/* A rule's thresholds in whole steps of its metric, and the rules by what they read. */
struct rule_index {
    int64_t open[RULES_MAX], close[RULES_MAX], guard[RULES_MAX];
    uint16_t first[METRIC_NUMBER_MAX + 2]; /* of a metric's rules in row[] */
    uint8_t row[2 * RULES_MAX];
};

enum watch_state {
    WATCH_FREE,
    WATCH_QUIET,   /* nothing wrong: growth within a window, or a lowest value, is kept */
    WATCH_RISING,  /* true, not long enough */
    WATCH_UP,      /* a condition */
    WATCH_FALLING, /* a condition, not true any more, not long enough */
};

/* A rule's look at one series. */
struct watch {
    int64_t since_ms;  /* rising, falling: of this state; quiet, up: the condition began */
    int64_t began_ms;  /* of the condition */
    int64_t told_ms;
    int64_t mark;      /* rate: when the present bucket began, ms; growth, shrink: the lowest or
                          highest value, 0 = none yet */
    uint32_t count[RULE_BUCKETS];
    uint32_t machine, series, next; /* next of the same machine, or free */
    uint8_t rule;      /* row of the rules' table */
    uint8_t state;     /* enum watch_state */
    uint8_t bucket;
};

struct stated {
    int64_t since_ms, heard_ms, told_ms;
    uint32_t machine, next;
    bool used;
    char class[32], name[96], code[64];
    char *text;        /* owned */
};

/* A series that this frame changed, once, and what it was before: 0 when it was not there. */
struct change {
    uint32_t series;
    bool was_here;
    int64_t was;
};

struct machines {
    struct machines_options o;
    struct machine *machine;
    uint32_t count;
    struct map by_name, by_node; /* XXH3 of the name -> row; node -> row */
    struct line *line;
    uint32_t lines, lines_max, line_free;
    struct watch *watch;
    uint32_t watches, watches_max, watch_free, watch_at; /* watch_at: where the next tick goes on */
    struct rule_index rules;
    struct stated *stated;
    uint32_t stateds, stateds_max, stated_free;
    struct change *change;       /* of the frame that is being read */
    uint32_t changes, changes_max;
    uint8_t *frame;              /* of the ring, while it is made */
    size_t ring_bytes;
    int64_t began_ms;            /* INT64_MIN until the first time is known */
    uint64_t text_bytes;         /* of parts, sources, checks, stated conditions */
    struct machines_stats stats;
    struct machine_condition *shown; /* what machines_condition() gave last */
};

static inline uint32_t series_key(uint32_t metric, uint32_t instance)
{
    return metric << 22 | instance;
}
static inline uint32_t series_metric(const struct series *s)
{
    return s->key >> 22;
}
static inline uint32_t series_instance(const struct series *s)
{
    return s->key & METRIC_INSTANCE_MAX;
}

static inline uint64_t machines_zigzag(uint64_t delta)
{
    return delta << 1 ^ (uint64_t)((int64_t)delta >> 63);
}
static inline uint64_t machines_unzigzag(uint64_t v)
{
    return v >> 1 ^ (0 - (v & 1));
}

/* machines_series.c */
uint32_t machines_series_find(const struct machine *k, uint32_t key); /* MW_NONE */
/* MW_NONE: no room. */
uint32_t machines_series_add(struct machines *m, uint32_t machine, uint32_t key);
/* And notes the change. */
void machines_series_set(struct machines *m, uint32_t machine, uint32_t series, bool here,
                         int64_t value, int64_t now_ms);
int64_t machines_series_at_ms(const struct machines *m, const struct series *s);

/* machines_ring.c: the changes noted, as one frame. */
void machines_ring_write(struct machines *m, uint32_t machine, int64_t now_ms);

/* machines_watch.c */
void machines_watch_init(struct machines *m);
static inline bool machines_watch_concerns(const struct machines *m, uint32_t metric)
{
    return m->rules.first[metric + 1] > m->rules.first[metric];
}
/* Of the changes noted; they took gap_ms to come about. */
void machines_watch_changes(struct machines *m, uint32_t machine, int64_t gap_ms, int64_t now_ms);
void machines_watch_series(struct machines *m, uint32_t machine, uint32_t series, int64_t now_ms);
void machines_watch_tick(struct machines *m, int64_t now_ms);
/* The condition of a watch that is up. */
struct machine_condition machines_watch_condition(const struct machines *m, const struct watch *w);

/* machines_stated.c */
void machines_stated_tick(struct machines *m, int64_t now_ms);
struct machine_condition machines_stated_condition(const struct stated *s);

/* machines_parts.c */
void machines_parts_free(struct machines *m, struct machine *k);

void machines_say(struct machines *m, uint32_t machine, const struct machine_condition *c,
                   bool up);

#endif
