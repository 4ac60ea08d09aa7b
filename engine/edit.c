/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edit.h"

#include "edit/job.h"

#include <math.h>
#include <stdlib.h>

EditSettings edit_settings_default(EditMode mode)
{
    EditSettings settings = {
        .mode = mode,
        .strength = 1,
        .colour_match = true,
        .intent = EDIT_FILL,
    };
    switch (mode) {
    case EDIT_IMAGE_TO_IMAGE:
        settings.strength = .75F;
        settings.intent = EDIT_REFINE;
        break;
    case EDIT_OUTPAINT:
        settings.intent = EDIT_EXPAND;
        break;
    case EDIT_INSTRUCT:
        settings.intent = EDIT_REFINE;
        break;
    case EDIT_SEAMS:
        settings.tile_x = settings.tile_y = true;
        break;
    case EDIT_INPAINT:
    case EDIT_TEXT_TO_IMAGE:
        break;
    }
    return settings;
}

void edit_settings_surround(EditSettings *settings, EditRect known)
{
    settings->left = known.x;
    settings->top = known.y;
    settings->right = settings->canvas_width - known.x - known.width;
    settings->bottom = settings->canvas_height - known.y - known.height;
    settings->canvas_width = known.width;
    settings->canvas_height = known.height;
}

bool edit_plan(const EditSettings *settings, const EngineModelInfo *model, EditPlan *plan,
               EngineError *error)
{
    Plan *all = malloc(sizeof *all);
    if (!all)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for a plan.");
    bool ok = plan_make(all, settings, model, error);
    *plan = ok ? all->summary : (EditPlan){ 0 };
    free(all);
    return ok;
}

EditJob *edit_prepare(const EditSettings *settings, const EngineModelInfo *model,
                      const EditPlan *plan, const float *rgba, const float *selection,
                      EngineError *error)
{
    return job_create(settings, model, plan, rgba, selection, error);
}

void edit_job_destroy(EditJob *job)
{
    job_destroy(job);
}

const float *edit_job_denoise_mask(const EditJob *job)
{
    return job->denoise;
}

const float *edit_job_compose_mask(const EditJob *job)
{
    return job->compose;
}

EditRect edit_job_preview_rect(const EditJob *job)
{
    int pass = job->pass < 0 ? 0 : job->pass;
    return job->plan.pass_count ? job->plan.passes[pass].fit.rect : job->plan.summary.region;
}

bool edit_pass_prepare(EditJob *job, int pass, EngineRequest *request, EngineError *error)
{
    return job_prepare_pass(job, pass, request, error);
}

bool edit_pass_finish(EditJob *job, int pass, const EnginePicture *decoded, EngineError *error)
{
    return job_finish_pass(job, pass, decoded, error);
}

bool edit_finish(EditJob *job, EditResult *result, EngineError *error)
{
    return job_finish(job, result, error);
}

void edit_result_clear(EditResult *result)
{
    free(result->rgba);
    free(result->mask);
    *result = (EditResult){ 0 };
}

/* ---- all passes of all candidates ------------------------------------------------------------ */

/* What a pass costs beside the others: steps run in proportion to strength. */
static double pass_share(const EditJob *job, int pass)
{
    const PlanPass *one = &job->plan.passes[pass];
    return (double)one->fit.work_width * one->fit.work_height * (double)one->strength;
}

typedef struct {
    const EngineRequest *request; /* the caller's */
    int                  image;
    double               done, pass, all; /* shares */
} Run;

static bool report(void *user, const EngineProgress *now)
{
    const Run     *run = user;
    EngineProgress whole = *now;
    double         left = run->pass * (1 - now->fraction);
    double         ahead = run->all - run->done - run->pass;
    whole.image = run->image;
    whole.count = run->request->count;
    whole.fraction = fmin(1, (run->done + run->pass * now->fraction) / run->all);
    whole.seconds_left = now->seconds_left < 0 || left < 1e-3 * run->pass
                             ? -1
                             : now->seconds_left * (left + ahead) / left;
    return run->request->progress(run->request->user, &whole);
}

static void observe(void *user, const char *name, const float *data, int rank, const int *shape)
{
    const Run *run = user;
    run->request->observe(run->request->user, name, data, rank, shape);
}

