/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole way through an edit with an engine that gives its source back (engine_double.h): what
 * is not repainted stays as it is, byte for byte, and nothing moves. */
#include "engine_double.h"

#include "edit.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int    w, h;
    float *rgba, *selection;
} Canvas;

/* A checkerboard of single pixels with colours that tell where they are: a shift by one shows. */
static Canvas canvas_new(int w, int h)
{
    Canvas canvas = { w, h, malloc((size_t)w * (size_t)h * 4 * sizeof(float)),
                      calloc((size_t)w * (size_t)h, sizeof(float)) };
    for (int i = 0; i < w * h; i++) {
        int x = i % w, y = i / w;
        canvas.rgba[4 * i] = (float)(((x + y) % 2 ? 150 : 90) + 20 * (x % 3)) / 255;
        canvas.rgba[4 * i + 1] = (float)(60 + x * 100 / w + (y % 5) * 10) / 255;
        canvas.rgba[4 * i + 2] = (float)(60 + y * 150 / h) / 255;
        canvas.rgba[4 * i + 3] = 1;
    }
    return canvas;
}

/* Colours that change slowly, so that a change of size does not lose much. */
static void smoothen(Canvas *canvas)
{
    for (int i = 0; i < canvas->w * canvas->h; i++) {
        double x = i % canvas->w, y = i / canvas->w;
        canvas->rgba[4 * i] = (float)(.5 + .3 * sin(x / 90) * cos(y / 70));
        canvas->rgba[4 * i + 1] = (float)(.4 + .2 * sin((x + y) / 80));
        canvas->rgba[4 * i + 2] = (float)(.6 - .2 * cos(y / 60));
    }
}

static void canvas_free(Canvas *canvas)
{
    free(canvas->rgba);
    free(canvas->selection);
}

/* An ellipse of the selection tool. */
static EditRect select_ellipse(Canvas *canvas, int x0, int y0, int w, int h)
{
    for (int y = y0; y < y0 + h; y++)
        for (int x = x0; x < x0 + w; x++) {
            double u = (x + .5 - x0) / w * 2 - 1, v = (y + .5 - y0) / h * 2 - 1;
            if (x >= 0 && y >= 0 && x < canvas->w && y < canvas->h && u * u + v * v < 1)
                canvas->selection[y * canvas->w + x] = 1;
        }
    return (EditRect){ x0, y0, w, h };
}

/* What the plan asks for, of the canvas with its extension. */
static float *cut(const Canvas *canvas, const float *from, int channels, const EditPlan *plan)
{
    EditRect r = plan->region;
    float   *out = calloc((size_t)r.width * (size_t)r.height * (size_t)channels, sizeof *out);
    for (int y = 0; y < r.height; y++) {
        for (int x = 0; x < r.width; x++) {
            int u = r.x + x - plan->shift_x, v = r.y + y - plan->shift_y;
            if (u >= 0 && v >= 0 && u < canvas->w && v < canvas->h)
                memcpy(out + (size_t)(y * r.width + x) * (size_t)channels,
                       from + (size_t)(v * canvas->w + u) * (size_t)channels,
                       (size_t)channels * sizeof *out);
        }
    }
    return out;
}

typedef struct {
    EditPlan    plan;
    EditResult  result;
    float      *denoise; /* of the region */
    EngineError error;
    bool        ok;
} Outcome;

static Outcome run(const EditSettings *settings, const Canvas *canvas, Engine *engine)
{
    Outcome outcome = { 0 };
    if (!edit_plan(settings, &engine->model, &outcome.plan, &outcome.error))
        return outcome;
    float *rgba = cut(canvas, canvas->rgba, 4, &outcome.plan);
    float *selection =
        settings->has_selection ? cut(canvas, canvas->selection, 1, &outcome.plan) : NULL;
    EditJob *job =
        edit_prepare(settings, &engine->model, &outcome.plan, rgba, selection, &outcome.error);
    if (job) {
        EngineRequest request = { .count = 1, .seed = 7, .steps = 20 };
        outcome.ok = edit_generate(job, engine, &request, &outcome.result, &outcome.error);
        size_t count = (size_t)outcome.plan.region.width * (size_t)outcome.plan.region.height;
        outcome.denoise = malloc(count * sizeof *outcome.denoise);
        memcpy(outcome.denoise, edit_job_denoise_mask(job), count * sizeof *outcome.denoise);
    }
    free(rgba);
    free(selection);
    edit_job_destroy(job);
    return outcome;
}

