/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernels as loops that compilers turn into vector code; compiled once per instruction set with
 * -DKERNELS=kernels_<set> and -DKERNELS_NAME="<set>".  No intrinsics but one: half to float.
 *
 * Sums go into LANES partial sums, so that they are wide without -ffast-math.  Where y may be x,
 * the loop is marked `omp simd`: else the compiler checks, and goes one by one when it is. */
#include "kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __F16C__
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16 };

INLINE float as_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

INLINE uint32_t as_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Half to float in whole numbers, because a thread may flush denormals to zero. */
INLINE float half_to_float(uint32_t half)
{
    uint32_t sign = (half & 0x8000) << 16, size = (half & 0x7fff) << 13;
    /* Biases differ by 127 - 15 = 112; a half's exponent of ones becomes a float's by twice that. A
     * small half m * 2^-24 is the mantissa of 2^-14 (1 + m / 1024), less that 2^-14: normal floats
     * all along. */
    uint32_t normal = size + (112U << 23);
    uint32_t special = size + (224U << 23);
    uint32_t small = as_bits(as_float(size | (113U << 23)) - as_float(113U << 23));
    uint32_t bits = size >= (31U << 23) ? special : size >= (1U << 23) ? normal : small;
    return as_float(bits | sign);
}

static void from_f16(float *restrict y, const void *restrict x, size_t count)
{
    const unsigned char *restrict in = x;
    size_t i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= count; i += 16)
        _mm512_storeu_ps(y + i, _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(in + 2 * i))));
#elif defined(__F16C__)
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const void *)(in + 2 * i))));
#endif
    for (; i < count; i++) {
        uint16_t half;
        memcpy(&half, in + 2 * i, sizeof half);
        y[i] = half_to_float(half);
    }
}

/* The upper half of a float. */
static void from_bf16(float *restrict y, const void *restrict x, size_t count)
{
    const unsigned char *restrict in = x;
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, in + 2 * i, sizeof half);
        uint32_t bits = (uint32_t)half << 16;
        memcpy(y + i, &bits, sizeof bits);
    }
}

static void from_f8_e4m3(float *restrict y, const void *restrict x, size_t count)
{
    const unsigned char *restrict in = x;
    for (size_t i = 0; i < count; i++) {
        uint32_t byte = in[i], size = byte & 0x7f;
        /* Biases differ by 127 - 7 = 120. Below an exponent of 1 the byte counts 2^-9, the smallest
         * step. There is no infinity, and one pattern that is not a number. */
        uint32_t normal = (size << 20) + (120U << 23);
        uint32_t small = as_bits((float)(int32_t)size * 0x1p-9f);
        uint32_t bits = size == 0x7f ? 0x7fc00000U : size >= 8 ? normal : small;
        y[i] = as_float(bits | (byte & 0x80) << 24);
    }
}

/* The upper half of an IEEE half. */
static void from_f8_e5m2(float *restrict y, const void *restrict x, size_t count)
{
    const unsigned char *restrict in = x;
    for (size_t i = 0; i < count; i++)
        y[i] = half_to_float((uint32_t)in[i] << 8);
}

/* e^x within 2 units in the last place; below e^-86.6 it is 0, above e^88.7 infinite.
 * x = n ln 2 + r; ln 2 in two parts, the first with 9 trailing zeros: n times it is exact. */
INLINE float exp_of(float x)
{
    float inside = x < -86.6f ? -86.6f : x;
    inside = inside > 88.7f ? 88.7f : inside;
    float shifted = inside * 1.44269504f + 12582912.0f; /* 1.5 * 2^23: rounds to a whole */
    float n = shifted - 12582912.0f;
    float r = inside - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    /* Taylor's series to r^7 at |r| <= 0.3466: what is left out is below 6e-9. */
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * (r * r) + r + 1;
    /* Two factors, because 2^128 is not a float while 2^127 * 2 is. */
    uint32_t whole = as_bits(shifted) - 0x4b400000U;
    float    e = p * as_float((whole - 1 + 127) << 23) * 2.0f;
    e = x < -86.6f ? 0.0f : e;
    return x > 88.7f ? (float)INFINITY : e;
}

INLINE float sigmoid(float x)
{
    return 1 / (1 + exp_of(-x));
}

