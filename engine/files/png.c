/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "png.h"

#include "content.h"
#include "map.h"
#include "replace.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

static const char recipe_key[] = "parameters"; /* as A1111 and ComfyUI's savers name it */

enum { TEXT_LIMIT = 8 << 20 }; /* bytes of one chunk, unpacked */

/* What libpng's callbacks share. libpng reports errors by a jump: everything that must be freed
 * afterwards lives in here and not in local variables. */
typedef struct {
    const char          *path;
    EngineError         *error;
    const unsigned char *bytes; /* reading */
    size_t               size, at;
    png_structp          png;
    png_infop            info;
    png_bytep            row;
    png_bytep           *rows;
    float               *pixels;
    char                *parameters;
} Work;

static void on_error(png_structp png, png_const_charp message)
{
    Work *work = png_get_error_ptr(png);
    fail(work->error, ENGINE_BAD_FILE, "%s: is no readable PNG picture: %s", work->path, message);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* ---- reading ------------------------------------------------------------------------------- */

static void take_bytes(png_structp png, png_bytep out, size_t count)
{
    Work *work = png_get_io_ptr(png);
    if (count > work->size - work->at)
        png_error(png, "the file ends too early");
    memcpy(out, work->bytes + work->at, count);
    work->at += count;
}

/* The last text of the key wins no more than the first: the first is taken. tEXt is Latin-1. */
static void take_text(Work *work)
{
    png_textp texts = NULL;
    int       count = 0;
    png_get_text(work->png, work->info, &texts, &count);
    for (int i = 0; i < count && !work->parameters; i++) {
        if (strcmp(texts[i].key, recipe_key) != 0 || !texts[i].text)
            continue;
        bool   utf8 = texts[i].compression >= PNG_ITXT_COMPRESSION_NONE;
        size_t length = strlen(texts[i].text), at = 0;
        work->parameters = malloc(2 * length + 1);
        if (!work->parameters)
            png_error(work->png, "no memory for its text");
        for (size_t k = 0; k < length; k++) {
            unsigned char c = (unsigned char)texts[i].text[k];
            if (utf8 || c < 0x80) {
                work->parameters[at++] = (char)c;
            } else {
                work->parameters[at++] = (char)(0xc0 | c >> 6);
                work->parameters[at++] = (char)(0x80 | (c & 0x3f));
            }
        }
        work->parameters[at] = '\0';
    }
}

/* Every kind of PNG as rows of RGBA, 8 or 16 bits. */
static void ask_for_rgba(Work *work)
{
    png_structp png = work->png;
    png_set_expand(png);
    png_set_gray_to_rgb(png);
    if (!(png_get_color_type(png, work->info) & PNG_COLOR_MASK_ALPHA))
        png_set_add_alpha(png, 0xffff, PNG_FILLER_AFTER);
}

static void convert_row(float *out, const unsigned char *row, size_t count, bool wide)
{
    for (size_t i = 0; i < count; i++)
        out[i] = wide ? (float)(row[2 * i] << 8 | row[2 * i + 1]) / 65535.0f : (float)row[i] / 255.0f;
}

/* Interlaced pictures come whole; others row by row. */
static void read_rows(Work *work, size_t width, size_t height)
{
    png_structp png = work->png;
    int         passes = png_set_interlace_handling(png);
    png_read_update_info(png, work->info);
    size_t row_bytes = png_get_rowbytes(png, work->info);
    bool   wide = png_get_bit_depth(png, work->info) == 16;
    if (row_bytes != width * (wide ? 8 : 4))
        png_error(png, "unexpected kind of pixels");
    work->pixels = malloc(width * height * 4 * sizeof *work->pixels);
    work->row = malloc(passes > 1 ? row_bytes * height : row_bytes);
    if (!work->pixels || !work->row) {
        fail(work->error, ENGINE_OUT_OF_MEMORY, "%s: no memory for %zu x %zu pixels", work->path, width,
             height);
        png_error(png, "no memory");
    }
    if (passes > 1) {
        work->rows = malloc(height * sizeof *work->rows);
        if (!work->rows)
            png_error(png, "no memory");
        for (size_t y = 0; y < height; y++)
            work->rows[y] = work->row + y * row_bytes;
        png_read_image(png, work->rows);
    }
    for (size_t y = 0; y < height; y++) {
        if (passes == 1)
            png_read_row(png, work->row, NULL);
        convert_row(work->pixels + y * width * 4, passes > 1 ? work->rows[y] : work->row, width * 4,
                    wide);
    }
}

static bool read_picture(Work *work, EnginePicture *picture)
{
    if (setjmp(png_jmpbuf(work->png)))
        return false;
    png_structp png = work->png;
    png_set_read_fn(png, work, take_bytes);
    png_set_user_limits(png, PNG_MAX_SIDE, PNG_MAX_SIDE);
    png_set_chunk_malloc_max(png, TEXT_LIMIT);
    png_set_chunk_cache_max(png, 256);
    png_read_info(png, work->info);
    size_t width = png_get_image_width(png, work->info);
    size_t height = png_get_image_height(png, work->info);
    if (width * height > (size_t)PNG_MAX_MEGAPIXELS * 1000000)
        png_error(png, "it has more than 400 megapixels");
    ask_for_rgba(work);
    read_rows(work, width, height);
    png_read_end(png, work->info);
    take_text(work);
    *picture = (EnginePicture){ (int)width, (int)height, 4, work->pixels };
    work->pixels = NULL;
    return true;
}

bool png_read_memory(const char *name, const void *bytes, size_t size, EnginePicture *picture,
                     char **parameters, EngineError *error)
{
    Work work = { .path = name, .error = error, .bytes = bytes, .size = size };
    if (parameters)
        *parameters = NULL;
    if (size < 8 || png_sig_cmp(bytes, 0, 8) != 0) {
        if (size >= 4 && memcmp(bytes, "\x89PNG", 4) == 0)
            return fail(error, ENGINE_BAD_FILE,
                        "%s: is a damaged PNG picture: it was cut, or its line ends were changed on its way",
                        name);
        const char *other = content_name(bytes, size);
        return fail(error, ENGINE_BAD_FILE, "%s: is no PNG picture%s%s", name, other ? " but " : "",
                    other ? other : "");
    }
    work.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &work, on_error, on_warning);
    work.info = work.png ? png_create_info_struct(work.png) : NULL;
    bool ok = work.info ? read_picture(&work, picture)
                        : fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to read it", name);
    png_destroy_read_struct(&work.png, &work.info, NULL);
    free(work.row);
    free(work.rows);
    free(work.pixels);
    if (ok && parameters)
        *parameters = work.parameters;
    else
        free(work.parameters);
    return ok;
}

