/*
 * What readings are a condition: a table of rules on metrics, each with the two
 * thresholds of its hysteresis, how long it must hold, the class of fault that
 * it stands for, the words for a person, and where its numbers come from (the
 * source, or "chosen" with the reason).  docs/signals.md prints the table.
 *
 * A rule's number is for ever: it is part of the number of the findings that are
 * made of it.  Classes are named as in live/policy.h; who makes findings of
 * conditions looks the names up.
 *
 * The table only.  Which series have a condition, signal/machines.h keeps.
 */
#ifndef MW_SIGNAL_RULES_H
#define MW_SIGNAL_RULES_H

#include "core/event.h"
#include "signal/metric.h"

#define RULE_NUMBER_MAX 255 /* 8 bits */

enum rule_kind {
    RULE_ABOVE,       /* value >= open; over below close */
    RULE_BELOW,       /* value <= open; over above close */
    RULE_BEYOND,      /* value >= open or <= -open; over within close */
    RULE_IS,          /* value == open */
    RULE_BITS,        /* value & open != 0 */
    RULE_RATE,        /* a counter grew by open or more within the window; over when it grew by
                         close or less within the window */
    RULE_UNDER_OTHER, /* value < the other metric's value of the same instance (of a lane: its
                         port's); over at it or above.  No condition while there is no other */
    RULE_OVER_OTHER,  /* value >= the other metric's; over below it */
    RULE_GROWTH,      /* value >= open x the lowest value above 0 since the series was first heard;
                         over below close x that */
    RULE_SHRINK,      /* value <= open x the highest before it fell; over above close x that */
    RULE_KINDS
};

struct rule {
    uint8_t number;       /* 1 .. RULE_NUMBER_MAX */
    uint8_t kind;         /* enum rule_kind */
    uint8_t effect;       /* enum fault_effect of the finding; EFFECT_NONE: the class says */
    bool fell;            /* only where it was not so before: what was never well is not in use */
    uint16_t metric;
    uint16_t other;       /* RULE_*_OTHER: the metric to compare with; 0 */
    uint16_t guard;       /* only while this metric of the same instance (of a lane: its port) is
                             >= guard_least; 0.  When that ends, RULE_BELOW is over; another kind
                             stays as it is, as nobody can say */
    double open, close;   /* real units */
    double guard_least;
    int64_t hold_ms;      /* true for so long before it is a condition */
    int64_t clear_ms;     /* not true for so long before it is over */
    int64_t window_ms;    /* RULE_RATE */
    const char *name;     /* "gpu-ecc-dbe" */
    const char *class;    /* "gpu" */
    const char *words;    /* "uncorrected memory errors" */
    const char *source;   /* of the numbers */
};

uint32_t rules_count(void);
const struct rule *rules_at(uint32_t row);    /* in the order of their numbers */
const struct rule *rules_of(uint32_t number); /* NULL: none */
const char *rule_kind_name(uint32_t kind);    /* "above"; "" when out of range */

#endif
