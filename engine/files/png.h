/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PNG pictures for the command line and the tests. */
#pragma once

#include "../base/error.h"
#include "../base/picture.h"

#include <stddef.h>

enum { PNG_MAX_SIDE = 32768, PNG_MAX_MEGAPIXELS = 400 };

/* Any PNG as sRGB values 0 … 1 in 4 channels, straight alpha; 16 bits a channel are kept, grey and
 * palette become RGB, a gamma chunk is ignored.  The caller frees with engine_picture_clear().
 * parameters: NULL, or where to put the recipe text that A1111 writes (tEXt, zTXt or iTXt
 * "parameters"), as UTF-8, NULL when there is none; freed by the caller. */
bool png_read(const char *path, EnginePicture *picture, char **parameters, EngineError *error);

/* Writes 8 bits a channel (clamped, rounded), grey, RGB or RGBA by picture->channels, atomically.
 * parameters: UTF-8 text of a recipe, or NULL. */
bool png_write(const char *path, const EnginePicture *picture, const char *parameters,
               EngineError *error);

/* png_read() of a file in memory; name is for sentences. */
bool png_read_memory(const char *name, const void *bytes, size_t size, EnginePicture *picture,
                     char **parameters, EngineError *error);
