/*
 * A libcuda for tests.  Device memory is host memory; a launch runs the kernel
 * before it returns; each GPU has a clock of its own, which events read.  See
 * standin.h for the script.
 */
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "standin.h"

#define OUT_OF_MEMORY 2
#define INVALID_VALUE 1
#define NO_DEVICE 100
#define LINES_MAX 64
#define ALLOCATIONS_MAX 256
#define THREADS_MOST 8 /* of a launch, so that strides are walked */

enum flip { FLIP_ALU, FLIP_MEMORY, FLIP_COPY, FLIPS };
static const char *const flip_names[FLIPS] = { "alu", "memory", "copy" };

struct gpu {
    double clock_ns;
    double h2d, d2h, peer, hbm, gemm; /* GB/s, TFLOPS; 0 = as the wall clock says */
    double rate[FLIPS];
    uint64_t after[FLIPS], left[FLIPS]; /* events until the next bit turns */
    uint64_t random;
    size_t used, others; /* bytes: ours, and another program's */
};

struct rule {
    char call[48];
    int gpu, result; /* gpu -1: all; result -1: hang */
};

struct allocation {
    void *at;
    size_t size;
    int gpu;
};

struct module {
    void *library;
    uint64_t *thread, *threads, *left;
    uint32_t (**flip)(uint32_t);
};

struct function {
    struct module *module;
    void (*run)(const void *args); /* takes struct mw_args by value; see call_kernel */
    bool copies;
    void *symbol;
};

static struct {
    bool ready;
    int gpus, current;
    size_t memory;
    uint64_t seed;
    char name[64], log[256];
    struct gpu gpu[STANDIN_GPUS_MAX];
    struct rule rule[LINES_MAX];
    int rules;
    struct allocation allocation[ALLOCATIONS_MAX];
} it = { .gpus = 1, .memory = (size_t)64 << 20, .seed = 1, .name = "Millwright stand-in GPU" };

/* ---- randomness ------------------------------------------------------------------------------ */

