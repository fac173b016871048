/*
 * Level 3 on GPUs: copies, memory bandwidth, matrix product, peers, memory
 * pattern.  One GPU after the other where they share a path, all together where
 * heat and power are the question.  Every figure is measured by the GPU's own
 * events; what comes out is compared with the processor's reference.
 */
#include "agent/check_gpu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPY_BYTES_MAX ((size_t)256 << 20)
#define COPY_TIMES 8u
#define HBM_BYTES_MAX ((size_t)2 << 30)
#define HBM_TIMES 10u
#define GEMM_TIMES_MAX 1000u
#define GEMM_WORK_MS 1000

static void say_driver(struct check_ctx *c, const char *figure, const char *part,
                       const struct cuda *cuda, int rc)
{
    check_say(c, rc == CUDA_OUT_OF_MEMORY ? VERDICT_UNKNOWN : VERDICT_FAIL, figure, part, "%.120s",
              cuda_text(cuda, rc));
}

void check_gpu_usable(struct check_ctx *c)
{
    struct cuda *cuda = check_cuda(c, "gpu-usable");
    uint32_t good = 0;
    if (cuda == NULL)
        return;
    for (uint32_t i = 0; i < cuda->gpus; i++) {
        const struct cuda_gpu *g = &cuda->gpu[i];
        good += g->why[0] == '\0';
        if (g->why[0] != '\0')
            check_say(c, VERDICT_FAIL, "gpu-usable", g->part, "%.150s", g->why);
    }
    check_note(c, "%s, CUDA %d.%d", cuda->gpu[0].name, cuda->version / 1000,
               cuda->version % 1000 / 10);
    check_figure(c, "gpu-usable", "", "", good);
}

/* ---- copies between host and GPU ------------------------------------------------------------ */

struct copy {
    struct cuda *cuda;
    cuda_address device, peer;
    void *host, *context, *peer_context;
    size_t bytes;
};

static int copy_in(void *ctx)
{
    struct copy *k = ctx;
    int rc = CUDA_OK;
    for (uint32_t i = 0; i < COPY_TIMES && rc == CUDA_OK; i++)
        rc = k->cuda->api.to_device_later(k->device, k->host, k->bytes, NULL);
    return rc;
}

static int copy_out(void *ctx)
{
    struct copy *k = ctx;
    int rc = CUDA_OK;
    for (uint32_t i = 0; i < COPY_TIMES && rc == CUDA_OK; i++)
        rc = k->cuda->api.to_host_later(k->host, k->device, k->bytes, NULL);
    return rc;
}

static int copy_peer(void *ctx)
{
    struct copy *k = ctx;
    int rc = CUDA_OK;
    for (uint32_t i = 0; i < COPY_TIMES && rc == CUDA_OK; i++)
        rc = k->cuda->api.to_peer_later(k->peer, k->peer_context, k->device, k->context, k->bytes,
                                        NULL);
    return rc;
}

/* Words of the host's buffer that are not the pattern. */
static uint64_t host_differs(const struct copy *k, uint32_t seed)
{
    const uint32_t *word = k->host;
    uint64_t bad = 0;
    for (size_t i = 0; i < k->bytes / 4; i++)
        bad += word[i] != mw_pattern(i, seed, 0);
    return bad;
}

static void say_rate(struct check_ctx *c, const char *figure, const struct cuda_gpu *g,
                     const struct copy *k, double seconds)
{
    if (seconds > 0)
        check_figure(c, figure, g->part, "GB/s", (double)k->bytes * COPY_TIMES / seconds / 1e9);
    else
        say_driver(c, figure, g->part, k->cuda, (int)-seconds);
}

static void copies_of(struct check_ctx *c, uint32_t gpu, struct copy *k)
{
    const struct cuda_gpu *g = &k->cuda->gpu[gpu];
    uint32_t seed = (uint32_t)c->o->seed + gpu;
    uint32_t *word = k->host;
    for (size_t i = 0; i < k->bytes / 4; i++)
        word[i] = mw_pattern(i, seed, 0);
    if (k->cuda->api.to_device(k->device, k->host, k->bytes) != CUDA_OK) {
        check_say(c, VERDICT_FAIL, "gpu-h2d", g->part, "the first copy fails");
        return;
    }
    say_rate(c, "gpu-h2d", g, k, cuda_time(k->cuda, copy_in, k));
    memset(k->host, 0, k->bytes);
    say_rate(c, "gpu-d2h", g, k, cuda_time(k->cuda, copy_out, k));
    check_figure(c, "gpu-copy-errors", g->part, "", (double)host_differs(k, seed));
}

