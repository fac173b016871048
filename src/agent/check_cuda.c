/* dlopen, contexts, modules, launches. */
#include "agent/check_cuda.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/check_host_kernels.h"
#include "agent/check_texts.h"

#define THREADS_PER_BLOCK 256u
#define BLOCKS_PER_PROCESSOR 8u
#define PTX_MAX ((size_t)4 << 20)

struct check_kept {
    struct cuda cuda;
    bool opened;
    bool absent;
    char why[160]; /* it could not be opened */
};

/* ---- libraries ----------------------------------------------------------------------------- */

struct symbol {
    const char *name;
    void **to;
};

/* The first of the names that opens, in `dir` or by the loader's search. */
static void *open_first(const char *dir, const char *const *names)
{
    char path[CHECK_PATH_MAX];
    void *library = NULL;
    for (uint32_t i = 0; names[i] != NULL && library == NULL; i++) {
        int n = snprintf(path, sizeof(path), "%s%s%s", dir != NULL ? dir : "",
                         dir != NULL ? "/" : "", names[i]);
        if (n > 0 && (size_t)n < sizeof(path))
            library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    return library;
}

/* All symbols or none; returns the first that is missing, NULL = none. */
static const char *find_all(void *library, const struct symbol *s, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        *s[i].to = dlsym(library, s[i].name);
        if (*s[i].to == NULL)
            return s[i].name;
    }
    return NULL;
}

static const char *find_cuda(struct cuda_api *a)
{
    const struct symbol s[] = {
#define X(member, symbol, parameters) { symbol, (void **)&a->member },
        CUDA_FUNCTIONS(X)
#undef X
    };
    return find_all(a->library, s, MW_ARRAY_LEN(s));
}

static const char *find_nvrtc(struct nvrtc_api *a)
{
    const struct symbol s[] = {
#define X(member, symbol, parameters) { symbol, (void **)&a->member },
        NVRTC_FUNCTIONS(X)
#undef X
    };
    return find_all(a->library, s, MW_ARRAY_LEN(s));
}

static const char *find_cublas(struct cublas_api *a)
{
    const struct symbol s[] = {
#define X(member, symbol, parameters) { symbol, (void **)&a->member },
        CUBLAS_FUNCTIONS(X)
#undef X
    };
    return find_all(a->library, s, MW_ARRAY_LEN(s));
}

const char *cuda_text(const struct cuda *cuda, int rc)
{
    const char *text = NULL;
    if (cuda->api.error_text != NULL && cuda->api.error_text(rc, &text) == CUDA_OK && text != NULL)
        return text;
    return "an unknown result";
}

/* ---- kernels -------------------------------------------------------------------------------- */

/* The kernels' text as PTX for one generation of GPUs; NULL: err says why. */
static char *compile(struct cuda *cuda, const struct cuda_gpu *g, char *why, size_t size)
{
    char arch[40];
    const char *const options[] = { arch };
    void *program = NULL;
    char *ptx = NULL;
    size_t length = 0;
    (void)snprintf(arch, sizeof(arch), "--gpu-architecture=compute_%d%d", g->major, g->minor);
    int rc = cuda->nvrtc.create(&program, check_text_kernels, "check_kernels.cu", 0, NULL, NULL);
    if (rc == 0)
        rc = cuda->nvrtc.compile(program, 1, options);
    if (rc == 0)
        rc = cuda->nvrtc.ptx_size(program, &length);
    if (rc == 0 && length > 0 && length <= PTX_MAX)
        ptx = calloc(1, length + 1);
    if (ptx != NULL && cuda->nvrtc.ptx(program, ptx) != 0) {
        free(ptx);
        ptx = NULL;
    }
    if (ptx == NULL)
        (void)snprintf(why, size, "NVRTC does not compile for compute_%d%d (result %d)", g->major,
                       g->minor, rc);
    if (program != NULL)
        (void)cuda->nvrtc.destroy(&program);
    return ptx;
}

static void load_kernels(struct cuda *cuda)
{
    static const char *const names[KERNEL_COUNT] = {
#define X(name) "mw_" #name,
        CUDA_KERNELS(X)
#undef X
    };
    char *ptx = NULL;
    int major = 0, minor = 0;
    for (uint32_t i = 0; i < cuda->gpus && cuda->why_no_kernels[0] == '\0'; i++) {
        struct cuda_gpu *g = &cuda->gpu[i];
        if (!cuda_use(cuda, i))
            continue;
        if (ptx == NULL || major != g->major || minor != g->minor) {
            free(ptx);
            major = g->major;
            minor = g->minor;
            ptx = compile(cuda, g, cuda->why_no_kernels, sizeof(cuda->why_no_kernels));
        }
        int rc = ptx != NULL ? cuda->api.load(&g->module, ptx) : CUDA_INVALID_VALUE;
        for (uint32_t k = 0; rc == CUDA_OK && k < KERNEL_COUNT; k++)
            rc = cuda->api.function(&g->kernel[k], g->module, names[k]);
        if (rc != CUDA_OK && ptx != NULL)
            (void)snprintf(g->why, sizeof(g->why), "its driver does not take our kernels: %.100s",
                           cuda_text(cuda, rc));
    }
    free(ptx);
}

