/* Buffers, comparisons and products of the GPU checks. */
#include <stdio.h>
#include <string.h>

#include "agent/check_gpu.h"

#define FREE_LEAST_PCT 90 /* of the memory of a GPU that nobody uses: a context takes under 1 GB */

bool gpu_take(struct check_ctx *c, struct cuda *cuda, uint32_t gpu, const char *figure)
{
    const struct cuda_gpu *g = &cuda->gpu[gpu];
    size_t left = 0, all = 0;
    if (!cuda_use(cuda, gpu)) {
        check_say(c, VERDICT_FAIL, figure, g->part, "%.150s", g->why);
        return false;
    }
    int rc = cuda->api.memory(&left, &all);
    if (rc != CUDA_OK || all == 0) {
        check_say(c, VERDICT_FAIL, figure, g->part, "%.120s", cuda_text(cuda, rc));
        return false;
    }
    if (left / (all / 100 + 1) < FREE_LEAST_PCT - 1) {
        check_say(c, VERDICT_UNKNOWN, figure, g->part, "in use: %zu of %zu MiB are free",
                  left >> 20, all >> 20);
        return false;
    }
    return true;
}

cuda_address gpu_alloc(struct cuda *cuda, size_t bytes)
{
    cuda_address at = 0;
    return cuda->api.alloc(&at, bytes) == CUDA_OK ? at : 0;
}

void gpu_free(struct cuda *cuda, cuda_address at)
{
    if (at != 0)
        (void)cuda->api.free(at);
}

int gpu_verify(struct cuda *cuda, uint32_t gpu, const struct mw_args *pattern, struct mw_bad *ret)
{
    struct mw_args args = *pattern;
    *ret = (struct mw_bad){ .first = ~0ull };
    args.c = gpu_alloc(cuda, sizeof(*ret));
    int rc = args.c != 0 ? cuda->api.to_device(args.c, ret, sizeof(*ret)) : CUDA_OUT_OF_MEMORY;
    if (rc == CUDA_OK)
        rc = cuda_run(cuda, gpu, KERNEL_verify, &args);
    if (rc == CUDA_OK)
        rc = cuda->api.to_host(ret, args.c, sizeof(*ret));
    gpu_free(cuda, args.c);
    return rc;
}

int gpu_fold(struct cuda *cuda, uint32_t gpu, cuda_address a, mw_u64 n, mw_u64 *ret)
{
    struct mw_args args = { .a = a, .n = n, .seed = GPU_FOLD_SEED };
    *ret = 0;
    args.c = gpu_alloc(cuda, sizeof(*ret));
    int rc = args.c != 0 ? cuda->api.to_device(args.c, ret, sizeof(*ret)) : CUDA_OUT_OF_MEMORY;
    if (rc == CUDA_OK)
        rc = cuda_run(cuda, gpu, KERNEL_fold, &args);
    if (rc == CUDA_OK)
        rc = cuda->api.to_host(ret, args.c, sizeof(*ret));
    gpu_free(cuda, args.c);
    return rc;
}

uint32_t gpu_width(const struct cuda_gpu *g)
{
    uint32_t width = 128;
    while (width < 8192 && (uint64_t)width * 2 * width * 2 * 8 <= g->memory / 64)
        width *= 2;
    return width;
}

int gpu_matrices_open(struct cuda *cuda, uint32_t gpu, struct gpu_matrices *ret)
{
    uint32_t width = gpu_width(&cuda->gpu[gpu]);
    size_t cells = (size_t)width * width;
    *ret = (struct gpu_matrices){ .width = width };
    ret->a = gpu_alloc(cuda, cells * 2);
    ret->b = gpu_alloc(cuda, cells * 2);
    ret->c = gpu_alloc(cuda, cells * 4);
    return ret->a != 0 && ret->b != 0 && ret->c != 0 ? CUDA_OK : CUDA_OUT_OF_MEMORY;
}

void gpu_matrices_close(struct cuda *cuda, struct gpu_matrices *m)
{
    gpu_free(cuda, m->a);
    gpu_free(cuda, m->b);
    gpu_free(cuda, m->c);
    *m = (struct gpu_matrices){ .width = 0 };
}

int gpu_matrices_fill(struct cuda *cuda, uint32_t gpu, const struct gpu_matrices *m,
                      enum cuda_kernel kernel, uint32_t seed)
{
    struct mw_args args = { .a = m->a, .n = (mw_u64)m->width * m->width, .seed = seed };
    int rc = cuda_run(cuda, gpu, kernel, &args);
    args.a = m->b;
    args.seed = seed + 1;
    return rc == CUDA_OK ? cuda_run(cuda, gpu, kernel, &args) : rc;
}

int gpu_multiply(struct cuda *cuda, uint32_t gpu, const struct gpu_matrices *m,
                 const struct cuda_product *p)
{
    struct mw_args args = { .a = m->a, .b = m->b, .c = m->c, .width = m->width };
    if (p->description != NULL)
        return cuda_product_run(cuda, p, m->a, m->b, m->c);
    return cuda_run(cuda, gpu, KERNEL_product, &args);
}