/* 0.5 (1 + erf(x / sqrt 2)): Abramowitz and Stegun 7.1.26, within 1.5e-7; the tail on the left is
 * formed directly, so nothing cancels. */
INLINE float normal_cdf(float x)
{
    float z = fabsf(x) * 0.707106781f;
    float t = 1 / (1 + 0.3275911f * z);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    float tail = 0.5f * p * t * exp_of(-z * z);
    return x < 0 ? tail : 1 - tail;
}

INLINE float tanh_of(float x)
{
    float a = fabsf(x), square = x * x;
    float large = 1 - 2 / (1 + exp_of(2 * a));
    /* Near 0 the line above cancels; Taylor's series does not. */
    float small = a * (1 + square * (-1.0f / 3 + square * (2.0f / 15 - square * (17.0f / 315))));
    return copysignf(a < 0.1f ? small : large, x);
}

/* The choice is outside of the loops: within, it would keep them from going wide. */
static void activate(float *y, const float *x, size_t count, float scale, float shift,
                     Activation activation)
{
    switch (activation) {
    case ACTIVATION_NONE:
#pragma omp simd
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] * scale + shift;
        break;
    case ACTIVATION_SILU:
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            float value = x[i] * scale + shift;
            y[i] = value * sigmoid(value);
        }
        break;
    case ACTIVATION_GELU:
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            float value = x[i] * scale + shift;
            y[i] = value * normal_cdf(value);
        }
        break;
    case ACTIVATION_QUICK_GELU:
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            float value = x[i] * scale + shift;
            y[i] = value * sigmoid(1.702f * value);
        }
        break;
    case ACTIVATION_RELU:
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            float value = x[i] * scale + shift;
            y[i] = value < 0 ? 0 : value;
        }
        break;
    case ACTIVATION_TANH:
#pragma omp simd
        for (size_t i = 0; i < count; i++)
            y[i] = tanh_of(x[i] * scale + shift);
        break;
    }
}

static void geglu(float *restrict y, const float *restrict x, int d)
{
    const float *restrict gate = x + d;
    for (int i = 0; i < d; i++)
        y[i] = x[i] * (gate[i] * normal_cdf(gate[i]));
}

static void add(float *restrict y, const float *restrict x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] += x[i];
}

/* Adds up LANES partial sums in double: the upper half is folded onto the lower one, and so on. */
INLINE double sum_lanes(const float *lanes)
{
    double sums[LANES];
    for (int i = 0; i < LANES; i++)
        sums[i] = lanes[i];
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            sums[i] += sums[i + width];
    return sums[0];
}

/* Of x - pivot: near the mean, so that little is lost in adding. */
INLINE double sum_of(const float *x, float pivot, size_t count)
{
    float  lanes[LANES] = { 0 };
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            lanes[j] += x[i + (size_t)j] - pivot;
    double rest = 0;
    for (; i < count; i++)
        rest += (double)(x[i] - pivot);
    return sum_lanes(lanes) + rest;
}

/* About a mean that is known, so the sum has no cancellation. */
INLINE double squares_of(const float *x, float mean, size_t count)
{
    float  lanes[LANES] = { 0 };
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float difference = x[i + (size_t)j] - mean;
            lanes[j] += difference * difference;
        }
    double rest = 0;
    for (; i < count; i++)
        rest += (double)(x[i] - mean) * (x[i] - mean);
    return sum_lanes(lanes) + rest;
}

static void moments(double *mean, double *squares, const float *x, size_t count)
{
    enum { PIECE = 1024 }; /* stays in the first cache; 64 additions a lane */
    double all = 0, center = 0, spread = 0;
    for (size_t at = 0; at < count; at += PIECE) {
        size_t n = count - at < PIECE ? count - at : PIECE;
        double piece = (double)x[at] + sum_of(x + at, x[at], n) / (double)n;
        /* The squares are about the mean as a float, so its rounding is put right after. */
        double rounding = piece - (float)piece;
        double around = squares_of(x + at, (float)piece, n) - (double)n * rounding * rounding;
        double step = piece - center, total = all + (double)n;
        spread += around + step * step * all * (double)n / total;
        center += step * (double)n / total;
        all = total;
    }
    *mean = center;
    /* Where all numbers are the same, putting the rounding right may leave a little less than 0,
     * which no sum of squares is. NaN is kept, for all_finite() to find. */
    *squares = spread > 0 || isnan(spread) ? spread : 0;
}

