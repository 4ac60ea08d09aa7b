/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result.h"

#include "match.h"

#include <stdlib.h>
#include <string.h>

/* ---- the result ------------------------------------------------------------------------------ */

/* Strength 0: the picture itself. */
static void lay_original(CropJob *job)
{
    for (size_t i = 0, count = rect_area(job->layer_rect); i < count; i++) {
        size_t at = (size_t)(job->layer_rect.y + (int)(i / (size_t)job->layer_rect.width)) *
                        (size_t)job->w +
                    (size_t)job->layer_rect.x + i % (size_t)job->layer_rect.width;
        /* The layer is straight, the picture premultiplied. */
        float alpha = job->original[4 * at + 3];
        for (size_t c = 0; c < 3; c++)
            job->layer[4 * i + c] = alpha > 0 ? job->original[4 * at + c] / alpha : 0;
        job->layer[4 * i + 3] = alpha == 0      ? 0
                                : job->compose ? job->compose[at]
                                               : 1;
    }
}

/* rgba [layer_rect, 4]: the layer over the picture. */
static float seam_score(const CropJob *job)
{
    size_t count = rect_area(job->layer_rect);
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
    return crop_turned(job, (int)(i % (size_t)job->w), (int)(i / (size_t)job->w));
}

static bool has_soft_alpha(const float *rgba, const float *mask, size_t count)
{
    bool soft = false;
    for (size_t i = 0; i < count; i++)
        soft |= mask[i] > 0 && rgba[4 * i + 3] > 0 && rgba[4 * i + 3] < 1;
    return soft;
}

/* A result of all that was read: the layer itself, for a copy of a large picture would be as large.
 * mask becomes the result's. */
static void hand_over(CropJob *job, EditResult *result, float *mask)
{
    size_t count = rect_area(job->layer_rect);
    for (size_t i = 0; i < count; i++)
        job->layer[4 * i + 3] = mask[i] > 0 && !job->settings.keep_transparency
                                    ? 1
                                    : job->original[4 * i + 3];
    *result = (EditResult){ .rect = job->plan.summary.region, .rgba = job->layer, .mask = mask };
    job->layer = NULL;
    result->replaces =
        job->settings.keep_transparency && has_soft_alpha(result->rgba, mask, count);
}

bool result_make(CropJob *job, EditResult *result, EngineError *error)
{
    size_t   count = rect_area(job->layer_rect);
    EditRect whole = job->layer_rect;
    if (job->plan.pass_count == 0)
        lay_original(job);
    float *mask = malloc(count * sizeof *mask);
    for (size_t i = 0; mask && i < count; i++)
        mask[turned_back(job, i)] = job->layer[4 * i + 3];
    EditRect rect = mask ? mask_bounds(mask, whole.width, whole.height, 0) : (EditRect){ 0 };
    /* All of it, and nothing to cut: no second copy, which for the largest region is 2 GiB. */
    if (mask && job->plan.whole && rect_area(rect) == (size_t)job->w * (size_t)job->h) {
        hand_over(job, result, mask);
        return true;
    }
    /* One more: of an empty result malloc(0) may be NULL, which is no want of memory. */
    float   *rgba = malloc((4 * rect_area(rect) + 1) * sizeof *rgba);
    float   *cut = malloc((rect_area(rect) + 1) * sizeof *cut);
    if (!mask || !rgba || !cut) {
        free(mask);
        free(rgba);
        free(cut);
        return crop_no_memory(error, whole.width, whole.height);
    }
    for (size_t i = 0; i < count; i++) {
        size_t   to = turned_back(job, i);
        EditRect pixel = { (int)(to % (size_t)whole.width), (int)(to / (size_t)whole.width), 1, 1 };
        if (!rect_contains(rect, pixel))
            continue;
        size_t from = (size_t)(whole.y + (int)(i / (size_t)whole.width)) * (size_t)job->w +
                      (size_t)whole.x + i % (size_t)whole.width;
        size_t at = (size_t)(pixel.y - rect.y) * (size_t)rect.width + (size_t)(pixel.x - rect.x);
        /* Opaque wherever something was laid, unless its old transparency is kept; the mask
         * blends. */
        float  was = job->original[4 * from + 3];
        cut[at] = mask[to];
        memcpy(rgba + 4 * at, job->layer + 4 * i, 3 * sizeof *rgba);
        rgba[4 * at + 3] = mask[to] > 0 && !job->settings.keep_transparency ? 1 : was;
    }
    free(mask);
    *result = (EditResult){
        .rect = rect, .rgba = rgba, .mask = cut, .seam_score = seam_score(job)
    };
    result->replaces =
        job->settings.keep_transparency && has_soft_alpha(rgba, cut, rect_area(rect));
    /* From the layer to the canvas. */
    result->rect.x += whole.x + job->plan.summary.region.x;
    result->rect.y += whole.y + job->plan.summary.region.y;
    return true;
}
