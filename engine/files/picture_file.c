/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "picture_file.h"

#include "content.h"
#include "jpeg.h"
#include "map.h"
#include "png.h"
#include "replace.h"
#include "webp.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lcms2.h>

typedef bool (*Encode)(FILE *stream, const char *name, const PictureRows *rows,
                       const char *parameters, EngineError *error);

/* ---- formats ----------------------------------------------------------------------------------- */

static bool decode(RawPicture *raw, const PictureInput *input, EngineError *error)
{
    const unsigned char *bytes = input->bytes;
    size_t               size = input->size;
    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
        return png_decode(raw, input, error);
    if (size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0)
        return jpeg_decode(raw, input, error);
    if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
        return webp_decode(raw, input, error);
    if (size >= 4 && memcmp(bytes, "\x89PNG", 4) == 0)
        return fail(error, ENGINE_BAD_FILE,
                    "%s: is a damaged PNG picture: it was cut, or its line ends were changed on its way",
                    input->name);
    if (size < 12)
        return fail(error, ENGINE_BAD_FILE, "%s: is no picture: it has %zu bytes.", input->name, size);
    const char *other = content_name(bytes, size);
    return fail(error, ENGINE_BAD_FILE, "%s: is no PNG, JPEG or WebP picture%s%s", input->name,
                other ? " but " : "", other ? other : "");
}

static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), bytes = strlen(ending);
    if (length <= bytes || path[length - bytes - 1] == '/')
        return false;
    for (const char *at = path + length - bytes; *ending; at++, ending++)
        if ((*at >= 'A' && *at <= 'Z' ? *at + 32 : *at) != *ending)
            return false;
    return true;
}

static Encode encoder_of(const char *path)
{
    static const struct {
        const char *ending;
        Encode      encode;
    } formats[] = { { ".png", png_encode }, { ".jpg", jpeg_encode }, { ".jpeg", jpeg_encode },
                    { ".webp", webp_encode } };
    if (strcmp(path, "-") == 0)
        return png_encode;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (ends_with(path, formats[i].ending))
            return formats[i].encode;
    return NULL;
}

/* ---- colours ----------------------------------------------------------------------------------- */

static bool is_srgb(cmsHPROFILE profile)
{
    char name[128] = "";
    cmsGetProfileInfoASCII(profile, cmsInfoDescription, "en", "US", name, sizeof name);
    return strstr(name, "sRGB") != NULL;
}

/* What lcms calls the pixels of a picture with this profile; 0: they do not go together.  Grey
 * pictures were made RGB. */
static cmsUInt32Number layout_of(const RawPicture *raw, cmsHPROFILE profile)
{
    cmsColorSpaceSignature space = cmsGetColorSpace(profile);
    if (raw->cmyk)
        return space == cmsSigCmykData ? TYPE_CMYK_8 : 0;
    if (space == cmsSigGrayData) /* of four channels the first */
        return COLORSPACE_SH(PT_GRAY) | CHANNELS_SH(1) | EXTRA_SH(3) | BYTES_SH(raw->wide ? 2 : 1);
    return space != cmsSigRgbData ? 0 : raw->wide ? TYPE_RGBA_16 : TYPE_RGBA_8;
}

/* From the picture's pixels to sRGB of 16 bits; NULL: there is nothing to convert, or no way to.  A
 * profile that makes no sense counts as none, as everywhere. */
static cmsHTRANSFORM make_transform(const RawPicture *raw)
{
    cmsHPROFILE from = raw->profile ? cmsOpenProfileFromMem(raw->profile,
                                                            (cmsUInt32Number)raw->profile_bytes)
                                    : NULL;
    cmsUInt32Number layout = from ? layout_of(raw, from) : 0;
    cmsHPROFILE     to = layout && (raw->cmyk || !is_srgb(from)) ? cmsCreate_sRGBProfile() : NULL;
    cmsHTRANSFORM   transform = NULL;
    if (to)
        transform = cmsCreateTransform(from, layout, to, TYPE_RGBA_16,
                                       INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_BLACKPOINTCOMPENSATION);
    if (to)
        cmsCloseProfile(to);
    if (from)
        cmsCloseProfile(from);
    return transform;
}

/* ---- to floats --------------------------------------------------------------------------------- */

/* One row of the file on its way to floats. */
typedef struct {
    const RawPicture *raw;
    cmsHTRANSFORM     transform;
    uint16_t         *converted; /* [width, 4] */
} Rows;

