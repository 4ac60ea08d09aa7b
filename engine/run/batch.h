/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one place where a request is carried out: picture i with seed + i and its own picks of {a|b},
 * pass for pass, each picture handed out when it is done, until all are or there is enough.
 *
 * engine_generate() comes here with one pass a picture, edit_generate() with those of its plan. */
#pragma once

#include "../engine.h"
#include "maker.h"

typedef struct {
    int pass_count;    /* of each picture; 0: complete() alone makes it */
    int shared_passes; /* the first so many see the same for every picture */
    /* The pass as maker.h wants it: sizes, strengths, which pictures it has.  source, mask: room for
     * two whose pixels nobody looks at. */
    void (*outline)(void *user, int pass, EngineRequest *request, EnginePicture *source,
                    EnginePicture *mask);
    /* The pass itself, of this picture; borrowed until it is finished. */
    bool (*prepare)(void *user, int image, int pass, EngineRequest *request, EngineError *error);
    /* What came of it: RGB, whose pixels may be taken. */
    bool (*finish)(void *user, int pass, EnginePicture *picture, EngineError *error);
    /* All passes of the picture are finished.  reports: how it ended. */
    bool (*complete)(void *user, int image, const Reports *reports, EngineError *error);
    void *user;
} Batch;

/* Of `request` count, seed, texts, settings and reports are used; request->picture is not called. */
bool batch_run(const Batch *batch, Engine *engine, const EngineRequest *request,
               EngineError *error);

/* The same without making anything.  picture_bytes is left to the caller. */
bool batch_estimate(const Batch *batch, Engine *engine, const EngineRequest *request,
                    EngineEstimate *estimate, EngineError *error);
