/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every kernel computes, said as plainly as possible. */
#include "kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Sign, exponent and mantissa of a small float type as a number. */
static double small_float(unsigned bits, int exponent_bits, int mantissa_bits)
{
    int      bias = (1 << (exponent_bits - 1)) - 1;
    int      exponent = (int)(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
    unsigned mantissa = bits & ((1U << mantissa_bits) - 1);
    double   value = exponent == 0
                         ? ldexp(mantissa, 1 - bias - mantissa_bits)
                         : ldexp(mantissa + (1U << mantissa_bits), exponent - bias - mantissa_bits);
    return bits >> (exponent_bits + mantissa_bits) ? -value : value;
}

/* IEEE: an exponent of ones is infinite, or not a number. */
static float ieee(unsigned bits, int exponent_bits, int mantissa_bits)
{
    unsigned ones = (1U << exponent_bits) - 1;
    if (((bits >> mantissa_bits) & ones) == ones) {
        if (bits & ((1U << mantissa_bits) - 1))
            return NAN;
        return bits >> (exponent_bits + mantissa_bits) ? -INFINITY : INFINITY;
    }
    return (float)small_float(bits, exponent_bits, mantissa_bits);
}

static void from_f16(float *y, const void *x, size_t count)
{
    const unsigned char *in = x;
    for (size_t i = 0; i < count; i++)
        y[i] = ieee(in[2 * i] | (unsigned)in[2 * i + 1] << 8, 5, 10);
}

static void from_bf16(float *y, const void *x, size_t count)
{
    const unsigned char *in = x;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)in[2 * i] << 16 | (uint32_t)in[2 * i + 1] << 24;
        memcpy(&y[i], &bits, sizeof bits);
    }
}

/* E4M3 has no infinity: only S.1111.111 is not a number. */
static void from_f8_e4m3(float *y, const void *x, size_t count)
{
    const unsigned char *in = x;
    for (size_t i = 0; i < count; i++)
        y[i] = (in[i] & 0x7f) == 0x7f ? NAN : (float)small_float(in[i], 4, 3);
}

static void from_f8_e5m2(float *y, const void *x, size_t count)
{
    const unsigned char *in = x;
    for (size_t i = 0; i < count; i++)
        y[i] = ieee(in[i], 5, 2);
}

/* By erfc, because 1 + erf cancels on the left. */
static double gelu(double x)
{
    return 0.5 * x * erfc(-x * sqrt(0.5));
}

static double activation_of(double x, Activation activation)
{
    switch (activation) {
    case ACTIVATION_SILU:
        return x / (1 + exp(-x));
    case ACTIVATION_GELU:
        return gelu(x);
    case ACTIVATION_QUICK_GELU:
        return x / (1 + exp(-1.702 * x));
    case ACTIVATION_RELU:
        return x < 0 ? 0 : x;
    case ACTIVATION_TANH:
        return tanh(x);
    case ACTIVATION_NONE:
        break;
    }
    return x;
}

static void activate(float *y, const float *x, size_t count, float scale, float shift,
                     Activation activation)
{
    for (size_t i = 0; i < count; i++)
        y[i] = (float)activation_of((double)x[i] * scale + shift, activation);
}

static void geglu(float *y, const float *x, int d)
{
    for (int i = 0; i < d; i++)
        y[i] = (float)(x[i] * gelu(x[d + i]));
}

static void add(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] += x[i];
}

static void moments(double *mean, double *squares, const float *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i];
    *mean = count ? sum / (double)count : 0;
    *squares = 0;
    for (size_t i = 0; i < count; i++)
        *squares += (x[i] - *mean) * (x[i] - *mean);
}

static void layer_norm(float *y, const float *x, const float *gain, const float *bias, int d,
                       float eps)
{
    double mean, squares;
    moments(&mean, &squares, x, (size_t)d);
    double factor = 1 / sqrt(squares / d + eps);
    for (int i = 0; i < d; i++)
        y[i] = (float)((x[i] - mean) * factor * gain[i] + bias[i]);
}

/* A number that no quick set has (8, 16, 32): who does not ask for it is found by the tests. */
enum { LANES = 4 };

static void attend(float *y, float *max, float *sum, float *weights, const float *q, const float *k,
                   const float *v, int stride, int keys, int width, int seen)
{
    for (int lane = 0; lane < LANES; lane++) {
        double largest = max[lane], total = 0;
        for (int i = 0; i < keys; i++) {
            double score = 0;
            for (int j = 0; j < width; j++)
                score += (double)q[j * LANES + lane] * k[(size_t)i * (size_t)stride + (size_t)j];
            weights[i * LANES + lane] = i < seen + lane ? (float)score : -INFINITY;
            largest = fmax(largest, weights[i * LANES + lane]);
        }
        double factor = exp(max[lane] - largest);
        for (int i = 0; i < keys; i++) {
            weights[i * LANES + lane] = (float)exp(weights[i * LANES + lane] - largest);
            total += weights[i * LANES + lane];
        }
        for (int j = 0; j < width; j++) {
            double value = y[j * LANES + lane] * factor;
            for (int i = 0; i < keys; i++)
                value +=
                    (double)weights[i * LANES + lane] * v[(size_t)i * (size_t)stride + (size_t)j];
            y[j * LANES + lane] = (float)value;
        }
        max[lane] = (float)largest;
        sum[lane] = (float)(sum[lane] * factor + total);
    }
}

