/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operations that are no layers, against plain loops, on the processor. */
#include "math_help.h"

#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 16 << 20 };

static size_t place(Tensor x, int n, int c, int h, int w)
{
    return (size_t)n * x.item + (size_t)c * x.plane + (size_t)h * x.row + (size_t)w;
}

/* ---- moving numbers -------------------------------------------------------------------------- */

typedef struct {
    int n, c, h, w; /* of the part */
    int at[4];      /* where it begins in the whole */
} Part;

/* A part of x [3, 5, 70, 90], or of more, goes to another part of y; the rest of y stays. */
static void check_copy(Part part, const int to[4], int h, int w)
{
    TestBed bed;
    size_t  count = 3 * 5 * (size_t)h * (size_t)w;
    float  *from = guarded(count, 1), *y = guarded(count, 2), *want = guarded(count, 2);
    Tensor  source = cpu_tensor(from, 3, 5, h, w), target = cpu_tensor(y, 3, 5, h, w);
    for (int n = 0; n < part.n; n++)
        for (int c = 0; c < part.c; c++)
            for (int row = 0; row < part.h; row++)
                for (int i = 0; i < part.w; i++)
                    want[place(target, n + to[0], c + to[1], row + to[2], i + to[3])] =
                        from[place(source, n + part.at[0], c + part.at[1], row + part.at[2],
                                   i + part.at[3])];
    bed_init(&bed, 2, MEMORY);
    source = tensor_channels(tensor_batch(source, part.at[0], part.n), part.at[1], part.c);
    source = tensor_columns(tensor_rows(source, part.at[2], part.h), part.at[3], part.w);
    target = tensor_channels(tensor_batch(target, to[0], part.n), to[1], part.c);
    target = tensor_columns(tensor_rows(target, to[2], part.h), to[3], part.w);
    copy(&bed.compute, target, source);
    CHECK(memcmp(y, want, count * sizeof *y) == 0);
    for (size_t i = 0; i < tensor_count(target); i++) {
        int column = (int)i % part.w, row = (int)i / part.w % part.h;
        int plane = (int)i / part.w / part.h;
        want[place(target, plane / part.c, plane % part.c, row, column) +
             target.offset / sizeof *y] = 7;
    }
    fill(&bed.compute, target, 7);
    CHECK(memcmp(y, want, count * sizeof *y) == 0);
    bed_finish(&bed);
    CHECK(guarded_free(from) && guarded_free(y) && guarded_free(want));
}

static void views_are_copied_and_filled_and_nothing_else(void)
{
    check_copy((Part){ 3, 5, 70, 90, { 0 } }, (int[4]){ 0 }, 70, 90);
    check_copy((Part){ 1, 1, 1, 1, { 2, 4, 69, 89 } }, (int[4]){ 0, 1, 2, 3 }, 70, 90);
    check_copy((Part){ 2, 5, 70, 90, { 1 } }, (int[4]){ 0 }, 70, 90);
    check_copy((Part){ 2, 3, 70, 90, { 1, 2, 0, 0 } }, (int[4]){ 0, 1, 0, 0 }, 70, 90);
    check_copy((Part){ 2, 3, 33, 90, { 1, 2, 7, 0 } }, (int[4]){ 0, 1, 30, 0 }, 70, 90);
    check_copy((Part){ 2, 3, 33, 41, { 1, 2, 7, 11 } }, (int[4]){ 0, 1, 30, 2 }, 70, 90);
    check_copy((Part){ 3, 5, 300, 301, { 0 } }, (int[4]){ 0 }, 300, 301); /* on all threads */
    check_copy((Part){ 3, 5, 299, 300, { 0, 0, 1, 1 } }, (int[4]){ 0 }, 300, 301);
    check_copy((Part){ 2, 2, 2, 70000, { 1, 0, 0, 3 } }, (int[4]){ 0, 3, 1, 5 }, 3, 70011);
}

