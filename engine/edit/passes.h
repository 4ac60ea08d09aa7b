/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pixels of one edit, on their way into the model and out of it: behind edit.h's functions.
 *
 * Memory is in proportion to the region that the plan reads, never to the canvas. */
#pragma once

#include "../compute/threads.h"
#include "../edit.h"
#include "plan.h"

struct EditJob {
    EditSettings    settings;
    EngineModelInfo model;
    Plan            plan;
    Threads        *threads;
    int             w, h; /* of the region, in whose coordinates all below are */

    float   *original; /* [h, w, 4] premultiplied, 0 … 1 */
    float   *current;  /* with the stages so far; `original` itself where there is only one stage */
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
    EnginePicture draft; /* what the first of two passes made, until the second is prepared */
    RegionFit     draft_fit;
};

EditJob *passes_create(const EditSettings *settings, const EngineModelInfo *model,
                    const EditPlan *plan, const float *rgba, const float *selection,
                    EngineError *error);
void     passes_destroy(EditJob *job); /* NULL is fine */

/* Makes the pictures of a pass and puts them, borrowed, and all that goes with them into request.
 */
bool passes_prepare_pass(EditJob *job, int pass, EngineRequest *request, EngineError *error);
/* decoded: RGB of the pass's work size. */
bool passes_finish_pass(EditJob *job, int pass, const EnginePicture *decoded, EngineError *error);
bool passes_finish(EditJob *job, EditResult *result, EngineError *error);
