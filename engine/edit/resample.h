/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures and masks to another size: area average down, Lanczos-3 up, masks linear.
 *
 * One scale for both axes, so nothing is ever stretched.  Pixel centres lie at half integers:
 * output pixel i is centred at input coordinate x0 + (i + .5) / scale - .5, and a picture scaled up
 * and down again has not moved.  At scale 1 rows are copied.  Beyond the input its edge is
 * repeated, or on a tiled axis the other side follows. Cost: O(pixels of input and output). */
#pragma once

#include "../base/error.h"
#include "../compute/threads.h"

typedef enum {
    RESAMPLE_PICTURE, /* sharp; up: Lanczos-3, which overshoots a little */
    RESAMPLE_MASK,    /* linear: never leaves the range of its input */
} ResampleFilter;

typedef struct {
    double         scale;  /* output pixels for one of the input; > 0 */
    double         x0, y0; /* input coordinates of the output's upper left corner */
    ResampleFilter filter;
    bool           wrap_x, wrap_y;
} Resample;

/* out [out_h, out_w, channels], in [in_h, in_w, channels]; they do not overlap.
 * Fails only for want of memory. */
bool resample(Threads *threads, float *out, int out_w, int out_h, const float *in, int in_w,
              int in_h, int channels, const Resample *how, EngineError *error);
