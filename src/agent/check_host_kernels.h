/*
 * What check_kernels.cu needs to be compiled for the processor: one "thread"
 * after the other.  Include it where the kernels run as ordinary functions.
 */
#ifndef MW_AGENT_CHECK_HOST_KERNELS_H
#define MW_AGENT_CHECK_HOST_KERNELS_H

#include <stdint.h>
#include <string.h>

#include "base/base.h"

typedef uint32_t mw_u32;
typedef unsigned long long mw_u64;

#define MW_DEVICE MW_UNUSED static inline
#define MW_KERNEL MW_UNUSED static void
#define MW_THREAD 0ull
#define MW_THREADS 1ull
#define MW_MUL(a, b) ((a) * (b))
#define MW_ADD(a, b) ((a) + (b))
#define MW_COUNT(p, v) (*(p) += (v))
#define MW_LEAST(p, v) (*(p) = *(p) < (v) ? *(p) : (v))
#define MW_OR(p, v) (*(p) |= (v))
#define MW_AS_FLOAT(u) mw_as_float(u)
#define MW_AS_UINT(f) mw_as_uint(f)

static inline float mw_as_float(mw_u32 u)
{
    float f;
    memcpy(&f, &u, sizeof(f));
    return f;
}

static inline mw_u32 mw_as_uint(float f)
{
    mw_u32 u;
    memcpy(&u, &f, sizeof(u));
    return u;
}

#include "agent/check_kernels.cu"

#endif
