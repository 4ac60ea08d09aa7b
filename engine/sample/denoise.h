/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop from noise to latents: guidance, strength, soft mask, steps, cancel.
 *
 * Between the sampler, which wants an estimate of x0 from x = x0 + sigma * noise, and the network,
 * which was trained on a scaled x and predicts noise or v (noise_levels_scalings()). */
#pragma once

#include "../base/request.h"
#include "../compute/layers.h"
#include "sampler.h"
#include "schedule.h"

typedef enum { DENOISE_POSITIVE, DENOISE_NEGATIVE } DenoisePrompt;

typedef struct {
    const NoiseLevels *levels;
    EngineSampler      sampler;
    const double      *sigmas; /* [steps + 1]: the part of the schedule that runs, ending in 0 */
    int                steps;

    /* Its guidance counts here:
     *   cfg          negative + cfg * (positive - negative)
     *   cfg_rescale  Lin et al. 2023, arXiv:2305.08891, section 3.4; 0: off
     *   image_cfg    InstructPix2Pix (Brooks et al. 2022, arXiv:2211.09800, equation 3), where
     *                `instruct`: e(0, 0) + image_cfg * (e(0, I) - e(0, 0)) + cfg * (e(T, I) - e(0, I))
     *                with I the image latents in `concat`, which are zeros in e(0, 0) */
    const EngineRequest *request;
    bool                 instruct;
    bool                 told; /* the network is told cfg as a number, and nothing is mixed */

    Noise *random; /* of this picture, `noise` drawn already: for samplers that add fresh noise */
    /* Tensors that are not there have n 0. */
    Tensor noise;       /* [1, c, h, w], unit variance */
    Tensor source;      /* [1, c, h, w], scaled latents, or none */
    bool   from_source; /* start from source + noise * sigma, not from noise * sigma */
    /* [1, 1, h, w], 0 … 1, or none; needs source.  Where it is 0, source stays; where it is 1
     * (above 0.99), every step paints; between, as many of the last steps as it says (Levin and
     * Fried 2023, arXiv:2306.00950). */
    Tensor mask;
    Tensor concat; /* [1, any, h, w], what stands behind x in the network's input, or none */

    /* Runs the network on a batch, in which item i belongs to prompts[i].
     *   out      [n, c, h, w]                    written
     *   latents  [n, c + concat channels, h, w]
     *   times    [n]                             0 … 999, fractions
     *   step     from 0, of those that run: for prompts that change on the way */
    void (*predict)(void *user, Compute *compute, Tensor out, Tensor latents, const float *times,
                    const DenoisePrompt *prompts, int step);
    /* Called before the first step (0, estimate.n 0) and after each; false cancels; may be NULL.
     * estimate: of x0.  Both borrowed during the call; both as the sampler holds them. */
    bool (*report)(void *user, int step, Tensor latents, Tensor estimate);
    /* Asked after each step but the last, and when compute->stop broke off a later one than the
     * first: true ends the run with the estimate of the last finished step, and has cleared
     * compute->stop.  Never asked in a dry run; may be NULL. */
    bool (*enough)(void *user);
    void *user;
} DenoiseRun;

/* latents [1, c, h, w]: written.  Memory is taken from the arena's low end before the first step
 * and given back.  A dry run calls `predict` and `report` as often as a whole real one.  False when report() or compute->stop ended it. */
bool denoise(Compute *compute, Tensor latents, const DenoiseRun *run);
