/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../edit.h"

#include "crops.h"

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
        /* The default of A1111 and stable-diffusion.cpp: things stay where they are and change what
         * they look like. */
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
    /* One piece for each crop, of what was read of all their bounds; crops copy what they keep, so
     * that the pieces go as soon as the job stands. */
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

/* pixel and fresh are straight RGBA.  The mix is made of premultiplied colours: of straight ones a
 * clear pixel, whose colour nobody sees, would tint the edge. */
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
