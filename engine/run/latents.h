/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures and masks as the sampler works on them. */
#pragma once

#include "../engine.h"
#include "../networks/vae.h"

/* latents [1, z, h, w] = mode of the VAE's distribution, times `scale`.
 *   picture  factor*w x factor*h, RGB 0 … 1; clamped on the way in
 *   hole     NULL, or 1 channel: where it is >= 0.5 the picture is mid grey (9-channel models)
 * The mode, not a sample: the same picture gives the same latents. */
void latents_encode(Compute *compute, Tensor latents, const Vae *vae, const EnginePicture *picture,
                    const EnginePicture *hole, float scale, bool wrap_x, bool wrap_y);

/* picture [3, H, W] -1 … 1 from latents divided by `scale`. */
void latents_decode(Compute *compute, Tensor picture, const Vae *vae, Tensor latents, float scale,
                    bool wrap_x, bool wrap_y);

/* out [1, 1, h, w]: the mean of the mask over each latent pixel's factor x factor pixels. */
void latents_mask_mean(Tensor out, const EnginePicture *mask, int factor);
/* out [1, 1, h, w]: 1 where any of these pixels is >= threshold, else 0; mask NULL: all 1. */
void latents_mask_any(Tensor out, const EnginePicture *mask, int factor, float threshold);
/* Each latent pixel becomes the largest of its 3 x 3 neighbourhood; out may not be in. */
void latents_mask_grow(Tensor out, Tensor in);

/* A finished picture, interleaved and clamped to 0 … 1; false: out of memory. */
bool latents_to_picture(EnginePicture *out, Tensor picture, EngineError *error);

/* False when a number is not finite. */
bool latents_finite(Tensor x);
