/*
 * Opens NVIDIA's library at run time and finds the functions that we use of it,
 * so that the agent runs on a node without GPUs and builds without its headers.
 * Calls none of them.
 */
#include "agent/nvml.h"

#include <dlfcn.h>
#include <string.h>

struct symbol {
    const char *name;
    size_t offset; /* of its member in struct nvml */
    bool needed;
};

static const struct symbol symbols[] = {
#define X(needed, member, symbol, parameters) { symbol, offsetof(struct nvml, member), needed },
    NVML_FUNCTIONS(X)
#undef X
};

static const struct {
    uint32_t result;
    const char *text;
} results[] = {
    { NVML_OK, "well" },
    { NVML_UNINITIALIZED, "NVML was not initialised" },
    { NVML_INVALID_ARGUMENT, "an argument is invalid" },
    { NVML_NOT_SUPPORTED, "this GPU or driver does not support it" },
    { NVML_NO_PERMISSION, "this user may not" },
    { NVML_NOT_FOUND, "not found" },
    { NVML_INSUFFICIENT_SIZE, "too little room for the answer" },
    { NVML_DRIVER_NOT_LOADED, "the NVIDIA driver is not loaded" },
    { NVML_TIMEOUT, "the driver timed out" },
    { NVML_IRQ_ISSUE, "the kernel sees no interrupts of a GPU" },
    { NVML_FUNCTION_NOT_FOUND, "this version of the library has no such function" },
    { NVML_CORRUPTED_INFOROM, "the GPU's infoROM is corrupted" },
    { NVML_GPU_IS_LOST, "the GPU has fallen off the bus" },
    { NVML_RESET_REQUIRED, "the GPU must be reset before it can be used again" },
    { NVML_OPERATING_SYSTEM, "the operating system keeps the GPU's device from us" },
    { NVML_LIB_RM_VERSION_MISMATCH, "driver and library are of different versions" },
    { NVML_IN_USE, "the GPU is in use" },
    { NVML_NO_DATA, "no data" },
    { NVML_VERSION_MISMATCH, "the driver does not know this version of a structure" },
    { NVML_DEPRECATED, "the driver does not answer this any more" },
    { NVML_NOT_READY, "the driver is not ready" },
    { NVML_GPU_NOT_FOUND, "the driver finds no GPU" },
    { NVML_UNKNOWN, "an error inside the driver" },
};

const char *nvml_result_text(uint32_t result)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(results); i++)
        if (results[i].result == result)
            return results[i].text;
    return "an error that we do not know";
}

int nvml_load(struct nvml *n, const char *path, struct mw_error *err)
{
    must(n->library == NULL);
    const char *name = path != NULL ? path : NVML_LIBRARY;
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *why = dlerror();
        bool none = why != NULL && strstr(why, "No such file") != NULL;
        return mw_fail(err, none ? MW_ENOTFOUND : MW_EIO, "the library cannot be loaded: %s",
                       why != NULL ? why : name);
    }
    for (size_t i = 0; i < MW_ARRAY_LEN(symbols); i++) {
        void *found = dlsym(library, symbols[i].name);
        if (found == NULL && symbols[i].needed) {
            (void)dlclose(library);
            memset(n, 0, sizeof(*n));
            return mw_fail(err, MW_EVERSION, "%s has no function %s", name, symbols[i].name);
        }
        memcpy((char *)n + symbols[i].offset, &found, sizeof(found));
    }
    n->library = library;
    return 0;
}

void nvml_unload(struct nvml *n)
{
    if (n->library != NULL)
        (void)dlclose(n->library);
    memset(n, 0, sizeof(*n));
}

bool nvml_field_number(const struct nvml_field *f, double *ret)
{
    if (f->result != NVML_OK)
        return false;
    switch (f->type) {
    case NVML_DOUBLE:
        *ret = f->value.d;
        return true;
    case NVML_UINT:
        *ret = f->value.u32;
        return true;
    case NVML_ULONG:
    case NVML_ULONGLONG:
        *ret = (double)f->value.u64;
        return true;
    case NVML_LONGLONG:
        *ret = (double)f->value.i64;
        return true;
    case NVML_INT:
        *ret = f->value.i32;
        return true;
    case NVML_USHORT:
        *ret = f->value.u16;
        return true;
    default:
        return false;
    }
}
