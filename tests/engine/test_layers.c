/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math_help.h"

#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 64 << 20 };

static double activated(double x, Activation activation)
{
    switch (activation) {
    case ACTIVATION_SILU:
        return x / (1 + exp(-x));
    case ACTIVATION_GELU:
        return x * 0.5 * (1 + erf(x / sqrt(2)));
    case ACTIVATION_QUICK_GELU:
        return x / (1 + exp(-1.702 * x));
    case ACTIVATION_RELU:
        return fmax(x, 0);
    case ACTIVATION_TANH:
        return tanh(x);
    case ACTIVATION_NONE:
        break;
    }
    return x;
}

/* ---- linear ---- */

static void check_linear(int rows, int in, int out, TensorType type, int skew, bool bias,
                         bool accumulate)
{
    TestBed    bed;
    TestWeight w = test_weight(type, out, in, 1, 1, skew, 1),
               b = test_weight(type, out, 1, 1, 1, skew, 2);
    float *x = guarded((size_t)rows * (size_t)in, 3), *y = guarded((size_t)rows * (size_t)out, 4);
    float *want = malloc((size_t)rows * (size_t)out * sizeof *want);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < out; j++) {
            size_t at = (size_t)i * (size_t)out + (size_t)j;
            double sum = (accumulate ? (double)y[at] : 0) + (bias ? (double)b.values[j] : 0);
            for (int p = 0; p < in; p++)
                sum += (double)x[(size_t)i * (size_t)in + (size_t)p] *
                       (double)w.values[(size_t)j * (size_t)in + (size_t)p];
            want[at] = (float)sum;
        }
    bed_init(&bed, 2, MEMORY);
    Linear layer = { .weight = w.weight };
    if (bias)
        layer.bias = b.weight;
    linear(&bed.compute, test_rows(y, rows, out), test_rows(x, rows, in), &layer, accumulate);
    CHECK_NEAR(y, want, (size_t)rows * (size_t)out, 2e-5);
    CHECK(bed.compute.flops == 2.0 * rows * in * out);
    bed_finish(&bed);
    CHECK(guarded_free(x) && guarded_free(y));
    free(want);
    test_weight_free(&w);
    test_weight_free(&b);
}

static void linear_matches_naive_sums(void)
{
    for (int i = 0; i < 8; i++) {
        check_linear(1, 1, 1, TYPE_F32, 0, i & 1, i & 2);
        check_linear(77, 31, 17, TYPE_F16, 0, i & 1, i & 2);
        check_linear(2, 320, 1280, TYPE_F16, 0, i & 1, i & 2);
    }
    check_linear(300, 320, 320, TYPE_F32, 0, true, false);
    check_linear(61, 1300, 67, TYPE_F16, 0, true, true);
    check_linear(1025, 7, 513, TYPE_BF16, 0, true, true);
}

static void linear_takes_every_type_at_any_address(void)
{
    for (TensorType type = TYPE_F32; type <= TYPE_F64; type++)
        for (int skew = 0; skew < 4; skew++)
            check_linear(13, 1029, 67, type, skew, true, false);
}

/* ---- conv2d ---- */

typedef struct {
    int          n, in, out, h, w, k;
    ConvSettings settings;
    bool         normed, timed; /* with scale and shift; with channel_add */
    TensorType   type;
    int          skew;
} ConvCase;

static int conv_size(int size, int reached, const ConvCase *c)
{
    int full = !c->settings.upsample ? size : reached ? reached : 2 * size;
    int extra = c->k == 1 ? 0 : c->settings.pad_right_bottom_only ? 1 : 2;
    return (full + extra - c->k) / c->settings.stride + 1;
}

/* x at an upsampled, padded position, normed and activated. */
static double conv_input(const ConvCase *c, const float *x, const float *scale, const float *shift,
                         int item, int channel, int row, int column)
{
    int full_h = !c->settings.upsample ? c->h : c->settings.out_h ? c->settings.out_h : 2 * c->h;
    int full_w = !c->settings.upsample ? c->w : c->settings.out_w ? c->settings.out_w : 2 * c->w;
    if (c->settings.wrap_y)
        row = (row % full_h + full_h) % full_h;
    if (c->settings.wrap_x)
        column = (column % full_w + full_w) % full_w;
    if (row < 0 || column < 0 || row >= full_h || column >= full_w)
        return 0;
    row = row * c->h / full_h;
    column = column * c->w / full_w;
    int    which = item * c->in + channel;
    double value =
        (double)x[((size_t)which * (size_t)c->h + (size_t)row) * (size_t)c->w + (size_t)column];
    if (c->normed)
        value = value * (double)scale[which] + (double)shift[which];
    return activated(value, c->settings.before);
}

