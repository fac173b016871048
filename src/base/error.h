/*
 * Status codes and the text a person reads.
 *
 * A fallible function returns int: 0 for success or one of the negative codes
 * below, marked MW_MUST_USE.  The words are made where the facts are known and
 * travel in a struct mw_error that the caller passes last (NULL is allowed).
 * One table gives name, category, whether a retry can help, and the text.
 */
#ifndef MW_BASE_ERROR_H
#define MW_BASE_ERROR_H

#include "base/base.h"

enum mw_category { MW_CAT_NONE, MW_CAT_CALLER, MW_CAT_PEER, MW_CAT_RESOURCE, MW_CAT_BUG };

/*       name              value  category          retry  text */
#define MW_CODES(X)                                                                      \
    X(MW_OK,               0,     MW_CAT_NONE,      false, "no error")                   \
    X(MW_EINVAL,          -1,     MW_CAT_CALLER,    false, "invalid input")              \
    X(MW_ENOTFOUND,       -2,     MW_CAT_CALLER,    false, "not found")                  \
    X(MW_EEXIST,          -3,     MW_CAT_CALLER,    false, "already exists")             \
    X(MW_ECONFLICT,       -4,     MW_CAT_CALLER,    false, "conflicts with the present state") \
    X(MW_ELIMIT,          -5,     MW_CAT_RESOURCE,  false, "a stated limit is reached")  \
    X(MW_ENOMEM,          -6,     MW_CAT_RESOURCE,  true,  "out of memory")              \
    X(MW_ENOSPC,          -7,     MW_CAT_RESOURCE,  true,  "no space left on the disk")  \
    X(MW_EIO,             -8,     MW_CAT_RESOURCE,  true,  "input/output error")         \
    X(MW_ECORRUPT,        -9,     MW_CAT_PEER,      false, "damaged data")               \
    X(MW_EVERSION,        -10,    MW_CAT_PEER,      false, "unsupported version")        \
    X(MW_ESYNTAX,         -11,    MW_CAT_CALLER,    false, "syntax error")               \
    X(MW_EDENIED,         -12,    MW_CAT_CALLER,    false, "not permitted")              \
    X(MW_EBUSY,           -13,    MW_CAT_RESOURCE,  true,  "in use by another process")  \
    X(MW_ETIMEOUT,        -14,    MW_CAT_PEER,      true,  "timed out")                  \
    X(MW_EUNREACHABLE,    -15,    MW_CAT_PEER,      true,  "cannot be reached")          \
    X(MW_EBUG,            -16,    MW_CAT_BUG,       false, "internal error")

enum mw_code {
#define X(name, value, cat, retry, text) name = value,
    MW_CODES(X)
#undef X
};

/* Longest text kept, ending included; longer texts are cut. */
#define MW_ERROR_TEXT_MAX 512

struct mw_error {
    int code;                     /* one of enum mw_code */
    char text[MW_ERROR_TEXT_MAX]; /* one sentence: what, where, what to do */
};

/* Fills err (may be NULL) and returns code, so that callers can `return mw_fail(...)`. */
int mw_fail(struct mw_error *err, int code, const char *fmt, ...) MW_PRINTF(3, 4);

/* Puts "prefix: " before the text that err holds already. Returns err's code. */
int mw_fail_prefix(struct mw_error *err, const char *fmt, ...) MW_PRINTF(2, 3);

const char *mw_code_name(int code);  /* "MW_EINVAL"; "MW_EBUG" for unknown codes */
const char *mw_code_text(int code);
enum mw_category mw_code_category(int code);
bool mw_code_retryable(int code);

#endif
