/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "passes.h"

#include "match.h"
#include "prefill.h"
#include "resample.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MATCH_RING = 64, EDGE_RING = 8, EDGE_REACH = 16 /* work pixels */ };

static const float no_pixel = .5F / 255; /* alpha below it: unknown */

static bool no_memory(EngineError *error, double width, double height)
{
    return fail(error, ENGINE_OUT_OF_MEMORY,
                "There is not enough memory to edit %.0f x %.0f pixels: select a smaller part.",
                width, height);
}

static float unit(float value)
{
    return !(value > 0) ? 0 : value > 1 ? 1 : value;
}

static EditRect to_region(const CropJob *job, EditRect rect)
{
    rect.x -= job->plan.summary.region.x;
    rect.y -= job->plan.summary.region.y;
    return rect;
}

static EditRect region_frame(const CropJob *job)
{
    return (EditRect){ 0, 0, job->w, job->h };
}

static size_t area(EditRect rect)
{
    return (size_t)rect.width * (size_t)rect.height;
}

/* ---- taking the picture in ------------------------------------------------------------------ */

/* Where a pixel of the turned canvas was before. */
static size_t turned(const CropJob *job, int x, int y)
{
    size_t from_x = (size_t)((x + job->plan.roll_x) % job->w);
    size_t from_y = (size_t)((y + job->plan.roll_y) % job->h);
    return from_y * (size_t)job->w + from_x;
}

static void take_pixels(CropJob *job, const float *rgba)
{
    EditRect old =
        to_region(job, (EditRect){ job->plan.summary.shift_x, job->plan.summary.shift_y,
                                   job->settings.canvas_width, job->settings.canvas_height });
    bool out = job->settings.mode == EDIT_OUTPAINT;
    for (int y = 0; y < job->h; y++) {
        for (int x = 0; x < job->w; x++) {
            const float *in = rgba + 4 * turned(job, x, y);
            float       *pixel = job->original + 4 * ((size_t)y * (size_t)job->w + (size_t)x);
            float        alpha = unit(in[3]);
            if (alpha < no_pixel || (out && !rect_contains(old, (EditRect){ x, y, 1, 1 })))
                alpha = 0;
            else if (alpha > 1 - no_pixel)
                alpha = 1;
            for (int c = 0; c < 3; c++)
                pixel[c] = alpha > 0 ? alpha * unit(in[c]) : 0;
            pixel[3] = alpha;
        }
    }
}

/* The selection as the masks are made from it, over `rect` of the region. */
static void take_selection(const CropJob *job, float *out, EditRect rect, const float *selection)
{
    const Plan *plan = &job->plan;
    EditRect    drawn = to_region(job, job->settings.selection);
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        for (int x = rect.x; x < rect.x + rect.width; x++) {
            float value;
            if (job->settings.mode == EDIT_SEAMS)
                value = 2 * abs(2 * x + 1 - job->w) < 2 * plan->band_x ||
                        2 * abs(2 * y + 1 - job->h) < 2 * plan->band_y;
            else if (selection)
                value = unit(selection[(size_t)y * (size_t)job->w + (size_t)x]);
            else
                value = rect_contains(drawn, (EditRect){ x, y, 1, 1 });
            *out++ = plan->invert ? 1 - value : value;
        }
    }
}

static void put(CropJob *job, float *mask, EditRect rect, const float *part)
{
    for (int y = 0; y < rect.height; y++)
        memcpy(mask + (size_t)(rect.y + y) * (size_t)job->w + (size_t)rect.x,
               part + (size_t)y * (size_t)rect.width, (size_t)rect.width * sizeof *mask);
}

static bool check_selected(const CropJob *job, const float *selected, EngineError *error)
{
    float least = 1, most = 0;
    for (size_t i = 0, count = area(job->fill_rect); i < count; i++) {
        least = fminf(least, selected[i]);
        most = fmaxf(most, selected[i]);
    }
    EditRect all = job->plan.summary.canvas;
    if (!(most > (job->settings.edge == EDIT_AS_DRAWN ? 0 : .1F)))
        return fail(error, ENGINE_BAD_REQUEST,
                    job->plan.invert ? "All is selected: no background is left to be replaced."
                                     : "The selection is empty: nothing to repaint.");
    if (job->settings.mode == EDIT_INPAINT && least >= 1 && job->settings.strength < 1 &&
        area(all) == area(job->fill_rect))
        return fail(error, ENGINE_BAD_REQUEST,
                    "The selection is the whole picture: use image to image for that.");
    return true;
}

