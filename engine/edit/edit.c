/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../edit.h"

#include "crops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

EditSettings edit_settings_default(EditMode mode)
{
    EditSettings settings = {
        .mode = mode,
        .strength = 1,
        .colour_match = true,
        .intent = EDIT_FILL,
        .feather = -1,
        .grow = -1,
        .edge_width = -1,
    };
    switch (mode) {
    case EDIT_IMAGE_TO_IMAGE:
        settings.strength = .75F;
        settings.intent = EDIT_REFINE;
        break;
    case EDIT_OUTPAINT:
        settings.intent = EDIT_EXPAND;
        break;
    case EDIT_INSTRUCT:
        settings.intent = EDIT_REFINE;
        break;
    case EDIT_SEAMS:
        settings.tile_x = settings.tile_y = true;
        break;
    case EDIT_INPAINT:
    case EDIT_TEXT_TO_IMAGE:
        break;
    }
    return settings;
}

bool edit_plan(const EditSettings *settings, const EngineModelInfo *model, EditPlan *plan,
               EngineError *error)
{
    Crops crops;
    bool  ok = crops_plan(&crops, settings, model, error);
    *plan = ok ? crops.summary : (EditPlan){ 0 };
    if (ok)
        crops_finish(&crops);
    return ok;
}

EditJob *edit_prepare_crops(const EditSettings *settings, const EngineModelInfo *model,
                            const EditPlan *plan, const EditPixels *pixels, EngineError *error)
{
    return crops_create(settings, model, plan, pixels, error);
}

/* Part of what was read of a region. */
static float *cut(const float *pixels, size_t channels, EditRect region, EditRect part)
{
    size_t row = (size_t)part.width * channels;
    float *out = malloc(row * (size_t)part.height * sizeof *out);
    for (int y = 0; out && y < part.height; y++)
        memcpy(out + (size_t)y * row,
               pixels + ((size_t)(part.y - region.y + y) * (size_t)region.width +
                         (size_t)(part.x - region.x)) * channels,
               row * sizeof *out);
    return out;
}

EditJob *edit_prepare(const EditSettings *settings, const EngineModelInfo *model,
                      const EditPlan *plan, const float *rgba, const float *selection,
                      EngineError *error)
{
    EditPixels pixels[EDIT_MAX_ISLANDS] = { { rgba, selection } };
    EditJob   *job = NULL;
    bool       ok = true;
    if (plan->crop_count <= 1)
        return crops_create(settings, model, plan, pixels, error);
    for (int i = 0; i < plan->crop_count; i++) {
        EditRect part = plan->crops[i].region;
        pixels[i].rgba = cut(rgba, 4, plan->region, part);
        pixels[i].selection = selection ? cut(selection, 1, plan->region, part) : NULL;
        ok &= pixels[i].rgba && (pixels[i].selection || !selection);
    }
    if (ok)
        job = crops_create(settings, model, plan, pixels, error);
    else
        fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the picture.");
    for (int i = 0; i < plan->crop_count; i++) {
        free((float *)pixels[i].rgba);
        free((float *)pixels[i].selection);
    }
    return job;
}

void edit_job_destroy(EditJob *job)
{
    crops_destroy(job);
}

const float *edit_job_denoise_mask(const EditJob *job)
{
    return job->jobs[0]->denoise;
}

const float *edit_job_compose_mask(const EditJob *job)
{
    return job->jobs[0]->compose;
}

EditRect edit_job_preview_rect(const EditJob *job)
{
    if (job->crops.summary.passes == 0)
        return job->crops.summary.region;
    return crops_pass(job, job->pass < 0 ? 0 : job->pass)->fit.rect;
}

bool edit_pass_prepare(EditJob *job, int pass, EngineRequest *request, EngineError *error)
{
    return crops_prepare_pass(job, pass, request, error);
}

bool edit_pass_finish(EditJob *job, int pass, const EnginePicture *decoded, EngineError *error)
{
    return crops_finish_pass(job, pass, decoded, error);
}

bool edit_finish(EditJob *job, EditResult *result, EngineError *error)
{
    return crops_result(job, result, error);
}

void edit_result_clear(EditResult *result)
{
    for (int i = 0; i < result->part_count; i++) {
        free(result->parts[i].rgba);
        free(result->parts[i].mask);
    }
    free(result->parts);
    *result = (EditResult){ 0 };
}

static void lay_pixel(float *pixel, const float *fresh, float share)
{
    float alpha = pixel[3] + share * (fresh[3] - pixel[3]);
    for (int c = 0; c < 3 && alpha > 0; c++)
        pixel[c] = (share * fresh[3] * fresh[c] + (1 - share) * pixel[3] * pixel[c]) / alpha;
    pixel[3] = alpha;
}

static void lay_part(const EditPart *part, float *rgba, int width, int height)
{
    EditRect rect = part->rect;
    for (int y = 0; y < rect.height; y++) {
        for (int x = 0; x < rect.width; x++) {
            size_t i = (size_t)y * (size_t)rect.width + (size_t)x;
            int    u = rect.x + x, v = rect.y + y;
            if (part->mask[i] > 0 && u >= 0 && v >= 0 && u < width && v < height)
                lay_pixel(rgba + 4 * ((size_t)v * (size_t)width + (size_t)u), part->rgba + 4 * i,
                          part->mask[i]);
        }
    }
}