void check_gpu_copy(struct check_ctx *c)
{
    struct cuda *cuda = check_cuda(c, "gpu-h2d");
    for (uint32_t i = 0; cuda != NULL && i < cuda->gpus; i++) {
        if (!gpu_take(c, cuda, i, "gpu-h2d"))
            continue;
        struct copy k = { .cuda = cuda,
                          .bytes = MW_MIN(cuda->gpu[i].memory / 16, COPY_BYTES_MAX) & ~(size_t)15 };
        k.device = gpu_alloc(cuda, k.bytes);
        int rc = k.device != 0 ? cuda->api.alloc_host(&k.host, k.bytes) : CUDA_OUT_OF_MEMORY;
        if (rc == CUDA_OK)
            copies_of(c, i, &k);
        else
            say_driver(c, "gpu-h2d", cuda->gpu[i].part, cuda, rc);
        if (k.host != NULL)
            (void)cuda->api.free_host(k.host);
        gpu_free(cuda, k.device);
    }
}

/* ---- memory bandwidth ----------------------------------------------------------------------- */

struct hbm {
    struct cuda *cuda;
    uint32_t gpu;
    struct mw_args args;
};

static int hbm_work(void *ctx)
{
    struct hbm *h = ctx;
    int rc = CUDA_OK;
    for (uint32_t i = 0; i < HBM_TIMES && rc == CUDA_OK; i++)
        rc = cuda_run(h->cuda, h->gpu, KERNEL_copy, &h->args);
    return rc;
}

void check_gpu_hbm(struct check_ctx *c)
{
    struct cuda *cuda = check_cuda_kernels(c, "gpu-hbm");
    for (uint32_t i = 0; cuda != NULL && i < cuda->gpus; i++) {
        if (!gpu_take(c, cuda, i, "gpu-hbm"))
            continue;
        size_t bytes = MW_MIN(cuda->gpu[i].memory / 8, HBM_BYTES_MAX) & ~(size_t)15;
        struct hbm h = { .cuda = cuda, .gpu = i, .args = { .n = bytes / 16 } };
        h.args.a = gpu_alloc(cuda, bytes);
        h.args.b = gpu_alloc(cuda, bytes);
        double s = -(double)CUDA_OUT_OF_MEMORY;
        if (h.args.a != 0 && h.args.b != 0 && cuda_time(cuda, hbm_work, &h) >= 0) /* warm */
            s = cuda_time(cuda, hbm_work, &h);
        if (s > 0)
            check_figure(c, "gpu-hbm", cuda->gpu[i].part, "GB/s",
                         2.0 * (double)bytes * HBM_TIMES / s / 1e9);
        else
            say_driver(c, "gpu-hbm", cuda->gpu[i].part, cuda, (int)-s);
        gpu_free(cuda, h.args.a);
        gpu_free(cuda, h.args.b);
    }
}

/* ---- matrix product, all GPUs at once ------------------------------------------------------- */

struct gemm {
    struct gpu_matrices m;
    struct cuda_product p;
    void *from, *to;
    double tflops; /* NAN = none */
    mw_u64 fold;
    bool taken;
};

/* C x = A (B x) for one vector of whole numbers (Freivalds): a wrong C passes with a chance under
 * one in 2^15 (x has 16 random bits a place).  The rows that differ. */