static void layer_norm(float *y, const float *x, const float *gain, const float *bias, int d,
                       float eps)
{
    double mean, squares;
    moments(&mean, &squares, x, (size_t)d);
    /* The mean in two floats: with one, a row far from 0 would keep the rounding of its mean, and
     * that times the factor. */
    float center = (float)mean, rest = (float)(mean - (double)center);
    float factor = (float)(1 / sqrt(squares / d + (double)eps));
#pragma omp simd
    for (int i = 0; i < d; i++)
        y[i] = (x[i] - center - rest) * factor * gain[i] + bias[i];
}

static void put(float *restrict y, const float *restrict x, size_t count, float more,
                bool accumulate)
{
    if (accumulate)
        for (size_t i = 0; i < count; i++)
            y[i] += x[i] + more;
    else
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] + more;
}

/* y has one plane for each weight of the kernel, all of one channel. */
static void unfold(float *restrict y, size_t pixels, const float *restrict x, int width, int rows,
                   int columns, int k, int stride)
{
    for (int i = 0; i < k; i++)
        for (int j = 0; j < k; j++, y += pixels) {
            const float *from = x + i * width + j;
            float       *to = y;
            if (stride == 1)
                for (int row = 0; row < rows; row++, from += width, to += columns)
                    for (int at = 0; at < columns; at++)
                        to[at] = from[at];
            else
                for (int row = 0; row < rows; row++, from += width * stride, to += columns)
                    for (int at = 0; at < columns; at++)
                        to[at] = from[at * stride];
        }
}

/* The product, in the manner of Goto and van de Geijn 2008 (doi:10.1145/1356052.1356053): panels of
 * a and b are copied in the order they are used in, and a block of c is kept in registers. */
#if defined(__AVX512F__)
/* Sums take 24 of AVX-512's 32 registers, 12 of AVX2's 16 and 8 of 16 below; the rest is for a and
 * b. */
enum { WIDE = 16, ROWS = 12, COLUMNS = 32 };
#elif defined(__AVX2__)
enum { WIDE = 8, ROWS = 6, COLUMNS = 16 };
#else
enum { WIDE = 4, ROWS = 4, COLUMNS = 8 };
#endif
enum { DEPTH = 256, PANEL = 256 }; /* what is copied of b: 256 KB on the stack */

typedef float Wide __attribute__((vector_size(WIDE * sizeof(float))));
typedef Wide  WideInMemory __attribute__((aligned(4), may_alias));

/* sums [ROWS, COLUMNS] = a [depth, ROWS] transposed, times b [depth, COLUMNS]. */
INLINE void product_block(float *restrict sums, const float *restrict a, const float *restrict b,
                          int depth)
{
    Wide c[ROWS][COLUMNS / WIDE] = { 0 };
    for (int p = 0; p < depth; p++, a += ROWS, b += COLUMNS) {
        const WideInMemory *right = (const WideInMemory *)b;
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 16
            for (int j = 0; j < COLUMNS / WIDE; j++)
                c[i][j] += a[i] * right[j];
    }
    memcpy(sums, c, sizeof c);
}

/* packed [ceil(lines / width)][depth][width]: `width` lines of `from` side by side, the last ones
 * filled up with zeros.  Element p of a line lies p * step after its first; lines: `next` apart. */
INLINE void pack(float *restrict packed, const float *restrict from, size_t next, size_t step,
                 int lines, int depth, int width)
{
    for (int first = 0; first < lines; first += width, from += (size_t)width * next) {
        int live = lines - first < width ? lines - first : width;
        for (int p = 0; p < depth; p++, packed += width) {
            const float *column = from + (size_t)p * step;
            if (live == width)
                for (int i = 0; i < width; i++)
                    packed[i] = column[(size_t)i * next];
            else
                for (int i = 0; i < width; i++)
                    packed[i] = i < live ? column[(size_t)i * next] : 0;
        }
    }
}

