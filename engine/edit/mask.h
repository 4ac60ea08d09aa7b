/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Masks from a selection: what the model may change and how the result is laid over the rest.
 *
 * With d the diagonal of the selection's bounds and s the strength, unless they were set (widths in
 * canvas pixels):
 *   grow    = 0
 *   feather = max(floor(.10 s d), round(32 s)), at most a cap of 96
 *   edge    = .025 d, 16 … 64: two latents of a model are the least that hides an edge
 *   chosen  = dilate(selection, grow)
 *   spread  = max(4 + feather / 2, edge / 2)
 *   denoise = triangle_blur(dilate(chosen, spread), odd(feather)), 1 where > .99
 *   compose = .5 + distance inside chosen / edge, 0 … 1, or the selection where that is softer
 *   fill    = dilate(chosen, 4)
 * Outside the edge of what is chosen denoise is 1 up to spread - feather / 2, .5 at spread and 0 after
 * spread + feather / 2; compose is .5 on that edge and 0 after edge / 2.  Where what is chosen is
 * thinner than the edge is wide, the edge is as wide as that: the middle of a scratch is covered.
 * EDIT_KEEP_INSIDE has all of its edge inside the selection.
 * All masks are float [h, w], 0 … 1, row by row; beyond their border the edge goes on.  Every
 * operation is separable, O(pixels) whatever its radius, and gives the same bits for any number of
 * threads.  Dilation is van Herk's: Pattern Recognition Letters 13 (1992) 517. */
#pragma once

#include "../compute/threads.h"
#include "../edit.h"

typedef struct {
    int grow, feather, edge;
} MaskWidths;

enum { MASK_FEATHER_CAP = 96, MASK_NO_CAP = 1 << 20, MASK_EDGE_LEAST = 16, MASK_EDGE_MOST = 64 };

MaskWidths mask_widths(double diagonal, double strength, int feather_cap);
int        mask_spread(const MaskWidths *widths);
/* Beyond the selection: pixels up to which denoise, and compose, can be more than 0. */
int mask_denoise_reach(const MaskWidths *widths);
int mask_compose_reach(const MaskWidths *widths, EditEdge edge);

/* In place.  Radius 0 and support 1 leave the mask as it is; support is odd.  False: no memory. */
bool mask_dilate(Threads *threads, float *mask, int w, int h, int radius);
bool mask_blur_triangle(Threads *threads, float *mask, int w, int h, int support);

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
