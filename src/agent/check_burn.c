/*
 * Level 4 on GPUs: the same inputs again and again on all GPUs at once, and their
 * outputs compared bit for bit: with the GPU's own of before, with the other
 * GPUs', and a sample with the processor's.  Between them the memory holds a
 * pattern while the units work, and host and GPU exchange buffers.
 *
 * What it cannot find: a fault that hits in none of the words compared, and one
 * that every GPU and every turn shares.  How much it finds of faults that are
 * injected is measured: docs/results.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/check_gpu.h"

#define INPUTS 4u            /* distinct inputs; each comes again after so many turns */
#define CHAIN_ROUNDS 64u
#define CHAIN_WORDS_MAX (1u << 22)
#define COPY_BYTES_MAX ((size_t)64 << 20)
#define SAMPLE 64u           /* words that the processor computes as well */
#define PATTERN_TURNS 4u     /* turns that the pattern is left alone between two looks */

enum what { WHAT_CHAIN, WHAT_PRODUCT, WHATS };

struct burn_gpu {
    struct gpu_matrices m;
    struct cuda_product p;
    struct mw_args chain, pattern, copy;
    uint32_t *host;            /* of chain and copy */
    size_t copy_bytes;
    mw_u64 fold[WHATS];        /* of this turn */
    uint64_t chain_errors, product_errors, memory_errors, copy_errors, sample_errors;
    uint32_t first_turn;       /* of the first error, from 1; 0 = none */
    bool taken, failed;
};

struct burn {
    struct check_ctx *c;
    struct cuda *cuda;
    struct burn_gpu gpu[CUDA_GPUS_MAX];
    mw_u64 expected[INPUTS][WHATS];
    bool known[INPUTS][WHATS];
    uint32_t turn;
};

static void fail_gpu(struct burn *b, uint32_t gpu, int rc)
{
    b->gpu[gpu].failed = true;
    check_say(b->c, VERDICT_FAIL, "gpu-burn-errors", b->cuda->gpu[gpu].part, "turn %u: %.100s",
              b->turn + 1, cuda_text(b->cuda, rc));
}

/* ---- buffers -------------------------------------------------------------------------------- */

static int open_gpu(struct burn *b, uint32_t gpu)
{
    struct burn_gpu *g = &b->gpu[gpu];
    const struct cuda_gpu *d = &b->cuda->gpu[gpu];
    size_t left = 0, all = 0;
    int rc = gpu_matrices_open(b->cuda, gpu, &g->m);
    if (rc == CUDA_OK && b->cuda->blas_handle != NULL &&
        cuda_product_open(b->cuda, g->m.width, &g->p) != 0)
        g->p = (struct cuda_product){ NULL, NULL, NULL };
    g->chain.n = MW_MIN((mw_u64)MW_MAX(d->processors, 1) * 2048 * 8, CHAIN_WORDS_MAX);
    g->chain.n = MW_MIN(g->chain.n, d->memory / 64);
    g->chain.rounds = CHAIN_ROUNDS;
    g->chain.a = gpu_alloc(b->cuda, g->chain.n * 4);
    g->copy_bytes = MW_MIN(d->memory / 64, COPY_BYTES_MAX) & ~(size_t)15;
    g->copy.n = g->copy_bytes / 4;
    g->copy.a = gpu_alloc(b->cuda, g->copy_bytes);
    g->host = malloc(MW_MAX(g->copy_bytes, (size_t)g->chain.n * 4));
    if (rc == CUDA_OK && (g->chain.a == 0 || g->copy.a == 0 || g->host == NULL))
        rc = CUDA_OUT_OF_MEMORY;
    if (rc == CUDA_OK)
        rc = b->cuda->api.memory(&left, &all);
    size_t bytes = left / 4 * 3 & ~(size_t)15;
    g->pattern = (struct mw_args){ .a = gpu_alloc(b->cuda, bytes), .n = bytes / 4,
                                   .seed = (uint32_t)b->c->o->seed + 77 };
    if (rc == CUDA_OK)
        rc = g->pattern.a != 0 ? cuda_run(b->cuda, gpu, KERNEL_fill, &g->pattern)
                               : CUDA_OUT_OF_MEMORY;
    return rc;
}

static void close_gpu(struct burn *b, uint32_t gpu)
{
    struct burn_gpu *g = &b->gpu[gpu];
    free(g->host);
    g->host = NULL;
    if (!cuda_use(b->cuda, gpu))
        return;
    gpu_matrices_close(b->cuda, &g->m);
    cuda_product_close(b->cuda, &g->p);
    gpu_free(b->cuda, g->chain.a);
    gpu_free(b->cuda, g->copy.a);
    gpu_free(b->cuda, g->pattern.a);
}