void edit_result_lay(const EditResult *result, float *rgba, int width, int height)
{
    for (int i = 0; i < result->part_count; i++)
        lay_part(&result->parts[i], rgba, width, height);
}

/* ---- all passes of all candidates ------------------------------------------------------------ */

/* What a pass costs beside the others: steps run in proportion to strength. */
static double pass_share(const EditJob *job, int pass)
{
    const PlanPass *one = crops_pass(job, pass);
    return (double)one->fit.work_width * one->fit.work_height * (double)one->strength;
}

typedef struct {
    const EngineRequest *request; /* the caller's */
    int                  image, index; /* candidate and pass */
    double               done, pass, all; /* shares */
    EngineProgress       last;    /* as the caller saw it */
    double               in_pass; /* its fraction of the pass */

    bool   enough;  /* request->enough() has said so */
    double from_fraction, from_in_pass; /* where the bar stood then: the pass takes what is left */
    bool   dropped; /* the pass was broken off for it before its first step was done */
    bool   early;   /* not all steps of all passes were made */
    int    step, steps; /* of the last pass that came to its end */
} Run;

static double fraction_now(const Run *run, double in_pass)
{
    if (!run->enough)
        return fmin(1, (run->done + run->pass * in_pass) / run->all);
    double left = 1 - run->from_in_pass;
    double share = left > 0 ? (in_pass - run->from_in_pass) / left : 1;
    return run->from_fraction + (1 - run->from_fraction) * fmin(1, share);
}

static bool report(void *user, const EngineProgress *now)
{
    Run           *run = user;
    EngineProgress whole = *now;
    double         left = run->pass * (1 - now->fraction);
    double         ahead = run->enough ? 0 : run->all - run->done - run->pass;
    whole.image = run->image;
    whole.count = run->request->count;
    whole.fraction = fraction_now(run, now->fraction);
    whole.seconds_left = now->seconds_left < 0 || left < 1e-3 * run->pass
                             ? -1
                             : now->seconds_left * (left + ahead) / left;
    run->last = whole;
    run->in_pass = now->fraction;
    if (run->request->progress && !run->request->progress(run->request->user, &whole))
        return false;
    run->dropped = run->enough && run->index > 0 && now->step == 0;
    return !run->dropped;
}

static bool enough(void *user)
{
    Run *run = user;
    run->enough = run->request->enough(run->request->user);
    run->from_fraction = run->last.fraction;
    run->from_in_pass = run->in_pass;
    return run->enough;
}

static void observe(void *user, const char *name, const float *data, int rank, const int *shape)
{
    const Run *run = user;
    run->request->observe(run->request->user, name, data, rank, shape);
}

/* What a pass gives that nobody waits for. */
static bool copy_source(EnginePicture *picture, const EngineRequest *request, EngineError *error)
{
    size_t bytes = (size_t)request->width * (size_t)request->height * 3 * sizeof(float);
    *picture = *request->source;
    picture->pixels = malloc(bytes);
    if (!picture->pixels)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the picture.");
    memcpy(picture->pixels, request->source->pixels, bytes);
    return true;
}

static bool make_picture(Engine *engine, const EngineRequest *request, EnginePicture *picture,
                         Run *run, EngineError *error)
{
    if (run->index == 0 || !run->enough) {
        bool ok = engine_generate(engine, request, picture, error);
        if (ok || !run->dropped) {
            run->step = run->last.step;
            run->steps = run->last.steps;
            run->early = run->enough && run->step < run->steps;
            return ok;
        }
        *error = (EngineError){ 0 };
    }
    run->early = true;
    return copy_source(picture, request, error);
}

static bool run_pass(EditJob *job, Engine *engine, Run *run, EngineError *error)
{
    EngineRequest request = *run->request;
    EnginePicture picture = { 0 };
    request.count = 1;
    request.seed = crops_pass_seed(job, run->index);
    request.user = run;
    request.progress = run->request->progress || run->request->enough ? report : NULL;
    request.enough = run->request->enough ? enough : NULL;
    request.observe = run->request->observe ? observe : NULL;
    request.picture = NULL;
    bool ok = crops_prepare_pass(job, run->index, &request, error) &&
              make_picture(engine, &request, &picture, run, error) &&
              crops_finish_pass(job, run->index, &picture, error);
    engine_picture_clear(&picture);
    return ok;
}

/* One candidate. */
static bool run_passes(EditJob *job, Engine *engine, Run *run, EngineError *error)
{
    for (run->index = 0; run->index < job->crops.summary.passes; run->index++) {
        run->pass = pass_share(job, run->index);
        if (!run_pass(job, engine, run, error))
            return false;
        run->done += run->pass;
    }
    return true;
}

