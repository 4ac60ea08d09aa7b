/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes that have a number in the design; rules over random cases are in test_plan.c. */
#include "edit/region.h"
#include "test.h"

#include <math.h>
#include <string.h>

static RegionLimits limits_of(int native)
{
    EngineModelInfo model = { .native_width = native, .native_height = native };
    return region_limits(&model);
}

static void limits_follow_the_table(void)
{
    static const struct {
        int    native, min_side, max_side;
        double min_pixels, max_pixels;
    } rows[] = {
        { 512, 512, 768, 512 * 512, 512 * 768 },        { 768, 640, 1024, 640 * 640, 768 * 768 },
        { 1024, 640, 1280, 800 * 800, 1024 * 1024 },    { 256, 256, 384, 256 * 256, 256 * 384 },
        { 2048, 1280, 2560, 1600 * 1600, 2048 * 2048 },
    };
    for (int i = 0; i < 5; i++) {
        RegionLimits limits = limits_of(rows[i].native);
        CHECK_INT(limits.native, rows[i].native);
        CHECK_INT(limits.min_side, rows[i].min_side);
        CHECK_INT(limits.max_side, rows[i].max_side);
        CHECK(fabs(limits.min_pixels - rows[i].min_pixels) < 1);
        CHECK(fabs(limits.max_pixels - rows[i].max_pixels) < 1);
    }
    RegionLimits between = limits_of(640);
    CHECK_INT(between.max_side, 896);
    CHECK(limits_of(0).native >= 64); /* a model that tells no size */
}

static bool same(EditRect a, int x, int y, int width, int height)
{
    return a.x == x && a.y == y && a.width == width && a.height == height;
}

static void rectangles_move_before_they_shrink(void)
{
    CHECK(same(rect_clamp((EditRect){ -5, 90, 20, 20 }, 100, 100), 0, 80, 20, 20));
    CHECK(same(rect_clamp((EditRect){ -5, 90, 200, 20 }, 100, 100), 0, 80, 100, 20));
    CHECK_INT(rect_intersect((EditRect){ 0, 0, 5, 5 }, (EditRect){ 5, 0, 5, 5 }).width, 0);
    CHECK(same(rect_union((EditRect){ 0 }, (EditRect){ 5, 6, 7, 8 }), 5, 6, 7, 8));
    CHECK(same(rect_union((EditRect){ 0, 0, 1, 1 }, (EditRect){ 5, 6, 7, 8 }), 0, 0, 12, 14));
}

static void context_of_a_square_selection(void)
{
    RegionLimits limits = limits_of(512);
    MaskWidths   widths = mask_widths(hypot(512, 512), 1, MASK_FEATHER_CAP);
    EditRect     selection = { 1700, 1800, 512, 512 };
    EditRect     bounds = region_mask_bounds(selection, &widths, 4096, 4096, &limits);
    /* 72 + 4 + floor(.06 * 724.08) = 119 on each side: 750, so 752. */
    CHECK_INT(bounds.width, 752);
    CHECK_INT(bounds.height, 752);
    EditRect context = region_context(bounds, 1, 4096, 4096, &limits);
    CHECK_INT(context.width, 752 + 2 * 376); /* (w + h) / 4 on each side */
    CHECK(rect_contains(context, bounds));
    /* Below strength 1 the mask bounds are all that is seen. */
    context = region_context(bounds, .99, 4096, 4096, &limits);
    CHECK(same(context, bounds.x, bounds.y, bounds.width, bounds.height));
    /* A long selection is padded less along its length: at least half. */
    context = region_context((EditRect){ 1000, 1000, 1000, 200 }, 1, 4096, 4096, &limits);
    CHECK_INT(context.width, 1304); /* 1000 + 2 * 150, a multiple of 8 */
    CHECK_INT(context.height, 200 + 2 * 300);
    /* At the canvas's border it moves inside. */
    context = region_context((EditRect){ 0, 0, 256, 256 }, 1, 4096, 4096, &limits);
    CHECK(context.x == 0 && context.y == 0 && context.width >= 512);
}

static void scale_follows_size(void)
{
    RegionLimits limits = limits_of(512);
    CHECK(region_scale(256, 256, &limits).scale == 2);
    CHECK(region_scale(512, 512, &limits).scale == 1);
    CHECK(region_scale(100, 600, &limits).scale == 1); /* one side is long enough */
    CHECK(region_scale(768, 768, &limits).scale == 1); /* many pixels, no side too long */
    CHECK(region_scale(800, 500, &limits).scale == 1); /* .99 */
    RegionScale large = region_scale(1504, 1504, &limits);
    CHECK(large.two_passes && fabs(large.scale * 1504 * large.scale * 1504 - 512 * 768) < 1);
    CHECK(region_scale(1, 1, &limits).scale == 8);
}

static void sides_are_64_where_that_adds_little(void)
{
    RegionRule rule = {
        .canvas_width = 4096, .canvas_height = 4096, .max_pixels = 6e6, .multiple = 64
    };
    RegionFit   fit;
    EngineError error = { 0 };
    CHECK(region_fit(&fit, (EditRect){ 100, 100, 630, 640 }, 1, &rule, &error));
    CHECK(fit.work_width == 640 && fit.work_height == 640 && fit.scale == 1);
    CHECK(same(fit.rect, 95, 100, 640, 640)); /* more of the canvas, around the middle */
    CHECK(region_fit(&fit, (EditRect){ 100, 100, 520, 520 }, 1, &rule, &error));
    CHECK(fit.work_width == 528 && fit.work_height == 528); /* 576^2 would be 23 % more */
    rule.canvas_width = 300;
    CHECK(region_fit(&fit, (EditRect){ 0, 0, 300, 640 }, 1, &rule, &error));
    CHECK(same(fit.rect, 0, 0, fit.work_width, 640) && fit.work_width > 300);
    rule.multiple = 8;
    CHECK(region_fit(&fit, (EditRect){ 0, 0, 296, 520 }, 1, &rule, &error));
    CHECK(fit.work_width == 296 && fit.work_height == 520);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(limits_follow_the_table);
    RUN(rectangles_move_before_they_shrink);
    RUN(context_of_a_square_selection);
    RUN(scale_follows_size);
    RUN(sides_are_64_where_that_adds_little);
    return test_end();
}
