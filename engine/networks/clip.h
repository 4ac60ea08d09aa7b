/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens to what the U-Net listens to: CLIP-L, OpenCLIP-H, OpenCLIP-bigG.
 * HF's CLIPTextModel and CLIPTextModelWithProjection; Radford et al. 2021, arXiv:2103.00020. */
#pragma once

#include "binder.h"
#include "config.h"

typedef struct Clip Clip;

/* What the file lacks for this network, told to the binder. */
void clip_collect(Binder *binder, CheckpointPart part, const TextConfig *config);

/* Binds and checks all tensors; reads none.  Owned by the caller. NULL with a sentence. */
Clip *clip_create(const Checkpoint *checkpoint, CheckpointPart part, const TextConfig *config,
                  EngineError *error);
void  clip_destroy(Clip *encoder);

/* One chunk of tokens.
 *   hidden  [1, 1, t, width]          written: config->output_layer, or `skip` layers earlier
 *   pooled  [1, 1, 1, projection]     written from the last layer at the first end token; n 0: not
 *                                     wanted
 *   tokens  [t]                       t <= positions; ids below the vocabulary
 *   skip                              0: as the model was trained; k: k layers earlier (A1111's clip skip k + 1, SD 1.x) */
void clip_forward(Compute *compute, const Clip *encoder, Tensor hidden, Tensor pooled,
                  const int *tokens, int skip);