static void outcome_free(Outcome *outcome)
{
    edit_result_clear(&outcome->result);
    free(outcome->denoise);
}

static EditSettings settings_for(EditMode mode, const Canvas *canvas)
{
    EditSettings settings = edit_settings_default(mode);
    settings.canvas_width = canvas->w;
    settings.canvas_height = canvas->h;
    return settings;
}

static unsigned char byte(double value)
{
    return (unsigned char)lround(255 * fmin(1, fmax(0, value)));
}

typedef struct {
    int  changed_outside; /* bytes where the mask's byte is 0 */
    int  worst;           /* levels, over all */
    bool at_border; /* mask > 0 on all four sides of the crop: it is no larger than it must be */
} Difference;

/* The result laid over the canvas as GIMP does with bytes, and compared with the canvas. */
static Difference compare(const Canvas *canvas, const Outcome *outcome)
{
    Difference        found = { 0 };
    const EditResult *result = &outcome->result;
    EditRect          r = result->rect;
    bool              side[4] = { false };
    for (int y = 0; y < r.height; y++) {
        for (int x = 0; x < r.width; x++) {
            int    at = y * r.width + x;
            double mask = byte((double)result->mask[at]) / 255.;
            side[0] |= x == 0 && result->mask[at] > 0;
            side[1] |= x == r.width - 1 && result->mask[at] > 0;
            side[2] |= y == 0 && result->mask[at] > 0;
            side[3] |= y == r.height - 1 && result->mask[at] > 0;
            int u = r.x + x - outcome->plan.shift_x, v = r.y + y - outcome->plan.shift_y;
            if (u < 0 || v < 0 || u >= canvas->w || v >= canvas->h)
                continue;
            for (int c = 0; c < 3; c++) {
                int was = byte((double)canvas->rgba[4 * (v * canvas->w + u) + c]);
                int is = byte(was / 255. * (1 - mask) +
                              byte((double)result->rgba[4 * at + c]) / 255. * mask);
                found.changed_outside += mask == 0 && is != was;
                found.worst = abs(is - was) > found.worst ? abs(is - was) : found.worst;
            }
        }
    }
    found.at_border = side[0] && side[1] && side[2] && side[3];
    return found;
}

/* ---- identity ------------------------------------------------------------------------------- */

static void every_refining_mode_gives_the_picture_back(void)
{
    static const EditMode modes[] = { EDIT_INPAINT, EDIT_IMAGE_TO_IMAGE, EDIT_INSTRUCT };
    for (int m = 0; m < 3; m++) {
        for (int selected = m == 0; selected < 2; selected++) {
            for (int edge = EDIT_BLEND; edge <= EDIT_AS_DRAWN; edge++) {
                for (int channels = 4; channels <= 9; channels += 5) {
                    Canvas       canvas = canvas_new(768, 512);
                    Engine       engine = engine_double(512, m == 2 ? 8 : channels);
                    EditSettings settings = settings_for(modes[m], &canvas);
                    settings.intent = EDIT_REFINE;
                    settings.strength = .6F;
                    settings.edge = (EditEdge)edge;
                    settings.has_selection = selected;
                    if (selected)
                        settings.selection = select_ellipse(&canvas, 200, 40, 431, 423);
                    Outcome outcome = run(&settings, &canvas, &engine);
                    if (!CHECK(outcome.ok))
                        printf("  %s\n", outcome.error.message);
                    Difference found = compare(&canvas, &outcome);
                    CHECK_INT(found.worst, 0); /* 1 of 255 is allowed; at scale 1 nothing is lost */
                    CHECK(found.at_border);
                    CHECK_INT(engine.calls, 1);
                    outcome_free(&outcome);
                    canvas_free(&canvas);
                }
            }
        }
    }
}

static const float *hole_seen;
static float        last_source[1 << 22];

static void remember_source(EnginePicture *decoded, const EngineRequest *request, int call)
{
    (void)call;
    hole_seen = request->hole ? request->hole->pixels : NULL;
    memcpy(last_source, decoded->pixels,
           sizeof(float) * 3 * (size_t)request->width * (size_t)request->height);
}

