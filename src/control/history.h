/*
 * What happened to a component or to a part with a serial number.  A slot is a
 * position, an asset is a serial number: when a repair swaps a part, the text of
 * its order.ended says "serial OLD -> NEW", and from there on the slot's history
 * is another part's.  A serial's history follows it from slot to slot.
 *
 * Serials of the site file hold until a repair says otherwise.  Reads through
 * the journal port; writes nothing.
 */
#ifndef MW_CONTROL_HISTORY_H
#define MW_CONTROL_HISTORY_H

#include "control/explain.h"

#define SERIAL_MAX 64u          /* bytes, the ending with them; longer ones are cut */
#define SERIALS_MAX 1000000u    /* swaps of one record; later ones are counted, not kept */
#define HISTORY_LINES_MAX 100000u

struct serial_change {
    uint64_t component, seq;
    int64_t time_ns;
    char before[SERIAL_MAX], after[SERIAL_MAX];
};

/* Every swap that the record tells of, in order.  Zeroed is empty. */
struct serials {
    struct serial_change *change; /* owned */
    uint32_t changes, room;
    uint64_t next_seq;            /* read up to here; 0 = nothing yet */
    uint64_t left_out;
};
/* Reads on from where it was.  MW_ECORRUPT etc.; MW_ENOMEM. */
MW_MUST_USE int serials_update(struct serials *s, struct journal *j, const struct fleet *f,
                               struct mw_error *err);
void serials_fini(struct serials *s);
/* The serial that is in a slot now; "" when nobody knows. */
const char *serials_now(const struct serials *s, const struct fleet *f, uint64_t component);

/* Where it was: events from first_seq to last_seq (UINT64_MAX: until now). */
struct history_span {
    uint64_t component, first_seq, last_seq;
};
struct history {
    bool serial;                /* what was asked for is a serial number */
    struct history_span *span;  /* owned, in order */
    uint32_t spans;
    struct explain_line *line;  /* owned, in order */
    uint32_t lines;
    uint64_t *incident;         /* owned: of it, in order */
    uint32_t incidents;
    uint64_t left_out;
};

/* `what` is a component's name or a serial number.  MW_ENOTFOUND when it is neither; MW_ECORRUPT
 * etc. from reading; MW_ENOMEM. */
MW_MUST_USE int history_tell(struct journal *j, const char *what, const struct words *w,
                             const struct serials *s, struct history *ret, struct mw_error *err);
void history_fini(struct history *h); /* zeroed is fine */

#endif