static uint64_t rows_wrong(uint32_t width, uint32_t seed, const float *c)
{
    int64_t *bx = calloc(width, sizeof(*bx)), *abx = calloc(width, sizeof(*abx)),
            *cx = calloc(width, sizeof(*cx));
    uint64_t wrong = bx == NULL || abx == NULL || cx == NULL ? width : 0;
    for (uint64_t j = 0; wrong == 0 && j < width; j++) {
        int64_t x = mw_mix((uint32_t)j ^ 0xa5a5a5a5u) & 0xffff;
        for (uint64_t i = 0; i < width; i++) {
            bx[i] += (int64_t)mw_small(j * width + i, seed + 1) * x;
            float v = c[j * width + i]; /* out of range: surely wrong, and no number of ours */
            cx[i] += v >= -1e7f && v <= 1e7f ? (int64_t)v * x : (int64_t)1 << 40;
            if (v >= -1e7f && v <= 1e7f && (v < (float)(int64_t)v || v > (float)(int64_t)v))
                cx[i] += (int64_t)1 << 40; /* a fraction: products of whole numbers have none */
        }
    }
    for (uint64_t j = 0; wrong == 0 && j < width; j++)
        for (uint64_t i = 0; i < width; i++)
            abx[i] += (int64_t)mw_small(j * width + i, seed) * bx[j];
    for (uint32_t i = 0; bx != NULL && abx != NULL && cx != NULL && i < width; i++)
        wrong += abx[i] != cx[i];
    free(bx);
    free(abx);
    free(cx);
    return wrong;
}

static void check_product(struct check_ctx *c, struct cuda *cuda, uint32_t gpu,
                          const struct gemm *g, uint32_t seed)
{
    size_t bytes = (size_t)g->m.width * g->m.width * sizeof(float);
    float *host = malloc(bytes);
    if (host == NULL || !cuda_use(cuda, gpu) ||
        cuda->api.to_host(host, g->m.c, bytes) != CUDA_OK)
        check_say(c, VERDICT_UNKNOWN, "gpu-gemm-errors", cuda->gpu[gpu].part,
                  "the product could not be read back");
    else
        check_figure(c, "gpu-gemm-errors", cuda->gpu[gpu].part, "",
                     (double)rows_wrong(g->m.width, seed, host));
    free(host);
}

/* Equal folds are equal products: the processor checks the first, and who differs from it. */
static void judge_product(struct check_ctx *c, struct cuda *cuda, uint32_t gpu,
                          const struct gemm *g, uint32_t first, uint32_t seed)
{
    if (gpu == first || g[gpu].fold != g[first].fold) {
        check_note(c, "against the processor's own");
        check_product(c, cuda, gpu, &g[gpu], seed);
        return;
    }
    check_note(c, "bit for bit that of %s", cuda->gpu[first].part);
    check_figure(c, "gpu-gemm-errors", cuda->gpu[gpu].part, "", 0);
}

static int gemm_open(struct cuda *cuda, uint32_t gpu, struct gemm *g, uint32_t seed)
{
    int rc = gpu_matrices_open(cuda, gpu, &g->m);
    if (rc == CUDA_OK)
        rc = gpu_matrices_fill(cuda, gpu, &g->m, KERNEL_fill_bf16, seed);
    if (rc == CUDA_OK && cuda->blas_handle != NULL &&
        cuda_product_open(cuda, g->m.width, &g->p) != 0)
        g->p = (struct cuda_product){ NULL, NULL, NULL };
    if (rc == CUDA_OK)
        rc = cuda->api.event_create(&g->from, 0);
    if (rc == CUDA_OK)
        rc = cuda->api.event_create(&g->to, 0);
    if (rc == CUDA_OK) /* warm: the library chooses its kernel */
        rc = gpu_multiply(cuda, gpu, &g->m, &g->p);
    return rc == CUDA_OK ? cuda->api.wait() : rc;
}

static void gemm_close(struct cuda *cuda, uint32_t gpu, struct gemm *g)
{
    if (!cuda_use(cuda, gpu))
        return;
    gpu_matrices_close(cuda, &g->m);
    cuda_product_close(cuda, &g->p);
    if (g->from != NULL)
        (void)cuda->api.event_destroy(g->from);
    if (g->to != NULL)
        (void)cuda->api.event_destroy(g->to);
}

/* How many products make about a second, by one of them on the wall clock. */
static uint32_t gemm_times(struct cuda *cuda, uint32_t gpu, struct gemm *g)
{
    int64_t from = check_clock_ns();
    if (!cuda_use(cuda, gpu) || gpu_multiply(cuda, gpu, &g->m, &g->p) != CUDA_OK ||
        cuda->api.wait() != CUDA_OK)
        return 1;
    int64_t took = MW_MAX(check_clock_ns() - from, 1000);
    int64_t times = GEMM_WORK_MS * 1000000ll / took;
    return (uint32_t)MW_MAX(MW_MIN(times, (int64_t)GEMM_TIMES_MAX), 3);
}