static void open_nvrtc(struct cuda *cuda, const char *dir)
{
    static const char *const names[] = { "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2",
                                         "libnvrtc.so", NULL };
    cuda->nvrtc.library = open_first(dir, names);
    const char *missing = cuda->nvrtc.library != NULL ? find_nvrtc(&cuda->nvrtc) : names[1];
    if (missing != NULL)
        (void)snprintf(cuda->why_no_kernels, sizeof(cuda->why_no_kernels),
                       "no %s (it comes with CUDA's runtime packages)", missing);
    else
        load_kernels(cuda);
}

static void open_cublas(struct cuda *cuda, const char *dir)
{
    static const char *const names[] = { "libcublasLt.so.13", "libcublasLt.so.12",
                                         "libcublasLt.so.11", "libcublasLt.so", NULL };
    cuda->blas.library = open_first(dir, names);
    if (cuda->blas.library == NULL || find_cublas(&cuda->blas) != NULL ||
        !cuda_use(cuda, 0) || cuda->blas.create(&cuda->blas_handle) != 0)
        cuda->blas_handle = NULL;
}

/* ---- GPUs ----------------------------------------------------------------------------------- */

static void open_gpu(struct cuda *cuda, uint32_t i)
{
    struct cuda_gpu *g = &cuda->gpu[i];
    size_t left = 0;
    const char *step = "cuDeviceGet";
    (void)snprintf(g->part, sizeof(g->part), "gpu%u", i);
    int rc = cuda->api.device(&g->device, (int)i);
    if (rc == CUDA_OK) {
        (void)cuda->api.name(g->name, (int)sizeof(g->name), g->device);
        (void)cuda->api.attribute(&g->processors, CUDA_ATTRIBUTE_PROCESSORS, g->device);
        (void)cuda->api.attribute(&g->major, CUDA_ATTRIBUTE_MAJOR, g->device);
        (void)cuda->api.attribute(&g->minor, CUDA_ATTRIBUTE_MINOR, g->device);
        step = "cuDevicePrimaryCtxRetain";
        rc = cuda->api.retain(&g->context, g->device);
    }
    if (rc == CUDA_OK) {
        step = "cuMemGetInfo";
        rc = cuda->api.use(g->context);
        if (rc == CUDA_OK)
            rc = cuda->api.memory(&left, &g->memory);
    }
    if (rc != CUDA_OK)
        (void)snprintf(g->why, sizeof(g->why), "%s: %.100s", step, cuda_text(cuda, rc));
}

static void open_cuda(struct check_kept *k, const char *dir)
{
    static const char *const names[] = { "libcuda.so.1", NULL };
    struct cuda *cuda = &k->cuda;
    int count = 0;
    k->opened = true;
    cuda->api.library = open_first(dir, names);
    if (cuda->api.library == NULL) {
        k->absent = true;
        (void)snprintf(k->why, sizeof(k->why), "no libcuda.so.1 here");
        return;
    }
    const char *missing = find_cuda(&cuda->api);
    int rc = missing == NULL ? cuda->api.init(0) : CUDA_OK;
    if (missing == NULL && rc == CUDA_OK)
        rc = cuda->api.count(&count);
    if (missing != NULL || rc != CUDA_OK || count <= 0) {
        k->absent = missing == NULL && (rc == CUDA_NO_DEVICE || rc == CUDA_OK);
        (void)snprintf(k->why, sizeof(k->why), "libcuda: %.120s",
                       missing != NULL ? missing : count > 0 ? "no GPU" : cuda_text(cuda, rc));
        return;
    }
    (void)cuda->api.driver_version(&cuda->version);
    cuda->gpus = MW_MIN((uint32_t)count, CUDA_GPUS_MAX);
    for (uint32_t i = 0; i < cuda->gpus; i++)
        open_gpu(cuda, i);
    open_nvrtc(cuda, dir);
    open_cublas(cuda, dir);
}

bool cuda_use(struct cuda *cuda, uint32_t gpu)
{
    must(gpu < cuda->gpus);
    return cuda->gpu[gpu].why[0] == '\0' && cuda->api.use(cuda->gpu[gpu].context) == CUDA_OK;
}

