/*
 * Rows of a list of the API, gathered over its pages: the questions that `mw
 * get`, the verbs and the terminal view ask.
 */
#ifndef MW_CLI_GET_H
#define MW_CLI_GET_H

#include "cli/daemon_client.h"
#include "cli/resources.h"

#define GET_PAGE 50000u       /* rows: the most that the API gives at once */
#define GET_NAMES_MAX 1000000u

struct get_query {
    const struct resource *resource;
    const char *filter, *sort; /* the API's; NULL = none */
    const char *fields;        /* "name,health"; NULL = all */
    uint64_t limit;            /* rows at most; 0 = all */
    bool all;                  /* ?all: what is over, too */
    int64_t timeout_ns;        /* of each question; 0 = the usual */
    uint32_t page;             /* rows of a question at most; 0 = GET_PAGE */
    json_t *names;             /* a set (keys) of the names that are wanted; NULL = all.  What is
                                  found is set to true */
};

/* Appends the path and query of a page: from the cursor on, of at most `limit` rows. */
void get_path(struct text *t, const struct get_query *q, const char *filter, const char *cursor,
              uint64_t limit);

/* Gives *ret: the first document with the rows of all pages, and without those that were not named.
 * With *ret_text (may be NULL) given and a single page, its bytes as they came are put there. */
MW_MUST_USE int get_rows(struct daemon *d, const struct get_query *q, json_t **ret,
                         struct text *ret_text, struct mw_error *err);

/* Adds the names of an argument to a set of names: a host list, or with "-" the lines of standard
 * input, each a host list.  MW_EINVAL, MW_ELIMIT, MW_ENOMEM. */
MW_MUST_USE int get_names_add(json_t *names, const char *list, struct mw_error *err);

/* The names of a set that were not found, as a host list. */
void get_names_missing(struct text *t, const json_t *names);

/* A row's key as text in buf: its number or name; NULL when it has none. */
const char *get_row_name(const struct resource *r, const json_t *row, char *buf, size_t size);

#endif
