/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inner loops, one table per instruction set, and the choice among them at run time.
 *
 * The set "reference" defines what each loop computes, in double where it matters, and is never
 * made faster; "baseline" runs on every machine; "avx2" and "avx512" are the same source compiled
 * for those processors.  Every set agrees with the reference within 1e-5 * max(1, |value|), the
 * conversions exactly.  All loops run on the calling thread and may be given unaligned memory. */
#pragma once

#include "../device.h"

#include <stdbool.h>
#include <stddef.h>

enum { WINOGRAD_TILES = 128 /* most that winograd_input() and -output() are given */ };

typedef struct Kernels {
    const char *name; /* "reference", "baseline", "avx2", "avx512" */

    /* y = x as float, exactly; x is little-endian and may be unaligned.
     *   y [count]   x [count] elements of 2, 2, 1, 1 bytes
     * F8: Micikevicius et al. 2022, arXiv:2209.05433. */
    void (*from_f16)(float *y, const void *x, size_t count);
    void (*from_bf16)(float *y, const void *x, size_t count);
    void (*from_f8_e4m3)(float *y, const void *x, size_t count);
    void (*from_f8_e5m2)(float *y, const void *x, size_t count);

    /* y = activation(x * scale + shift); y may be x. */
    void (*activate)(float *y, const float *x, size_t count, float scale, float shift,
                     Activation activation);

    /* y = x[:d] * gelu(x[d:]), one token: y [d], x [2d]; no overlap. */
    void (*geglu)(float *y, const float *x, int d);

    /* y += x: [count]. */
    void (*add)(float *y, const float *x, size_t count);

    /* Mean of x, and sum of squared differences to that mean, without cancellation: the mean of a
     * short piece is known before its squares are summed (Chan et al. 1983, equation 2.1). */
    void (*moments)(double *mean, double *squares, const float *x, size_t count);

    /* One token to mean 0 and variance 1, then times gain plus bias: all [d]; y may be x. */
    void (*layer_norm)(float *y, const float *x, const float *gain, const float *bias, int d,
                       float eps);

    /* Some keys of a streaming softmax attention, for one head and `lanes` queries side by side.
     * Milakov and Gimelshein 2018, arXiv:1805.02867, algorithm 3.
     *   y        [width, lanes]   sums of values so far, relative to max; zeros at first
     *   max, sum [lanes]          of the scores so far, and of their weights; -INFINITY and 0 at first
     *   weights  [keys, lanes]    left holding exp(score - max)
     *   q        [width, lanes]   scores are k q, so the scale is in q
     *   k, v     [keys, width]    rows `stride` apart
     *   seen     lane i sees keys 0 … seen + i - 1; each lane must have seen a key in its first call */
    void (*attend)(float *y, float *max, float *sum, float *weights, const float *q, const float *k,
                   const float *v, int stride, int keys, int width, int seen);
    int lanes;

    /* y = x + more, plus y where `accumulate`: [count]. */
    void (*put)(float *y, const float *x, size_t count, float more, bool accumulate);

    /* The shifted copies of one channel that a convolution multiplies with its weights.
     *   y     [k * k, rows * columns]   rows `pixels` apart: x[r * stride + ky][c * stride + kx]
     *   x     [(rows - 1) * stride + k, width] */
    void (*unfold)(float *y, size_t pixels, const float *x, int width, int rows, int columns, int k,
                   int stride);

    /* 3x3 convolutions as 16 products for every 4 pixels, instead of 36: Winograd's F(2x2, 3x3).
     * Lavin and Gray 2015, arXiv:1509.09308, section 4.1.  Of each kernel, input tile of 4x4 pixels and
     * output tile of 2x2 there are 16 transformed numbers, in 16 planes `plane` elements apart.
     *   u   [16][channels]               of weights w [channels, 3, 3]
     *   v   [16][tiles, rounded up to lanes], `group` elements from one `lanes` tiles to the next,
     *                                    of x [2 rows + 2, width]: rows * columns tiles, 2 pixels apart
     *   y   [2 rows, 2 columns]          of m, which is laid out as v */
    void (*winograd_weights)(float *u, size_t plane, const float *w, int channels);
    void (*winograd_input)(float *v, size_t plane, size_t group, const float *x, int width, int rows,
                           int columns);
    void (*winograd_output)(float *y, const float *m, size_t plane, size_t group, int rows,
                            int columns);

    /* c = a b (+ c where accumulate): c [rows, lanes], a [rows, depth] rows `stride` apart,
     * b [depth, lanes]. */
    void (*multiply)(float *c, const float *a, size_t stride, const float *b, int rows, int depth,
                     bool accumulate);

    /* c = a b (+ c where accumulate), row-major, for few rows, summed in double: the networks' last
     * layers have few channels, and in the VAE's encoder what stands behind them multiplies an
     * error of the sums by some hundred.
     *   c [m, n], a [m, k], b [k, n], rows ldc, lda, ldb apart */
    void (*gemm_narrow)(float *c, int ldc, const float *a, int lda, const float *b, int ldb, int m,
                        int n, int k, bool accumulate);
    /* c = alpha a b (+ c where accumulate), row-major; the plain twin of BLAS's sgemm.
     *   c [m, n] rows ldc apart   a [m, k] lda   b [k, n] ldb, or [n, k] where b_transposed */
    void (*gemm)(float *c, int ldc, const float *a, int lda, const float *b, int ldb,
                 bool b_transposed, int m, int n, int k, float alpha, bool accumulate);
} Kernels;

/* The fastest set that this processor can run, or the one that $ENGINE_KERNELS names if it can. */
const Kernels *kernels_best(void);

/* NULL when there is no such set in this build or this processor cannot run it. */
const Kernels *kernels_by_name(const char *name);

/* Converts `count` elements of a weight starting at element `first`. */
void weight_convert(const Kernels *kernels, float *out, const Weight *weight, size_t first,
                    size_t count);
