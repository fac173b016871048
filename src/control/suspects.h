/*
 * Nodes that the record gives reason to avoid: what is wrong with them now, and
 * what has come again and again.  For `mw suspects` and sbatch --exclude.
 *
 * A node's score is the sum of the weights of what is true of it:
 *   4  its health is not ready: it is out, being repaired, or on probation
 *   4  an incident on it is open that ends or slows what runs there
 *   2  an incident on it is open that only defers: the part works, but not for long
 *   2  Slurm or others have it out of service, or a person holds it
 *   2  it is a lemon: it fails more often than others (care_lemon.h)
 *   1  for each incident of the last days beyond the first, 3 at most
 * An incident that does nothing to what runs there, such as a rank's own end, does not count.
 */
#ifndef MW_CONTROL_SUSPECTS_H
#define MW_CONTROL_SUSPECTS_H

#include "control/words.h"

enum suspect_why {
    SUSPECT_HEALTH = 1 << 0,
    SUSPECT_INCIDENT = 1 << 1,
    SUSPECT_MINOR = 1 << 2,
    SUSPECT_OUT = 1 << 3,
    SUSPECT_REPEATS = 1 << 4,
    SUSPECT_LEMON = 1 << 5,
};

struct suspect {
    uint32_t node, score;
    uint32_t why;          /* enum suspect_why, or-ed */
    uint32_t incidents;    /* opened in the last days, the open one with them */
    uint64_t incident;     /* the open one; 0 */
    uint64_t advice;       /* about it, that waits for a person; 0 */
    uint64_t last;         /* the last one that opened in these days; 0 */
    int64_t last_ns;
    uint16_t class;        /* of the open one, else of the last; UINT16_MAX */
    uint8_t health;        /* enum node_health */
    uint8_t effect;        /* enum fault_effect, of the last incident */
    uint8_t reported;      /* as guard_node_reported() */
};

struct suspects_options {
    int64_t days_ns;       /* how far back incidents count */
    uint32_t score_min;    /* only these and above; 0 counts as 1 */
};

struct suspects {
    struct suspect *item;  /* owned: by score, worst first, then by node */
    uint32_t length;
};

/* `c` is the state at the end of the journal.  MW_ECORRUPT etc. from reading; MW_ENOMEM. */
MW_MUST_USE int suspects_find(struct journal *j, const struct control *c,
                              const struct suspects_options *o, struct suspects *ret,
                              struct mw_error *err);
void suspects_fini(struct suspects *s); /* zeroed is fine */

/* "down; incident 812: gpu; 3 incidents". */
void suspect_words(struct text *t, const struct suspect *s, const struct words *w);

#endif