static void channels_stand_behind_one_another_item_by_item(void)
{
    TestBed bed;
    float   a[2 * 3 * 4], b[2 * 2 * 4], y[2 * 5 * 4];
    fill_random(a, 24, 1);
    fill_random(b, 16, 2);
    bed_init(&bed, 1, MEMORY);
    concatenate(&bed.compute, cpu_tensor(y, 2, 5, 2, 2), cpu_tensor(a, 2, 3, 2, 2),
                cpu_tensor(b, 2, 2, 2, 2));
    for (int n = 0; n < 2; n++) {
        CHECK(memcmp(y + n * 20, a + n * 12, 12 * sizeof *y) == 0);
        CHECK(memcmp(y + n * 20 + 12, b + n * 8, 8 * sizeof *y) == 0);
    }
    bed_finish(&bed);
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static void maps_are_their_formulas(void)
{
    TestBed bed;
    float  *x = guarded(1009, 1), *y = guarded(1009, 2);
    Tensor  from = test_rows(x, 1, 1009), to = test_rows(y, 1, 1009);
    bed_init(&bed, 1, MEMORY);
    map(&bed.compute, to, from, MAP_MULTIPLY, 0.18215f, 0);
    for (int i = 0; i < 1009; i++)
        CHECK(y[i] == x[i] * 0.18215f);
    map(&bed.compute, to, from, MAP_DIVIDE, 0.18215f, 0);
    for (int i = 0; i < 1009; i++)
        CHECK(y[i] == x[i] / 0.18215f);
    map(&bed.compute, to, from, MAP_LINEAR, 2, -1);
    for (int i = 0; i < 1009; i++)
        CHECK(y[i] == 2 * x[i] - 1);
    map(&bed.compute, from, from, MAP_MULTIPLY, 20, 0);
    map(&bed.compute, to, from, MAP_SOFT_BOUND, 3, 0);
    for (int i = 0; i < 1009; i++)
        CHECK(fabs((double)y[i] - 3 * tanh((double)x[i] / 3)) < 1e-6);
    bed_finish(&bed);
    CHECK(guarded_free(x) && guarded_free(y));
}

static void rows_have_a_factor_each(void)
{
    static const float factors[] = { 1, 0, -2.5f };
    TestBed            bed;
    float              y[15], x[15];
    fill_random(x, 15, 1);
    memcpy(y, x, sizeof y);
    bed_init(&bed, 1, MEMORY);
    multiply_rows(&bed.compute, test_rows(y, 3, 5), factors);
    for (int i = 0; i < 15; i++)
        CHECK(y[i] == x[i] * factors[i / 5]);
    bed_finish(&bed);
}

static void sums_are_made_in_double_from_the_left_and_rounded_once(void)
{
    enum { COUNT = 1009 };
    TestBed bed;
    float  *x[4], *y = guarded(COUNT, 9), want[COUNT];
    Term    terms[4];
    bed_init(&bed, 1, MEMORY);
    for (int k = 0; k < 4; k++) {
        x[k] = guarded(COUNT, (uint32_t)k + 1);
        terms[k] = (Term){ k == 2 ? -4500.25 : 1.1 + k, test_rows(x[k], 1, COUNT) };
    }
    for (int n = 1; n <= 4; n++) {
        for (int i = 0; i < COUNT; i++) {
            double sum = terms[0].factor * (double)x[0][i];
            for (int k = 1; k < n; k++)
                sum += terms[k].factor * (double)x[k][i];
            want[i] = (float)sum;
        }
        combine(&bed.compute, test_rows(y, 1, COUNT), terms, n);
        CHECK(memcmp(y, want, sizeof want) == 0);
    }
    combine(&bed.compute, terms[3].x, terms, 4); /* in place */
    CHECK(memcmp(x[3], want, sizeof want) == 0);
    bed_finish(&bed);
    for (int k = 0; k < 4; k++)
        CHECK(guarded_free(x[k]));
    CHECK(guarded_free(y));
}

/* 1e9 times what is left of two numbers that are nearly the same: rounded before, it would be 0. */
static void a_difference_is_not_rounded_before_it_is_scaled(void)
{
    TestBed bed;
    float   y[2] = { 1, 1 }, x[2] = { 1, 1 }, z[2] = { 1 + 0x1p-23f, 0x1p-40f };
    bed_init(&bed, 1, MEMORY);
    add_difference(&bed.compute, test_rows(y, 1, 2), 1e9, test_rows(x, 1, 2), test_rows(z, 1, 2));
    CHECK(y[0] == (float)(1 - 1e9 * 0x1p-23));
    CHECK(y[1] == (float)(1 + 1e9 * (1 - 0x1p-40)));
    bed_finish(&bed);
}

static void a_mask_paints_from_its_threshold_on(void)
{
    static const float mask[] = { 0, 0.2f, 0.5f, 0.991f, 1, 0.99f };
    TestBed            bed;
    float              x[12], source[12], noise[12], y[12];
    fill_random(x, 12, 1);
    fill_random(source, 12, 2);
    fill_random(noise, 12, 3);
    bed_init(&bed, 1, MEMORY);
    for (int step = 0; step <= 20; step++) {
        double threshold = step / 20.0;
        keep_known(&bed.compute, cpu_tensor(y, 1, 2, 2, 3), cpu_tensor(x, 1, 2, 2, 3),
                   cpu_tensor((float *)(uintptr_t)mask, 1, 1, 2, 3),
                   cpu_tensor(source, 1, 2, 2, 3), cpu_tensor(noise, 1, 2, 2, 3), threshold, 1.7);
        for (int i = 0; i < 12; i++) {
            float known = (float)((double)source[i] + 1.7 * (double)noise[i]), m = mask[i % 6];
            CHECK(y[i] == (m > 0.99f || (m > 0 && (double)m >= threshold) ? x[i] : known));
        }
    }
    bed_finish(&bed);
}

/* ---- embeddings ------------------------------------------------------------------------------ */

static void tokens_are_rows_of_the_table_and_of_their_position(void)
{
    static const int tokens[] = { 6, 0, 3, 6 };
    for (TensorType type = TYPE_F32; type <= TYPE_F64; type++) {
        TestBed    bed;
        TestWeight table = test_weight(type, 7, 33, 1, 1, 1, 1);
        TestWeight positions = test_weight(type, 5, 33, 1, 1, 3, 2);
        float     *y = guarded(4 * 33, 3);
        bed_init(&bed, 1, MEMORY);
        embed_tokens(&bed.compute, test_rows(y, 4, 33), tokens, &table.weight, NULL);
        for (int i = 0; i < 4 * 33; i++)
            CHECK(y[i] == table.values[tokens[i / 33] * 33 + i % 33]);
        embed_tokens(&bed.compute, test_rows(y, 4, 33), tokens, &table.weight, &positions.weight);
        for (int i = 0; i < 4 * 33; i++)
            CHECK(y[i] == table.values[tokens[i / 33] * 33 + i % 33] + positions.values[i]);
        bed_finish(&bed);
        CHECK(guarded_free(y));
        test_weight_free(&table);
        test_weight_free(&positions);
    }
}

static void numbers_are_cosines_then_sines(void)
{
    static const double numbers[] = { 0, 999, 512.25 };
    for (int d = 2; d <= 321; d += 319 / 11)
        for (int rounded = 0; rounded < 2; rounded++) {
            TestBed bed;
            int     half = d / 2;
            float  *y = guarded(3 * (size_t)d, 1);
            bed_init(&bed, 1, MEMORY);
            embed_numbers(&bed.compute, test_rows(y, 3, d), numbers, rounded);
            for (int i = 0; i < 3; i++)
                for (int k = 0; k < half; k++) {
                    double angle = numbers[i] * exp(-log(10000.0) * k / half);
                    double bound = rounded ? 1e-4 : 1e-7; /* of an angle of 999 in float */
                    CHECK(fabs((double)y[i * d + k] - cos(angle)) < bound);
                    CHECK(fabs((double)y[i * d + half + k] - sin(angle)) < bound);
                }
            for (int i = 0; i < 3 && d % 2; i++)
                CHECK(y[i * d + d - 1] == 0);
            bed_finish(&bed);
            CHECK(guarded_free(y));
        }
}

static void a_transposed_weight_is_the_weight_transposed(void)
{
    TestBed    bed;
    TestWeight w = test_weight(TYPE_F16, 67, 31, 1, 1, 1, 1); /* [in, out] */
    float     *x = guarded(2 * 67, 2), *y = guarded(2 * 31, 3), want[2 * 31];
    for (int i = 0; i < 2 * 31; i++) {
        double sum = 0;
        for (int k = 0; k < 67; k++)
            sum += (double)x[i / 31 * 67 + k] * (double)w.values[k * 31 + i % 31];
        want[i] = (float)sum;
    }
    bed_init(&bed, 1, MEMORY);
    linear_transposed(&bed.compute, test_rows(y, 2, 31), test_rows(x, 2, 67),
                      &(Linear){ .weight = w.weight });
    CHECK_NEAR(y, want, 2 * 31, 1e-5);
    bed_finish(&bed);
    CHECK(guarded_free(x) && guarded_free(y));
    test_weight_free(&w);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void means_and_deviations_do_not_cancel(void)
{
    enum { COUNT = 40000 };
    TestBed bed;
    float  *x = guarded(COUNT, 1);
    double  sum = 0, squares = 0;
    for (int i = 0; i < COUNT; i++)
        sum += (double)(x[i] += 3000);
    for (int i = 0; i < COUNT; i++)
        squares += ((double)x[i] - sum / COUNT) * ((double)x[i] - sum / COUNT);
    bed_init(&bed, 1, MEMORY);
    CHECK(mean(&bed.compute, test_rows(x, 200, 200)) == sum / COUNT);
    CHECK(fabs(deviation(&bed.compute, test_rows(x, 200, 200)) - sqrt(squares / COUNT)) < 1e-9);
    bed_finish(&bed);
    CHECK(guarded_free(x));
}

static void what_is_not_finite_is_found_wherever_it_is(void)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY };
    TestBed            bed;
    float              x[101];
    fill_random(x, 101, 1);
    x[50] = 3.4e38f;
    bed_init(&bed, 1, MEMORY);
    CHECK(all_finite(&bed.compute, test_rows(x, 1, 101)));
    for (int i = 0; i < 101; i++) {
        float kept = x[i];
        x[i] = bad[i % 3];
        CHECK(!all_finite(&bed.compute, test_rows(x, 1, 101)));
        x[i] = kept;
    }
    bed_finish(&bed);
}

