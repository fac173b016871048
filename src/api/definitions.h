/*
 * What every number that is shown means: one table, from which the console's explanations come.
 *
 * Fields of lists define themselves (resource.h) and are added under "nodes.lost_uusd"; here are
 * the sums and shares of pages, the states, and the classes of time.
 */
#ifndef MW_API_DEFINITIONS_H
#define MW_API_DEFINITIONS_H

#include <jansson.h>

#include "control/control.h"

struct definition {
    const char *key;     /* "goodput_ppm"; NULL ends the table */
    const char *title, *unit;
    const char *text;    /* what it means, one sentence */
    const char *formula; /* how it is made; NULL = it is read as it is */
    const char *basis;   /* "record", "modelled", "site file", "policy": see definitions_json() */
    const char *source;  /* who says so: a paper, a document of ours */
};
extern const struct definition definitions[];

/* {"rows":[{"key","title","unit","text","formula","basis","source"}]}, basis in words; "record" is
 * what the record rests on under this policy (NULL: both words).  NULL when out of memory. */
json_t *definitions_json(const struct control_policy *p);

#endif