/* What is selected and clear has nothing to blend with: it is covered as far as it is selected, in
 * full up to three quarters of opacity, less towards the opaque. */
static void cover_clear(const CropJob *job, float *compose, const float *selected)
{
    EditRect rect = job->fill_rect;
    for (size_t i = 0, count = area(rect); i < count; i++) {
        size_t at = (size_t)(rect.y + (int)(i / (size_t)rect.width)) * (size_t)job->w +
                    (size_t)rect.x + i % (size_t)rect.width;
        compose[i] = fmaxf(compose[i], selected[i] * unit(4 * (1 - job->original[4 * at + 3])));
    }
}

/* mask [frame] is 0 outside of `kept`: what is there belongs to another crop. */
static void clear_beyond(float *mask, EditRect frame, EditRect kept)
{
    for (size_t i = 0, count = area(frame); i < count; i++)
        if (!rect_contains(kept, (EditRect){ frame.x + (int)(i % (size_t)frame.width),
                                             frame.y + (int)(i / (size_t)frame.width), 1, 1 }))
            mask[i] = 0;
}

/* Masks of a selection (or of the cross of a seam repair), over what they may touch. */
static bool select_masks(CropJob *job, const float *selection, EngineError *error)
{
    int reach = mask_denoise_reach(&job->plan.widths) + job->plan.widths.edge + 8;
    job->fill_rect =
        rect_intersect(rect_pad(to_region(job, job->plan.selection), reach, reach, reach, reach),
                       region_frame(job));
    if (job->many)
        job->fill_rect = region_frame(job);
    size_t count = area(job->fill_rect);
    float *parts = malloc(3 * count * sizeof *parts);
    job->fill = malloc(count * sizeof *job->fill);
    bool ok = (parts && job->fill) || no_memory(error, job->w, job->h);
    if (!ok)
        goto done;
    float *selected = parts, *denoise = parts + count, *compose = parts + 2 * count;
    take_selection(job, selected, job->fill_rect, selection);
    ok = check_selected(job, selected, error);
    if (!ok)
        goto done;
    EditEdge edge = job->settings.mode == EDIT_SEAMS ? EDIT_BLEND : job->settings.edge;
    ok = mask_make(job->threads, denoise, compose, job->fill, selected, job->fill_rect.width,
                   job->fill_rect.height, edge, &job->plan.widths) ||
         no_memory(error, job->w, job->h);
    if (ok) {
        if (!job->settings.keep_transparency)
            cover_clear(job, compose, selected);
        if (job->many)
            clear_beyond(compose, job->fill_rect, job->layer_rect);
        put(job, job->denoise, job->fill_rect, denoise);
        put(job, job->compose, job->fill_rect, compose);
    }
done:
    free(parts);
    return ok;
}

static bool check_unknown(const CropJob *job, EngineError *error)
{
    size_t count = (size_t)job->w * (size_t)job->h, known = 0;
    for (size_t i = 0; i < count; i++)
        known += job->original[4 * i + 3] > 0;
    if (known == 0)
        return fail(error, ENGINE_BAD_REQUEST,
                    "Nothing of the picture is there to be continued: all of it is transparent.");
    if (known == count)
        return fail(error, ENGINE_BAD_REQUEST,
                    "Nothing is missing: add pixels to a side, or clear the part to be filled.");
    return true;
}

