/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operations that networks and samplers are made of: they assert shapes, take scratch from the
 * arena and let its device do the work.  They cannot fail: memory was asked for before.
 *
 * Dry run: on an arena of the dry device (dry.h) an operation takes and gives back the same memory
 * and computes nothing, so a forward pass can be rehearsed to learn its peak.  No shape may depend on
 * values.  A stop (compute_stopped()) makes every layer return early with its output undefined;
 * the network's caller looks at compute_stopped() afterwards and throws the output away.
 *
 * Tensors are fp32; weights are converted on the way.  Results are the same bits for every number
 * of threads.  y is written, x is read; where nothing else is said both are whole, and y may be x
 * where the operation goes element by element. */
#pragma once

#include "arena.h"
#include "device.h"
#include "tensor.h"

#include <stdatomic.h>
#include <stdbool.h>

typedef struct Compute {
    Arena       *scratch; /* its device is the one that computes */
    atomic_bool *stop;    /* set by anyone to end the run; may be NULL */
    /* Work done so far of this forward pass in floating point operations, counted by linear(),
     * conv2d() and attention(), dry or not: what an estimate and a smooth progress bar need. */
    double flops;
    /* Called by the layers now and then on the calling thread (never from a worker), at least every
     * 50 ms of work at any size; false sets *stop.  May be NULL. */
    bool (*poll)(void *user);
    void *poll_user;
} Compute;

/* Is this a rehearsal?  Asked by who reports or stores, never by who computes. */
bool compute_dry(const Compute *compute);
bool compute_stopped(const Compute *compute);
/* For devices: polls when worker is 0 (the calling thread); false when to stop. */
bool compute_goes_on(Compute *compute, int worker);

/* New activation from one end of the arena. */
Tensor tensor_new(Compute *compute, ArenaEnd end, int n, int c, int h, int w);

/* ---- layers -------------------------------------------------------------------------------- */

/* y = x W^T + b for rows of x.
 *   y  [.., out]   written, or added to where `accumulate`
 *   x  [.., in]    as many rows */
void linear(Compute *compute, Tensor y, Tensor x, const Linear *layer, bool accumulate);
/* y = x W, of a weight that lies as [in, out]; without a bias, and for few rows. */
void linear_transposed(Compute *compute, Tensor y, Tensor x, const Linear *layer);

/* Convolution, stride 1 or 2, fused with what stands before it in every block of the networks.
 *   y  [n, out, oh, ow]  written, or added to where settings->accumulate
 *   x  [n, in, h, w]     may not overlap y
 * torch.nn.functional.conv2d; padding is zeros, or wraps around per axis for tileable pictures. */
void conv2d(Compute *compute, Tensor y, Tensor x, const Conv *layer, const ConvSettings *settings);

/* Statistics of a group norm, as per-channel scale and shift for conv2d() or affine():
 *   scale, shift  [n, c]   written.  Sums are kept in double, in an order that is fixed.
 * torch.nn.GroupNorm; Wu and He 2018, arXiv:1803.08494. */
void group_norm_prepare(Compute *compute, Tensor scale, Tensor shift, Tensor x, const Norm *norm,
                        int groups, float eps);
/* y = activation(x * scale + shift), images with a scale and a shift per channel [n, c]. */
void affine(Compute *compute, Tensor y, Tensor x, Tensor scale, Tensor shift,
            Activation activation);

/* torch.nn.LayerNorm over the last dimension. */
void layer_norm(Compute *compute, Tensor y, Tensor x, const Norm *norm, float eps);

void activate(Compute *compute, Tensor y, Tensor x, Activation activation);
/* y = x[.., :d] * gelu(x[.., d:]) (exact erf gelu), diffusers GEGLU: y [.., d], x [.., 2d]. */
void geglu(Compute *compute, Tensor y, Tensor x);
void add(Compute *compute, Tensor y, Tensor x); /* y += x */