struct cuda *check_cuda(struct check_ctx *c, const char *name)
{
    if (c->kept == NULL)
        c->kept = calloc(1, sizeof(*c->kept));
    if (c->kept == NULL) {
        check_say(c, VERDICT_UNKNOWN, name, "", "out of memory");
        return NULL;
    }
    if (!c->kept->opened)
        open_cuda(c->kept, c->o->cuda_dir);
    if (c->kept->why[0] == '\0')
        return &c->kept->cuda;
    check_say(c, c->kept->absent ? VERDICT_ABSENT : VERDICT_FAIL, name, "", "%.150s", c->kept->why);
    return NULL;
}

struct cuda *check_cuda_kernels(struct check_ctx *c, const char *name)
{
    struct cuda *cuda = check_cuda(c, name);
    if (cuda != NULL && cuda->why_no_kernels[0] != '\0') {
        check_say(c, VERDICT_UNKNOWN, name, "", "%.150s", cuda->why_no_kernels);
        return NULL;
    }
    return cuda;
}

void check_kept_free(struct check_kept *k)
{
    if (k == NULL)
        return;
    for (uint32_t i = 0; i < k->cuda.gpus; i++)
        if (k->cuda.gpu[i].context != NULL)
            (void)k->cuda.api.release(k->cuda.gpu[i].device);
    free(k); /* the libraries stay: this process ends, and unloading a driver may hang */
}

/* ---- work ----------------------------------------------------------------------------------- */

int cuda_run(struct cuda *cuda, uint32_t gpu, enum cuda_kernel kernel, const struct mw_args *args)
{
    struct mw_args copy = *args;
    void *parameters[] = { &copy };
    const struct cuda_gpu *g = &cuda->gpu[gpu];
    must(gpu < cuda->gpus && kernel < KERNEL_COUNT);
    if (g->kernel[kernel] == NULL)
        return CUDA_INVALID_VALUE;
    unsigned blocks = (unsigned)MW_MAX(g->processors, 1) * BLOCKS_PER_PROCESSOR;
    return cuda->api.launch(g->kernel[kernel], blocks, 1, 1, THREADS_PER_BLOCK, 1, 1, 0, NULL,
                            parameters, NULL);
}

double cuda_time(struct cuda *cuda, cuda_work_fn *work, void *ctx)
{
    void *from = NULL, *to = NULL;
    float ms = 0;
    int rc = cuda->api.event_create(&from, 0);
    if (rc == CUDA_OK)
        rc = cuda->api.event_create(&to, 0);
    if (rc == CUDA_OK)
        rc = cuda->api.event_record(from, NULL);
    if (rc == CUDA_OK)
        rc = work(ctx);
    if (rc == CUDA_OK)
        rc = cuda->api.event_record(to, NULL);
    if (rc == CUDA_OK)
        rc = cuda->api.event_wait(to);
    if (rc == CUDA_OK)
        rc = cuda->api.event_elapsed(&ms, from, to);
    if (from != NULL)
        (void)cuda->api.event_destroy(from);
    if (to != NULL)
        (void)cuda->api.event_destroy(to);
    return rc == CUDA_OK ? (double)ms / 1e3 : -(double)rc;
}

int cuda_product_open(struct cuda *cuda, uint32_t width, struct cuda_product *ret)
{
    *ret = (struct cuda_product){ NULL, NULL, NULL };
    if (cuda->blas_handle == NULL)
        return CUDA_INVALID_VALUE;
    int rc = cuda->blas.product_create(&ret->description, CUBLAS_COMPUTE_32F, CUBLAS_R_32F);
    if (rc == 0)
        rc = cuda->blas.layout_create(&ret->in, CUBLAS_R_16BF, width, width, width);
    if (rc == 0)
        rc = cuda->blas.layout_create(&ret->out, CUBLAS_R_32F, width, width, width);
    if (rc != 0)
        cuda_product_close(cuda, ret);
    return rc;
}

int cuda_product_run(struct cuda *cuda, const struct cuda_product *p, cuda_address a,
                     cuda_address b, cuda_address c)
{
    const float one = 1, nothing = 0;
    return cuda->blas.multiply(cuda->blas_handle, p->description, &one, (const void *)(uintptr_t)a,
                               p->in, (const void *)(uintptr_t)b, p->in, &nothing,
                               (const void *)(uintptr_t)c, p->out, (void *)(uintptr_t)c, p->out,
                               NULL, NULL, 0, NULL);
}

void cuda_product_close(struct cuda *cuda, struct cuda_product *p)
{
    if (p->in != NULL)
        (void)cuda->blas.layout_destroy(p->in);
    if (p->out != NULL)
        (void)cuda->blas.layout_destroy(p->out);
    if (p->description != NULL)
        (void)cuda->blas.product_destroy(p->description);
    *p = (struct cuda_product){ NULL, NULL, NULL };
}
