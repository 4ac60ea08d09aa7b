/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a caller asks of an engine, and what it is told meanwhile: engine.h says what is done with it.
 * A setting is read here by what obeys it, wherever that stands, and is not handed down by name. */
#pragma once

#include "choices.h"
#include "error.h"
#include "picture.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    ENGINE_STAGE_TEXT, ENGINE_STAGE_ENCODE, ENGINE_STAGE_SAMPLE, ENGINE_STAGE_DECODE
} EngineStage;

typedef struct {
    EngineStage stage;
    int    step, steps;   /* of this picture; step counts finished steps */
    int    image, count;  /* which picture of the batch, from 0 */
    double fraction;      /* of the whole request, 0 … 1, never going back */
    double seconds_left;  /* < 0: not known yet */
    const EnginePicture *preview; /* RGB at 1/8 size (TAESD: full); borrowed during the call; NULL
                                     except once after each step when request->want_preview */
} EngineProgress;

enum { ENGINE_MAX_COUNT = 64 };

/* Ranges and defaults: request_settings.h. */
typedef struct {
    /* What to make. */
    const char *prompt;          /* UTF-8, A1111's language, {a|b} and # comments; "" or NULL is
                                    fine. Any length. */
    const char *negative_prompt;
    int         width, height;   /* pixels, multiples of 8; default the native size */
    uint64_t    seed;            /* image i of a batch uses seed + i, also for its {a|b} */
    int         count;           /* 1 … ENGINE_MAX_COUNT */

    /* How. */
    int            steps;
    EngineSampler  sampler;
    EngineSchedule schedule;
    float          cfg;          /* guidance scale; 1: the negative prompt is not computed */
    float          image_cfg;    /* 8-channel models */
    float          cfg_rescale;  /* Lin et al. 2023, arXiv:2305.08891 section 3.4 */
    float          guidance_start, guidance_end; /* shares of the steps between which cfg holds: outside
                                    only the prompt is computed (Kynkäänniemi et al. 2024,
                                    arXiv:2404.07724) */
    EngineNoise    noise;
    int            clip_skip;    /* 0 as the model was trained; 1: its last layer; 2: the one before … */
    bool           tile_x, tile_y; /* circular padding: the picture's edges fit together */

    /* From what. All borrowed until engine_generate() returns. */
    const EnginePicture *source; /* width x height, RGB; NULL: from noise alone */
    float                strength; /* 0 keeps source, 1 ignores it but for a 4-channel model's
                                      terminal leak: the share of steps that run */
    const EnginePicture *mask;   /* width x height, 1 channel: 1 repaint, 0 keep, between: when the
                                    run has come that far (differential diffusion); NULL: all */
    const EnginePicture *hole;   /* 9-channel models: 1 where the model must not see source;
                                    NULL: where mask > 0, or everywhere without a source */
    const EnginePicture *known;  /* 9-channel models: what is around the hole, if not `source` */
    bool                 source_noise_only; /* at strength 1 start from pure noise, not from the
                                    noised source */

    /* Reports. All called on the thread that called engine_generate(). */
    bool (*progress)(void *user, const EngineProgress *now); /* false cancels; may be NULL; called at
                                    least every 200 ms at any model size */
    bool (*enough)(void *user);  /* asked with each progress report until it says true, which ends
                                    the steps of this picture early: it is made of what the last
                                    finished step estimates (the first one is awaited), and no
                                    further picture is begun; may be NULL */
    bool  want_preview;
    /* Each finished one at once, in order; borrowed during the call; false with a sentence ends the
     * run as a failure; may be NULL. */
    bool (*picture)(void *user, int image, const EnginePicture *picture, EngineError *error);
    /* Every stage's numbers: "noise", "cond", "uncond", "latents.0" …, "picture" ([n,3,H,W] -1…1);
     * "kept": the latents that `enough` ended the steps with. */
    void (*observe)(void *user, const char *name, const float *data, int rank, const int *shape);
    void *user;
} EngineRequest;
