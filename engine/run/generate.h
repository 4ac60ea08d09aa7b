/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request from prompt to pictures: text, encoding, sampling, decoding. */
#pragma once

#include "../engine.h"

#include <stddef.h>

typedef struct {
    size_t bytes; /* of scratch memory, exactly */
    double flops; /* of the whole request */
} GenerateCost;

/* A dry run: no weight is read and nothing allocated but the parsed prompt. */
bool generate_cost(Engine *engine, const EngineRequest *request, GenerateCost *cost,
                   EngineError *error);

/* The request has been checked.  pictures [request->count] are empty before. */
bool generate(Engine *engine, const EngineRequest *request, EnginePicture *pictures,
              EngineError *error);
