/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sampler.h"

#include <assert.h>
#include <math.h>

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* y = a x + b z; y may be either. */
static void mix(Sampler *s, Tensor y, double a, Tensor x, double b, Tensor z)
{
    combine(s->compute, y, (Term[]){ { a, x }, { b, z } }, 2);
}

/* y += a x */
static void add_scaled(Sampler *s, Tensor y, double a, Tensor x)
{
    mix(s, y, 1, y, a, x);
}

/* Along the straight line from x through the estimate, from sigma to next: x0 + next / sigma * (x -
 * x0).  This form, unlike x + slope * (next - sigma), loses nothing at the 4500 that is the first
 * sigma of models with zero terminal SNR, and gives x0 itself at next 0. */
static void glide(Sampler *s, Tensor y, Tensor x, Tensor x0, double sigma, double next)
{
    mix(s, y, next / sigma, x, 1 - next / sigma, x0);
}

/* y += amount * fresh noise; `memory` is overwritten by that noise. */
static void add_noise(Sampler *s, Tensor y, double amount, Tensor memory)
{
    noise_upload(s->compute, memory, s->noise);
    add_scaled(s, y, amount, memory);
}

/* An ancestral step goes down to `down` and up again to next by adding `up` of fresh noise. */
static double ancestral_down(double sigma, double next, double *up)
{
    double ratio = next / sigma;
    /* down^2 + up^2 = next^2: variances add up. */
    *up = next * sqrt(fmax(0, 1 - ratio * ratio));
    return next * ratio;
}

/* ---- one step of each ------------------------------------------------------------------------ */

static bool step_euler(Sampler *s, Tensor x, double sigma, double next)
{
    if (!s->denoise(s->user, s->denoised, x, sigma))
        return false;
    glide(s, x, x, s->denoised, sigma, next);
    return true;
}

static bool step_euler_a(Sampler *s, Tensor x, double sigma, double next)
{
    if (!s->denoise(s->user, s->denoised, x, sigma))
        return false;
    double up, down = ancestral_down(sigma, next, &up);
    glide(s, x, x, s->denoised, sigma, down);
    if (next > 0)
        add_noise(s, x, up, s->buffers[0]);
    return true;
}

/* The last step is Euler's: the slope at level 0 would be divided by it. dpm2 and dpmpp_sde do the
 * same, whose middle would be 0. */
static bool step_heun(Sampler *s, Tensor x, double sigma, double next)
{
    Tensor end = s->buffers[0], first = s->buffers[1];
    if (next == 0)
        return step_euler(s, x, sigma, next);
    if (!s->denoise(s->user, first, x, sigma))
        return false;
    glide(s, end, x, first, sigma, next);
    if (!s->denoise(s->user, s->denoised, end, next))
        return false;
    /* x + (next - sigma) * (slope here + slope there) / 2 */
    double half = (next - sigma) / 2;
    add_difference(s->compute, x, half / sigma, x, first);
    add_difference(s->compute, x, half / next, end, s->denoised);
    return true;
}

static bool step_dpm2(Sampler *s, Tensor x, double sigma, double next)
{
    if (next == 0)
        return step_euler(s, x, sigma, next);
    Tensor at_middle = s->buffers[0];
    double middle = sqrt(sigma * next);
    if (!s->denoise(s->user, at_middle, x, sigma))
        return false;
    glide(s, at_middle, x, at_middle, sigma, middle);
    if (!s->denoise(s->user, s->denoised, at_middle, middle))
        return false;
    add_difference(s->compute, x, (next - sigma) / middle, at_middle, s->denoised);
    return true;
}

/* The new estimate goes on from the one before: x0 + (x0 - previous) * weight. */
static void extrapolate(Sampler *s, Tensor y, Tensor previous, double weight)
{
    mix(s, y, 1 + weight, s->denoised, -weight, previous);
}

/* The weight is 1 / (2 r) of the paper's algorithm 2, with h = log(sigma / next) and r the last h
 * over this one. At next 0 h is infinite, and the estimate is taken as it is. */
static bool step_dpmpp_2m(Sampler *s, Tensor x, double sigma, double next)
{
    Tensor previous = s->buffers[0], guess = s->buffers[1];
    if (!s->denoise(s->user, s->denoised, x, sigma))
        return false;
    /* A copy, because s->denoised is what the preview shows: the estimate, not what goes on from
     * it. */
    copy(s->compute, guess, s->denoised);
    if (s->step > 0 && next > 0)
        extrapolate(s, guess, previous, log(sigma / next) / (2 * log(s->sigmas[0] / sigma)));
    glide(s, x, x, guess, sigma, next);
    copy(s->compute, previous, s->denoised);
    return true;
}

static bool step_dpmpp_2m_sde(Sampler *s, Tensor x, double sigma, double next)
{
    Tensor previous = s->buffers[0], fresh = s->buffers[1];
    if (!s->denoise(s->user, s->denoised, x, sigma))
        return false;
    if (next == 0) {
        copy(s->compute, x, s->denoised);
        return true;
    }
    /* With h = log(sigma / next) and eta 1: x * next / sigma * exp(-h) + (1 - exp(-2 h)) * x0. */
    double ratio = next / sigma, share = (1 - ratio) * (1 + ratio);
    mix(s, x, ratio * ratio, x, share, s->denoised);
    if (s->step > 0) {
        double weight = share * log(sigma / next) / (2 * log(s->sigmas[0] / sigma));
        add_difference(s->compute, x, weight, s->denoised, previous);
    }
    add_noise(s, x, next * sqrt(share), fresh);
    copy(s->compute, previous, s->denoised);
    return true;
}

