/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "batch.h"

#include "../text/prompt.h"

#include <stdlib.h>

typedef struct {
    const Batch         *batch;
    const EngineRequest *request;
    EngineError         *error;
    const Maker         *maker;
    void                *made_by;
    EngineRequest       *passes;
    EnginePicture       *pictures; /* [2 * pass_count] of the outlines */
    char               **prompts; /* [2 * count] prompt and negative prompt of each picture */
    MakerText           *texts;
    MakerTask            task;
    Reports              reports;
    bool                 early; /* of this picture: not all steps of all passes were made */
} Run;

static void run_close(Run *run, bool done)
{
    if (run->made_by)
        run->maker->close(run->made_by, done);
    for (int i = 0; run->prompts && i < 2 * run->request->count; i++)
        free(run->prompts[i]);
    free(run->prompts);
    free(run->texts);
    free(run->passes);
    free(run->pictures);
}

/* Each picture's own picks: picture i of a batch is the one picture of a request with its seed. */
static bool expand_texts(Run *run)
{
    const EngineRequest *request = run->request;
    for (int i = 0; i < request->count; i++) {
        const char *texts[2] = { request->prompt, request->negative_prompt };
        for (int t = 0; t < 2; t++) {
            char *text = prompt_expand(texts[t] ? texts[t] : "", request->seed + (uint64_t)i);
            if (!text)
                return fail(run->error, ENGINE_OUT_OF_MEMORY,
                            "There is not enough memory for the prompt.");
            run->prompts[2 * i + t] = text;
        }
        run->texts[i] = (MakerText){ run->prompts[2 * i], run->prompts[2 * i + 1] };
    }
    return true;
}

static bool run_open(Run *run, const Batch *batch, Engine *engine, const EngineRequest *request,
                     EngineEstimate *cost, EngineError *error)
{
    *run = (Run){ .batch = batch, .request = request, .error = error };
    *cost = (EngineEstimate){ 0 };
    if (request->count < 1 || request->count > ENGINE_MAX_COUNT)
        return fail(error, ENGINE_BAD_REQUEST,
                    "The number of pictures is %d; it must be from 1 to %d.", request->count,
                    ENGINE_MAX_COUNT);
    if (batch->pass_count == 0)
        return true;
    run->maker = engine_maker(engine);
    run->passes = calloc((size_t)batch->pass_count, sizeof *run->passes);
    run->prompts = calloc(2 * (size_t)request->count, sizeof *run->prompts);
    run->texts = calloc((size_t)request->count, sizeof *run->texts);
    run->pictures = calloc(2 * (size_t)batch->pass_count, sizeof *run->pictures);
    if (!run->passes || !run->pictures || !run->prompts || !run->texts)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the request.");
    if (!expand_texts(run))
        return false;
    for (int pass = 0; pass < batch->pass_count; pass++) {
        run->passes[pass] = *request;
        batch->outline(batch->user, pass, &run->passes[pass], &run->pictures[2 * pass],
                       &run->pictures[2 * pass + 1]);
    }
    run->task = (MakerTask){ run->passes, batch->pass_count, batch->shared_passes, run->texts,
                             request->count };
    run->made_by = run->maker->open(engine, &run->task, cost, error);
    for (int image = 0; run->made_by && image < request->count; image++)
        for (int pass = 0; pass < batch->pass_count; pass++)
            cost->flops += run->maker->work(run->made_by, image, pass);
    return run->made_by != NULL;
}

/* Behind a picture's first pass the others are dropped as soon as there is enough. */
static bool make_pass(Run *run, int image, int pass, const EngineRequest *request,
                      EnginePicture *picture)
{
    Reports *reports = &run->reports;
    if (pass == 0 || !reports->enough) {
        int steps[2] = { reports->step, reports->steps }; /* of the last pass that was kept */
        if (image > 0 || pass > 0) /* the very first has begun with what all pictures share */
            reports_pass(reports, image, pass, run->maker->work(run->made_by, image, pass));
        if (run->maker->make(run->made_by, image, pass, request, picture, run->error)) {
            run->early = reports->enough && reports->step < reports->steps;
            return true;
        }
        if (!reports->dropped)
            return false;
        *run->error = (EngineError){ 0 };
        reports->step = steps[0];
        reports->steps = steps[1];
    }
    run->early = true; /* what such a pass started from is what it gives */
    return engine_picture_copy(picture, request->source, run->error);
}

static bool run_pass(Run *run, int image, int pass)
{
    const Batch  *batch = run->batch;
    EngineRequest request = *run->request;
    EnginePicture picture = { 0 };
    request.count = 1;
    request.seed += (uint64_t)image;
    request.prompt = run->texts[image].prompt;
    request.negative_prompt = run->texts[image].negative;
    bool ok = batch->prepare(batch->user, image, pass, &request, run->error) &&
              make_pass(run, image, pass, &request, &picture) &&
              batch->finish(batch->user, pass, &picture, run->error);
    engine_picture_clear(&picture);
    return ok;
}

static bool run_picture(Run *run, int image)
{
    run->early = false;
    for (int pass = 0; pass < run->batch->pass_count; pass++)
        if (!run_pass(run, image, pass))
            return false;
    Reports ended = run->reports;
    if (!run->early)
        ended.step = ended.steps = 0;
    return run->batch->complete(run->batch->user, image, &ended, run->error);
}

bool batch_run(const Batch *batch, Engine *engine, const EngineRequest *request, EngineError *error)
{
    Run            run;
    EngineEstimate cost;
    bool           ok = run_open(&run, batch, engine, request, &cost, error);
    if (ok) {
        reports_begin(&run.reports, request, cost.flops);
        if (run.made_by) {
            reports_pass(&run.reports, 0, 0, run.maker->work(run.made_by, 0, 0));
            ok = run.maker->begin(run.made_by, &run.reports, error);
        }
        for (int i = 0; ok && i < request->count && !(i > 0 && run.reports.enough); i++)
            ok = run_picture(&run, i);
        if (ok)
            reports_end(&run.reports);
    }
    run_close(&run, ok && !run.reports.enough);
    return ok;
}

bool batch_estimate(const Batch *batch, Engine *engine, const EngineRequest *request,
                    EngineEstimate *estimate, EngineError *error)
{
    Run  run;
    bool ok = run_open(&run, batch, engine, request, estimate, error);
    if (ok && run.made_by)
        estimate->seconds = run.maker->seconds(run.made_by, estimate->flops);
    run_close(&run, false);
    return ok;
}
