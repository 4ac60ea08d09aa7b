/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compute/cpu/gemm.h"

#include "math_help.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

/* Strides are wider than rows, and what lies between rows of c must stay. */
static void check(const Kernels *kernels, int m, int n, int k, bool transposed, bool accumulate)
{
    int    ldc = n + 3, lda = k + 2, ldb = (transposed ? k : n) + 5;
    size_t c_count = (size_t)m * (size_t)ldc;
    float *a = guarded((size_t)m * (size_t)lda, 1), *c = guarded(c_count, 2);
    float *b = guarded((size_t)(transposed ? n : k) * (size_t)ldb, 3);
    float *want = malloc(c_count * sizeof *want);
    memcpy(want, c, c_count * sizeof *want);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int p = 0; p < k; p++)
                sum += (double)a[(size_t)i * (size_t)lda + (size_t)p] *
                       (double)(transposed ? b[(size_t)j * (size_t)ldb + (size_t)p]
                                           : b[(size_t)p * (size_t)ldb + (size_t)j]);
            float *to = &want[(size_t)i * (size_t)ldc + (size_t)j];
            *to = (float)(0.3 * sum + (accumulate ? (double)*to : 0));
        }
    Cpu cpu, plain;
    cpu_init(&cpu, NULL, kernels, &(EngineError){ 0 });
    cpu_init(&plain, NULL, kernels_by_name("reference"), &(EngineError){ 0 });
    gemm(&cpu, c, ldc, a, lda, b, ldb, transposed, m, n, k, 0.3F, accumulate);
    CHECK_NEAR(c, want, c_count, 1e-5);
    kernels->gemm(c, ldc, a, lda, b, ldb, transposed, m, n, k, 0.3F, false);
    gemm(&plain, want, ldc, a, lda, b, ldb, transposed, m, n, k, 0.3F, false);
    CHECK_NEAR(c, want, c_count, 1e-5);
    CHECK(guarded_free(a) && guarded_free(b) && guarded_free(c));
    free(want);
}

static void products_match_naive_sums(void)
{
    static const char *const sets[] = { "reference", "baseline", "avx2", "avx512" };
    static const int         shapes[][3] = { { 1, 1, 1 },      { 1, 7, 300 },  { 13, 1, 5 },
                                             { 12, 32, 256 },  { 31, 37, 41 }, { 25, 300, 3 },
                                             { 77, 131, 600 }, { 6, 16, 257 } };
    for (size_t set = 0; set < sizeof sets / sizeof *sets; set++) {
        const Kernels *kernels = kernels_by_name(sets[set]);
        for (size_t i = 0; kernels && i < sizeof shapes / sizeof *shapes; i++)
            for (int which = 0; which < 4; which++)
                check(kernels, shapes[i][0], shapes[i][1], shapes[i][2], which & 1, which & 2);
    }
}

/* With 0 times c a NaN that lay there would stay. */
static void what_was_there_is_not_read_unless_added_to(void)
{
    float a[6], b[6], c[4] = { __builtin_nanf(""), __builtin_nanf(""), __builtin_inff(), 1 };
    fill_random(a, 6, 1);
    fill_random(b, 6, 2);
    Cpu cpu;
    cpu_init(&cpu, NULL, NULL, &(EngineError){ 0 });
    blas_prepare(&cpu.blas);
    gemm(&cpu, c, 2, a, 3, b, 2, false, 2, 2, 3, 1, false);
    for (int i = 0; i < 4; i++)
        CHECK(c[i] > -4 && c[i] < 4);
    kernels_best()->gemm(c, 2, a, 3, b, 2, false, 2, 2, 3, 1, false);
    for (int i = 0; i < 4; i++)
        CHECK(c[i] > -4 && c[i] < 4);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(products_match_naive_sums);
    RUN(what_was_there_is_not_read_unless_added_to);
    return test_end();
}
