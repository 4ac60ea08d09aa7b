/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenBLAS, loaded when a device is made for the processor and not before: it takes 128 MB of address
 * space for each thread, and where a limit (ulimit -v) leaves less, it asks again for ever.
 * The only file that knows it. */
#pragma once

#include "../../base/error.h"
#include "kernels.h"

#include <stdbool.h>

typedef struct {
    /* cblas_sgemm(); NULL: there is no OpenBLAS, or the kernel set's own loops are faster. */
    void (*sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                  const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
    void (*set_threads)(int count);
    int (*threads)(void);
} Blas;

/* Loads it, once for the process however often it is called.  callers: threads that will multiply at the
 * same time.  False (ENGINE_OUT_OF_MEMORY) only where
 * the address space is limited to less than it needs. */
bool blas_open(Blas *blas, const Kernels *kernels, int callers, EngineError *error);

/* Keeps BLAS from starting threads of its own; layers call it before they start theirs.  (BLAS has
 * only one such setting for the whole process.) */
void blas_prepare(const Blas *blas);