/* ---- one turn ------------------------------------------------------------------------------- */

static void note_errors(struct burn *b, uint32_t gpu, uint64_t *of, uint64_t count)
{
    *of += count;
    if (count > 0 && b->gpu[gpu].first_turn == 0)
        b->gpu[gpu].first_turn = b->turn + 1;
}

/* Starts the work of a turn; nothing waits, so that all GPUs work at once. */
static int start_turn(struct burn *b, uint32_t gpu, uint32_t seed)
{
    struct burn_gpu *g = &b->gpu[gpu];
    g->chain.seed = seed;
    int rc = cuda_run(b->cuda, gpu, KERNEL_burn, &g->chain);
    if (rc == CUDA_OK)
        rc = gpu_matrices_fill(b->cuda, gpu, &g->m, KERNEL_fill_any, seed);
    return rc == CUDA_OK ? gpu_multiply(b->cuda, gpu, &g->m, &g->p) : rc;
}

/* Some words of the chain, by the processor: the only judge of a lone GPU's first turn. */
static int sample_chain(struct burn *b, uint32_t gpu)
{
    struct burn_gpu *g = &b->gpu[gpu];
    uint64_t wrong = 0;
    int rc = b->cuda->api.to_host(g->host, g->chain.a, (size_t)g->chain.n * 4);
    for (uint32_t k = 0; rc == CUDA_OK && k < SAMPLE; k++) {
        mw_u64 i = mw_mix(b->turn * SAMPLE + k) % g->chain.n;
        wrong += g->host[i] != mw_chain(i, g->chain.seed, g->chain.rounds);
    }
    mw_u64 fold = 0; /* what came over is what was folded there */
    const struct mw_args here = { .a = (uintptr_t)g->host, .c = (uintptr_t)&fold,
                                  .n = g->chain.n, .seed = GPU_FOLD_SEED };
    mw_fold(here);
    note_errors(b, gpu, &g->copy_errors, rc == CUDA_OK && fold != g->fold[WHAT_CHAIN] ? 1 : 0);
    note_errors(b, gpu, &g->sample_errors, wrong);
    return rc;
}

static int look_at_pattern(struct burn *b, uint32_t gpu)
{
    struct burn_gpu *g = &b->gpu[gpu];
    struct mw_bad bad;
    int rc = gpu_verify(b->cuda, gpu, &g->pattern, &bad);
    if (rc != CUDA_OK)
        return rc;
    note_errors(b, gpu, &g->memory_errors, bad.count);
    g->pattern.flip = ~g->pattern.flip;
    return cuda_run(b->cuda, gpu, KERNEL_fill, &g->pattern);
}

/* A buffer to the GPU, compared there; and back, compared here. */
static int exchange(struct burn *b, uint32_t gpu, uint32_t seed)
{
    struct burn_gpu *g = &b->gpu[gpu];
    struct mw_bad bad = { .first = ~0ull };
    uint64_t wrong = 0;
    for (size_t i = 0; i < g->copy.n; i++)
        g->host[i] = mw_pattern(i, seed, 0);
    g->copy.seed = seed;
    int rc = b->cuda->api.to_device(g->copy.a, g->host, g->copy_bytes);
    if (rc == CUDA_OK)
        rc = gpu_verify(b->cuda, gpu, &g->copy, &bad);
    memset(g->host, 0, g->copy_bytes);
    if (rc == CUDA_OK)
        rc = b->cuda->api.to_host(g->host, g->copy.a, g->copy_bytes);
    for (size_t i = 0; rc == CUDA_OK && i < g->copy.n; i++)
        wrong += g->host[i] != mw_pattern(i, seed, 0);
    note_errors(b, gpu, &g->copy_errors, MW_MAX(bad.count, wrong));
    return rc;
}

static int end_turn(struct burn *b, uint32_t gpu, uint32_t seed)
{
    struct burn_gpu *g = &b->gpu[gpu];
    mw_u64 cells = (mw_u64)g->m.width * g->m.width;
    int rc = gpu_fold(b->cuda, gpu, g->chain.a, g->chain.n, &g->fold[WHAT_CHAIN]);
    if (rc == CUDA_OK)
        rc = gpu_fold(b->cuda, gpu, g->m.c, cells, &g->fold[WHAT_PRODUCT]);
    if (rc == CUDA_OK && b->turn < INPUTS)
        rc = sample_chain(b, gpu);
    if (rc == CUDA_OK && b->turn % PATTERN_TURNS == PATTERN_TURNS - 1)
        rc = look_at_pattern(b, gpu);
    return rc == CUDA_OK && b->turn % 2 == 0 ? exchange(b, gpu, seed) : rc;
}

