/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gemm.h"

#ifdef HAVE_OPENBLAS
#include <cblas.h>
#endif

#include <string.h>

void gemm(const Kernels *kernels, float *c, int ldc, const float *a, int lda, const float *b,
          int ldb, bool b_transposed, int m, int n, int k, float alpha, bool accumulate)
{
    if (m < 1 || n < 1)
        return;
#ifdef HAVE_OPENBLAS
    /* The reference set stands for itself, down to the product. */
    if (strcmp(kernels->name, "reference") != 0) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, b_transposed ? CblasTrans : CblasNoTrans, m, n, k,
                    alpha, a, lda, b, ldb, accumulate ? 1 : 0, c, ldc);
        return;
    }
#endif
    kernels->gemm(c, ldc, a, lda, b, ldb, b_transposed, m, n, k, alpha, accumulate);
}

void gemm_prepare(void)
{
#ifdef HAVE_OPENBLAS
    if (openblas_get_num_threads() != 1)
        openblas_set_num_threads(1);
#endif
}
