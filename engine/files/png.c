/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "png.h"

#include "../base/utf8.h"
#include "exif.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char recipe_key[] = "parameters"; /* as A1111 and ComfyUI's savers name it */

enum {
    TEXT_BYTES = 16 << 20, /* of all texts and profiles of a file, unpacked */
    CHUNK_HEAD = 8, CHUNK_TAIL = 4, SIGNATURE = 8,
};

/* What libpng's callbacks share. libpng reports errors by a jump: everything that must be freed
 * afterwards lives in here and not in local variables. */
typedef struct {
    const char         *name;
    EngineError        *error;
    const PictureInput *input; /* reading */
    RawPicture         *raw;
    size_t              at;
    png_structp         png;
    png_infop           info;
    png_bytep           row;
    png_bytep          *rows;
} Work;

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* ---- texts, profile, orientation --------------------------------------------------------------- */

/* libpng keeps every text there is (2 MB of them took 2 GB) and unpacks damaged ones to say so, so it
 * is told to pass over all of these, and the few that are wanted are found here. */

typedef struct {
    const unsigned char *type; /* four letters */
    const unsigned char *data;
    size_t               size;
} Chunk;

static bool next_chunk(const PictureInput *input, size_t *at, Chunk *chunk)
{
    const unsigned char *head = input->bytes + *at;
    if (input->size - *at < CHUNK_HEAD + CHUNK_TAIL)
        return false;
    size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (size > input->size - *at - CHUNK_HEAD - CHUNK_TAIL)
        return false;
    *chunk = (Chunk){ head + 4, head + CHUNK_HEAD, size };
    *at += CHUNK_HEAD + size + CHUNK_TAIL;
    return true;
}

static bool is_chunk(const Chunk *chunk, const char *type)
{
    return memcmp(chunk->type, type, 4) == 0;
}

/* What zlib packed, with a NUL behind it; NULL: damaged, or more than what is left of *room. */
static unsigned char *unpack(const unsigned char *packed, size_t size, size_t *room, size_t *length)
{
    z_stream stream = { .next_in = (z_const Bytef *)(uintptr_t)packed, .avail_in = (uInt)size };
    if (inflateInit(&stream) != Z_OK)
        return NULL;
    size_t         capacity = 4096, limit = *room;
    unsigned char *out = NULL;
    int            status = Z_OK;
    while (status == Z_OK && stream.total_out < limit) {
        capacity = 2 * capacity < limit ? 2 * capacity : limit;
        unsigned char *grown = realloc(out, capacity + 1);
        if (!grown)
            break;
        out = grown;
        stream.next_out = out + stream.total_out;
        stream.avail_out = (uInt)(capacity - stream.total_out);
        status = inflate(&stream, Z_NO_FLUSH);
    }
    *length = stream.total_out;
    *room -= stream.total_out;
    inflateEnd(&stream);
    if (status == Z_STREAM_END) {
        out[*length] = '\0';
        return out;
    }
    *room -= *room < 4096 ? *room : 4096; /* many damaged ones end some time */
    free(out);
    return NULL;
}

/* Latin-1, or UTF-8 with what is none of it replaced. */
static char *to_utf8(const unsigned char *text, size_t bytes, bool is_utf8)
{
    char  *out = malloc(3 * bytes + 1);
    size_t at = 0;
    for (size_t i = 0; out && i < bytes && text[i];) {
        uint32_t code = text[i];
        i += is_utf8 ? utf8_read((const char *)text + i, bytes - i, &code) : 1;
        at += utf8_write(out + at, code);
    }
    if (out)
        out[at] = '\0';
    return out;
}

