/*
 * The only door to the heap of the C library, so that running out of memory
 * can be rehearsed.  Owns a thread-local countdown for tests; never prints.
 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Allocations left before one fails; -1 = none will.  Per thread, so that a
 * test's failure never lands in another thread. */
static _Thread_local int64_t calls_left = -1;

static bool refused(size_t n, size_t size)
{
    size_t bytes;
    must(size > 0);
    if (mw_mul_overflows(n, size, &bytes))
        return true;
    return MW_UNLIKELY(calls_left >= 0) && calls_left-- == 0;
}

void *mw_calloc(size_t n, size_t size)
{
    return refused(n, size) ? NULL : calloc(MW_MAX(n, 1), size);
}

void *mw_resize(void *p, size_t n, size_t size)
{
    return refused(n, size) ? NULL : realloc(p, MW_MAX(n, 1) * size);
}

char *mw_strdup(const char *s)
{
    must(s != NULL);
    return mw_strndup(s, strlen(s));
}

char *mw_strndup(const char *s, size_t length)
{
    must(s != NULL || length == 0);
    size_t size;
    if (mw_add_overflows(length, 1, &size))
        return NULL;
    char *copy = mw_calloc(size, 1);
    if (copy != NULL && length > 0)
        memcpy(copy, s, length);
    return copy;
}

void mw_free(void *p)
{
    free(p);
}

void mw_freep(void *p)
{
    void **place = p;
    free(*place);
    *place = NULL;
}

void mw_mem_fail_after(int64_t calls)
{
    must(calls >= -1);
    calls_left = calls;
}
