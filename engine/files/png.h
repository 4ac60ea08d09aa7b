/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PNG (ISO/IEC 15948): one of the formats of picture_file.h. */
#pragma once

#include "raw_picture.h"

#include <stdio.h>

/* Any PNG as RGBA; 16 bits a channel are kept, grey and palette become RGB, gamma is ignored.  False
 * with a sentence; raw is to be cleared either way. */
bool png_decode(RawPicture *raw, const PictureInput *input, EngineError *error);

/* 8 bits a channel.  parameters: UTF-8, or NULL. */
bool png_encode(FILE *stream, const char *name, const PictureRows *rows, const char *parameters,
                EngineError *error);