/* Repainting modes start from a prefill: what the model saw is what comes back, pixel for pixel. */
static void every_filling_mode_gives_what_the_model_saw(void)
{
    static const EditIntent intents[] = { EDIT_FILL, EDIT_ADD, EDIT_REMOVE, EDIT_BACKGROUND };
    for (int i = 0; i < 4; i++) {
        Canvas       canvas = canvas_new(512, 512);
        Engine       engine = engine_double(512, 4);
        EditSettings settings = settings_for(EDIT_INPAINT, &canvas);
        settings.has_selection = true;
        settings.selection = select_ellipse(&canvas, 180, 190, 120, 100);
        settings.intent = intents[i];
        engine.change = remember_source;
        Outcome outcome = run(&settings, &canvas, &engine);
        CHECK(outcome.ok);
        CHECK(outcome.plan.work_width == 512 && outcome.plan.work_height == 512);
        EditRect r = outcome.result.rect;
        double   worst = 0;
        for (int y = 0; y < r.height; y++)
            for (int x = 0; x < r.width; x++)
                for (int c = 0; c < 3; c++)
                    worst =
                        fmax(worst, fabs((double)outcome.result.rgba[4 * (y * r.width + x) + c] -
                                         (double)last_source[3 * ((r.y + y) * 512 + r.x + x) + c]));
        CHECK(worst <= 1. / 255);
        CHECK_INT(compare(&canvas, &outcome).changed_outside, 0);
        outcome_free(&outcome);
        canvas_free(&canvas);
    }
}

static void two_passes_keep_the_picture_and_its_place(void)
{
    Canvas canvas = canvas_new(1400, 1200);
    smoothen(&canvas);
    Engine       engine = engine_double(512, 4);
    EditSettings settings = settings_for(EDIT_INPAINT, &canvas);
    settings.has_selection = true;
    settings.selection = select_ellipse(&canvas, 500, 400, 401, 400);
    settings.intent = EDIT_REFINE;
    Outcome outcome = run(&settings, &canvas, &engine);
    CHECK(outcome.ok);
    CHECK_INT(engine.calls, 2);
    Difference found = compare(&canvas, &outcome);
    CHECK_INT(found.changed_outside, 0);
    CHECK(found.worst <= 1); /* a shift of one pixel would be 1.3 levels, of two 2.6 */
    outcome_free(&outcome);
    canvas_free(&canvas);
}

static void small_canvases_are_enlarged_and_come_back(void)
{
    static const int sizes[][2] = { { 200, 150 }, { 64, 64 }, { 31, 77 }, { 300, 1 }, { 1, 1 } };
    for (int i = 0; i < 5; i++) {
        Canvas canvas = canvas_new(sizes[i][0], sizes[i][1]);
        smoothen(&canvas);
        Engine       engine = engine_double(512, 9);
        EditSettings settings = settings_for(EDIT_IMAGE_TO_IMAGE, &canvas);
        Outcome      outcome = run(&settings, &canvas, &engine);
        if (!CHECK(outcome.ok))
            printf("  %s\n", outcome.error.message);
        CHECK(outcome.result.rect.width == canvas.w && outcome.result.rect.height == canvas.h);
        CHECK(compare(&canvas, &outcome).worst <= 1);
        outcome_free(&outcome);
        canvas_free(&canvas);
    }
}

/* A model that makes everything red: only where the mask says so may that be seen. */
static void redden(EnginePicture *decoded, const EngineRequest *request, int call)
{
    (void)call;
    for (int i = 0; i < request->width * request->height; i++) {
        decoded->pixels[3 * i] = 1;
        decoded->pixels[3 * i + 1] = decoded->pixels[3 * i + 2] = 0;
    }
}

static void nothing_changes_where_the_mask_is_0(void)
{
    for (int edge = EDIT_BLEND; edge <= EDIT_AS_DRAWN; edge++) {
        Canvas       canvas = canvas_new(700, 600);
        Engine       engine = engine_double(512, 4);
        EditSettings settings = settings_for(EDIT_INPAINT, &canvas);
        settings.has_selection = true;
        settings.selection =
            select_ellipse(&canvas, -30, 200, 260, 150); /* partly off the canvas */
        settings.edge = (EditEdge)edge;
        settings.colour_match = false;
        engine.change = redden;
        Outcome outcome = run(&settings, &canvas, &engine);
        CHECK(outcome.ok);
        CHECK_INT(compare(&canvas, &outcome).changed_outside, 0);
        EditRect r = outcome.result.rect;
        if (edge != EDIT_BLEND) {
            int spilled = 0;
            for (int i = 0; i < r.width * r.height; i++)
                spilled +=
                    outcome.result.mask[i] > 0 &&
                    canvas.selection[(r.y + i / r.width) * canvas.w + r.x + i % r.width] == 0;
            CHECK_INT(spilled, 0);
        }
        int middle = (275 - r.y) * r.width + 100 - r.x;
        CHECK(outcome.result.mask[middle] == 1);
        CHECK(outcome.result.rgba[4 * middle] == 1 && outcome.result.rgba[4 * middle + 1] == 0);
        outcome_free(&outcome);
        canvas_free(&canvas);
    }
}

