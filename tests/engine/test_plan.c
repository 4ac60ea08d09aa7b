/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Geometry of edits over 100,000 random canvases, selections, strengths and models, and the
 * sentences for what cannot be done. */
#include "edit/plan.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;

/* 0 … n-1: xorshift64*. */
static int below(int n)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (int)((state * 2685821657736338717ULL >> 33) % (uint64_t)n);
}

/* Small ones as often as large ones. */
static int random_side(int most)
{
    return 1 + below(below(3) ? most : 1 + below(64) < most ? 64 : most);
}

static EngineModelInfo model_of(int native, int channels)
{
    EngineModelInfo model = { .in_channels = channels, .takes_source = true,
                              .takes_hole = channels == 9, .takes_instruction = channels == 8,
                              .native_width = native,
                              .native_height = native,
                              .size_multiple = 8,
                              .runnable = true };
    strcpy(model.family, native == 1024 ? "SDXL" : native == 768 ? "SD 2.x" : "SD 1.x");
    strcpy(model.summary, channels == 8   ? "SD 1.x instruct checkpoint"
                          : channels == 9 ? "SD 1.x inpainting checkpoint"
                                          : "SD 1.x base checkpoint");
    return model;
}

static const int natives[] = { 256, 512, 768, 1024 };

/* Tiles go row by row, each with something in common with the one before it and the row above. */
static bool meets_the_tile_before(const PlanPass *pass, const PlanPass *before, EditRect canvas)
{
    EditRect now = pass->fit.rect, then = before && before->tile ? before->fit.rect : now;
    if (!before || !before->tile)
        return now.x == 0 && now.y == 0;
    if (now.y == then.y)
        return now.x > then.x && now.x + pass->left == then.x + then.width && pass->left > 0;
    return now.x == 0 && then.x + then.width >= canvas.width && now.y > then.y && pass->top > 0 &&
           now.y + pass->top == then.y + then.height;
}

/* False and a report when the plan breaks a rule. */
static bool sound(const Plan *plan, const EditSettings *settings, double cap)
{
    const EditPlan *all = &plan->summary;
    EditRect        canvas = all->canvas;
    double          cost = 0;
    const char     *broken = NULL;
    bool            text = settings->mode == EDIT_TEXT_TO_IMAGE;
    if (!rect_contains(canvas, all->region))
        broken = "region leaves the canvas";
    if (!rect_contains(all->region, all->result) || all->result.width < 1)
        broken = "result leaves the region";
    if (settings->mode != EDIT_OUTPAINT && !rect_contains(all->region, plan->selection))
        broken = "region misses the selection";
    for (int i = 0; i < plan->pass_count; i++) {
        const PlanPass  *pass = &plan->passes[i];
        const RegionFit *fit = &pass->fit;
        EditRect         must = plan->selection;
        int              multiple = text || settings->tile_x || settings->tile_y ? 8 : 16;
        cost += (double)fit->work_width * fit->work_height;
        if (settings->mode == EDIT_OUTPAINT)
            must = rect_union(plan->stages[pass->stage].target[0],
                              plan->stages[pass->stage].target[1]);
        if (!pass->tile && !rect_contains(fit->rect, must))
            broken = "pass misses what it repaints";
        if (pass->tile && !meets_the_tile_before(pass, i ? pass - 1 : NULL, canvas))
            broken = "tiles leave a gap";
        if (fit->work_width % multiple || fit->work_height % multiple || fit->work_width < 64 ||
            fit->work_height < 64 || fit->work_width > 16384 || fit->work_height > 16384)
            broken = "illegal size";
        if ((double)fit->work_width * fit->work_height > 1.05 * cap &&
            fit->work_width + fit->work_height > 128)
            broken = "over the cap";
        /* One scale for both axes; the rectangle is what the work covers, up to a whole pixel. */
        double over_x = fit->rect.width - fit->work_width / fit->scale;
        double over_y = fit->rect.height - fit->work_height / fit->scale;
        if (over_x < -1e-5 || over_x >= 1 || over_y < -1e-5 || over_y >= 1)
            broken = "stretched";
        bool beyond_x = fit->rect.x + fit->rect.width > canvas.width;
        bool beyond_y = fit->rect.y + fit->rect.height > canvas.height;
        if (fit->rect.x < 0 || fit->rect.y < 0 || (beyond_x && fit->rect.x > 0) ||
            (beyond_y && fit->rect.y > 0))
            broken = "extended where there was canvas";
        if (!(pass->strength > 0 && pass->strength <= 1))
            broken = "strength";
    }
    const RegionFit *last = &plan->passes[plan->pass_count - 1].fit;
    if (plan->pass_count && plan->passes[plan->pass_count - 1].tile &&
        (last->rect.x + last->rect.width < canvas.width ||
         last->rect.y + last->rect.height < canvas.height))
        broken = "tiles end too early";
    if (plan->pass_count != all->passes || fabs(cost - all->cost_pixels) > .5)
        broken = "cost";
    if (broken)
        printf("  %s: mode %d canvas %d x %d selection %d %d %d %d strength %g sides %d %d %d %d\n",
               broken, settings->mode, settings->canvas_width, settings->canvas_height,
               settings->selection.x, settings->selection.y, settings->selection.width,
               settings->selection.height, (double)settings->strength, settings->left,
               settings->right, settings->top, settings->bottom);
    return !broken;
}