static uint64_t draw(struct gpu *g)
{
    g->random += 0x9e3779b97f4a7c15u;
    uint64_t z = g->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* How many events until the next: geometric. */
static uint64_t until(struct gpu *g, enum flip f)
{
    if (g->rate[f] <= 0)
        return ~0ull;
    double u = ((double)(draw(g) >> 11) + 1) / 9007199254740993.0;
    double n = log(u) / log1p(-fmin(g->rate[f], 0.999999));
    return n > 1e18 ? ~0ull : (uint64_t)n + 1;
}

static void log_flip(enum flip f, int gpu)
{
    FILE *file = it.log[0] != '\0' ? fopen(it.log, "ae") : NULL;
    if (file == NULL)
        return;
    (void)fprintf(file, "%s %d\n", flip_names[f], gpu);
    (void)fclose(file);
}

/* n events pass; how many bits turn among them, and at which (the last one's index). */
static uint32_t pass(int gpu, enum flip f, uint64_t n, uint64_t *ret_last)
{
    struct gpu *g = &it.gpu[gpu];
    uint64_t at = 0;
    uint32_t turned = 0;
    while (g->left[f] <= n - at && turned < 1000) {
        at += g->left[f];
        *ret_last = at - 1;
        turned++;
        log_flip(f, gpu);
        g->left[f] = until(g, f);
    }
    if (g->left[f] != ~0ull)
        g->left[f] -= n - at;
    return turned;
}

static uint32_t turn_value(uint32_t v)
{
    struct gpu *g = &it.gpu[it.current];
    log_flip(FLIP_ALU, it.current);
    g->left[FLIP_ALU] = 0; /* the launcher draws anew */
    return v ^ 1u << (draw(g) & 31);
}

float standin_touch(float value)
{
    uint64_t last;
    uint32_t u;
    if (it.gpu[it.current].left[FLIP_ALU] == ~0ull || pass(it.current, FLIP_ALU, 1, &last) == 0)
        return value;
    memcpy(&u, &value, sizeof(u));
    u ^= 1u << (draw(&it.gpu[it.current]) & 31);
    memcpy(&value, &u, sizeof(u));
    return value;
}

static void turn_memory(int gpu)
{
    struct gpu *g = &it.gpu[gpu];
    uint64_t last;
    uint32_t turned = pass(gpu, FLIP_MEMORY, 1, &last);
    for (uint32_t k = 0; k < turned && g->used > 0; k++) {
        uint64_t byte = draw(g) % g->used;
        for (int i = 0; i < ALLOCATIONS_MAX; i++) {
            struct allocation *a = &it.allocation[i];
            if (a->at == NULL || a->gpu != gpu)
                continue;
            if (byte < a->size) {
                ((unsigned char *)a->at)[byte] ^= (unsigned char)(1u << (draw(g) & 7));
                break;
            }
            byte -= a->size;
        }
    }
}

/* ---- the script ------------------------------------------------------------------------------ */

static double number_after(const char *line, const char *key, double otherwise)
{
    const char *at = strstr(line, key);
    return at != NULL ? strtod(at + strlen(key), NULL) : otherwise;
}

static void each_gpu(const char *line, void (*set)(struct gpu *g, const char *line))
{
    int only = (int)number_after(line, "gpu=", -1);
    for (int i = 0; i < STANDIN_GPUS_MAX; i++)
        if (only < 0 || only == i)
            set(&it.gpu[i], line);
}

static void set_speed(struct gpu *g, const char *line)
{
    g->h2d = number_after(line, "h2d=", g->h2d);
    g->d2h = number_after(line, "d2h=", g->d2h);
    g->peer = number_after(line, "peer=", g->peer);
    g->hbm = number_after(line, "hbm=", g->hbm);
    g->gemm = number_after(line, "gemm=", g->gemm);
}

static void set_flip(struct gpu *g, const char *line)
{
    for (int f = 0; f < FLIPS; f++)
        if (strncmp(line, flip_names[f], strlen(flip_names[f])) == 0) {
            g->rate[f] = number_after(line, "rate=", 0);
            g->after[f] = (uint64_t)number_after(line, "after=", 0);
        }
}

static void set_others(struct gpu *g, const char *line)
{
    g->others = strtoull(line, NULL, 10);
}

static void take_line(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "gpus ", 5) == 0)
        it.gpus = (int)strtol(line + 5, NULL, 10);
    else if (strncmp(line, "name ", 5) == 0)
        (void)snprintf(it.name, sizeof(it.name), "%.63s", line + 5);
    else if (strncmp(line, "memory ", 7) == 0)
        it.memory = strtoull(line + 7, NULL, 10);
    else if (strncmp(line, "seed ", 5) == 0)
        it.seed = strtoull(line + 5, NULL, 10);
    else if (strncmp(line, "log ", 4) == 0)
        (void)snprintf(it.log, sizeof(it.log), "%s", line + 4);
    else if (strncmp(line, "used ", 5) == 0)
        each_gpu(line + 5, set_others);
    else if (strncmp(line, "speed ", 6) == 0)
        each_gpu(line + 6, set_speed);
    else if (strncmp(line, "flip ", 5) == 0)
        each_gpu(line + 5, set_flip);
    else if ((strncmp(line, "fail ", 5) == 0 || strncmp(line, "hang ", 5) == 0) &&
             it.rules < LINES_MAX) {
        struct rule *r = &it.rule[it.rules++];
        (void)sscanf(line + 5, "%47s", r->call);
        r->gpu = (int)number_after(line, "gpu=", -1);
        r->result = line[0] == 'h' ? -1 : (int)number_after(line, "result=", 999);
    }
}

static void start(void)
{
    const char *path = getenv("MW_CUDA_SCRIPT");
    FILE *f = path != NULL ? fopen(path, "re") : NULL;
    char line[256];
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        take_line(line);
    if (f != NULL)
        (void)fclose(f);
    if (it.gpus > STANDIN_GPUS_MAX)
        it.gpus = STANDIN_GPUS_MAX;
    for (int i = 0; i < STANDIN_GPUS_MAX; i++) {
        struct gpu *g = &it.gpu[i];
        g->random = it.seed * 1000003 + (uint64_t)i;
        for (int k = 0; k < FLIPS; k++) {
            g->left[k] = until(g, k);
            if (g->left[k] != ~0ull)
                g->left[k] += g->after[k];
        }
    }
    it.ready = true;
}

/* What the script says of a call on the GPU in use: 0, a result, or for ever. */
static int scripted(const char *call)
{
    for (int i = 0; i < it.rules; i++) {
        const struct rule *r = &it.rule[i];
        if (strcmp(r->call, call) != 0 || (r->gpu >= 0 && r->gpu != it.current))
            continue;
        while (r->result < 0)
            (void)pause();
        return r->result;
    }
    return 0;
}

#define SCRIPTED()                        \
    do {                                  \
        int rc_ = scripted(__func__);     \
        if (rc_ != 0)                     \
            return rc_;                   \
    } while (0)

/* ---- time ------------------------------------------------------------------------------------ */

static double wall_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The GPU's clock moves by what the work takes at that rate (units per ns), else by the wall's. */
static void moved(int gpu, double amount, double rate, double since)
{
    it.gpu[gpu].clock_ns += rate > 0 ? amount / rate : wall_ns() - since;
}

