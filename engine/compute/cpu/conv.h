/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two ways to convolve share: conv.c (columns and a matrix product, anything) and
 * conv_winograd.c (3x3 with stride 1, fewer operations).  For these two files only. */
#pragma once

#include "../layers.h"
#include "cpu.h"

typedef struct {
    const Cpu          *cpu;
    Compute            *compute;
    Tensor              y, x;
    float              *y_data;
    const float        *x_data, *scale, *shift, *channel_add; /* the settings', or NULL */
    const Conv         *layer;
    const ConvSettings *settings;
    int                 k, pad_top, pad_left;
    int                 full_h, full_w; /* x's size after upsampling */
    int    items, rows, columns, out; /* a tile: whole items, or rows of one, or a part of a row */
    int    slabs_down, slabs_across, groups, out_tiles;
    bool   in_place_weight; /* the weight is used where it lies */
    bool   direct;          /* x itself is the columns */
    float *scratch;         /* [worker][scratch_count()] */
    float *shared;          /* [slab][channels * k * k, pixels], or NULL: each tile makes its own */
    float *sums;            /* with shared: [tile][out, pixels] */
    int    channel_first, channel_count; /* with shared: those whose columns are there */
} ConvTask;

/* band [height, width]: what the kernel sees of one channel of one item for y's pixels from (row,
 * column) on: scaled, activated, upsampled, padded.  line [x.w] is scratch. */
void conv_fill_band(const ConvTask *task, float *band, float *line, int item, int channel, int row,
                    int column, int height, int width);

/* Whether it pays, by sizes only; the bytes it wants then; and all of it. */
bool   conv_winograd_pays(const ConvTask *task);
size_t conv_winograd_scratch(const ConvTask *task);
void   conv_winograd(ConvTask *task, void *scratch);
