/*
 * A list of things: one table of fields a resource, from which the engine (list.h) makes JSON, CSV,
 * filters and orders, OpenAPI its schema, `mw get` its columns and the console its titles.
 *
 * A resource makes its rows from a controller (api_view_of, views.h) once a request, then every
 * field is asked of a row by a getter. A field without a getter is looked up by its name in the
 * row's JSON (of the views that `mw` also makes over a folder). Nothing here decides or keeps
 * anything.
 */
#ifndef MW_API_RESOURCE_H
#define MW_API_RESOURCE_H

#include "api/access.h"
#include "api/views.h"

enum api_field_type {
    FIELD_TEXT,
    FIELD_INT,
    FIELD_REAL,
    FIELD_BOOL,
    FIELD_TIME,  /* ms UTC inside, RFC 3339 outside */
    FIELD_MS,    /* a length */
    FIELD_UUSD,  /* micro-dollars */
    FIELD_PPM,   /* a share */
    FIELD_WATTS,
    FIELD_JSON,  /* a list or object: shown, not compared */
    API_FIELD_TYPE_COUNT
};

/* What a figure rests on. */
enum field_basis {
    BASIS_NONE,     /* a name, a state, a number of a thing: no figure */
    BASIS_SITE,     /* the site file */
    BASIS_POLICY,   /* the rules that hold */
    BASIS_RECORD,   /* counted or timed from the record: measured on a live site, else simulated */
    BASIS_MODELLED, /* calculated from a model or a price */
    BASIS_COUNT
};
/* "measured", "simulated", "modelled", "site file", "policy"; NULL for BASIS_NONE.  c may be NULL:
 * then BASIS_RECORD is "measured or simulated". */
const char *api_basis_word(uint8_t basis, const struct control_policy *p);

enum value_kind { VALUE_NULL, VALUE_INT, VALUE_REAL, VALUE_BOOL, VALUE_TEXT, VALUE_JSON };
struct api_value {
    uint8_t kind;
    uint32_t length;      /* of text */
    union {
        int64_t number;   /* VALUE_INT, VALUE_BOOL (0 or 1) */
        double real;
        const char *text; /* VALUE_TEXT; VALUE_JSON of a getter: JSON as text */
        const json_t *json; /* VALUE_JSON with length 0 */
    } of;
};
struct api_value api_value_int(int64_t number);
struct api_value api_value_bool(bool yes);
struct api_value api_value_text(const char *s);   /* null for NULL and "" */
struct api_value api_value_time(int64_t ms);      /* null for 0 and MW_NEVER */
struct api_value api_value_or_null(uint64_t n);   /* null for 0 */
/* A total order within a kind; null before everything, then by kind. */
int api_value_order(const struct api_value *a, const struct api_value *b);

struct api_resource;
/* The rows of one request. */
struct api_rows {
    const struct api_resource *resource;
    const struct api_view_of *of; /* borrowed */
    uint32_t count;
    uint32_t *handle;   /* owned: what a getter is asked with, by place; NULL: the place itself */
    void *data;         /* owned (mw_free): the resource's own */
    void (*data_fini)(void *data); /* before it is freed; NULL */
    json_t *document;   /* owned: of rows that are JSON, with what the list has besides; NULL */
    struct text scratch; /* for texts that a getter makes: valid until the next of them */
};

typedef void api_get_fn(struct api_rows *r, uint32_t row, struct api_value *ret);

struct api_field {
    const char *name;   /* NULL ends the table */
    uint8_t type;       /* enum api_field_type */
    uint8_t basis;      /* enum field_basis */
    const char *title;  /* of a column: "Lost" */
    const char *doc;    /* a sentence without its end */
    api_get_fn *get;    /* NULL: by name from the row's JSON */
};

typedef int api_make_fn(const struct api_view_of *of, struct api_rows *ret, struct mw_error *err);
typedef bool api_sees_fn(struct api_rows *r, uint32_t row, const struct principal *who);
typedef void api_narrow_fn(struct api_rows *r, const struct principal *who);

struct api_resource {
    const char *name;   /* "nodes"; NULL ends the table */
    const char *kind;   /* "Node": of the row's schema; the list's is "NodeList" */
    const char *doc;
    const struct api_field *field;
    const char *key;    /* the fields that together name a row: "class,step" */
    const char *order;  /* the order when none is asked for; NULL: as they are made */
    const char *view;   /* made by this view (views.h), rows are JSON; NULL: by make */
    api_make_fn *make;
    api_sees_fn *sees;  /* NULL: whoever may read sees all rows */
    api_narrow_fn *narrow; /* of rows that name more than one confined sees: takes it out; NULL */
    const char *columns; /* what a table shows at first: "name,health,job"; NULL: all */
    const char *extra;  /* schema of what the list has besides ("'fleet':{…}"); NULL */
};
extern const struct api_resource api_resources[];
const struct api_resource *api_resource_find(const char *name);          /* NULL */
const struct api_field *api_field_find(const struct api_resource *r, const char *name,
                                       size_t length);                   /* NULL */

/* Makes the rows; zeroed *ret before.  api_rows_fini() also after a failure. */
MW_MUST_USE int api_rows_make(const struct api_resource *r, const struct api_view_of *of,
                              struct api_rows *ret, struct mw_error *err);
void api_rows_fini(struct api_rows *r);
/* A field of the row at a place (0 … count - 1). */
void api_rows_get(struct api_rows *r, uint32_t place, const struct api_field *f,
                  struct api_value *ret);
/* Sees this principal (NULL: everything) the row? */
bool api_rows_sees(struct api_rows *r, uint32_t place, const struct principal *who);

/* "text", "integer" …: of enum api_field_type. */
const char *api_field_type_name(uint8_t type);

#endif