/* ---- comparing ------------------------------------------------------------------------------ */

/* The value that most GPUs have; the first seen of those that are as many. */
static mw_u64 most_common(const struct burn *b, enum what w)
{
    mw_u64 best = 0;
    uint32_t best_count = 0;
    for (uint32_t i = 0; i < b->cuda->gpus; i++) {
        uint32_t count = 0;
        for (uint32_t j = 0; b->gpu[i].taken && j < b->cuda->gpus; j++)
            count += b->gpu[j].taken && b->gpu[j].fold[w] == b->gpu[i].fold[w];
        if (count > best_count) {
            best_count = count;
            best = b->gpu[i].fold[w];
        }
    }
    return best;
}

/* What was found right stays so; the first time it is what most have.  All GPUs of a node are taken
 * for the same model: in a mixed node those of the smaller party would be blamed. */
static void compare(struct burn *b)
{
    uint32_t input = b->turn % INPUTS;
    for (uint32_t w = 0; w < WHATS; w++) {
        if (!b->known[input][w]) {
            b->expected[input][w] = most_common(b, (enum what)w);
            b->known[input][w] = true;
        }
        for (uint32_t i = 0; i < b->cuda->gpus; i++) {
            struct burn_gpu *g = &b->gpu[i];
            if (g->taken && !g->failed && g->fold[w] != b->expected[input][w])
                note_errors(b, i, w == WHAT_CHAIN ? &g->chain_errors : &g->product_errors, 1);
        }
    }
}

static void one_turn(struct burn *b)
{
    uint32_t seed = mw_mix((uint32_t)b->c->o->seed + b->turn % INPUTS);
    for (uint32_t i = 0; i < b->cuda->gpus; i++) {
        if (!b->gpu[i].taken || b->gpu[i].failed)
            continue;
        int rc = cuda_use(b->cuda, i) ? start_turn(b, i, seed) : CUDA_INVALID_VALUE;
        if (rc != CUDA_OK)
            fail_gpu(b, i, rc);
    }
    for (uint32_t i = 0; i < b->cuda->gpus; i++) {
        if (!b->gpu[i].taken || b->gpu[i].failed)
            continue;
        int rc = cuda_use(b->cuda, i) ? end_turn(b, i, seed) : CUDA_INVALID_VALUE;
        if (rc != CUDA_OK)
            fail_gpu(b, i, rc);
    }
    compare(b);
    b->turn++;
}

static void report(struct burn *b)
{
    for (uint32_t i = 0; i < b->cuda->gpus; i++) {
        const struct burn_gpu *g = &b->gpu[i];
        if (!g->taken || g->failed)
            continue;
        uint64_t all = g->chain_errors + g->product_errors + g->memory_errors + g->copy_errors +
                       g->sample_errors;
        if (all > 0)
            check_note(b->c, "from turn %u of %u: chain %llu, product %llu, memory words %llu, "
                       "copied words %llu, sample %llu", g->first_turn, b->turn,
                       (unsigned long long)g->chain_errors, (unsigned long long)g->product_errors,
                       (unsigned long long)g->memory_errors, (unsigned long long)g->copy_errors,
                       (unsigned long long)g->sample_errors);
        else
            check_note(b->c, "%u turns of %u inputs, bit for bit", b->turn, INPUTS);
        check_figure(b->c, "gpu-burn-errors", b->cuda->gpu[i].part, "", (double)all);
    }
}

void check_gpu_burn(struct check_ctx *c)
{
    struct cuda *cuda = check_cuda_kernels(c, "gpu-burn-errors");
    struct burn *b = cuda != NULL ? calloc(1, sizeof(*b)) : NULL;
    if (b == NULL)
        return;
    int64_t now = check_clock_ms();
    int64_t end = MW_MIN(now + c->o->burn_ms, c->deadline_ms - (c->deadline_ms - now) / 8);
    b->c = c;
    b->cuda = cuda;
    for (uint32_t i = 0; i < cuda->gpus; i++) {
        if (!gpu_take(c, cuda, i, "gpu-burn-errors"))
            continue;
        int rc = open_gpu(b, i);
        b->gpu[i].taken = rc == CUDA_OK;
        if (rc != CUDA_OK)
            check_say(c, rc == CUDA_OUT_OF_MEMORY ? VERDICT_UNKNOWN : VERDICT_FAIL,
                      "gpu-burn-errors", cuda->gpu[i].part, "%.120s", cuda_text(cuda, rc));
    }
    do /* each input twice at least */
        one_turn(b);
    while (b->turn < 2 * INPUTS || check_clock_ms() < end);
    report(b);
    for (uint32_t i = 0; i < cuda->gpus; i++)
        close_gpu(b, i);
    free(b);
}
