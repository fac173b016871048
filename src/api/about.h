/*
 * What an event is about: its job, incident, node and part, as numbers and as the names that
 * streams and lists show beside its sentence.  Pure; reads what it is given.
 */
#ifndef MW_API_ABOUT_H
#define MW_API_ABOUT_H

#include "api/access.h"
#include "control/words.h"

struct evbuffer;

struct about {
    uint64_t job, incident, component; /* 0 = none */
    uint32_t node, hall;               /* MW_NONE */
    uint32_t tenant;                   /* of its job; 0 = not known, or no tenant's */
    bool of_job;
    bool names_nodes;                    /* in its tail: `hall` is where its job is now */
};

/* b gives the tenants of jobs that live; NULL = nobody knows them. */
struct about about_event(const struct event *ev, const struct fleet *f, const struct board *b);

/* May this principal hear of it?  Who is confined to tenants hears of their jobs only; who is
 * confined to halls, of what is in them and of what is nowhere in particular. */
bool about_seen(const struct about *a, const struct fleet *f, const struct principal *who);

/* The sentence of the event, with the job that it is about named first where there is one. */
void about_sentence(struct text *t, const struct words *w, const struct event *ev,
                    const void *tail);

/* {"seq","time","kind","text","about":{…}} without a line's end.  False when out of memory. */
MW_MUST_USE bool about_write(struct evbuffer *to, const struct words *w, const struct event *ev,
                             const void *tail, const struct about *a);

#endif