/* softmax(q k^T / sqrt(head width)) v without a t x t matrix in memory.
 *   y       [1, 1, tq, heads * width]   written; may not overlap the others
 *   q       [1, 1, tq, heads * width]   may be columns of a fused qkv, and so may
 *   k, v    [1, 1, tk, heads * width]
 *   causal  token i sees 0 … i only (text encoders)
 * Dao et al. 2022, arXiv:2205.14135 for the streaming form. */
void attention(Compute *compute, Tensor y, Tensor q, Tensor k, Tensor v, int heads, bool causal);

/* ---- layout -------------------------------------------------------------------------------- */

/* [n, c, h, w] -> [n, h*w, c] and back.  y and x must not overlap. */
void image_to_tokens(Compute *compute, Tensor y, Tensor x);
void tokens_to_image(Compute *compute, Tensor y, Tensor x, bool accumulate);

/* y = x of the same shape; both may be views, but may not overlap.  Joining, cutting and padding
 * are copies to and from views. */
void copy(Compute *compute, Tensor y, Tensor x);
void fill(Compute *compute, Tensor y, float value); /* y may be a view */
/* y [n, a.c + b.c, h, w]: the channels of both, item by item. */
void concatenate(Compute *compute, Tensor y, Tensor a, Tensor b);

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* y = function(x) in float, element by element. */
void map(Compute *compute, Tensor y, Tensor x, Map function, float a, float b);
/* Row i of y times factors[i], a number of the caller's for each of them. */
void multiply_rows(Compute *compute, Tensor y, const float *factors);

/* y = factor x + factor x + …, from the left, in double and rounded once; y may be any x. */
void combine(Compute *compute, Tensor y, const Term *terms, int count);
/* y += factor (x - z), the difference unrounded: a factor is large where that is small. */
void add_difference(Compute *compute, Tensor y, double factor, Tensor x, Tensor z);

/* y = x where a mask paints, source + amount * noise elsewhere, in double and rounded once.
 *   y, x, source, noise  [1, c, h, w]
 *   mask                 [1, 1, h, w], 0 … 1; paints above 0.99, and above 0 from `threshold` on
 * Levin and Fried 2023, arXiv:2306.00950. */
void keep_known(Compute *compute, Tensor y, Tensor x, Tensor mask, Tensor source, Tensor noise,
                double threshold, double amount);

/* ---- embeddings ------------------------------------------------------------------------------ */

/* Row i of y [.., d] = row tokens[i] of the table, plus row i of `positions` unless that is NULL. */
void embed_tokens(Compute *compute, Tensor y, const int *tokens, const Weight *table,
                  const Weight *positions);
/* Row i of y [.., d] = cosines, then sines, of numbers[i] at d/2 frequencies from 1 to 1/10000; an odd
 * d's last is 0.  rounded: numbers and angles are floats on the way, as U-Nets were trained.
 * diffusers' Timesteps with flip_sin_to_cos; Ho et al. 2020, arXiv:2006.11239. */
void embed_numbers(Compute *compute, Tensor y, const double *numbers, bool rounded);

/* ---- answers --------------------------------------------------------------------------------- */

double mean(Compute *compute, Tensor x);      /* in double; 0 in a dry run */
double deviation(Compute *compute, Tensor x); /* standard deviation, in double; 0 in a dry run */
bool   all_finite(Compute *compute, Tensor x); /* true in a dry run */

/* ---- in and out ------------------------------------------------------------------------------ */

/* Numbers of the host, in the order of the tensor's dimensions.  Neither does anything in a dry run.
 * The first form calls fill(user, host) to write into, or take(user, host) to look at, memory of
 * the device's that the host can reach for so long; the second one copies. */
void upload_by(Compute *compute, Tensor y, UploadFill fill, void *user);
void read_by(Compute *compute, Tensor x, ReadTake take, void *user);
void upload(Compute *compute, Tensor y, const float *host);
void read_back(Compute *compute, float *host, Tensor x);