bool png_read(const char *path, EnginePicture *picture, char **parameters, EngineError *error)
{
    FileMap *map = map_open(path, error);
    if (!map)
        return false;
    const unsigned char *bytes = map_data(map, MAP_COPY, error);
    bool ok = bytes && png_read_memory(path, bytes, (size_t)map_bytes(map), picture, parameters, error);
    map_close(map);
    return ok;
}

/* ---- writing ------------------------------------------------------------------------------- */

static void put_bytes(png_structp png, png_bytep bytes, size_t count)
{
    if (fwrite(bytes, 1, count, png_get_io_ptr(png)) != count)
        png_error(png, "the disk takes no more");
}

static void put_flush(png_structp png)
{
    (void)png; /* replace_end() does */
}

static unsigned char to_byte(float value)
{
    return value >= 1.0f ? 255 : value > 0.0f ? (unsigned char)(value * 255.0f + 0.5f) : 0;
}

static void put_text(Work *work, const char *parameters)
{
    bool     ascii = true;
    png_text text = { .key = (png_charp)(void *)(uintptr_t)recipe_key,
                      .text = (png_charp)(void *)(uintptr_t)parameters,
                      .text_length = strlen(parameters) };
    for (const unsigned char *c = (const unsigned char *)parameters; *c; c++)
        ascii &= *c < 0x80;
    text.compression = ascii ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
    if (!ascii) {
        text.itxt_length = text.text_length;
        text.text_length = 0;
    }
    png_set_text(work->png, work->info, &text, 1);
}

static bool write_picture(Work *work, FILE *stream, const EnginePicture *picture,
                          const char *parameters)
{
    if (setjmp(png_jmpbuf(work->png)))
        return false;
    static const int types[] = { 0, PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGBA };
    size_t           values = (size_t)picture->width * (size_t)picture->channels;
    png_set_write_fn(work->png, stream, put_bytes, put_flush);
    png_set_user_limits(work->png, PNG_MAX_SIDE, PNG_MAX_SIDE);
    png_set_IHDR(work->png, work->info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8,
                 types[picture->channels], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (picture->channels > 1)
        png_set_sRGB(work->png, work->info, PNG_sRGB_INTENT_PERCEPTUAL);
    if (parameters)
        put_text(work, parameters);
    work->row = malloc(values);
    if (!work->row)
        png_error(work->png, "no memory");
    png_write_info(work->png, work->info);
    for (int y = 0; y < picture->height; y++) {
        for (size_t i = 0; i < values; i++)
            work->row[i] = to_byte(picture->pixels[(size_t)y * values + i]);
        png_write_row(work->png, work->row);
    }
    png_write_end(work->png, work->info);
    return true;
}

static void on_write_error(png_structp png, png_const_charp message)
{
    Work *work = png_get_error_ptr(png);
    fail(work->error, ENGINE_BAD_REQUEST, "%s: cannot be written: %s", work->path, message);
    longjmp(png_jmpbuf(png), 1);
}

bool png_write(const char *path, const EnginePicture *picture, const char *parameters,
               EngineError *error)
{
    Work    work = { .path = path, .error = error };
    Replace replace;
    if (picture->width < 1 || picture->height < 1 || picture->width > PNG_MAX_SIDE ||
        picture->height > PNG_MAX_SIDE ||
        (picture->channels != 1 && picture->channels != 3 && picture->channels != 4))
        return fail(error, ENGINE_BAD_REQUEST,
                    "%s: cannot be written: %d x %d pixels of %d channels; sides may have up to %d", path,
                    picture->width, picture->height, picture->channels, PNG_MAX_SIDE);
    if (!replace_begin(&replace, path, error))
        return false;
    work.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &work, on_write_error, on_warning);
    work.info = work.png ? png_create_info_struct(work.png) : NULL;
    bool ok = work.info ? write_picture(&work, replace.stream, picture, parameters)
                        : fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to write it", path);
    png_destroy_write_struct(&work.png, &work.info);
    free(work.row);
    return replace_end(&replace, ok, error);
}
