/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layers that the networks are made of: they assert shapes, take scratch from the arena, pick
 * a kernel and run it on all threads.  They cannot fail: memory was asked for before.
 *
 * Dry run: with compute->scratch->block == NULL a layer takes and gives back the same memory and
 * computes nothing, so a forward pass can be rehearsed to learn its peak.  No shape may depend on
 * values.  A stop (compute_stopped()) makes every layer return early with its output undefined;
 * the network's caller looks at compute_stopped() afterwards and throws the output away.
 *
 * Every layer is fp32 in and out; weights are converted a panel at a time.  Results are the same
 * bits for every number of threads. */
#pragma once

#include "arena.h"
#include "cpu/kernels.h"
#include "tensor.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdbool.h>

typedef struct {
    Arena                *scratch;
    Threads              *threads;
    const Kernels        *kernels; /* kernels_best() */
    atomic_bool          *stop; /* set by anyone to end the run; may be NULL */
    /* Work done so far of this forward pass in floating point operations, counted by linear(),
     * conv2d() and attention(), dry or not: what an estimate and a smooth progress bar need. */
    double flops;
    /* Called by the layers now and then on the calling thread (never from a worker), at least every
     * 50 ms of work at any size; false sets *stop.  May be NULL. */
    bool (*poll)(void *user);
    void *poll_user;
} Compute;

bool compute_dry(const Compute *compute);
bool compute_stopped(const Compute *compute);
/* For tasks of layers: polls when worker is 0 (the calling thread); false when to stop. */
bool compute_goes_on(Compute *compute, int worker);

/* New activation from one end of the arena. */
Tensor tensor_new(Compute *compute, ArenaEnd end, int n, int c, int h, int w);

typedef struct {
    Weight weight; /* [out, in]; also a 1x1 convolution's [out, in, 1, 1] */
    Weight bias;   /* [out]; data NULL: none */
} Linear;

typedef struct {
    Weight weight; /* [out, in, k, k], k 1 or 3 */
    Weight bias;   /* [out]; data NULL: none */
} Conv;

typedef struct {
    Weight gain, bias; /* [c] */
} Norm;

/* y = x W^T + b for rows of x.
 *   y  [rows, out]    written, or added to where `accumulate`
 *   x  [rows, in] */
void linear(Compute *compute, float *y, const float *x, int rows, const Linear *layer,
            bool accumulate);

/* Convolution, stride 1 or 2, fused with what stands before it in every block of the networks.
 * No column buffer of the whole picture is ever made: slabs of rows are.  Large 3x3 ones go by way of
 * Winograd's F(2x2, 3x3), whose rounding error is about twice that of plain sums.
 *   y         [n, out, oh, ow]  written, or added to where settings->accumulate
 *   x         [n, in, h, w]     may not overlap y
 * torch.nn.functional.conv2d; padding is zeros, or wraps around per axis for tileable pictures. */
typedef struct {
    int   stride;               /* 1 or 2 */
    bool  pad_right_bottom_only; /* stride 2 of SD's VAE encoder: (0,1,0,1), not (1,1,1,1) */
    bool  upsample;             /* the input is doubled by nearest neighbour first, not stored */
    int   out_h, out_w;         /* with upsample: size to reach (skip's size), 0: twice */
    bool  wrap_x, wrap_y;       /* circular padding */
    bool  accumulate;           /* y += instead of y = */
    const float *scale, *shift; /* [n, in] or NULL: x * scale + shift is what is convolved, i.e. a
                                 * group norm prepared by group_norm_prepare() */
    Activation before;          /* applied after scale and shift */
    const float *channel_add;   /* [n, out] or NULL: added to y, e.g. the time embedding */
} ConvSettings;
void conv2d(Compute *compute, Tensor y, Tensor x, const Conv *layer, const ConvSettings *settings);

/* Statistics of a group norm, as per-channel scale and shift for conv2d() or affine():
 *   scale, shift [n, c]   written.  Sums are kept in double, in an order that is fixed.
 * torch.nn.GroupNorm; Wu and He 2018, arXiv:1803.08494. */
void group_norm_prepare(Compute *compute, float *scale, float *shift, Tensor x, const Norm *norm,
                        int groups, float eps);
/* y = activation(x * scale + shift); y may be x. */
void affine(Compute *compute, Tensor y, Tensor x, const float *scale, const float *shift,
            Activation activation);

/* torch.nn.LayerNorm over the last dimension of [rows, d]; y may be x. */
void layer_norm(Compute *compute, float *y, const float *x, int rows, int d, const Norm *norm,
                float eps);

/* y = activation(x); y may be x. */
void activate(Compute *compute, float *y, const float *x, size_t count, Activation activation);
/* y = x[.., :d] * gelu(x[.., d:]) (exact erf gelu), diffusers GEGLU: y [rows, d], x [rows, 2d]. */
void geglu(Compute *compute, float *y, const float *x, int rows, int d);
void add(Compute *compute, float *y, const float *x, size_t count); /* y += x */

/* softmax(q k^T / sqrt(head width)) v without a t x t matrix in memory.
 *   y       [tq, heads * width]   written; may not overlap the others
 *   q       [tq, heads * width]   rows q_stride floats apart (a fused qkv is fine)
 *   k, v    [tk, heads * width]   rows kv_stride floats apart
 *   causal  token i sees 0 … i only (text encoders)
 * Dao et al. 2022, arXiv:2205.14135 for the streaming form. */
void attention(Compute *compute, float *y, const float *q, const float *k, const float *v, int tq,
               int tk, int heads, int width, int q_stride, int kv_stride, bool causal);

/* [n, c, h, w] -> [n, h*w, c] and back.  y and x must not overlap. */
void image_to_tokens(Compute *compute, float *y, Tensor x);
void tokens_to_image(Compute *compute, Tensor y, const float *x, bool accumulate);
