/*
 * The kernels of the GPU checks, in the part of the language that C and CUDA C++
 * share, so that one text is compiled four ways: by NVRTC for a GPU; by the C
 * compiler as the processor's reference and as the processor's own burn-in; by
 * the tests' stand-in of libcuda; and with faults injected, to measure what the
 * comparison finds.
 *
 * Hence: no shared memory, no barriers, no atomics but those of results;
 * one argument, struct mw_args; each thread walks i = MW_THREAD; i < n; i +=
 * MW_THREADS.  Arithmetic that must be equal everywhere is of integers, or of
 * floats multiplied and added apart (MW_MUL, MW_ADD: rounded to nearest, never
 * contracted), or exact whatever the order (small whole numbers).
 *
 * TOUCH(x) is x.  Where faults are injected it is x with a bit flipped now and
 * then: it stands at what a kernel computes or moves.
 */
#ifndef MW_CHECK_KERNELS_CU
#define MW_CHECK_KERNELS_CU

#ifdef __CUDACC__
typedef unsigned int mw_u32;
typedef unsigned long long mw_u64;
#define MW_KERNEL extern "C" __global__ void
#define MW_DEVICE static __device__ __forceinline__
#define MW_THREAD ((mw_u64)blockIdx.x * blockDim.x + threadIdx.x)
#define MW_THREADS ((mw_u64)gridDim.x * blockDim.x)
#define MW_MUL(a, b) __fmul_rn(a, b)
#define MW_ADD(a, b) __fadd_rn(a, b)
#define MW_AS_FLOAT(u) __uint_as_float(u)
#define MW_AS_UINT(f) __float_as_uint(f)
#define MW_COUNT(p, v) atomicAdd(p, v)
#define MW_LEAST(p, v) atomicMin(p, v)
#define MW_OR(p, v) atomicOr(p, v)
#endif
#ifndef TOUCH
#define TOUCH(x) (x)
#endif

/* Addresses on the device, and numbers; what each kernel takes of it stands before it. */
struct mw_args {
    mw_u64 a, b, c;
    mw_u64 n;
    mw_u32 seed, rounds, flip, width;
};

/* Results of a comparison, in device memory. */
struct mw_bad {
    mw_u64 count;  /* words that differ */
    mw_u64 first;  /* index of the first; all ones = none */
    mw_u32 bits;   /* the differing bits of all, or-ed */
    mw_u32 unused;
};

/* A permutation of 32-bit words with good avalanche ("lowbias32", C. Wellons, hash-prospector). */
MW_DEVICE mw_u32 mw_mix(mw_u32 x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return x;
}

MW_DEVICE mw_u32 mw_pattern(mw_u64 i, mw_u32 seed, mw_u32 flip)
{
    return mw_mix((mw_u32)i ^ mw_mix((mw_u32)(i >> 32) + seed)) ^ flip;
}

/* a[0..n) = pattern of (seed, flip); flip = all ones writes the inverse. */
MW_KERNEL mw_fill(struct mw_args g)
{
    mw_u32 *to = (mw_u32 *)g.a;
    for (mw_u64 i = MW_THREAD; i < g.n; i += MW_THREADS)
        to[i] = TOUCH(mw_pattern(i, g.seed, g.flip));
}

/* Compares a[0..n) with the pattern; c: struct mw_bad. */
MW_KERNEL mw_verify(struct mw_args g)
{
    const mw_u32 *from = (const mw_u32 *)g.a;
    struct mw_bad *bad = (struct mw_bad *)g.c;
    for (mw_u64 i = MW_THREAD; i < g.n; i += MW_THREADS) {
        mw_u32 differ = from[i] ^ mw_pattern(i, g.seed, g.flip);
        if (differ != 0) {
            MW_COUNT(&bad->count, 1ull);
            MW_LEAST(&bad->first, i);
            MW_OR(&bad->bits, differ);
        }
    }
}

/* b[0..n) = a[0..n), in words of 16 bytes: what a stream of reads and writes moves. */
struct mw_line {
    mw_u32 w[4];
};
MW_KERNEL mw_copy(struct mw_args g)
{
    const struct mw_line *from = (const struct mw_line *)g.a;
    struct mw_line *to = (struct mw_line *)g.b;
    for (mw_u64 i = MW_THREAD; i < g.n; i += MW_THREADS)
        to[i] = from[i];
}

/* A whole number from -4 to 4 of a place: sums of up to 2^19 products of two of them are exact in
 * 32-bit floats whatever the order, on any unit. */
