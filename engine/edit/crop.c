/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool crop_no_memory(EngineError *error, double width, double height)
{
    return fail(error, ENGINE_OUT_OF_MEMORY,
                "There is not enough memory to edit %.0f x %.0f pixels: select a smaller part.",
                width, height);
}

EditRect crop_to_region(const CropJob *job, EditRect rect)
{
    rect.x -= job->plan.summary.region.x;
    rect.y -= job->plan.summary.region.y;
    return rect;
}

EditRect crop_frame(const CropJob *job)
{
    return (EditRect){ 0, 0, job->w, job->h };
}

/* ---- taking the picture in ------------------------------------------------------------------ */

/* A seam repair turns the canvas by half its side, so that what were its borders meet in the
 * middle; roll is 0 in all other modes. */
size_t crop_turned(const CropJob *job, int x, int y)
{
    size_t from_x = (size_t)((x + job->plan.roll_x) % job->w);
    size_t from_y = (size_t)((y + job->plan.roll_y) % job->h);
    return from_y * (size_t)job->w + from_x;
}

/* rgba [h, w, 4], straight alpha, becomes original, premultiplied.  Alpha within half a step of 8
 * bits of 0 and 1 becomes exactly that: "known" is a comparison with 0 or 1 from here on, and a
 * pixel of alpha .999 would be blended with what is made up.  Outside of the old canvas an outpaint
 * knows nothing, whatever was read there. */
static void take_pixels(CropJob *job, const float *rgba)
{
    EditRect old =
        crop_to_region(job, (EditRect){ job->plan.summary.shift_x, job->plan.summary.shift_y,
                                   job->settings.canvas_width, job->settings.canvas_height });
    bool out = job->settings.mode == EDIT_OUTPAINT;
    for (int y = 0; y < job->h; y++) {
        for (int x = 0; x < job->w; x++) {
            const float *in = rgba + 4 * crop_turned(job, x, y);
            float       *pixel = job->original + 4 * ((size_t)y * (size_t)job->w + (size_t)x);
            float        alpha = crop_unit(in[3]);
            if (alpha < CROP_NO_PIXEL || (out && !rect_contains(old, (EditRect){ x, y, 1, 1 })))
                alpha = 0;
            else if (alpha > 1 - CROP_NO_PIXEL)
                alpha = 1;
            for (int c = 0; c < 3; c++)
                pixel[c] = alpha > 0 ? alpha * crop_unit(in[c]) : 0;
            pixel[3] = alpha;
        }
    }
}