/* ---- outpainting ---------------------------------------------------------------------------- */

static int strengths_off;

/* Paints each call's own grey where it may. */
static void paint_by_call(EnginePicture *decoded, const EngineRequest *request, int call)
{
    strengths_off += request->strength != 1 && request->strength != .4F;
    for (int i = 0; i < request->width * request->height; i++)
        if (request->mask->pixels[i] == 1)
            for (int c = 0; c < 3; c++)
                decoded->pixels[3 * i + c] = .1F * (float)call;
}

static void an_extension_is_filled_and_the_rest_kept(void)
{
    Canvas       canvas = canvas_new(512, 448);
    Engine       engine = engine_double(512, 4);
    EditSettings settings = settings_for(EDIT_OUTPAINT, &canvas);
    settings.right = 400;
    settings.bottom = 128;
    settings.colour_match = false;
    engine.change = paint_by_call;
    strengths_off = 0;
    Outcome outcome = run(&settings, &canvas, &engine);
    if (!CHECK(outcome.ok))
        printf("  %s\n", outcome.error.message);
    CHECK_INT(strengths_off, 0);
    CHECK_INT(engine.calls, outcome.plan.passes);
    CHECK(outcome.plan.canvas.width == 912 && outcome.plan.canvas.height == 576);
    EditRect r = outcome.result.rect;
    CHECK(r.x + r.width == 912 && r.y + r.height == 576);
    int empty = 0, known_changed = 0;
    for (int y = 0; y < 576; y++) {
        for (int x = 0; x < 912; x++) {
            int    at = (y - r.y) * r.width + x - r.x;
            bool   in = x >= r.x && y >= r.y;
            double mask = in ? (double)outcome.result.mask[at] : 0;
            if (x >= 512 || y >= 448)
                empty += mask != 1 || outcome.result.rgba[4 * at + 3] != 1;
            else if (x < 512 - 60 && y < 448 - 60) /* a tenth and a latent */
                known_changed += mask != 0;
        }
    }
    CHECK_INT(empty, 0);
    CHECK_INT(known_changed, 0);
    CHECK_INT(compare(&canvas, &outcome).changed_outside, 0);
    /* The strip that was painted first is seen by the second. */
    CHECK_NEAR(&outcome.result.rgba[4 * ((100 - r.y) * r.width + 600 - r.x)], &(float){ .1F }, 1,
               1e-5);
    CHECK_NEAR(&outcome.result.rgba[4 * ((100 - r.y) * r.width + 850 - r.x)], &(float){ .2F }, 1,
               1e-5);
    outcome_free(&outcome);
    canvas_free(&canvas);
}

static void an_identity_extension_continues_the_picture(void)
{
    Canvas canvas = canvas_new(512, 512);
    smoothen(&canvas);
    Engine       engine = engine_double(512, 9);
    EditSettings settings = settings_for(EDIT_OUTPAINT, &canvas);
    settings.left = settings.top = 120;
    Outcome outcome = run(&settings, &canvas, &engine);
    CHECK(outcome.ok);
    Difference found = compare(&canvas, &outcome);
    CHECK_INT(found.changed_outside, 0);
    CHECK(found.worst <= 1);
    EditRect r = outcome.result.rect;
    /* Beside the border the continuation is what is there. */
    for (int y = 140; y < 600; y += 20)
        for (int c = 0; c < 3; c++)
            CHECK(fabs((double)outcome.result.rgba[4 * ((y - r.y) * r.width + 119 - r.x) + c] -
                       (double)canvas.rgba[4 * ((y - 120) * 512) + c]) < .03);
    outcome_free(&outcome);
    canvas_free(&canvas);
}

