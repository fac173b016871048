/* For tests of lists and details: a rig's site as they are made from, and lists asked in a line. */
#ifndef MW_API_LISTS_TESTING_H
#define MW_API_LISTS_TESTING_H

#include "api/list.h"
#include "api/past.h"
#include "control/rig.h"

struct looking {
    struct rig *rig;
    struct words words;
    struct past *past;
    struct serials serials;
    struct api_view_of of;
    struct principal who;
    bool scoped; /* ask as `who`; else as one who sees everything */
    struct mw_error err;
    int code;     /* of the last question */
    const char *key; /* the parameter that it blamed */
};

/* Of a rig that the caller frees. */
void looking_begin(struct looking *l, struct rig *r);
void looking_end(struct looking *l);
/* Reads on: `now`, the past, serials. */
void looking_again(struct looking *l);

/* The list; NULL when it was refused (l->code, l->err, l->key).  asked.limit … as in a query. */
json_t *look(struct looking *l, const char *resource, struct list_asked asked);
/* The text as it is sent. */
char *look_text(struct looking *l, const char *resource, struct list_asked asked);

const json_t *row_at(const json_t *list, size_t i);
json_int_t number_of(const json_t *row, const char *key);
const char *text_of(const json_t *row, const char *key);
size_t rows_of(const json_t *list);

#endif
