/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "raw_picture.h"

#include <stdlib.h>
#include <string.h>

enum { FLOAT_BYTES = 16 }; /* of a pixel, when it is a picture at last */

bool raw_picture_begin(RawPicture *raw, const PictureInput *input, size_t width, size_t height,
                       bool wide, EngineError *error)
{
    if (width < 1 || height < 1 || width > PICTURE_MAX_SIDE || height > PICTURE_MAX_SIDE)
        return fail(error, ENGINE_BAD_FILE,
                    "%s: is %zu x %zu pixels; sides may have from 1 to %d.", input->name, width,
                    height, PICTURE_MAX_SIDE);
    size_t pixels = width * height, million = 1000000;
    if (pixels > PICTURE_MAX_MEGAPIXELS * million)
        return fail(error, ENGINE_BAD_FILE, "%s: is %zu x %zu pixels; %d million are the most.",
                    input->name, width, height, PICTURE_MAX_MEGAPIXELS);
    if (pixels > PICTURE_TRUSTED_MEGAPIXELS * million &&
        pixels / PICTURE_MAX_PACKING > input->size)
        return fail(error, ENGINE_BAD_FILE,
                    "%s: claims %zu x %zu pixels in %zu bytes; no picture is that plain.",
                    input->name, width, height, input->size);
    size_t bytes = pixels * (wide ? 8 : 4), need = bytes + pixels * FLOAT_BYTES;
    if (input->most_bytes && need > input->most_bytes)
        return fail(error, ENGINE_OUT_OF_MEMORY,
                    "%s: reading %zu x %zu pixels takes %zu MB of memory and %zu MB are free.",
                    input->name, width, height, need / million, input->most_bytes / million);
    raw->pixels = malloc(bytes);
    if (!raw->pixels)
        return fail(error, ENGINE_OUT_OF_MEMORY, "%s: there is no memory for %zu x %zu pixels.",
                    input->name, width, height);
    raw->width = (int)width;
    raw->height = (int)height;
    raw->wide = wide;
    return true;
}

void raw_picture_set_profile(RawPicture *raw, const unsigned char *bytes, size_t size)
{
    if (raw->profile || size == 0 || size > PICTURE_PROFILE_BYTES)
        return;
    raw->profile = malloc(size);
    if (!raw->profile)
        return;
    memcpy(raw->profile, bytes, size);
    raw->profile_bytes = size;
}

void raw_picture_clear(RawPicture *raw)
{
    free(raw->pixels);
    free(raw->profile);
    free(raw->parameters);
    *raw = (RawPicture){ 0 };
}

void picture_to_bytes(unsigned char *out, const float *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = in[i] >= 1.0f ? 255 : in[i] > 0.0f ? (unsigned char)(in[i] * 255.0f + 0.5f) : 0;
}
