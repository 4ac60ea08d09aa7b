/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A quick look at latents: red, green and blue as linear functions of the latent channels.
 *
 * The functions are fitted to the model's own VAE, by what it makes of a small picture of smooth
 * colours, so they fit any VAE.  One 64 x 64 encoding, once per engine; then a few operations a
 * pixel. */
#pragma once

#include "../engine.h"
#include "../networks/vae.h"

enum { PREVIEW_MAX_CHANNELS = CONFIG_MAX_LATENTS };

typedef struct {
    int   channels;                               /* 0: not fitted yet */
    float weights[3][PREVIEW_MAX_CHANNELS + 1]; /* of each channel, and a constant; RGB 0 … 1 */
} PreviewFit;

/* latents = z * scale_factor, as the U-Net has them.  Dry: only counts memory. */
void preview_fit(Compute *compute, PreviewFit *fit, const Vae *vae, const VaeConfig *config);

/* latents [1, channels, h, w] -> picture of w x h, RGB, pixels [h, w, 3] being the caller's. */
void preview_apply(Compute *compute, const PreviewFit *fit, EnginePicture *picture, Tensor latents);
