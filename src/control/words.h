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

/* The incident that an event is about; 0 when it is about none. */
uint64_t words_incident(const struct event *ev);

/* "gpu"; "a person" and "no known class" for what is no row of the policy. */
const char *words_class(const struct words *w, uint32_t class);
/* "n3"; "no node". */
const char *words_node(const struct words *w, uint32_t node);
/* "n[1-4],n7"; past about 160 bytes only the first and how many: "n[1-4],n7,… (2048 nodes)".
 * mw journal show and JSON have them all. */
void words_nodes(struct text *t, const struct words *w, const uint32_t *node, uint32_t nodes);
/* "gpu n3-g5", or "n3" for a node itself. */
void words_component(struct text *t, const struct words *w, uint64_t component);
/* "the agent of n3", "Slurm", "person 7". */
void words_source(struct text *t, const struct words *w, const struct event *ev);
/* "power cycle of", "replacement of": what a step is, before the name of what it is done to. */
const char *words_step_of(uint32_t step);
/* "power-cycle it", "replace the part": what somebody is told to do. */
const char *words_step_do(uint32_t step);
/* What times and counts of a record rest on: "measured" where Slurm owns the nodes, for then they
 * were observed on a live site; else "simulated". */
const char *words_basis(const struct control_policy *p);
/* "a technician"; of enum step_who. */
const char *words_who(uint32_t who);
/* "gpu-board", or "no part" for what is no row of the policy. */
const char *words_part(const struct words *w, uint32_t part);
/* "3 findings, 2 repairs" …: what one of the seven signals of a lemon counts. */
const char *words_lemon_signal(uint32_t signal);
/* "$1,234.56" of micro-dollars. */
void words_usd(struct text *t, int64_t uusd);
/* "2024-01-31T05:06:07.123Z" of milliseconds UTC. */
void words_time_ms(struct text *t, int64_t ms);
/* "2.50 h" of milliseconds. */
void words_span_ms(struct text *t, int64_t ms);
/* The text of a tail, control characters as dots, in quotes. */
void words_quote(struct text *t, const void *tail, uint32_t size);

#endif
