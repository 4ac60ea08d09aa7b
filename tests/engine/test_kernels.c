/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every kernel of every set that this processor can run, against the reference. */
#include "compute/cpu/kernels.h"

#include "math_help.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const set_names[] = { "baseline", "avx2", "avx512" };
static const int sizes[] = { 1, 2, 7, 15, 16, 17, 31, 64, 131, 1023, 1024, 1025, 4096, 40009 };

enum { SETS = sizeof set_names / sizeof *set_names, SIZES = sizeof sizes / sizeof *sizes };

static const Kernels *reference(void)
{
    return kernels_by_name("reference");
}

static bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

/* All bit patterns, from an odd address, in one call and one by one. */
static void check_conversion(const char *name, size_t offset, size_t count, size_t bytes)
{
    unsigned char *in = malloc(count * bytes + 1);
    float         *want = malloc(count * sizeof *want);
    typedef void   Convert(float *, const void *, size_t);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < bytes; j++)
            in[1 + i * bytes + j] = (unsigned char)(i >> (8 * j));
    Convert *convert;
    memcpy(&convert, (const char *)reference() + offset, sizeof convert);
    convert(want, in + 1, count);
    for (int set = 0; set < SETS; set++) {
        const Kernels *kernels = kernels_by_name(set_names[set]);
        if (!kernels)
            continue;
        float *got = guarded(count, 1);
        int    wrong = 0;
        memcpy(&convert, (const char *)kernels + offset, sizeof convert);
        convert(got, in + 1, count);
        for (size_t i = 0; i < count; i++)
            wrong += !same_bits(got[i], want[i]);
        for (size_t i = 0; i < count; i += 7) {
            convert(got, in + 1 + i * bytes, 1);
            wrong += !same_bits(got[0], want[i]);
        }
        if (!CHECK_INT(wrong, 0))
            printf("     %s of %s\n", name, set_names[set]);
        CHECK(guarded_free(got));
    }
    free(in);
    free(want);
}

