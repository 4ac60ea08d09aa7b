/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture in memory, as it goes into the engine and comes out of it. */
#pragma once

#include "error.h"

/* Rows from top to bottom, pixels interleaved, sRGB-encoded 0 … 1 (not clamped on input: the engine
 * clamps).  Filled by the engine with malloc()ed pixels, cleared by the caller. */
typedef struct {
    int    width, height;
    int    channels; /* 1 (mask), 3 (RGB) or 4 (RGB, straight alpha) */
    float *pixels;   /* [height, width, channels] */
} EnginePicture;

void engine_picture_clear(EnginePicture *picture);

/* out: its own pixels, to be cleared by the caller. */
bool engine_picture_copy(EnginePicture *out, const EnginePicture *in, EngineError *error);
