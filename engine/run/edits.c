/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits as batches: every candidate runs all passes of its job's plan. */
#include "../edit.h"

#include "../edit/crops.h"
#include "batch.h"

#include <stdlib.h>

enum { RESULT_BYTES = 20 }; /* of a pixel: EditPart */

typedef struct {
    const Crops  *crops;
    float         unseen; /* what outlines have for pixels */
    EditJob             *job; /* NULL: only estimated */
    const EngineRequest *request;
    EditResult          *results;
} Edits;

/* What edit_pass_prepare() will put there. */
static void edits_outline(void *user, int index, EngineRequest *request, EnginePicture *source,
                          EnginePicture *mask)
{
    Edits      *edits = user;
    const Plan *plan = edits->crops->plans;
    while (index >= plan->pass_count)
        index -= plan++->pass_count;
    const PlanPass *pass = &plan->passes[index];
    EditMode        mode = edits->crops->settings[0].mode;
    bool            sees = mode != EDIT_TEXT_TO_IMAGE || pass->second;
    bool            fades = pass->tile && (pass->left || pass->top);
    bool            masked = sees && (!plan->whole || fades) && mode != EDIT_INSTRUCT;
    int             width = pass->fit.work_width, height = pass->fit.work_height;
    *source = (EnginePicture){ width, height, 3, &edits->unseen };
    *mask = (EnginePicture){ width, height, 1, &edits->unseen };
    request->width = width;
    request->height = height;
    request->strength = pass->strength;
    request->source = sees ? source : NULL;
    request->mask = masked ? mask : NULL;
    request->hole = NULL;
    request->known = NULL;
    request->source_noise_only = mode == EDIT_INSTRUCT;
    request->tile_x = plan->tile_x;
    request->tile_y = plan->tile_y;
}

static bool edits_prepare(void *user, int image, int pass, EngineRequest *request,
                          EngineError *error)
{
    Edits *edits = user;
    if (pass == 0)
        edits->job->seed = edits->request->seed + (uint64_t)image;
    request->seed = crops_pass_seed(edits->job, pass);
    return edit_pass_prepare(edits->job, pass, request, error);
}

static bool edits_finish(void *user, int pass, EnginePicture *picture, EngineError *error)
{
    Edits *edits = user;
    return edit_pass_finish(edits->job, pass, picture, error);
}

static bool edits_complete(void *user, int image, const Reports *reports, EngineError *error)
{
    Edits      *edits = user;
    EditResult *result = &edits->results[image];
    edits->job->seed = edits->request->seed + (uint64_t)image;
    if (!edit_finish(edits->job, result, error))
        return false;
    result->kept_step = reports->step;
    result->kept_steps = reports->steps;
    EnginePicture picture = { result->rect.width, result->rect.height, 4, result->rgba };
    return !edits->request->picture ||
           edits->request->picture(edits->request->user, image, &picture, error);
}

static Batch edits_batch(Edits *edits)
{
    return (Batch){ .pass_count = edits->crops->summary.passes,
                    .shared_passes = 1, /* each candidate starts from the picture as it was */
                    .outline = edits_outline,
                    .prepare = edits_prepare,
                    .finish = edits_finish,
                    .complete = edits_complete,
                    .user = edits };
}

bool edit_generate(EditJob *job, Engine *engine, const EngineRequest *request, EditResult *results,
                   EngineError *error)
{
    Edits edits = { .crops = &job->crops, .job = job, .request = request, .results = results };
    Batch batch = edits_batch(&edits);
    for (int i = 0; i < request->count && i < ENGINE_MAX_COUNT; i++)
        results[i] = (EditResult){ 0 };
    bool ok = batch_run(&batch, engine, request, error);
    for (int i = 0; !ok && i < request->count && i < ENGINE_MAX_COUNT; i++)
        edit_result_clear(&results[i]);
    return ok;
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
    (void)summary;
    *estimate = (EngineEstimate){ 0 };
    if (!crops_plan(&crops, settings, engine_model(engine), error))
        return false;
    Edits edits = { .crops = &crops };
    Batch batch = edits_batch(&edits);
    bool  ok = batch_estimate(&batch, engine, request, estimate, error);
    for (int i = 0; ok && i < crops.count; i++) {
        const EditPlan *plan = &crops.plans[i].summary;
        estimate->scratch_bytes += crop_bytes(&crops.plans[i], crops.count > 1);
        estimate->picture_bytes += RESULT_BYTES * (uint64_t)request->count *
                                   (uint64_t)plan->result.width * (uint64_t)plan->result.height;
    }
    crops_finish(&crops);
    return ok;
}