static double conv_at(const ConvCase *c, const float *x, const float *w, const float *scale,
                      const float *shift, int item, int out, int row, int column)
{
    double sum = 0;
    int    pad = c->k == 3 && !c->settings.pad_right_bottom_only;
    for (int i = 0; i < c->in; i++)
        for (int p = 0; p < c->k * c->k; p++)
            sum +=
                (double)w[((size_t)out * (size_t)c->in + (size_t)i) * (size_t)(c->k * c->k) +
                          (size_t)p] *
                conv_input(c, x, scale, shift, item, i, row * c->settings.stride - pad + p / c->k,
                           column * c->settings.stride - pad + p % c->k);
    return sum;
}

static void check_conv(ConvCase c)
{
    TestBed    bed;
    int        oh = conv_size(c.h, c.settings.out_h, &c), ow = conv_size(c.w, c.settings.out_w, &c);
    TestWeight w = test_weight(c.type, c.out, c.in, c.k, c.k, c.skew, 1);
    TestWeight b = test_weight(c.type, c.out, 1, 1, 1, c.skew, 2);
    size_t     x_count = (size_t)(c.n * c.in) * (size_t)(c.h * c.w), y_plane = (size_t)(oh * ow);
    size_t     y_count = (size_t)(c.n * c.out) * y_plane;
    float     *x = guarded(x_count, 3), *y = guarded(y_count, 4);
    float     *scale = guarded((size_t)(c.n * c.in), 5), *shift = guarded((size_t)(c.n * c.in), 6);
    float     *more = guarded((size_t)(c.n * c.out), 7), *want = malloc(y_count * sizeof *want);
    /* Of large ones a sample, for time. */
    size_t step = (double)y_count * c.in * c.k * c.k > 5e7 ? 61 : 1, samples = 0;
    for (size_t i = 0; i < y_count; i += step) {
        size_t which = i / y_plane;
        int    at = (int)(i % y_plane), out = (int)which % c.out;
        double sum = (double)b.values[out] + (c.timed ? (double)more[which] : 0) +
                     (c.settings.accumulate ? (double)y[i] : 0);
        want[samples++] = (float)(sum + conv_at(&c, x, w.values, scale, shift, (int)which / c.out,
                                                out, at / ow, at % ow));
    }
    bed_init(&bed, 2, MEMORY);
    Conv layer = { w.weight, b.weight };
    if (c.normed) {
        c.settings.scale = test_rows(scale, c.n, c.in);
        c.settings.shift = test_rows(shift, c.n, c.in);
    }
    if (c.timed)
        c.settings.channel_add = test_rows(more, c.n, c.out);
    conv2d(&bed.compute, cpu_tensor(y, c.n, c.out, oh, ow), cpu_tensor(x, c.n, c.in, c.h, c.w),
           &layer, &c.settings);
    for (size_t i = 0; i < samples; i++)
        y[i] = y[i * step];
    CHECK_NEAR(y, want, samples, c.in > 500 ? 6e-5 : 2e-5);
    CHECK(bed.arena.low == 0 && bed.arena.high == 0);
    bed_finish(&bed);
    CHECK(guarded_free(x) && guarded_free(y) && guarded_free(scale) && guarded_free(shift) &&
          guarded_free(more));
    free(want);
    test_weight_free(&w);
    test_weight_free(&b);
}

#define CONV(items, from, to, height, width, side, ...)                                            \
    check_conv((ConvCase){                                                                         \
        .n = items, .in = from, .out = to, .h = height, .w = width, .k = side, __VA_ARGS__ })

static void conv2d_matches_naive_sums(void)
{
    CONV(1, 1, 1, 1, 1, 3, .settings = { .stride = 1 });
    CONV(1, 1, 1, 1, 1, 1, .settings = { .stride = 1 });
    CONV(2, 4, 320, 16, 16, 3, .settings = { .stride = 1 }, .type = TYPE_F16);
    CONV(3, 37, 5, 7, 11, 3, .settings = { .stride = 1 }, .type = TYPE_F16);
    CONV(2, 67, 331, 8, 8, 3, .settings = { .stride = 1 }, .type = TYPE_F16);
    CONV(1, 5, 3, 3, 1031, 3, .settings = { .stride = 1 }, .type = TYPE_F32);
    CONV(1, 5, 3, 1031, 3, 3, .settings = { .stride = 1 }, .type = TYPE_F32);
    CONV(1, 33, 7, 70, 70, 3, .settings = { .stride = 1 }, .type = TYPE_F32);
    CONV(2, 300, 65, 9, 13, 1, .settings = { .stride = 1 }, .type = TYPE_F16);
    CONV(2, 300, 65, 9, 13, 1, .settings = { .stride = 1 }, .type = TYPE_F32);
}

