/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine_double.h"

#include "run/maker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Engine engine_double(int native, int channels)
{
    Engine engine = { .model = { .in_channels = channels, .takes_source = true,
                                .takes_hole = channels == 9, .takes_instruction = channels == 8,
                                 .native_width = native,
                                 .native_height = native,
                                 .size_multiple = 8,
                                 .runnable = true } };
    strcpy(engine.model.family, native == 1024 ? "SDXL" : native == 768 ? "SD 2.x" : "SD 1.x");
    snprintf(engine.model.summary, sizeof engine.model.summary, "%s %s checkpoint",
             engine.model.family,
             channels == 8   ? "instruct"
             : channels == 9 ? "inpainting"
                             : "base");
    return engine;
}

const EngineModelInfo *engine_model(const Engine *engine)
{
    return &engine->model;
}

static size_t floats(const EngineRequest *request, int channels)
{
    return (size_t)request->width * (size_t)request->height * (size_t)channels;
}

/* A pass is one unit of work and takes two seconds. */
typedef struct {
    Engine  *engine;
    Reports *reports;
} Double;

static void *double_open(Engine *engine, const MakerTask *task, EngineEstimate *cost,
                         EngineError *error)
{
    Double *one = calloc(1, sizeof *one);
    (void)error;
    one->engine = engine;
    cost->weight_bytes = 1000;
    for (int i = 0; i < task->pass_count; i++) {
        size_t bytes = floats(&task->passes[i], 100);
        cost->scratch_bytes = bytes > cost->scratch_bytes ? bytes : cost->scratch_bytes;
    }
    return one;
}

static double double_work(const void *maker, int image, int pass)
{
    (void)maker;
    (void)image;
    (void)pass;
    return 1;
}

static double double_seconds(void *maker, double work)
{
    (void)maker;
    return 2 * work;
}

static bool double_begin(void *maker, Reports *reports, EngineError *error)
{
    (void)error;
    ((Double *)maker)->reports = reports;
    return true;
}

static bool double_make(void *maker, int image, int pass, const EngineRequest *request,
                        EnginePicture *picture, EngineError *error)
{
    Double *one = maker;
    Engine *engine = one->engine;
    (void)image;
    (void)pass;
    assert(request->count == 1);
    assert(request->width % 8 == 0 && request->height % 8 == 0);
    engine->calls++;
    if (engine->calls == engine->fail_at)
        return fail(error, ENGINE_CANCELLED, "cancelled");
    *picture = (EnginePicture){ request->width, request->height, 3, NULL };
    picture->pixels = malloc(floats(request, 3) * sizeof(float));
    if (request->source) {
        assert(request->source->width == request->width && request->source->channels == 3);
        memcpy(picture->pixels, request->source->pixels, floats(request, 3) * sizeof(float));
    } else {
        for (size_t i = 0; i < floats(request, 3); i++)
            picture->pixels[i] = .5F;
    }
    double done = one->reports->done;
    one->reports->stage = ENGINE_STAGE_SAMPLE;
    one->reports->steps = 4;
    for (int step = 1; step <= 4; step++) {
        one->reports->step = step;
        if (!reports_tell(one->reports, done + step / 4., NULL))
            return fail(error, ENGINE_CANCELLED, "cancelled");
    }
    if (engine->change)
        engine->change(picture, request, engine->calls);
    return true;
}

static void double_close(void *maker, bool done)
{
    (void)done;
    free(maker);
}

const Maker *engine_maker(const Engine *engine)
{
    static const Maker maker = { double_open, double_work, double_seconds,
                                 double_begin, double_make, double_close };
    (void)engine;
    return &maker;
}
