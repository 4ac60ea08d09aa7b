/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One crop of an edit: its pixels, masks and what its passes have made so far.
 *
 * Memory is in proportion to the region that its plan reads, never to the canvas. */
#pragma once

#include "../compute/threads.h"
#include "../edit.h"
#include "plan.h"

#define CROP_NO_PIXEL (.5F / 255) /* alpha below it: unknown */

typedef struct {
    EditSettings    settings;
    EngineModelInfo model;
    Plan            plan;
    Threads        *threads;
    bool            many; /* one crop of several: the selection goes on beyond its own */
    int             w, h; /* of the region, in whose coordinates all below are */

    float   *original; /* [h, w, 4] premultiplied, 0 … 1 */
    float   *current;  /* with the stages and crops so far; `original` itself where there is one */
    float   *denoise, *compose; /* [h, w] of the present stage; NULL: 1 everywhere */
    EditRect fill_rect;
    float *fill; /* [fill_rect.height, fill_rect.width]: where the intent's filling goes, or NULL */

    EditRect layer_rect;
    float   *layer; /* [layer_rect.height, layer_rect.width, 4] result and how much of it covers */

    int      stage; /* whose masks are there; -1: none */
    int      pass;  /* that was prepared last; -1: none */

    EnginePicture source, mask, hole; /* of the pass: work sizes */
    float        *known;              /* [work] 1 where source must come out as it went in */
    float        *there; /* [work] 1 where source is the picture as it was; NULL: not asked for */
    EnginePicture draft; /* what the first of two passes made, until the second is prepared */
    RegionFit     draft_fit;
} CropJob;

/* many: the selection has parts in other crops, which are repainted here too where they are seen, and
 * not laid. */
CropJob *crop_create(const EditSettings *settings, const EngineModelInfo *model, const Plan *plan,
                       bool many, const float *rgba, const float *selection, EngineError *error);
void     crop_destroy(CropJob *job); /* NULL is fine */

/* Each candidate starts from the picture as it was; and sees what an earlier crop has made of it.
 * False: no memory. */
bool crop_start_over(CropJob *job, EngineError *error);
void crop_see(CropJob *job, const CropJob *earlier);

/* Masks of an outpaint's stage: its strips, and empty places of the old canvas beside them. */
bool crop_stage_masks(CropJob *job, int stage, EngineError *error);
/* Frees the pictures of the pass. */
void crop_drop_pass(CropJob *job);

/* In coordinates of the region. */
EditRect crop_to_region(const CropJob *job, EditRect rect);
EditRect crop_frame(const CropJob *job);
/* Where a pixel of the turned canvas was before. */
size_t crop_turned(const CropJob *job, int x, int y);

/* 0 … 1; NaN is 0.  Here, for it is asked of every pixel. */
static inline float crop_unit(float value)
{
    return !(value > 0) ? 0 : value > 1 ? 1 : value;
}

bool  crop_no_memory(EngineError *error, double width, double height);
