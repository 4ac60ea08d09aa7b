/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random edits of random small canvases through the whole of an edit: each is done or refused with
 * a sentence, its result lies where the plan says, and where its mask is 0 nothing was touched. */
#include "edit_help.h"
#include "test.h"

#include <math.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252ULL;

static int below(int n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int)((state >> 20) % (uint64_t)n);
}

/* Noise where it may paint, and a tint all over. */
static void paint(EnginePicture *decoded, const EngineRequest *request, int call)
{
    (void)call;
    for (int i = 0; i < request->width * request->height; i++)
        for (int c = 0; c < 3; c++)
            decoded->pixels[3 * i + c] +=
                !request->mask || request->mask->pixels[i] > 0 ? (float)below(200) / 100 - 1 : .01F;
}

static EditSettings random_settings(void)
{
    EditSettings settings = edit_settings_default((EditMode)below(EDIT_SEAMS + 1));
    int          w = 1 + below(below(4) ? 200 : 8), h = 1 + below(below(4) ? 200 : 8);
    settings.canvas_width = settings.mode == EDIT_SEAMS ? 64 + 8 * below(10) : w;
    settings.canvas_height = settings.mode == EDIT_SEAMS ? 64 + 8 * below(10) : h;
    settings.has_selection = settings.mode == EDIT_INPAINT || below(2);
    settings.selection =
        (EditRect){ below(w + 20) - 20, below(h + 20) - 20, 1 + below(w), 1 + below(h) };
    int *sides[] = { &settings.left, &settings.right, &settings.top, &settings.bottom };
    for (int i = 0; i < 4; i++)
        *sides[i] = settings.mode == EDIT_OUTPAINT && below(2) ? below(90) : 0;
    if (below(2))
        settings.known = (EditRect){ below(w + 20) - 10, below(h + 20) - 10, below(w + 9), below(h) };
    settings.intent = (EditIntent)below(6);
    settings.edge = (EditEdge)below(3);
    settings.context = (EditContext)below(4);
    settings.context_pixels = below(60);
    settings.strength = below(3) ? 1 : (float)below(101) / 100;
    settings.colour_match = below(2);
    settings.keep_transparency = below(2);
    settings.width = 64 + below(120);
    settings.height = 64 + below(120);
    return settings;
}

/* Random pixels, some of them transparent, and a soft random selection in its bounds. */
static void fill(const EditSettings *settings, const EditPlan *plan, float *rgba, float *selection)
{
    int holes = below(3) ? 0 : 1 + below(30);
    for (int y = 0; y < plan->region.height; y++) {
        for (int x = 0; x < plan->region.width; x++) {
            size_t i = (size_t)y * (size_t)plan->region.width + (size_t)x;
            int    u = plan->region.x + x, v = plan->region.y + y;
            for (int c = 0; c < 3; c++)
                rgba[4 * i + (size_t)c] = (float)below(256) / 255;
            rgba[4 * i + 3] = holes && below(holes) == 0 ? (float)below(256) / 255 : 1;
            bool in = u >= settings->selection.x && v >= settings->selection.y &&
                      u < settings->selection.x + settings->selection.width &&
                      v < settings->selection.y + settings->selection.height;
            selection[i] = !in ? 0 : below(3) ? 1 : (float)below(256) / 255;
        }
    }
}

static bool inside(EditRect outer, EditRect inner)
{
    return inner.x >= outer.x && inner.y >= outer.y &&
           inner.x + inner.width <= outer.x + outer.width &&
           inner.y + inner.height <= outer.y + outer.height;
}

/* NULL, or what is wrong with a result. */
static const char *fault(const EditSettings *settings, const EditPlan *plan,
                         const EditResult *result, const float *selection)
{
    EditRect r = result->rect;
    size_t   outside = 0;
    bool     numbers = true;
    if (!inside(plan->result, r))
        return "lies outside the plan's result";
    for (int i = 0; i < r.width * r.height; i++) {
        int    x = r.x + i % r.width - plan->region.x, y = r.y + i / r.width - plan->region.y;
        size_t at = (size_t)y * (size_t)plan->region.width + (size_t)x;
        for (int c = 0; c < 4; c++)
            numbers &= result->rgba[4 * i + c] >= 0 && result->rgba[4 * i + c] <= 1;
        numbers &= result->mask[i] >= 0 && result->mask[i] <= 1;
        outside += result->mask[i] > 0 && selection[at] == 0;
    }
    if (!numbers)
        return "is not between 0 and 1";
    bool kept = settings->has_selection && settings->edge != EDIT_BLEND &&
                settings->intent != EDIT_BACKGROUND &&
                (settings->mode == EDIT_INPAINT || settings->mode == EDIT_IMAGE_TO_IMAGE);
    return kept && outside ? "covers what is not selected" : NULL;
}