static bool run_pass(EditJob *job, Engine *engine, int index, Run *run, EngineError *error)
{
    EngineRequest request = *run->request;
    EnginePicture picture = { 0 };
    request.count = 1;
    request.seed = job->seed + (uint64_t)job->plan.passes[index].stage;
    request.user = run;
    request.progress = run->request->progress ? report : NULL;
    request.observe = run->request->observe ? observe : NULL;
    request.picture = NULL;
    bool ok = job_prepare_pass(job, index, &request, error) &&
              engine_generate(engine, &request, &picture, error) &&
              job_finish_pass(job, index, &picture, error);
    engine_picture_clear(&picture);
    return ok;
}

bool edit_generate(EditJob *job, Engine *engine, const EngineRequest *request, EditResult *results,
                   EngineError *error)
{
    Run run = { .request = request };
    if (request->count < 1)
        return fail(error, ENGINE_BAD_REQUEST, "%d candidates are asked for: make at least one.",
                    request->count);
    for (int pass = 0; pass < job->plan.pass_count; pass++)
        run.all += pass_share(job, pass) * request->count;
    int done = 0;
    for (bool ok = true; ok && done < request->count;) {
        job->seed = request->seed + (uint64_t)done;
        run.image = done;
        for (int pass = 0; ok && pass < job->plan.pass_count; pass++) {
            run.pass = pass_share(job, pass);
            ok = run_pass(job, engine, pass, &run, error);
            run.done += run.pass;
        }
        results[done] = (EditResult){ 0 };
        ok = ok && job_finish(job, &results[done], error);
        if (ok && request->picture) {
            EnginePicture picture = { results[done].rect.width, results[done].rect.height, 4,
                                      results[done].rgba };
            request->picture(request->user, done, &picture);
        }
        done += ok;
    }
    for (int i = 0; done < request->count && i < done; i++)
        edit_result_clear(&results[i]);
    return done == request->count;
}

bool edit_estimate(const EditSettings *settings, const EditPlan *summary, Engine *engine,
                   const EngineRequest *request, EngineEstimate *estimate, EngineError *error)
{
    Plan *plan = malloc(sizeof *plan);
    bool  ok =
        plan != NULL || fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for a plan.");
    ok = ok && plan_make(plan, settings, engine_model(engine), error);
    *estimate = (EngineEstimate){ 0 };
    for (int i = 0; ok && i < plan->pass_count; i++) {
        const PlanPass *pass = &plan->passes[i];
        EngineRequest   one = *request;
        EnginePicture   source = { pass->fit.work_width, pass->fit.work_height, 3, NULL };
        EngineEstimate  cost = { 0 };
        one.width = source.width;
        one.height = source.height;
        one.strength = pass->strength;
        /* Never touched, so no memory is really taken. */
        source.pixels = calloc(3 * (size_t)source.width * (size_t)source.height, sizeof(float));
        one.source = settings->mode == EDIT_TEXT_TO_IMAGE && !pass->second ? NULL : &source;
        one.mask = one.hole = one.known = NULL;
        ok = source.pixels ? engine_estimate(engine, &one, &cost, error)
                           : fail(error, ENGINE_OUT_OF_MEMORY,
                                  "There is not enough memory for a pass of %d x %d pixels.",
                                  source.width, source.height);
        engine_picture_clear(&source);
        /* Passes follow each other: memory is used again, time adds up. */
        estimate->scratch_bytes = cost.scratch_bytes > estimate->scratch_bytes
                                      ? cost.scratch_bytes
                                      : estimate->scratch_bytes;
        estimate->weight_bytes =
            cost.weight_bytes > estimate->weight_bytes ? cost.weight_bytes : estimate->weight_bytes;
        estimate->available_bytes = cost.available_bytes;
        estimate->seconds += cost.seconds;
        estimate->flops += cost.flops;
    }
    /* Beside the model: the region, its masks, and the result (edit/job.h). */
    if (ok)
        estimate->scratch_bytes +=
            40 * (uint64_t)summary->region.width * (uint64_t)summary->region.height;
    free(plan);
    return ok;
}
