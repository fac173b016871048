/*
 * What of the CUDA driver, NVRTC and cuBLASLt we use, declared by ourselves after
 * NVIDIA's reference manuals; nothing of NVIDIA's is needed to build, nothing is
 * linked.  The stand-in of the tests includes the same file.  Handles are
 * pointers, device addresses 64-bit words, enums ints, as C passes them.
 */
#ifndef MW_AGENT_CUDA_H
#define MW_AGENT_CUDA_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t cuda_address;

#define CUDA_OK 0
#define CUDA_OUT_OF_MEMORY 2
#define CUDA_INVALID_VALUE 1
#define CUDA_ECC_UNCORRECTABLE 214
#define CUDA_NO_DEVICE 100

enum { CUDA_ATTRIBUTE_PROCESSORS = 16, CUDA_ATTRIBUTE_MAJOR = 75, CUDA_ATTRIBUTE_MINOR = 76 };
#define CUDA_PEER_IS_ON 704

/* X(member, symbol, parameters): libcuda.so.1; all return CUresult. */
#define CUDA_FUNCTIONS(X)                                                                         \
    X(init, "cuInit", (unsigned))                                                                 \
    X(driver_version, "cuDriverGetVersion", (int *))                                              \
    X(count, "cuDeviceGetCount", (int *))                                                         \
    X(device, "cuDeviceGet", (int *, int))                                                        \
    X(name, "cuDeviceGetName", (char *, int, int))                                                \
    X(attribute, "cuDeviceGetAttribute", (int *, int, int))                                       \
    X(retain, "cuDevicePrimaryCtxRetain", (void **, int))                                         \
    X(release, "cuDevicePrimaryCtxRelease_v2", (int))                                             \
    X(use, "cuCtxSetCurrent", (void *))                                                           \
    X(wait, "cuCtxSynchronize", (void))                                                           \
    X(error_text, "cuGetErrorString", (int, const char **))                                       \
    X(load, "cuModuleLoadData", (void **, const void *))                                          \
    X(unload, "cuModuleUnload", (void *))                                                         \
    X(function, "cuModuleGetFunction", (void **, void *, const char *))                           \
    X(launch, "cuLaunchKernel", (void *, unsigned, unsigned, unsigned, unsigned, unsigned,        \
      unsigned, unsigned, void *, void **, void **))                                              \
    X(memory, "cuMemGetInfo_v2", (size_t *, size_t *))                                            \
    X(alloc, "cuMemAlloc_v2", (cuda_address *, size_t))                                           \
    X(free, "cuMemFree_v2", (cuda_address))                                                       \
    X(alloc_host, "cuMemAllocHost_v2", (void **, size_t))                                         \
    X(free_host, "cuMemFreeHost", (void *))                                                       \
    X(to_device, "cuMemcpyHtoD_v2", (cuda_address, const void *, size_t))                         \
    X(to_host, "cuMemcpyDtoH_v2", (void *, cuda_address, size_t))                                 \
    X(to_device_later, "cuMemcpyHtoDAsync_v2", (cuda_address, const void *, size_t, void *))      \
    X(to_host_later, "cuMemcpyDtoHAsync_v2", (void *, cuda_address, size_t, void *))              \
    X(to_peer_later, "cuMemcpyPeerAsync",                                                         \
      (cuda_address, void *, cuda_address, void *, size_t, void *))                               \
    X(can_peer, "cuDeviceCanAccessPeer", (int *, int, int))                                       \
    X(enable_peer, "cuCtxEnablePeerAccess", (void *, unsigned))                                   \
    X(event_create, "cuEventCreate", (void **, unsigned))                                         \
    X(event_record, "cuEventRecord", (void *, void *))                                            \
    X(event_wait, "cuEventSynchronize", (void *))                                                 \
    X(event_elapsed, "cuEventElapsedTime", (float *, void *, void *))                             \
    X(event_destroy, "cuEventDestroy_v2", (void *))

/* libnvrtc.so.12, or .13, .11.2 */
#define NVRTC_FUNCTIONS(X)                                                                        \
    X(create, "nvrtcCreateProgram",                                                               \
      (void **, const char *, const char *, int, const char *const *, const char *const *))       \
    X(compile, "nvrtcCompileProgram", (void *, int, const char *const *))                         \
    X(ptx_size, "nvrtcGetPTXSize", (void *, size_t *))                                            \
    X(ptx, "nvrtcGetPTX", (void *, char *))                                                       \
    X(log_size, "nvrtcGetProgramLogSize", (void *, size_t *))                                     \
    X(log, "nvrtcGetProgramLog", (void *, char *))                                                \
    X(destroy, "nvrtcDestroyProgram", (void **))

enum { CUBLAS_R_32F = 0, CUBLAS_R_16BF = 14, CUBLAS_COMPUTE_32F = 68 };

/* libcublasLt.so.12, or .13, .11 */
#define CUBLAS_FUNCTIONS(X)                                                                       \
    X(create, "cublasLtCreate", (void **))                                                        \
    X(destroy, "cublasLtDestroy", (void *))                                                       \
    X(product_create, "cublasLtMatmulDescCreate", (void **, int, int))                            \
    X(product_destroy, "cublasLtMatmulDescDestroy", (void *))                                     \
    X(layout_create, "cublasLtMatrixLayoutCreate", (void **, int, uint64_t, uint64_t, int64_t))   \
    X(layout_destroy, "cublasLtMatrixLayoutDestroy", (void *))                                    \
    X(multiply, "cublasLtMatmul",                                                                 \
      (void *, void *, const void *, const void *, void *, const void *, void *, const void *,    \
       const void *, void *, void *, void *, const void *, void *, size_t, void *))

struct cuda_api {
    void *library;
#define X(member, symbol, parameters) int (*member) parameters;
    CUDA_FUNCTIONS(X)
#undef X
};
struct nvrtc_api {
    void *library;
#define X(member, symbol, parameters) int (*member) parameters;
    NVRTC_FUNCTIONS(X)
#undef X
};
struct cublas_api {
    void *library;
#define X(member, symbol, parameters) int (*member) parameters;
    CUBLAS_FUNCTIONS(X)
#undef X
};

#endif
