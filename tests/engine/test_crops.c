/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several parts of a selection, each in a crop of its own, with an engine that gives its source
 * back. */
#include "edit_help.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Circles of 120 pixels around those places. */
static EditSettings select_spots(Canvas *canvas, const int (*at)[2], int count)
{
    EditSettings settings = canvas_settings(EDIT_INPAINT, canvas);
    EditIslands *islands = edit_islands_create(canvas->w, canvas->h);
    for (int i = 0; i < count; i++)
        canvas_select_ellipse(canvas, at[i][0] - 60, at[i][1] - 60, 120, 120);
    edit_islands_add(islands, (EditRect){ 0, 0, canvas->w, canvas->h }, canvas->selection);
    CHECK(edit_islands_find(islands, settings.islands, &settings.island_count));
    edit_islands_destroy(islands);
    int x0 = canvas->w, y0 = canvas->h, x1 = 0, y1 = 0;
    for (int i = 0; i < settings.island_count; i++) {
        EditRect part = settings.islands[i];
        x0 = part.x < x0 ? part.x : x0;
        y0 = part.y < y0 ? part.y : y0;
        x1 = part.x + part.width > x1 ? part.x + part.width : x1;
        y1 = part.y + part.height > y1 ? part.y + part.height : y1;
    }
    settings.selection = (EditRect){ x0, y0, x1 - x0, y1 - y0 };
    settings.has_selection = true;
    return settings;
}

static double cost_of(const int (*at)[2], int count, int native, int *crops)
{
    Canvas       canvas = canvas_new(2008, 3008);
    Engine       engine = engine_double(native, 4);
    EditSettings settings = select_spots(&canvas, at, count);
    EditPlan     plan;
    EngineError  error = { 0 };
    CHECK(edit_plan(&settings, &engine.model, &plan, &error));
    *crops = plan.crop_count;
    canvas_free(&canvas);
    return plan.cost_pixels;
}

/* Two spots of 2008 x 3008 took 36 times one: all between them was repainted. */
static void two_spots_far_apart_cost_two_spots(void)
{
    static const int spots[][2] = { { 300, 400 }, { 1700, 2600 }, { 1600, 300 } };
    for (int native = 256; native <= 1024; native *= 2) {
        int    crops;
        double one = cost_of(spots, 1, native, &crops);
        CHECK_INT(crops, 1);
        double two = cost_of(spots, 2, native, &crops);
        CHECK_INT(crops, 2);
        CHECK(two <= 2.1 * one);
        double three = cost_of(spots, 3, native, &crops);
        CHECK(crops >= 2); /* two of them may share what a large model sees */
        CHECK(three <= 3.1 * one);
    }
}

/* Six of them at a third of the detail were thought to be less work. */
static void nine_spots_keep_the_detail_of_one(void)
{
    EditSettings settings = edit_settings_default(EDIT_INPAINT);
    Engine       engine = engine_double(512, 4);
    EditPlan     one, nine;
    EngineError  error = { 0 };
    settings.canvas_width = 6000;
    settings.canvas_height = 4000;
    settings.has_selection = true;
    settings.selection = (EditRect){ 840, 540, 4120, 2920 };
    settings.island_count = 9;
    for (int i = 0; i < 9; i++)
        settings.islands[i] = (EditRect){ 840 + i % 3 * 2000, 540 + i / 3 * 1400, 120, 120 };
    CHECK(edit_plan(&settings, &engine.model, &nine, &error));
    CHECK_INT(nine.crop_count, 9);
    settings.selection = settings.islands[4];
    settings.island_count = 0;
    CHECK(edit_plan(&settings, &engine.model, &one, &error));
    CHECK(nine.cost_pixels <= 9.1 * one.cost_pixels);
}

static uint64_t seeds[8];

static void paint_white(EnginePicture *decoded, const EngineRequest *request, int call)
{
    seeds[call % 8] = request->seed;
    for (int i = 0; i < request->width * request->height; i++)
        for (int c = 0; c < 3; c++)
            if (request->mask->pixels[i] == 1)
                decoded->pixels[3 * i + c] = 1;
}