/* Masks of an outpaint's stage: its strips, and empty places of the old canvas beside them. */
static bool stage_masks(CropJob *job, int stage_index, EngineError *error)
{
    const OutpaintStage *stage = &job->plan.stages[stage_index];
    EditRect             old = to_region(job, job->plan.known);
    EditRect             reach = to_region(job, stage->reach);
    EditRect targets[2] = { to_region(job, stage->target[0]), to_region(job, stage->target[1]) };
    EditRect rect = rect_intersect(to_region(job, stage->context), region_frame(job));
    size_t   count = area(rect);
    float   *parts = malloc(3 * count * sizeof *parts);
    bool     ok = parts != NULL;
    if (!ok)
        return no_memory(error, rect.width, rect.height);
    float *unknown = parts, *denoise = parts + count, *compose = parts + 2 * count;
    for (size_t i = 0; i < count; i++) {
        EditRect pixel = { rect.x + (int)(i % (size_t)rect.width),
                           rect.y + (int)(i / (size_t)rect.width), 1, 1 };
        size_t   at = (size_t)pixel.y * (size_t)job->w + (size_t)pixel.x;
        bool     target = rect_contains(targets[0], pixel) || rect_contains(targets[1], pixel) ||
                      (rect_contains(old, pixel) && rect_contains(reach, pixel));
        unknown[i] = target && job->current[4 * at + 3] < no_pixel;
    }
    ok = mask_make_ramp(job->threads, denoise, compose, unknown, rect.width, rect.height,
                        stage->grow, stage->ramp, stage->blend);
    for (size_t i = 0; ok && i < count; i++) {
        size_t at = (size_t)(rect.y + (int)(i / (size_t)rect.width)) * (size_t)job->w +
                    (size_t)rect.x + i % (size_t)rect.width;
        if (unknown[i] == 0 && job->current[4 * at + 3] < no_pixel)
            compose[i] = 0; /* a later stage's */
    }
    if (ok) {
        memset(job->denoise, 0, (size_t)job->w * (size_t)job->h * sizeof *job->denoise);
        memset(job->compose, 0, (size_t)job->w * (size_t)job->h * sizeof *job->compose);
        put(job, job->denoise, rect, denoise);
        put(job, job->compose, rect, compose);
    }
    free(parts);
    return ok || no_memory(error, rect.width, rect.height);
}

static bool make_masks(CropJob *job, const float *selection, EngineError *error)
{
    size_t count = (size_t)job->w * (size_t)job->h;
    if (job->plan.whole) {
        for (size_t i = 0; i < count; i++)
            job->denoise[i] = job->compose[i] = 1;
        return true;
    }
    if (job->settings.mode == EDIT_OUTPAINT)
        return check_unknown(job, error) && stage_masks(job, 0, error);
    return select_masks(job, selection, error);
}

CropJob *passes_create(const EditSettings *settings, const EngineModelInfo *model, const Plan *plan,
                       bool many, const float *rgba, const float *selection, EngineError *error)
{
    CropJob *job = calloc(1, sizeof *job);
    EditRect region = plan->summary.region;
    bool     ok = true;
    if (!job) {
        no_memory(error, region.width, region.height);
        return NULL;
    }
    job->plan = *plan;
    job->many = many;
    job->settings = *settings;
    job->model = *model;
    job->w = region.width;
    job->h = region.height;
    job->pass = job->stage = -1;
    job->layer_rect = to_region(job, rect_intersect(job->plan.summary.result, region));
    size_t count = (size_t)job->w * (size_t)job->h;
    job->threads = threads_create(0);
    job->original = calloc(4 * count, sizeof *job->original);
    job->denoise = calloc(count, sizeof *job->denoise);
    job->compose = calloc(count, sizeof *job->compose);
    job->layer = calloc(4 * area(job->layer_rect), sizeof *job->layer);
    job->current =
        job->plan.stage_count > 1 || many ? malloc(4 * count * sizeof *job->current) : job->original;
    if (!job->threads || !job->original || !job->denoise || !job->compose || !job->layer ||
        !job->current) {
        ok = no_memory(error, job->w, job->h);
        goto done;
    }
    if (rgba)
        take_pixels(job, rgba);
    if (job->current != job->original)
        memcpy(job->current, job->original, 4 * count * sizeof *job->current);
    ok = make_masks(job, selection, error);
done:
    if (ok)
        return job;
    passes_destroy(job);
    return NULL;
}

static void drop_pass(CropJob *job)
{
    engine_picture_clear(&job->source);
    engine_picture_clear(&job->mask);
    engine_picture_clear(&job->hole);
    free(job->known);
    free(job->there);
    job->known = job->there = NULL;
}

void passes_destroy(CropJob *job)
{
    if (!job)
        return;
    drop_pass(job);
    engine_picture_clear(&job->draft);
    if (job->current != job->original)
        free(job->current);
    free(job->original);
    free(job->denoise);
    free(job->compose);
    free(job->fill);
    free(job->layer);
    threads_destroy(job->threads);
    free(job);
}

/* ---- a pass: in ------------------------------------------------------------------------------ */