static void empty_places_are_found_by_themselves(void)
{
    Canvas canvas = canvas_new(512, 512);
    for (int i = 0; i < 512 * 512; i++)
        if (i % 512 >= 400 || (i / 512 >= 100 && i / 512 < 160 && i % 512 >= 60 && i % 512 < 120))
            canvas.rgba[4 * i + 3] = .001F;
    Engine       engine = engine_double(512, 4);
    EditSettings settings = settings_for(EDIT_OUTPAINT, &canvas);
    engine.change = paint_by_call;
    settings.colour_match = false;
    Outcome outcome = run(&settings, &canvas, &engine);
    CHECK(outcome.ok);
    EditRect r = outcome.result.rect;
    int      empty = 0, kept = 0;
    for (int i = 0; i < 512 * 512; i++) {
        int  x = i % 512 - r.x, y = i / 512 - r.y;
        bool in = x >= 0 && y >= 0 && x < r.width && y < r.height;
        empty += canvas.rgba[4 * i + 3] < .5F && !(in && outcome.result.mask[y * r.width + x] == 1);
        kept += canvas.rgba[4 * i + 3] == 1 && !(in && outcome.result.mask[y * r.width + x] > 0);
    }
    CHECK_INT(empty, 0);
    CHECK(kept > 100000);
    outcome_free(&outcome);
    canvas_free(&canvas);
}

/* A strip that is painted in pieces along its length: nothing is left between them. */
static void pieces_of_a_long_side_meet(void)
{
    Canvas       canvas = canvas_new(700, 200);
    Engine       engine = engine_double(64, 4);
    EditSettings settings = settings_for(EDIT_OUTPAINT, &canvas);
    settings.top = 60;
    settings.colour_match = false;
    engine.change = paint_by_call;
    Outcome outcome = run(&settings, &canvas, &engine);
    CHECK(outcome.ok && outcome.plan.passes == 4); /* two pieces, each refined */
    EditRect r = outcome.result.rect;
    int      open = 0;
    for (int i = 0; i < 700 * 60; i++)
        open += outcome.result.mask[(i / 700 - r.y) * r.width + i % 700 - r.x] != 1;
    CHECK_INT(open, 0);
    outcome_free(&outcome);
    canvas_free(&canvas);
}

static void a_canvas_larger_than_its_picture_is_an_extension(void)
{
    EditSettings settings = edit_settings_default(EDIT_OUTPAINT);
    settings.canvas_width = 900;
    settings.canvas_height = 600;
    edit_settings_surround(&settings, (EditRect){ 100, 40, 512, 512 });
    CHECK(settings.left == 100 && settings.top == 40 && settings.right == 288 &&
          settings.bottom == 48);
    Engine      engine = engine_double(512, 4);
    EditPlan    plan;
    EngineError error = { 0 };
    CHECK(edit_plan(&settings, &engine.model, &plan, &error));
    CHECK(plan.canvas.width == 900 && plan.canvas.height == 600 && plan.shift_x == 100);
}

static void transparent_pixels_never_reach_the_model_as_black(void)
{
    Canvas canvas = canvas_new(512, 512);
    for (int i = 0; i < 512 * 512; i++) {
        for (int c = 0; c < 3; c++)
            canvas.rgba[4 * i + c] = .7F;
        if (i % 512 > 350) {
            for (int c = 0; c < 3; c++)
                canvas.rgba[4 * i + c] = 0;
            canvas.rgba[4 * i + 3] = 0;
        }
    }
    Engine       engine = engine_double(512, 4);
    EditSettings settings = settings_for(EDIT_INPAINT, &canvas);
    settings.has_selection = true;
    settings.selection = select_ellipse(&canvas, 150, 150, 300, 200);
    settings.strength = .5F;
    engine.change = remember_source;
    Outcome outcome = run(&settings, &canvas, &engine);
    CHECK(outcome.ok);
    float darkest = 1;
    for (int i = 0; i < 3 * outcome.plan.work_width * outcome.plan.work_height; i++)
        darkest = fminf(darkest, last_source[i]);
    CHECK_NEAR(&darkest, &(float){ .7F }, 1, 1e-4);
    EditRect r = outcome.result.rect;
    int      at = (250 - r.y) * r.width + 400 - r.x;
    CHECK(outcome.result.rgba[4 * at + 3] == 1 && outcome.result.mask[at] > 0);
    outcome_free(&outcome);
    settings.keep_transparency = true;
    outcome = run(&settings, &canvas, &engine);
    CHECK(outcome.ok && outcome.result.rgba[4 * at + 3] == 0);
    outcome_free(&outcome);
    canvas_free(&canvas);
}

