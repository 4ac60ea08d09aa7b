/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Can the border of a repaint be seen?  Twenty pictures of the demo checkpoint, each repainted in
 * an ellipse and extended to the right, composed in three ways: (a) without the colour match, (b)
 * with a hard mask (the selection, or what is missing, and nothing around it), (c) as it is done.
 * The score is match_seam_score() along each way's own border: lower is better, 1 is what a picture
 * without a border has.
 *
 * Measured: inpaint 1.296, 2.382, 1.268, (c) best on 19 of 20; outpaint 1.479, 11.534, 1.161, (c)
 * best on 20 of 20.  Since the mask's half lies on the selection's edge: inpaint (c) 1.247 with an edge
 * of 16 pixels, 1.190 with 24 and 1.159 with 32; the pictures before any edit have 1.184 there.
 *
 *   bench_seam MODEL.safetensors [PICTURES [FIRST]] */
#include "edit.h"
#include "edit/match.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 256, STEPS = 14, PICTURES = 20, WAYS = 3 };

static const char *const prompts[] = {
    "a red apple on a blue background",
    "a cat in a meadow",
    "a dog on a beach",
    "a strawberry on a plain background",
    "a mushroom in a pine forest",
    "a sunflower in a meadow",
    "a sailboat on the sea at sunset",
    "a house in front of green hills",
    "a pumpkin on a yellow background",
    "a castle in snowy mountains",
    "a frog in a meadow",
    "a snowman in snowy mountains",
    "a cactus in the desert",
    "a penguin on a striped background",
    "a lemon on a checked background",
    "a smiling face on a green background",
    "a panda in a pine forest",
    "a balloon in a night sky",
    "a fox in the desert",
    "a car on a brick wall",
};

typedef struct {
    Engine       *engine;
    EngineRequest request; /* prompt, seed and steps of this picture */
    EngineError   error;
} Bench;

/* The pass of an edit.  A hard mask of an extension is what is missing, and nothing else. */
static bool decode(Bench *bench, EditJob *job, bool hard, EnginePicture *decoded)
{
    EngineRequest request = bench->request;
    EnginePicture mask = { 0 };
    if (!edit_pass_prepare(job, 0, &request, &bench->error))
        return false;
    if (hard) {
        size_t   count = (size_t)request.width * (size_t)request.height;
        EditRect seen = edit_job_preview_rect(job);
        mask = *request.mask;
        mask.pixels = malloc(count * sizeof *mask.pixels);
        for (size_t i = 0; mask.pixels && i < count; i++)
            mask.pixels[i] = seen.x + (int)(i % (size_t)request.width) >= SIDE;
        request.mask = &mask;
    }
    bool ok = engine_generate(bench->engine, &request, decoded, &bench->error);
    engine_picture_clear(&mask);
    return ok;
}

/* The result over the picture, on a canvas [h, w, 4]; hard: only where there was none. */
static void compose(float *rgba, float *mask, const EditPlan *plan, const EditResult *result,
                    const EnginePicture *picture, bool hard)
{
    int w = plan->canvas.width, h = plan->canvas.height;
    memset(mask, 0, (size_t)w * (size_t)h * sizeof *mask);
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            float *pixel = rgba + 4 * (y * w + x);
            int    u = x - result->rect.x, v = y - result->rect.y;
            bool   known = x < picture->width && y < picture->height;
            for (int c = 0; c < 3; c++)
                pixel[c] = known ? picture->pixels[3 * (y * picture->width + x) + c] : 0;
            pixel[3] = 1;
            if (u < 0 || v < 0 || u >= result->rect.width || v >= result->rect.height)
                continue;
            float share = result->mask[v * result->rect.width + u];
            if (hard)
                share = x >= SIDE;
            mask[y * w + x] = share;
            for (int c = 0; c < 3; c++)
                pixel[c] += share * (result->rgba[4 * (v * result->rect.width + u) + c] - pixel[c]);
        }
    }
}

static bool finish(Bench *bench, EditJob *job, const EnginePicture *decoded, const EditPlan *plan,
                   const EnginePicture *picture, bool hard, float *score)
{
    EditResult result = { 0 };
    size_t     count = (size_t)plan->canvas.width * (size_t)plan->canvas.height;
    float     *rgba = malloc(5 * count * sizeof *rgba);
    bool       ok = rgba && edit_pass_finish(job, 0, decoded, &bench->error) &&
              edit_finish(job, &result, &bench->error);
    if (ok) {
        compose(rgba, rgba + 4 * count, plan, &result, picture, hard);
        *score = match_seam_score(rgba, rgba + 4 * count, plan->canvas.width, plan->canvas.height);
    }
    edit_result_clear(&result);
    free(rgba);
    return ok;
}

