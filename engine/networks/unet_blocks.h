/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blocks of the U-Net: residual block, transformer, down- and upsampling. */
#pragma once

#include "../compute/layers.h"
#include "binder.h"

/* LDM's ResBlock = diffusers' ResnetBlock2D. */
typedef struct {
    int    in, out;
    Norm   norm1;    /* [in] */
    Conv   conv1;    /* [out, in, 3, 3] */
    Linear time;     /* [out, time_width] */
    Norm   norm2;    /* [out] */
    Conv   conv2;    /* [out, out, 3, 3] */
    Conv   shortcut; /* [out, in, 1, 1], or weight.data NULL where in = out */
} ResBlock;

/* LDM's BasicTransformerBlock. */
typedef struct {
    Norm   norm[3];      /* [c] */
    Linear query[2];     /* [c, c]; 0: self-attention, 1: cross-attention */
    Linear key[2];       /* [c, c] or [c, context_width] */
    Linear value[2];
    Linear out[2];       /* [c, c] */
    Linear feed_in;      /* [8c, c]: value and gate */
    Linear feed_out;     /* [c, 4c] */
} TransformerLayer;

/* LDM's SpatialTransformer = diffusers' Transformer2DModel. */
typedef struct {
    int               c, heads, depth, context_width;
    Norm              norm;     /* [c], eps 1e-6 */
    Linear            proj_in;  /* [c, c]: a 1x1 convolution is the same in tokens */
    TransformerLayer *layers;   /* [depth], owned */
    Linear            proj_out; /* [c, c] */
} Transformer;

/* place: what stands before ".in_layers.0.weight" and so on. */
void res_block_bind(ResBlock *block, Binder *binder, const char *place, int in, int out,
                    int time_width);
/* depth >= 1.  Its layers are owned: transformer_finish(). */
void transformer_bind(Transformer *transformer, Binder *binder, const char *place, int c, int heads,
                      int depth, int context_width);
void transformer_finish(Transformer *transformer);

/* What all blocks of one forward pass share. */
typedef struct {
    Tensor        time;     /* [1, 1, n, time_width], after silu */
    const Tensor *contexts; /* [n] of [1, 1, t_i, context_width] */
    int           groups;
    float         eps;      /* of res blocks' norms */
    bool          wrap_x, wrap_y;
} BlockContext;

/* y [n, out, h, w], written, from x [n, in, h, w]; scratch from the arena's high end. */
void res_block_forward(Compute *compute, const ResBlock *block, Tensor y, Tensor x,
                       const BlockContext *context);
/* x [n, c, h, w], changed in place. */
void transformer_forward(Compute *compute, const Transformer *transformer, Tensor x,
                         const BlockContext *context);