static void six_hundred_random_edits_end_well(void)
{
    int done = 0;
    for (int i = 0; i < 600; i++) {
        EditSettings settings = random_settings();
        bool         instruct = settings.mode == EDIT_INSTRUCT;
        Engine       engine = engine_double(below(2) ? 64 : 128, instruct ? 8 : below(2) ? 4 : 9);
        EditPlan     plan;
        EngineError  error = { 0 };
        EditResult   result = { 0 };
        engine.change = paint;
        if (!edit_plan(&settings, &engine.model, &plan, &error)) {
            CHECK(error.status == ENGINE_BAD_REQUEST && strlen(error.message) > 20);
            continue;
        }
        size_t count = (size_t)plan.region.width * (size_t)plan.region.height;
        float *rgba = malloc(4 * count * sizeof *rgba), *selection = malloc(count * sizeof *rgba);
        fill(&settings, &plan, rgba, selection);
        bool drawn = settings.has_selection && below(8); /* else its bounds are all there is */
        for (size_t k = 0; !drawn && k < count; k++)
            selection[k] = 1;
        EditJob *job =
            edit_prepare(&settings, &engine.model, &plan, rgba, drawn ? selection : NULL, &error);
        EngineRequest request = { .count = 1, .seed = (uint64_t)i };
        if (job && CHECK(edit_generate(job, &engine, &request, &result, &error))) {
            CHECK_INT(engine.calls, plan.passes);
            const char *wrong = fault(&settings, &plan, &result, selection);
            if (!CHECK(!wrong))
                printf("  edit %d, mode %d edge %d: %s\n", i, settings.mode, settings.edge, wrong);
            done++;
        } else {
            CHECK(error.status == ENGINE_BAD_REQUEST && strlen(error.message) > 20);
        }
        edit_result_clear(&result);
        edit_job_destroy(job);
        free(rgba);
        free(selection);
    }
    printf("     %d of 600 done, the others refused\n", done);
    CHECK(done > 300);
}

/* ---- transparency ---------------------------------------------------------------------------- */

static void clear_outside(Canvas *canvas, EditRect known)
{
    for (int i = 0; i < canvas->w * canvas->h; i++) {
        int x = i % canvas->w - known.x, y = i / canvas->w - known.y;
        if (x < 0 || y < 0 || x >= known.width || y >= known.height)
            memset(canvas->rgba + 4 * i, 0, 4 * sizeof *canvas->rgba);
    }
}

static int clear_pixels(const float *rgba, int count)
{
    int clear = 0;
    for (int i = 0; i < count; i++)
        clear += canvas_byte((double)rgba[4 * i + 3]) < 255;
    return clear;
}

/* Levels by which the picture's known pixels differ from what is laid over them. */
static int worst_of_known(const Canvas *canvas, const float *laid, const EditPlan *plan)
{
    int worst = 0;
    for (int i = 0; i < canvas->w * canvas->h; i++) {
        int at = (i / canvas->w + plan->shift_y) * plan->canvas.width + i % canvas->w +
                 plan->shift_x;
        for (int c = 0; c < 3 && canvas->rgba[4 * i + 3] > 0; c++) {
            int off = canvas_byte((double)laid[4 * at + c]) -
                      canvas_byte((double)canvas->rgba[4 * i + c]);
            worst = abs(off) > worst ? abs(off) : worst;
        }
    }
    return worst;
}

/* amounts: with 64 more on the left the border was left clear, and the strip continued nothing. */
static void a_clear_border_is_filled_and_the_picture_kept(void)
{
    for (int amount = 0; amount <= 64; amount += 64) {
        Canvas   canvas = canvas_new(220, 200);
        EditRect known = { 50, 40, 170, 160 };
        clear_outside(&canvas, known);
        Engine       engine = engine_double(200, 4); /* seen at its own size */
        EditSettings settings = canvas_settings(EDIT_OUTPAINT, &canvas);
        settings.known = known;
        settings.left = amount;
        Outcome outcome = canvas_run(&settings, &canvas, &engine);
        if (!CHECK(outcome.ok))
            printf("  %s\n", outcome.error.message);
        float *laid = canvas_laid(&canvas, &outcome);
        CHECK(outcome.plan.canvas.width == 220 + amount && outcome.plan.shift_x == amount);
        CHECK_INT(clear_pixels(laid, outcome.plan.canvas.width * 200), 0);
        CHECK_INT(worst_of_known(&canvas, laid, &outcome.plan), 0);
        CHECK((amount > 0) ==
              (strstr(outcome.plan.warning, "clear border of the picture is filled as well: left 50, "
                                            "top 40 pixels") != NULL));
        free(laid);
        outcome_free(&outcome);
        canvas_free(&canvas);
    }
}

