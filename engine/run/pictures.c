/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plain requests as batches: every picture is one pass. */
#include "batch.h"

typedef struct {
    const EngineRequest *request;
    EnginePicture       *pictures; /* [count], or NULL: request->picture() is all who want them */
    EnginePicture        newest;
} Pictures;

/* It is the request itself. */
static void pictures_outline(void *user, int pass, EngineRequest *request, EnginePicture *source,
                             EnginePicture *mask)
{
    (void)user;
    (void)pass;
    (void)request;
    (void)source;
    (void)mask;
}

static bool pictures_prepare(void *user, int image, int pass, EngineRequest *request,
                             EngineError *error)
{
    (void)user;
    (void)image;
    (void)pass;
    (void)request;
    (void)error;
    return true;
}

static bool pictures_finish(void *user, int pass, EnginePicture *picture, EngineError *error)
{
    Pictures *all = user;
    (void)pass;
    (void)error;
    all->newest = *picture;
    *picture = (EnginePicture){ 0 };
    return true;
}

static bool pictures_complete(void *user, int image, const Reports *reports, EngineError *error)
{
    Pictures *all = user;
    (void)reports;
    bool ok = !all->request->picture ||
              all->request->picture(all->request->user, image, &all->newest, error);
    if (all->pictures) {
        all->pictures[image] = all->newest;
        all->newest = (EnginePicture){ 0 };
    }
    engine_picture_clear(&all->newest);
    return ok;
}

static Batch pictures_batch(Pictures *pictures)
{
    return (Batch){ .pass_count = 1,
                    .shared_passes = 1,
                    .outline = pictures_outline,
                    .prepare = pictures_prepare,
                    .finish = pictures_finish,
                    .complete = pictures_complete,
                    .user = pictures };
}

bool engine_generate(Engine *engine, const EngineRequest *request, EnginePicture *pictures,
                     EngineError *error)
{
    Pictures all = { .request = request, .pictures = pictures };
    Batch    batch = pictures_batch(&all);
    for (int i = 0; pictures && i < request->count && i < ENGINE_MAX_COUNT; i++)
        pictures[i] = (EnginePicture){ 0 };
    bool ok = batch_run(&batch, engine, request, error);
    for (int i = 0; !ok && pictures && i < request->count && i < ENGINE_MAX_COUNT; i++)
        engine_picture_clear(&pictures[i]);
    return ok;
}

bool engine_estimate(Engine *engine, const EngineRequest *request, EngineEstimate *estimate,
                     EngineError *error)
{
    Pictures all = { .request = request };
    Batch    batch = pictures_batch(&all);
    if (!batch_estimate(&batch, engine, request, estimate, error))
        return false;
    estimate->picture_bytes = (uint64_t)request->count * (uint64_t)request->width *
                              (uint64_t)request->height * 3 * sizeof(float);
    return true;
}
