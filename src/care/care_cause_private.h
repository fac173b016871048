/* What care_cause.c (state, folds), care_cause_tree.c (who hangs on what, counts) and
 * care_cause_rank.c (the decision) share. */
#ifndef MW_CARE_CAUSE_PRIVATE_H
#define MW_CARE_CAUSE_PRIVATE_H

#include "care/care_cause.h"

#define CAUSE_DEPTH_MAX 32u     /* of a chain of symptoms; sites have at most 16 breakers in one */
#define CAUSE_CHAIN_MAX 18u     /* a PDU and the breakers above it: SITE_BREAKER_DEPTH_MAX and it */
#define CAUSE_POWER_MAX (2u * CAUSE_CHAIN_MAX)
#define CAUSE_CABLE_UNITS 65536u /* cables that can have cried at once; the oldest makes room */
#define CAUSE_RANKS_MAX 16u     /* of a root's tail */
/* Incidents that one group suppresses or frees at once; with a step, an order and parts for each
 * it stays well below the bound of a cascade.  The others follow, each in a group of its own. */
#define CAUSE_FAN 8u

/* Of an incident: bits of state[]. */
enum {
    CAUSE_ROOT = 1 << 0,    /* it was found by its symptoms, or took some that tipped the balance */
    CAUSE_ALONE = 1 << 1,   /* it is treated on its own, and never suppressed again */
    CAUSE_REFUTED = 1 << 2, /* the crew found nothing wrong there */
};

/* How many hang on a part, and how many of them cried: nodes.  Of a switch its cables, those to
 * nodes and those to other switches apart, for they are watched by different detectors. */
struct cause_count {
    uint32_t seen[2], below[2];
};

struct cause {
    /* state: the units (nodes, then cables) that cried within the window, in order of arrival */
    uint32_t units_used, unit_free, oldest, newest;
    uint32_t *unit;           /* row -> unit */
    int64_t *unit_since_ns;   /* its last cry */
    uint8_t *unit_trees;      /* CAUSE_* of its cries; 0 = free row */
    uint32_t *unit_next, *unit_prev;
    uint32_t suppressed;      /* open incidents that are symptoms */

    /* state: per incident row */
    uint64_t *want_id;        /* id and row of the incident that it shall be a symptom of */
    uint32_t *want;
    uint8_t *state, *trees;   /* trees: CAUSE_* that all its findings' classes allow */
    int64_t *first_ns, *last_ns; /* of a root: when its first, its newest symptom was observed */
    int64_t burst_ns;         /* when the newest finding that counts was observed */
    int64_t *due_ns;          /* no order before this; of a repaired root: all has to be well */

    /* indexes */
    uint32_t units_max;
    uint32_t *unit_row;       /* unit -> row, MW_NONE */
    uint32_t first[COMPONENT_KIND_COUNT], places; /* place of a kind's first possible cause */
    struct cause_count *count; /* per place */
    uint32_t *root;           /* per place: its open incident, MW_NONE */
    uint8_t *dark;            /* per place: a PDU or breaker that its incident says is dead */
    bool twofold;             /* some racks have two feeds */
    struct heap timers;

    /* scratch */
    uint32_t fresh;           /* the finding row that just opened, MW_NONE */
    int64_t fresh_ns;         /* when it was observed */
    bool grew;                /* it added to a count */
    uint32_t fan;             /* incidents marked in this group */
};

/* Parts above a finding or another part, of the trees asked for. */
struct cause_path {
    uint32_t place[CAUSE_ANCESTORS_MAX];
    uint8_t tree[CAUSE_ANCESTORS_MAX]; /* CAUSE_* */
    bool one_of[CAUSE_ANCESTORS_MAX];  /* one of several alike: not to be guessed, only believed */
    uint32_t length;
};

/* ---- care_cause_tree.c ---------------------------------------------------------------------- */

void cause_tree_init(struct care *c); /* places; the counts by cause_recount() */
void cause_recount(struct care *c);   /* below, seen, root from columns */

uint32_t cause_place(const struct care *c, uint64_t component); /* MW_NONE = no possible cause */
uint64_t cause_component(const struct care *c, uint32_t place);
uint8_t cause_tree_of(uint64_t component);

/* The node or cable a finding row is about; its path. */
struct cause_path cause_above(const struct care *c, uint64_t component, uint32_t node,
                              uint8_t trees);
/* Does all that hangs on one part hang on the other? */
bool cause_is_below(const struct care *c, uint32_t place, uint32_t other);
/* Is the rack without power when this PDU or breaker is? */
bool cause_feeds(const struct care *c, uint32_t place, uint32_t rack);

/* A unit cries: true when it had not within the window.  Then the old ones are forgotten. */
bool cause_cry(struct care *c, uint32_t unit, uint8_t trees);
void cause_forget(struct care *c, int64_t before_ns);

struct cause_seen {
    uint32_t seen, below;
};
struct cause_seen cause_seen_at(const struct care *c, uint32_t place);

/* Which incident is open on a part (MW_NONE), and with it whether that is known to be dead: a rack
 * with two feeds hangs on the other one alone then.  Again when its effect has changed. */
void cause_set_root(struct care *c, uint32_t place, uint32_t slot);

/* ---- care_cause.c --------------------------------------------------------------------------- */

/* The incident at the end of the chain of parents; itself when it has none. */
uint32_t cause_topmost(const struct care *c, uint32_t slot);

/* ---- care_cause_rank.c ---------------------------------------------------------------------- */

int32_t cause_score(struct cause_seen s);
/* What was reported of a part is not milder than this, or is the same thing. */
bool cause_covers(const struct care *c, uint32_t root, uint8_t effect, uint16_t class);
/* May this incident wait for that one?  Where they hang is not looked at. */
bool cause_may_suppress(const struct care *c, uint32_t slot, uint32_t root);

#endif