#define CHECK_CONVERSION(name, count, bytes)                                                       \
    check_conversion(#name, offsetof(Kernels, name), count, bytes)

static void conversions_are_exact_for_all_bits(void)
{
    CHECK_CONVERSION(from_f16, 65536, 2);
    CHECK_CONVERSION(from_bf16, 65536, 2);
    CHECK_CONVERSION(from_f8_e4m3, 256, 1);
    CHECK_CONVERSION(from_f8_e5m2, 256, 1);
}

static void convert_all(void *data, int i, int worker)
{
    const TestWeight *w = data;
    float             got[1024];
    (void)worker;
    weight_convert(kernels_by_name(set_names[i]) ? kernels_by_name(set_names[i]) : reference(), got,
                   &w->weight, 0, 1024);
    CHECK(memcmp(got, w->values, sizeof got) == 0);
}

/* Weights of half precision may be denormal; threads flush denormals of single precision. */
static void conversions_keep_denormals_in_flushing_threads(void)
{
    TestWeight w = test_weight(TYPE_F16, 1024, 1, 1, 1, 0, 1);
    uint16_t  *bits = w.memory;
    for (int i = 0; i < 1024; i++)
        bits[i] = (uint16_t)i;
    weight_convert(reference(), w.values, &w.weight, 0, 1024);
    CHECK(w.values[1] == 0x1p-24F);
    Threads *threads = threads_create(1);
    parallel_for(threads, SETS, convert_all, &w);
    threads_destroy(threads);
    test_weight_free(&w);
}

/* Calls body for each set and each size, with x and y of that size and room for the wanted. */
typedef void Body(const Kernels *kernels, int size, float *x, float *y, float *want);

static void for_all(Body *body)
{
    for (int set = 0; set < SETS; set++) {
        const Kernels *kernels = kernels_by_name(set_names[set]);
        for (int i = 0; kernels && i < SIZES; i++) {
            size_t count = (size_t)sizes[i];
            float *x = guarded(count, 1), *y = guarded(count, 2),
                  *want = malloc(count * sizeof *want);
            body(kernels, sizes[i], x, y, want);
            CHECK(guarded_free(x) && guarded_free(y));
            free(want);
        }
    }
}

static void check_activate(const Kernels *kernels, int size, float *x, float *y, float *want)
{
    size_t count = (size_t)size;
    for (Activation a = ACTIVATION_NONE; a <= ACTIVATION_TANH; a++) {
        fill_random(x, count, 3);
        for (size_t i = 0; i < count; i++)
            x[i] *= i % 3 == 0 ? 90 : i % 3 == 1 ? 6 : 0.01F;
        reference()->activate(want, x, count, 1.5F, 0.1F, a);
        kernels->activate(y, x, count, 1.5F, 0.1F, a);
        CHECK_NEAR(y, want, count, 1e-6);
        kernels->activate(x, x, count, 1.5F, 0.1F, a);
        CHECK_NEAR(x, want, count, 1e-6);
    }
}

static void activate_matches_reference(void)
{
    for_all(check_activate);
}

static void activations_stand_extremes(void)
{
    const float inputs[] = { 0,      -0.0F,  INFINITY, -INFINITY, NAN, 3e38F,
                             -3e38F, 1e-30F, 88.7F,    -88.7F,    104 };
    for (int set = 0; set < SETS; set++) {
        const Kernels *kernels = kernels_by_name(set_names[set]);
        if (!kernels)
            continue;
        float y[11];
        for (Activation a = ACTIVATION_SILU; a <= ACTIVATION_TANH; a++) {
            kernels->activate(y, inputs, 11, 1, 0, a);
            CHECK(y[0] == 0 && y[1] == 0 && isnan(y[4]));
            CHECK(a == ACTIVATION_TANH ? y[2] == 1 && y[3] == -1 && y[5] == 1
                                       : y[2] == INFINITY && y[5] == 3e38F);
            CHECK(fabsf(y[7]) <= 1e-30F && fabsf(y[9]) <= 1);
        }
    }
}

static void check_rows(const Kernels *kernels, int size, float *x, float *y, float *want)
{
    size_t count = (size_t)size;
    float *two = guarded(2 * count, 5), *gain = guarded(count, 6), *bias = guarded(count, 7);
    for (size_t i = 0; i < 2 * count; i++)
        two[i] *= 4;
    reference()->geglu(want, two, size);
    kernels->geglu(y, two, size);
    CHECK_NEAR(y, want, count, 1e-6);

    for (int offset = 0; offset <= 1000; offset += 1000) {
        fill_random(x, count, 8);
        for (size_t i = 0; i < count; i++)
            x[i] += (float)offset;
        reference()->layer_norm(want, x, gain, bias, size, 1e-5F);
        kernels->layer_norm(y, x, gain, bias, size, 1e-5F);
        CHECK_NEAR(y, want, count, 1e-5);
        kernels->layer_norm(x, x, gain, bias, size, 1e-5F);
        CHECK_NEAR(x, want, count, 1e-5);
    }
    CHECK(guarded_free(two) && guarded_free(gain) && guarded_free(bias));
}

static void rows_match_reference(void)
{
    for_all(check_rows);
}

static void check_sums(const Kernels *kernels, int size, float *x, float *y, float *want)
{
    size_t count = (size_t)size;
    reference()->put(memcpy(want, y, count * sizeof *y), x, count, 0.5F, true);
    kernels->put(y, x, count, 0.5F, true);
    CHECK_NEAR(y, want, count, 1e-6);
    reference()->put(want, x, count, 0.5F, false);
    kernels->put(y, x, count, 0.5F, false);
    CHECK_NEAR(y, want, count, 1e-6);
    reference()->add(want, x, count);
    kernels->add(y, x, count);
    CHECK_NEAR(y, want, count, 1e-6);
}

static void sums_match_reference(void)
{
    for_all(check_sums);
}

static void check_moments(const Kernels *kernels, int size, float *x, float *y, float *want)
{
    (void)y, (void)want;
    for (int offset = 0; offset <= 10000; offset += 10000) {
        double mean, squares, want_mean, want_squares;
        for (int i = 0; i < size; i++)
            x[i] += (float)offset;
        reference()->moments(&want_mean, &want_squares, x, (size_t)size);
        kernels->moments(&mean, &squares, x, (size_t)size);
        CHECK(fabs(mean - want_mean) <= 1e-7 * fmax(1, want_mean));
        CHECK(fabs(squares - want_squares) <= 1e-5 * fmax(1, want_squares));
    }
}

static void moments_match_reference_even_far_from_zero(void)
{
    for_all(check_moments);
}

/* Lane by lane against the reference, which has other lanes: only one holds anything. */
static void check_attend(const Kernels *kernels, int keys, int width, bool masked)
{
    enum { LANES = 64 };
    int    stride = width + 3, lanes[2] = { reference()->lanes, kernels->lanes };
    size_t rows = (size_t)keys * (size_t)stride;
    float *k = guarded(rows, 1), *v = guarded(rows, 2), *q = malloc((size_t)width * sizeof *q);
    float *values[2], *weights[2], sums[2];
    fill_random(q, (size_t)width, 3);
    for (int which = 0; which < 2; which++) {
        const Kernels *set = which ? kernels : reference();
        int            n = lanes[which], lane = n - 1;
        float         *y = guarded((size_t)(width * n), 1), *many = guarded((size_t)(width * n), 1);
        float         *w = guarded((size_t)(keys * n), 4), *max = guarded((size_t)n, 5),
              *sum = guarded((size_t)n, 6);
        memset(y, 0, (size_t)(width * n) * sizeof *y);
        for (int i = 0; i < n; i++) {
            max[i] = -INFINITY;
            sum[i] = 0;
            for (int j = 0; j < width; j++)
                many[j * n + i] = i == lane ? q[j] * 3 : 0.01F * (float)i;
        }
        for (int block = 0; block < 3; block++) {
            set->attend(y, max, sum, w, many, k, v, stride, keys, width,
                        masked ? 1 - lane + keys / 2 : keys);
            for (int j = 0; j < width; j++)
                many[j * n + lane] *= -1.5F; /* the largest score changes */
        }
        values[which] = malloc((size_t)width * sizeof(float));
        weights[which] = malloc((size_t)keys * sizeof(float));
        for (int j = 0; j < width; j++)
            values[which][j] = y[j * n + lane] / sum[lane];
        for (int j = 0; j < keys; j++)
            weights[which][j] = w[j * n + lane];
        sums[which] = sum[lane];
        CHECK(guarded_free(y) && guarded_free(many) && guarded_free(w) && guarded_free(max) &&
              guarded_free(sum));
    }
    CHECK_NEAR(values[1], values[0], (size_t)width, 1e-5);
    CHECK_NEAR(weights[1], weights[0], (size_t)keys, 1e-5);
    CHECK_NEAR(&sums[1], &sums[0], 1, 1e-5);
    CHECK(guarded_free(k) && guarded_free(v));
    for (int which = 0; which < 2; which++) {
        free(values[which]);
        free(weights[which]);
    }
    free(q);
}

static void attend_matches_reference(void)
{
    static const int shapes[][2] = { { 1, 1 },   { 2, 3 },    { 7, 40 },
                                     { 77, 64 }, { 128, 40 }, { 31, 131 } };
    for (int set = 0; set < SETS; set++) {
        const Kernels *kernels = kernels_by_name(set_names[set]);
        for (size_t i = 0; kernels && i < sizeof shapes / sizeof *shapes; i++) {
            check_attend(kernels, shapes[i][0], shapes[i][1], false);
            check_attend(kernels, shapes[i][0], shapes[i][1], true);
        }
    }
}

/* e^x itself, relatively: the weights of scores below a maximum of 0. */
static void exp_is_within_three_units_in_the_last_place(void)
{
    enum { COUNT = 86000, LANES = 64 };
    float *x = malloc(COUNT * sizeof *x), *weights = malloc(COUNT * LANES * sizeof *weights);
    for (int set = 0; set < SETS; set++) {
        const Kernels *kernels = kernels_by_name(set_names[set]);
        float          y[LANES] = { 0 }, max[LANES] = { 0 }, sum[LANES] = { 0 }, q[LANES];
        double         worst = 0;
        if (!kernels || !CHECK(kernels->lanes <= LANES))
            continue;
        for (int i = 0; i < LANES; i++)
            q[i] = 1;
        for (int i = 0; i < COUNT; i++)
            x[i] = -(float)i / 1000;
        kernels->attend(y, max, sum, weights, q, x, x, 1, COUNT, 1, COUNT);
        for (int i = 0; i < COUNT; i++) {
            double want = exp((double)x[i]);
            for (int lane = 0; lane < kernels->lanes; lane++)
                worst = fmax(worst, fabs((double)weights[i * kernels->lanes + lane] - want) / want);
        }
        printf("     %s: worst %.3g\n", set_names[set], worst);
        CHECK(worst <= 3 * 0x1p-24);
    }
    free(x);
    free(weights);
}

static void unfold_matches_reference(void)
{
    static const int shapes[][5] = { /* rows, columns, k, stride, gap */
                                     { 1, 1, 1, 1, 0 },  { 3, 5, 3, 1, 0 },   { 8, 8, 3, 1, 3 },
                                     { 7, 17, 3, 2, 1 }, { 2, 131, 3, 1, 0 }, { 5, 16, 1, 2, 0 }
    };
    for (int set = 0; set < SETS; set++) {
        const Kernels *kernels = kernels_by_name(set_names[set]);
        for (size_t i = 0; kernels && i < sizeof shapes / sizeof *shapes; i++) {
            int rows = shapes[i][0], columns = shapes[i][1], k = shapes[i][2],
                stride = shapes[i][3];
            int    width = (columns - 1) * stride + k, height = (rows - 1) * stride + k;
            size_t pixels = (size_t)(rows * columns + shapes[i][4]),
                   count = pixels * (size_t)(k * k);
            float *x = guarded((size_t)(width * height), 1), *y = guarded(count, 2),
                  *want = guarded(count, 2);
            reference()->unfold(want, pixels, x, width, rows, columns, k, stride);
            kernels->unfold(y, pixels, x, width, rows, columns, k, stride);
            CHECK(memcmp(y, want, count * sizeof *y) == 0);
            CHECK(guarded_free(x) && guarded_free(y) && guarded_free(want));
        }
    }
}

/* Through all of it, as lanes differ: 3x3 sums of one channel, and of the reference's own. */
static void winograd_of_set(const Kernels *kernels, float *y, const float *x, const float *w,
                            int width, int rows, int columns, int channels)
{
    int    lanes = kernels->lanes, groups = (rows * columns + lanes - 1) / lanes;
    size_t group = (size_t)(channels * lanes), plane = (size_t)groups * group;
    float *u = guarded((size_t)(16 * channels), 1), *v = guarded(16 * plane, 2);
    float *m = guarded((size_t)(16 * groups * lanes), 3);
    int    area = (2 * rows + 2) * width;
    kernels->winograd_weights(u, (size_t)channels, w, channels);
    for (int c = 0; c < channels; c++)
        kernels->winograd_input(v + (size_t)(c * lanes), plane, group, x + (size_t)(c * area),
                                width, rows, columns);
    for (int i = 0; i < 16; i++)
        for (int g = 0; g < groups; g++)
            for (int half = 0; half < 2; half++) { /* the second half is added to the first */
                int first = half * (channels / 2), count = half ? channels - first : channels / 2;
                kernels->multiply(m + (size_t)((i * groups + g) * lanes), u + i * channels + first,
                                  (size_t)channels,
                                  v + (size_t)i * plane + (size_t)g * group +
                                      (size_t)(first * lanes),
                                  1, count, half);
            }
    kernels->winograd_output(y, m, (size_t)(groups * lanes), (size_t)lanes, rows, columns);
    CHECK(guarded_free(u) && guarded_free(v) && guarded_free(m));
}

static void winograd_matches_plain_convolution(void)
{
    static const int shapes[][3] = {
        { 1, 1, 2 }, { 1, 128, 3 }, { 128, 1, 67 }, { 3, 5, 64 }, { 8, 16, 65 }
    };
    for (int set = -1; set < SETS; set++) {
        const Kernels *kernels = set < 0 ? reference() : kernels_by_name(set_names[set]);
        for (size_t i = 0; kernels && i < sizeof shapes / sizeof *shapes; i++) {
            int    rows = shapes[i][0], columns = shapes[i][1], channels = shapes[i][2];
            int    width = 2 * columns + 5, area = (2 * rows + 2) * width;
            size_t count = (size_t)(4 * rows * columns);
            float *x = guarded((size_t)(channels * area), 4),
                  *w = guarded((size_t)(9 * channels), 5);
            float *y = guarded(count, 6), *want = malloc(count * sizeof *want);
            for (size_t j = 0; j < count; j++) {
                int    row = (int)j / (2 * columns), column = (int)j % (2 * columns);
                double sum = 0;
                for (int p = 0; p < 9 * channels; p++)
                    sum += (double)w[p] *
                           (double)x[p / 9 * area + (row + p % 9 / 3) * width + column + p % 3];
                want[j] = (float)sum;
            }
            winograd_of_set(kernels, y, x, w, width, rows, columns, channels);
            CHECK_NEAR(y, want, count, 1e-5);
            CHECK(guarded_free(x) && guarded_free(w) && guarded_free(y));
            free(want);
        }
    }
}

static void multiply_matches_reference(void)
{
    for (int set = 0; set < SETS; set++) {
        const Kernels *kernels = kernels_by_name(set_names[set]);
        for (int rows = 1; kernels && rows < 20; rows += 3) {
            int    lanes = kernels->lanes, depth = 7 * rows, stride = depth + 1;
            size_t count = (size_t)(rows * lanes);
            float *a = guarded((size_t)(rows * stride), 1),
                  *b = guarded((size_t)(depth * lanes), 2);
            float *c = guarded(count, 3), *want = malloc(count * sizeof *want);
            for (int accumulate = 0; accumulate < 2; accumulate++) {
                memcpy(want, c, count * sizeof *want);
                reference()->gemm(want, lanes, a, stride, b, lanes, false, rows, lanes, depth, 1,
                                  accumulate);
                kernels->multiply(c, a, (size_t)stride, b, rows, depth, accumulate);
                CHECK_NEAR(c, want, count, 1e-5);
            }
            CHECK(guarded_free(a) && guarded_free(b) && guarded_free(c));
            free(want);
        }
    }
}

static void narrow_products_are_summed_in_double_by_every_set(void)
{
    static const int shapes[][3] = { { 1, 1, 1 }, { 3, 7, 5 }, { 8, 64, 576 }, { 4, 65, 131 },
                                     { 8, 200, 1152 } };
    static const char *const sets[] = { "baseline", "avx2", "avx512" };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int    m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
        float *a = malloc((size_t)(m * k) * sizeof *a), *b = malloc((size_t)(k * n) * sizeof *b);
        float *c = malloc((size_t)(m * n) * sizeof *c), *want = malloc((size_t)(m * n) * sizeof *c);
        /* Large numbers that cancel: sums in float would be off by some 1e-3. */
        for (int i = 0; i < m * k; i++)
            a[i] = (float)(i % 2003 * 7919 % 2003 - 1001) / 16;
        for (int i = 0; i < k * n; i++)
            b[i] = (float)(i % 1999 * 1009 % 1999 - 999) / 4096;
        for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
            const Kernels *kernels = kernels_by_name(sets[i]);
            for (int accumulate = 0; kernels && accumulate < 2; accumulate++) {
                for (int p = 0; p < m * n; p++)
                    c[p] = want[p] = (float)p / 3;
                reference()->gemm_narrow(want, n, a, k, b, n, m, n, k, accumulate);
                kernels->gemm_narrow(c, n, a, k, b, n, m, n, k, accumulate);
                CHECK_NEAR(c, want, (size_t)(m * n), 1.3e-7);
            }
        }
        free(a);
        free(b);
        free(c);
        free(want);
    }
}