int standin_gpu(void)
{
    return it.current;
}

void standin_work(double operations)
{
    moved(it.current, operations, it.gpu[it.current].gemm * 1e3, wall_ns());
    turn_memory(it.current);
}

/* ---- the driver's functions ------------------------------------------------------------------ */

int cuInit(unsigned flags)
{
    (void)flags;
    if (!it.ready)
        start();
    SCRIPTED();
    return it.gpus > 0 ? 0 : NO_DEVICE;
}

int cuDriverGetVersion(int *ret)
{
    *ret = 12040;
    return 0;
}

int cuDeviceGetCount(int *ret)
{
    *ret = it.gpus;
    return scripted(__func__);
}

int cuDeviceGet(int *ret, int i)
{
    *ret = i;
    return i >= 0 && i < it.gpus ? 0 : INVALID_VALUE;
}

int cuDeviceGetName(char *to, int size, int device)
{
    (void)device;
    (void)snprintf(to, (size_t)size, "%s", it.name);
    return 0;
}

int cuDeviceGetAttribute(int *ret, int what, int device)
{
    (void)device;
    *ret = what == 16 ? 4 : what == 75 ? 9 : what == 76 ? 0 : 0;
    return 0;
}

int cuDevicePrimaryCtxRetain(void **ret, int device)
{
    it.current = device;
    SCRIPTED();
    *ret = &it.gpu[device];
    return 0;
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
    (void)device;
    return 0;
}

int cuCtxSetCurrent(void *context)
{
    it.current = (int)((struct gpu *)context - it.gpu);
    SCRIPTED();
    return 0;
}

int cuCtxSynchronize(void)
{
    SCRIPTED();
    return 0;
}

int cuGetErrorString(int rc, const char **ret)
{
    *ret = rc == OUT_OF_MEMORY ? "out of memory"
           : rc == 214         ? "uncorrectable ECC error encountered"
           : rc == NO_DEVICE   ? "no CUDA-capable device is detected"
           : rc == 719         ? "unspecified launch failure"
                               : "a scripted fault";
    return 0;
}

int cuModuleLoadData(void **ret, const void *image)
{
    struct module *m = calloc(1, sizeof(*m));
    SCRIPTED();
    if (m == NULL || strncmp(image, STANDIN_PTX, strlen(STANDIN_PTX)) != 0)
        return INVALID_VALUE;
    m->library = dlopen((const char *)image + strlen(STANDIN_PTX), RTLD_NOW | RTLD_LOCAL);
    if (m->library == NULL)
        return INVALID_VALUE;
    m->thread = dlsym(m->library, "standin_thread");
    m->threads = dlsym(m->library, "standin_threads");
    m->left = dlsym(m->library, "standin_left");
    m->flip = dlsym(m->library, "standin_flip");
    *m->flip = turn_value;
    *ret = m;
    if (it.current == it.gpus - 1) /* all GPUs have taken it: no file is left behind */
        (void)unlink((const char *)image + strlen(STANDIN_PTX));
    return 0;
}

int cuModuleUnload(void *module)
{
    (void)module;
    return 0;
}

int cuModuleGetFunction(void **ret, void *module, const char *name)
{
    struct function *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return OUT_OF_MEMORY;
    f->module = module;
    f->symbol = dlsym(f->module->library, name);
    f->copies = strcmp(name, "mw_copy") == 0;
    *ret = f;
    return f->symbol != NULL ? 0 : INVALID_VALUE;
}

/* The one argument of all our kernels, as check_kernels.cu lays it out. */
struct args {
    uint64_t a, b, c, n;
    uint32_t seed, rounds, flip, width;
};

static void call_kernel(struct gpu *g, const struct function *f, const struct args *args,
                        uint64_t threads)
{
    void (*run)(struct args) = (void (*)(struct args))f->symbol;
    *f->module->threads = threads;
    for (uint64_t t = 0; t < threads; t++) {
        *f->module->thread = t;
        *f->module->left = g->left[FLIP_ALU];
        run(*args);
        if (g->left[FLIP_ALU] == 0) /* a bit turned; at most one in a thread's part */
            g->left[FLIP_ALU] = until(g, FLIP_ALU);
        else if (g->left[FLIP_ALU] != ~0ull)
            g->left[FLIP_ALU] = *f->module->left;
    }
}

int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned shared, void *stream, void **parameters, void **extra)
{
    const struct function *f = function;
    const struct args *args = parameters[0];
    struct gpu *g = &it.gpu[it.current];
    uint64_t threads = (uint64_t)gx * gy * gz * bx * by * bz;
    double since = wall_ns();
    (void)shared;
    (void)stream;
    (void)extra;
    SCRIPTED();
    call_kernel(g, f, args, threads < THREADS_MOST ? threads : THREADS_MOST);
    moved(it.current, (double)args->n * 32, f->copies ? g->hbm : 0, since);
    turn_memory(it.current);
    return 0;
}

