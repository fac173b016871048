/*
 * A libnvrtc for tests: "compiles" CUDA text with the C compiler of this machine
 * into a shared object, and gives its path as the PTX.  The prelude makes a kernel
 * an ordinary function and TOUCH a place where libcuda turns bits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "standin.h"

struct program {
    char *text;
    char path[160];
    char log[4096];
};

static const char prelude[] =
    "#include <stdint.h>\n"
    "#include <string.h>\n"
    "typedef uint32_t mw_u32;\n"
    "typedef unsigned long long mw_u64;\n"
    "#define MW_KERNEL void\n"
    "#define MW_DEVICE static inline __attribute__((unused))\n"
    "mw_u64 standin_thread, standin_threads = 1, standin_left = ~0ull;\n"
    "mw_u32 (*standin_flip)(mw_u32 v);\n"
    "#define MW_THREAD standin_thread\n"
    "#define MW_THREADS standin_threads\n"
    "#define MW_MUL(a, b) ((a) * (b))\n"
    "#define MW_ADD(a, b) ((a) + (b))\n"
    "#define MW_COUNT(p, v) (*(p) += (v))\n"
    "#define MW_LEAST(p, v) (*(p) = *(p) < (v) ? *(p) : (v))\n"
    "#define MW_OR(p, v) (*(p) |= (v))\n"
    "static inline float MW_AS_FLOAT(mw_u32 u) { float f; memcpy(&f, &u, 4); return f; }\n"
    "static inline mw_u32 MW_AS_UINT(float f) { mw_u32 u; memcpy(&u, &f, 4); return u; }\n"
    "static inline mw_u32 touch_u(mw_u32 v) { return --standin_left == 0 ? standin_flip(v) : v; }\n"
    "static inline float touch_f(float v) { return MW_AS_FLOAT(touch_u(MW_AS_UINT(v))); }\n"
    "#define TOUCH(x) _Generic((x), float: touch_f, default: touch_u)(x)\n"
    "#line 1 \"kernels\"\n";

int nvrtcCreateProgram(void **ret, const char *text, const char *name, int headers,
                       const char *const *header, const char *const *include)
{
    struct program *p = calloc(1, sizeof(*p));
    (void)name;
    (void)headers;
    (void)header;
    (void)include;
    if (p == NULL || (p->text = strdup(text)) == NULL)
        return 1;
    *ret = p;
    return 0;
}

int nvrtcCompileProgram(void *program, int options, const char *const *option)
{
    struct program *p = program;
    char command[320];
    const char *folder = getenv("TMPDIR");
    for (int i = 0; i < options; i++) /* as the real one: an architecture that it does not know */
        if (strncmp(option[i], "--gpu-architecture=compute_", 27) != 0)
            return 5;
    (void)snprintf(p->path, sizeof(p->path), "%.120s/mw-standin-XXXXXX",
                   folder != NULL ? folder : "/tmp"); /* tests name a folder that they remove */
    int fd = mkstemp(p->path);
    if (fd < 0)
        return 1;
    (void)close(fd);
    (void)snprintf(command, sizeof(command),
                   "cc -std=gnu17 -O2 -w -ffp-contract=off -shared -fPIC -x c - -o %s", p->path);
    FILE *f = popen(command, "w");
    if (f == NULL)
        return 1;
    (void)fputs(prelude, f);
    (void)fputs(p->text, f);
    int status = pclose(f);
    (void)snprintf(p->log, sizeof(p->log), "cc: status %d", status);
    return status == 0 ? 0 : 6;
}

int nvrtcGetPTXSize(void *program, size_t *ret)
{
    const struct program *p = program;
    *ret = strlen(STANDIN_PTX) + strlen(p->path) + 1;
    return 0;
}

int nvrtcGetPTX(void *program, char *to)
{
    const struct program *p = program;
    (void)snprintf(to, strlen(STANDIN_PTX) + strlen(p->path) + 1, "%s%s", STANDIN_PTX, p->path);
    return 0;
}

int nvrtcGetProgramLogSize(void *program, size_t *ret)
{
    *ret = strlen(((struct program *)program)->log) + 1;
    return 0;
}

int nvrtcGetProgramLog(void *program, char *to)
{
    const struct program *p = program;
    memcpy(to, p->log, strlen(p->log) + 1);
    return 0;
}

int nvrtcDestroyProgram(void **program)
{
    struct program *p = *program;
    free(p->text);
    free(p);
    *program = NULL;
    return 0;
}
