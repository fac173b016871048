/*
 * Rows in, a table, CSV (RFC 4180) or JSON out: a command produces its data
 * once and the person chooses the form.
 *
 * A cell has a raw value (JSON and CSV: plain numbers, full precision) and what
 * a person is shown (tables).  JSON and CSV stream; a table is kept until
 * output_end() because widths depend on all rows.  Owns no file: it writes to
 * the one given and reports a failed write at the end.
 */
#ifndef MW_CLI_OUTPUT_H
#define MW_CLI_OUTPUT_H

#include "base/error.h"
#include "cli/term.h"

#include <jansson.h>

enum output_form { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON, OUTPUT_CSV };

struct output_column {
    const char *key;   /* JSON key and CSV heading, unit in the name: "down_gpu_s"; NULL ends */
    const char *title; /* table heading: "DOWN"; NULL = only in JSON and CSV */
    const char *unit;  /* shown as "DOWN (h)"; NULL = none */
    bool right;        /* align right: numbers */
    bool wide;         /* in tables only with -o wide */
};
#define OUTPUT_COLUMNS_MAX 32

enum output_shape {
    OUTPUT_ROWS,   /* JSON: an array of objects */
    OUTPUT_RECORD, /* exactly one row.  JSON: one object; table: a line per column */
};

struct output; /* opaque */

/* NULL when out of memory.  Borrows f. */
struct output *output_create(FILE *f, enum output_form form, struct term term);
void output_destroy(struct output *o); /* NULL is fine */

enum output_form output_form_of(const struct output *o);
const struct term *output_term(const struct output *o);
FILE *output_file(const struct output *o); /* for text that is the data itself, e.g. YAML */

/* Sets that follow have no headings (tables, CSV), or have them again. */
void output_headings(struct output *o, bool yes);
/* Sets that follow go on below each other: no empty line between them, and columns of a table are
 * at least as wide as in the set before. */
void output_continue(struct output *o, bool yes);

/* Starts a set of rows; columns end with a NULL key and are borrowed until output_end(). */
void output_begin(struct output *o, const struct output_column *columns, enum output_shape shape);

/* One cell each, in column order; a row is complete when all its cells are given. */
void output_text(struct output *o, const char *s); /* NULL = null */
void output_int(struct output *o, int64_t v);      /* table: 12,345 */
void output_bool(struct output *o, bool v);        /* table: yes, no */
void output_null(struct output *o);                /* table: - */
void output_real(struct output *o, double v, unsigned decimals); /* table: fixed decimals */
/* The raw number and the words a person is shown instead ("2.50 h", "$1,234.56"). */
void output_int_as(struct output *o, int64_t v, const char *shown);
void output_real_as(struct output *o, double v, const char *shown);

/* Ends the set; prints what is still kept.  In tables `empty` (may be NULL) is printed when there
 * was no row. */
void output_end(struct output *o, const char *empty);

/* A document that is no set of rows, only in JSON form: takes nothing, prints v and a newline. */
void output_document(struct output *o, const json_t *v);

/* True once the reader of a pipe went away: stop producing, it is no error. */
bool output_closed(const struct output *o);

/* Sends what is printed on its way; done before every message, so that both come in order. */
void output_flush(struct output *o);

/* Flushes.  MW_EIO or MW_ENOSPC when a write failed, MW_ENOMEM when rows were lost; a reader that
 * went away is success. */
MW_MUST_USE int output_finish(struct output *o, struct mw_error *err);

#endif
