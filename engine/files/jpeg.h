/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JPEG (ITU-T T.81, with libjpeg): one of the formats of picture_file.h. */
#pragma once

#include "raw_picture.h"

#include <stdio.h>

/* Grey and YCbCr become RGBA, four channels CMYK.  False with a sentence; raw is to be cleared either
 * way. */
bool jpeg_decode(RawPicture *raw, const PictureInput *input, EngineError *error);

/* Grey or RGB; quality 95, colour at full size.  parameters: into EXIF's UserComment, or NULL. */
bool jpeg_encode(FILE *stream, const char *name, const PictureRows *rows, const char *parameters,
                 EngineError *error);