static bool step_dpmpp_sde(Sampler *s, Tensor x, double sigma, double next)
{
    if (next == 0)
        return step_euler(s, x, sigma, next);
    Tensor at_middle = s->buffers[0], upper = s->buffers[1], lower = s->buffers[2];
    double middle = sqrt(sigma * next), up, down = ancestral_down(sigma, middle, &up);
    if (!s->denoise(s->user, at_middle, x, sigma))
        return false;
    glide(s, at_middle, x, at_middle, sigma, down);
    add_noise(s, at_middle, up, upper);
    if (!s->denoise(s->user, s->denoised, at_middle, middle))
        return false;
    down = ancestral_down(sigma, next, &up);
    glide(s, x, x, s->denoised, sigma, down);
    /* One Brownian path over sigma: the increment from sigma to next is the one from sigma to the
     * middle, which was used there, and a new one from the middle to next. */
    add_scaled(s, x, up * sqrt((sigma - middle) / (sigma - next)), upper);
    add_noise(s, x, up * sqrt((middle - next) / (sigma - next)), lower);
    return true;
}

/* Corrects x, which was predicted from `last` with the estimates m1 (there) and m2 (before it), now
 * that the estimate at x is known: UniC of order 1, or 2 where there is an m2. */
static void unipc_correct(Sampler *s, Tensor x, Tensor last, Tensor m1, Tensor m2, double sigma)
{
    double h = log(s->sigmas[0] / sigma), minus = expm1(-h); /* B(h) = minus */
    double of_old = 0, of_new = 0.5;
    if (s->step > 1) {
        double b1 = (minus / -h - 1) / minus, b2 = ((minus / -h - 1) / -h - 0.5) * 2 / minus;
        double r = -log(s->sigmas[1] / s->sigmas[0]) / h;
        of_old = (b1 - b2) / (1 - r);
        of_new = b1 - of_old;
        of_old /= r; /* the difference m2 - m1 is divided by r */
    }
    glide(s, x, last, m1, s->sigmas[0], sigma);
    add_difference(s->compute, x, -minus * of_new, s->denoised, m1);
    if (s->step > 1)
        add_difference(s->compute, x, -minus * of_old, m2, m1);
}

static bool step_unipc(Sampler *s, Tensor x, double sigma, double next)
{
    Tensor m1 = s->buffers[0], m2 = s->buffers[1], last = s->buffers[2];
    if (!s->denoise(s->user, s->denoised, x, sigma))
        return false;
    if (s->step > 0)
        unipc_correct(s, x, last, m1, m2, sigma);
    copy(s->compute, last, x);
    glide(s, x, x, s->denoised, sigma, next);
    if (s->step > 0 && next > 0) {
        double h = log(sigma / next), r = -log(s->sigmas[0] / sigma) / h;
        add_difference(s->compute, x, -expm1(-h) * 0.5 / r, m1, s->denoised);
    }
    copy(s->compute, m2, m1);
    copy(s->compute, m1, s->denoised);
    return true;
}

static bool step_lcm(Sampler *s, Tensor x, double sigma, double next)
{
    if (!s->denoise(s->user, s->denoised, x, sigma))
        return false;
    copy(s->compute, x, s->denoised);
    if (next > 0)
        add_noise(s, x, next, s->buffers[0]);
    return true;
}

/* To add a sampler: write its step above and a line here, its name in engine.h and names.c, and its
 * run in tests/golden/golden_sample.py.  `buffers` counts its arrays besides s->denoised. */
static const struct {
    bool (*step)(Sampler *s, Tensor x, double sigma, double next);
    int buffers;
} samplers[ENGINE_SAMPLER_COUNT] = {
    [ENGINE_EULER] = { step_euler, 0 },
    [ENGINE_EULER_A] = { step_euler_a, 1 },
    [ENGINE_HEUN] = { step_heun, 2 },
    [ENGINE_DPM2] = { step_dpm2, 1 },
    [ENGINE_DPMPP_2M] = { step_dpmpp_2m, 2 },
    [ENGINE_DPMPP_2M_SDE] = { step_dpmpp_2m_sde, 2 },
    [ENGINE_DPMPP_SDE] = { step_dpmpp_sde, 3 },
    [ENGINE_UNIPC] = { step_unipc, 3 },
    [ENGINE_DDIM] = { step_euler, 0 }, /* with eta 0, in these variables, the same step */
    [ENGINE_LCM] = { step_lcm, 1 },
};

int sampler_buffer_count(EngineSampler kind)
{
    return 1 + samplers[kind].buffers;
}

void sampler_init(Sampler *sampler, EngineSampler kind, Compute *compute, Tensor memory,
                  Noise *noise, SamplerDenoise denoise, void *user)
{
    *sampler = (Sampler){ .kind = kind, .compute = compute, .noise = noise, .denoise = denoise,
                          .user = user, .denoised = tensor_batch(memory, 0, 1) };
    for (int i = 0; i < samplers[kind].buffers; i++)
        sampler->buffers[i] = tensor_batch(memory, i + 1, 1);
}

bool sampler_step(Sampler *sampler, Tensor x, double sigma, double next)
{
    assert(sigma > next && next >= 0);
    if (!samplers[sampler->kind].step(sampler, x, sigma, next))
        return false;
    /* After whole steps only: one that was stopped leaves no trace in the next. */
    sampler->sigmas[1] = sampler->sigmas[0];
    sampler->sigmas[0] = sigma;
    sampler->step++;
    return true;
}