/* The bar that later passes did not move. */
static void report_end(Run *run)
{
    if (!run->enough || !run->request->progress || run->last.fraction >= 1)
        return;
    run->last.fraction = 1;
    run->last.seconds_left = 0;
    run->last.preview = NULL;
    run->request->progress(run->request->user, &run->last);
}

bool edit_generate(EditJob *job, Engine *engine, const EngineRequest *request, EditResult *results,
                   EngineError *error)
{
    Run run = { .request = request };
    if (request->count < 1)
        return fail(error, ENGINE_BAD_REQUEST, "%d candidates are asked for: make at least one.",
                    request->count);
    for (int pass = 0; pass < job->crops.summary.passes; pass++)
        run.all += pass_share(job, pass) * request->count;
    for (int i = 0; i < request->count; i++)
        results[i] = (EditResult){ 0 };
    bool ok = true;
    for (int i = 0; ok && i < request->count && !run.enough; i++) {
        job->seed = request->seed + (uint64_t)i;
        run.image = i;
        ok = run_passes(job, engine, &run, error) && crops_result(job, &results[i], error);
        if (ok && run.early) {
            results[i].kept_step = run.step;
            results[i].kept_steps = run.steps;
        }
        if (ok && request->picture) {
            EnginePicture picture = { results[i].rect.width, results[i].rect.height, 4,
                                      results[i].rgba };
            request->picture(request->user, i, &picture);
        }
    }
    if (ok)
        report_end(&run);
    for (int i = 0; !ok && i < request->count; i++)
        edit_result_clear(&results[i]);
    return ok;
}

static void add_pass(EngineEstimate *all, const EngineEstimate *pass)
{
    /* Passes follow each other: memory is used again, time adds up. */
    if (pass->scratch_bytes > all->scratch_bytes)
        all->scratch_bytes = pass->scratch_bytes;
    if (pass->weight_bytes > all->weight_bytes)
        all->weight_bytes = pass->weight_bytes;
    all->available_bytes = pass->available_bytes;
    all->seconds += pass->seconds;
    all->flops += pass->flops;
}

static bool estimate_pass(EngineEstimate *cost, const PlanPass *pass, bool nothing, Engine *engine,
                          const EngineRequest *request, EngineError *error)
{
    EngineRequest  one = *request;
    EnginePicture  source = { pass->fit.work_width, pass->fit.work_height, 3, NULL };
    *cost = (EngineEstimate){ 0 };
    one.width = source.width;
    one.height = source.height;
    one.strength = pass->strength;
    /* Never touched, so no memory is really taken. */
    source.pixels = calloc(3 * (size_t)source.width * (size_t)source.height, sizeof(float));
    one.source = nothing ? NULL : &source;
    one.mask = one.hole = one.known = NULL;
    bool ok = source.pixels ? engine_estimate(engine, &one, cost, error)
                            : fail(error, ENGINE_OUT_OF_MEMORY,
                                   "There is not enough memory for a pass of %d x %d pixels.",
                                   source.width, source.height);
    engine_picture_clear(&source);
    return ok;
}

/* Tiles have one size, and what that costs is asked for once. */
static bool estimate_passes(EngineEstimate *all, const Plan *plan, bool text, Engine *engine,
                            const EngineRequest *request, EngineError *error)
{
    EngineEstimate last = { 0 };
    for (int i = 0; i < plan->pass_count; i++) {
        const PlanPass *pass = &plan->passes[i], *before = i ? pass - 1 : NULL;
        bool            same = before && before->tile && pass->tile &&
                    before->fit.work_width == pass->fit.work_width &&
                    before->fit.work_height == pass->fit.work_height;
        if (!same && !estimate_pass(&last, pass, text && !pass->second, engine, request, error))
            return false;
        add_pass(all, &last);
    }
    return true;
}

/* Beside the model: the region, its masks, and the result (edit/crop.h). */
static uint64_t crop_bytes(const Plan *plan, bool many)
{
    const EditPlan *summary = &plan->summary;
    bool            tiled = plan->pass_count && plan->passes[plan->pass_count - 1].tile;
    uint64_t        pixels = (uint64_t)summary->region.width * (uint64_t)summary->region.height;
    bool            twice = many || plan->stage_count > 1 || tiled;
    return pixels * (uint64_t)(16 + 16 + (plan->whole ? 4 : 8) + (twice ? 16 : 0));
}

bool edit_estimate(const EditSettings *settings, const EditPlan *summary, Engine *engine,
                   const EngineRequest *request, EngineEstimate *estimate, EngineError *error)
{
    Crops crops;
    *estimate = (EngineEstimate){ 0 };
    (void)summary;
    if (!crops_plan(&crops, settings, engine_model(engine), error))
        return false;
    bool     ok = true, text = settings->mode == EDIT_TEXT_TO_IMAGE;
    uint64_t bytes = 0;
    for (int i = 0; ok && i < crops.count; i++) {
        bytes += crop_bytes(&crops.plans[i], crops.count > 1);
        ok = estimate_passes(estimate, &crops.plans[i], text, engine, request, error);
    }
    if (ok)
        estimate->scratch_bytes += bytes;
    crops_finish(&crops);
    return ok;
}
