/*
 * One engine for every list: limit, cursor, filter, sort, fields, JSON and CSV, over the tables of
 * resource.h.
 *
 * The order is total: what was asked for, then the resource's own order, then its key.  A cursor
 * holds the values of the last row under that order, so that a page goes on at the right place
 * though rows came and went; of a resource without an order of its own it holds the key, and where
 * that row is gone the place it had. A cursor is good for the same resource, filter, sort and views
 * only.
 *
 * The document: {"kind":"NodeList","now":…,"revision":N,"total":T,"rows":[…],"next":"…"|null,
 * "rests_on":{field: basis}} and what the resource adds.  `total` counts all rows that pass the
 * filter and that the principal sees.
 */
#ifndef MW_API_LIST_H
#define MW_API_LIST_H

#include <event2/buffer.h>

#include "api/query.h"

#define LIST_LIMIT 1000u
#define LIST_LIMIT_MAX 50000u
#define LIST_SORT_MAX 12u       /* fields of an order, with those that make it total */
#define LIST_FIELDS_MAX 64u
#define LIST_SORT_TEXT 256u     /* bytes of a text that count for its place in an order */
#define LIST_CURSOR_MAX 6144u   /* bytes of a cursor's text */

/* As asked, decoded; NULL = not said. */
struct list_asked {
    const char *limit, *cursor, *filter, *sort, *fields;
    bool csv;
};

struct list_sort {
    const struct api_field *field;
    bool down;
};

struct list {
    const struct api_resource *resource;
    struct query query;
    struct list_sort sort[LIST_SORT_MAX];
    uint32_t sorts;
    bool natural;           /* as the rows are made */
    const struct api_field *field[LIST_FIELDS_MAX];
    uint32_t fields;
    uint32_t limit;
    bool csv;
    uint64_t mark;          /* of the question: a cursor has to have it */
    bool from_cursor;
    uint32_t from_place;    /* natural: where the row of the cursor was */
    struct api_value from[LIST_SORT_MAX]; /* its values; text in cursor_text */
    uint32_t froms;
    char cursor_text[LIST_CURSOR_MAX];
};

/* Reads what was asked.  Holds pointers into itself: not to be moved.  MW_ESYNTAX, MW_EINVAL,
 * MW_ELIMIT; *ret_key names the parameter to blame ("filter"). */
MW_MUST_USE int list_read(const struct api_resource *r, const struct list_asked *asked,
                          const struct api_view_of *of, struct list *ret, const char **ret_key,
                          struct mw_error *err);

/* Writes the document.  `who` NULL sees everything.  MW_ENOMEM and what making rows fails with;
 * then `out` has nothing that counts. */
MW_MUST_USE int list_write(const struct list *l, const struct api_view_of *of,
                           const struct principal *who, struct evbuffer *out,
                           struct mw_error *err);

/* One field's value as JSON: what rows of lists and of details are made of. */
struct json_out;
void list_write_value(struct json_out *o, const struct api_field *f, const struct api_value *v);

#endif