static bool new_picture(EnginePicture *picture, const RegionFit *fit, int channels)
{
    picture->width = fit->work_width;
    picture->height = fit->work_height;
    picture->channels = channels;
    picture->pixels = malloc((size_t)fit->work_width * (size_t)fit->work_height * (size_t)channels *
                             sizeof *picture->pixels);
    return picture->pixels != NULL;
}

/* A mask of the region, or of `rect` in it, at the pass's size. */
static bool work_mask(CropJob *job, float *out, const RegionFit *fit, const float *mask,
                      EditRect rect, EngineError *error)
{
    EditRect from = to_region(job, fit->rect);
    Resample how = { .scale = fit->scale,
                     .x0 = from.x - rect.x,
                     .y0 = from.y - rect.y,
                     .filter = RESAMPLE_MASK,
                     .wrap_x = job->plan.tile_x,
                     .wrap_y = job->plan.tile_y };
    return resample(job->threads, out, fit->work_width, fit->work_height, mask, rect.width,
                    rect.height, 1, &how, error);
}

/* rgba [h, w, 4] of the pass's rectangle with the first pass's draft over it. */
static float *crop_with_draft(CropJob *job, EditRect crop, EngineError *error)
{
    size_t   count = area(crop);
    float   *rgba = malloc(4 * count * sizeof *rgba), *draft = malloc(3 * count * sizeof *draft);
    bool     ok = (rgba && draft) || no_memory(error, crop.width, crop.height);
    EditRect drafted = to_region(job, job->draft_fit.rect);
    double   scale = job->draft_fit.scale;
    Resample how = { .scale = 1 / scale,
                     .x0 = (crop.x - drafted.x) * scale,
                     .y0 = (crop.y - drafted.y) * scale };
    ok = ok && resample(job->threads, draft, crop.width, crop.height, job->draft.pixels,
                        job->draft.width, job->draft.height, 3, &how, error);
    for (size_t i = 0; ok && i < count; i++) {
        size_t at = (size_t)(crop.y + (int)(i / (size_t)crop.width)) * (size_t)job->w +
                    (size_t)crop.x + i % (size_t)crop.width;
        float share = job->compose[at];
        for (size_t c = 0; c < 3; c++)
            rgba[4 * i + c] =
                (1 - share) * job->current[4 * at + c] + share * unit(draft[3 * i + c]);
        rgba[4 * i + 3] = (1 - share) * job->current[4 * at + 3] + share;
    }
    free(draft);
    if (ok)
        return rgba;
    free(rgba);
    return NULL;
}

/* The picture of the pass's rectangle at its size, premultiplied. */
static bool work_pixels(CropJob *job, float *out, const RegionFit *fit, bool second,
                        EngineError *error)
{
    EditRect from = to_region(job, fit->rect), seen = region_frame(job);
    Resample how = { .scale = fit->scale, .wrap_x = job->plan.tile_x, .wrap_y = job->plan.tile_y };
    float   *crop = NULL;
    if (second) {
        seen = rect_intersect(from, seen);
        crop = crop_with_draft(job, seen, error);
        if (!crop)
            return false;
    }
    how.x0 = from.x - seen.x;
    how.y0 = from.y - seen.y;
    bool ok = resample(job->threads, out, fit->work_width, fit->work_height,
                       crop ? crop : job->current, seen.width, seen.height, 4, &how, error);
    free(crop);
    return ok;
}

/* Splits rgba [work, 4] into source and the weight of what is known; what is not known continues
 * it, and shows through where the picture is half transparent. */
static bool split_known(CropJob *job, const float *rgba, const RegionFit *fit)
{
    size_t count = (size_t)fit->work_width * (size_t)fit->work_height;
    bool   all = true;
    for (size_t i = 0; i < count; i++) {
        float alpha = rgba[4 * i + 3] > .9999F     ? 1
                      : rgba[4 * i + 3] < no_pixel ? 0
                                                   : rgba[4 * i + 3];
        for (size_t c = 0; c < 3; c++)
            job->source.pixels[3 * i + c] = unit(alpha == 1  ? rgba[4 * i + c]
                                                 : alpha > 0 ? rgba[4 * i + c] / alpha
                                                             : 0);
        job->known[i] = alpha;
        all &= alpha == 1;
    }
    return all || prefill_continue(job->threads, job->source.pixels, job->known, fit->work_width,
                                   fit->work_height);
}