static int gemm_start(struct cuda *cuda, uint32_t gpu, struct gemm *g, uint32_t times)
{
    if (!cuda_use(cuda, gpu))
        return CUDA_INVALID_VALUE;
    int rc = cuda->api.event_record(g->from, NULL);
    for (uint32_t k = 0; rc == CUDA_OK && k < times; k++)
        rc = gpu_multiply(cuda, gpu, &g->m, &g->p);
    return rc == CUDA_OK ? cuda->api.event_record(g->to, NULL) : rc;
}

static void gemm_end(struct check_ctx *c, struct cuda *cuda, uint32_t gpu, struct gemm *g,
                     uint32_t times)
{
    float ms = 0;
    double w = g->m.width;
    int rc = cuda_use(cuda, gpu) ? cuda->api.event_wait(g->to) : CUDA_INVALID_VALUE;
    if (rc == CUDA_OK)
        rc = cuda->api.event_elapsed(&ms, g->from, g->to);
    if (rc == CUDA_OK)
        rc = gpu_fold(cuda, gpu, g->m.c, (mw_u64)g->m.width * g->m.width, &g->fold);
    if (rc != CUDA_OK) {
        say_driver(c, "gpu-gemm", cuda->gpu[gpu].part, cuda, rc);
        return;
    }
    /* without cuBLASLt our own kernel proves the arithmetic, not the speed: another name */
    check_note(c, "%ux%u bfloat16, all GPUs at once", g->m.width, g->m.width);
    check_figure(c, g->p.description != NULL ? "gpu-gemm" : "gpu-gemm-own", cuda->gpu[gpu].part,
                 "TFLOPS", 2 * w * w * w * times / (ms / 1e3) / 1e12);
}

void check_gpu_gemm(struct check_ctx *c)
{
    struct cuda *cuda = check_cuda_kernels(c, "gpu-gemm");
    struct gemm *g = calloc(CUDA_GPUS_MAX, sizeof(*g));
    uint32_t seed = (uint32_t)c->o->seed, times = 1, first = CUDA_GPUS_MAX;
    if (cuda == NULL || g == NULL) {
        free(g);
        return;
    }
    for (uint32_t i = 0; i < cuda->gpus; i++) {
        if (!gpu_take(c, cuda, i, "gpu-gemm"))
            continue;
        int rc = gemm_open(cuda, i, &g[i], seed);
        g[i].taken = rc == CUDA_OK;
        if (rc != CUDA_OK)
            say_driver(c, "gpu-gemm", cuda->gpu[i].part, cuda, rc);
        else if (first == CUDA_GPUS_MAX)
            times = gemm_times(cuda, first = i, &g[i]);
    }
    for (uint32_t i = 0; i < cuda->gpus; i++)
        g[i].taken = g[i].taken && gemm_start(cuda, i, &g[i], times) == CUDA_OK;
    for (uint32_t i = 0; i < cuda->gpus; i++)
        if (g[i].taken)
            gemm_end(c, cuda, i, &g[i], times);
    for (uint32_t i = 0; i < cuda->gpus; i++)
        if (g[i].taken)
            judge_product(c, cuda, i, g, first, seed);
    for (uint32_t i = 0; i < cuda->gpus; i++)
        gemm_close(cuda, i, &g[i]);
    free(g);
}

/* ---- GPU to GPU ----------------------------------------------------------------------------- */

