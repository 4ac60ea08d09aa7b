/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample/noise.h"
#include "sample_help.h"
#include "test.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t seeds[] = { 0, 1234, UINT64_C(4294967301), UINT64_MAX };
enum { SEEDS = sizeof seeds / sizeof seeds[0] };

static void check_bits(Noise *noise, const char *kind, uint64_t seed, int call, size_t count)
{
    char  name[64];
    float got[64];
    snprintf(name, sizeof name, "noise.%s.%" PRIx64 ".%d", kind, seed, call);
    noise_fill(noise, got, count);
    if (!CHECK(memcmp(got, golden_floats(name, count), count * sizeof *got) == 0))
        printf("    %s\n", name);
}

/* The example in A1111's description of its generator, printed from a graphics card. */
static void gpu_noise_is_what_a1111_publishes(void)
{
    static const float want[12] = { -0.92466259f, -0.42534415f, -2.6438457f, 0.14518388f,
                                    -0.12086647f, -0.57972564f, -0.62285122f, -0.32838709f,
                                    -1.07454231f, -0.36314407f, -1.67105067f, 2.26550497f };
    float              got[12];
    Noise              noise;
    noise_init(&noise, ENGINE_NOISE_GPU, 0);
    noise_fill(&noise, got, 12);
    CHECK_NEAR(got, want, 12, 5e-7);
}

static void gpu_noise_equals_the_reference_bit_for_bit(void)
{
    for (int i = 0; i < SEEDS; i++) {
        Noise noise;
        noise_init(&noise, ENGINE_NOISE_GPU, seeds[i]);
        for (int call = 0; call < 2; call++)
            check_bits(&noise, "gpu", seeds[i], call, 37);
    }
}

static void cpu_noise_equals_torch_bit_for_bit(void)
{
    for (int i = 0; i < SEEDS; i++) {
        Noise noise;
        noise_init(&noise, ENGINE_NOISE_CPU, seeds[i]);
        for (int call = 0; call < 2; call++)
            check_bits(&noise, "cpu", seeds[i], call, 37);
        for (int call = 0; call < 3; call++) /* 7 numbers: pairs, of which one is left over */
            check_bits(&noise, "cpu.small", seeds[i], call, 7);
    }
}

static void gpu_noise_of_a_longer_call_begins_the_same(void)
{
    float a[5], b[50];
    Noise noise;
    noise_init(&noise, ENGINE_NOISE_GPU, 77);
    noise_fill(&noise, a, 5);
    noise_init(&noise, ENGINE_NOISE_GPU, 77);
    noise_fill(&noise, b, 50);
    CHECK(memcmp(a, b, sizeof a) == 0);
}

static void all_64_bits_of_a_seed_count_on_the_gpu(void)
{
    for (int bit = 0; bit < 64; bit++) {
        float a[8], b[8];
        Noise noise;
        noise_init(&noise, ENGINE_NOISE_GPU, 5);
        noise_fill(&noise, a, 8);
        noise_init(&noise, ENGINE_NOISE_GPU, 5 ^ UINT64_C(1) << bit);
        noise_fill(&noise, b, 8);
        CHECK(memcmp(a, b, sizeof a) != 0);
    }
}

static void noise_is_standard_normal(void)
{
    enum { COUNT = 200003 };
    float *x = malloc(COUNT * sizeof *x);
    for (int source = 0; source < 2; source++) {
        double mean = 0, square = 0, fourth = 0, neighbour = 0;
        Noise  noise;
        noise_init(&noise, (EngineNoise)source, 42);
        noise_fill(&noise, x, COUNT);
        for (int i = 0; i < COUNT; i++) {
            double value = (double)x[i];
            CHECK(isfinite(value) && fabs(value) < 7);
            mean += value / COUNT;
            square += value * value / COUNT;
            fourth += value * value * value * value / COUNT;
            neighbour += i ? value * (double)x[i - 1] / COUNT : 0;
        }
        CHECK(fabs(mean) < 0.01); /* 4.5 standard errors, here and below */
        CHECK(fabs(square - 1) < 0.015);
        CHECK(fabs(fourth - 3) < 0.1);
        CHECK(fabs(neighbour) < 0.01);
    }
    free(x);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(gpu_noise_is_what_a1111_publishes);
    RUN(gpu_noise_equals_the_reference_bit_for_bit);
    RUN(cpu_noise_equals_torch_bit_for_bit);
    RUN(gpu_noise_of_a_longer_call_begins_the_same);
    RUN(all_64_bits_of_a_seed_count_on_the_gpu);
    RUN(noise_is_standard_normal);
    return test_end();
}
