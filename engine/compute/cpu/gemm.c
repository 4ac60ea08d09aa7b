/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gemm.h"

#ifdef HAVE_OPENBLAS
#include <cblas.h>
#endif

#include <string.h>
#include <strings.h>

enum { NARROW = 8 }; /* rows: the VAE's moments and below */

#ifdef HAVE_OPENBLAS
/* Whether BLAS is the better one.  The reference set stands for itself, down to the product.  A
 * BLAS that does not use this processor's widest vectors, being old or told so by
 * $OPENBLAS_CORETYPE, is half as fast as our own loops: 200 against 400 GFLOP/s on 2 Zen 5s. */
static bool blas_is_better(const Kernels *kernels)
{
    if (strcmp(kernels->name, "reference") == 0)
        return false;
    if (strcmp(kernels->name, "avx512") != 0)
        return true;
    static const char *const wide[] = { "SkylakeX", "Cooperlake", "SapphireRapids" };
    const char              *core = openblas_get_corename();
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (strcasecmp(core, wide[i]) == 0)
            return true;
    return false;
}
#endif

void gemm(const Kernels *kernels, float *c, int ldc, const float *a, int lda, const float *b,
          int ldb, bool b_transposed, int m, int n, int k, float alpha, bool accumulate)
{
    if (m < 1 || n < 1)
        return;
    if (m <= NARROW && !b_transposed && alpha == 1) {
        kernels->gemm_narrow(c, ldc, a, lda, b, ldb, m, n, k, accumulate);
        return;
    }
#ifdef HAVE_OPENBLAS
    if (blas_is_better(kernels)) {
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
