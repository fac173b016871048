/*
 * What the GPU checks share: buffers that end with their scope, and reading the
 * results of our kernels.
 */
#ifndef MW_AGENT_CHECK_GPU_H
#define MW_AGENT_CHECK_GPU_H

#include "agent/check_cuda.h"
#include "agent/check_host_kernels.h"

/* A GPU whose memory is in use works for somebody: levels 3 and 4 leave it alone.  Makes it the one
 * that calls are about; false after having said why not. */
bool gpu_take(struct check_ctx *c, struct cuda *cuda, uint32_t gpu, const char *figure);

/* Device memory of the GPU in use; 0 when there is none. */
cuda_address gpu_alloc(struct cuda *cuda, size_t bytes);
void gpu_free(struct cuda *cuda, cuda_address at);

/* Zeroes, runs a comparing kernel over a[0..n) with pattern (seed, flip), and reads what it found.
 * The driver's result. */
MW_MUST_USE int gpu_verify(struct cuda *cuda, uint32_t gpu, const struct mw_args *pattern,
                           struct mw_bad *ret);
/* The number that stands for a[0..n) of 32-bit words; the processor's mw_fold gives the same. */
#define GPU_FOLD_SEED 0x3c6ef372u
MW_MUST_USE int gpu_fold(struct cuda *cuda, uint32_t gpu, cuda_address a, mw_u64 n, mw_u64 *ret);

/* Matrices of a product, and the widest that its memory allows (128 to 8192, a power of two). */
struct gpu_matrices {
    cuda_address a, b, c;
    uint32_t width;
};
uint32_t gpu_width(const struct cuda_gpu *g);
MW_MUST_USE int gpu_matrices_open(struct cuda *cuda, uint32_t gpu, struct gpu_matrices *ret);
void gpu_matrices_close(struct cuda *cuda, struct gpu_matrices *m);
/* Fills a and b: small whole numbers (KERNEL_fill_bf16), or any (KERNEL_fill_any). */
MW_MUST_USE int gpu_matrices_fill(struct cuda *cuda, uint32_t gpu, const struct gpu_matrices *m,
                                  enum cuda_kernel kernel, uint32_t seed);
/* One product by cuBLASLt where p is open, else by our own kernel. */
MW_MUST_USE int gpu_multiply(struct cuda *cuda, uint32_t gpu, const struct gpu_matrices *m,
                             const struct cuda_product *p);

#endif
