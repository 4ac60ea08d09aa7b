/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math_help.h"

#include "test.h"

#include <math.h>
#include <string.h>

static void types_have_names_and_sizes(void)
{
    CHECK_STRING(tensor_type_name(TYPE_F32), "F32");
    CHECK_STRING(tensor_type_name(TYPE_F8_E4M3), "F8_E4M3");
    CHECK_STRING(tensor_type_name(TYPE_F4), "F4");
    CHECK_INT(tensor_type_bits(TYPE_F64), 64);
    CHECK_INT(tensor_type_bits(TYPE_F6_E2M3), 6);
    for (TensorType type = 0; type < TYPE_COUNT; type++)
        CHECK(tensor_type_bits(type) >= 4 && tensor_type_name(type)[0]);
}

static void counts_do_not_overflow_int(void)
{
    CHECK(tensor_count(tensor_at(NULL, 0, TYPE_F32, 2, 1 << 16, 1 << 10, 1 << 10)) == (size_t)1 << 37);
    Weight weight = { .shape = { 1 << 16, 1 << 16, 3, 3 } };
    CHECK(weight_count(&weight) == (size_t)9 << 32);
}

/* Where element [n, c, h, w] of a view lies, in elements from the start of the memory. */
static size_t place(Tensor x, int n, int c, int h, int w)
{
    return x.offset / sizeof(float) + (size_t)n * x.item + (size_t)c * x.plane +
           (size_t)h * x.row + (size_t)w;
}

static void views_are_of_the_same_memory(void)
{
    Tensor x = tensor_at(NULL, 64, TYPE_F32, 4, 3, 5, 7); /* no memory: a dry run's */
    size_t at = place(x, 2, 1, 3, 4);
    CHECK_INT((long long)at, 16 + ((2 * 3 + 1) * 5 + 3) * 7 + 4);
    CHECK(place(tensor_batch(x, 2, 2), 0, 1, 3, 4) == at);
    CHECK(place(tensor_channels(x, 1, 2), 2, 0, 3, 4) == at);
    CHECK(place(tensor_rows(x, 3, 2), 2, 1, 0, 4) == at);
    CHECK(place(tensor_columns(x, 4, 3), 2, 1, 3, 0) == at);
    Tensor inner = tensor_columns(tensor_rows(tensor_channels(tensor_batch(x, 2, 1), 1, 1), 3, 2), 4, 2);
    CHECK(place(inner, 0, 0, 0, 0) == at);
    CHECK(inner.n == 1 && inner.c == 1 && inner.h == 2 && inner.w == 2 && inner.memory == NULL);
    CHECK(tensor_bytes(inner) == 16);
}

static void views_that_leave_gaps_are_not_whole(void)
{
    Tensor x = tensor_at(NULL, 0, TYPE_F32, 4, 3, 5, 7);
    CHECK(tensor_is_whole(x) && tensor_is_whole(tensor_batch(x, 1, 2)));
    CHECK(!tensor_is_whole(tensor_channels(x, 1, 2)));
    CHECK(!tensor_is_whole(tensor_rows(x, 1, 2)) && !tensor_is_whole(tensor_columns(x, 1, 2)));
    Tensor item = tensor_batch(x, 1, 1), plane = tensor_channels(item, 1, 1);
    CHECK(tensor_is_whole(tensor_channels(item, 1, 2)));
    CHECK(tensor_is_whole(tensor_rows(plane, 1, 2)) && !tensor_is_whole(tensor_columns(plane, 1, 2)));
    CHECK(tensor_is_whole(tensor_columns(tensor_rows(plane, 1, 1), 1, 2)));
}

static void memory_may_be_used_in_another_shape(void)
{
    Tensor x = tensor_at(NULL, 32, TYPE_F32, 1, 3, 5, 7), y = tensor_as(x, 1, 1, 4, 25);
    CHECK(y.offset == 32 && tensor_is_whole(y) && tensor_count(y) == 100 && y.row == 25);
    CHECK(!tensor_same_shape(x, y) && tensor_same_shape(x, tensor_as(x, 1, 3, 5, 7)));
}

static void rows_of_a_weight_are_a_weight(void)
{
    TestWeight w = test_weight(TYPE_F16, 6, 5, 3, 3, 1, 1);
    Weight     rows = weight_rows(&w.weight, 2, 3);
    float      values[3 * 45];
    CHECK(weight_count(&rows) == 3 * 45);
    weight_to_float(values, &rows, 0, 3 * 45);
    CHECK(memcmp(values, w.values + 90, sizeof values) == 0);
    weight_to_float(values, &w.weight, 101, 7);
    CHECK(memcmp(values, w.values + 101, 7 * sizeof *values) == 0);
    Weight none = { .shape = { 6, 5, 1, 1 } };
    CHECK(weight_rows(&none, 2, 3).data == NULL);
    test_weight_free(&w);
}

static void doubles_are_rounded_to_float(void)
{
    const double values[] = { 0.1, -1e300, 1e-300, 1.0 + 0x1p-30 };
    Weight       weight = { .data = values, .type = TYPE_F64, .shape = { 4, 1, 1, 1 } };
    float        got[4];
    weight_to_float(got, &weight, 0, 4);
    CHECK(got[0] == 0.1F && isinf(got[1]) && got[1] < 0 && got[2] == 0 && got[3] == 1);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(types_have_names_and_sizes);
    RUN(counts_do_not_overflow_int);
    RUN(views_are_of_the_same_memory);
    RUN(views_that_leave_gaps_are_not_whole);
    RUN(memory_may_be_used_in_another_shape);
    RUN(rows_of_a_weight_are_a_weight);
    RUN(doubles_are_rounded_to_float);
    return test_end();
}