/* Image to image of all there is: nothing is known for sure, but little has changed. */
static bool keeps_colours(const CropJob *job, const PlanPass *pass)
{
    return job->plan.whole && job->settings.mode == EDIT_IMAGE_TO_IMAGE && !pass->second &&
           match_kept(pass->strength) > 0;
}

/* From here on known tells where colours can be compared: on what is there, inside the canvas, and
 * kept for more than half of the steps; beside an extension only on its ramp and a ring around
 * that; without a mask everywhere. */
static bool mark_known(CropJob *job, const PlanPass *pass)
{
    const RegionFit *fit = &pass->fit;
    bool             everywhere = keeps_colours(job, pass);
    size_t   count = (size_t)fit->work_width * (size_t)fit->work_height;
    EditRect inside = rect_intersect(fit->rect, job->plan.summary.canvas);
    int      w = (int)floor(inside.width * fit->scale), h = (int)floor(inside.height * fit->scale);
    for (int y = 0; y < fit->work_height; y++) {
        for (int x = 0; x < fit->work_width; x++) {
            size_t i = (size_t)y * (size_t)fit->work_width + (size_t)x;
            float  mask = job->mask.pixels ? job->mask.pixels[i] : everywhere ? 0 : 1;
            bool   there = job->known[i] == 1 && x < w && y < h;
            job->known[i] = there && mask < .5F ? 1 - 2 * mask : 0;
        }
    }
    if (job->settings.mode != EDIT_OUTPAINT)
        return true;
    float *near = malloc(count * sizeof *near);
    bool   ok = near != NULL;
    for (size_t i = 0; ok && i < count; i++)
        near[i] = job->mask.pixels[i] > 0;
    ok = ok && mask_dilate(job->threads, near, fit->work_width, fit->work_height, MATCH_RING);
    for (size_t i = 0; ok && i < count; i++)
        job->known[i] *= near[i];
    free(near);
    return ok;
}

/* The hole of a 9-channel model is all that may change, so that no stale pixel leaks into it. */
static bool inpaint_hole(CropJob *job, const RegionFit *fit)
{
    size_t count = (size_t)fit->work_width * (size_t)fit->work_height;
    if (!new_picture(&job->hole, fit, 1))
        return false;
    for (size_t i = 0; i < count; i++)
        job->hole.pixels[i] = job->mask.pixels[i] > 0;
    return true;
}

static bool make_source(CropJob *job, const PlanPass *pass, EngineError *error)
{
    const RegionFit *fit = &pass->fit;
    size_t           count = (size_t)fit->work_width * (size_t)fit->work_height;
    float           *rgba = malloc(4 * count * sizeof *rgba);
    bool             prefills = job->fill && !pass->second && pass->strength > .99F &&
                    job->settings.mode != EDIT_INSTRUCT &&
                    job->settings.mode != EDIT_IMAGE_TO_IMAGE;
    job->known = malloc(count * sizeof *job->known);
    bool ok = rgba && job->known && new_picture(&job->source, fit, 3) &&
              (job->plan.whole || new_picture(&job->mask, fit, 1));
    if (!ok)
        goto done;
    ok = work_pixels(job, rgba, fit, pass->second, error) && split_known(job, rgba, fit);
    if (ok && job->mask.pixels) {
        ok = work_mask(job, job->mask.pixels, fit, job->denoise, region_frame(job), error);
        for (size_t i = 0; ok && i < count; i++)
            if (rgba[4 * i + 3] < .5F)
                job->mask.pixels[i] = 1;
    }
    bool edged = job->fill && job->mask.pixels && !job->plan.invert && job->settings.colour_match &&
                 job->settings.edge == EDIT_BLEND && job->settings.mode != EDIT_SEAMS;
    if (ok && edged) {
        job->there = malloc(count * sizeof *job->there);
        float *hole = rgba;
        ok = job->there && work_mask(job, hole, fit, job->fill, job->fill_rect, error);
        for (size_t i = 0; ok && i < count; i++)
            job->there[i] = rgba[i] > 0 ? 0 : job->known[i] == 1;
    }
    if (ok && prefills) {
        float *hole = rgba; /* its pixels are in source now */
        ok = work_mask(job, hole, fit, job->fill, job->fill_rect, error) &&
             prefill_hole(job->threads, job->source.pixels, hole, fit->work_width, fit->work_height,
                          job->settings.intent, job->plan.limits.native);
    }
    ok = ok && mark_known(job, pass);
    if (ok && job->model.in_channels == 9 && job->mask.pixels)
        ok = inpaint_hole(job, fit);
done:
    free(rgba);
    return ok || no_memory(error, fit->work_width, fit->work_height);
}