MW_DEVICE float mw_small(mw_u64 i, mw_u32 seed)
{
    return (float)((int)(mw_mix((mw_u32)i ^ seed) % 9u) - 4);
}

/* a[0..n) = small whole numbers as bfloat16 (the upper half of a float, exact). */
MW_KERNEL mw_fill_bf16(struct mw_args g)
{
    unsigned short *to = (unsigned short *)g.a;
    for (mw_u64 i = MW_THREAD; i < g.n; i += MW_THREADS)
        to[i] = (unsigned short)(MW_AS_UINT(mw_small(i, g.seed)) >> 16);
}

/* a[0..n) = bfloat16 of either sign between 2^-4 and 2^3, every bit of the fraction used: inputs
 * of a product that is only compared with itself. */
MW_KERNEL mw_fill_any(struct mw_args g)
{
    unsigned short *to = (unsigned short *)g.a;
    for (mw_u64 i = MW_THREAD; i < g.n; i += MW_THREADS) {
        mw_u32 r = mw_mix((mw_u32)i ^ g.seed);
        to[i] = (unsigned short)((r & 0x807fu) | ((123u + ((r >> 16) & 7u)) << 7));
    }
}

/* c = a b of width x width, column-major, bfloat16 in, float out: where there is no cuBLASLt. */
MW_KERNEL mw_product(struct mw_args g)
{
    const unsigned short *a = (const unsigned short *)g.a, *b = (const unsigned short *)g.b;
    float *c = (float *)g.c;
    mw_u64 w = g.width;
    for (mw_u64 i = MW_THREAD; i < w * w; i += MW_THREADS) {
        mw_u64 row = i % w, column = i / w;
        float sum = 0;
        for (mw_u64 k = 0; k < w; k++)
            sum = MW_ADD(sum, MW_MUL(MW_AS_FLOAT((mw_u32)a[k * w + row] << 16),
                                     MW_AS_FLOAT((mw_u32)b[column * w + k] << 16)));
        c[i] = TOUCH(sum);
    }
}

/* The burn-in: a[i] = the end of a chain of `rounds` steps of integer and float work that starts
 * from (seed, i).  Every step depends on the one before, so that one wrong bit stays. */
MW_DEVICE mw_u32 mw_chain(mw_u64 i, mw_u32 seed, mw_u32 rounds)
{
    mw_u32 x = mw_mix((mw_u32)i ^ seed), y = mw_mix(x + 0x9e3779b9u);
    float f = MW_AS_FLOAT(0x3f800000u | (x >> 9)), h = MW_AS_FLOAT(0x3f800000u | (y >> 9));
    for (mw_u32 r = 0; r < rounds; r++) {
        x = TOUCH(x * 0x2c1b3c6du + (y ^ r));
        y = TOUCH((y << 13 | y >> 19) ^ x);
        mw_u32 u = TOUCH(MW_AS_UINT(MW_ADD(MW_MUL(f, 0.74999994f), h)));
        x ^= u << 9 ^ u >> 23; /* all of its bits go on, also those that f loses */
        f = MW_AS_FLOAT(0x3f800000u | (u & 0x007fffffu));
        mw_u32 v = MW_AS_UINT(MW_ADD(MW_MUL(h, f), MW_AS_FLOAT(0x3f800000u | (y >> 9))));
        y += v;
        h = MW_AS_FLOAT(0x3f800000u | (v & 0x007fffffu));
    }
    return x ^ y ^ MW_AS_UINT(f) ^ (MW_AS_UINT(h) << 9);
}

MW_KERNEL mw_burn(struct mw_args g)
{
    mw_u32 *to = (mw_u32 *)g.a;
    for (mw_u64 i = MW_THREAD; i < g.n; i += MW_THREADS)
        to[i] = TOUCH(mw_chain(i, g.seed, g.rounds));
}

/* c += a number that stands for a[0..n): each word mixed with its place, summed, so that the order
 * of threads does not matter and equal numbers mean equal words but for one chance in 2^64. */
MW_KERNEL mw_fold(struct mw_args g)
{
    const mw_u32 *from = (const mw_u32 *)g.a;
    mw_u64 sum = 0;
    for (mw_u64 i = MW_THREAD; i < g.n; i += MW_THREADS) {
        mw_u32 low = mw_mix(from[i] ^ mw_mix((mw_u32)i + g.seed));
        mw_u32 high = mw_mix(low ^ from[i] ^ 0x5bd1e995u);
        sum += (mw_u64)high << 32 | low;
    }
    MW_COUNT((mw_u64 *)g.c, sum);
}

#endif