/* ---- what goes into the request -------------------------------------------------------------- */

static EngineRequest asked[8];
static bool          hole_around_mask;

static void remember_request(EnginePicture *decoded, const EngineRequest *request, int call)
{
    (void)decoded;
    asked[call % 8] = *request;
    if (!request->hole)
        return;
    hole_around_mask = true;
    for (int i = 0; i < request->width * request->height; i++)
        hole_around_mask &= request->hole->pixels[i] == 0 || request->hole->pixels[i] == 1;
    for (int i = 0; i < request->width * request->height; i++)
        hole_around_mask &= request->mask->pixels[i] > 0 || request->hole->pixels[i] == 0;
}

static void requests_suit_the_model(void)
{
    Canvas       canvas = canvas_new(512, 512);
    EditSettings settings = settings_for(EDIT_INPAINT, &canvas);
    settings.has_selection = true;
    settings.selection = select_ellipse(&canvas, 200, 200, 100, 100);
    Engine engine = engine_double(512, 4);
    engine.change = remember_request;
    Outcome outcome = run(&settings, &canvas, &engine);
    CHECK(asked[1].source && asked[1].mask && !asked[1].hole && !asked[1].source_noise_only);
    CHECK(asked[1].strength == 1 && asked[1].seed == 7);
    outcome_free(&outcome);

    engine = engine_double(512, 9);
    engine.change = remember_request;
    outcome = run(&settings, &canvas, &engine);
    CHECK(asked[1].source && asked[1].mask && asked[1].hole && hole_around_mask);
    outcome_free(&outcome);

    engine = engine_double(512, 8);
    engine.change = remember_request;
    settings.mode = EDIT_INSTRUCT;
    outcome = run(&settings, &canvas, &engine);
    CHECK(asked[1].source && !asked[1].mask && asked[1].source_noise_only &&
          asked[1].strength == 1);
    outcome_free(&outcome);

    engine = engine_double(512, 4);
    engine.change = remember_request;
    settings = settings_for(EDIT_TEXT_TO_IMAGE, &canvas);
    settings.width = settings.height = 1024;
    outcome = run(&settings, &canvas, &engine);
    CHECK(outcome.ok);
    CHECK(!asked[1].source && !asked[1].mask && asked[1].width == 640);
    CHECK(asked[2].source && asked[2].width == 1024);
    CHECK_NEAR(&asked[2].strength, &(float){ .4F }, 1, 0);
    CHECK(outcome.result.rect.width == 1024 && outcome.result.rect.height == 1024);
    outcome_free(&outcome);
    canvas_free(&canvas);
}

static void strength_0_gives_the_picture_without_a_model(void)
{
    Canvas       canvas = canvas_new(512, 512);
    Engine       engine = engine_double(512, 4);
    EditSettings settings = settings_for(EDIT_IMAGE_TO_IMAGE, &canvas);
    settings.strength = 0;
    Outcome outcome = run(&settings, &canvas, &engine);
    CHECK(outcome.ok);
    CHECK_INT(engine.calls, 0);
    CHECK_INT(compare(&canvas, &outcome).worst, 0);
    outcome_free(&outcome);
    canvas_free(&canvas);
}

/* ---- tiling ---------------------------------------------------------------------------------- */

static void seam_repair_touches_only_the_seams(void)
{
    Canvas       canvas = canvas_new(512, 384);
    Engine       engine = engine_double(512, 4);
    EditSettings settings = settings_for(EDIT_SEAMS, &canvas);
    settings.colour_match = false;
    engine.change = redden;
    Outcome outcome = run(&settings, &canvas, &engine);
    if (!CHECK(outcome.ok))
        printf("  %s\n", outcome.error.message);
    EditRect r = outcome.result.rect;
    CHECK(r.width == 512 && r.height == 384);
    CHECK(outcome.result.mask[0] == 1); /* the corner: where all four seams meet */
    CHECK(outcome.result.mask[192 * 512] == 1 && outcome.result.mask[256] == 1);
    CHECK(outcome.result.mask[192 * 512 + 511] == 1);
    CHECK(outcome.result.mask[192 * 512 + 256] == 0); /* the middle */
    CHECK_INT(compare(&canvas, &outcome).changed_outside, 0);
    outcome_free(&outcome);

    engine.change = remember_request;
    settings.intent = EDIT_REFINE;
    settings.colour_match = true;
    outcome = run(&settings, &canvas, &engine);
    CHECK(outcome.ok && asked[engine.calls % 8].tile_x && asked[engine.calls % 8].tile_y);
    CHECK_INT(compare(&canvas, &outcome).worst, 0); /* turned back to where it was */
    outcome_free(&outcome);
    canvas_free(&canvas);
}

