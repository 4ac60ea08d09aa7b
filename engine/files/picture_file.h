/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures in files, for the command line and the tests: PNG, JPEG and WebP.
 *
 * Reading goes by what is in the file: its header first, then its size against the limits, then
 * pixels.  An ICC profile is converted to sRGB and the orientation that EXIF tells is obeyed, so that
 * pixels are what a person sees.  Writing goes by the name's ending, in sRGB. */
#pragma once

#include "../base/picture.h"
#include "raw_picture.h"

/* As RGBA values 0 … 1, straight alpha; 16 bits a channel are kept.  The caller frees with
 * engine_picture_clear().
 *   parameters  NULL, or where to put the recipe text in the file (recipe.h), UTF-8; NULL when there
 *               is none; freed by the caller
 *   most_bytes  of memory that reading may take; 0: no bound but those of raw_picture.h */
bool picture_file_read(const char *path, EnginePicture *picture, char **parameters,
                       size_t most_bytes, EngineError *error);
/* The same of a file in memory; name is for sentences. */
bool picture_file_read_memory(const char *name, const void *bytes, size_t size,
                              EnginePicture *picture, char **parameters, size_t most_bytes,
                              EngineError *error);
/* One channel: white and opaque is 1. */
bool picture_file_read_mask(const char *path, EnginePicture *mask, size_t most_bytes,
                            EngineError *error);

/* Whether a name's ending is one that can be written: .png, .jpg, .jpeg, .webp, in any case; "-" is
 * standard output, as PNG. */
bool picture_file_check_name(const char *path, EngineError *error);

/* Writes 8 bits a channel, clamped and rounded, as the old file or the whole new one.
 *   parameters  a recipe's text for the file, UTF-8, or NULL */
bool picture_file_write(const char *path, const EnginePicture *picture, const char *parameters,
                        EngineError *error);
/* The same of rows that are made while they are written. */
bool picture_file_write_rows(const char *path, const PictureRows *rows, const char *parameters,
                             EngineError *error);
