/*
 * Preloaded into examples/train by bench/agent.py: notes when each line of the
 * loss curve is written, which is once a step, and leaves the times in
 * $STEP_CLOCK when the program ends.  Costs a clock reading a step.  Compiled by
 * the bench; nothing of it is in the product.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

#define STEPS_MAX 1000000

typedef ssize_t pwrite_fn(int fd, const void *data, size_t size, off_t at);

static int64_t at_ns[STEPS_MAX];
static uint32_t steps;

ssize_t pwrite(int fd, const void *data, size_t size, off_t at);
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at);

static ssize_t noted(const char *name, int fd, const void *data, size_t size, off_t at)
{
    static pwrite_fn *real;
    struct timespec t = { .tv_sec = 0 };
    if (real == NULL)
        real = (pwrite_fn *)dlsym(RTLD_NEXT, name);
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    if (steps < STEPS_MAX)
        at_ns[steps++] = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    return real(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return noted("pwrite", fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) /* with 64-bit offsets */
{
    return noted("pwrite64", fd, data, size, at);
}

__attribute__((destructor)) static void leave(void)
{
    const char *path = getenv("STEP_CLOCK");
    FILE *f = path != NULL ? fopen(path, "w") : NULL;
    for (uint32_t i = 0; f != NULL && i < steps; i++)
        (void)fprintf(f, "%lld\n", (long long)at_ns[i]);
    if (f != NULL)
        (void)fclose(f);
}
