/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WebP (RFC 9649): one of the formats of picture_file.h. */
#pragma once

#include "raw_picture.h"

#include <stdio.h>

enum { WEBP_MAX_SIDE = 16383 };

/* Still pictures of either kind.  False with a sentence; raw is to be cleared either way. */
bool webp_decode(RawPicture *raw, const PictureInput *input, EngineError *error);

/* Quality 95, transparency without loss.  parameters: into EXIF's UserComment, or NULL. */
bool webp_encode(FILE *stream, const char *name, const PictureRows *rows, const char *parameters,
                 EngineError *error);