/* From 2048 pixels and 32 channels on it goes by way of Winograd. */
static void conv2d_matches_naive_sums_at_larger_sizes(void)
{
    CONV(1, 32, 32, 45, 46, 3, .settings = { .stride = 1 }, .type = TYPE_F32);
    CONV(2, 35, 37, 33, 35, 3, .settings = { .stride = 1, .accumulate = true }, .timed = true,
         .type = TYPE_F16);
    CONV(1, 70, 500, 31, 67, 3, .settings = { .stride = 1, .before = ACTIVATION_SILU },
         .normed = true, .type = TYPE_BF16, .skew = 1);
    CONV(1, 33, 32, 16, 530, 3, .settings = { .stride = 1, .wrap_x = true }, .type = TYPE_F8_E4M3);
    CONV(1, 32, 33, 530, 17, 3, .settings = { .stride = 1, .wrap_y = true }, .type = TYPE_F64);
    CONV(1, 32, 32, 1, 2049, 3, .settings = { .stride = 1, .wrap_y = true }, .type = TYPE_F16);
    CONV(2, 32, 40, 17, 20, 3, .settings = { .stride = 1, .upsample = true, .out_h = 33 });
    CONV(1, 700, 800, 46, 46, 3, .settings = { .stride = 1 }, .type = TYPE_F16); /* in two goes */
    CONV(1, 2100, 32, 46, 46, 3, .settings = { .stride = 1 }, .type = TYPE_F16);
}

/* Few pixels, many channels: columns for all tiles at once, in more than one go. */
static void conv2d_shares_columns(void)
{
    CONV(2, 500, 257, 16, 16, 3, .settings = { .stride = 1, .accumulate = true }, .timed = true,
         .type = TYPE_F16);
    CONV(3, 1100, 300, 9, 9, 3, .settings = { .stride = 1, .before = ACTIVATION_SILU },
         .normed = true, .type = TYPE_F32);
    CONV(1, 100, 1300, 40, 41, 3, .settings = { .stride = 2 }, .type = TYPE_F16);
}

static void conv2d_accumulates_and_adds_per_channel(void)
{
    CONV(2, 7, 9, 6, 5, 3, .settings = { .stride = 1, .accumulate = true }, .timed = true);
    CONV(2, 7, 9, 6, 5, 1, .settings = { .stride = 1, .accumulate = true }, .timed = true);
}

static void conv2d_norms_and_activates_its_input(void)
{
    for (Activation a = ACTIVATION_NONE; a <= ACTIVATION_TANH; a++) {
        CONV(2, 35, 9, 10, 6, 3, .settings = { .stride = 1, .before = a }, .normed = true);
        CONV(2, 35, 9, 10, 6, 1, .settings = { .stride = 1, .before = a }, .normed = true);
        CONV(1, 3, 2, 5, 4, 3, .settings = { .stride = 1, .before = a });
    }
}

static void conv2d_strides(void)
{
    for (int size = 1; size < 9; size++) {
        CONV(2, 3, 5, size, 17 - size, 3, .settings = { .stride = 2 });
        if (size > 1)
            CONV(2, 3, 5, size, 17 - size, 3,
                 .settings = { .stride = 2, .pad_right_bottom_only = true });
    }
    CONV(1, 3, 5, 64, 64, 3, .settings = { .stride = 2 }, .type = TYPE_BF16);
    CONV(1, 3, 5, 3, 2050, 3, .settings = { .stride = 2 });
    CONV(1, 3, 5, 1026, 1, 3, .settings = { .stride = 2 });
}

static void conv2d_upsamples(void)
{
    CONV(2, 5, 3, 4, 6, 3, .settings = { .stride = 1, .upsample = true });
    CONV(1, 5, 3, 1, 1, 3, .settings = { .stride = 1, .upsample = true });
    CONV(1, 5, 3, 3, 300, 3, .settings = { .stride = 1, .upsample = true });
    CONV(1, 5, 3, 4, 6, 1, .settings = { .stride = 1, .upsample = true });
    for (int size = 2; size < 12; size++)
        CONV(1, 2, 3, size, size + 1, 3,
             .settings = {
                 .stride = 1, .upsample = true, .out_h = 2 * size - 1, .out_w = 2 * size + 1 });
}

