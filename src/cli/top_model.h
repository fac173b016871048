/*
 * What mw top knows of a site at one time: the summary's figures, the map of
 * GPUs, and the rows of one list as far as they are shown.  Asked of the daemon;
 * never kept longer than until the next answer.
 */
#ifndef MW_CLI_TOP_MODEL_H
#define MW_CLI_TOP_MODEL_H

#include "cli/get.h"

enum top_tab { TOP_NODES, TOP_INCIDENTS, TOP_JOBS, TOP_QUEUE, TOP_ORDERS, TOP_TABS };

#define TOP_SORTS_MAX 5u

struct top_list {
    const char *resource;         /* of resources.c */
    const char *fields;           /* shown, in this order */
    const char *pattern;          /* the fields that a plain word is looked for in */
    const char *sort[TOP_SORTS_MAX]; /* orders to go through; NULL = the API's own */
    const char *sort_name[TOP_SORTS_MAX];
};
extern const struct top_list TOP_LISTS[TOP_TABS];

#define TOP_TEXT_MAX 256u

/* What is wanted: of the view. */
struct top_wish {
    enum top_tab tab;
    uint32_t sort;           /* of TOP_LISTS[].sort */
    char filter[TOP_TEXT_MAX]; /* as typed: a word, or an expression of the API */
    uint32_t rows;           /* so many at most */
};

/* Signs of GPUs on the map, as the API numbers them (GET /fleet/heat?metric=state). */
enum top_mark { MARK_UNKNOWN, MARK_IDLE, MARK_BUSY, MARK_DEGRADED, MARK_SUSPECT, MARK_HELD,
                MARK_GATE, MARK_REPAIRING, MARK_DOWN, MARK_OUT, MARK_SPARE, MARKS };

struct top_model {
    struct top_wish wish;    /* whose answer this is */
    json_t *summary;         /* owned; NULL: not to be had */
    json_t *replay;          /* owned; NULL: a live site */
    json_t *list;            /* owned: a document with rows; NULL: see trouble */
    struct text heat;        /* owned: a byte a GPU, enum top_mark */
    uint64_t marks[MARKS];   /* GPUs of each */
    struct mw_error trouble; /* code 0: none */
    struct resource_columns columns; /* of the list */
    int64_t took_ns;         /* the asking */
};

/* Asks for all of it.  What fails is in trouble; the rest is there. */
void top_model_ask(struct daemon *d, const struct top_wish *wish, struct top_model *ret);
void top_model_fini(struct top_model *m); /* zeroed is fine */

/* What was typed as a filter of the API: "(name~"*word*")", or itself where it is one. */
void top_filter(const struct top_wish *w, struct text *ret);

#endif
