/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Seeded standard normal numbers, bit for bit those of other programs, so that a seed means the
 * same picture there and here.
 *
 *   ENGINE_NOISE_GPU  Philox 4x32-10 with Box and Muller's transform in double, rounded to float:
 *                     A1111's "GPU"/"NV" source, torch.randn on CUDA up to rounding.
 *                     Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
 *   ENGINE_NOISE_CPU  torch.randn on its CPU generator: Mersenne twister 19937, 24-bit uniforms,
 *                     Box and Muller in blocks of 16 with torch's AVX2 polynomials (its builds for
 *                     older processors differ from those in the last bits), below 16 numbers in
 *                     double.  Matsumoto and Nishimura 1998. */
#pragma once

#include "../base/choices.h"
#include "../compute/layers.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    EngineNoise source;
    uint64_t    seed;
    uint32_t    calls;      /* Philox: one counter a call */
    uint32_t    state[624]; /* Mersenne twister */
    int         used;       /* of state */
    bool        has_spare;  /* torch keeps the second number of a pair for the next small call */
    double      spare;
} Noise;

void noise_init(Noise *noise, EngineNoise source, uint64_t seed);

/* The next `count` numbers, as one call of randn() with this many elements gives them. */
void noise_fill(Noise *noise, float *out, size_t count);

/* The same into a tensor, drawn by the host whatever the device; a dry run draws none. */
void noise_upload(Compute *compute, Tensor y, Noise *noise);
