/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures and masks as the sampler works on them. */
#pragma once

#include "../engine.h"
#include "../networks/vae.h"

/* What a 9-channel model is to fill: pixels of `picture` (1 channel) that are >= 0.5, or above 0 where
 * `soft`; picture NULL: all. */
typedef struct {
    const EnginePicture *picture;
    bool                 soft;
} LatentsHole;

/* latents [1, z, h, w] = mode of the VAE's distribution, times `scale`.
 *   picture  factor*w x factor*h, RGB 0 … 1; clamped on the way in; NULL: all mid grey
 *   hole     NULL, or where the picture is mid grey (9-channel models)
 * The mode, not a sample: the same picture gives the same latents. */
void latents_encode(Compute *compute, Tensor latents, const Vae *vae, const EnginePicture *picture,
                    const LatentsHole *hole, float scale, bool wrap_x, bool wrap_y);

/* picture [1, 3, H, W] -1 … 1 from latents divided by `scale`. */
void latents_decode(Compute *compute, Tensor picture, const Vae *vae, Tensor latents, float scale,
                    bool wrap_x, bool wrap_y);

/* out [1, 1, h, w]: the mean of the mask over each latent pixel's factor x factor pixels; `grown`:
 * the largest of these in its 3 x 3 neighbourhood. */
void latents_mask(Compute *compute, Tensor out, const EnginePicture *mask, int factor, bool grown);
/* out [1, 1, h, w]: 1 where any of a latent pixel's pixels is to be filled, else 0. */
void latents_hole(Compute *compute, Tensor out, const LatentsHole *hole, int factor);

/* A finished picture, interleaved and clamped to 0 … 1; false: out of memory. Not in a dry run. */
bool latents_to_picture(Compute *compute, EnginePicture *out, Tensor picture, EngineError *error);