static void conv2d_wraps_around(void)
{
    for (int which = 1; which < 4; which++) {
        bool x = which & 1, y = which & 2;
        CONV(2, 3, 4, 5, 7, 3, .settings = { .stride = 1, .wrap_x = x, .wrap_y = y });
        CONV(1, 3, 4, 1, 1, 3, .settings = { .stride = 1, .wrap_x = x, .wrap_y = y });
        CONV(1, 3, 4, 8, 6, 3,
             .settings = { .stride = 2, .wrap_x = x, .wrap_y = y, .before = ACTIVATION_SILU },
             .normed = true);
        CONV(1, 3, 4, 5, 7, 3,
             .settings = { .stride = 1, .wrap_x = x, .wrap_y = y, .upsample = true });
        CONV(1, 2, 3, 3, 1100, 3, .settings = { .stride = 1, .wrap_x = x, .wrap_y = y });
    }
}

static void conv2d_takes_every_type_at_any_address(void)
{
    for (TensorType type = TYPE_F32; type <= TYPE_F64; type++)
        for (int skew = 0; skew < 4; skew++)
            CONV(1, 35, 6, 5, 5, 3, .settings = { .stride = 1 }, .type = type, .skew = skew);
}

/* ---- norms ---- */

static void check_group_norm(int n, int c, int h, int w, int groups, float offset, double bound)
{
    TestBed    bed;
    TestWeight gain = test_weight(TYPE_F16, c, 1, 1, 1, 1, 1),
               bias = test_weight(TYPE_BF16, c, 1, 1, 1, 1, 2);
    size_t plane = (size_t)(h * w), count = (size_t)(n * c) * plane;
    float *x = guarded(count, 3), *y = guarded(count, 4), *want = malloc(count * sizeof *want);
    float *scale = guarded((size_t)(n * c), 5), *shift = guarded((size_t)(n * c), 6);
    size_t size = plane * (size_t)(c / groups);
    for (size_t i = 0; i < count; i++)
        x[i] += offset;
    for (size_t group = 0; group < count / size; group++) {
        double center = 0, squares = 0;
        for (size_t i = group * size; i < (group + 1) * size; i++)
            center += (double)x[i] / (double)size;
        for (size_t i = group * size; i < (group + 1) * size; i++)
            squares += ((double)x[i] - center) * ((double)x[i] - center) / (double)size;
        for (size_t i = group * size; i < (group + 1) * size; i++) {
            size_t channel = i / plane % (size_t)c;
            want[i] = (float)(((double)x[i] - center) / sqrt(squares + 1e-5) *
                                  (double)gain.values[channel] +
                              (double)bias.values[channel]);
        }
    }
    bed_init(&bed, 2, MEMORY);
    Tensor image = cpu_tensor(x, n, c, h, w);
    Tensor scales = test_rows(scale, n, c), shifts = test_rows(shift, n, c);
    group_norm_prepare(&bed.compute, scales, shifts, image, &(Norm){ gain.weight, bias.weight },
                       groups, 1e-5F);
    affine(&bed.compute, cpu_tensor(y, n, c, h, w), image, scales, shifts, ACTIVATION_NONE);
    CHECK_NEAR(y, want, count, bound);
    affine(&bed.compute, image, image, scales, shifts, ACTIVATION_NONE);
    CHECK(memcmp(x, y, count * sizeof *x) == 0);
    bed_finish(&bed);
    CHECK(guarded_free(x) && guarded_free(y) && guarded_free(scale) && guarded_free(shift));
    free(want);
    test_weight_free(&gain);
    test_weight_free(&bias);
}

static void group_norm_matches_naive_sums(void)
{
    check_group_norm(1, 1, 1, 1, 1, 0, 1e-5);
    check_group_norm(2, 6, 3, 5, 3, 0, 1e-5);
    check_group_norm(2, 320, 16, 16, 32, 0, 1e-5);
    check_group_norm(1, 4, 300, 331, 2, 0, 1e-5);
}

/* What is left is the rounding of x * scale + shift; squares minus mean squared were off by 1. */
static void group_norm_survives_a_large_mean(void)
{
    check_group_norm(1, 8, 64, 64, 2, 3000, 2e-3);
}

