/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gemm.h"

enum {
    NARROW = 8, /* rows: the VAE's moments and below */
    /* CBLAS's numbers for what it calls CblasRowMajor, CblasNoTrans and CblasTrans. */
    ROW_MAJOR = 101,
    AS_IT_IS = 111,
    TRANSPOSED = 112
};

/* Chosen by sizes and settings alone, so a tile has the same bits whichever thread asks. The narrow
 * one sums in double, for the VAE's moments. */
void gemm(const Cpu *cpu, float *c, int ldc, const float *a, int lda, const float *b, int ldb,
          bool b_transposed, int m, int n, int k, float alpha, bool accumulate)
{
    const Kernels *kernels = cpu->kernels;
    if (m < 1 || n < 1)
        return;
    if (m <= NARROW && !b_transposed && alpha == 1)
        kernels->gemm_narrow(c, ldc, a, lda, b, ldb, m, n, k, accumulate);
    else if (cpu->blas.sgemm)
        cpu->blas.sgemm(ROW_MAJOR, AS_IT_IS, b_transposed ? TRANSPOSED : AS_IT_IS, m, n, k, alpha,
                        a, lda, b, ldb, accumulate ? 1 : 0, c, ldc);
    else
        kernels->gemm(c, ldc, a, lda, b, ldb, b_transposed, m, n, k, alpha, accumulate);
}
