/*
 * The few things every file needs: must-use statuses, invariants, cleanup
 * attributes, checked arithmetic.  No state, no allocation.
 */
#ifndef MW_BASE_BASE_H
#define MW_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MW_MUST_USE __attribute__((warn_unused_result))
#define MW_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define MW_LIKELY(x) __builtin_expect(!!(x), 1)
#define MW_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define MW_UNUSED __attribute__((unused))

#define MW_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MW_MIN(a, b) ((a) < (b) ? (a) : (b))
#define MW_MAX(a, b) ((a) > (b) ? (a) : (b))

/* "None" for the 32-bit indexes used everywhere in plane state. */
#define MW_NONE UINT32_MAX

/*
 * must(): what cannot be.  On in release builds.  Prints file, line and the
 * condition to stderr and aborts; while an event is being applied the handler
 * set by must_context() names that event first.
 */
#define must(cond)                                                     \
    (MW_LIKELY(cond) ? (void)0 : must_failed(#cond, __FILE__, __LINE__))

_Noreturn void must_failed(const char *cond, const char *file, int line);

/* The event being applied, for the panic text; seq 0 = none.  Thread-local. */
void must_context(uint64_t event_seq, uint32_t event_kind);

/* Cleanup attribute: mw_cleanup(fn) calls fn(&variable) at scope exit. */
#define mw_cleanup(fn) __attribute__((cleanup(fn)))

/* Hand an owned pointer over: yields the pointer and leaves NULL behind. */
#define TAKE(p)                        \
    ({                                 \
        __typeof__(p) take_tmp_ = (p); \
        (p) = NULL;                    \
        take_tmp_;                     \
    })

/* True when a+b / a*b does not fit; the result is stored when it does. */
#define mw_add_overflows(a, b, ret) __builtin_add_overflow((a), (b), (ret))
#define mw_mul_overflows(a, b, ret) __builtin_mul_overflow((a), (b), (ret))

#endif
