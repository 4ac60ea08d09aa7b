/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jpeg.h"

#include "exif.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

enum {
    QUALITY = 95,
    /* A progressive file of many scans is decoded over and over: more than a camera ever writes. */
    MAX_SCANS = 100,
    EXIF_HEAD = 6,        /* "Exif", 0, 0 */
    EXIF_BYTES = 65527,   /* of a marker behind its length and that head */
};

/* libjpeg reports errors by a jump: what must be freed afterwards lives in here. */
typedef struct {
    struct jpeg_error_mgr        manager;
    struct jpeg_progress_mgr     progress;
    struct jpeg_decompress_struct in;
    struct jpeg_compress_struct  out;
    jmp_buf                      back;
    const char                  *name;
    EngineError                 *error;
    bool                         writing;
    JOCTET                      *profile;
    unsigned char               *row, *exif;
} Work;

static void on_error(j_common_ptr common)
{
    Work *work = common->client_data;
    char  message[JMSG_LENGTH_MAX];
    common->err->format_message(common, message);
    if (work->writing)
        fail(work->error, ENGINE_BAD_REQUEST, "%s: cannot be written: %s", work->name, message);
    else
        fail(work->error, ENGINE_BAD_FILE, "%s: is no readable JPEG picture: %s", work->name,
             message);
    longjmp(work->back, 1);
}

static void on_message(j_common_ptr common)
{
    (void)common;
}

/* What libjpeg would make grey of: a file that is cut off or damaged must not pass.  Some cameras put
 * stray bytes before a marker, which does no harm. */
static void on_warning(j_common_ptr common, int level)
{
    int code = common->err->msg_code;
    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER ||
                      code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC))
        on_error(common);
}

static void on_progress(j_common_ptr common)
{
    Work *work = common->client_data;
    if (work->in.input_scan_number > MAX_SCANS) {
        fail(work->error, ENGINE_BAD_FILE, "%s: is no readable JPEG picture: it has more than %d scans",
             work->name, MAX_SCANS);
        longjmp(work->back, 1);
    }
}

static void begin(Work *work, const char *name, EngineError *error)
{
    *work = (Work){ .name = name, .error = error };
    jpeg_std_error(&work->manager);
    work->manager.error_exit = on_error;
    work->manager.output_message = on_message;
    work->manager.emit_message = on_warning;
    work->progress.progress_monitor = on_progress;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static void read_exif(RawPicture *raw, const struct jpeg_decompress_struct *in)
{
    for (jpeg_saved_marker_ptr marker = in->marker_list; marker; marker = marker->next) {
        if (marker->marker != JPEG_APP0 + 1 || marker->data_length <= EXIF_HEAD ||
            memcmp(marker->data, "Exif\0\0", EXIF_HEAD) != 0)
            continue;
        const unsigned char *block = marker->data + EXIF_HEAD;
        size_t               size = marker->data_length - EXIF_HEAD;
        raw->orientation = exif_orientation(block, size);
        raw->parameters = exif_comment(block, size);
        return;
    }
}

/* Adobe's programs write CMYK upside down and say so. */
static void finish_row(unsigned char *row, size_t width, const struct jpeg_decompress_struct *in)
{
    if (in->out_color_space == JCS_CMYK && in->saw_Adobe_marker)
        for (size_t i = 0; i < 4 * width; i++)
            row[i] = (unsigned char)(255 - row[i]);
}

static bool read_pixels(Work *work, RawPicture *raw, const PictureInput *input)
{
    struct jpeg_decompress_struct *in = &work->in;
    if (setjmp(work->back))
        return false;
    jpeg_create_decompress(in);
    in->client_data = work;
    in->progress = &work->progress;
    jpeg_mem_src(in, input->bytes, input->size);
    jpeg_save_markers(in, JPEG_APP0 + 1, 0xffff);
    jpeg_save_markers(in, JPEG_APP0 + 2, 0xffff);
    jpeg_read_header(in, TRUE);
    raw->cmyk = in->jpeg_color_space == JCS_CMYK || in->jpeg_color_space == JCS_YCCK;
    in->out_color_space = raw->cmyk ? JCS_CMYK : JCS_EXT_RGBA;
    in->dct_method = JDCT_ISLOW;
    if (!raw_picture_begin(raw, input, in->image_width, in->image_height, false, work->error))
        return false;
    jpeg_start_decompress(in);
    while (in->output_scanline < in->output_height) {
        JSAMPROW row = raw->pixels + (size_t)in->output_scanline * in->output_width * 4;
        jpeg_read_scanlines(in, &row, 1);
        finish_row(row, in->output_width, in);
    }
    read_exif(raw, in);
    unsigned length = 0;
    if (jpeg_read_icc_profile(in, &work->profile, &length))
        raw_picture_set_profile(raw, work->profile, length);
    jpeg_finish_decompress(in);
    return true;
}

bool jpeg_decode(RawPicture *raw, const PictureInput *input, EngineError *error)
{
    Work work;
    begin(&work, input->name, error);
    work.in.err = &work.manager;
    work.in.client_data = &work;
    bool ok = read_pixels(&work, raw, input);
    jpeg_destroy_decompress(&work.in);
    free(work.profile);
    return ok;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static void put_parameters(Work *work, const char *parameters)
{
    size_t         size;
    unsigned char *block = exif_write_comment(parameters, &size);
    /* A marker holds no more; a prompt of 32000 characters is left out rather than cut. */
    if (block && size <= EXIF_BYTES && (work->exif = malloc(EXIF_HEAD + size))) {
        memcpy(work->exif, "Exif\0\0", EXIF_HEAD);
        memcpy(work->exif + EXIF_HEAD, block, size);
    }
    free(block);
    if (work->exif)
        jpeg_write_marker(&work->out, JPEG_APP0 + 1, work->exif, (unsigned)(EXIF_HEAD + size));
}

static bool write_rows(Work *work, FILE *stream, const PictureRows *rows, const char *parameters)
{
    struct jpeg_compress_struct *out = &work->out;
    size_t                       values = (size_t)rows->width * (size_t)rows->channels;
    if (setjmp(work->back))
        return false;
    jpeg_create_compress(out);
    out->client_data = work;
    jpeg_stdio_dest(out, stream);
    out->image_width = (JDIMENSION)rows->width;
    out->image_height = (JDIMENSION)rows->height;
    out->input_components = rows->channels;
    out->in_color_space = rows->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(out);
    jpeg_set_quality(out, QUALITY, TRUE);
    out->optimize_coding = TRUE;
    out->comp_info[0].h_samp_factor = out->comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(out, TRUE);
    if (parameters)
        put_parameters(work, parameters);
    work->row = malloc(values);
    if (!work->row)
        return fail(work->error, ENGINE_OUT_OF_MEMORY, "%s: no memory to write it", work->name);
    while (out->next_scanline < out->image_height) {
        JSAMPROW row = work->row;
        picture_to_bytes(row, rows->row(rows->user, (int)out->next_scanline), values);
        jpeg_write_scanlines(out, &row, 1);
    }
    jpeg_finish_compress(out);
    return true;
}

bool jpeg_encode(FILE *stream, const char *name, const PictureRows *rows, const char *parameters,
                 EngineError *error)
{
    Work work;
    begin(&work, name, error);
    work.writing = true;
    work.out.err = &work.manager;
    work.out.client_data = &work;
    bool ok = write_rows(&work, stream, rows, parameters);
    jpeg_destroy_compress(&work.out);
    free(work.row);
    free(work.exif);
    return ok;
}