/* c [rows, columns] += or = alpha times a block of sums. */
INLINE void put_block(float *c, size_t ldc, const float *sums, int rows, int columns, float alpha,
                      bool accumulate)
{
    for (int i = 0; i < rows; i++, c += ldc, sums += COLUMNS)
        for (int j = 0; j < columns; j++)
            c[j] = alpha * sums[j] + (accumulate ? c[j] : 0);
}

/* One panel of b [depth, 256] serves all rows of a, twelve, six or four at a time. Depths are added
 * from the left; each block of sums begins at 0, so what is rounded does not depend on m and n. */
static void gemm(float *c, int ldc, const float *a, int lda, const float *b, int ldb,
                 bool b_transposed, int m, int n, int k, float alpha, bool accumulate)
{
    float left[ROWS * DEPTH], right[PANEL * DEPTH];
    float sums[ROWS * COLUMNS];
    for (int p = 0; p < k; p += DEPTH) {
        int depth = k - p < DEPTH ? k - p : DEPTH;
        for (int j = 0; j < n; j += PANEL) {
            int columns = n - j < PANEL ? n - j : PANEL;
            if (b_transposed)
                pack(right, b + (size_t)j * (size_t)ldb + p, (size_t)ldb, 1, columns, depth,
                     COLUMNS);
            else
                pack(right, b + (size_t)p * (size_t)ldb + j, 1, (size_t)ldb, columns, depth,
                     COLUMNS);
            for (int i = 0; i < m; i += ROWS) {
                int rows = m - i < ROWS ? m - i : ROWS;
                pack(left, a + (size_t)i * (size_t)lda + p, (size_t)lda, 1, rows, depth, ROWS);
                for (int at = 0; at < columns; at += COLUMNS) {
                    product_block(sums, left, right + (size_t)at * (size_t)depth, depth);
                    put_block(c + (size_t)i * (size_t)ldc + j + at, (size_t)ldc, sums, rows,
                              columns - at < COLUMNS ? columns - at : COLUMNS, alpha,
                              accumulate || p > 0);
                }
            }
        }
    }
}

/* c [rows, COLUMNS] = c * factor + a b, where a's element (i, p) lies at i * row_step + p *
 * depth_step and b is [depth, COLUMNS].  `rows` is a constant where this is called. */
INLINE void strip(float *restrict c, const float *factor, const float *restrict a, size_t row_step,
                  size_t depth_step, const float *restrict b, int depth, int rows)
{
    /* Sums of 8 rows take 16 of 32 registers, of 4 rows 8 of 16. */
    enum { MOST = 8, ACROSS = COLUMNS / WIDE };
    Wide                sums[MOST][ACROSS] = { 0 };
    WideInMemory       *to = (WideInMemory *)c;
    const WideInMemory *by = (const WideInMemory *)factor;
    for (int p = 0; p < depth; p++, a += depth_step, b += COLUMNS) {
        const WideInMemory *right = (const WideInMemory *)b;
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
            for (int j = 0; j < ACROSS; j++)
                sums[i][j] += a[(size_t)i * row_step] * right[j];
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int j = 0; j < ACROSS; j++)
            /* Without a factor c is not read: it may hold anything. */
            if (factor)
                to[i * ACROSS + j] = to[i * ACROSS + j] * by[j] + sums[i][j];
            else
                to[i * ACROSS + j] = sums[i][j];
}

/* Eights, fours and single rows, so that `rows` is a constant within each and the sums are
 * registers. */
INLINE void strips(float *restrict c, const float *factor, const float *restrict a, size_t row_step,
                   size_t depth_step, const float *restrict b, int depth, int rows)
{
    int i = 0;
    for (; WIDE == 16 && i + 8 <= rows; i += 8)
        strip(c + (size_t)i * COLUMNS, factor, a + (size_t)i * row_step, row_step, depth_step, b,
              depth, 8);
    for (; i + 4 <= rows; i += 4)
        strip(c + (size_t)i * COLUMNS, factor, a + (size_t)i * row_step, row_step, depth_step, b,
              depth, 4);
    for (; i < rows; i++)
        strip(c + (size_t)i * COLUMNS, factor, a + (size_t)i * row_step, row_step, depth_step, b,
              depth, 1);
}

/* Scores, then weights against the largest so far, then sums of values: each loop goes over lanes
 * that lie side by side. A lane that sees nothing would have -INFINITY less itself, which is no
 * number; kernels.h rules that out. */
