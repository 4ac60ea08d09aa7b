/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edit/outpaint.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static RegionLimits limits_of(int native)
{
    EngineModelInfo model = { .native_width = native, .native_height = native };
    return region_limits(&model);
}

typedef struct {
    OutpaintStage stages[OUTPAINT_MAX_STAGES];
    int           count;
} Stages;

static bool planned(Stages *plan, int w, int h, int left, int right, int top, int bottom,
                    int native)
{
    RegionLimits limits = limits_of(native);
    EngineError  error = { 0 };
    return outpaint_plan(plan->stages, &plan->count, (EditRect){ left, top, w, h },
                         (int[]){ left, right, top, bottom }, &limits, &error);
}

/* Marks a target's pixels in canvas [h, w]: each must have been missing. */
static bool take(unsigned char *canvas, int w, EditRect target)
{
    for (int y = target.y; y < target.y + target.height; y++)
        for (int x = target.x; x < target.x + target.width; x++)
            if (canvas[y * w + x]++)
                return false;
    return true;
}

static size_t known_in(const unsigned char *canvas, int w, EditRect rect)
{
    size_t known = 0;
    for (int y = rect.y; y < rect.y + rect.height; y++)
        for (int x = rect.x; x < rect.x + rect.width; x++)
            known += canvas[y * w + x] != 0;
    return known;
}

static void every_missing_pixel_is_painted_once_beside_known_ones(void)
{
    static Stages plan;
    srand(3);
    for (int i = 0; i < 300; i++) {
        int w = 20 + rand() % 400, h = 20 + rand() % 400, sides[4];
        for (int s = 0; s < 4; s++)
            sides[s] = rand() % 2 ? rand() % 200 : 0;
        int            full_w = w + sides[0] + sides[1], full_h = h + sides[2] + sides[3];
        unsigned char *canvas = calloc((size_t)full_w * (size_t)full_h, 1);
        bool           once = true, beside = true, enough = true;
        CHECK(take(canvas, full_w, (EditRect){ sides[0], sides[2], w, h }));
        CHECK(planned(&plan, w, h, sides[0], sides[1], sides[2], sides[3], 256));
        for (int s = 0; s < plan.count; s++) {
            const OutpaintStage *stage = &plan.stages[s];
            beside &= rect_contains(stage->context, stage->target[0]) &&
                      rect_contains((EditRect){ 0, 0, full_w, full_h }, stage->context);
            size_t known = known_in(canvas, full_w, stage->context);
            enough &= 2 * known >= (size_t)stage->context.width * (size_t)stage->context.height;
            once &=
                take(canvas, full_w, stage->target[0]) && take(canvas, full_w, stage->target[1]);
        }
        size_t all = known_in(canvas, full_w, (EditRect){ 0, 0, full_w, full_h });
        if (!CHECK(once && beside && enough && all == (size_t)full_w * (size_t)full_h))
            printf("  %d x %d, %d %d %d %d: once %d beside %d enough %d\n", w, h, sides[0],
                   sides[1], sides[2], sides[3], once, beside, enough);
        free(canvas);
    }
}

static void a_strip_is_at_most_half_the_native_size(void)
{
    static Stages plan;
    CHECK(planned(&plan, 512, 512, 0, 600, 0, 0, 512));
    CHECK_INT(plan.count, 3);
    for (int i = 0; i < plan.count; i++) {
        CHECK_INT(plan.stages[i].target[0].width, 200);
        CHECK_INT(plan.stages[i].context.width, 512);
        CHECK_INT(plan.stages[i].target[0].x, 512 + 200 * i);
    }
}

static void the_largest_side_comes_first_and_corners_last(void)
{
    static Stages plan;
    CHECK(planned(&plan, 512, 512, 128, 0, 200, 0, 512));
    CHECK_INT(plan.count, 2);
    CHECK_INT(plan.stages[0].target[0].height, 200); /* the top, as wide as what is known */
    CHECK_INT(plan.stages[0].target[0].width, 512);
    CHECK_INT(plan.stages[1].target[0].width, 128); /* the left, with the corner */
    CHECK_INT(plan.stages[1].target[0].height, 712);
}

static void small_opposite_sides_go_together(void)
{
    static Stages plan;
    CHECK(planned(&plan, 512, 400, 64, 60, 0, 0, 512));
    CHECK_INT(plan.count, 1);
    CHECK_INT(plan.stages[0].target[0].width + plan.stages[0].target[1].width, 124);
    CHECK(planned(&plan, 512, 400, 65, 60, 0, 0, 512)); /* more than 12.5 % */
    CHECK_INT(plan.count, 2);
}

static void a_long_side_is_cut_along_its_length(void)
{
    static Stages plan;
    CHECK(planned(&plan, 10000, 600, 0, 0, 200, 0, 512));
    CHECK_INT(plan.count, 4);
    CHECK_INT(plan.stages[3].target[0].x, 7500);
    CHECK(plan.stages[1].context.x < 2500); /* sees what the first made */
}

static void too_many_passes_are_refused(void)
{
    static Stages plan;
    RegionLimits  limits = limits_of(512);
    EngineError   error = { 0 };
    CHECK(!outpaint_plan(plan.stages, &plan.count, (EditRect){ 100000, 0, 300, 300 },
                         (int[]){ 100000, 0, 0, 0 }, &limits, &error));
    CHECK(strstr(error.message, "in several goes"));
}

static void ramps_are_40_pixels_of_work_or_a_tenth(void)
{
    OutpaintStage stage = { .scale = 1 };
    outpaint_widths(&stage, 512);
    CHECK_INT(stage.ramp, 40);
    CHECK_INT(stage.grow, 8);
    outpaint_widths(&stage, 200);
    CHECK_INT(stage.ramp, 20);
    stage.scale = .5;
    outpaint_widths(&stage, 2000);
    CHECK_INT(stage.ramp, 80);
    CHECK_INT(stage.grow, 16);
    stage.scale = 8;
    for (int side = 1; side < 60; side++) {
        outpaint_widths(&stage, side);
        CHECK(stage.grow >= 0 && stage.ramp >= 0 && stage.ramp + stage.grow < side);
    }
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(every_missing_pixel_is_painted_once_beside_known_ones);
    RUN(a_strip_is_at_most_half_the_native_size);
    RUN(the_largest_side_comes_first_and_corners_last);
    RUN(small_opposite_sides_go_together);
    RUN(a_long_side_is_cut_along_its_length);
    RUN(too_many_passes_are_refused);
    RUN(ramps_are_40_pixels_of_work_or_a_tenth);
    return test_end();
}