/* A border deeper than one strip, on a side that does not grow, is not asked for. */
static void a_wide_clear_border_stays_where_nothing_grows(void)
{
    Canvas   canvas = canvas_new(400, 200);
    EditRect known = { 0, 0, 180, 200 };
    clear_outside(&canvas, known);
    Engine       engine = engine_double(256, 4);
    EditSettings settings = canvas_settings(EDIT_OUTPAINT, &canvas);
    settings.known = known;
    settings.left = 32;
    Outcome outcome = canvas_run(&settings, &canvas, &engine);
    CHECK(outcome.ok && outcome.plan.warning[0] == '\0');
    CHECK(outcome.result.rect.x == 0 && outcome.result.rect.width < 100);
    outcome_free(&outcome);
    canvas_free(&canvas);
}

/* Alpha 60 became 105: the result lay over the picture that it was made from. */
static void kept_transparency_is_as_thick_as_it_was(void)
{
    for (int edge = EDIT_BLEND; edge <= EDIT_AS_DRAWN; edge++) {
        for (int keep = 0; keep < 2; keep++) {
            Canvas canvas = canvas_new(256, 256);
            for (int i = 0; i < 256 * 256; i++)
                canvas.rgba[4 * i + 3] = i % 256 < 128 ? 60 / 255.F : 1;
            Engine       engine = engine_double(256, 4);
            EditSettings settings = canvas_settings(EDIT_INPAINT, &canvas);
            settings.has_selection = true;
            settings.selection = canvas_select_ellipse(&canvas, 60, 60, 120, 130);
            settings.edge = (EditEdge)edge;
            settings.keep_transparency = keep;
            Outcome outcome = canvas_run(&settings, &canvas, &engine);
            CHECK(outcome.ok);
            CHECK(outcome.result.replaces == keep);
            float *laid = canvas_laid(&canvas, &outcome);
            int    thicker = 0;
            for (int i = 0; i < 256 * 256; i++)
                thicker += canvas_byte((double)laid[4 * i + 3]) !=
                           canvas_byte((double)canvas.rgba[4 * i + 3]);
            CHECK(keep ? thicker == 0 : thicker > 5000);
            free(laid);
            outcome_free(&outcome);
            canvas_free(&canvas);
        }
    }
}

/* Keep inside left a half clear frame of 2,256 pixels. */
static void a_selected_hole_is_filled_wholly(void)
{
    for (int edge = EDIT_BLEND; edge <= EDIT_AS_DRAWN; edge++) {
        Canvas   canvas = canvas_new(256, 256);
        EditRect hole = { 80, 90, 100, 70 };
        for (int y = hole.y; y < hole.y + hole.height; y++) {
            for (int x = hole.x; x < hole.x + hole.width; x++) {
                canvas.selection[y * 256 + x] = 1;
                memset(canvas.rgba + 4 * (y * 256 + x), 0, 4 * sizeof(float));
            }
        }
        Engine       engine = engine_double(256, 4);
        EditSettings settings = canvas_settings(EDIT_INPAINT, &canvas);
        settings.has_selection = true;
        settings.selection = hole;
        settings.edge = (EditEdge)edge;
        Outcome outcome = canvas_run(&settings, &canvas, &engine);
        CHECK(outcome.ok);
        float *laid = canvas_laid(&canvas, &outcome);
        CHECK_INT(clear_pixels(laid, 256 * 256), 0);
        free(laid);
        outcome_free(&outcome);
        canvas_free(&canvas);
    }
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(six_hundred_random_edits_end_well);
    RUN(a_clear_border_is_filled_and_the_picture_kept);
    RUN(a_wide_clear_border_stays_where_nothing_grows);
    RUN(kept_transparency_is_as_thick_as_it_was);
    RUN(a_selected_hole_is_filled_wholly);
    return test_end();
}
