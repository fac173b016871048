/*
 * Allocation at the edges of the program and at start-up: planes take their
 * columns here once and never again.  Every function can be made to fail at
 * its k-th call for tests.
 */
#ifndef MW_BASE_MEM_H
#define MW_BASE_MEM_H

#include "base/base.h"

/* Zeroed memory for n items of size bytes; NULL when out of memory or n*size overflows.
 * n == 0 gives a valid pointer. */
void *mw_calloc(size_t n, size_t size);

/* Resizes like realloc for n items; new bytes are NOT zeroed; NULL leaves p as it was. */
void *mw_resize(void *p, size_t n, size_t size);

char *mw_strdup(const char *s);                   /* NULL when out of memory */
char *mw_strndup(const char *s, size_t length);

void mw_free(void *p);                            /* NULL is fine */
void mw_freep(void *p);                           /* for mw_cleanup: frees *(void **)p */

/* Test hook: let `calls` allocations succeed, fail the next, then all succeed. -1 = off. */
void mw_mem_fail_after(int64_t calls);

#endif