static void layer_norm_matches_naive_sums(void)
{
    static const int shapes[][2] = { { 1, 1 }, { 1, 2 }, { 77, 768 }, { 13, 31 }, { 3, 20011 } };
    for (size_t which = 0; which < sizeof shapes / sizeof *shapes; which++) {
        TestBed    bed;
        int        rows = shapes[which][0], d = shapes[which][1];
        TestWeight gain = test_weight(TYPE_F16, d, 1, 1, 1, 0, 1),
                   bias = test_weight(TYPE_F16, d, 1, 1, 1, 1, 2);
        size_t count = (size_t)rows * (size_t)d;
        float *x = guarded(count, 3), *y = guarded(count, 4), *want = malloc(count * sizeof *want);
        for (size_t row = 0; row < count; row += (size_t)d) {
            double center = 0, squares = 0;
            for (int i = 0; i < d; i++)
                center += (double)x[row + (size_t)i] / d;
            for (int i = 0; i < d; i++)
                squares +=
                    ((double)x[row + (size_t)i] - center) * ((double)x[row + (size_t)i] - center) / d;
            for (int i = 0; i < d; i++)
                want[row + (size_t)i] = (float)(((double)x[row + (size_t)i] - center) /
                                                    sqrt(squares + 1e-5) * (double)gain.values[i] +
                                                (double)bias.values[i]);
        }
        bed_init(&bed, 2, MEMORY);
        Norm norm = { gain.weight, bias.weight };
        layer_norm(&bed.compute, test_rows(y, rows, d), test_rows(x, rows, d), &norm, 1e-5F);
        CHECK_NEAR(y, want, count, 1e-5);
        layer_norm(&bed.compute, test_rows(x, rows, d), test_rows(x, rows, d), &norm, 1e-5F);
        CHECK(memcmp(x, y, count * sizeof *x) == 0);
        bed_finish(&bed);
        CHECK(guarded_free(x) && guarded_free(y));
        free(want);
        test_weight_free(&gain);
        test_weight_free(&bias);
    }
}

/* ---- element by element ---- */

static void activations_match_their_formulas(void)
{
    TestBed bed;
    size_t  count = 40009;
    float  *x = guarded(count, 1), *y = guarded(count, 2), *want = malloc(count * sizeof *want);
    bed_init(&bed, 2, MEMORY);
    for (Activation a = ACTIVATION_NONE; a <= ACTIVATION_TANH; a++) {
        fill_random(x, count, 1);
        for (size_t i = 0; i < count; i++) {
            x[i] *= 20;
            want[i] = (float)activated((double)x[i], a);
        }
        activate(&bed.compute, test_rows(y, 1, (int)count), test_rows(x, 1, (int)count), a);
        CHECK_NEAR(y, want, count, 1e-6);
        activate(&bed.compute, test_rows(x, 1, (int)count), test_rows(x, 1, (int)count), a);
        CHECK(memcmp(x, y, count * sizeof *x) == 0);
    }
    bed_finish(&bed);
    CHECK(guarded_free(x) && guarded_free(y));
    free(want);
}

static void geglu_multiplies_by_the_gate(void)
{
    TestBed bed;
    int     rows = 37, d = 131;
    size_t  count = (size_t)(rows * d);
    float  *x = guarded(2 * count, 1), *y = guarded(count, 2), *want = malloc(count * sizeof *want);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < d; j++)
            want[i * d + j] = (float)((double)x[2 * i * d + j] *
                                      activated((double)x[2 * i * d + d + j], ACTIVATION_GELU));
    bed_init(&bed, 2, MEMORY);
    geglu(&bed.compute, test_rows(y, rows, d), test_rows(x, rows, 2 * d));
    CHECK_NEAR(y, want, count, 1e-6);
    bed_finish(&bed);
    CHECK(guarded_free(x) && guarded_free(y));
    free(want);
}

static void add_adds(void)
{
    TestBed bed;
    size_t  count = 50021;
    float  *x = guarded(count, 1), *y = guarded(count, 2), *want = malloc(count * sizeof *want);
    for (size_t i = 0; i < count; i++)
        want[i] = x[i] + y[i];
    bed_init(&bed, 2, MEMORY);
    add(&bed.compute, test_rows(y, 1, (int)count), test_rows(x, 1, (int)count));
    CHECK(memcmp(y, want, count * sizeof *y) == 0);
    bed_finish(&bed);
    CHECK(guarded_free(x) && guarded_free(y));
    free(want);
}

