/*
 * What the three stand-in libraries (libcuda, libnvrtc, libcublasLt) share.  They
 * behave as NVIDIA's do as far as `mw-agent check` can see, run our own kernels on
 * the processor, and do what a script says: MW_CUDA_SCRIPT names a file of lines
 *
 *   gpus 4                       how many (1)
 *   name NVIDIA H100 80GB HBM3   of all of them
 *   memory 67108864              bytes of each (64 MiB)
 *   seed 7                       of everything that is random here
 *   speed [gpu=3] h2d=55 d2h=55 peer=400 hbm=3000 gemm=700
 *                                GB/s and TFLOPS that the events' clock shows; the work itself
 *                                takes what it takes
 *   flip alu|memory|copy [gpu=2] rate=1e-9 [after=1000]
 *                                a bit turns: alu, of a value that a kernel computes (rate per
 *                                value that passes TOUCH); memory, anywhere in what is allocated
 *                                (rate per launch or copy); copy, in bytes that are copied (rate
 *                                per byte).  after: not before so many of them
 *   used 50000000 [gpu=1]        bytes that another program has
 *   fail cuMemAlloc_v2 [gpu=1] result=2
 *   hang cuCtxSynchronize [gpu=1]
 *   log FILE                     appends "KIND GPU" for each bit that turned: tests compare with it
 *
 * Only for tests: it is no emulator of a GPU and says nothing about one's speed.
 */
#ifndef MW_TESTS_STANDIN_CUDA_H
#define MW_TESTS_STANDIN_CUDA_H

#include <stddef.h>
#include <stdint.h>

#define STANDIN_GPUS_MAX 16
#define STANDIN_PTX "// stand-in module: "

/* Between libcublasLt and libcuda: the GPU in use; its clock; where a product's values pass. */
int standin_gpu(void);
void standin_work(double operations);
float standin_touch(float value);

#endif