/* ---- colour ---------------------------------------------------------------------------------- */

static void tint(EnginePicture *decoded, const EngineRequest *request, int call)
{
    (void)call;
    for (int i = 0; i < request->width * request->height; i++) {
        decoded->pixels[3 * i] += .03F;
        decoded->pixels[3 * i + 2] -= .03F;
    }
}

static void a_tint_of_the_model_is_taken_off(void)
{
    for (int matched = 0; matched < 2; matched++) {
        Canvas canvas = canvas_new(512, 512);
        smoothen(&canvas);
        Engine       engine = engine_double(512, 4);
        EditSettings settings = settings_for(EDIT_INPAINT, &canvas);
        settings.has_selection = true;
        settings.selection = select_ellipse(&canvas, 180, 190, 140, 120);
        settings.intent = EDIT_REFINE;
        settings.colour_match = matched;
        engine.change = tint;
        Outcome outcome = run(&settings, &canvas, &engine);
        int     worst = compare(&canvas, &outcome).worst;
        /* A shift in sRGB is not one in Lab: three levels of the eight are left at most. */
        CHECK(matched ? worst <= 3 : worst >= 7);
        outcome_free(&outcome);
        canvas_free(&canvas);
    }
}

/* ---- runs ------------------------------------------------------------------------------------ */

typedef struct {
    double last;
    int    calls, stop_at;
    bool   back, counted;
} Reports;

static bool see_progress(void *user, const EngineProgress *now)
{
    Reports *reports = user;
    reports->back |= now->fraction < reports->last;
    reports->last = now->fraction;
    reports->counted |= now->count == 3 && now->image == 2;
    return ++reports->calls != reports->stop_at;
}

/* Each seed's own grey. */
static void paint_by_seed(EnginePicture *decoded, const EngineRequest *request, int call)
{
    (void)call;
    for (int i = 0; i < request->width * request->height; i++)
        if (request->mask->pixels[i] == 1)
            for (int c = 0; c < 3; c++)
                decoded->pixels[3 * i + c] = .1F * (float)(request->seed % 10);
}

static void candidates_start_from_the_same_picture(void)
{
    for (int stop = 0; stop < 2; stop++) {
        Canvas       canvas = canvas_new(400, 300);
        Engine       engine = engine_double(256, 4);
        EditSettings settings = settings_for(EDIT_OUTPAINT, &canvas);
        EditPlan     plan;
        EngineError  error = { 0 };
        EditResult   results[3] = { 0 };
        Reports      reports = { .stop_at = stop ? 15 : 0 };
        settings.right = 200;
        CHECK(edit_plan(&settings, &engine.model, &plan, &error));
        CHECK(plan.passes > 1);
        settings.colour_match = false;
        engine.change = paint_by_seed;
        float        *rgba = cut(&canvas, canvas.rgba, 4, &plan);
        EditJob      *job = edit_prepare(&settings, &engine.model, &plan, rgba, NULL, &error);
        EngineRequest request = {
            .count = 3, .seed = 40, .progress = see_progress, .user = &reports
        };
        bool ok = edit_generate(job, &engine, &request, results, &error);
        CHECK(ok == !stop);
        CHECK(!reports.back);
        if (stop) {
            CHECK_INT(error.status, ENGINE_CANCELLED);
            CHECK(!results[0].rgba && !results[1].rgba && !results[2].rgba);
        } else {
            CHECK(reports.counted && fabs(reports.last - 1) < 1e-9);
            CHECK_INT(engine.calls, 3 * plan.passes);
            CHECK_INT((int)results[2].seed, 42);
            for (int i = 0; i < 3; i++) { /* the first strip's middle */
                EditRect r = results[i].rect;
                float    want = .1F * (float)i;
                CHECK_NEAR(&results[i].rgba[4 * ((150 - r.y) * r.width + 440 - r.x)], &want, 1,
                           1e-5);
                CHECK(results[i].mask[(150 - r.y) * r.width + 440 - r.x] == 1);
            }
        }
        for (int i = 0; i < 3; i++)
            edit_result_clear(&results[i]);
        free(rgba);
        edit_job_destroy(job);
        canvas_free(&canvas);
    }
}