void passes_start_over(CropJob *job)
{
    if (job->current != job->original)
        memcpy(job->current, job->original,
               4 * (size_t)job->w * (size_t)job->h * sizeof *job->current);
    memset(job->layer, 0, 4 * area(job->layer_rect) * sizeof *job->layer);
    engine_picture_clear(&job->draft);
    job->stage = -1;
}

bool passes_prepare_pass(CropJob *job, int index, EngineRequest *request, EngineError *error)
{
    assert(index >= 0 && index < job->plan.pass_count);
    const PlanPass *pass = &job->plan.passes[index];
    bool            instruct = job->settings.mode == EDIT_INSTRUCT;
    drop_pass(job);
    if (pass->stage != job->stage && job->settings.mode == EDIT_OUTPAINT &&
        !stage_masks(job, pass->stage, error))
        return false;
    job->stage = pass->stage;
    job->pass = index;
    bool nothing = job->settings.mode == EDIT_TEXT_TO_IMAGE && !pass->second;
    if (!nothing && !make_source(job, pass, error))
        return false;
    engine_picture_clear(&job->draft);
    request->width = pass->fit.work_width;
    request->height = pass->fit.work_height;
    request->strength = pass->strength;
    request->source = job->source.pixels ? &job->source : NULL;
    request->mask = job->mask.pixels && !instruct ? &job->mask : NULL;
    request->hole = job->hole.pixels ? &job->hole : NULL;
    request->known = NULL;
    request->source_noise_only = instruct;
    request->tile_x = job->plan.tile_x;
    request->tile_y = job->plan.tile_y;
    return true;
}

void passes_see(CropJob *job, const CropJob *earlier)
{
    EditRect there = earlier->layer_rect, here = job->plan.summary.region;
    there.x += earlier->plan.summary.region.x;
    there.y += earlier->plan.summary.region.y;
    EditRect both = rect_intersect(there, here);
    for (int y = both.y; y < both.y + both.height; y++) {
        for (int x = both.x; x < both.x + both.width; x++) {
            const float *layer = earlier->layer + 4 * ((size_t)(y - there.y) * (size_t)there.width +
                                                       (size_t)(x - there.x));
            float       *pixel = job->current + 4 * ((size_t)(y - here.y) * (size_t)job->w +
                                                     (size_t)(x - here.x));
            for (size_t c = 0; c < 3; c++)
                pixel[c] += layer[3] * (layer[c] - pixel[c]);
            pixel[3] += layer[3] * (1 - pixel[3]);
        }
    }
}

/* ---- a pass: out ----------------------------------------------------------------------------- */

/* Where the result ends before what the model changed does, the picture goes on beside it: colours are
 * matched once more along that edge, from there to EDGE_REACH work pixels inside. */
static bool match_along_edge(CropJob *job, EnginePicture *picture, const PlanPass *pass,
                             EngineError *error)
{
    int    w = picture->width, h = picture->height;
    size_t count = (size_t)w * (size_t)h;
    float *ring = malloc(count * sizeof *ring), *near = malloc(count * sizeof *near);
    bool   ok = ring && near && work_mask(job, near, &pass->fit, job->compose, region_frame(job), error);
    for (size_t i = 0; ok && i < count; i++)
        ring[i] = near[i] > 0;
    ok = ok && mask_dilate(job->threads, ring, w, h, EDGE_RING);
    for (size_t i = 0; ok && i < count; i++) {
        ring[i] = near[i] > 0 || job->there[i] < 1 ? 0 : ring[i];
        near[i] = near[i] < .5F;
    }
    ok = ok && mask_blur_triangle(job->threads, near, w, h, 2 * EDGE_REACH + 1);
    for (size_t i = 0; ok && i < count; i++)
        near[i] = fminf(1, 2 * near[i]);
    ok = ok && match_edge(job->threads, picture->pixels, job->source.pixels, ring, near, w, h,
                          job->plan.limits.native);
    free(ring);
    free(near);
    return ok;
}

