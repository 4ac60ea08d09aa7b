/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pixels of one crop of an edit, on their way into the model and out of it.
 *
 * Memory is in proportion to the region that the plan reads, never to the canvas. */
#pragma once

#include "../compute/threads.h"
#include "../edit.h"
#include "plan.h"

typedef struct {
    EditSettings    settings;
    EngineModelInfo model;
    Plan            plan;
    Threads        *threads;
    bool            many; /* one crop of several: the selection goes on beyond its own */
    int             w, h; /* of the region, in whose coordinates all below are */

    float   *original; /* [h, w, 4] premultiplied, 0 … 1 */
    float   *current;  /* with the stages and crops so far; `original` itself where there is one */
    float   *denoise, *compose; /* [h, w] of the present stage */
    EditRect fill_rect;
    float *fill; /* [fill_rect.height, fill_rect.width]: where the intent's filling goes, or NULL */

    EditRect layer_rect;
    float   *layer; /* [layer_rect.height, layer_rect.width, 4] result and how much of it covers */

    int      stage; /* whose masks are there; -1: none */
    int      pass;  /* that was prepared last; -1: none */
    uint64_t seed;  /* of its stage's results */

    EnginePicture source, mask, hole; /* of the pass: work sizes */
    float        *known;              /* [work] 1 where source must come out as it went in */
    float        *there; /* [work] 1 where source is the picture as it was; NULL: not asked for */
    EnginePicture draft; /* what the first of two passes made, until the second is prepared */
    RegionFit     draft_fit;
} CropJob;

/* many: the selection has parts in other crops, which are repainted here too where they are seen, and
 * not laid. */
CropJob *passes_create(const EditSettings *settings, const EngineModelInfo *model, const Plan *plan,
                       bool many, const float *rgba, const float *selection, EngineError *error);
void     passes_destroy(CropJob *job); /* NULL is fine */

/* Each candidate starts from the picture as it was; and sees what an earlier crop has made of it. */
void passes_start_over(CropJob *job);
void passes_see(CropJob *job, const CropJob *earlier);

/* Makes the pictures of a pass and puts them, borrowed, and all that goes with them into request.
 */
bool passes_prepare_pass(CropJob *job, int pass, EngineRequest *request, EngineError *error);
/* decoded: RGB of the pass's work size. */
bool passes_finish_pass(CropJob *job, int pass, const EnginePicture *decoded, EngineError *error);
bool passes_finish(CropJob *job, EditResult *result, EngineError *error);
