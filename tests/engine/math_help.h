/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of math/ share: numbers, guarded memory, weights of every type, a place to compute. */
#pragma once

#include "compute/cpu/cpu.h"
#include "compute/dry.h"
#include "compute/layers.h"

#include <stddef.h>
#include <stdint.h>

/* The same numbers in -1 … 1 for the same seed. */
void fill_random(float *x, size_t count, uint32_t seed);

/* Memory (filled from `seed`) with known bytes before and behind; guarded_free() is false when they
 * were changed. */
float *guarded(size_t count, uint32_t seed);
bool   guarded_free(float *x);

/* A weight of any type, its values and what they are as floats; `skew` bytes off alignment. */
typedef struct {
    Weight weight;
    float *values;
    void  *memory;
} TestWeight;
TestWeight test_weight(TensorType type, int a, int b, int c, int d, int skew, uint32_t seed);
void       test_weight_free(TestWeight *weight);

/* Threads and an arena; bytes 0: a dry run. */
typedef struct {
    Cpu      cpu;
    Dry      dry;
    Threads *threads;
    Compute  compute;
    Arena    arena;
} TestBed;
void bed_init(TestBed *bed, int threads, size_t bytes);
void bed_finish(TestBed *bed);

/* Rows of numbers in the program's memory, as a tensor [1, 1, rows, d]. */
Tensor test_rows(const float *x, int rows, int d);
