/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who makes the pictures of a request: this machine (generate.c), or what stands in for it, a
 * server or a test's double.  batch.c asks; nobody else needs to know which of them it is.
 *
 * A request is `count` pictures of `pass_count` passes each; a pass is a picture from a prompt and
 * perhaps a source, as EngineRequest says it, made at one size. */
#pragma once

#include "reports.h"

typedef struct {
    const char *prompt, *negative; /* wildcards picked, comments taken out */
} MakerText;

typedef struct {
    /* [pass_count] Outlines: all as it will be made, but for seed and texts, and for the numbers in
     * the pictures, which nobody may look at. */
    const EngineRequest *passes;
    int                  pass_count;
    int                  shared_passes; /* the first so many see the same for every picture */
    const MakerText     *texts; /* [count] of each picture */
    int                  count;
} MakerTask;

typedef struct {
    /* Checks and measures; takes no memory to speak of.  cost: bytes, not time.  NULL with a
     * sentence; what the task points to is borrowed until close(). */
    void *(*open)(Engine *engine, const MakerTask *task, EngineEstimate *cost, EngineError *error);
    /* What a pass of a picture needs, in the unit of reports.h; with what is done once in the first
     * of the first. */
    double (*work)(const void *maker, int image, int pass);
    double (*seconds)(void *maker, double work);
    /* Takes the memory and does what all pictures share. */
    bool (*begin)(void *maker, Reports *reports, EngineError *error);
    /* All passes of all pictures in turn.  picture: empty before, RGB; the caller's. */
    bool (*make)(void *maker, int image, int pass, const EngineRequest *request,
                 EnginePicture *picture, EngineError *error);
    void (*close)(void *maker, bool done); /* done: all that was asked was made */
} Maker;

const Maker *engine_maker(const Engine *engine);
