/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random edits of random small canvases through the whole of an edit: each is done or refused with
 * a sentence, its result lies where the plan says, and where its mask is 0 nothing was touched. */
#include "edit.h"
#include "engine_double.h"
#include "test.h"

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

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(six_hundred_random_edits_end_well);
    return test_end();
}
