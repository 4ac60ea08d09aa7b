/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "region.h"

#include <assert.h>
#include <math.h>

/* Work pixels.  64: a U-Net's deepest level still has a latent.  16384: for long strips, to which
 * the cap on pixels would allow more. */
enum {
    MIN_WORK_SIDE = 64,
    MAX_WORK_SIDE = 16384,
    FINE_MULTIPLE = 16,
    MAX_ENLARGEMENT = 8, /* beyond, a picture is its own edge: extension does as well */
};

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static int round_up(int value, int multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

/* ---- rectangles --------------------------------------------------------------------------- */

bool rect_contains(EditRect outer, EditRect inner)
{
    return inner.x >= outer.x && inner.y >= outer.y &&
           inner.x + inner.width <= outer.x + outer.width &&
           inner.y + inner.height <= outer.y + outer.height;
}

EditRect rect_intersect(EditRect a, EditRect b)
{
    int x0 = max_int(a.x, b.x), x1 = min_int(a.x + a.width, b.x + b.width);
    int y0 = max_int(a.y, b.y), y1 = min_int(a.y + a.height, b.y + b.height);
    return x1 > x0 && y1 > y0 ? (EditRect){ x0, y0, x1 - x0, y1 - y0 } : (EditRect){ 0 };
}

EditRect rect_union(EditRect a, EditRect b)
{
    if (a.width <= 0 || a.height <= 0)
        return b;
    if (b.width <= 0 || b.height <= 0)
        return a;
    int x0 = min_int(a.x, b.x), x1 = max_int(a.x + a.width, b.x + b.width);
    int y0 = min_int(a.y, b.y), y1 = max_int(a.y + a.height, b.y + b.height);
    return (EditRect){ x0, y0, x1 - x0, y1 - y0 };
}

size_t rect_area(EditRect rect)
{
    return (size_t)rect.width * (size_t)rect.height;
}

EditRect rect_pad(EditRect rect, int left, int top, int right, int bottom)
{
    return (EditRect){ rect.x - left, rect.y - top, rect.width + left + right,
                       rect.height + top + bottom };
}

EditRect rect_clamp(EditRect rect, int canvas_width, int canvas_height)
{
    rect.width = min_int(rect.width, canvas_width);
    rect.height = min_int(rect.height, canvas_height);
    rect.x = max_int(0, min_int(rect.x, canvas_width - rect.width));
    rect.y = max_int(0, min_int(rect.y, canvas_height - rect.height));
    return rect;
}

/* Grown around its middle to at least `least`, to multiples, and into the canvas. */
static EditRect grow_to(EditRect rect, int least_width, int least_height, int multiple,
                        int canvas_width, int canvas_height)
{
    int width = round_up(max_int(rect.width, least_width), multiple) - rect.width;
    int height = round_up(max_int(rect.height, least_height), multiple) - rect.height;
    rect = rect_pad(rect, width / 2, height / 2, width - width / 2, height - height / 2);
    return rect_clamp(rect, canvas_width, canvas_height);
}

/* ---- the model's limits ------------------------------------------------------------------- */

RegionLimits region_limits(const EngineModelInfo *model)
{
    /* Krita AI Diffusion's resolutions for SD 1.x and SDXL; the row of 768 is ours.  Outside of its
     * range of pixels a model repeats things or draws mush. */
    static const struct {
        double native, min_side, max_side, min_pixels, max_pixels;
    } rows[] = {
        { 512, 512, 768, 512. * 512, 512. * 768 },
        { 768, 640, 1024, 640. * 640, 768. * 768 },
        { 1024, 640, 1280, 800. * 800, 1024. * 1024 },
    };
    enum { LAST = sizeof rows / sizeof rows[0] - 1 };
    double n = sqrt((double)max_int(model->native_width, 64) * max_int(model->native_height, 64));
    if (n <= rows[0].native || n >= rows[LAST].native) {
        int    row = n <= rows[0].native ? 0 : LAST;
        double f = n / rows[row].native;
        return (RegionLimits){ (int)lround(n), (int)lround(f * rows[row].min_side),
                               (int)lround(f * rows[row].max_side), f * f * rows[row].min_pixels,
                               f * f * rows[row].max_pixels };
    }
    int row = 0;
    while (n > rows[row + 1].native)
        row++;
    double t = (n - rows[row].native) / (rows[row + 1].native - rows[row].native), s = 1 - t;
    return (RegionLimits){
        (int)lround(n),
        (int)lround(s * rows[row].min_side + t * rows[row + 1].min_side),
        (int)lround(s * rows[row].max_side + t * rows[row + 1].max_side),
        s * rows[row].min_pixels + t * rows[row + 1].min_pixels,
        s * rows[row].max_pixels + t * rows[row + 1].max_pixels,
    };
}

/* ---- context ------------------------------------------------------------------------------ */

EditRect region_mask_bounds(EditRect selection, const MaskWidths *widths, int canvas_width,
                            int canvas_height, const RegionLimits *limits)
{
    double diagonal = hypot(selection.width, selection.height);
    /* Six percent of the diagonal, and multiples of 16, as Krita AI Diffusion's
     * create_mask_from_selection. */
    int    pad = mask_denoise_reach(widths) + (int)floor(.06 * diagonal);
    int    least = limits->native / 2;
    return grow_to(rect_pad(selection, pad, pad, pad, pad), least, least, 16, canvas_width,
                   canvas_height);
}

EditRect region_context(EditRect bounds, double strength, int canvas_width, int canvas_height,
                        const RegionLimits *limits)
{
    /* With less than full strength what is there steers the model: more context only costs. */
    if (strength < 1)
        return bounds;
    int pad =
        max_int(max_int(canvas_width, canvas_height) / 16, (bounds.width + bounds.height) / 4);
    int excess = bounds.width - bounds.height;
    /* A model was trained on pictures that are nearly square: the longer axis gets half of the
     * excess less, but half of its padding at least. */
    int less_x = max_int(pad / 2, pad - max_int(excess, 0) / 2);
    int less_y = max_int(pad / 2, pad - max_int(-excess, 0) / 2);
    return grow_to(rect_pad(bounds, less_x, less_y, less_x, less_y), limits->native, limits->native,
                   8, canvas_width, canvas_height);
}

bool region_has_little_context(EditRect region, EditRect selection, const RegionLimits *limits)
{
    int margin[4] = {
        selection.x - region.x,
        region.x + region.width - selection.x - selection.width,
        selection.y - region.y,
        region.y + region.height - selection.y - selection.height,
    };
    int sides = 0;
    for (int i = 0; i < 4; i++) {
        int side = i < 2 ? region.width : region.height;
        if (margin[i] > 0)
            sides++;
        /* 224 at 512 is the least that Krita AI Diffusion takes as a reference for an inpaint. */
        if (margin[i] >= 224 * limits->native / 512 || margin[i] * 4 >= side)
            return false;
    }
    return sides < 2;
}

RegionScale region_scale(double width, double height, const RegionLimits *limits)
{
    double pixels = width * height, longer = width > height ? width : height;
    /* Smaller than what the model was trained on: it would draw a detail as a whole picture. */
    if (pixels < limits->min_pixels && longer < limits->min_side)
        return (RegionScale){ fmin(sqrt(limits->min_pixels / pixels), MAX_ENLARGEMENT), false };
    double down = sqrt(limits->max_pixels / pixels);
    if (down < .9 && longer > limits->max_side)
        return (RegionScale){ down, true };
    return (RegionScale){ 1, false };
}

/* ---- sizes -------------------------------------------------------------------------------- */

/* Sides come out of divisions: what is an integer but for rounding is that integer. */
static int ceil_side(double side)
{
    return (int)ceil(side - 1e-6);
}

static int greatest_common_divisor(int a, int b)
{
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void set_work(RegionFit *fit, EditRect wanted, const RegionRule *rule)
{
    double width = wanted.width * fit->scale, height = wanted.height * fit->scale;
    int    w = max_int(ceil_side(width), MIN_WORK_SIDE);
    int    h = max_int(ceil_side(height), MIN_WORK_SIDE);
    bool   as_is = rule->multiple == 8 && w % 8 == 0 && h % 8 == 0;
    int    coarse = rule->multiple > FINE_MULTIPLE ? rule->multiple : FINE_MULTIPLE;
    /* Sides that divide down to the deepest level are worth 8 % more pixels; beyond that multiples
     * of 16, whose odd sizes the U-Net meets on its way up. */
    double more = (double)round_up(w, coarse) * round_up(h, coarse) / ((double)w * h);
    int    multiple = as_is ? 8 : more <= 1.08 ? coarse : FINE_MULTIPLE;
    fit->work_width = round_up(w, rule->tile_x ? 8 : multiple);
    fit->work_height = round_up(h, rule->tile_y ? 8 : multiple);
}

/* Scales at which tiled sides are multiples of 8 are multiples of this. */
static double tile_unit(const RegionRule *rule)
{
    /* Both sides times the scale are multiples of 8 where the scale is one of 8 / their greatest
     * common divisor. */
    if (rule->tile_x && rule->tile_y)
        return 8. / greatest_common_divisor(rule->canvas_width, rule->canvas_height);
    return 8. / (rule->tile_x ? rule->canvas_width : rule->canvas_height);
}

bool region_fit(RegionFit *fit, EditRect wanted, double scale, const RegionRule *rule,
                EngineError *error)
{
    EditRect canvas = { 0, 0, rule->canvas_width, rule->canvas_height };
    assert(rect_contains(canvas, wanted) && wanted.width > 0 && wanted.height > 0);
    double pixels = (double)wanted.width * wanted.height;
    scale = fmin(scale, sqrt(rule->max_pixels / pixels));
    scale = fmin(scale, (double)(MAX_WORK_SIDE - 64) / max_int(wanted.width, wanted.height));
    /* A tiled side can take no more context and repeat no edge: work and canvas must match exactly,
     * or the seam that tiling is for comes back.  So the scale is one at which they do. */
    double unit = rule->tile_x || rule->tile_y ? tile_unit(rule) : 0;
    if (unit > 0) {
        double steps = fmax(1, floor(scale / unit + .5));
        if (steps * unit * steps * unit * pixels > 1.05 * rule->max_pixels)
            steps = floor(scale / unit);
        if ((rule->tile_x && steps * unit * canvas.width < MIN_WORK_SIDE) ||
            (rule->tile_y && steps * unit * canvas.height < MIN_WORK_SIDE) || steps < 1)
            return fail(error, ENGINE_BAD_REQUEST,
                        "A tileable picture of %d x %d pixels cannot be worked on: its sides "
                        "should be multiples of 8, at least 64.",
                        canvas.width, canvas.height);
        scale = steps * unit;
    }
    fit->scale = scale;
    set_work(fit, wanted, rule);
    /* Rounding up may go over the cap: a little smaller, until it does not. */
    while (unit == 0 && (double)fit->work_width * fit->work_height > 1.05 * rule->max_pixels &&
           fit->work_width + fit->work_height > 2 * MIN_WORK_SIDE) {
        fit->scale *= .99;
        set_work(fit, wanted, rule);
    }
    /* The multiple is reached by what lies around it, never by stretching; past the right and lower
     * border the edge is repeated, and cut off afterwards. */
    int      width = ceil_side(fit->work_width / fit->scale);
    int      height = ceil_side(fit->work_height / fit->scale);
    EditRect rect = grow_to(wanted, width, height, 1, canvas.width, canvas.height);
    fit->rect = (EditRect){ rect.x, rect.y, width, height };
    return true;
}
