/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Context rectangle and working size: what the model sees, and at how many pixels.
 *
 * Lengths that depend on the model scale with its native size n (512, 768, 1024; the demo
 * checkpoint's is 256):
 *
 *   n     min side  max side  pixels of a pass
 *   512   512       768       512^2 … 512 * 768
 *   768   640       1024      640^2 … 768^2
 *   1024  640       1280      800^2 … 1024^2
 *
 * Between these the table is interpolated, outside it is proportional to n.  All rectangles are
 * integers in canvas pixels.  A pass has one scale for both axes: sides become legal multiples by
 * taking more of the canvas, and beyond its right and lower border by repeating its edge. */
#pragma once

#include "../edit.h"
#include "mask.h"

typedef struct {
    int    native;
    int    min_side, max_side;
    double min_pixels, max_pixels;
} RegionLimits;

RegionLimits region_limits(const EngineModelInfo *model);

bool     rect_contains(EditRect outer, EditRect inner);
EditRect rect_intersect(EditRect a, EditRect b); /* width 0: nothing in common */
EditRect rect_union(EditRect a, EditRect b);     /* an empty one does not count */
size_t   rect_area(EditRect rect);
EditRect rect_pad(EditRect rect, int left, int top, int right, int bottom);

/* Moved inside a canvas at the origin, and cut only where it is larger than that. */
EditRect rect_clamp(EditRect rect, int canvas_width, int canvas_height);

/* Bounds of what the masks may touch, with room for them: the selection padded by
 * denoise's reach + floor(.06 diagonal), at least n/2, multiples of 16, clamped. */
EditRect region_mask_bounds(EditRect selection, const MaskWidths *widths, int canvas_width,
                            int canvas_height, const RegionLimits *limits);

/* The context rectangle around mask bounds.  At strength 1: padded on each side by the larger of a
 * sixteenth of the canvas's longer side and the bounds' mean side / 2, less along the longer axis;
 * at least n, multiples of 8.  Below that: the bounds. */
EditRect region_context(EditRect bounds, double strength, int canvas_width, int canvas_height,
                        const RegionLimits *limits);

/* Known pixels remain on no side, or on one with less than 224/512 n and a quarter of the region.
 */
bool region_has_little_context(EditRect region, EditRect selection, const RegionLimits *limits);

typedef struct {
    double scale;      /* work pixels for one of the canvas */
    bool   two_passes; /* scale < .9 and a side above the maximum: refine at full size afterwards */
} RegionScale;

/* One pass at scale 1, unless the rectangle is smaller than the model likes in pixels and in both
 * sides (then up, at most by 8) or needs two passes. */
RegionScale region_scale(double width, double height, const RegionLimits *limits);

typedef struct {
    EditRect rect; /* in the canvas, or beyond its right and lower border where it is too small */
    double   scale;
    int      work_width, work_height; /* multiples of 64 where that adds <= 8 %, else of 16 */
} RegionFit;

typedef struct {
    int    canvas_width, canvas_height;
    double max_pixels;     /* of the work; 5 % more is allowed */
    int    multiple;       /* 64 (SDXL 32); 8: sides that are multiples of 8 stay as they are */
    bool   tile_x, tile_y; /* the canvas's whole side, exactly */
} RegionRule;

/* The pass that contains `wanted`, inside the canvas, at `scale` or less where the cap demands it.
 * Fails when a tiled side has no exact size under the cap. */
bool region_fit(RegionFit *fit, EditRect wanted, double scale, const RegionRule *rule,
                EngineError *error);