static void attend(float *y, float *max, float *sum, float *weights, const float *q, const float *k,
                   const float *v, int stride, int keys, int width, int seen)
{
    float factor[COLUMNS], largest[COLUMNS], total[COLUMNS] = { 0 };
    strips(weights, NULL, k, (size_t)stride, 1, q, width, keys);
    for (int i = seen < 0 ? 0 : seen; i < keys; i++)
        for (int lane = 0; lane < COLUMNS && lane <= i - seen; lane++)
            weights[i * COLUMNS + lane] = -INFINITY;
    memcpy(largest, max, sizeof largest);
    for (int i = 0; i < keys; i++)
        for (int lane = 0; lane < COLUMNS; lane++) {
            float score = weights[i * COLUMNS + lane];
            largest[lane] = score > largest[lane] ? score : largest[lane];
        }
    for (int i = 0; i < keys; i++)
        for (int lane = 0; lane < COLUMNS; lane++) {
            float weight = exp_of(weights[i * COLUMNS + lane] - largest[lane]);
            weights[i * COLUMNS + lane] = weight;
            total[lane] += weight;
        }
    for (int lane = 0; lane < COLUMNS; lane++) {
        factor[lane] = exp_of(max[lane] - largest[lane]);
        sum[lane] = sum[lane] * factor[lane] + total[lane];
        max[lane] = largest[lane];
    }
    /* v is walked across: its rows are the keys, over which is summed. */
    strips(y, factor, v, 1, (size_t)stride, weights, keys, width);
}

/* Times 1 is exact, so the strips need no third form. */
static void multiply(float *c, const float *a, size_t stride, const float *b, int rows, int depth,
                     bool accumulate)
{
    static const float ones[COLUMNS] = { [0 ... COLUMNS - 1] = 1 };
    if (accumulate)
        strips(c, ones, a, stride, 1, b, depth, rows);
    else
        strips(c, NULL, a, stride, 1, b, depth, rows);
}

/* G w G', G = [1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1]: down the columns into h, then along the
 * rows. 64 channels side by side, or the loops would be 3 and 4 long and not go wide. */
static void winograd_weights(float *restrict u, size_t plane, const float *restrict w, int channels)
{
    enum { SOME = 64 };
    for (int first = 0; first < channels; first += SOME, w += 9 * SOME, u += SOME) {
        int   n = channels - first < SOME ? channels - first : SOME;
        float g[9][SOME] = { 0 }, h[4][3][SOME];
        for (int c = 0; c < n; c++)
            for (int i = 0; i < 9; i++)
                g[i][c] = w[c * 9 + i];
        for (int j = 0; j < 3; j++)
            for (int c = 0; c < SOME; c++) {
                float ends = 0.5f * (g[j][c] + g[6 + j][c]), middle = 0.5f * g[3 + j][c];
                h[0][j][c] = g[j][c];
                h[1][j][c] = ends + middle;
                h[2][j][c] = ends - middle;
                h[3][j][c] = g[6 + j][c];
            }
        for (int i = 0; i < 4; i++)
            for (int c = 0; c < n; c++) {
                float *to = u + (size_t)(4 * i) * plane + c;
                float  ends = 0.5f * (h[i][0][c] + h[i][2][c]), middle = 0.5f * h[i][1][c];
                to[0] = h[i][0][c];
                to[plane] = ends + middle;
                to[2 * plane] = ends - middle;
                to[3 * plane] = h[i][2][c];
            }
    }
}