/* The text of a chunk with the key, NULL: another key, or damaged.  PNG, 11.3.3. */
static char *read_text(const Chunk *chunk, const char *key, size_t *room)
{
    size_t               key_bytes = strlen(key) + 1, size = chunk->size, length;
    const unsigned char *data = chunk->data;
    bool                 is_utf8 = is_chunk(chunk, "iTXt"), packed = is_chunk(chunk, "zTXt");
    if (size < key_bytes || memcmp(data, key, key_bytes) != 0)
        return NULL;
    data += key_bytes;
    size -= key_bytes;
    size_t skip = is_utf8 ? 2 : packed; /* flag and method, or method alone */
    if (size < skip)
        return NULL;
    packed |= is_utf8 && data[0] == 1;
    data += skip;
    size -= skip;
    for (int i = 0; is_utf8 && i < 2; i++) { /* language, translated key */
        const unsigned char *end = memchr(data, 0, size);
        if (!end)
            return NULL;
        size -= (size_t)(end + 1 - data);
        data = end + 1;
    }
    if (!packed) {
        if (size > *room)
            return NULL;
        *room -= size;
        return to_utf8(data, size, is_utf8);
    }
    unsigned char *unpacked = unpack(data, size, room, &length);
    char          *text = unpacked ? to_utf8(unpacked, length, is_utf8) : NULL;
    free(unpacked);
    return text;
}

static void read_profile(RawPicture *raw, const Chunk *chunk, size_t *room)
{
    const unsigned char *end = memchr(chunk->data, 0, chunk->size < 80 ? chunk->size : 80);
    size_t               head = end ? (size_t)(end - chunk->data) + 2 : 0, length;
    if (!end || raw->profile || head > chunk->size)
        return;
    unsigned char *profile = unpack(chunk->data + head, chunk->size - head, room, &length);
    if (profile)
        raw_picture_set_profile(raw, profile, length);
    free(profile);
}

/* The first text of each key counts; ComfyUI's and InvokeAI's where there is none of A1111. */
static void read_extras(RawPicture *raw, const PictureInput *input)
{
    static const char *const keys[] = { recipe_key, "prompt", "invokeai_metadata", "sd-metadata" };
    enum { KEYS = sizeof keys / sizeof *keys };
    char  *texts[KEYS] = { NULL };
    size_t at = SIGNATURE, room = TEXT_BYTES;
    for (Chunk chunk; next_chunk(input, &at, &chunk);) {
        bool is_text = is_chunk(&chunk, "tEXt") || is_chunk(&chunk, "zTXt") ||
                       is_chunk(&chunk, "iTXt");
        for (size_t i = 0; is_text && i < KEYS; i++)
            if (!texts[i])
                texts[i] = read_text(&chunk, keys[i], &room);
        if (is_chunk(&chunk, "iCCP"))
            read_profile(raw, &chunk, &room);
        if (is_chunk(&chunk, "eXIf"))
            raw->orientation = exif_orientation(chunk.data, chunk.size);
    }
    for (size_t i = 0; i < KEYS; i++)
        if (texts[i] && !raw->parameters)
            raw->parameters = texts[i];
        else
            free(texts[i]);
}

/* ---- pixels ------------------------------------------------------------------------------------ */

static void on_error(png_structp png, png_const_charp message)
{
    Work *work = png_get_error_ptr(png);
    fail(work->error, ENGINE_BAD_FILE, "%s: is no readable PNG picture: %s", work->name, message);
    longjmp(png_jmpbuf(png), 1);
}

static void take_bytes(png_structp png, png_bytep out, size_t count)
{
    Work *work = png_get_io_ptr(png);
    if (count > work->input->size - work->at)
        png_error(png, "the file ends too early");
    memcpy(out, work->input->bytes + work->at, count);
    work->at += count;
}

/* Every kind of PNG as rows of RGBA, 8 or 16 bits in the machine's order. */
static void ask_for_rgba(Work *work)
{
    const uint16_t one = 1;
    png_structp    png = work->png;
    png_set_expand(png);
    png_set_gray_to_rgb(png);
    if (!(png_get_color_type(png, work->info) & PNG_COLOR_MASK_ALPHA))
        png_set_add_alpha(png, 0xffff, PNG_FILLER_AFTER);
    if (png_get_bit_depth(png, work->info) == 16 && *(const unsigned char *)&one)
        png_set_swap(png);
}

