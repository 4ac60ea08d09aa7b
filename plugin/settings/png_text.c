/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "png_text.h"

#include <string.h>

#include "intl.h"

/* No prompt is longer; a compressed chunk may say otherwise. */
#define TEXT_BYTES_MAX (4 << 20)

static GBytes *
decompress (const guchar *data,
            gsize         bytes)
{
  GConverter   *converter;
  GInputStream *from;
  GInputStream *stream;
  guchar       *text   = g_malloc (TEXT_BYTES_MAX);
  gsize         length = 0;
  GBytes       *result = NULL;

  converter = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB));
  from      = g_memory_input_stream_new_from_data (data, bytes, NULL);
  stream    = g_converter_input_stream_new (from, converter);
  if (g_input_stream_read_all (stream, text, TEXT_BYTES_MAX, &length, NULL, NULL))
    result = g_bytes_new (text, length);
  g_object_unref (stream);
  g_object_unref (from);
  g_object_unref (converter);
  g_free (text);

  return result;
}

static gchar *
to_utf8 (const guchar *text,
         gsize         bytes,
         gboolean      is_utf8)
{
  if (is_utf8)
    return g_utf8_make_valid ((const gchar *) text, bytes);

  return g_convert ((const gchar *) text, bytes, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
}

/* What follows the keyword and its zero byte. */
static gchar *
text_of_chunk (const gchar  *type,
               const guchar *data,
               gsize         bytes)
{
  gboolean  is_itxt    = ! memcmp (type, "iTXt", 4);
  gboolean  compressed = ! memcmp (type, "zTXt", 4);
  GBytes   *unpacked;
  gchar    *text       = NULL;

  if (is_itxt)
    {
      /* compression flag, method, language 0, translated keyword 0 */
      if (bytes < 2)
        return NULL;
      compressed = data[0] == 1;
      data  += 2;
      bytes -= 2;
      for (gint i = 0; i < 2; i++)
        {
          const guchar *end = memchr (data, 0, bytes);

          if (! end)
            return NULL;
          bytes -= end + 1 - data;
          data   = end + 1;
        }
    }
  else if (compressed)
    {
      if (bytes < 1)
        return NULL;
      data++;
      bytes--;
    }

  if (! compressed)
    return to_utf8 (data, bytes, is_itxt);

  unpacked = decompress (data, bytes);
  if (unpacked)
    {
      gsize         length;
      gconstpointer start = g_bytes_get_data (unpacked, &length);

      text = to_utf8 (start, length, is_itxt);
      g_bytes_unref (unpacked);
    }

  return text;
}

static gboolean
is_text (const gchar *type)
{
  return ! memcmp (type, "tEXt", 4) || ! memcmp (type, "zTXt", 4) ||
         ! memcmp (type, "iTXt", 4);
}

static gchar *
find_text (GInputStream *stream,
           const gchar  *keyword)
{
  const gsize  name_bytes = strlen (keyword) + 1;
  guchar       head[8];
  gsize        got;

  while (g_input_stream_read_all (stream, head, 8, &got, NULL, NULL) && got == 8)
    {
      guint32      bytes = (guint32) head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
      const gchar *type  = (const gchar *) head + 4;

      if (is_text (type) && bytes <= TEXT_BYTES_MAX)
        {
          guchar *data = g_malloc (bytes + 4);
          gchar  *text = NULL;

          if (g_input_stream_read_all (stream, data, bytes + 4, &got, NULL, NULL) &&
              got == bytes + 4 && bytes >= name_bytes                             &&
              ! memcmp (data, keyword, name_bytes))
            text = text_of_chunk (type, data + name_bytes, bytes - name_bytes);
          g_free (data);
          if (text)
            return text;
        }
      else if (! g_seekable_seek (G_SEEKABLE (stream), (goffset) bytes + 4, G_SEEK_CUR,
                                  NULL, NULL))
        {
          return NULL;
        }
    }

  return NULL;
}

gchar *
png_text_read (GFile        *file,
               const gchar  *keyword,
               GError      **error)
{
  static const guchar  signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
  GFileInputStream    *stream       = g_file_read (file, NULL, error);
  gchar               *shown;
  guchar               start[8];
  gsize                got          = 0;
  gchar               *text         = NULL;

  if (! stream)
    return NULL;

  shown = g_file_get_parse_name (file);
  if (! g_input_stream_read_all (G_INPUT_STREAM (stream), start, 8, &got, NULL, NULL) ||
      got != 8 || memcmp (start, signature, 8))
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                 _("“%s” is not a PNG file."), shown);
  else if (! (text = find_text (G_INPUT_STREAM (stream), keyword)))
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                 _("“%s” has no text “%s”: no settings were written into it."),
                 shown, keyword);
  g_free (shown);
  g_object_unref (stream);

  return text;
}

GBytes *
png_text_chunk (const gchar  *keyword,
                const gchar  *text,
                const gchar **chunk)
{
  GByteArray *bytes   = g_byte_array_new ();
  gsize       length  = 0;
  gchar      *latin_1 = g_convert (text, -1, "ISO-8859-1", "UTF-8", NULL, &length, NULL);

  g_byte_array_append (bytes, (const guint8 *) keyword, strlen (keyword) + 1);
  if (latin_1)
    {
      g_byte_array_append (bytes, (const guint8 *) latin_1, length);
    }
  else
    {
      g_byte_array_append (bytes, (const guint8[4]) { 0 }, 4);
      g_byte_array_append (bytes, (const guint8 *) text, strlen (text));
    }
  *chunk = latin_1 ? "tEXt" : "iTXt";
  g_free (latin_1);

  return g_byte_array_free_to_bytes (bytes);
}
