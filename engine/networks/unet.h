/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The U-Net: noisy latents, time and text in, predicted noise (or v) out.
 * LDM's UNetModel = diffusers' UNet2DConditionModel; Rombach et al. 2022, arXiv:2112.10752. */
#pragma once

#include "binder.h"
#include "config.h"

typedef struct Unet Unet;

/* What the file lacks for this network, told to the binder. */
void unet_collect(Binder *binder, const UnetConfig *config);

/* Binds; the weights are borrowed from the checkpoint.  NULL with a sentence. */
Unet *unet_create(const Checkpoint *checkpoint, const UnetConfig *config, EngineError *error);
void  unet_destroy(Unet *unet);

/*   out       [n, out_channels, h, w]  written; not latents' memory
 *   latents   [n, in_channels, h, w]   h, w >= 1, any: the way up meets each skip's size
 *   times     [n]                      0 … 999, fractions allowed
 *   contexts  n tensors [1, 1, t_i, context_width]; the same tensor may stand there twice
 *   labels    [1, 1, n, adm_width], or n 0 where adm_width is 0
 *   guidance  the scale, of a network that takes it as a number (guidance_width > 0)
 *   wrap_x, wrap_y   circular padding for tileable pictures */
void unet_forward(Compute *compute, const Unet *unet, Tensor out, Tensor latents,
                  const float *times, const Tensor *contexts, Tensor labels, float guidance, bool wrap_x,
                  bool wrap_y);
