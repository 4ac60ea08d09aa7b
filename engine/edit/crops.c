/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crops.h"

#include "islands.h"
#include "passes.h"
#include "result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A pass costs as much as this many pixels before its first one: prompt, noise, setting out. */
static const double pass_pixels = 64 * 64;

/* ---- planning ------------------------------------------------------------------------------- */

typedef struct {
    EditSettings           settings; /* of a crop: the selection is set for each */
    const EngineModelInfo *model;
    Plan                  *plan; /* scratch */
} Costing;

static void crop_cost(IslandGroup *group, void *user)
{
    Costing    *costing = user;
    EngineError error = { 0 };
    costing->settings.selection = group->selection;
    if (!plan_make(costing->plan, &costing->settings, costing->model, &error)) {
        /* It cannot be planned, so that it is never worth joining. */
        group->work = HUGE_VAL;
        group->detail = 0;
        group->result = group->selection;
        return;
    }
    group->work = group->detail = 0;
    group->result = costing->plan->summary.result;
    for (int i = 0; i < costing->plan->pass_count; i++) {
        const PlanPass *pass = &costing->plan->passes[i];
        group->work += (double)pass->fit.work_width * pass->fit.work_height *
                           (double)pass->strength +
                       pass_pixels;
        /* That of the first pass, where things are laid out.  By the last one, which is always at
         * full size, nine spots of a 6000 x 4000 picture became crops that were laid out at a third
         * of their size. */
        if (i == 0)
            group->detail = fmin(1, pass->fit.scale);
    }
}

/* Islands can be repainted apart: who sees the whole picture, or what is not selected, sees all. */
static bool may_part(const EditSettings *settings)
{
    bool selects = settings->mode == EDIT_INPAINT || settings->mode == EDIT_IMAGE_TO_IMAGE;
    return selects && settings->has_selection && settings->island_count > 1 &&
           settings->island_count <= EDIT_MAX_ISLANDS && settings->context != EDIT_CONTEXT_WHOLE &&
           settings->intent != EDIT_BACKGROUND;
}

/* An outpaint that adds nothing fills what is clear: its border, and each hole. */
static bool fills_holes(const EditSettings *settings)
{
    bool grows = settings->left || settings->right || settings->top || settings->bottom;
    return settings->mode == EDIT_OUTPAINT && !grows && !settings->has_selection &&
           settings->island_count > 0 && settings->island_count <= EDIT_MAX_ISLANDS;
}

static bool has_clear_border(const EditSettings *settings)
{
    EditRect known = settings->known;
    return known.width > 0 &&
           (known.width < settings->canvas_width || known.height < settings->canvas_height);
}

/* The outpaint of one hole alone: the hole is its selection, and no border is its own, for that is
 * the first crop's. */
static EditSettings of_hole(const EditSettings *settings, EditRect hole)
{
    EditSettings own = *settings;
    own.known = (EditRect){ 0 };
    own.island_count = 0;
    own.has_selection = true;
    own.selection = hole;
    return own;
}

static bool no_memory(EngineError *error)
{
    return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for a plan.");
}

/* groups [EDIT_MAX_ISLANDS]; *count of them: 0 where the islands say nothing of the selection. */
static bool group_islands(IslandGroup *groups, int *count, const EditSettings *settings,
                          const EngineModelInfo *model, EngineError *error)
{
    EditRect canvas = { 0, 0, settings->canvas_width, settings->canvas_height };
    Costing  costing = { *settings, model, malloc(sizeof(Plan)) };
    if (!costing.plan)
        return no_memory(error);
    costing.settings.island_count = 0;
    if (fills_holes(settings))
        costing.settings = of_hole(settings, canvas);
    *count = 0;
    for (int i = 0; i < settings->island_count; i++) {
        EditRect island = rect_intersect(settings->islands[i], canvas);
        if (island.width > 0)
            groups[(*count)++] = (IslandGroup){ .selection = island };
    }
    if (*count > 1)
        *count = islands_group(groups, *count, crop_cost, &costing);
    free(costing.plan);
    return true;
}

static double pixels_of(const EditPlan *plan)
{
    return (double)plan->work_width * plan->work_height;
}

static void summarize(Crops *crops)
{
    EditPlan *all = &crops->summary;
    *all = crops->plans[0].summary;
    /* Sums over the crops, bounds of their rectangles, the first warning that one has; the size is
     * that of the largest crop's first pass. */
    all->crop_count = crops->count;
    for (int i = 0; i < crops->count; i++) {
        const EditPlan *one = &crops->plans[i].summary;
        all->crops[i] = (EditCrop){ one->region, one->result, one->work_width, one->work_height };
        if (i == 0)
            continue;
        all->region = rect_union(all->region, one->region);
        all->result = rect_union(all->result, one->result);
        all->passes += one->passes;
        all->cost_pixels += one->cost_pixels;
        all->little_context |= one->little_context;
        if (all->warning[0] == '\0')
            memcpy(all->warning, one->warning, sizeof all->warning);
        if (pixels_of(one) > pixels_of(all)) {
            all->work_width = one->work_width;
            all->work_height = one->work_height;
        }
    }
}

