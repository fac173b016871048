/* Rows of a list in every form that `mw get` has, whole or as they change. */
#ifndef MW_CLI_GET_PRINT_H
#define MW_CLI_GET_PRINT_H

#include "cli/get.h"

enum get_form { GET_TABLE, GET_JSON, GET_NDJSON, GET_YAML, GET_NAME };

/* What the option --output takes, where a command prints rows. */
#define GET_OUTPUT_OPTION                                                                         \
    { .name = "output", .letter = 'o', .type = VALUE_CHOICE,                                      \
      .value = "table|wide|json|ndjson|yaml|csv|name", .fallback = "table",                       \
      .help = "how to print; ndjson is a row a line, name only the names" }

struct get_printer {
    struct cli_context *ctx;
    const struct resource *resource;
    enum get_form form;
    struct resource_columns columns;
    struct output_column shown[OUTPUT_COLUMNS_MAX + 1]; /* of a table; points into columns */
    bool watch; /* a first column says how a row changed */
};

/* Reads the options output, json, columns and no-headers.  Not to be moved after.  MW_EINVAL. */
MW_MUST_USE int get_printer_init(struct get_printer *p, struct cli_context *ctx,
                                 const struct resource *r, bool watch, struct mw_error *err);

/* The fields to ask for ("name,health"), so that no more comes than is shown; "" = all. */
void get_printer_fields(const struct get_printer *p, struct text *ret);

/* Prints a document; text (may be empty) holds its bytes as they came. */
MW_MUST_USE int get_print(const struct get_printer *p, const json_t *document,
                          const struct text *text, struct mw_error *err);

/* A set of changed rows: begin, a row each, end. */
void get_print_begin(const struct get_printer *p);
/* change: "" for what was there at first, "new", "changed", "gone" */
void get_print_row(const struct get_printer *p, const json_t *row, const char *change);
void get_print_end(const struct get_printer *p, const char *empty);

#endif