static EditSettings random_settings(EditMode mode)
{
    int          most = below(10) ? 3000 : 20000;
    EditSettings settings = edit_settings_default(mode);
    settings.canvas_width = random_side(most);
    settings.canvas_height = random_side(most);
    settings.strength = below(3) ? (float)(1 + below(100)) / 100 : 1;
    settings.edge = (EditEdge)below(3);
    settings.context = (EditContext)below(4);
    settings.context_pixels = below(200);
    settings.intent = (EditIntent)below(6);
    settings.max_pixels = below(4) ? 0 : (uint64_t)(4096 + below(4000000));
    settings.has_selection = mode == EDIT_INPAINT || (mode != EDIT_OUTPAINT && below(2));
    int w = random_side(below(4) ? settings.canvas_width : 1);
    int h = random_side(below(4) ? settings.canvas_height : 1);
    /* Partly off the canvas now and then, but always on it somewhere. */
    settings.selection = (EditRect){ below(settings.canvas_width + w - 1) - w + 1,
                                     below(settings.canvas_height + h - 1) - h + 1, w, h };
    if (mode == EDIT_OUTPAINT) {
        int *sides[] = { &settings.left, &settings.right, &settings.top, &settings.bottom };
        for (int i = 0; i < 4; i++)
            *sides[i] = below(2) ? 0 : random_side(600);
    }
    if (mode == EDIT_TEXT_TO_IMAGE) {
        settings.width = 64 + below(2000);
        settings.height = 64 + below(2000);
        settings.max_pixels = 0;
    }
    return settings;
}

static void a_hundred_thousand_plans_are_sound(void)
{
    static const EditMode modes[] = { EDIT_INPAINT,        EDIT_INPAINT,      EDIT_INPAINT,
                                      EDIT_IMAGE_TO_IMAGE, EDIT_OUTPAINT,     EDIT_OUTPAINT,
                                      EDIT_INSTRUCT,       EDIT_TEXT_TO_IMAGE };
    static Plan           plan;
    int                   unsound = 0, refused = 0, passes = 0;
    for (int i = 0; i < 100000 && unsound < 5; i++) {
        EditSettings    settings = random_settings(modes[below(8)]);
        int             channels = settings.mode == EDIT_INSTRUCT ? 8 : below(2) ? 4 : 9;
        EngineModelInfo model = model_of(natives[below(4)], channels);
        EngineError     error = { 0 };
        if (!plan_make(&plan, &settings, &model, &error)) {
            refused++;
            if (!CHECK(error.status == ENGINE_BAD_REQUEST && error.message[0]))
                break;
            /* Only too many passes at once (of a tiny picture, or a very long one) or pixels. */
            if (!CHECK(strstr(error.message, "more than 64 passes") ||
                       strstr(error.message, "select a smaller part")))
                printf("  %s\n", error.message);
            continue;
        }
        passes += plan.pass_count;
        unsound += !sound(&plan, &settings,
                          settings.max_pixels ? (double)settings.max_pixels : 6. * (1 << 20));
    }
    CHECK_INT(unsound, 0);
    CHECK(refused < 5000);
    CHECK(passes > 100000); /* the rules were tried on something */
}