static void peers_of(struct check_ctx *c, struct cuda *cuda, uint32_t from, const cuda_address *at,
                     size_t bytes)
{
    double slowest = INFINITY;
    uint32_t to_slowest = from;
    for (uint32_t to = 0; to < cuda->gpus; to++) {
        int can = 0;
        if (to == from || at[to] == 0 || !cuda_use(cuda, from) ||
            cuda->api.can_peer(&can, cuda->gpu[from].device, cuda->gpu[to].device) != CUDA_OK)
            continue;
        if (can != 0)
            (void)cuda->api.enable_peer(cuda->gpu[to].context, 0);
        struct copy k = { .cuda = cuda, .device = at[from], .peer = at[to], .bytes = bytes,
                          .context = cuda->gpu[from].context,
                          .peer_context = cuda->gpu[to].context };
        (void)copy_peer(&k); /* warm */
        double s = cuda_time(cuda, copy_peer, &k);
        double rate = s > 0 ? (double)bytes * COPY_TIMES / s / 1e9 : 0;
        if (rate < slowest) {
            slowest = rate;
            to_slowest = to;
        }
    }
    if (isinf(slowest))
        return;
    check_note(c, "the slowest is to %s", cuda->gpu[to_slowest].part);
    check_figure(c, "gpu-peer", cuda->gpu[from].part, "GB/s", slowest);
}

void check_gpu_peer(struct check_ctx *c)
{
    struct cuda *cuda = check_cuda(c, "gpu-peer");
    cuda_address at[CUDA_GPUS_MAX] = { 0 };
    if (cuda == NULL)
        return;
    if (cuda->gpus < 2) {
        check_say(c, VERDICT_ABSENT, "gpu-peer", "", "one GPU has no peers");
        return;
    }
    size_t bytes = MW_MIN(cuda->gpu[0].memory / 16, COPY_BYTES_MAX) & ~(size_t)15;
    for (uint32_t i = 0; i < cuda->gpus; i++)
        if (gpu_take(c, cuda, i, "gpu-peer"))
            at[i] = gpu_alloc(cuda, bytes);
    for (uint32_t i = 0; i < cuda->gpus; i++)
        if (at[i] != 0)
            peers_of(c, cuda, i, at, bytes);
    for (uint32_t i = 0; i < cuda->gpus; i++)
        if (cuda_use(cuda, i))
            gpu_free(cuda, at[i]);
}

/* ---- memory pattern ------------------------------------------------------------------------- */

/* Every word of a buffer holds a pattern, then its inverse, so that each bit is once 0 and once 1;
 * all is written before any of it is read. */
static int pattern_pass(struct cuda *cuda, uint32_t gpu, struct mw_args *args, struct mw_bad *sum)
{
    int rc = CUDA_OK;
    for (uint32_t turn = 0; turn < 2 && rc == CUDA_OK; turn++) {
        struct mw_bad bad;
        args->flip = turn == 0 ? 0 : ~0u;
        rc = cuda_run(cuda, gpu, KERNEL_fill, args);
        if (rc == CUDA_OK)
            rc = gpu_verify(cuda, gpu, args, &bad);
        if (rc == CUDA_OK) {
            sum->count += bad.count;
            sum->bits |= bad.bits;
            sum->first = MW_MIN(sum->first, bad.first);
        }
    }
    return rc;
}

void check_gpu_memory(struct check_ctx *c)
{
    struct cuda *cuda = check_cuda_kernels(c, "gpu-memory-errors");
    for (uint32_t i = 0; cuda != NULL && i < cuda->gpus; i++) {
        size_t left = 0, all = 0;
        if (!gpu_take(c, cuda, i, "gpu-memory-errors") || cuda->api.memory(&left, &all) != CUDA_OK)
            continue;
        size_t bytes = left / 10 * 9 & ~(size_t)15;
        struct mw_args args = { .a = gpu_alloc(cuda, bytes), .n = bytes / 4,
                                .seed = (uint32_t)c->o->seed };
        while (args.a == 0 && bytes > 1u << 20) { /* in pieces: take what there is */
            bytes = bytes / 2 & ~(size_t)15;
            args.n = bytes / 4;
            args.a = gpu_alloc(cuda, bytes);
        }
        struct mw_bad bad = { .first = ~0ull };
        int rc = args.a != 0 ? pattern_pass(cuda, i, &args, &bad) : CUDA_OUT_OF_MEMORY;
        if (rc != CUDA_OK) {
            say_driver(c, "gpu-memory-errors", cuda->gpu[i].part, cuda, rc);
        } else {
            check_note(c, "%zu MiB, two patterns%s", bytes >> 20,
                       bad.count > 0 ? "; differing bits in the words" : "");
            check_figure(c, "gpu-memory-errors", cuda->gpu[i].part, "", (double)bad.count);
        }
        gpu_free(cuda, args.a);
    }
}