/* The selection as the masks are made from it, over `rect` of the region. */
static void take_selection(const CropJob *job, float *out, EditRect rect, const float *selection)
{
    const Plan *plan = &job->plan;
    EditRect    drawn = crop_to_region(job, job->settings.selection);
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        for (int x = rect.x; x < rect.x + rect.width; x++) {
            float value;
            if (job->settings.mode == EDIT_SEAMS)
                /* Pixel centres nearer than half a band to the middle, in whole numbers. */
                value = 2 * abs(2 * x + 1 - job->w) < 2 * plan->band_x ||
                        2 * abs(2 * y + 1 - job->h) < 2 * plan->band_y;
            else if (selection)
                value = crop_unit(selection[(size_t)y * (size_t)job->w + (size_t)x]);
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
    for (size_t i = 0, count = rect_area(job->fill_rect); i < count; i++) {
        least = fminf(least, selected[i]);
        most = fmaxf(most, selected[i]);
    }
    EditRect all = job->plan.summary.canvas;
    /* Below .1 mask_clean() drops what is selected, but for EDIT_AS_DRAWN, which has no cleaning:
     * what would be dropped in whole is refused here. */
    if (!(most > (job->settings.edge == EDIT_AS_DRAWN ? 0 : .1F)))
        return fail(error, ENGINE_BAD_REQUEST,
                    job->plan.invert ? "All is selected: no background is left to be replaced."
                                     : "The selection is empty: nothing to repaint.");
    if (job->settings.mode == EDIT_INPAINT && least >= 1 && job->settings.strength < 1 &&
        rect_area(all) == rect_area(job->fill_rect))
        return fail(error, ENGINE_BAD_REQUEST,
                    "The selection is the whole picture: use image to image for that.");
    return true;
}

/* What is selected and clear has nothing to blend with: it is covered as far as it is selected, in
 * full up to three quarters of opacity, less towards the opaque. */
static void cover_clear(const CropJob *job, float *compose, const float *selected)
{
    EditRect rect = job->fill_rect;
    for (size_t i = 0, count = rect_area(rect); i < count; i++) {
        size_t at = (size_t)(rect.y + (int)(i / (size_t)rect.width)) * (size_t)job->w +
                    (size_t)rect.x + i % (size_t)rect.width;
        compose[i] = fmaxf(compose[i], selected[i] * crop_unit(4 * (1 - job->original[4 * at + 3])));
    }
}

/* mask [frame] is 0 outside of `kept`: what is there belongs to another crop. */
static void clear_beyond(float *mask, EditRect frame, EditRect kept)
{
    for (size_t i = 0, count = rect_area(frame); i < count; i++)
        if (!rect_contains(kept, (EditRect){ frame.x + (int)(i % (size_t)frame.width),
                                             frame.y + (int)(i / (size_t)frame.width), 1, 1 }))
            mask[i] = 0;
}

/* Masks of a selection (or of the cross of a seam repair), over what they may touch. */
static bool select_masks(CropJob *job, const float *selection, EngineError *error)
{
    /* No farther than the masks can be more than 0: the filters cost what this rectangle has, not
     * the region.  8 is room for the fill, which goes 4 pixels beyond the selection.  Of several
     * crops each sees parts of the others' selections anywhere in its region. */
    int reach = mask_denoise_reach(&job->plan.widths) + job->plan.widths.edge + 8;
    job->fill_rect =
        rect_intersect(rect_pad(crop_to_region(job, job->plan.selection), reach, reach, reach, reach),
                       crop_frame(job));
    if (job->many)
        job->fill_rect = crop_frame(job);
    size_t count = rect_area(job->fill_rect);
    float *parts = malloc(3 * count * sizeof *parts);
    job->fill = malloc(count * sizeof *job->fill);
    bool ok = (parts && job->fill) || crop_no_memory(error, job->w, job->h);
    if (!ok)
        goto done;
    float *selected = parts, *denoise = parts + count, *compose = parts + 2 * count;
    take_selection(job, selected, job->fill_rect, selection);
    ok = check_selected(job, selected, error);
    if (!ok)
        goto done;
    /* The cross of a seam repair was drawn by nobody: its edge is always blended. */
    EditEdge edge = job->settings.mode == EDIT_SEAMS ? EDIT_BLEND : job->settings.edge;
    ok = mask_make(job->threads, denoise, compose, job->fill, selected, job->fill_rect.width,
                   job->fill_rect.height, edge, &job->plan.widths) ||
         crop_no_memory(error, job->w, job->h);
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

bool crop_stage_masks(CropJob *job, int stage_index, EngineError *error)
{
    const OutpaintStage *stage = &job->plan.stages[stage_index];
    EditRect             old = crop_to_region(job, job->plan.known);
    EditRect             reach = crop_to_region(job, stage->reach);
    EditRect targets[2] = { crop_to_region(job, stage->target[0]), crop_to_region(job, stage->target[1]) };
    EditRect rect = rect_intersect(crop_to_region(job, stage->context), crop_frame(job));
    size_t   count = rect_area(rect);
    float   *parts = malloc(3 * count * sizeof *parts);
    bool     ok = parts != NULL;
    if (!ok)
        return crop_no_memory(error, rect.width, rect.height);
    float *unknown = parts, *denoise = parts + count, *compose = parts + 2 * count;
    /* What this stage makes: clear pixels of its strips, and clear places of the old canvas in its
     * reach.  Others wait for their stage: made here they would not see what surrounds them. */
    for (size_t i = 0; i < count; i++) {
        EditRect pixel = { rect.x + (int)(i % (size_t)rect.width),
                           rect.y + (int)(i / (size_t)rect.width), 1, 1 };
        size_t   at = (size_t)pixel.y * (size_t)job->w + (size_t)pixel.x;
        bool     target = rect_contains(targets[0], pixel) || rect_contains(targets[1], pixel) ||
                      (rect_contains(old, pixel) && rect_contains(reach, pixel));
        unknown[i] = target && job->current[4 * at + 3] < CROP_NO_PIXEL;
    }
    ok = mask_make_ramp(job->threads, denoise, compose, unknown, rect.width, rect.height,
                        stage->grow, stage->ramp, stage->blend);
    for (size_t i = 0; ok && i < count; i++) {
        size_t at = (size_t)(rect.y + (int)(i / (size_t)rect.width)) * (size_t)job->w +
                    (size_t)rect.x + i % (size_t)rect.width;
        if (unknown[i] == 0 && job->current[4 * at + 3] < CROP_NO_PIXEL)
            compose[i] = 0; /* a later stage's */
    }
    if (ok) {
        /* The masks of the stage before still stand there. */
        memset(job->denoise, 0, (size_t)job->w * (size_t)job->h * sizeof *job->denoise);
        memset(job->compose, 0, (size_t)job->w * (size_t)job->h * sizeof *job->compose);
        put(job, job->denoise, rect, denoise);
        put(job, job->compose, rect, compose);
    }
    free(parts);
    return ok || crop_no_memory(error, rect.width, rect.height);
}

static bool make_masks(CropJob *job, const float *selection, EngineError *error)
{
    if (job->plan.whole)
        return true;
    if (job->settings.mode == EDIT_OUTPAINT)
        return check_unknown(job, error) && crop_stage_masks(job, 0, error);
    return select_masks(job, selection, error);
}

CropJob *crop_create(const EditSettings *settings, const EngineModelInfo *model, const Plan *plan,
                       bool many, const float *rgba, const float *selection, EngineError *error)
{
    CropJob *job = calloc(1, sizeof *job);
    EditRect region = plan->summary.region;
    bool     ok = true;
    if (!job) {
        crop_no_memory(error, region.width, region.height);
        return NULL;
    }
    job->plan = *plan;
    job->many = many;
    job->settings = *settings;
    job->model = *model;
    job->w = region.width;
    job->h = region.height;
    job->pass = job->stage = -1;
    job->layer_rect = crop_to_region(job, rect_intersect(job->plan.summary.result, region));
    size_t count = (size_t)job->w * (size_t)job->h;
    job->threads = threads_create(0);
    job->original = calloc(4 * count, sizeof *job->original);
    bool masked = !plan->whole, tiled = plan->pass_count && plan->passes[plan->pass_count - 1].tile;
    job->denoise = masked ? calloc(count, sizeof *job->denoise) : NULL;
    job->compose = masked ? calloc(count, sizeof *job->compose) : NULL;
    job->layer = calloc(4 * rect_area(job->layer_rect), sizeof *job->layer);
    /* A copy only where a later stage, tile or crop must see what was made: original and current
     * have 16 bytes a pixel each, 2 GiB for the largest region. */
    job->current =
        job->plan.stage_count > 1 || many || tiled ? malloc(4 * count * sizeof *job->current) : job->original;
    if (!job->threads || !job->original || (masked && (!job->denoise || !job->compose)) || !job->layer ||
        !job->current) {
        ok = crop_no_memory(error, job->w, job->h);
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
    crop_destroy(job);
    return NULL;
}

void crop_drop_pass(CropJob *job)
{
    engine_picture_clear(&job->source);
    engine_picture_clear(&job->mask);
    engine_picture_clear(&job->hole);
    free(job->known);
    free(job->there);
    job->known = job->there = NULL;
}

void crop_destroy(CropJob *job)
{
    if (!job)
        return;
    crop_drop_pass(job);
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

bool crop_start_over(CropJob *job, EngineError *error)
{
    if (!job->layer) /* the last result has it */
        job->layer = calloc(4 * rect_area(job->layer_rect), sizeof *job->layer);
    if (!job->layer)
        return crop_no_memory(error, job->w, job->h);
    if (job->current != job->original)
        memcpy(job->current, job->original,
               4 * (size_t)job->w * (size_t)job->h * sizeof *job->current);
    memset(job->layer, 0, 4 * rect_area(job->layer_rect) * sizeof *job->layer);
    engine_picture_clear(&job->draft);
    job->stage = -1;
    return true;
}

void crop_see(CropJob *job, const CropJob *earlier)
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
            /* The layer is straight and covers by layer[3]; what it covers in full becomes opaque.
             * The picture is premultiplied. */
            for (size_t c = 0; c < 3; c++)
                pixel[c] += layer[3] * (layer[c] - pixel[c]);
            pixel[3] += layer[3] * (1 - pixel[3]);
        }
    }
}
