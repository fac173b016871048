/* What words.c (jobs, the engine, people) and words_care.c (faults and repairs) share. */
#ifndef MW_CONTROL_WORDS_PRIVATE_H
#define MW_CONTROL_WORDS_PRIVATE_H

#include "control/words.h"

/* The word of an enumerated field of this event: "down". */
const char *words_field(const struct event *ev, const char *field);
/* ": \"text\"" of a tail of text; nothing when it is empty. */
void words_tail_text(struct text *t, const struct event *ev, const void *tail);

/* The sentence of one kind of event; tail may be NULL when it is empty. */
void words_say_finding(struct text *t, const struct words *w, const struct event *ev,
                       const void *tail);
void words_say_incident(struct text *t, const struct words *w, const struct event *ev,
                        const void *tail);
void words_say_symptom(struct text *t, const struct words *w, const struct event *ev,
                       const void *tail);
void words_say_node(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail);
void words_say_drain(struct text *t, const struct words *w, const struct event *ev,
                     const void *tail);
void words_say_step(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail);
void words_say_order(struct text *t, const struct words *w, const struct event *ev,
                     const void *tail);
void words_say_action(struct text *t, const struct words *w, const struct event *ev,
                      const void *tail);
void words_say_escalated(struct text *t, const struct words *w, const struct event *ev,
                         const void *tail);
void words_say_withdrawn(struct text *t, const struct words *w, const struct event *ev,
                         const void *tail);
void words_say_gate(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail);
void words_say_parts(struct text *t, const struct words *w, const struct event *ev,
                     const void *tail);
void words_say_judged(struct text *t, const struct words *w, const struct event *ev,
                      const void *tail);

#endif
