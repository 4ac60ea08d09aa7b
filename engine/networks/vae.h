/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures to latents and back, 8 times smaller (2^(levels - 1) in general).
 * LDM's AutoencoderKL = diffusers' AutoencoderKL; norms are over the whole picture, never tiled. */
#pragma once

#include "binder.h"
#include "config.h"

typedef struct Vae Vae;

/* What the file lacks for this network, told to the binder. */
void vae_collect(Binder *binder, const VaeConfig *config);

/* Binds; the weights are borrowed from the checkpoint.  NULL with a sentence. */
Vae *vae_create(const Checkpoint *checkpoint, const VaeConfig *config, EngineError *error);
void vae_destroy(Vae *vae);
int  vae_factor(const Vae *vae); /* 8 */

/*   picture  [1, 3, factor*h, factor*w]  written, about -1 … 1, not clamped
 *   z        [1, z, h, w]                not multiplied by the scale factor (the caller divides) */
void vae_decode(Compute *compute, const Vae *vae, Tensor picture, Tensor z, bool wrap_x,
                bool wrap_y);
/*   moments  [1, 2z, h, w]   written: mean, then log variance (not clamped)
 *   picture  [1, 3, H, W]    -1 … 1; H, W multiples of the factor */
void vae_encode(Compute *compute, const Vae *vae, Tensor moments, Tensor picture, bool wrap_x,
                bool wrap_y);

/* In place, for a VAE with statistics of its channels (Playground v2.5), else nothing:
 *   latents [1, z, h, w]   z * scale -> (z - mean) * scale / std, as the denoiser has them
 *   z       [1, z, h, w]   (z - mean) / std -> z */
void vae_whiten(Compute *compute, const Vae *vae, Tensor latents, float scale);
void vae_colour(Compute *compute, const Vae *vae, Tensor z);

/* TAESD: a small decoder for previews. https://github.com/madebyollin/taesd, AutoencoderTiny. */
typedef struct Taesd Taesd;
enum { TAESD_CHANNELS = 4, TAESD_FACTOR = 8 };
Taesd *taesd_create(const Checkpoint *checkpoint, EngineError *error);
void   taesd_destroy(Taesd *taesd);
/*   picture [1, 3, 8h, 8w]  written, -1 … 1;  latents [1, 4, h, w] as the U-Net has them */
void taesd_decode(Compute *compute, const Taesd *taesd, Tensor picture, Tensor latents);
void taesd_encode(Compute *compute, const Taesd *taesd, Tensor latents, Tensor picture);
bool taesd_can_decode(const Taesd *taesd);
bool taesd_can_encode(const Taesd *taesd);
