/*
 * The filter of a list: `health=down and (hall=h1 or gpus>=8) and not name~"n1*"`.
 *
 *     filter = term { or term }          term = factor { and factor }
 *     factor = not factor | "(" filter ")" | field | field op value
 *            | field in "(" value {, value} ")"
 *     op     = = != < <= > >= ~          (~ is a pattern: * any bytes, ? any one)
 *     value  = word | "quoted, \" and \\" | null (with = and != only)
 *
 * A field alone is a boolean that is true.  Values are read as the field's type says: times as RFC
 * 3339 or a date, lengths as ms or "2h30min", money as micro-dollars or "$12.50", shares as ppm or
 * "12.5%".  Of a row whose field is null every comparison is false but `= null` and `!=`.
 *
 * Compiled to a bounded program of tests in postfix order; nothing recurses. Outside bytes: fuzzed.
 */
#ifndef MW_API_QUERY_H
#define MW_API_QUERY_H

#include "api/resource.h"

#define QUERY_TEXT_MAX 4096u /* bytes of a filter */
#define QUERY_TESTS_MAX 64u
#define QUERY_VALUES_MAX 256u /* of all tests: those of `in` */
#define QUERY_OPS_MAX 512u    /* tests, and, or, not */
#define QUERY_DEPTH_MAX 60u   /* parentheses and nots within each other */

enum query_compare { QUERY_EQ, QUERY_NE, QUERY_LT, QUERY_LE, QUERY_GT, QUERY_GE, QUERY_LIKE,
                     QUERY_IN, QUERY_TRUE };

struct query_test {
    const struct api_field *field;
    uint8_t compare;        /* enum query_compare */
    uint16_t first, values; /* rows of value[] */
};

enum query_op { QUERY_TEST, QUERY_AND, QUERY_OR, QUERY_NOT };

struct query {
    struct query_test test[QUERY_TESTS_MAX];
    struct api_value value[QUERY_VALUES_MAX];
    uint8_t op[QUERY_OPS_MAX]; /* enum query_op; the nth QUERY_TEST is test[n] */
    uint16_t tests, values, ops;
    uint32_t used;
    char text[QUERY_TEXT_MAX]; /* of values */
};

/* Compiles; "" keeps every row.  MW_ESYNTAX, MW_ELIMIT: the text names the place (from 1), what
 * stands there and what was expected. */
MW_MUST_USE int query_parse(const struct api_resource *r, const char *filter, size_t size,
                            struct query *ret, struct mw_error *err);

/* Does the row at a place pass? */
bool query_passes(const struct query *q, struct api_rows *rows, uint32_t place);

/* Does the text match the pattern, in which * is any bytes and ? any one?  Never recurses. */
bool query_like(const char *text, size_t size, const char *pattern, size_t pattern_size);

#endif