int cuMemGetInfo_v2(size_t *left, size_t *all)
{
    SCRIPTED();
    *all = it.memory;
    *left = it.memory - it.gpu[it.current].used - it.gpu[it.current].others;
    return 0;
}

int cuMemAlloc_v2(uint64_t *ret, size_t size)
{
    struct gpu *g = &it.gpu[it.current];
    SCRIPTED();
    if (size == 0 || size > it.memory - g->used)
        return OUT_OF_MEMORY;
    for (int i = 0; i < ALLOCATIONS_MAX; i++) {
        struct allocation *a = &it.allocation[i];
        if (a->at != NULL)
            continue;
        if (posix_memalign(&a->at, 256, size) != 0)
            return OUT_OF_MEMORY;
        a->size = size;
        a->gpu = it.current;
        g->used += size;
        *ret = (uint64_t)(uintptr_t)a->at;
        return 0;
    }
    return OUT_OF_MEMORY;
}

int cuMemFree_v2(uint64_t at)
{
    for (int i = 0; i < ALLOCATIONS_MAX; i++) {
        struct allocation *a = &it.allocation[i];
        if (a->at != (void *)(uintptr_t)at)
            continue;
        it.gpu[a->gpu].used -= a->size;
        free(a->at);
        a->at = NULL;
        return 0;
    }
    return INVALID_VALUE;
}

int cuMemAllocHost_v2(void **ret, size_t size)
{
    SCRIPTED();
    *ret = malloc(size);
    return *ret != NULL ? 0 : OUT_OF_MEMORY;
}

int cuMemFreeHost(void *at)
{
    free(at);
    return 0;
}

static void copy(int gpu, void *to, const void *from, size_t size, double rate)
{
    double since = wall_ns();
    uint64_t last = 0;
    memcpy(to, from, size);
    if (size > 0 && it.gpu[gpu].left[FLIP_COPY] != ~0ull && pass(gpu, FLIP_COPY, size, &last) > 0)
        ((unsigned char *)to)[last] ^= (unsigned char)(1u << (draw(&it.gpu[gpu]) & 7));
    moved(gpu, (double)size, rate, since);
    turn_memory(gpu);
}

int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t size)
{
    SCRIPTED();
    copy(it.current, (void *)(uintptr_t)to, from, size, it.gpu[it.current].h2d);
    return 0;
}

int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t size)
{
    SCRIPTED();
    copy(it.current, to, (const void *)(uintptr_t)from, size, it.gpu[it.current].d2h);
    return 0;
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size, void *stream)
{
    (void)stream;
    return cuMemcpyHtoD_v2(to, from, size);
}

int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, void *stream)
{
    (void)stream;
    return cuMemcpyDtoH_v2(to, from, size);
}

int cuMemcpyPeerAsync(uint64_t to, void *to_context, uint64_t from, void *from_context, size_t size,
                      void *stream)
{
    int a = (int)((struct gpu *)from_context - it.gpu);
    int b = (int)((struct gpu *)to_context - it.gpu);
    double rate = it.gpu[a].peer < it.gpu[b].peer ? it.gpu[a].peer : it.gpu[b].peer;
    (void)stream;
    SCRIPTED();
    copy(a, (void *)(uintptr_t)to, (const void *)(uintptr_t)from, size, rate);
    return 0;
}

int cuDeviceCanAccessPeer(int *ret, int a, int b)
{
    *ret = a != b;
    return 0;
}

int cuCtxEnablePeerAccess(void *context, unsigned flags)
{
    (void)context;
    (void)flags;
    return 0;
}

struct event {
    double at_ns;
};

int cuEventCreate(void **ret, unsigned flags)
{
    (void)flags;
    *ret = calloc(1, sizeof(struct event));
    return *ret != NULL ? 0 : OUT_OF_MEMORY;
}

int cuEventRecord(void *event, void *stream)
{
    (void)stream;
    ((struct event *)event)->at_ns = it.gpu[it.current].clock_ns;
    return 0;
}

int cuEventSynchronize(void *event)
{
    (void)event;
    SCRIPTED();
    return 0;
}

int cuEventElapsedTime(float *ret, void *from, void *to)
{
    *ret = (float)((((struct event *)to)->at_ns - ((struct event *)from)->at_ns) / 1e6);
    return 0;
}

int cuEventDestroy_v2(void *event)
{
    free(event);
    return 0;
}
