/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small models of any shape, well-formed or not, with random weights: a single file in LDM's names or
 * a diffusers folder.  Only what a sketch says is checked by nobody here. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { SKETCH_LEVELS = 12 };

typedef struct {
    /* U-Net */
    int  in_channels, out_channels, levels;
    int  model_channels;             /* 0: channels[0] */
    int  channels[SKETCH_LEVELS];
    int  blocks[SKETCH_LEVELS];
    int  depth[SKETCH_LEVELS];       /* of every transformer of this level; 0: none */
    int  middle_depth;
    int  heads;                      /* as the config says; 0: it does not */
    int  groups;                     /* 0: the config does not say */
    int  time_width, context_width, label_width;
    bool linear_projections;
    /* VAE */
    int  z, vae_levels, vae_blocks, vae_groups;
    int  vae_channels[SKETCH_LEVELS];
    bool encoder, decoder, quant;
    /* text encoders */
    int  text_count, text_width[2], text_layers, text_heads, positions, vocabulary, projection;
    /* TAESD */
    bool taesd;
    uint64_t seed;                   /* of the weights */
    bool     calm;                   /* biases of norms spread by 0.06 instead of 0.12 */
    const char *claim, *claimed;     /* one more pair of a file's metadata; NULL: none */
    const char *scheduler;           /* scheduler_config.json of a folder; NULL: none */
} Sketch;

/* One that runs: SD 1.x in the smallest widths. */
Sketch sketch_small(void);
/* SDXL's structure. */
Sketch sketch_two_towers(void);

/* Writes the model at `path` (a folder is made); false with a sentence on stderr when the disk refuses. */
bool sketch_write(const Sketch *sketch, const char *path, bool folder);
/* A TAESD of LDM's numbering beside it, in one file. */
bool sketch_write_taesd(const char *path, int width, uint64_t seed);
/* Removes what sketch_write() has made. */
void sketch_remove(const char *path, bool folder);
