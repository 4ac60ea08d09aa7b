/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of `diffuse`, read into one struct. */
#pragma once

#include "../edit.h"
#include "../engine.h"

typedef struct {
    double value;
    bool   percent; /* of the picture's side */
} Amount;

typedef struct {
    const char *command;      /* "txt2img" … */
    const char *arguments[3]; /* what stands without a dash: file names */
    int         argument_count;

    const char *model, *vae, *taesd, *input, *mask, *output, *save_stages;
    const char *prompt, *negative_prompt;
    Amount      left, right, top, bottom;
    bool        has_width, has_height, has_steps, has_sampler, has_schedule, has_cfg, has_image_cfg,
                has_cfg_rescale, has_strength, has_intent;
    int         width, height, steps, count, clip_skip, threads, context_pixels;
    bool        has_seed; /* else a random one, which is printed */
    uint64_t    seed;
    float       cfg, image_cfg, cfg_rescale, strength;
    EngineSampler    sampler;
    EngineSchedule   schedule;
    EngineNoise      noise;
    EnginePrediction prediction;
    EditIntent  intent;
    EditEdge    edge;
    EditContext context;
    bool        tile_x, tile_y, no_colour_match, keep_transparency;
    bool        json, quiet, parameters, layer, estimate, help, version;
} Options;

/* False with a sentence (ENGINE_BAD_REQUEST). Strings are argv's. */
bool options_read(Options *options, int argc, char **argv, EngineError *error);

/* Prints the page for a command, or the overview for NULL. */
void options_print_help(const char *command);
