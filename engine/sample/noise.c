/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "noise.h"

#include <math.h>
#include <string.h>

/* ---- Philox ------------------------------------------------------------------------------ */

static void philox_rounds(uint32_t counter[4], uint32_t key0, uint32_t key1)
{
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)counter[0] * 0xD2511F53u;
        uint64_t b = (uint64_t)counter[2] * 0xCD9E8D57u;
        uint32_t c1 = counter[1], c3 = counter[3];
        counter[0] = (uint32_t)(b >> 32) ^ c1 ^ key0;
        counter[1] = (uint32_t)b;
        counter[2] = (uint32_t)(a >> 32) ^ c3 ^ key1;
        counter[3] = (uint32_t)a;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

static void fill_philox(Noise *noise, float *out, size_t count)
{
    /* The constants are floats in the reference and take part in double arithmetic. */
    const float inverse = 2.3283064e-10f, inverse_2pi = (float)(2.3283064e-10 * 6.2831855);
    for (size_t i = 0; i < count; i++) {
        /* Each number has its own counter, so its place decides it and not the order they are drawn
         * in. */
        uint32_t counter[4] = { noise->calls, 0, (uint32_t)i, 0 };
        philox_rounds(counter, (uint32_t)noise->seed, (uint32_t)(noise->seed >> 32));
        /* Half a step is added, so the logarithm never sees 0. */
        double u = (double)counter[0] * (double)inverse + (double)(inverse / 2);
        double v = (double)counter[1] * (double)inverse_2pi + (double)(inverse_2pi / 2);
        out[i] = (float)(sqrt(-2.0 * log(u)) * sin(v));
    }
    noise->calls++;
}

/* ---- Mersenne twister, as torch uses it --------------------------------------------------- */

static void twister_seed(Noise *noise)
{
    uint32_t *mt = noise->state;
    /* The low 32 bits, as torch takes them: seeds 2^32 apart are the same noise. */
    mt[0] = (uint32_t)noise->seed;
    for (uint32_t i = 1; i < 624; i++)
        mt[i] = 1812433253u * (mt[i - 1] ^ mt[i - 1] >> 30) + i;
    noise->used = 624;
}

static uint32_t twister_next(Noise *noise)
{
    uint32_t *mt = noise->state;
    if (noise->used == 624) {
        for (int i = 0; i < 624; i++) {
            uint32_t y = (mt[i] & 0x80000000u) | (mt[(i + 1) % 624] & 0x7fffffffu);
            mt[i] = mt[(i + 397) % 624] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
        }
        noise->used = 0;
    }
    uint32_t y = mt[noise->used++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

static float uniform_float(Noise *noise)
{
    return (float)(twister_next(noise) & 0xffffffu) * 0x1p-24f;
}

static double uniform_double(Noise *noise)
{
    uint64_t high = twister_next(noise);
    uint64_t low = twister_next(noise);
    return (double)((high << 32 | low) & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

/* Natural logarithm as torch's vector code has it: Cephes' logf with every product fused into the
 * sum behind it. x is positive and normal. */
static float vector_log(float x)
{
    static const float p[] = { 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f,
                               -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                               2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f };
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    float exponent = (float)((int)(bits >> 23) - 126);
    bits = (bits & 0x807fffffu) | 0x3f000000u;
    memcpy(&x, &bits, sizeof x);
    float again = 0;
    if (x < 0.707106781186547524f) {
        exponent -= 1;
        again = x;
    }
    x = (x - 1) + again;
    float square = x * x, y = p[0];
    for (int i = 1; i < 9; i++)
        y = fmaf(y, x, p[i]);
    y = fmaf(y * x, square, exponent * -2.12194440e-4f);
    y = fmaf(-square, 0.5f, y);
    return fmaf(exponent, 0.693359375f, x + y);
}

/* Sine and cosine in the same way; x >= 0 and below a few turns. */
static void vector_sincos(float x, float *sine, float *cosine)
{
    int octant = ((int)(x * 1.27323954473516f) + 1) & ~1;
    float y = (float)octant;
    x = fmaf(y, -0.78515625f, x);
    x = fmaf(y, -2.4187564849853515625e-4f, x);
    x = fmaf(y, -3.77489497744594108e-8f, x);
    float z = x * x;
    float c = fmaf(2.443315711809948e-5f, z, -1.388731625493765e-3f);
    c = fmaf(c, z, 4.166664568298827e-2f) * z;
    c = fmaf(c, z, z * -0.5f) + 1;
    float s = fmaf(-1.9515295891e-4f, z, 8.3321608736e-3f);
    s = fmaf(s, z, -1.6666654611e-1f) * z;
    s = fmaf(s, x, x);
    bool swap = octant & 2;
    *sine = swap ? c : s;
    *cosine = swap ? s : c;
    if (octant & 4)
        *sine = -*sine;
    if (~(octant - 2) & 4)
        *cosine = -*cosine;
}

/* 16 uniform numbers to 16 normal ones. */
static void normal_16(float *block)
{
    for (int i = 0; i < 8; i++) {
        /* 1 - u is in (0, 1], where the logarithm is finite. */
        float radius = sqrtf(-2 * vector_log(1 - block[i])), sine, cosine;
        vector_sincos(6.28318530717958647692f * block[i + 8], &sine, &cosine);
        block[i] = radius * cosine;
        block[i + 8] = radius * sine;
    }
}

static void fill_twister(Noise *noise, float *out, size_t count)
{
    if (count < 16) {
        for (size_t i = 0; i < count; i++) {
            if (noise->has_spare) {
                out[i] = (float)noise->spare;
                noise->has_spare = false;
                continue;
            }
            double u1 = uniform_double(noise), u2 = uniform_double(noise);
            double radius = sqrt(-2 * log1p(-u2)), angle = 2 * 3.14159265358979323846 * u1;
            noise->spare = radius * sin(angle);
            noise->has_spare = true;
            out[i] = (float)(radius * cos(angle));
        }
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = uniform_float(noise);
    for (size_t i = 0; i + 16 <= count; i += 16)
        normal_16(out + i);
    if (count % 16) { /* the last 16 are drawn anew */
        for (size_t i = count - 16; i < count; i++)
            out[i] = uniform_float(noise);
        normal_16(out + count - 16);
    }
}

void noise_init(Noise *noise, EngineNoise source, uint64_t seed)
{
    *noise = (Noise){ .source = source, .seed = seed };
    if (source == ENGINE_NOISE_CPU)
        twister_seed(noise);
}

void noise_fill(Noise *noise, float *out, size_t count)
{
    if (noise->source == ENGINE_NOISE_CPU)
        fill_twister(noise, out, count);
    else
        fill_philox(noise, out, count);
}

typedef struct {
    Noise *noise;
    size_t count;
} Draw;

static void draw(void *user, float *host)
{
    const Draw *request = user;
    noise_fill(request->noise, host, request->count);
}

void noise_upload(Compute *compute, Tensor y, Noise *noise)
{
    upload_by(compute, y, draw, &(Draw){ noise, tensor_count(y) });
}
