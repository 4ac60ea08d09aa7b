/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walk from one noise level to the next lower one.
 *
 * All samplers hold latents as x = x0 + sigma * noise and ask for the same thing: an estimate of x0
 * from x at some sigma.  A step asks once (heun, dpm2 and dpmpp_sde: twice, but for the last).
 *
 *   euler, heun    Karras et al. 2022, arXiv:2206.00364, algorithm 1 without churn
 *   euler_a        euler to a lower level and fresh noise back up (k-diffusion, eta 1)
 *   dpm2           the same paper's second order by the geometric middle of both levels
 *   dpmpp_*        Lu et al. 2022, arXiv:2211.01095; sde: eta 1, 2m_sde in its midpoint form
 *   unipc          Zhao et al. 2023, arXiv:2302.04867; order 2, B(h) = exp(h) - 1, which is what
 *                  diffusers' UniPCMultistepScheduler does
 *   ddim           Song et al. 2020, arXiv:2010.02502, eta 0: in these variables it is euler
 *   lcm            Luo et al. 2023, arXiv:2310.04378: the estimate and fresh noise
 * No sampler drops the last but one level, as some programs do for dpm2 and unipc. */
#pragma once

#include "noise.h"

enum { SAMPLER_MAX_BUFFERS = 3 };

/* denoised = estimate of x0 from x at sigma > 0, [count] both; false, with denoised untouched, ends
 * the run. */
typedef bool (*SamplerDenoise)(void *user, float *denoised, const float *x, double sigma);

typedef struct {
    EngineSampler  kind;
    size_t         count;
    Noise         *noise; /* continued by one fill of count numbers for each fresh noise */
    SamplerDenoise denoise;
    void          *user;
    float         *denoised; /* [count], the estimate of the last finished step */
    float         *buffers[SAMPLER_MAX_BUFFERS];
    int            step;          /* steps done */
    double         sigmas[2];     /* levels of the last step and of the one before */
} Sampler;

/* Arrays of `count` floats that a sampler needs besides x. */
int sampler_buffer_count(EngineSampler kind);

/* memory [sampler_buffer_count(kind) * count] is borrowed until the last step, and so is noise.
 * count 0 (memory and x NULL) makes a dry run: only `denoise` is called. */
void sampler_init(Sampler *sampler, EngineSampler kind, float *memory, size_t count, Noise *noise,
                  SamplerDenoise denoise, void *user);

/* x [count] from sigma to next, sigma > next >= 0; false when `denoise` said so, having written
 * nothing: x is of no use then, and sampler->denoised as the step before left it. */
bool sampler_step(Sampler *sampler, float *x, double sigma, double next);
