/*
 * What a site looks like now, one document a question: incidents, work orders,
 * parts, odds, lemons, spares, the safety budget, maintenance windows.  Made
 * from the state and, where words need it, single events of the record; used by
 * the daemon (GET /api/v1/<name>) and by `mw` over a folder, so that both say
 * the same.  Decides nothing.
 *
 * Every document is {"rows": [...], "now": time, "left_out": n} and what its maker
 * adds.  Times are RFC 3339, lengths ms, money micro-dollars, odds ppm.
 */
#ifndef MW_API_VIEWS_H
#define MW_API_VIEWS_H

#include <jansson.h>

#include "control/history.h"

#define API_ROWS_MAX 20000u /* of one document; more are counted in left_out */

struct past;

struct api_view_of {
    const struct control *control;
    struct journal *journal;
    const struct words *words;
    const struct serials *serials; /* may be NULL: serials of the site file */
    int64_t now_ns;                /* journal time of the state */
    bool all;                      /* symptoms, nodes without signals, past windows, too */
    /* Only of lists (list.h); zero over a folder. */
    bool closed;                   /* incidents: those that are over instead */
    uint64_t revision;             /* the last event of the state */
    struct past *past;             /* what is no longer in the state (past.h); may be NULL */
};

/* A new reference; NULL with err filled. */
typedef json_t *api_view_fn(const struct api_view_of *v, struct mw_error *err);

struct api_view {
    const char *name; /* "incidents"; NULL ends the table */
    const char *path; /* "/api/v1/incidents" */
    api_view_fn *make;
};
extern const struct api_view api_views[];
const struct api_view *api_view_find(const char *name); /* NULL */

/* The makers with files of their own. */
json_t *api_view_incidents(const struct api_view_of *v, struct mw_error *err);
json_t *api_view_orders(const struct api_view_of *v, struct mw_error *err);

/* ---- what the makers share (views.c) -------------------------------------------------------- */

json_t *api_text(struct text *t);                 /* takes the content; null when empty */
json_t *api_time_ms(int64_t ms);                  /* null for 0 and MW_NEVER */
json_t *api_number_or_null(uint64_t n);           /* null for 0 */
json_t *api_component(const struct words *w, uint64_t component);
json_t *api_place(const struct fleet *f, uint64_t component); /* "h1/row 2/rack 07"; null */
/* {"rows": …}: takes rows, also on failure (rows may be NULL). */
json_t *api_document(const struct api_view_of *v, json_t *rows, uint64_t left_out,
                     struct mw_error *err);
/* Appends, or counts what is past API_ROWS_MAX; false when out of memory. */
bool api_row(json_t *rows, json_t *row, uint64_t *left_out);

/*
 * Money that an open incident costs an hour: GPUs of nodes that are out of service for it and for
 * its symptoms, and the share of its job's GPUs that a slow part wastes, at the policy's price.
 * Modelled.  An array by incident row: mw_free.  NULL when out of memory.
 */
int64_t *api_stakes(const struct control *c);

#endif
