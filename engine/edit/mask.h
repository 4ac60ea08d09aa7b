/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Masks from a selection: what the model may change and how the result is laid over the rest.
 *
 * With d the diagonal of the selection's bounds and s the strength (widths in canvas pixels):
 *   feather = max(floor(.10 s d), round(32 s)), at most a cap of 96
 *   grow    = 4 + feather / 2
 *   blend   = min(25, grow + feather / 2)
 *   denoise = triangle_blur(dilate(selection, grow), odd(feather)), 1 where > .99
 *   compose = gauss(erode(denoise > 0, blend / 2), odd(blend))
 *   fill    = dilate(selection, 4)
 * Outside the edge of the selection, denoise is 1 up to 4, .5 at grow, and 0 after 4 + feather;
 * compose is 0 there too and 1 up to blend before it.
 * All masks are float [h, w], 0 … 1, row by row; beyond their border the edge goes on.  Every
 * operation is separable, O(pixels) whatever its radius, and gives the same bits for any number of
 * threads.  Dilation is van Herk's: Pattern Recognition Letters 13 (1992) 517. */
#pragma once

#include "../compute/threads.h"
#include "../edit.h"

typedef struct {
    int feather, grow, blend;
    int inward; /* EDIT_KEEP_INSIDE: how far inside the edge compose reaches 1 */
} MaskWidths;

enum { MASK_FEATHER_CAP = 96, MASK_NO_CAP = 1 << 20 };

MaskWidths mask_widths(double diagonal, double strength, int feather_cap);

/* In place.  Radius 0 and support 1 leave the mask as it is; support is odd.  False: no memory. */
bool mask_dilate(Threads *threads, float *mask, int w, int h, int radius);
bool mask_erode(Threads *threads, float *mask, int w, int h, int radius);
bool mask_blur_triangle(Threads *threads, float *mask, int w, int h, int support);
bool mask_blur_gauss(Threads *threads, float *mask, int w, int h, int support);

/* Squared Euclidean distance in pixels to the nearest one > 0, in place; more than MASK_FAR when
 * there is none.  Felzenszwalb and Huttenlocher, Theory of Computing 8 (2012) 415. */
#define MASK_FAR 1e11F
bool mask_distance_squared(Threads *threads, float *mask, int w, int h);

/* Sets places < .1 to 0, then enclosed holes (4-connected, not touching the border) of at most
 * .005 of the masked area to 1.  False: no memory. */
bool mask_clean(float *mask, int w, int h);

/* Bounds of mask > threshold; width 0: there is nothing. */
EditRect mask_bounds(const float *mask, int w, int h, float threshold);

/* denoise, compose and fill [h, w] from the selection, which may be one of none of them.
 * False: no memory. */
bool mask_make(Threads *threads, float *denoise, float *compose, float *fill,
               const float *selection, int w, int h, EditEdge edge, const MaskWidths *widths);

/* Masks of a canvas extension.  unknown > 0: no pixel there.  denoise is 1 up to `grow` beyond it
 * and falls as the square of a ramp of width `ramp` into the known picture; compose falls from 1 to
 * 0 in the outer `blend` pixels of that.  False: no memory. */
bool mask_make_ramp(Threads *threads, float *denoise, float *compose, const float *unknown, int w,
                    int h, int grow, int ramp, int blend);
