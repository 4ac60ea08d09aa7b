/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

void engine_picture_clear(EnginePicture *picture)
{
    free(picture->pixels);
    *picture = (EnginePicture){ 0 };
}

bool engine_picture_copy(EnginePicture *out, const EnginePicture *in, EngineError *error)
{
    size_t bytes = (size_t)in->width * (size_t)in->height * (size_t)in->channels * sizeof(float);
    *out = *in;
    out->pixels = malloc(bytes);
    if (!out->pixels)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the picture.");
    memcpy(out->pixels, in->pixels, bytes);
    return true;
}
