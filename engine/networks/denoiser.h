/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever is asked at every step: a U-Net here, others beside it.  What the rooms above need to know of
 * it stands in its capabilities, so that none of them counts channels or names a network.
 *
 * To add a network: a config that says when a checkpoint holds it (config.h), its files with one walk that
 * binds (binder.h) and a forward pass, and one row of the table in denoiser.c. */
#pragma once

#include "binder.h"
#include "config.h"

/* What one text encoder gives it. */
typedef struct {
    int           width;     /* of a token */
    int           tokens;    /* of one pass; longer prompts are more passes; 0: any number */
    TextTokenizer tokenizer;
} DenoiserText;

typedef struct {
    const char  *network;         /* "U-Net", for sentences */
    bool         hole;            /* sees the picture around a hole, and the hole: inpainting models */
    bool         instruction;     /* sees the picture that it is told to change, and needs one */
    bool         guidance;        /* takes the guidance scale as a number, in place of a negative prompt */
    int          references;      /* further pictures that it can look at: 0 */
    int          latent_channels; /* of what it predicts */
    int          input_channels;  /* of its input: latents, and what hole or instruction put behind them */
    int          multiple;        /* that sides of latents are of: 1; a transformer's patch */
    int          context_width;   /* of a token of text as it takes it: text encoders side by side */
    int          label_width;     /* of a vector beside the text (SDXL's sizes and pooled text); 0: none */
    int          text_count;
    DenoiserText text[CONFIG_MAX_TEXTS];
} DenoiserCapabilities;

/* Of a model whose config could be read; no weight is needed. */
DenoiserCapabilities denoiser_capabilities(const ModelConfig *config);

/* What the file lacks, told to the binder. */
void denoiser_collect(Binder *binder, const ModelConfig *config);

typedef struct Denoiser Denoiser;

/* Binds; the weights are borrowed from the checkpoint.  NULL with a sentence. */
Denoiser *denoiser_create(const Checkpoint *checkpoint, const ModelConfig *config, EngineError *error);
void      denoiser_destroy(Denoiser *denoiser);

/* What a call is asked with; borrowed during the call. */
typedef struct {
    Tensor        latents;  /* [n, input_channels, h, w] */
    const float  *times;    /* [n], as the parametrisation numbers noise levels */
    const Tensor *contexts; /* n tensors [1, 1, t_i, context_width] */
    Tensor        labels;   /* [n, label_width], or none where that is 0 */
    float         guidance; /* the scale, of a network that takes it as a number */
    bool          wrap_x, wrap_y; /* tileable pictures */
} DenoiserInput;

/* out [n, latent_channels, h, w]: written; not the memory of the latents. */
void denoiser_predict(Compute *compute, const Denoiser *denoiser, Tensor out,
                      const DenoiserInput *input);
