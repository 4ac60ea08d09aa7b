/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "webp.h"

#include "exif.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/encode.h>
#include <webp/mux.h>

enum { CHUNK_HEAD = 8, FILE_HEAD = 12 };

static const float quality = 95;

/* ---- reading ----------------------------------------------------------------------------------- */

static size_t little_endian(const unsigned char *at)
{
    return at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

/* Profile and EXIF: RIFF's chunks, each with its size and padded to two bytes. */
static void read_extras(RawPicture *raw, const PictureInput *input)
{
    for (size_t at = FILE_HEAD; at <= input->size && input->size - at >= CHUNK_HEAD;) {
        const unsigned char *head = input->bytes + at, *data = head + CHUNK_HEAD;
        size_t               size = little_endian(head + 4);
        if (size > input->size - at - CHUNK_HEAD)
            return;
        if (memcmp(head, "ICCP", 4) == 0)
            raw_picture_set_profile(raw, data, size);
        if (memcmp(head, "EXIF", 4) == 0 && !raw->parameters) {
            size_t skip = size > 6 && memcmp(data, "Exif\0\0", 6) == 0 ? 6 : 0; /* some write it */
            raw->orientation = exif_orientation(data + skip, size - skip);
            raw->parameters = exif_comment(data + skip, size - skip);
        }
        at += CHUNK_HEAD + size + (size & 1);
    }
}

bool webp_decode(RawPicture *raw, const PictureInput *input, EngineError *error)
{
    WebPBitstreamFeatures features;
    if (WebPGetFeatures(input->bytes, input->size, &features) != VP8_STATUS_OK)
        return fail(error, ENGINE_BAD_FILE, "%s: is no readable WebP picture: its header is damaged",
                    input->name);
    if (features.has_animation)
        return fail(error, ENGINE_BAD_FILE, "%s: is a WebP animation; only still pictures are read.",
                    input->name);
    if (!raw_picture_begin(raw, input, (size_t)features.width, (size_t)features.height, false, error))
        return false;
    size_t row_bytes = 4 * (size_t)features.width;
    if (!WebPDecodeRGBAInto(input->bytes, input->size, raw->pixels,
                            row_bytes * (size_t)features.height, (int)row_bytes))
        return fail(error, ENGINE_BAD_FILE,
                    "%s: is no readable WebP picture: it is cut off or damaged", input->name);
    read_extras(raw, input);
    return true;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static unsigned char *bytes_of(const PictureRows *rows, bool *has_alpha)
{
    size_t         width = (size_t)rows->width, values = width * (size_t)rows->channels;
    unsigned char *bytes = malloc(4 * width * (size_t)rows->height), *row = malloc(values);
    *has_alpha = rows->channels == 4;
    for (int y = 0; bytes && row && y < rows->height; y++) {
        unsigned char *out = bytes + 4 * width * (size_t)y;
        picture_to_bytes(row, rows->row(rows->user, y), values);
        for (size_t x = 0; x < width; x++) {
            const unsigned char *pixel = row + x * (size_t)rows->channels;
            for (int c = 0; c < 3; c++)
                out[4 * x + (size_t)c] = pixel[rows->channels == 1 ? 0 : c];
            out[4 * x + 3] = *has_alpha ? pixel[3] : 255;
        }
    }
    if (!row) {
        free(bytes);
        bytes = NULL;
    }
    free(row);
    return bytes;
}

/* Puts the parameters beside the picture; false: out of memory. */
static bool add_exif(WebPData *file, const char *parameters)
{
    size_t         size = 0;
    unsigned char *block = exif_write_comment(parameters, &size);
    WebPData       exif = { block, size }, whole = { NULL, 0 };
    WebPMux       *mux = block ? WebPMuxCreate(file, 0) : NULL;
    bool           ok = mux && WebPMuxSetChunk(mux, "EXIF", &exif, 0) == WEBP_MUX_OK &&
              WebPMuxAssemble(mux, &whole) == WEBP_MUX_OK;
    WebPMuxDelete(mux);
    free(block);
    if (ok) {
        WebPFree((void *)(uintptr_t)file->bytes);
        *file = whole;
    }
    return ok;
}

bool webp_encode(FILE *stream, const char *name, const PictureRows *rows, const char *parameters,
                 EngineError *error)
{
    bool           has_alpha;
    uint8_t       *out = NULL;
    unsigned char *bytes;
    if (rows->width > WEBP_MAX_SIDE || rows->height > WEBP_MAX_SIDE)
        return fail(error, ENGINE_BAD_REQUEST,
                    "%s: cannot be written: WebP holds sides of up to %d pixels; write PNG or JPEG.",
                    name, WEBP_MAX_SIDE);
    bytes = bytes_of(rows, &has_alpha);
    int      stride = 4 * rows->width;
    size_t   size = bytes ? WebPEncodeRGBA(bytes, rows->width, rows->height, stride, quality, &out) : 0;
    WebPData file = { out, size };
    bool     ok = size > 0 && (!parameters || add_exif(&file, parameters));
    if (!ok)
        fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to write it", name);
    else if (fwrite(file.bytes, 1, file.size, stream) != file.size)
        ok = fail(error, ENGINE_BAD_REQUEST, "%s: cannot be written: the disk takes no more", name);
    WebPFree((void *)(uintptr_t)file.bytes);
    free(bytes);
    return ok;
}