static float channel_of(const Rows *rows, int x, int y, int c)
{
    const RawPicture *raw = rows->raw;
    size_t            at = 4 * ((size_t)y * (size_t)raw->width + (size_t)x);
    if (rows->transform && c < 3)
        return (float)rows->converted[4 * x + c] / 65535.0f;
    if (raw->cmyk) /* with no profile: what the inks leave */
        return c == 3 ? 1
                      : (float)((255 - raw->pixels[at + (size_t)c]) * (255 - raw->pixels[at + 3])) /
                            65025.0f;
    at += (size_t)c;
    if (!raw->wide)
        return (float)raw->pixels[at] / 255.0f;
    uint16_t value;
    memcpy(&value, raw->pixels + 2 * at, sizeof value);
    return (float)value / 65535.0f;
}

static void convert_row(const Rows *rows, int y)
{
    const RawPicture *raw = rows->raw;
    size_t            row_bytes = (size_t)raw->width * (raw->wide ? 8 : 4);
    if (rows->transform)
        cmsDoTransform(rows->transform, raw->pixels + (size_t)y * row_bytes, rows->converted,
                       (cmsUInt32Number)raw->width);
}

/* Where pixel (x, y) of the file is seen, by EXIF's orientation. */
static size_t place_of(const RawPicture *raw, int x, int y)
{
    size_t w = (size_t)raw->width, h = (size_t)raw->height, i = (size_t)x, k = (size_t)y;
    switch (raw->orientation) {
    case 2: return k * w + (w - 1 - i);
    case 3: return (h - 1 - k) * w + (w - 1 - i);
    case 4: return (h - 1 - k) * w + i;
    case 5: return i * h + k;
    case 6: return i * h + (h - 1 - k);
    case 7: return (w - 1 - i) * h + (h - 1 - k);
    case 8: return (w - 1 - i) * h + k;
    default: return k * w + i;
    }
}

static void put_pixel(EnginePicture *picture, size_t place, const float pixel[4])
{
    if (picture->channels == 4) {
        memcpy(picture->pixels + 4 * place, pixel, 4 * sizeof *pixel);
        return;
    }
    float grey = (0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2]) * pixel[3];
    picture->pixels[place] = grey > 0.9999f ? 1 : grey;
}

/* channels: 4, or 1 for a mask. */
static bool to_picture(EnginePicture *picture, const RawPicture *raw, int channels, const char *name,
                       EngineError *error)
{
    size_t count = (size_t)raw->width * (size_t)raw->height;
    bool   turned = raw->orientation >= 5;
    Rows   rows = { .raw = raw, .transform = make_transform(raw) };
    *picture = (EnginePicture){ turned ? raw->height : raw->width,
                                turned ? raw->width : raw->height, channels, NULL };
    picture->pixels = malloc(count * (size_t)channels * sizeof *picture->pixels);
    rows.converted = malloc((size_t)raw->width * 4 * sizeof *rows.converted);
    bool ok = picture->pixels && rows.converted;
    for (int y = 0; ok && y < raw->height; y++) {
        convert_row(&rows, y);
        for (int x = 0; x < raw->width; x++) {
            float pixel[4];
            for (int c = 0; c < 4; c++)
                pixel[c] = channel_of(&rows, x, y, c);
            put_pixel(picture, place_of(raw, x, y), pixel);
        }
    }
    if (rows.transform)
        cmsDeleteTransform(rows.transform);
    free(rows.converted);
    if (ok)
        return true;
    engine_picture_clear(picture);
    return fail(error, ENGINE_OUT_OF_MEMORY, "%s: there is no memory for %d x %d pixels.", name,
                raw->width, raw->height);
}

/* ---- reading ----------------------------------------------------------------------------------- */

static bool read_input(const PictureInput *input, EnginePicture *picture, int channels,
                       char **parameters, EngineError *error)
{
    RawPicture raw = { .orientation = 1 };
    bool       ok = decode(&raw, input, error) &&
              to_picture(picture, &raw, channels, input->name, error);
    if (parameters) {
        *parameters = ok ? raw.parameters : NULL;
        raw.parameters = ok ? NULL : raw.parameters;
    }
    raw_picture_clear(&raw);
    return ok;
}

bool picture_file_read_memory(const char *name, const void *bytes, size_t size,
                              EnginePicture *picture, char **parameters, size_t most_bytes,
                              EngineError *error)
{
    PictureInput input = { name, bytes, size, most_bytes };
    return read_input(&input, picture, 4, parameters, error);
}

