/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "passes.h"

#include "match.h"
#include "prefill.h"
#include "resample.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* MATCH_RING: colours of an extension are compared this far around its ramp; farther off the
 * picture may be in other light.  EDGE_RING: what lies beside the result and was not laid, a latent
 * wide.  EDGE_REACH: how far inside the result that is mended. */
enum { MATCH_RING = 64, EDGE_RING = 8, EDGE_REACH = 16 /* work pixels */ };

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
    EditRect from = crop_to_region(job, fit->rect);
    /* The pass's corner in pixels of the mask: negative where the pass begins before the mask does,
     * whose edge is repeated there. */
    Resample how = { .scale = fit->scale,
                     .x0 = from.x - rect.x,
                     .y0 = from.y - rect.y,
                     .filter = RESAMPLE_MASK,
                     .wrap_x = job->plan.tile_x,
                     .wrap_y = job->plan.tile_y };
    return resample(job->threads, out, fit->work_width, fit->work_height, mask, rect.width,
                    rect.height, 1, &how, error);
}

/* draft [h, w, 3] of the pass's rectangle, from what the first pass made. */
static float *crop_of_draft(CropJob *job, EditRect crop, EngineError *error)
{
    float   *draft = malloc(3 * rect_area(crop) * sizeof *draft);
    EditRect drafted = crop_to_region(job, job->draft_fit.rect);
    double   scale = job->draft_fit.scale;
    Resample how = { .scale = 1 / scale,
                     .x0 = (crop.x - drafted.x) * scale,
                     .y0 = (crop.y - drafted.y) * scale };
    if (!draft)
        crop_no_memory(error, crop.width, crop.height);
    else if (resample(job->threads, draft, crop.width, crop.height, job->draft.pixels,
                      job->draft.width, job->draft.height, 3, &how, error))
        return draft;
    free(draft);
    return NULL;
}

/* rgba [h, w, 4] of the pass's rectangle: what the pass may change starts from the first pass's draft,
 * or from the picture as it was; what it must keep is as it is now.  So nothing goes through two
 * tiles. */
static float *crop_to_refine(CropJob *job, const PlanPass *pass, EditRect crop, EngineError *error)
{
    EditRect region = job->plan.summary.region;
    float   *rgba = malloc(4 * rect_area(crop) * sizeof *rgba), *draft = NULL;
    bool     ok = rgba || crop_no_memory(error, crop.width, crop.height);
    if (ok && job->draft.pixels)
        ok = (draft = crop_of_draft(job, crop, error)) != NULL;
    for (size_t i = 0; ok && i < rect_area(crop); i++) {
        int    x = crop.x + (int)(i % (size_t)crop.width), y = crop.y + (int)(i / (size_t)crop.width);
        size_t at = (size_t)y * (size_t)job->w + (size_t)x;
        float  share = job->compose ? job->compose[at]
                                    : plan_tile_share(pass, x + region.x, y + region.y);
        const float *now = job->current + 4 * at, *was = job->original + 4 * at;
        for (size_t c = 0; c < 3; c++)
            rgba[4 * i + c] =
                (1 - share) * now[c] + share * (draft ? crop_unit(draft[3 * i + c]) : was[c]);
        rgba[4 * i + 3] = (1 - share) * now[3] + share * (draft ? 1 : was[3]);
    }
    free(draft);
    if (ok)
        return rgba;
    free(rgba);
    return NULL;
}

