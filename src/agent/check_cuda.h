/*
 * The GPUs of this node through the CUDA driver, opened at run time: contexts,
 * our kernels compiled for each, and the few calls that the checks make.  One
 * process, one thread; every call may hang, so the process must be one that may
 * be ended.  Nothing of a GPU's settings is changed.
 */
#ifndef MW_AGENT_CHECK_CUDA_H
#define MW_AGENT_CHECK_CUDA_H

#include "agent/check_private.h"
#include "agent/cuda.h"

#define CUDA_GPUS_MAX 32

#define CUDA_KERNELS(X) \
    X(fill) X(verify) X(copy) X(fill_bf16) X(fill_any) X(product) X(burn) X(fold)
enum cuda_kernel {
#define X(name) KERNEL_##name,
    CUDA_KERNELS(X)
#undef X
    KERNEL_COUNT
};

struct cuda_gpu {
    void *context, *module, *kernel[KERNEL_COUNT];
    int device, processors, major, minor;
    size_t memory;  /* bytes, all */
    char name[64];
    char part[16];  /* "gpu3" */
    char why[160];  /* why it cannot be used; "" = it can */
};

struct cuda {
    struct cuda_api api;
    struct nvrtc_api nvrtc;
    struct cublas_api blas;
    void *blas_handle;       /* NULL: no cuBLASLt */
    uint32_t gpus;
    int version;             /* of the driver: 13000 = CUDA 13.0 */
    char why_no_kernels[160]; /* "" = they are there */
    struct cuda_gpu gpu[CUDA_GPUS_MAX];
};

/* The node's GPUs, opened when first asked for and kept in c->kept.  NULL: none; says under `name`
 * what is missing: VERDICT_ABSENT where there is no driver, else the driver's own words. */
struct cuda *check_cuda(struct check_ctx *c, const char *name);
/* The same for checks that need our kernels. */
struct cuda *check_cuda_kernels(struct check_ctx *c, const char *name);

/* Makes a GPU the one that calls are about; false: it cannot be used. */
bool cuda_use(struct cuda *cuda, uint32_t gpu);
/* The driver's word for a result; never NULL. */
const char *cuda_text(const struct cuda *cuda, int rc);

struct mw_args;
/* Starts a kernel on the GPU in use; returns the driver's result. */
MW_MUST_USE int cuda_run(struct cuda *cuda, uint32_t gpu, enum cuda_kernel kernel,
                         const struct mw_args *args);

/* The time that `work` takes on the GPU in use, by its own events, in s; negative: -result. */
typedef int cuda_work_fn(void *ctx);
double cuda_time(struct cuda *cuda, cuda_work_fn *work, void *ctx);

/* float C = A B by cuBLASLt, width x width, column-major, bfloat16 in.  A handle that is kept. */
struct cuda_product {
    void *description, *in, *out;
};
MW_MUST_USE int cuda_product_open(struct cuda *cuda, uint32_t width, struct cuda_product *ret);
MW_MUST_USE int cuda_product_run(struct cuda *cuda, const struct cuda_product *p, cuda_address a,
                                 cuda_address b, cuda_address c);
void cuda_product_close(struct cuda *cuda, struct cuda_product *p);

#endif
