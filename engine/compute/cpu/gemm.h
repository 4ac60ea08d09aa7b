/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The matrix product on one thread: OpenBLAS, or the kernel set's own loops where the build has no
 * BLAS or only one that is slower.
 *
 * Layers cut their products into tiles by sizes alone and give each tile to one thread whole, so
 * the bits never depend on how many threads there are. */
#pragma once

#include "cpu.h"

#include <stdbool.h>

/* c = alpha a b, plus c where `accumulate`; row-major.
 *   c  [m, n]   rows ldc apart
 *   a  [m, k]   rows lda apart
 *   b  [k, n]   rows ldb apart; [n, k] where b_transposed */
void gemm(const Cpu *cpu, float *c, int ldc, const float *a, int lda, const float *b, int ldb,
          bool b_transposed, int m, int n, int k, float alpha, bool accumulate);
