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
    CHECK(tensor_count(tensor_view(NULL, 2, 1 << 16, 1 << 10, 1 << 10)) == (size_t)1 << 37);
    Weight weight = { .shape = { 1 << 16, 1 << 16, 3, 3 } };
    CHECK(weight_count(&weight) == (size_t)9 << 32);
}

static void batches_of_nothing_stay_nothing(void)
{
    float  x[24];
    Tensor view = tensor_view(x, 4, 1, 2, 3), dry = tensor_view(NULL, 4, 1, 2, 3);
    CHECK(tensor_batch(view, 3, 1).data == x + 18);
    CHECK(tensor_batch(view, 1, 2).n == 2);
    CHECK(tensor_batch(dry, 3, 1).data == NULL);
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
    Weight       weight = { values, TYPE_F64, { 4, 1, 1, 1 } };
    float        got[4];
    weight_to_float(got, &weight, 0, 4);
    CHECK(got[0] == 0.1F && isinf(got[1]) && got[1] < 0 && got[2] == 0 && got[3] == 1);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(types_have_names_and_sizes);
    RUN(counts_do_not_overflow_int);
    RUN(batches_of_nothing_stay_nothing);
    RUN(rows_of_a_weight_are_a_weight);
    RUN(doubles_are_rounded_to_float);
    return test_end();
}