static void tokens_and_images_are_transposed(void)
{
    TestBed bed;
    int     n = 2, c = 131, h = 7, w = 19, t = h * w;
    size_t  count = (size_t)(n * c * t);
    float  *x = guarded(count, 1), *y = guarded(count, 2), *back = guarded(count, 3);
    bool    right = true;
    bed_init(&bed, 2, MEMORY);
    Tensor tokens = cpu_tensor(y, n, 1, t, c), image = cpu_tensor(back, n, c, h, w);
    image_to_tokens(&bed.compute, tokens, cpu_tensor(x, n, c, h, w));
    for (int i = 0; i < n * c * t; i++)
        right = right && x[i] == y[i / (c * t) * (c * t) + i % t * c + i / t % c];
    CHECK(right);
    tokens_to_image(&bed.compute, image, tokens, false);
    CHECK(memcmp(back, x, count * sizeof *x) == 0);
    tokens_to_image(&bed.compute, image, tokens, true);
    for (size_t i = 0; i < count; i++)
        right = right && back[i] == 2 * x[i];
    CHECK(right);
    bed_finish(&bed);
    CHECK(guarded_free(x) && guarded_free(y) && guarded_free(back));
}

/* ---- attention ---- */

static void check_attention(int tq, int tk, int heads, int width, bool causal, float size,
                            double bound)
{
    TestBed bed;
    int     d = heads * width, q_stride = d + 3, kv_stride = 2 * d;
    size_t  count = (size_t)tq * (size_t)d;
    float  *q = guarded((size_t)tq * (size_t)q_stride, 1),
          *kv = guarded((size_t)tk * (size_t)kv_stride, 2);
    float  *y = guarded(count, 3), *want = malloc(count * sizeof *want), *k = kv, *v = kv + d;
    double *weights = malloc((size_t)tk * sizeof *weights);
    for (int i = 0; i < tq * q_stride; i++)
        q[i] *= size;
    for (int head = 0; head < heads; head++)
        for (int i = 0; i < tq; i++) {
            int    seen = causal ? i + 1 : tk;
            double max = -INFINITY, sum = 0;
            for (int j = 0; j < seen; j++) {
                weights[j] = 0;
                for (int p = 0; p < width; p++)
                    weights[j] +=
                        (double)q[(size_t)i * (size_t)q_stride + (size_t)(head * width + p)] *
                        (double)k[(size_t)j * (size_t)kv_stride + (size_t)(head * width + p)];
                weights[j] /= sqrt(width);
                max = fmax(max, weights[j]);
            }
            for (int j = 0; j < seen; j++)
                sum += weights[j] = exp(weights[j] - max);
            for (int p = 0; p < width; p++) {
                double value = 0;
                for (int j = 0; j < seen; j++)
                    value += weights[j] *
                             (double)v[(size_t)j * (size_t)kv_stride + (size_t)(head * width + p)];
                want[(size_t)i * (size_t)d + (size_t)(head * width + p)] = (float)(value / sum);
            }
        }
    bed_init(&bed, 2, MEMORY);
    Tensor fused = test_rows(kv, tk, kv_stride);
    attention(&bed.compute, test_rows(y, tq, d),
              tensor_columns(test_rows(q, tq, q_stride), 0, d), tensor_columns(fused, 0, d),
              tensor_columns(fused, d, d), heads, causal);
    CHECK_NEAR(y, want, count, bound);
    bed_finish(&bed);
    CHECK(guarded_free(q) && guarded_free(kv) && guarded_free(y));
    free(want);
    free(weights);
}

static void attention_matches_a_whole_softmax(void)
{
    check_attention(1, 1, 1, 1, false, 1, 1e-5);
    check_attention(2, 77, 3, 40, false, 1, 1e-5);
    check_attention(300, 231, 2, 31, false, 1, 1e-5);
    check_attention(131, 1100, 2, 40, false, 1, 1e-5);
    check_attention(67, 600, 1, 512, false, 1, 1e-5);
}

static void attention_is_causal(void)
{
    check_attention(1, 1, 2, 5, true, 1, 1e-5);
    check_attention(77, 77, 2, 64, true, 1, 1e-5);
    check_attention(700, 700, 1, 16, true, 1, 1e-5);
}

/* Scores of several hundred: exp() of them would be infinite, and blocks differ wildly.  A score's
 * own rounding is 2e-5 then. */
static void attention_stands_large_scores(void)
{
    check_attention(33, 1500, 1, 40, false, 200, 5e-5);
}

/* ---- for all layers ---- */

typedef struct {
    TestWeight wide, narrow, gain, bias, conv, odd;
    float     *image, *tokens;
} Network;

enum { N = 2, C = 48, H = 37, W = 44, T = H * W };