static bool read_file(const char *path, EnginePicture *picture, int channels, char **parameters,
                      size_t most_bytes, EngineError *error)
{
    FileMap             *map = map_open(path, error);
    const unsigned char *bytes = map ? map_data(map, MAP_COPY, error) : NULL;
    PictureInput         input = { path, bytes, map ? (size_t)map_bytes(map) : 0, most_bytes };
    bool                 ok = bytes && read_input(&input, picture, channels, parameters, error);
    map_close(map);
    return ok;
}

bool picture_file_read(const char *path, EnginePicture *picture, char **parameters,
                       size_t most_bytes, EngineError *error)
{
    return read_file(path, picture, 4, parameters, most_bytes, error);
}

bool picture_file_read_mask(const char *path, EnginePicture *mask, size_t most_bytes,
                            EngineError *error)
{
    return read_file(path, mask, 1, NULL, most_bytes, error);
}

/* ---- writing ----------------------------------------------------------------------------------- */

bool picture_file_check_name(const char *path, EngineError *error)
{
    return encoder_of(path) ||
           fail(error, ENGINE_BAD_REQUEST,
                "%s: its ending tells no format; name it .png, .jpg or .webp, or - for standard "
                "output.",
                path);
}

static const float *picture_row(void *user, int y)
{
    const EnginePicture *picture = user;
    return picture->pixels + (size_t)y * (size_t)picture->width * (size_t)picture->channels;
}

bool picture_file_write(const char *path, const EnginePicture *picture, const char *parameters,
                        EngineError *error)
{
    PictureRows rows = { picture->width, picture->height, picture->channels, picture_row,
                         (void *)(uintptr_t)picture };
    return picture_file_write_rows(path, &rows, parameters, error);
}

/* JPEG has no transparency: rows without it, where all of them are opaque. */
typedef struct {
    const PictureRows *rows;
    float             *row; /* [width, 3] */
    bool               clear; /* some pixel is not opaque */
} Opaque;

static const float *opaque_row(void *user, int y)
{
    Opaque      *opaque = user;
    const float *row = opaque->rows->row(opaque->rows->user, y);
    for (size_t x = 0; x < (size_t)opaque->rows->width; x++) {
        memcpy(opaque->row + 3 * x, row + 4 * x, 3 * sizeof *row);
        opaque->clear |= row[4 * x + 3] < 254.5f / 255;
    }
    return opaque->row;
}

static bool encode_opaque(FILE *stream, const char *path, const PictureRows *rows,
                          const char *parameters, EngineError *error)
{
    Opaque      opaque = { .rows = rows, .row = malloc(3 * (size_t)rows->width * sizeof(float)) };
    PictureRows without = { rows->width, rows->height, 3, opaque_row, &opaque };
    if (!opaque.row)
        return fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to write it", path);
    bool ok = jpeg_encode(stream, path, &without, parameters, error);
    free(opaque.row);
    if (ok && opaque.clear)
        return fail(error, ENGINE_BAD_REQUEST,
                    "%s: the picture is transparent in places and JPEG cannot be; name it .png or "
                    ".webp.",
                    path);
    return ok;
}

bool picture_file_write_rows(const char *path, const PictureRows *rows, const char *parameters,
                             EngineError *error)
{
    Encode encode = encoder_of(path);
    if (!encode)
        return picture_file_check_name(path, error);
    if (rows->width < 1 || rows->height < 1 || rows->width > PICTURE_MAX_SIDE ||
        rows->height > PICTURE_MAX_SIDE ||
        (rows->channels != 1 && rows->channels != 3 && rows->channels != 4))
        return fail(error, ENGINE_BAD_REQUEST,
                    "%s: cannot be written: %d x %d pixels of %d channels; sides may have up to %d",
                    path, rows->width, rows->height, rows->channels, PICTURE_MAX_SIDE);
    if (encode == jpeg_encode && rows->channels == 4)
        encode = encode_opaque;
    if (strcmp(path, "-") == 0)
        return encode(stdout, "standard output", rows, parameters, error) &&
               (fflush(stdout) == 0 ||
                fail(error, ENGINE_BAD_REQUEST, "Standard output takes no more."));
    Replace replace;
    if (!replace_begin(&replace, path, error))
        return false;
    bool ok = encode(replace.stream, path, rows, parameters, error);
    return replace_end(&replace, ok, error);
}
