/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What made a picture, as the text that A1111 and others keep in PNG files under "parameters":
 *
 *   a lighthouse at dawn
 *   Negative prompt: blurry
 *   Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 1, Size: 512x512, …
 *
 * ComfyUI's and InvokeAI's JSON is read too, as far as it is in a request.
 *
 * A text that is read may come from anyone: values out of range count as missing and are noted, keys
 * that are not known are passed over; nothing in it names a file to open. */
#pragma once

#include "engine.h"

enum { RECIPE_BYTES = 1 << 20 }; /* longer texts are refused */

typedef struct {
    EngineRequest request;    /* prompts, size, seed, how; nothing else of it is written */
    bool        has_strength; /* made from a picture: request.strength counts */
    int         mask_blur;    /* pixels; -1: no mask, or not told */
    const char *model;        /* file name without folder and ending, or "" */
    const char *model_hash;   /* SHA-256 in hexadecimal, or its first ten digits, or "" */
    const char *version;      /* what made it, or "" */
    char        note[512];    /* of a text that was read: sentences on what of it could not be taken
                                 over, or "" */
    char       *storage;      /* the strings of a recipe that was read; owned */
} Recipe;

/* The text, for the caller to free.  Of a batch, request.seed is the picture's own.  NULL: out of
 * memory. */
char *recipe_write(const Recipe *recipe);

/* Reads text[0 … bytes) over the values in `base`.  What is left out when it is as usual is as usual
 * when it is not there: noise of the GPU, the model's own layer, the sampler's own schedule.
 * The strings live until recipe_clear(), which is also fine after a failure. */
bool recipe_read(Recipe *recipe, const char *text, size_t bytes, const EngineRequest *base,
                 EngineError *error);
void recipe_clear(Recipe *recipe);
