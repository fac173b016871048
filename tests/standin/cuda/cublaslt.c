/*
 * A libcublasLt for tests: the one product that `mw-agent check` asks for, by
 * three loops: column-major, bfloat16 in, float out.  Its values pass TOUCH's
 * place in libcuda.
 */
#include <stdlib.h>
#include <string.h>

#include "standin.h"

struct layout {
    int type;
    uint64_t rows, columns;
    int64_t stride;
};

int cublasLtCreate(void **ret)
{
    *ret = malloc(1);
    return *ret != NULL ? 0 : 3;
}

int cublasLtDestroy(void *handle)
{
    free(handle);
    return 0;
}

int cublasLtMatmulDescCreate(void **ret, int compute, int scale)
{
    if (compute != 68 || scale != 0)
        return 15; /* CUBLAS_STATUS_NOT_SUPPORTED */
    *ret = malloc(1);
    return *ret != NULL ? 0 : 3;
}

int cublasLtMatmulDescDestroy(void *d)
{
    free(d);
    return 0;
}

int cublasLtMatrixLayoutCreate(void **ret, int type, uint64_t rows, uint64_t columns,
                               int64_t stride)
{
    struct layout *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return 3;
    *l = (struct layout){ type, rows, columns, stride };
    *ret = l;
    return 0;
}

int cublasLtMatrixLayoutDestroy(void *l)
{
    free(l);
    return 0;
}

static float widen(uint16_t half)
{
    uint32_t u = (uint32_t)half << 16;
    float f;
    memcpy(&f, &u, sizeof(f));
    return f;
}

static void column(const uint16_t *a, const uint16_t *b, float *c, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        c[i] = 0;
    for (uint64_t k = 0; k < n; k++)
        for (uint64_t i = 0; i < n; i++)
            c[i] += widen(a[k * n + i]) * widen(b[k]);
    for (uint64_t i = 0; i < n; i++)
        c[i] = standin_touch(c[i]);
}

int cublasLtMatmul(void *handle, void *d, const void *alpha, const void *a, void *la,
                   const void *b, void *lb, const void *beta, const void *c, void *lc, void *to,
                   void *lto, const void *algorithm, void *workspace, size_t size, void *stream)
{
    const struct layout *x = la, *z = lto;
    (void)handle;
    (void)lb;
    (void)c;
    (void)lc;
    (void)algorithm;
    (void)workspace;
    (void)size;
    (void)stream;
    if (d == NULL || x->type != 14 || z->type != 0 || x->rows != x->columns ||
        *(const float *)alpha != 1 || *(const float *)beta != 0)
        return 15;
    for (uint64_t j = 0; j < x->rows; j++)
        column(a, (const uint16_t *)b + j * x->rows, (float *)to + j * x->rows, x->rows);
    standin_work(2.0 * (double)x->rows * (double)x->rows * (double)x->rows);
    return 0;
}
