/*
 * Events in the words of the people they concern: nodes and classes by name,
 * times as lengths, who asked and who answered.  One sentence an event, for
 * `mw why` and `mw shadow`; event_print.h has the bare fields.  Pure: reads
 * what it is given.
 */
#ifndef MW_CONTROL_WORDS_H
#define MW_CONTROL_WORDS_H

#include "base/text.h"
#include "control/control.h"

/* Adds what a finding of a class (by its name) with this detail means ("Xid 79: GPU has fallen off
 * the bus"); nothing when it does not know.  detail 0 = none. */
typedef void words_detail_fn(struct text *t, const char *class, uint32_t detail);

struct words {
    const struct fleet *fleet;           /* borrowed, as is the rest */
    const struct control_policy *policy; /* names of classes */
    words_detail_fn *detail;             /* may be NULL */
};

/* The sentence of an event, without an end.  tail may be NULL when tail_size is 0. */
void words_of_event(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail);

/* "gpu"; "a person" and "no known class" for what is no row of the policy. */
const char *words_class(const struct words *w, uint32_t class);
/* "n3"; "no node". */
const char *words_node(const struct words *w, uint32_t node);
/* "gpu n3-g5", or "n3" for a node itself. */
void words_component(struct text *t, const struct words *w, uint64_t component);
/* "the agent of n3", "Slurm", "person 7". */
void words_source(struct text *t, const struct words *w, const struct event *ev);
/* "2.50 h" of milliseconds. */
void words_span_ms(struct text *t, int64_t ms);
/* The text of a tail, control characters as dots, in quotes. */
void words_quote(struct text *t, const void *tail, uint32_t size);

#endif
