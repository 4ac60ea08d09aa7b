/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math_help.h"

#include <stdlib.h>
#include <string.h>

enum { GUARD = 64 };

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

void fill_random(float *x, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++)
        x[i] = (float)next(&seed) / (1 << 23) - 1;
}

float *guarded(size_t count, uint32_t seed)
{
    size_t         bytes = count * sizeof(float);
    unsigned char *block = malloc(2 * GUARD + bytes + sizeof bytes);
    memcpy(block, &bytes, sizeof bytes);
    memset(block + sizeof bytes, 0xa5, 2 * GUARD + bytes);
    float *x = (float *)(void *)(block + sizeof bytes + GUARD);
    fill_random(x, count, seed);
    return x;
}

bool guarded_free(float *x)
{
    unsigned char *start = (unsigned char *)x - GUARD, *block = start - sizeof(size_t);
    size_t         bytes;
    bool           intact = true;
    memcpy(&bytes, block, sizeof bytes);
    for (size_t i = 0; i < GUARD; i++)
        intact = intact && start[i] == 0xa5 && start[GUARD + bytes + i] == 0xa5;
    free(block);
    return intact;
}

TestWeight test_weight(TensorType type, int a, int b, int c, int d, int skew, uint32_t seed)
{
    TestWeight w = { .weight = { .type = type, .shape = { a, b, c, d } } };
    size_t     count = weight_count(&w.weight), bytes = (size_t)tensor_type_bits(type) / 8;
    w.memory = malloc(count * bytes + 64);
    w.values = malloc(count * sizeof *w.values);
    unsigned char *data = (unsigned char *)w.memory + skew;
    for (size_t i = 0; i < count; i++) {
        float    value = (float)next(&seed) / (1 << 23) - 1;
        double   wide = (double)value;
        uint32_t bits = next(&seed);
        /* Any sign and mantissa, an exponent that keeps the size at 1/4 … 1. */
        uint16_t half = (uint16_t)((bits & 0x87ff) | 0x3400);
        uint16_t bfloat = (uint16_t)((bits & 0x80ff) | 0x3e80);
        uint8_t  e4m3 = (uint8_t)((bits & 0x8f) | 0x28), e5m2 = (uint8_t)((bits & 0x87) | 0x34);
        memcpy(data + i * bytes,
               type == TYPE_F32       ? (void *)&value
               : type == TYPE_F64     ? (void *)&wide
               : type == TYPE_F16     ? (void *)&half
               : type == TYPE_BF16    ? (void *)&bfloat
               : type == TYPE_F8_E4M3 ? (void *)&e4m3
                                      : (void *)&e5m2,
               bytes);
    }
    w.weight.data = data;
    weight_convert(kernels_by_name("reference"), w.values, &w.weight, 0, count);
    return w;
}

void test_weight_free(TestWeight *weight)
{
    free(weight->memory);
    free(weight->values);
}

void bed_init(TestBed *bed, int threads, size_t bytes)
{
    memset(bed, 0, sizeof *bed);
    bed->threads = threads_create(threads);
    cpu_init(&bed->cpu, bed->threads, NULL, &(EngineError){ 0 });
    dry_init(&bed->dry, &bed->cpu.device);
    if (!arena_init(&bed->arena, bytes ? &bed->cpu.device : &bed->dry.device, bytes))
        abort();
    bed->compute.scratch = &bed->arena;
}

void bed_finish(TestBed *bed)
{
    threads_destroy(bed->threads);
    arena_finish(&bed->arena);
}

Tensor test_rows(const float *x, int rows, int d)
{
    return cpu_tensor((float *)(uintptr_t)x, 1, 1, rows, d);
}