/* scores of the three ways of one edit of one picture. */
static bool score_edit(Bench *bench, EditSettings settings, const float *rgba,
                       const EnginePicture *picture, float scores[WAYS])
{
    const EngineModelInfo *model = engine_model(bench->engine);
    EnginePicture          soft = { 0 }, hard = { 0 };
    EditPlan               plan;
    bool                   ok = true;
    for (int way = WAYS - 1; ok && way >= 0; way--) {
        bool hard_extension = way == 1 && settings.mode == EDIT_OUTPAINT;
        settings.colour_match = way != 0;
        settings.edge = way == 1 ? EDIT_AS_DRAWN : EDIT_BLEND; /* the selection is hard itself */
        ok = edit_plan(&settings, model, &plan, &bench->error);
        float *region =
            ok ? calloc(4 * (size_t)plan.region.width * (size_t)plan.region.height, sizeof *region)
               : NULL;
        float *selection =
            ok ? calloc((size_t)plan.region.width * (size_t)plan.region.height, sizeof *selection)
               : NULL;
        for (int y = 0; region && selection && y < plan.region.height; y++) {
            for (int x = 0; x < plan.region.width; x++) {
                int    u = x + plan.region.x, v = y + plan.region.y;
                double a = (u + .5 - settings.selection.x) / settings.selection.width * 2 - 1;
                double b = (v + .5 - settings.selection.y) / settings.selection.height * 2 - 1;
                selection[y * plan.region.width + x] = a * a + b * b < 1;
                if (u < SIDE && v < SIDE)
                    memcpy(region + 4 * (y * plan.region.width + x), rgba + 4 * (v * SIDE + u),
                           4 * sizeof *region);
            }
        }
        EditJob       *job = region && selection
                                 ? edit_prepare(&settings, model, &plan, region,
                                          settings.has_selection ? selection : NULL, &bench->error)
                                 : NULL;
        EnginePicture *decoded = way == 1 ? &hard : &soft;
        EngineRequest  again = bench->request;
        ok = job && plan.passes == 1;
        if (ok && decoded->pixels)
            ok = edit_pass_prepare(job, 0, &again, &bench->error);
        else if (ok)
            ok = decode(bench, job, hard_extension, decoded);
        ok = ok && finish(bench, job, decoded, &plan, picture, hard_extension, &scores[way]);
        edit_job_destroy(job);
        free(region);
        free(selection);
    }
    engine_picture_clear(&soft);
    engine_picture_clear(&hard);
    return ok;
}

static bool score_picture(Bench *bench, int number, int best[2], double sums[2][WAYS])
{
    EnginePicture picture = { 0 };
    static float  rgba[4 * SIDE * SIDE];
    bench->request = engine_request_default(bench->engine);
    bench->request.prompt = prompts[number % PICTURES];
    bench->request.seed = 100 + (uint64_t)number;
    bench->request.steps = STEPS;
    bench->request.cfg = 3;
    bench->request.width = bench->request.height = SIDE;
    if (!engine_generate(bench->engine, &bench->request, &picture, &bench->error))
        return false;
    for (int i = 0; i < SIDE * SIDE; i++) {
        memcpy(rgba + 4 * i, picture.pixels + 3 * i, 3 * sizeof *rgba);
        rgba[4 * i + 3] = 1;
    }
    bool ok = true;
    for (int edit = 0; ok && edit < 2; edit++) {
        EditSettings settings = edit_settings_default(edit ? EDIT_OUTPAINT : EDIT_INPAINT);
        float        scores[WAYS] = { 0 };
        settings.canvas_width = settings.canvas_height = SIDE;
        settings.has_selection = edit == 0;
        settings.selection = (EditRect){ 60 + number % 5 * 10, 70 + number % 3 * 20, 90, 80 };
        settings.right = edit ? SIDE / 4 : 0;
        bench->request.seed = 900 + (uint64_t)number;
        ok = score_edit(bench, settings, rgba, &picture, scores);
        if (!ok)
            break;
        bool is_best = scores[2] <= scores[0] && scores[2] <= scores[1];
        best[edit] += is_best;
        for (int way = 0; way < WAYS; way++)
            sums[edit][way] += (double)scores[way];
        printf("%-40s %-8s %6.3f %6.3f %6.3f%s\n", bench->request.prompt,
               edit ? "outpaint" : "inpaint", (double)scores[0], (double)scores[1],
               (double)scores[2], is_best ? "" : "  not the best");
        fflush(stdout);
    }
    engine_picture_clear(&picture);
    return ok;
}

int main(int argc, char **argv)
{
    Bench         bench = { 0 };
    EngineOptions options = engine_options_default();
    int           count = argc > 2 ? atoi(argv[2]) : PICTURES, first = argc > 3 ? atoi(argv[3]) : 0;
    int           best[2] = { 0 };
    double        sums[2][WAYS] = { { 0 } };
    EngineSessionOptions machine = { .threads = 2 };
    EngineSession       *session = engine_session_create(&machine, &bench.error);
    bench.engine = session && argc > 1 ? engine_open(session, argv[1], &options, &bench.error) : NULL;
    bool ok = bench.engine != NULL;
    printf("%-40s %-8s %6s %6s %6s\n", "seam score", "", "a", "b", "c");
    for (int i = 0; ok && i < count; i++)
        ok = score_picture(&bench, first + i, best, sums);
    for (int edit = 0; ok && edit < 2; edit++)
        printf("%-40s %-8s %6.3f %6.3f %6.3f  c best on %d of %d\n", "mean",
               edit ? "outpaint" : "inpaint", sums[edit][0] / count, sums[edit][1] / count,
               sums[edit][2] / count, best[edit], count);
    if (!ok)
        fprintf(stderr, "bench_seam: %s\n",
                bench.error.message[0] ? bench.error.message : "usage: bench_seam MODEL");
    engine_close(bench.engine);
    engine_session_destroy(session);
    return ok ? 0 : 1;
}
