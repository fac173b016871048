/*
 * The table of status codes made answerable, and the one place where error
 * texts are put together.  Owns nothing; never prints and never allocates.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct code_info {
    const char *name;
    enum mw_category category;
    bool retry;
    const char *text;
};

static const struct code_info code_table[] = {
#define X(name_, value_, category_, retry_, text_) \
    [-(value_)] = {.name = #name_, .category = (category_), .retry = (retry_), .text = (text_)},
    MW_CODES(X)
#undef X
};

static const struct code_info *find(int code)
{
    if (code > 0 || code <= -(int)MW_ARRAY_LEN(code_table))
        code = MW_EBUG;
    return &code_table[-code];
}

int mw_fail(struct mw_error *err, int code, const char *fmt, ...)
{
    must(code < 0);
    if (err == NULL)
        return code;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    if (n < 0)
        (void)snprintf(err->text, sizeof(err->text), "%s", mw_code_text(code));
    err->code = code;
    return code;
}

int mw_fail_prefix(struct mw_error *err, const char *fmt, ...)
{
    if (err == NULL)
        return MW_EBUG;
    char old[MW_ERROR_TEXT_MAX];
    memcpy(old, err->text, sizeof(old));
    size_t length = strnlen(old, sizeof(old) - 1);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    size_t used = n < 0 ? 0 : MW_MIN((size_t)n, sizeof(err->text) - 1);
    (void)snprintf(err->text + used, sizeof(err->text) - used, ": %.*s",
                   (int)MW_MIN(length, sizeof(err->text) - 1 - used), old);
    return err->code;
}

const char *mw_code_name(int code)
{
    return find(code)->name;
}

const char *mw_code_text(int code)
{
    return find(code)->text;
}

enum mw_category mw_code_category(int code)
{
    return find(code)->category;
}

bool mw_code_retryable(int code)
{
    return find(code)->retry;
}