static void whole_and_edge_and_tiny_selections_are_sound(void)
{
    static Plan           plan;
    static const EditRect canvases[] = { { 0, 0, 1, 1 },      { 0, 0, 1, 900 },
                                         { 0, 0, 700, 1 },    { 0, 0, 512, 512 },
                                         { 0, 0, 1023, 769 }, { 0, 0, 20000, 20000 } };
    for (size_t i = 0; i < sizeof canvases / sizeof canvases[0]; i++) {
        EditRect c = canvases[i];
        EditRect selections[] = { c,
                                  { 0, 0, 1, 1 },
                                  { c.width - 1, c.height - 1, 1, 1 },
                                  { c.width / 2, c.height / 2, 1, 1 },
                                  { 0, 0, c.width, 1 },
                                  { 0, 0, 1, c.height },
                                  { -50, -50, 51, 51 },
                                  { -100, -100, c.width + 200, c.height + 200 } };
        for (size_t k = 0; k < sizeof selections / sizeof selections[0]; k++) {
            for (int n = 0; n < 4; n++) {
                EditSettings settings = edit_settings_default(EDIT_INPAINT);
                settings.canvas_width = c.width;
                settings.canvas_height = c.height;
                settings.has_selection = true;
                settings.selection = selections[k];
                settings.edge = (EditEdge)(k % 3);
                EngineModelInfo model = model_of(natives[n], n % 2 ? 4 : 9);
                EngineError     error = { 0 };
                /* All of 20,000 x 20,000 at once is too much, one pixel of it or a line is not. */
                if (c.width == 20000 &&
                    (selections[k].width >= 20000 && selections[k].height >= 20000)) {
                    CHECK(!plan_make(&plan, &settings, &model, &error));
                    CHECK(strstr(error.message, "select a smaller part"));
                    continue;
                }
                CHECK(plan_make(&plan, &settings, &model, &error));
                CHECK(sound(&plan, &settings, 6. * (1 << 20)));
            }
        }
    }
}

static EditSettings inpaint_on(int width, int height, EditRect selection)
{
    EditSettings settings = edit_settings_default(EDIT_INPAINT);
    settings.canvas_width = width;
    settings.canvas_height = height;
    settings.has_selection = true;
    settings.selection = selection;
    return settings;
}

static void a_large_region_is_refined_in_a_second_pass(void)
{
    static Plan     plan;
    EngineModelInfo model = model_of(512, 4);
    EngineError     error = { 0 };
    EditSettings    settings = inpaint_on(4096, 4096, (EditRect){ 1800, 1700, 512, 512 });
    CHECK(plan_make(&plan, &settings, &model, &error));
    CHECK_INT(plan.pass_count, 2);
    CHECK(plan.passes[1].second);
    CHECK(plan.passes[1].fit.scale == 1);
    CHECK_NEAR(&plan.passes[1].strength, &(float){ .4F }, 1, 0);
    CHECK(plan.passes[0].fit.scale < .9);
    CHECK((double)plan.passes[0].fit.work_width * plan.passes[0].fit.work_height <=
          1.1 * 512 * 768);

    settings.intent = EDIT_REFINE; /* refining runs twice from .7 on */
    settings.selection = (EditRect){ 300, 300, 1500, 1500 };
    settings.strength = .69F;
    CHECK(plan_make(&plan, &settings, &model, &error));
    CHECK_INT(plan.pass_count, 1);
    CHECK(plan.passes[0].fit.scale == 1);
    settings.strength = .7F;
    CHECK(plan_make(&plan, &settings, &model, &error));
    CHECK_INT(plan.pass_count, 2);
}

static void instructions_run_in_one_pass(void)
{
    static Plan     plan;
    EngineModelInfo model = model_of(512, 8);
    EngineError     error = { 0 };
    EditSettings    settings = edit_settings_default(EDIT_INSTRUCT);
    settings.canvas_width = 3000;
    settings.canvas_height = 2000;
    CHECK(plan_make(&plan, &settings, &model, &error));
    CHECK_INT(plan.pass_count, 1);
    CHECK(plan.summary.warning[0]);
}

static void strength_0_needs_no_pass(void)
{
    static Plan     plan;
    EngineModelInfo model = model_of(512, 4);
    EngineError     error = { 0 };
    EditSettings    settings = inpaint_on(600, 600, (EditRect){ 100, 100, 100, 100 });
    settings.strength = 0;
    CHECK(plan_make(&plan, &settings, &model, &error));
    CHECK_INT(plan.summary.passes, 0);
    CHECK(plan.summary.cost_pixels == 0);
}

static void a_corner_selection_has_little_context(void)
{
    static Plan     plan;
    EngineModelInfo model = model_of(512, 4);
    EngineError     error = { 0 };
    EditSettings    settings = inpaint_on(512, 512, (EditRect){ 0, 0, 512, 480 });
    CHECK(plan_make(&plan, &settings, &model, &error));
    CHECK(plan.summary.little_context && plan.summary.warning[0]);
    settings.selection = (EditRect){ 0, 0, 256, 256 };
    CHECK(plan_make(&plan, &settings, &model, &error));
    CHECK(!plan.summary.little_context);
}

