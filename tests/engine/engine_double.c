/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine_double.h"

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

bool engine_generate(Engine *engine, const EngineRequest *request, EnginePicture *pictures,
                     EngineError *error)
{
    assert(request->count == 1);
    assert(request->width % 8 == 0 && request->height % 8 == 0);
    EnginePicture picture = { request->width, request->height, 3, NULL };
    engine->calls++;
    if (engine->calls == engine->fail_at)
        return fail(error, ENGINE_CANCELLED, "cancelled");
    picture.pixels = malloc(floats(request, 3) * sizeof(float));
    if (request->source) {
        assert(request->source->width == request->width && request->source->channels == 3);
        memcpy(picture.pixels, request->source->pixels, floats(request, 3) * sizeof(float));
    } else {
        for (size_t i = 0; i < floats(request, 3); i++)
            picture.pixels[i] = .5F;
    }
    for (int step = 1; request->progress && step <= 4; step++) {
        EngineProgress now = { .stage = ENGINE_STAGE_SAMPLE,
                               .step = step,
                               .steps = 4,
                               .count = 1,
                               .fraction = step / 4.,
                               .seconds_left = 4 - step };
        if (!request->progress(request->user, &now)) {
            engine_picture_clear(&picture);
            return fail(error, ENGINE_CANCELLED, "cancelled");
        }
    }
    if (engine->change)
        engine->change(&picture, request, engine->calls);
    pictures[0] = picture;
    return true;
}

bool engine_estimate(Engine *engine, const EngineRequest *request, EngineEstimate *estimate,
                     EngineError *error)
{
    (void)engine;
    (void)error;
    *estimate = (EngineEstimate){
        .scratch_bytes = floats(request, 100), .weight_bytes = 1000, .seconds = 2, .flops = 1e9
    };
    return true;
}