bool crops_plan(Crops *crops, const EditSettings *settings, const EngineModelInfo *model,
                EngineError *error)
{
    IslandGroup groups[EDIT_MAX_ISLANDS];
    int         count = 0;
    bool        holes = fills_holes(settings), border = holes && has_clear_border(settings);
    bool        ok = (!may_part(settings) && !holes) ||
              group_islands(groups, &count, settings, model, error);
    holes &= count > 0;
    /* The border takes a crop too: with all of them taken the last two holes become one. */
    if (count + border > EDIT_MAX_ISLANDS) {
        count--;
        groups[count - 1].selection =
            rect_union(groups[count - 1].selection, groups[count].selection);
    }
    *crops = (Crops){ .count = count + border > 1 ? count + border : 1 };
    crops->settings = calloc((size_t)crops->count, sizeof *crops->settings);
    crops->plans = calloc((size_t)crops->count, sizeof *crops->plans);
    if (ok && (!crops->settings || !crops->plans))
        ok = no_memory(error);
    for (int i = 0; ok && i < crops->count; i++) {
        crops->settings[i] = *settings;
        crops->settings[i].island_count = 0;
        if (holes && i >= border)
            crops->settings[i] = of_hole(settings, groups[i - border].selection);
        else if (!holes && crops->count > 1)
            crops->settings[i].selection = groups[i].selection;
        ok = plan_make(&crops->plans[i], &crops->settings[i], model, error);
    }
    if (ok)
        summarize(crops);
    else
        crops_finish(crops);
    return ok;
}

void crops_finish(Crops *crops)
{
    free(crops->settings);
    free(crops->plans);
    *crops = (Crops){ 0 };
}

/* ---- the job of all crops -------------------------------------------------------------------- */

EditJob *crops_create(const EditSettings *settings, const EngineModelInfo *model,
                      const EditPlan *plan, const EditPixels *pixels, EngineError *error)
{
    EditJob *job = calloc(1, sizeof *job);
    if (!job) {
        no_memory(error);
        return NULL;
    }
    job->pass = -1;
    bool ok = crops_plan(&job->crops, settings, model, error);
    job->jobs = ok ? calloc((size_t)job->crops.count, sizeof *job->jobs) : NULL;
    if (ok && !job->jobs)
        ok = no_memory(error);
    /* The caller has read pixels for the plan it shows.  With another selection or model since then
     * they would lie elsewhere: refused, not shifted. */
    if (ok && job->crops.count != plan->crop_count)
        ok = fail(error, ENGINE_BAD_REQUEST,
                  "The edit was planned for another selection or model: plan it again.");
    for (int i = 0; ok && i < job->crops.count; i++) {
        EditRect now = job->crops.plans[i].summary.region, then = plan->crops[i].region;
        if (memcmp(&now, &then, sizeof now) != 0)
            ok = fail(error, ENGINE_BAD_REQUEST,
                      "The edit was planned for another selection or model: plan it again.");
        job->jobs[i] = ok ? crop_create(&job->crops.settings[i], model, &job->crops.plans[i],
                                          job->crops.count > 1, pixels[i].rgba,
                                          pixels[i].selection, error)
                          : NULL;
        ok = job->jobs[i] != NULL;
    }
    if (ok)
        return job;
    crops_destroy(job);
    return NULL;
}

void crops_destroy(EditJob *job)
{
    if (!job)
        return;
    for (int i = 0; job->jobs && i < job->crops.count; i++)
        crop_destroy(job->jobs[i]);
    free(job->jobs);
    crops_finish(&job->crops);
    free(job);
}

/* *pass becomes that of its crop. */
static int crop_of(const EditJob *job, int *pass)
{
    int crop = 0;
    while (crop + 1 < job->crops.count && *pass >= job->crops.plans[crop].pass_count)
        *pass -= job->crops.plans[crop++].pass_count;
    return crop;
}

const PlanPass *crops_pass(const EditJob *job, int pass)
{
    int crop = crop_of(job, &pass);
    return &job->crops.plans[crop].passes[pass];
}

/* Two crops of one seed would have the same noise, and often the same thing drawn twice. */
uint64_t crops_pass_seed(const EditJob *job, int pass)
{
    int crop = crop_of(job, &pass);
    return job->seed + (uint64_t)crop + (uint64_t)job->crops.plans[crop].passes[pass].stage;
}

bool crops_prepare_pass(EditJob *job, int pass, EngineRequest *request, EngineError *error)
{
    int      own = pass, crop = crop_of(job, &own);
    CropJob *now = job->jobs[crop];
    job->pass = pass;
    /* The first pass of a crop begins a candidate, on what the crops before it have just made. */
    if (own == 0) {
        if (!crop_start_over(now, error))
            return false;
        for (int i = 0; i < crop; i++)
            crop_see(now, job->jobs[i]);
    }
    return passes_prepare_pass(now, own, request, error);
}

bool crops_finish_pass(EditJob *job, int pass, const EnginePicture *decoded, EngineError *error)
{
    int crop = crop_of(job, &pass);
    return passes_finish_pass(job->jobs[crop], pass, decoded, error);
}

bool crops_result(EditJob *job, EditResult *result, EngineError *error)
{
    *result = (EditResult){ .seed = job->seed };
    result->parts = calloc((size_t)job->crops.count, sizeof *result->parts);
    bool ok = result->parts != NULL || no_memory(error);
    for (int i = 0; ok && i < job->crops.count; i++) {
        EditResult one = { 0 };
        /* With no pass nothing has started over. */
        ok = (job->crops.plans[i].pass_count > 0 || crop_start_over(job->jobs[i], error)) &&
             result_make(job->jobs[i], &one, error);
        if (!ok)
            break;
        result->parts[result->part_count++] = (EditPart){ one.rect, one.rgba, one.mask };
        result->rect = rect_union(result->rect, one.rect);
        result->replaces |= one.replaces;
        result->seam_score = fmaxf(result->seam_score, one.seam_score);
    }
    if (!ok) {
        edit_result_clear(result);
        return false;
    }
    /* Not a copy: edit_result_clear() frees what the parts own, and these are theirs. */
    if (result->part_count == 1) {
        result->rgba = result->parts[0].rgba;
        result->mask = result->parts[0].mask;
    }
    return true;
}
