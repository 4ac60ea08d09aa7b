/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How one tensor is called in the layouts that files have: from the name that the engine asks with
 * (checkpoint.h) to the name in the file. */
#pragma once

#include <stdbool.h>

enum { PART_NAME_SIZE = 256, PART_LEVELS = 12 /* more than any network here has room for */ };

typedef enum {
    LAYOUT_NONE,      /* this part is not there */
    LAYOUT_PLAIN,     /* the engine's own names: LDM, HF's CLIP */
    LAYOUT_UNET,      /* diffusers' UNet2DConditionModel */
    LAYOUT_VAE,       /* diffusers' AutoencoderKL */
    LAYOUT_OPENCLIP,  /* open_clip's text tower */
    LAYOUT_TAESD,     /* one of taesd's two files, and diffusers' AutoencoderTiny */
} PartLayout;

typedef struct {
    PartLayout layout;
    char       prefix[64];
    int        levels;
    int        res_blocks[PART_LEVELS]; /* LAYOUT_UNET: going down */
    bool       old_attention; /* LAYOUT_VAE: query, key, value, proj_attn */
    bool       new_attention; /* LAYOUT_PLAIN, of a VAE: to_q, to_k, to_v, to_out.0, as converters write them … */
    bool       group_norm;    /* … and its norm under diffusers' name */
    bool       out_first;     /* LAYOUT_OPENCLIP: text_projection.weight [out, in] for text_projection [in, out] */
    bool       no_text_model; /* HF's CLIP without "text_model." */
    int        shift;         /* LAYOUT_TAESD: taken off the number of a layer */
} PartNames;

/* Writes the file's name of `name`; false when this layout has no such tensor.  *third is 0, 1 or 2
 * where the tensor is that third of the file's rows, else -1. */
bool part_name(const PartNames *names, const char *name, char out[PART_NAME_SIZE], int *third);
