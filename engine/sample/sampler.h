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

#include "../compute/layers.h"
#include "noise.h"

enum { SAMPLER_MAX_BUFFERS = 3 };

/* denoised = estimate of x0 from x at sigma > 0, of one shape; false, with denoised untouched, ends
 * the run. */
typedef bool (*SamplerDenoise)(void *user, Tensor denoised, Tensor x, double sigma);

typedef struct {
    EngineSampler  kind;
    Compute       *compute;
    Noise         *noise; /* continued by one draw of x's size for each fresh noise */
    SamplerDenoise denoise;
    void          *user;
    Tensor         denoised; /* the estimate of the last finished step */
    Tensor         buffers[SAMPLER_MAX_BUFFERS];
    int            step;      /* steps done */
    double         sigmas[2]; /* levels of the last step and of the one before */
} Sampler;

/* Tensors of x's shape that a sampler needs besides x. */
int sampler_buffer_count(EngineSampler kind);

/* memory [sampler_buffer_count(kind), c, h, w] is borrowed until the last step, and so is noise. */
void sampler_init(Sampler *sampler, EngineSampler kind, Compute *compute, Tensor memory,
                  Noise *noise, SamplerDenoise denoise, void *user);

/* x [1, c, h, w] from sigma to next, sigma > next >= 0; false when `denoise` said so, having written
 * nothing: x is of no use then, and sampler->denoised as the step before left it. */
bool sampler_step(Sampler *sampler, Tensor x, double sigma, double next);
