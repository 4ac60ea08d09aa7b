/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The architecture, read off the names and shapes of the checkpoint's tensors, never off its file
 * name; what shapes cannot say comes from config.json, `__metadata__`, or the family's default. */
#pragma once

#include "../base/choices.h"
#include "../base/parametrisation.h"
#include "../weights/checkpoint.h"

#include <stdbool.h>

/* What the networks' arrays and numbers have room for.  Where a file states more, `excess` of that part
 * says so, the rest of the part means nothing, and nobody walks along it. */
enum {
    CONFIG_MAX_LEVELS = 8,
    CONFIG_MAX_BLOCKS = 8,      /* residual blocks a level, going down */
    CONFIG_MAX_DEPTH = 64,      /* layers of one transformer */
    CONFIG_MAX_LAYERS = 256,    /* of a text encoder */
    CONFIG_MAX_WIDTH = 1 << 16, /* channels, features: 8 of them still fit an int */
    CONFIG_MAX_VOCABULARY = 1 << 20,
    CONFIG_MAX_GUIDANCE = 1024, /* waves of the guidance scale */
    CONFIG_MAX_LATENTS = 128,   /* channels of latents */
    CONFIG_MAX_TEXTS = 3,       /* text encoders of one model */
    CONFIG_TEXT_TOKENS = 77,    /* that a text encoder reads at a time */
};

/* LDM's UNetModel / diffusers' UNet2DConditionModel. */
typedef struct {
    int   in_channels, out_channels; /* 4, 8 (InstructPix2Pix) or 9 (inpaint); 4 */
    int   model_channels;            /* width of conv_in's output */
    int   levels;
    int   channels[CONFIG_MAX_LEVELS];
    int   res_blocks[CONFIG_MAX_LEVELS];                      /* going down; one more going up */
    int   down_depth[CONFIG_MAX_LEVELS][CONFIG_MAX_BLOCKS];   /* transformer layers, 0: none */
    int   up_depth[CONFIG_MAX_LEVELS][CONFIG_MAX_BLOCKS + 1]; /* [level][block going up] */
    bool  has_middle;                                         /* KOALA-700M, BK-SDM-Small: none */
    int   middle_depth;                                       /* 0: no attention in the middle */
    int   middle_end; /* number of the middle's second residual block, 0: it has but one (SSD-1B) */
    int   heads[CONFIG_MAX_LEVELS]; /* heads[levels - 1] also serves the middle */
    int   context_width;
    int   time_width;         /* of the time embedding */
    int   guidance_width;     /* of the guidance scale's waves (LCM's cond_proj); 0: it takes none */
    int   adm_width;          /* of y (SDXL's pooled text and sizes), 0: none */
    bool  linear_projections; /* proj_in and proj_out are linear, else 1x1 convolutions */
    int   norm_groups;        /* 32 unless config says otherwise */
    float norm_eps;           /* of res blocks, 1e-5; transformers' group norms have 1e-6 */
    const char *excess;       /* NULL, or what there is more of than fits: a constant text */
} UnetConfig;

/* LDM's AutoencoderKL / diffusers' AutoencoderKL. */
typedef struct {
    bool  has_encoder, has_decoder;
    int   levels;
    int   channels[CONFIG_MAX_LEVELS];
    int   res_blocks;   /* of the encoder a level; the decoder has one more */
    int   z_channels;   /* 4 */
    bool  has_quant_conv;
    int   norm_groups;  /* 32; eps 1e-6 */
    float scale_factor; /* 0.18215; SDXL 0.13025 */
    /* Of each channel as the encoder makes it: latents = (z - mean) * scale_factor / std. */
    float latents_mean[CONFIG_MAX_LATENTS], latents_std[CONFIG_MAX_LATENTS]; /* 0 and 1 but for EDM's */
    const char *excess; /* see UnetConfig */
} VaeConfig;

/* How words become numbers: text/ has one of each. */
typedef enum { TEXT_TOKENIZER_CLIP } TextTokenizer;

/* HF's CLIPTextModel(WithProjection) / OpenCLIP's text tower. */
typedef struct {
    TextTokenizer tokenizer;
    int  width, layers, heads, feed_forward;
    int  vocabulary, positions; /* 49408, 77 */
    bool quick_gelu;            /* CLIP-L; OpenCLIP has the exact gelu */
    int  projection;            /* width of the pooled, projected output; 0: none */
    int  output_layer;          /* -1: the last; -2: the one before (SD 2.x, SDXL) */
    bool final_norm;            /* the last layer norm is applied to the output (not in SDXL) */
    int  end_token;             /* 49407, or the largest id of a cut vocabulary */
    int  pad_token;             /* what fills a chunk: end token; 0 for OpenCLIP */
    const char *excess;         /* see UnetConfig */
} TextConfig;

/* How it wants to be run where nobody chose otherwise. */
typedef struct {
    bool           few_steps; /* distilled: LCM, Turbo, Lightning, Hyper */
    const char    *kind;      /* which of these, for people; NULL where it is none */
    EngineSampler  sampler;
    EngineSchedule schedule;
    int            steps;
    float          cfg;
} ModelDefaults;

/* What denoises; denoiser.c has a row for each. */
typedef enum { DENOISER_UNET, DENOISER_KIND_COUNT } DenoiserKind;

typedef struct {
    char       family[32]; /* "SD 1.x", "SD 2.x", "SDXL": for people; nothing branches on it */
    DenoiserKind denoiser;
    UnetConfig unet;       /* of DENOISER_UNET */
    VaeConfig  vae;
    int        text_count; /* 1, or 2 (SDXL) */
    TextConfig text[CONFIG_MAX_TEXTS];
    Parametrisation parametrisation;
    char       noise_fault[192]; /* what of that cannot be computed with; "" */
    ModelDefaults defaults;
    int        native_width, native_height;
    bool       zero_empty_negative; /* SDXL: an empty negative prompt is zeros */
    bool       has_taesd;
} ModelConfig;

/* False, with the kind of file and the first missing tensors, when this is no model of these. */
bool config_from_checkpoint(ModelConfig *config, const Checkpoint *checkpoint, EngineError *error);