static void put(float *y, const float *x, size_t count, float more, bool accumulate)
{
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] + more + (accumulate ? y[i] : 0);
}

static void unfold(float *y, size_t pixels, const float *x, int width, int rows, int columns, int k,
                   int stride)
{
    for (int which = 0; which < k * k; which++)
        for (int i = 0; i < rows * columns; i++)
            y[(size_t)which * pixels + (size_t)i] =
                x[(i / columns * stride + which / k) * width + i % columns * stride + which % k];
}

static void gemm(float *c, int ldc, const float *a, int lda, const float *b, int ldb,
                 bool b_transposed, int m, int n, int k, float alpha, bool accumulate)
{
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            const float *from = b_transposed ? b + (size_t)j * (size_t)ldb : b + j;
            size_t       step = b_transposed ? 1 : (size_t)ldb;
            float       *to = c + (size_t)i * (size_t)ldc + j;
            double       sum = 0;
            for (int p = 0; p < k; p++)
                sum += (double)a[(size_t)i * (size_t)lda + (size_t)p] * from[(size_t)p * step];
            *to = (float)(alpha * sum + (accumulate ? *to : 0));
        }
    }
}

static void gemm_narrow(float *c, int ldc, const float *a, int lda, const float *b, int ldb, int m,
                        int n, int k, bool accumulate)
{
    gemm(c, ldc, a, lda, b, ldb, false, m, n, k, 1, accumulate);
}

/* y [side, side] = t x t', where t is [side, n] and x is [n, n]. */
static void transform(double *y, const double *t, const double *x, int side, int n)
{
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++) {
            y[i * side + j] = 0;
            for (int a = 0; a < n; a++)
                for (int b = 0; b < n; b++)
                    y[i * side + j] += t[i * n + a] * x[a * n + b] * t[j * n + b];
        }
}

static void winograd_weights(float *u, size_t plane, const float *w, int channels)
{
    static const double g[4 * 3] = { 1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0, 0, 1 };
    for (int c = 0; c < channels; c++) {
        double x[9], y[16];
        for (int i = 0; i < 9; i++)
            x[i] = w[c * 9 + i];
        transform(y, g, x, 4, 3);
        for (int i = 0; i < 16; i++)
            u[(size_t)i * plane + (size_t)c] = (float)y[i];
    }
}

static void winograd_input(float *v, size_t plane, size_t group, const float *x, int width,
                           int rows, int columns)
{
    static const double b[4 * 4] = { 1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, 1, 0, -1 };
    int                 tiles = rows * columns;
    for (int tile = 0; tile < (tiles + LANES - 1) / LANES * LANES; tile++) {
        double in[16], out[16];
        for (int i = 0; i < 16; i++)
            in[i] = tile < tiles
                        ? x[(tile / columns * 2 + i / 4) * width + tile % columns * 2 + i % 4]
                        : 0;
        transform(out, b, in, 4, 4);
        for (int i = 0; i < 16; i++)
            v[(size_t)i * plane + (size_t)(tile / LANES) * group + (size_t)(tile % LANES)] =
                (float)out[i];
    }
}

static void winograd_output(float *y, const float *m, size_t plane, size_t group, int rows,
                            int columns)
{
    static const double a[2 * 4] = { 1, 1, 1, 0, 0, 1, -1, -1 };
    for (int tile = 0; tile < rows * columns; tile++) {
        double in[16], out[4];
        for (int i = 0; i < 16; i++)
            in[i] = m[(size_t)i * plane + (size_t)(tile / LANES) * group + (size_t)(tile % LANES)];
        transform(out, a, in, 2, 4);
        for (int i = 0; i < 4; i++)
            y[(tile / columns * 2 + i / 2) * 2 * columns + tile % columns * 2 + i % 2] =
                (float)out[i];
    }
}

static void multiply(float *c, const float *a, size_t stride, const float *b, int rows, int depth,
                     bool accumulate)
{
    gemm(c, LANES, a, (int)stride, b, LANES, false, rows, LANES, depth, 1, accumulate);
}

extern const Kernels kernels_reference;
const Kernels        kernels_reference = {
           .name = "reference",
           .from_f16 = from_f16,
           .from_bf16 = from_bf16,
           .from_f8_e4m3 = from_f8_e4m3,
           .from_f8_e5m2 = from_f8_e5m2,
           .activate = activate,
           .geglu = geglu,
           .add = add,
           .moments = moments,
           .layer_norm = layer_norm,
           .attend = attend,
           .lanes = LANES,
           .put = put,
           .unfold = unfold,
           .winograd_weights = winograd_weights,
           .winograd_input = winograd_input,
           .winograd_output = winograd_output,
           .multiply = multiply,
           .gemm_narrow = gemm_narrow,
           .gemm = gemm,
};