static void only_the_spots_change(void)
{
    static const int spots[][2] = { { 150, 150 }, { 900, 700 } };
    Canvas           canvas = canvas_new(1100, 900);
    Engine           engine = engine_double(256, 4);
    EditSettings     settings = select_spots(&canvas, spots, 2);
    settings.colour_match = false;
    engine.change = paint_white;
    Outcome outcome = canvas_run(&settings, &canvas, &engine);
    if (!CHECK(outcome.ok))
        printf("  %s\n", outcome.error.message);
    CHECK_INT(outcome.plan.crop_count, 2);
    CHECK_INT(outcome.result.part_count, 2);
    CHECK(!outcome.result.rgba && outcome.result.rect.width > 800);
    CHECK(seeds[1] == 7 && seeds[engine.calls % 8] == 8);
    float *laid = canvas_laid(&canvas, &outcome);
    int    wrong = 0, white = 0;
    for (int i = 0; i < canvas.w * canvas.h; i++) {
        double away = fmin(hypot(i % canvas.w - 149.5, i / canvas.w - 149.5),
                           hypot(i % canvas.w - 899.5, i / canvas.w - 699.5));
        bool   kept = memcmp(laid + 4 * i, canvas.rgba + 4 * i, 4 * sizeof *laid) == 0;
        wrong += away > 60 + 13 && !kept;
        white += away < 45 && canvas_byte((double)laid[4 * i]) != 255;
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(white, 0);
    free(laid);
    outcome_free(&outcome);
    canvas_free(&canvas);
}

static void identity_is_identity_in_parts_too(void)
{
    static const int spots[][2] = { { 150, 150 }, { 900, 700 }, { 200, 640 } };
    for (int edge = EDIT_BLEND; edge <= EDIT_AS_DRAWN; edge++) {
        Canvas       canvas = canvas_new(1100, 900);
        Engine       engine = engine_double(120, 4); /* nothing is enlarged */
        EditSettings settings = select_spots(&canvas, spots, 3);
        settings.edge = (EditEdge)edge;
        settings.intent = EDIT_REFINE;
        settings.strength = .6F;
        Outcome outcome = canvas_run(&settings, &canvas, &engine);
        CHECK(outcome.ok && outcome.plan.crop_count > 1);
        float *laid = canvas_laid(&canvas, &outcome);
        int    worst = 0;
        for (int i = 0; i < 4 * canvas.w * canvas.h; i++) {
            int off = canvas_byte((double)laid[i]) - canvas_byte((double)canvas.rgba[i]);
            worst = abs(off) > worst ? abs(off) : worst;
        }
        CHECK_INT(worst, 0);
        free(laid);
        outcome_free(&outcome);
        canvas_free(&canvas);
    }
}

static int stale;

/* The second crop sees the first spot: white by now. */
static void look_for_the_first_spot(EnginePicture *decoded, const EngineRequest *request, int call)
{
    if (call == 2) {
        float most = 0;
        for (int i = 0; i < request->width * request->height; i++)
            most = fmaxf(most, request->source->pixels[3 * i]);
        stale = most < .99F;
    }
    paint_white(decoded, request, call);
}

static void later_crops_see_what_earlier_ones_made(void)
{
    static const int spots[][2] = { { 300, 300 }, { 660, 300 } };
    Canvas           canvas = canvas_new(1100, 700);
    Engine           engine = engine_double(512, 4);
    EditSettings     settings = select_spots(&canvas, spots, 2);
    EditPlan         plan;
    EngineError      error = { 0 };
    settings.colour_match = false;
    settings.intent = EDIT_REFINE;
    settings.context = EDIT_CONTEXT_PIXELS;
    settings.context_pixels = 310;
    engine.change = look_for_the_first_spot;
    CHECK(edit_plan(&settings, &engine.model, &plan, &error));
    if (plan.crop_count == 2) {
        Outcome outcome = canvas_run(&settings, &canvas, &engine);
        CHECK(outcome.ok && !stale);
        outcome_free(&outcome);
    }
    canvas_free(&canvas);
}

static void a_ring_and_what_it_holds_are_one(void)
{
    Canvas canvas = canvas_new(900, 900);
    for (int i = 0; i < 900 * 900; i++) {
        double away = hypot(i % 900 - 450, i / 900 - 450);
        canvas.selection[i] = away < 20 || (away > 300 && away < 320);
    }
    Engine       engine = engine_double(256, 4);
    EditSettings settings = select_spots(&canvas, NULL, 0);
    CHECK_INT(settings.island_count, 2);
    EditPlan    plan;
    EngineError error = { 0 };
    CHECK(edit_plan(&settings, &engine.model, &plan, &error));
    CHECK_INT(plan.crop_count, 1);
    canvas_free(&canvas);
}

static void memory_follows_what_is_seen(void)
{
    static const int spots[][2] = { { 300, 400 }, { 1700, 2600 } };
    Canvas           canvas = canvas_new(2008, 3008);
    Engine           engine = engine_double(512, 4);
    EngineRequest    request = { .count = 1 };
    EditPlan         plan;
    EngineEstimate   one, two;
    EngineError      error = { 0 };
    EditSettings     settings = select_spots(&canvas, spots, 1);
    CHECK(edit_plan(&settings, &engine.model, &plan, &error));
    CHECK(edit_estimate(&settings, &plan, &engine, &request, &one, &error));
    settings = select_spots(&canvas, spots, 2);
    CHECK(edit_plan(&settings, &engine.model, &plan, &error));
    CHECK(edit_estimate(&settings, &plan, &engine, &request, &two, &error));
    CHECK(two.scratch_bytes < 2 * one.scratch_bytes && two.seconds <= 2 * one.seconds);
    canvas_free(&canvas);
}

/* A border, and two holes in the middle of what is there. */
static void all_that_is_clear_is_filled(void)
{
    for (int border = 0; border < 2; border++) {
        Canvas   canvas = canvas_new(900, 700);
        EditRect holes[2] = { { 150, 160, 50, 40 }, { 700, 500, 60, 70 } };
        for (int i = 0; i < 900 * 700; i++) {
            int  x = i % 900, y = i / 900;
            bool clear = border && (x < 40 || y >= 680);
            for (int k = 0; k < 2; k++)
                clear |= x >= holes[k].x && y >= holes[k].y && x < holes[k].x + holes[k].width &&
                         y < holes[k].y + holes[k].height;
            if (clear)
                memset(canvas.rgba + 4 * i, 0, 4 * sizeof(float));
        }
        Engine       engine = engine_double(256, 4);
        EditSettings settings = canvas_settings(EDIT_OUTPAINT, &canvas);
        CHECK(edit_settings_clear(&settings, canvas.rgba, 900, 700));
        CHECK_INT(settings.island_count, 2);
        CHECK_INT(settings.known.x, border ? 40 : 0);
        Outcome outcome = canvas_run(&settings, &canvas, &engine);
        if (!CHECK(outcome.ok))
            printf("  %s\n", outcome.error.message);
        CHECK(outcome.plan.crop_count == 2 + border);
        float *laid = canvas_laid(&canvas, &outcome);
        int    clear = 0;
        for (int i = 0; i < 900 * 700; i++)
            clear += canvas_byte((double)laid[4 * i + 3]) < 255;
        CHECK_INT(clear, 0);
        CHECK(outcome.plan.cost_pixels < 2 * 900 * 700);
        free(laid);
        outcome_free(&outcome);
        canvas_free(&canvas);
    }
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(two_spots_far_apart_cost_two_spots);
    RUN(nine_spots_keep_the_detail_of_one);
    RUN(only_the_spots_change);
    RUN(identity_is_identity_in_parts_too);
    RUN(later_crops_see_what_earlier_ones_made);
    RUN(a_ring_and_what_it_holds_are_one);
    RUN(all_that_is_clear_is_filled);
    RUN(memory_follows_what_is_seen);
    return test_end();
}