static bool read_pixels(Work *work)
{
    if (setjmp(png_jmpbuf(work->png)))
        return false;
    png_structp png = work->png;
    png_set_read_fn(png, work, take_bytes);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER,
                                (png_const_bytep) "tEXt\0zTXt\0iTXt\0iCCP\0eXIf\0sPLT\0hIST\0sCAL\0pCAL", 9);
    png_set_user_limits(png, PICTURE_MAX_SIDE, PICTURE_MAX_SIDE);
    png_read_info(png, work->info);
    size_t width = png_get_image_width(png, work->info);
    size_t height = png_get_image_height(png, work->info);
    ask_for_rgba(work);
    png_set_interlace_handling(png);
    png_read_update_info(png, work->info);
    bool   wide = png_get_bit_depth(png, work->info) == 16;
    size_t row_bytes = width * (wide ? 8 : 4);
    if (png_get_rowbytes(png, work->info) != row_bytes)
        png_error(png, "unexpected kind of pixels");
    if (!raw_picture_begin(work->raw, work->input, width, height, wide, work->error))
        return false;
    work->rows = malloc(height * sizeof *work->rows);
    if (!work->rows)
        png_error(png, "no memory");
    for (size_t y = 0; y < height; y++)
        work->rows[y] = work->raw->pixels + y * row_bytes;
    png_read_image(png, work->rows);
    png_read_end(png, NULL);
    return true;
}

bool png_decode(RawPicture *raw, const PictureInput *input, EngineError *error)
{
    Work work = { .name = input->name, .error = error, .input = input, .raw = raw };
    work.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &work, on_error, on_warning);
    work.info = work.png ? png_create_info_struct(work.png) : NULL;
    bool ok = work.info ? read_pixels(&work)
                        : fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to read it", input->name);
    png_destroy_read_struct(&work.png, &work.info, NULL);
    free(work.rows);
    if (ok)
        read_extras(raw, input);
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

static bool write_rows(Work *work, FILE *stream, const PictureRows *rows, const char *parameters)
{
    if (setjmp(png_jmpbuf(work->png)))
        return false;
    static const int types[] = { 0, PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGBA };
    size_t           values = (size_t)rows->width * (size_t)rows->channels;
    png_set_write_fn(work->png, stream, put_bytes, put_flush);
    png_set_user_limits(work->png, PICTURE_MAX_SIDE, PICTURE_MAX_SIDE);
    png_set_IHDR(work->png, work->info, (png_uint_32)rows->width, (png_uint_32)rows->height, 8,
                 types[rows->channels], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (rows->channels > 1)
        png_set_sRGB(work->png, work->info, PNG_sRGB_INTENT_PERCEPTUAL);
    if (parameters)
        put_text(work, parameters);
    work->row = malloc(values);
    if (!work->row)
        png_error(work->png, "no memory");
    png_write_info(work->png, work->info);
    for (int y = 0; y < rows->height; y++) {
        picture_to_bytes(work->row, rows->row(rows->user, y), values);
        png_write_row(work->png, work->row);
    }
    png_write_end(work->png, work->info);
    return true;
}

static void on_write_error(png_structp png, png_const_charp message)
{
    Work *work = png_get_error_ptr(png);
    fail(work->error, ENGINE_BAD_REQUEST, "%s: cannot be written: %s", work->name, message);
    longjmp(png_jmpbuf(png), 1);
}

bool png_encode(FILE *stream, const char *name, const PictureRows *rows, const char *parameters,
                EngineError *error)
{
    Work work = { .name = name, .error = error };
    work.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &work, on_write_error, on_warning);
    work.info = work.png ? png_create_info_struct(work.png) : NULL;
    bool ok = work.info ? write_rows(&work, stream, rows, parameters)
                        : fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to write it", name);
    png_destroy_write_struct(&work.png, &work.info);
    free(work.row);
    return ok;
}
