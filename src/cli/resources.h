/*
 * What `mw get` knows by name: a list of the API each, with the short names that
 * people type, its columns and what is said when it is empty.  Columns and their
 * types come from the API's own tables (api/resource.h).
 */
#ifndef MW_CLI_RESOURCES_H
#define MW_CLI_RESOURCES_H

#include <jansson.h>

#include "cli/context.h"

#define RESOURCE_COLUMNS_MAX (OUTPUT_COLUMNS_MAX - 1)
#define RESOURCE_TITLE_MAX 32u

/* All words that stand for a resource, for the command table. */
#define RESOURCE_CHOICES                                                                          \
    "nodes|node|no|gpus|gpu|links|link|jobs|job|queue|incidents|incident|inc|orders|order|ord|"   \
    "parts|part|odds|spares|spare|halls|hall|tenants|tenant|sites|site|windows|window|win|"       \
    "lemons|lemon|events|event|ev|budget|audit|tokens|token|definitions|def|machines|machine|ma"

struct resource {
    const char *name;    /* "nodes" */
    const char *words;   /* all that it is called, "nodes|node|no" */
    const char *path;    /* "/api/v1/nodes" */
    const char *key;     /* the field that a NAME names */
    bool number;         /* which is a number */
    const char *columns; /* what a table shows; NULL: what the API's table says */
    const char *empty;   /* said when there is no row */
    /* Lists of the API that are no resources of api/resource.h have no filter, sort, fields or
     * cursor; NULL: it is one. */
    const char *params;  /* the keys that a filter may ask for: "kind|about"; "" = none */
    uint32_t usual, most; /* rows without --limit, and at most */
};

/* The resource that a word stands for; NULL. */
const struct resource *resource_find(const char *word);

struct resource_column {
    char key[64], title[RESOURCE_TITLE_MAX];
    uint8_t type;  /* enum field_type */
    bool id;       /* the number of a thing: no commas */
    bool wide;     /* only with -o wide */
};
struct resource_columns {
    struct resource_column column[RESOURCE_COLUMNS_MAX];
    uint32_t count;
};

/* The columns that are asked for ("name,health"), or with NULL the resource's own and, marked as
 * wide, its others.  MW_EINVAL names one that does not exist and what may be meant. */
MW_MUST_USE int resource_columns(const struct resource *r, const char *asked,
                                 struct resource_columns *ret, struct mw_error *err);

/* What a person is shown of a row's field: "-" for null. */
void resource_text(struct text *t, const struct resource_column *c, const json_t *row);
bool resource_is_number(const struct resource_column *c);

/* One cell of the row. */
void resource_cell(struct output *o, const struct resource_column *c, const json_t *row);

#endif