static void network_init(Network *net)
{
    net->wide = test_weight(TYPE_F16, 3 * C, C, 1, 1, 0, 1);
    net->narrow = test_weight(TYPE_F32, C, C, 1, 1, 0, 2);
    net->gain = test_weight(TYPE_F32, C, 1, 1, 1, 0, 3);
    net->bias = test_weight(TYPE_F32, C, 1, 1, 1, 0, 4);
    net->conv = test_weight(TYPE_F16, C, C, 3, 3, 0, 5);
    net->odd = test_weight(TYPE_F8_E4M3, C, C, 1, 1, 1, 6);
    net->image = guarded((size_t)(N * C * T), 7);
    net->tokens = guarded((size_t)(N * T * C), 8);
}

static void network_finish(Network *net)
{
    TestWeight *weights[] = { &net->wide, &net->narrow, &net->gain,
                              &net->bias, &net->conv,   &net->odd };
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        test_weight_free(weights[i]);
    CHECK(guarded_free(net->image) && guarded_free(net->tokens));
}

/* Every layer once, one on the other's output, into y [N, C, H, W]; a dry run leaves y alone. */
static void network_forward(Compute *compute, float *y, const Network *net)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    x = tensor_new(compute, ARENA_LOW, N, C, H, W),
           z = tensor_new(compute, ARENA_HIGH, N, C, H, W);
    Tensor qkv = tensor_new(compute, ARENA_HIGH, 1, 1, N * T, 3 * C);
    Tensor scale = tensor_new(compute, ARENA_LOW, 1, 1, N, C);
    Tensor shift = tensor_new(compute, ARENA_LOW, 1, 1, N, C);
    Tensor tokens = tensor_as(z, 1, 1, N * T, C), wide = tensor_as(qkv, 1, 1, N * T, C);
    Tensor half = tensor_as(z, 1, 1, N * T, C / 2);
    Norm   norm = { net->gain.weight, net->bias.weight };
    Conv   conv = { net->conv.weight, net->bias.weight },
         projection = { net->odd.weight, net->bias.weight };
    upload(compute, x, net->image);
    group_norm_prepare(compute, scale, shift, x, &norm, 8, 1e-5F);
    conv2d(compute, z, x, &conv,
           &(ConvSettings){ .stride = 1,
                            .scale = scale,
                            .shift = shift,
                            .before = ACTIVATION_SILU,
                            .channel_add = scale });
    affine(compute, z, z, scale, shift, ACTIVATION_RELU);
    conv2d(compute, x, z, &projection, &(ConvSettings){ .stride = 1, .accumulate = true });
    group_norm_prepare(compute, scale, shift, x, &norm, 8, 1e-5F);
    affine(compute, x, x, scale, shift, ACTIVATION_TANH);
    image_to_tokens(compute, tokens, x);
    layer_norm(compute, tokens, tokens, &norm, 1e-5F);
    linear(compute, qkv, tokens, &(Linear){ .weight = net->wide.weight }, false);
    for (int i = 0; i < N; i++) {
        Tensor item = tensor_rows(qkv, i * T, T);
        attention(compute, tensor_rows(tokens, i * T, T), tensor_columns(item, 0, C),
                  tensor_columns(item, C, C), tensor_columns(item, 2 * C, C), 3, false);
    }
    linear(compute, wide, tokens, &(Linear){ net->narrow.weight, net->bias.weight }, false);
    geglu(compute, half, wide);
    activate(compute, tokens, tokens, ACTIVATION_QUICK_GELU);
    add(compute, tokens, wide);
    tokens_to_image(compute, x, tokens, true);
    read_back(compute, y, x);
    arena_rewind(compute->scratch, mark);
}

static void any_number_of_threads_gives_the_same_bits(void)
{
    static const int counts[] = { 1, 2, 3, 8 };
    Network          net;
    size_t           count = N * C * T;
    float           *first = guarded(count, 9), *y = guarded(count, 10);
    network_init(&net);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        TestBed bed;
        bed_init(&bed, counts[i], MEMORY);
        CHECK_INT(threads_count(bed.threads), counts[i]);
        network_forward(&bed.compute, i ? y : first, &net);
        CHECK(i == 0 || memcmp(y, first, count * sizeof *y) == 0);
        bed_finish(&bed);
    }
    for (size_t i = 0; i < count; i++)
        if (!isfinite(first[i]) && !CHECK(isfinite(first[i])))
            break;
    network_finish(&net);
    CHECK(guarded_free(first) && guarded_free(y));
}

