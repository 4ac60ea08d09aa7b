/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An edit as its crops, one for each group of islands: behind edit.h's functions.
 *
 * Each crop is an edit of its own, with its own context, size and passes.  They follow each other:
 * what one changed the later ones see.  With one crop all is as if there were none. */
#pragma once

#include "../edit.h"
#include "crop.h"
#include "plan.h"

typedef struct {
    int           count;
    EditSettings *settings; /* [count] the edit's, each with its own selection */
    Plan         *plans;    /* [count] */
    EditPlan      summary;  /* of all */
} Crops;

/* Fails with the sentences of edit.h; then there is nothing to finish. */
bool crops_plan(Crops *crops, const EditSettings *settings, const EngineModelInfo *model,
                EngineError *error);
void crops_finish(Crops *crops);

struct EditJob {
    Crops     crops;
    CropJob **jobs; /* [crops.count] */
    int       pass; /* of all that was prepared last; -1: none */
    uint64_t  seed; /* of the candidate */
};

/* pixels [plan->crop_count]. */
EditJob *crops_create(const EditSettings *settings, const EngineModelInfo *model,
                      const EditPlan *plan, const EditPixels *pixels, EngineError *error);
void     crops_destroy(EditJob *job); /* NULL is fine */

/* Of a pass of all crops' in turn. */
const PlanPass *crops_pass(const EditJob *job, int pass);
uint64_t        crops_pass_seed(const EditJob *job, int pass);
bool crops_prepare_pass(EditJob *job, int pass, EngineRequest *request, EngineError *error);
bool crops_finish_pass(EditJob *job, int pass, const EnginePicture *decoded, EngineError *error);
bool crops_result(EditJob *job, EditResult *result, EngineError *error);