/* B' x B, B' = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1]: only sums, no products. */
static void winograd_input(float *restrict v, size_t plane, size_t group, const float *restrict x,
                           int width, int rows, int columns)
{
    /* Rows of the picture, transformed along themselves: the lower two serve the next tiles too. */
    float h[4][4][WINOGRAD_TILES], all[16][WINOGRAD_TILES];
    int   tiles = rows * columns;
    for (int row = 0; row < 2 * rows + 2; row++, x += width) {
        float(*to)[WINOGRAD_TILES] = h[row & 3];
        for (int c = 0; c < columns; c++) {
            float a = x[2 * c], b = x[2 * c + 1], d = x[2 * c + 2], e = x[2 * c + 3];
            to[0][c] = a - d;
            to[1][c] = b + d;
            to[2][c] = d - b;
            to[3][c] = b - e;
        }
        /* Rows 0 to 3 are the first tiles', 2 to 5 the next ones': each odd row from 3 on ends
         * some. */
        if (row < 3 || row % 2 == 0)
            continue;
        for (int j = 0; j < 4; j++) {
            const float *a = h[(row - 3) & 3][j], *b = h[(row - 2) & 3][j];
            const float *d = h[(row - 1) & 3][j], *e = h[row & 3][j];
            int          at = (row - 3) / 2 * columns;
            for (int c = 0; c < columns; c++) {
                all[j][at + c] = a[c] - d[c];
                all[4 + j][at + c] = b[c] + d[c];
                all[8 + j][at + c] = d[c] - b[c];
                all[12 + j][at + c] = b[c] - e[c];
            }
        }
    }
    for (int i = 0; i < 16; i++) {
        for (int c = tiles; c < (tiles + COLUMNS - 1) / COLUMNS * COLUMNS; c++)
            all[i][c] = 0;
        for (int c = 0; c < tiles; c += COLUMNS)
            memcpy(v + (size_t)i * plane + (size_t)(c / COLUMNS) * group, all[i] + c,
                   COLUMNS * sizeof(float));
    }
}

/* A' m A, A' = [1 1 1 0; 0 1 -1 -1]: first down the columns of all tiles, then along the rows. */
static void winograd_output(float *restrict y, const float *restrict m, size_t plane, size_t group,
                            int rows, int columns)
{
    float q[2][4][WINOGRAD_TILES];
    int   tiles = rows * columns;
    for (int j = 0; j < 4; j++)
        for (int first = 0; first < tiles; first += COLUMNS) {
            const float *a = m + (size_t)j * plane + (size_t)(first / COLUMNS) * group;
            const float *b = a + 4 * plane, *d = b + 4 * plane, *e = d + 4 * plane;
            for (int c = 0; c < COLUMNS; c++) {
                q[0][j][first + c] = a[c] + b[c] + d[c];
                q[1][j][first + c] = b[c] - d[c] - e[c];
            }
        }
    for (int row = 0; row < 2 * rows; row++, y += 2 * columns) {
        float(*from)[WINOGRAD_TILES] = q[row & 1];
        const float *a = from[0] + row / 2 * columns, *b = from[1] + row / 2 * columns;
        const float *d = from[2] + row / 2 * columns, *e = from[3] + row / 2 * columns;
        for (int c = 0; c < columns; c++) {
            y[2 * c] = a[c] + b[c] + d[c];
            y[2 * c + 1] = b[c] - d[c] - e[c];
        }
    }
}

static void gemm_narrow(float *c, int ldc, const float *a, int lda, const float *b, int ldb, int m,
                        int n, int k, bool accumulate)
{
    /* Sums of 64 columns at once, each in the order of p. */
    enum { WIDTH = 64 };
    for (int j = 0; j < n; j += WIDTH) {
        int width = n - j < WIDTH ? n - j : WIDTH;
        for (int i = 0; i < m; i++) {
            double       sums[WIDTH] = { 0 };
            const float *left = a + (size_t)i * (size_t)lda;
            float       *to = c + (size_t)i * (size_t)ldc + j;
            for (int p = 0; p < k; p++) {
                const float *right = b + (size_t)p * (size_t)ldb + j;
                double       factor = left[p];
                if (width == WIDTH)
                    for (int x = 0; x < WIDTH; x++)
                        sums[x] += factor * right[x];
                else
                    for (int x = 0; x < width; x++)
                        sums[x] += factor * right[x];
            }
            for (int x = 0; x < width; x++)
                to[x] = (float)(sums[x] + (accumulate ? to[x] : 0));
        }
    }
}

extern const Kernels KERNELS;
const Kernels        KERNELS = {
           .name = KERNELS_NAME,
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
           .lanes = COLUMNS,
           .put = put,
           .unfold = unfold,
           .winograd_weights = winograd_weights,
           .winograd_input = winograd_input,
           .winograd_output = winograd_output,
           .multiply = multiply,
           .gemm_narrow = gemm_narrow,
           .gemm = gemm,
};