/* The picture of the pass's rectangle at its size, premultiplied. */
static bool work_pixels(CropJob *job, float *out, const PlanPass *pass, EngineError *error)
{
    const RegionFit *fit = &pass->fit;
    EditRect         from = crop_to_region(job, fit->rect), seen = crop_frame(job);
    Resample how = { .scale = fit->scale, .wrap_x = job->plan.tile_x, .wrap_y = job->plan.tile_y };
    float   *crop = NULL;
    if (pass->second || pass->tile) {
        seen = rect_intersect(from, seen);
        crop = crop_to_refine(job, pass, seen, error);
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
        /* A resampled alpha of 1 is 1 but for rounding; without the threshold an opaque picture
         * would be continued for nothing. */
        float alpha = rgba[4 * i + 3] > .9999F     ? 1
                      : rgba[4 * i + 3] < CROP_NO_PIXEL ? 0
                                                   : rgba[4 * i + 3];
        for (size_t c = 0; c < 3; c++)
            job->source.pixels[3 * i + c] = crop_unit(alpha == 1  ? rgba[4 * i + c]
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
            float  mask = everywhere ? 0 : job->mask.pixels ? job->mask.pixels[i] : 1;
            bool   there = job->known[i] == 1 && x < w && y < h;
            /* A weight: 1 where nothing changes, 0 from where half of the steps change it. */
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

/* A tile keeps what those before it have made, and changes more and more away from that. */
static bool tile_mask(CropJob *job, const PlanPass *pass)
{
    const RegionFit *fit = &pass->fit;
    /* The first tile has nothing before it to keep. */
    if (pass->left == 0 && pass->top == 0)
        return true;
    if (!new_picture(&job->mask, fit, 1))
        return false;
    for (int y = 0; y < fit->work_height; y++)
        for (int x = 0; x < fit->work_width; x++)
            job->mask.pixels[(size_t)y * (size_t)fit->work_width + (size_t)x] =
                plan_tile_share(pass, fit->rect.x + (int)(x / fit->scale),
                                fit->rect.y + (int)(y / fit->scale));
    return true;
}

static bool make_source(CropJob *job, const PlanPass *pass, EngineError *error)
{
    const RegionFit *fit = &pass->fit;
    size_t           count = (size_t)fit->work_width * (size_t)fit->work_height;
    float           *rgba = malloc(4 * count * sizeof *rgba);
    /* Above .99 alone is the hole filled: with less noise to begin with the model sees what stands
     * there, and is meant to, for it refines that. */
    bool             prefills = job->fill && !pass->second && pass->strength > .99F &&
                    job->settings.mode != EDIT_INSTRUCT &&
                    job->settings.mode != EDIT_IMAGE_TO_IMAGE;
    job->known = malloc(count * sizeof *job->known);
    bool ok = rgba && job->known && new_picture(&job->source, fit, 3) &&
              (job->plan.whole || new_picture(&job->mask, fit, 1)) &&
              (!pass->tile || tile_mask(job, pass));
    if (!ok)
        goto done;
    ok = work_pixels(job, rgba, pass, error) && split_known(job, rgba, fit);
    if (ok && job->denoise) {
        /* Of what is more than half transparent nothing could be kept: the model may do there as it
         * likes. */
        ok = work_mask(job, job->mask.pixels, fit, job->denoise, crop_frame(job), error);
        for (size_t i = 0; ok && i < count; i++)
            if (rgba[4 * i + 3] < .5F)
                job->mask.pixels[i] = 1;
    }
    /* In Blend colours are matched once more along the result's edge.  job->there marks where the
     * picture still stands beside it: known in full, and outside of the hole, which takes rgba's
     * memory: its pixels are in source by now. */
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
    if (ok && job->model.takes_hole && job->mask.pixels)
        ok = inpaint_hole(job, fit);
done:
    free(rgba);
    return ok || crop_no_memory(error, fit->work_width, fit->work_height);
}

bool passes_prepare_pass(CropJob *job, int index, EngineRequest *request, EngineError *error)
{
    assert(index >= 0 && index < job->plan.pass_count);
    const PlanPass *pass = &job->plan.passes[index];
    bool            instruct = job->settings.mode == EDIT_INSTRUCT;
    crop_drop_pass(job);
    if (pass->stage != job->stage && job->settings.mode == EDIT_OUTPAINT &&
        !crop_stage_masks(job, pass->stage, error))
        return false;
    job->stage = pass->stage;
    job->pass = index;
    bool nothing = job->settings.mode == EDIT_TEXT_TO_IMAGE && !pass->second;
    if (!nothing && !make_source(job, pass, error))
        return false;
    if (!pass->tile) /* all tiles start from it */
        engine_picture_clear(&job->draft);
    request->width = pass->fit.work_width;
    request->height = pass->fit.work_height;
    request->strength = pass->strength;
    request->source = job->source.pixels ? &job->source : NULL;
    /* An instruction is carried out over all of the crop, and what is selected of it is laid. */
    request->mask = job->mask.pixels && !instruct ? &job->mask : NULL;
    request->hole = job->hole.pixels ? &job->hole : NULL;
    request->known = NULL;
    request->source_noise_only = instruct;
    request->tile_x = job->plan.tile_x;
    request->tile_y = job->plan.tile_y;
    return true;
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
    bool   ok = ring && near && work_mask(job, near, &pass->fit, job->compose, crop_frame(job), error);
    for (size_t i = 0; ok && i < count; i++)
        ring[i] = near[i] > 0;
    ok = ok && mask_dilate(job->threads, ring, w, h, EDGE_RING);
    for (size_t i = 0; ok && i < count; i++) {
        ring[i] = near[i] > 0 || job->there[i] < 1 ? 0 : ring[i];
        near[i] = near[i] < .5F;
    }
    ok = ok && mask_blur_triangle(job->threads, near, w, h, 2 * EDGE_REACH + 1);
    for (size_t i = 0; ok && i < count; i++)
        /* On a straight edge the blurred step is .5: twice that is 1 on the edge and outside, and 0
         * from EDGE_REACH on inside. */
        near[i] = fminf(1, 2 * near[i]);
    ok = ok && match_edge(job->threads, picture->pixels, job->source.pixels, ring, near, w, h,
                          job->plan.limits.native);
    free(ring);
    free(near);
    return ok;
}

static bool match(CropJob *job, EnginePicture *picture, const PlanPass *pass, EngineError *error)
{
    /* A new background may be in any light. */
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
    /* Of a picture that is new but for a tenth the known pixels tell too little: its colours are
     * what was asked for.  An extension is held to its ring even so. */
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
static bool lay_band(CropJob *job, const EnginePicture *picture, const PlanPass *pass, EditRect rect,
                     EngineError *error)
{
    const RegionFit *fit = &pass->fit;
    EditRect         from = crop_to_region(job, fit->rect), region = job->plan.summary.region;
    size_t   count = rect_area(rect);
    float   *rgb = malloc(3 * count * sizeof *rgb);
    if (!rgb)
        return crop_no_memory(error, rect.width, rect.height);
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
        float  share = job->compose ? job->compose[at]
                                    : plan_tile_share(pass, x + region.x, y + region.y);
        float *layer =
            job->layer + 4 * ((size_t)(y - job->layer_rect.y) * (size_t)job->layer_rect.width +
                              (size_t)(x - job->layer_rect.x));
        /* Porter and Duff's over, with straight colours: cover is what the layer and this pass
         * cover together, fresh the part of it that is new.  Stages and tiles overlap by their
         * ramps. */
        float cover = layer[3] > 0 ? 1 - (1 - layer[3]) * (1 - share) : share;
        float fresh = cover > 0 ? share / cover : layer[3] > 0 ? 0 : 1;
        for (size_t c = 0; c < 3; c++)
            layer[c] += fresh * (crop_unit(rgb[3 * i + c]) - layer[c]);
        layer[3] = cover;
        /* No later stage looks: the picture itself stays as it was read. */
        if (job->current == job->original)
            continue;
        for (size_t c = 0; c < 3; c++)
            job->current[4 * at + c] += share * (crop_unit(rgb[3 * i + c]) - job->current[4 * at + c]);
        job->current[4 * at + 3] += share * (1 - job->current[4 * at + 3]);
    }
    free(rgb);
    return ok;
}

/* In bands where it is large: they are resampled in memory of their own. */
static bool lay(CropJob *job, const EnginePicture *picture, const PlanPass *pass, EngineError *error)
{
    /* From 16 megapixels on: its colours at once would be 200 MB beside the layer and the
     * picture. */
    enum { LARGE = 1 << 24, BAND = 256 };
    EditRect rect = rect_intersect(crop_to_region(job, pass->fit.rect), job->layer_rect);
    if (rect_area(rect) < LARGE)
        return lay_band(job, picture, pass, rect, error);
    for (int y = 0; y < rect.height; y += BAND) {
        EditRect band = { rect.x, rect.y + y, rect.width,
                          rect.height - y < BAND ? rect.height - y : BAND };
        if (!lay_band(job, picture, pass, band, error))
            return false;
    }
    return true;
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
        picture.pixels[i] = crop_unit(decoded->pixels[i]);
    ok = ok && match(job, &picture, pass, error);
    crop_drop_pass(job);
    if (!ok) {
        crop_no_memory(error, decoded->width, decoded->height);
    } else if (index + 1 < job->plan.pass_count && !pass->tile &&
               (pass[1].second || pass[1].tile)) {
        /* The first of two passes, or the one before tiles, is not laid: those start from it. */
        job->draft = picture;
        job->draft_fit = pass->fit;
        return true;
    } else {
        ok = lay(job, &picture, pass, error);
    }
    engine_picture_clear(&picture);
    return ok;
}