static void the_environment_chooses_a_set(void)
{
    const char *before = getenv("ENGINE_KERNELS");
    char       *kept = before ? strdup(before) : NULL;
    setenv("ENGINE_KERNELS", "reference", 1);
    CHECK_STRING(kernels_best()->name, "reference");
    setenv("ENGINE_KERNELS", "baseline", 1);
    CHECK_STRING(kernels_best()->name, "baseline");
    setenv("ENGINE_KERNELS", "no such set", 1);
    const char *best = kernels_best()->name;
    CHECK(strcmp(best, "reference") != 0);
    unsetenv("ENGINE_KERNELS");
    CHECK_STRING(kernels_best()->name, best);
    CHECK(kernels_by_name("no such set") == NULL);
    if (kept)
        setenv("ENGINE_KERNELS", kept, 1);
    free(kept);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    printf("sets here: baseline%s%s\n", kernels_by_name("avx2") ? ", avx2" : "",
           kernels_by_name("avx512") ? ", avx512" : "");
    RUN(conversions_are_exact_for_all_bits);
    RUN(conversions_keep_denormals_in_flushing_threads);
    RUN(activate_matches_reference);
    RUN(activations_stand_extremes);
    RUN(rows_match_reference);
    RUN(sums_match_reference);
    RUN(moments_match_reference_even_far_from_zero);
    RUN(attend_matches_reference);
    RUN(exp_is_within_three_units_in_the_last_place);
    RUN(unfold_matches_reference);
    RUN(winograd_matches_plain_convolution);
    RUN(multiply_matches_reference);
    RUN(narrow_products_are_summed_in_double_by_every_set);
    RUN(the_environment_chooses_a_set);
    return test_end();
}