static void tiled_canvases_keep_their_sides(void)
{
    static Plan     plan;
    EngineModelInfo model = model_of(256, 4);
    for (int i = 0; i < 2000; i++) {
        EngineError  error = { 0 };
        EditSettings settings = edit_settings_default(below(2) ? EDIT_SEAMS : EDIT_IMAGE_TO_IMAGE);
        settings.canvas_width = 64 + 8 * below(128);
        settings.canvas_height = 64 + 8 * below(128);
        settings.tile_x = below(2);
        settings.tile_y = !settings.tile_x || below(2);
        settings.strength = .8F;
        if (!CHECK(plan_make(&plan, &settings, &model, &error)))
            printf("  %d x %d: %s\n", settings.canvas_width, settings.canvas_height, error.message);
        if (!CHECK(sound(&plan, &settings, 6. * (1 << 20))))
            return;
        for (int p = 0; p < plan.pass_count; p++) {
            const RegionFit *fit = &plan.passes[p].fit;
            if (settings.tile_x)
                CHECK(fabs(settings.canvas_width * fit->scale - fit->work_width) < 1e-6);
            if (settings.tile_y)
                CHECK(fabs(settings.canvas_height * fit->scale - fit->work_height) < 1e-6);
        }
    }
}

static void refuses(const EditSettings *settings, const EngineModelInfo *model,
                    const char *sentence)
{
    static Plan plan;
    EngineError error = { 0 };
    CHECK(!plan_make(&plan, settings, model, &error));
    CHECK_INT(error.status, ENGINE_BAD_REQUEST);
    if (!CHECK(strstr(error.message, sentence)))
        printf("  got: %s\n", error.message);
}

static void wrong_requests_get_their_sentence(void)
{
    EngineModelInfo base = model_of(512, 4), instruct = model_of(512, 8);
    EditSettings    settings = inpaint_on(600, 600, (EditRect){ 0, 0, 10, 10 });
    refuses(&settings, &instruct, "only follows instructions");
    settings.mode = EDIT_INSTRUCT;
    refuses(&settings, &base,
            "(SD 1.x base checkpoint): Instruct needs an 8-channel InstructPix2Pix checkpoint");
    settings.mode = EDIT_INPAINT;
    settings.selection.width = 0;
    refuses(&settings, &base, "The selection is empty: nothing to repaint");
    settings.selection = (EditRect){ 600, 0, 50, 50 };
    refuses(&settings, &base, "outside the canvas");
    settings.has_selection = false;
    refuses(&settings, &base, "use image to image");
    settings.intent = EDIT_BACKGROUND;
    refuses(&settings, &base, "select what stays");
    settings = inpaint_on(600, 600, (EditRect){ 0, 0, 10, 10 });
    settings.strength = 1.5F;
    refuses(&settings, &base, "strength");
    settings.strength = NAN;
    refuses(&settings, &base, "strength");
    settings = inpaint_on(0, 600, (EditRect){ 0, 0, 10, 10 });
    refuses(&settings, &base, "no pixels");
    settings = inpaint_on(600, 600, (EditRect){ 0, 0, 10, 10 });
    settings.max_pixels = 100;
    refuses(&settings, &base, "too small");
    settings = edit_settings_default(EDIT_OUTPAINT);
    settings.canvas_width = settings.canvas_height = 500000;
    settings.right = 40000;
    refuses(&settings, &base, "larger than the largest");
    settings.right = -1;
    refuses(&settings, &base, "less than 0");
    settings = edit_settings_default(EDIT_TEXT_TO_IMAGE);
    settings.width = 4000;
    settings.height = 4000;
    refuses(&settings, &base, "16.0 megapixels");
    settings.width = 32;
    refuses(&settings, &base, "too small");
    settings = edit_settings_default(EDIT_SEAMS);
    settings.canvas_width = settings.canvas_height = 256;
    settings.tile_x = settings.tile_y = false;
    refuses(&settings, &base, "choose one or both");
    settings.tile_x = settings.tile_y = true;
    settings.canvas_width = 5001;
    settings.canvas_height = 4999;
    refuses(&settings, &base, "multiples of 8");
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(a_hundred_thousand_plans_are_sound);
    RUN(whole_and_edge_and_tiny_selections_are_sound);
    RUN(a_large_region_is_refined_in_a_second_pass);
    RUN(instructions_run_in_one_pass);
    RUN(strength_0_needs_no_pass);
    RUN(a_corner_selection_has_little_context);
    RUN(tiled_canvases_keep_their_sides);
    RUN(wrong_requests_get_their_sentence);
    return test_end();
}