/* ---- in and out, and dry --------------------------------------------------------------------- */

static void what_is_uploaded_is_read_back(void)
{
    TestBed bed;
    float   x[60], y[60];
    fill_random(x, 60, 1);
    bed_init(&bed, 1, MEMORY);
    Tensor tensor = tensor_new(&bed.compute, ARENA_LOW, 1, 3, 4, 5);
    upload(&bed.compute, tensor, x);
    read_back(&bed.compute, y, tensor);
    CHECK(memcmp(x, y, sizeof x) == 0);
    bed_finish(&bed);
}

static void count_upload(void *user, float *host)
{
    (void)host;
    ++*(int *)user;
}

static void count_read(void *user, const float *host)
{
    (void)host;
    ++*(int *)user;
}

static void a_dry_run_looks_at_nothing_and_answers_with_what_goes_on(void)
{
    TestBed bed;
    int     calls = 0;
    bed_init(&bed, 2, 0);
    Tensor x = tensor_new(&bed.compute, ARENA_LOW, 1, 3, 4, 5);
    upload_by(&bed.compute, x, count_upload, &calls);
    read_by(&bed.compute, x, count_read, &calls);
    copy(&bed.compute, tensor_rows(x, 0, 1), tensor_rows(x, 2, 1));
    CHECK_INT(calls, 0);
    CHECK(mean(&bed.compute, x) == 0 && deviation(&bed.compute, x) == 0);
    CHECK(all_finite(&bed.compute, x) && compute_dry(&bed.compute));
    bed_finish(&bed);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(views_are_copied_and_filled_and_nothing_else);
    RUN(channels_stand_behind_one_another_item_by_item);
    RUN(maps_are_their_formulas);
    RUN(rows_have_a_factor_each);
    RUN(sums_are_made_in_double_from_the_left_and_rounded_once);
    RUN(a_difference_is_not_rounded_before_it_is_scaled);
    RUN(a_mask_paints_from_its_threshold_on);
    RUN(tokens_are_rows_of_the_table_and_of_their_position);
    RUN(numbers_are_cosines_then_sines);
    RUN(a_transposed_weight_is_the_weight_transposed);
    RUN(means_and_deviations_do_not_cancel);
    RUN(what_is_not_finite_is_found_wherever_it_is);
    RUN(what_is_uploaded_is_read_back);
    RUN(a_dry_run_looks_at_nothing_and_answers_with_what_goes_on);
    return test_end();
}
