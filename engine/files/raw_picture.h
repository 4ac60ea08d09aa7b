/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the decoders of png.h, jpeg.h and webp.h give to picture_file.h: pixels as the file has them,
 * and what it says about them. */
#pragma once

#include "../base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PICTURE_MAX_SIDE = 32768,
    PICTURE_MAX_MEGAPIXELS = 400,
    /* Beyond this many, a file that packs more than PICTURE_MAX_PACKING pixels into a byte is taken
     * for a trap: 31 KB of zeros are 256 megapixels. */
    PICTURE_TRUSTED_MEGAPIXELS = 128,
    PICTURE_MAX_PACKING = 1000,
    PICTURE_PROFILE_BYTES = 4 << 20, /* larger ICC profiles are passed over */
};

/* What is read, and from where. */
typedef struct {
    const char          *name; /* for sentences */
    const unsigned char *bytes;
    size_t               size;
    size_t               most_bytes; /* of memory that the picture may take; 0: no bound */
} PictureInput;

typedef struct {
    int            width, height;
    bool           wide;   /* 16 bits a channel, in the machine's order; else 8 */
    bool           cmyk;   /* in place of RGBA: 0 no ink … 255 full */
    unsigned char *pixels; /* [height, width, 4], straight alpha */
    unsigned char *profile; /* ICC, or NULL: sRGB */
    size_t         profile_bytes;
    int            orientation; /* 1 … 8 as EXIF has it: what stands at the first row and column */
    char          *parameters;  /* the text that A1111 writes, UTF-8; or NULL */
} RawPicture;

/* Checks a size against the limits and takes memory for it; nothing else of a picture does, so that
 * no file can ask for more. */
bool raw_picture_begin(RawPicture *raw, const PictureInput *input, size_t width, size_t height,
                       bool wide, EngineError *error);
/* A copy of bytes as the profile, where there is none yet and they are not too many. */
void raw_picture_set_profile(RawPicture *raw, const unsigned char *bytes, size_t size);
void raw_picture_clear(RawPicture *raw);

/* Rows that are written, from top to bottom. */
typedef struct {
    int width, height;
    int channels; /* 1 (grey), 3 (RGB), 4 (RGB, straight alpha) */
    const float *(*row)(void *user, int y); /* [width, channels], 0 … 1, until the next call */
    void *user;
} PictureRows;

/* [count] bytes from floats: clamped and rounded. */
void picture_to_bytes(unsigned char *out, const float *in, size_t count);