static void estimates_add_up_passes(void)
{
    Canvas         canvas = canvas_new(1500, 1500);
    Engine         engine = engine_double(512, 4);
    EditSettings   settings = settings_for(EDIT_IMAGE_TO_IMAGE, &canvas);
    EditPlan       plan;
    EngineEstimate estimate;
    EngineError    error = { 0 };
    EngineRequest  request = { .count = 1 };
    CHECK(edit_plan(&settings, &engine.model, &plan, &error));
    CHECK(edit_estimate(&settings, &plan, &engine, &request, &estimate, &error));
    CHECK_INT(plan.passes, 2);
    CHECK(estimate.seconds == 4);
    CHECK(estimate.scratch_bytes >= 140u * 1500 * 1500); /* the larger pass, and the region */
    canvas_free(&canvas);
}

static void refuses_to_prepare(const EditSettings *settings, const Canvas *canvas,
                               const char *sentence)
{
    Engine  engine = engine_double(512, 4);
    Outcome outcome = run(settings, canvas, &engine);
    CHECK(!outcome.ok && engine.calls == 0);
    if (!CHECK(strstr(outcome.error.message, sentence)))
        printf("  got: %s\n", outcome.error.message);
    outcome_free(&outcome);
}

static void pixels_that_leave_nothing_to_do_are_refused(void)
{
    Canvas       canvas = canvas_new(300, 200);
    EditSettings settings = settings_for(EDIT_INPAINT, &canvas);
    settings.has_selection = true;
    settings.selection = (EditRect){ 0, 0, 300, 200 };
    refuses_to_prepare(&settings, &canvas, "The selection is empty: nothing to repaint");
    for (int i = 0; i < 300 * 200; i++)
        canvas.selection[i] = 1;
    settings.strength = .5F;
    refuses_to_prepare(&settings, &canvas, "use image to image");
    settings = settings_for(EDIT_OUTPAINT, &canvas);
    refuses_to_prepare(&settings, &canvas, "Nothing is missing");
    for (int i = 0; i < 300 * 200; i++)
        canvas.rgba[4 * i + 3] = 0;
    refuses_to_prepare(&settings, &canvas, "Nothing of the picture is there");
    canvas_free(&canvas);
}

static void odd_pixels_do_no_harm(void)
{
    Canvas canvas = canvas_new(300, 260);
    for (int i = 0; i < 4 * 300 * 260; i += 7)
        canvas.rgba[i] = i % 3 ? NAN : i % 2 ? INFINITY : -1e30F;
    Engine       engine = engine_double(256, 4);
    EditSettings settings = settings_for(EDIT_INPAINT, &canvas);
    settings.has_selection = true;
    settings.selection = select_ellipse(&canvas, 100, 100, 80, 60);
    Outcome outcome = run(&settings, &canvas, &engine);
    CHECK(outcome.ok);
    bool inside = true;
    for (int i = 0; i < 4 * outcome.result.rect.width * outcome.result.rect.height; i++)
        inside &= outcome.result.rgba[i] >= 0 && outcome.result.rgba[i] <= 1;
    CHECK(inside);
    outcome_free(&outcome);
    canvas_free(&canvas);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(every_refining_mode_gives_the_picture_back);
    RUN(every_filling_mode_gives_what_the_model_saw);
    RUN(two_passes_keep_the_picture_and_its_place);
    RUN(small_canvases_are_enlarged_and_come_back);
    RUN(nothing_changes_where_the_mask_is_0);
    RUN(an_extension_is_filled_and_the_rest_kept);
    RUN(an_identity_extension_continues_the_picture);
    RUN(empty_places_are_found_by_themselves);
    RUN(pieces_of_a_long_side_meet);
    RUN(a_canvas_larger_than_its_picture_is_an_extension);
    RUN(transparent_pixels_never_reach_the_model_as_black);
    RUN(requests_suit_the_model);
    RUN(strength_0_gives_the_picture_without_a_model);
    RUN(seam_repair_touches_only_the_seams);
    RUN(a_tint_of_the_model_is_taken_off);
    RUN(candidates_start_from_the_same_picture);
    RUN(estimates_add_up_passes);
    RUN(pixels_that_leave_nothing_to_do_are_refused);
    RUN(odd_pixels_do_no_harm);
    return test_end();
}