static void a_dry_run_counts_what_the_real_one_takes(void)
{
    Network net;
    TestBed dry, real;
    float  *y = guarded(N * C * T, 9);
    network_init(&net);
    bed_init(&dry, 2, 0);
    network_forward(&dry.compute, NULL, &net);
    bed_init(&real, 2, dry.arena.peak);
    network_forward(&real.compute, y, &net);
    CHECK_INT((long long)dry.arena.peak, (long long)real.arena.peak);
    CHECK(dry.compute.flops == real.compute.flops && dry.compute.flops > 0);
    bed_finish(&dry);
    bed_finish(&real);
    network_finish(&net);
    CHECK(guarded_free(y));
}

static void weights_are_the_same_bits_wherever_they_lie(void)
{
    for (int skew = 1; skew < 4; skew++) {
        TestBed    bed;
        TestWeight a = test_weight(TYPE_F32, 70, 1100, 1, 1, 0, 1);
        TestWeight b = test_weight(TYPE_F32, 70, 1100, 1, 1, skew, 1);
        float     *x = guarded(33 * 1100, 2), *y = guarded(33 * 70, 3), *z = guarded(33 * 70, 4);
        bed_init(&bed, 2, MEMORY);
        linear(&bed.compute, test_rows(y, 33, 70), test_rows(x, 33, 1100),
               &(Linear){ .weight = a.weight }, false);
        linear(&bed.compute, test_rows(z, 33, 70), test_rows(x, 33, 1100),
               &(Linear){ .weight = b.weight }, false);
        CHECK_NEAR(y, z, 33 * 70, 1e-6);
        bed_finish(&bed);
        CHECK(guarded_free(x) && guarded_free(y) && guarded_free(z));
        test_weight_free(&a);
        test_weight_free(&b);
    }
}

typedef struct {
    int left, calls;
} Patience;

static bool lose_patience(void *user)
{
    Patience *patience = user;
    patience->calls++;
    return patience->left-- > 0;
}

/* 2.4 GFLOP in one layer: polled on the way, and given up at the first no. */
static void a_stop_ends_a_large_layer_early(void)
{
    TestBed     bed;
    TestWeight  w = test_weight(TYPE_F16, 512, 512, 3, 3, 0, 1);
    size_t      count = 512 * 32 * 32;
    float      *x = guarded(count, 2), *y = guarded(count, 3);
    atomic_bool stop = false;
    Patience    endless = { 1 << 30, 0 }, short_one = { 1, 0 };
    Conv        conv = { .weight = w.weight };
    Tensor      from = cpu_tensor(x, 1, 512, 32, 32), to = cpu_tensor(y, 1, 512, 32, 32);
    bed_init(&bed, 2, MEMORY);
    bed.compute.stop = &stop;
    bed.compute.poll = lose_patience;
    bed.compute.poll_user = &endless;
    conv2d(&bed.compute, to, from, &conv, &(ConvSettings){ .stride = 1 });
    CHECK(!compute_stopped(&bed.compute));
    CHECK(endless.calls >= 20); /* of work for 10 to 100 ms */
    bed.compute.poll_user = &short_one;
    conv2d(&bed.compute, to, from, &conv, &(ConvSettings){ .stride = 1 });
    CHECK(compute_stopped(&bed.compute));
    CHECK(short_one.calls < endless.calls);
    bed_finish(&bed);
    CHECK(guarded_free(x) && guarded_free(y));
    test_weight_free(&w);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(linear_matches_naive_sums);
    RUN(linear_takes_every_type_at_any_address);
    RUN(conv2d_matches_naive_sums);
    RUN(conv2d_matches_naive_sums_at_larger_sizes);
    RUN(conv2d_shares_columns);
    RUN(conv2d_accumulates_and_adds_per_channel);
    RUN(conv2d_norms_and_activates_its_input);
    RUN(conv2d_strides);
    RUN(conv2d_upsamples);
    RUN(conv2d_wraps_around);
    RUN(conv2d_takes_every_type_at_any_address);
    RUN(group_norm_matches_naive_sums);
    RUN(group_norm_survives_a_large_mean);
    RUN(layer_norm_matches_naive_sums);
    RUN(activations_match_their_formulas);
    RUN(geglu_multiplies_by_the_gate);
    RUN(add_adds);
    RUN(tokens_and_images_are_transposed);
    RUN(attention_matches_a_whole_softmax);
    RUN(attention_is_causal);
    RUN(attention_stands_large_scores);
    RUN(any_number_of_threads_gives_the_same_bits);
    RUN(a_dry_run_counts_what_the_real_one_takes);
    RUN(weights_are_the_same_bits_wherever_they_lie);
    RUN(a_stop_ends_a_large_layer_early);
    return test_end();
}