static bool match(CropJob *job, EnginePicture *picture, const PlanPass *pass, EngineError *error)
{
    if (!job->settings.colour_match || !job->source.pixels || !job->known ||
        job->settings.intent == EDIT_BACKGROUND)
        return true;
    if (keeps_colours(job, pass))
        return match_low(job->threads, picture->pixels, job->source.pixels, job->known,
                         picture->width, picture->height, job->plan.limits.native,
                         match_kept(pass->strength));
    size_t count = (size_t)picture->width * (size_t)picture->height, known = 0;
    for (size_t i = 0; i < count; i++)
        known += job->known[i] > 0;
    bool ring_only = job->settings.mode == EDIT_OUTPAINT;
    if (known < MATCH_MIN_KNOWN || (pass->strength >= 1 && !ring_only && known * 10 < count))
        return true;
    return match_colours(job->threads, picture->pixels, job->source.pixels, job->known,
                         picture->width, picture->height) &&
           match_ring(job->threads, picture->pixels, job->source.pixels, job->known, picture->width,
                      picture->height, job->plan.limits.native) &&
           (!job->there || match_along_edge(job, picture, pass, error));
}

/* The stage's result over the layer, and over the picture that the next stage sees. */
static bool lay(CropJob *job, const EnginePicture *picture, const RegionFit *fit,
                EngineError *error)
{
    EditRect from = to_region(job, fit->rect), rect = rect_intersect(from, job->layer_rect);
    size_t   count = area(rect);
    float   *rgb = malloc(3 * count * sizeof *rgb);
    if (!rgb)
        return no_memory(error, rect.width, rect.height);
    Resample how = { .scale = 1 / fit->scale,
                     .x0 = (rect.x - from.x) * fit->scale,
                     .y0 = (rect.y - from.y) * fit->scale,
                     .wrap_x = job->plan.tile_x,
                     .wrap_y = job->plan.tile_y };
    bool ok = resample(job->threads, rgb, rect.width, rect.height, picture->pixels, picture->width,
                       picture->height, 3, &how, error);
    for (size_t i = 0; ok && i < count; i++) {
        int x = rect.x + (int)(i % (size_t)rect.width), y = rect.y + (int)(i / (size_t)rect.width);
        size_t at = (size_t)y * (size_t)job->w + (size_t)x;
        float  share = job->compose[at];
        float *layer =
            job->layer + 4 * ((size_t)(y - job->layer_rect.y) * (size_t)job->layer_rect.width +
                              (size_t)(x - job->layer_rect.x));
        float cover = layer[3] > 0 ? 1 - (1 - layer[3]) * (1 - share) : share;
        float fresh = cover > 0 ? share / cover : layer[3] > 0 ? 0 : 1;
        for (size_t c = 0; c < 3; c++)
            layer[c] += fresh * (unit(rgb[3 * i + c]) - layer[c]);
        layer[3] = cover;
        if (job->current == job->original)
            continue;
        for (size_t c = 0; c < 3; c++)
            job->current[4 * at + c] += share * (unit(rgb[3 * i + c]) - job->current[4 * at + c]);
        job->current[4 * at + 3] += share * (1 - job->current[4 * at + 3]);
    }
    free(rgb);
    return ok;
}

bool passes_finish_pass(CropJob *job, int index, const EnginePicture *decoded, EngineError *error)
{
    assert(index == job->pass);
    const PlanPass *pass = &job->plan.passes[index];
    assert(decoded->width == pass->fit.work_width && decoded->height == pass->fit.work_height &&
           decoded->channels == 3);
    EnginePicture picture = { 0 };
    size_t        count = 3 * (size_t)decoded->width * (size_t)decoded->height;
    bool          ok = new_picture(&picture, &pass->fit, 3);
    for (size_t i = 0; ok && i < count; i++)
        picture.pixels[i] = unit(decoded->pixels[i]);
    ok = ok && match(job, &picture, pass, error);
    drop_pass(job);
    if (!ok) {
        no_memory(error, decoded->width, decoded->height);
    } else if (index + 1 < job->plan.pass_count && job->plan.passes[index + 1].second) {
        job->draft = picture;
        job->draft_fit = pass->fit;
        return true;
    } else {
        ok = lay(job, &picture, &pass->fit, error);
    }
    engine_picture_clear(&picture);
    return ok;
}

/* ---- the result ------------------------------------------------------------------------------ */

/* Strength 0: the picture itself. */
static void lay_original(CropJob *job)
{
    for (size_t i = 0, count = area(job->layer_rect); i < count; i++) {
        size_t at = (size_t)(job->layer_rect.y + (int)(i / (size_t)job->layer_rect.width)) *
                        (size_t)job->w +
                    (size_t)job->layer_rect.x + i % (size_t)job->layer_rect.width;
        float alpha = job->original[4 * at + 3];
        for (size_t c = 0; c < 3; c++)
            job->layer[4 * i + c] = alpha > 0 ? job->original[4 * at + c] / alpha : 0;
        job->layer[4 * i + 3] = alpha > 0 ? job->compose[at] : 0;
    }
}

/* rgba [layer_rect, 4]: the layer over the picture. */
static float seam_score(const CropJob *job)
{
    size_t count = area(job->layer_rect);
    float *rgba = malloc(4 * count * sizeof *rgba), *mask = malloc(count * sizeof *mask);
    float  score = 0;
    for (size_t i = 0; rgba && mask && i < count; i++) {
        size_t at = (size_t)(job->layer_rect.y + (int)(i / (size_t)job->layer_rect.width)) *
                        (size_t)job->w +
                    (size_t)job->layer_rect.x + i % (size_t)job->layer_rect.width;
        mask[i] = job->layer[4 * i + 3];
        for (size_t c = 0; c < 3; c++)
            rgba[4 * i + c] =
                (1 - mask[i]) * job->original[4 * at + c] + mask[i] * job->layer[4 * i + c];
    }
    if (rgba && mask)
        score = match_seam_score(rgba, mask, job->layer_rect.width, job->layer_rect.height);
    free(rgba);
    free(mask);
    return score;
}

/* Where the layer's pixel lies once the canvas is turned back. */
static size_t turned_back(const CropJob *job, size_t i)
{
    if (job->plan.roll_x == 0 && job->plan.roll_y == 0)
        return i;
    return turned(job, (int)(i % (size_t)job->w), (int)(i / (size_t)job->w));
}

bool passes_finish(CropJob *job, EditResult *result, EngineError *error)
{
    size_t   count = area(job->layer_rect);
    EditRect whole = job->layer_rect;
    if (job->plan.pass_count == 0)
        lay_original(job);
    float *mask = malloc(count * sizeof *mask);
    for (size_t i = 0; mask && i < count; i++)
        mask[turned_back(job, i)] = job->layer[4 * i + 3];
    EditRect rect = mask ? mask_bounds(mask, whole.width, whole.height, 0) : (EditRect){ 0 };
    float   *rgba = malloc((4 * area(rect) + 1) * sizeof *rgba);
    float   *cut = malloc((area(rect) + 1) * sizeof *cut);
    if (!mask || !rgba || !cut) {
        free(mask);
        free(rgba);
        free(cut);
        return no_memory(error, whole.width, whole.height);
    }
    for (size_t i = 0; i < count; i++) {
        size_t   to = turned_back(job, i);
        EditRect pixel = { (int)(to % (size_t)whole.width), (int)(to / (size_t)whole.width), 1, 1 };
        if (!rect_contains(rect, pixel))
            continue;
        size_t from = (size_t)(whole.y + (int)(i / (size_t)whole.width)) * (size_t)job->w +
                      (size_t)whole.x + i % (size_t)whole.width;
        size_t at = (size_t)(pixel.y - rect.y) * (size_t)rect.width + (size_t)(pixel.x - rect.x);
        float  was = job->original[4 * from + 3];
        cut[at] = mask[to];
        memcpy(rgba + 4 * at, job->layer + 4 * i, 3 * sizeof *rgba);
        rgba[4 * at + 3] = mask[to] > 0 && !job->settings.keep_transparency ? 1 : was;
    }
    free(mask);
    bool soft = false;
    for (size_t i = 0; job->settings.keep_transparency && i < area(rect); i++)
        soft |= cut[i] > 0 && rgba[4 * i + 3] > 0 && rgba[4 * i + 3] < 1;
    *result = (EditResult){
        .rect = rect, .rgba = rgba, .mask = cut, .seed = job->seed, .replaces = soft,
        .seam_score = seam_score(job)
    };
    result->rect.x += whole.x + job->plan.summary.region.x;
    result->rect.y += whole.y + job->plan.summary.region.y;
    return true;
}
