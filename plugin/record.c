/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "record.h"

#include "recipe.h"
#include "settings/arguments.h"
#include "settings/keys.h"
#include "settings/modes.h"
#include "settings/parameters.h"
#include "settings/png_text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "intl.h"

#define GROUP   "diffusion"
#define VERSION 1

/* A layer of a poster keeps its settings and does without its selection. */
#define SELECTION_BYTES_MAX (4 << 20)

void
record_free (Record *record)
{
  if (! record)
    return;

  g_free (record->prompt);
  g_free (record->negative_prompt);
  g_free (record->model);
  g_free (record->sha256);
  g_free (record);
}

/* ---- text ---------------------------------------------------------------- */

static void
set_rect (GKeyFile       *file,
          const gchar    *key,
          const EditRect *rect)
{
  gint numbers[4] = { rect->x, rect->y, rect->width, rect->height };

  g_key_file_set_integer_list (file, GROUP, key, numbers, 4);
}

static void
set_rects (GKeyFile       *file,
           const gchar    *key,
           const EditRect *rects,
           gint            count)
{
  gint numbers[4 * EDIT_MAX_ISLANDS];

  for (gint i = 0; i < count; i++)
    {
      numbers[4 * i]     = rects[i].x;
      numbers[4 * i + 1] = rects[i].y;
      numbers[4 * i + 2] = rects[i].width;
      numbers[4 * i + 3] = rects[i].height;
    }
  g_key_file_set_integer_list (file, GROUP, key, numbers, (gsize) count * 4);
}

/* rects [EDIT_MAX_ISLANDS]; how many, 0: none, or not good. */
static gint
get_rects (GKeyFile    *file,
           const gchar *key,
           EditRect    *rects)
{
  gsize  count   = 0;
  gint  *numbers = g_key_file_get_integer_list (file, GROUP, key, &count, NULL);
  gint   found   = count % 4 == 0 && count / 4 <= EDIT_MAX_ISLANDS ? (gint) count / 4 : 0;

  for (gint i = 0; i < found; i++)
    {
      rects[i] = (EditRect) { numbers[4 * i], numbers[4 * i + 1], numbers[4 * i + 2],
                              numbers[4 * i + 3] };
      if (rects[i].width < 1 || rects[i].height < 1 || rects[i].width > 1 << 20 ||
          rects[i].height > 1 << 20)
        found = 0;
    }
  g_free (numbers);

  return found;
}

static gboolean
get_rect (GKeyFile    *file,
          const gchar *key,
          EditRect    *rect)
{
  gsize     count   = 0;
  gint     *numbers = g_key_file_get_integer_list (file, GROUP, key, &count, NULL);
  gboolean  good    = count == 4 && numbers[2] > 0 && numbers[3] > 0;

  if (good)
    *rect = (EditRect) { numbers[0], numbers[1], numbers[2], numbers[3] };
  g_free (numbers);

  return good;
}

static gchar *
get_text (GKeyFile    *file,
          const gchar *key)
{
  gchar *text = g_key_file_get_string (file, GROUP, key, NULL);

  return text ? text : g_strdup ("");
}

gchar *
record_write (const Candidate *candidate,
              CanvasSource     source)
{
  const EditSettings *settings = &candidate->settings;
  Settings            all      = { candidate->settings, candidate->request, source };
  GKeyFile           *file     = g_key_file_new ();
  gchar              *base     = g_path_get_basename (candidate->model_path);
  gchar              *shown    = g_filename_display_name (base);
  EditRect            regions[EDIT_MAX_ISLANDS];
  gchar              *text;

  g_key_file_set_integer (file, GROUP, "version", VERSION);
  g_key_file_set_string (file, GROUP, "engine", ENGINE_VERSION);
  g_key_file_set_string (file, GROUP, "mode", choice_name (choices_modes, settings->mode));
  g_key_file_set_string (file, GROUP, "prompt", candidate->prompt);
  g_key_file_set_string (file, GROUP, "negative-prompt", candidate->negative_prompt);
  g_key_file_set_string (file, GROUP, "model", shown);
  g_key_file_set_string (file, GROUP, "sha256", candidate->sha256);
  keys_write (file, GROUP, &all);
  g_key_file_set_integer_list (file, GROUP, "sides",
                               (gint[]) { settings->left, settings->right,
                                          settings->top, settings->bottom }, 4);
  set_rect (file, "canvas", &(EditRect) { 0, 0, settings->canvas_width,
                                          settings->canvas_height });
  if (settings->known.width)
    set_rect (file, "known", &settings->known);
  if (settings->has_selection)
    set_rect (file, "selection", &settings->selection);
  for (gint i = 0; i < candidate->plan.crop_count; i++)
    regions[i] = candidate->plan.crops[i].region;
  set_rects (file, "region", regions, candidate->plan.crop_count);
  if (settings->island_count > (settings->mode == EDIT_OUTPAINT ? 0 : 1))
    set_rects (file, "islands", settings->islands, settings->island_count);
  set_rect (file, "result", &candidate->edit.rect);

  text = g_key_file_to_data (file, NULL, NULL);
  g_free (shown);
  g_free (base);
  g_key_file_unref (file);

  return text;
}

static gboolean
read_geometry (GKeyFile *file,
               Record   *record)
{
  EditRect  canvas;
  gsize     count = 0;
  gint     *sides = g_key_file_get_integer_list (file, GROUP, "sides", &count, NULL);
  gboolean  good;

  good = count == 4                               &&
         get_rect (file, "canvas", &canvas)       &&
         (record->region_count = get_rects (file, "region", record->regions)) > 0 &&
         get_rect (file, "result", &record->result);
  if (good)
    {
      record->settings.canvas_width  = canvas.width;
      record->settings.canvas_height = canvas.height;
      record->settings.left          = sides[0];
      record->settings.right         = sides[1];
      record->settings.top           = sides[2];
      record->settings.bottom        = sides[3];
      record->settings.island_count = get_rects (file, "islands", record->settings.islands);
      if (! get_rect (file, "known", &record->settings.known))
        record->settings.known = (EditRect) { 0 };
      record->settings.has_selection = get_rect (file, "selection",
                                                 &record->settings.selection);
      if (record->settings.mode == EDIT_TEXT_TO_IMAGE)
        {
          record->settings.width  = canvas.width;
          record->settings.height = canvas.height;
        }
    }
  g_free (sides);

  return good;
}

static void
read_values (GKeyFile *file,
             EditMode  mode,
             Record   *record)
{
  Settings all = settings_default (mode);

  keys_read (file, GROUP, &all);
  record->settings                = all.edit;
  record->request                 = all.request;
  record->source                  = all.source;
  record->model                   = get_text (file, "model");
  record->sha256                  = get_text (file, "sha256");
  record->prompt                  = get_text (file, "prompt");
  record->negative_prompt         = get_text (file, "negative-prompt");
  record->request.prompt          = record->prompt;
  record->request.negative_prompt = record->negative_prompt;
}

Record *
record_read (const gchar  *text,
             gsize         bytes,
             GError      **error)
{
  GKeyFile *file   = g_key_file_new ();
  Record   *record = NULL;
  gint      mode   = -1;
  gchar    *name   = NULL;

  if (g_key_file_load_from_data (file, text, bytes, G_KEY_FILE_NONE, NULL))
    {
      name = get_text (file, "mode");
      if (! choice_find (choices_modes, name, &mode) || ! modes_have (mode))
        mode = -1;
      g_free (name);
    }
  if (mode >= 0 && g_key_file_get_integer (file, GROUP, "version", NULL) > VERSION)
    {
      g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                   _("A newer version of this plug-in made this layer; its settings "
                     "cannot be read."));
    }
  else if (mode >= 0)
    {
      record = g_new0 (Record, 1);
      read_values (file, mode, record);
      if (! read_geometry (file, record))
        g_clear_pointer (&record, record_free);
    }
  if (! record && error && ! *error)
    g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                 _("The settings that are kept with this layer are damaged."));
  g_key_file_unref (file);

  return record;
}

/* ---- layers -------------------------------------------------------------- */

static GBytes *
convert (GConverter *converter,
         GBytes     *bytes)
{
  GInputStream  *from   = g_memory_input_stream_new_from_bytes (bytes);
  GInputStream  *stream = g_converter_input_stream_new (from, converter);
  GOutputStream *to     = g_memory_output_stream_new_resizable ();
  GBytes        *result = NULL;

  if (g_output_stream_splice (to, stream,
                              G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE |
                              G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, NULL) >= 0)
    result = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (to));
  g_object_unref (to);
  g_object_unref (stream);
  g_object_unref (from);

  return result;
}

static void
attach (GimpLayer     *layer,
        const gchar   *name,
        gconstpointer  data,
        gsize          bytes)
{
  GimpParasite *parasite;

  parasite = gimp_parasite_new (name, GIMP_PARASITE_PERSISTENT | GIMP_PARASITE_UNDOABLE,
                                bytes, data);
  gimp_item_attach_parasite (GIMP_ITEM (layer), parasite);
  gimp_parasite_free (parasite);
}

void
record_attach (GimpLayer       *layer,
               const Candidate *candidate,
               CanvasSource     source)
{
  gchar *text = record_write (candidate, source);

  attach (layer, RECORD_PARASITE, text, strlen (text));
  g_free (text);
  if (candidate->selection)
    {
      GConverter *compressor;
      GBytes     *small;

      compressor = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 6));
      small      = convert (compressor, candidate->selection);
      if (small && g_bytes_get_size (small) <= SELECTION_BYTES_MAX)
        attach (layer, SELECTION_PARASITE, g_bytes_get_data (small, NULL),
                g_bytes_get_size (small));
      g_clear_pointer (&small, g_bytes_unref);
      g_object_unref (compressor);
    }
}

Record *
record_of_layer (GimpLayer  *layer,
                 GError    **error)
{
  GimpParasite *parasite = gimp_item_get_parasite (GIMP_ITEM (layer), RECORD_PARASITE);
  Record       *record   = NULL;

  if (! parasite)
    {
      g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                   _("This layer was not made by one of the Diffusion filters: choose one "
                     "that was."));
    }
  else
    {
      guint32      bytes = 0;
      const gchar *text  = gimp_parasite_get_data (parasite, &bytes);

      record = record_read (text, bytes, error);
      gimp_parasite_free (parasite);
    }

  return record;
}

GBytes *
record_selection (GimpLayer    *layer,
                  const Record *record)
{
  GimpParasite *parasite  = gimp_item_get_parasite (GIMP_ITEM (layer),
                                                    SELECTION_PARASITE);
  gsize         wanted    = 0;
  GBytes       *selection = NULL;

  for (gint i = 0; i < record->region_count; i++)
    wanted += (gsize) record->regions[i].width * (gsize) record->regions[i].height *
              sizeof (gfloat);
  if (parasite)
    {
      GConverter    *converter;
      GBytes        *small;
      guint32        bytes = 0;
      gconstpointer  data  = gimp_parasite_get_data (parasite, &bytes);

      converter = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB));
      small     = g_bytes_new (data, bytes);
      selection = convert (converter, small);
      if (selection && g_bytes_get_size (selection) != wanted)
        g_clear_pointer (&selection, g_bytes_unref);
      g_bytes_unref (small);
      g_object_unref (converter);
      gimp_parasite_free (parasite);
    }

  return selection;
}

/* ---- the image's text ------------------------------------------------------ */

/* To be freed with free (); NULL: out of memory. */
static char *
text_of_candidate (const Candidate *candidate)
{
  gboolean  is_new = candidate->settings.mode == EDIT_TEXT_TO_IMAGE;
  gchar    *base   = g_path_get_basename (candidate->model_path);
  gchar    *shown  = g_filename_display_name (base);
  gchar    *ending = strrchr (shown, '.');
  Recipe    recipe = { 0 };
  char     *text;

  if (ending)
    *ending = '\0';
  recipe.request          = candidate->request;
  recipe.request.width    = is_new ? candidate->settings.width
                                   : candidate->plan.work_width;
  recipe.request.height   = is_new ? candidate->settings.height
                                   : candidate->plan.work_height;
  recipe.request.strength = candidate->settings.strength;
  recipe.has_strength     = ! is_new && candidate->settings.mode != EDIT_INSTRUCT;
  recipe.mask_blur        = -1;
  recipe.model            = shown;
  recipe.model_hash       = candidate->sha256;
  recipe.version          = "gimp-diffusion " ENGINE_VERSION;
  text = recipe_write (&recipe);
  g_free (shown);
  g_free (base);

  return text;
}

GimpParasite *
record_png_text (const Candidate *candidate)
{
  char         *text = text_of_candidate (candidate);
  const gchar  *chunk;
  GBytes       *data = png_text_chunk (PARAMETERS_KEYWORD, text ? text : "", &chunk);
  gchar        *name = g_strconcat ("png/", chunk, NULL);
  GimpParasite *parasite;

  /* GIMP's PNG export writes what is called so as a chunk of that name. */
  parasite = gimp_parasite_new (name, GIMP_PARASITE_PERSISTENT | GIMP_PARASITE_UNDOABLE,
                                g_bytes_get_size (data), g_bytes_get_data (data, NULL));
  g_free (name);
  g_bytes_unref (data);
  free (text);

  return parasite;
}

/* ---- config -------------------------------------------------------------- */

/* But how many: a layer is one. */
static gboolean
is_of_layer (const Setting *setting,
             gpointer       user G_GNUC_UNUSED)
{
  return setting->field != offsetof (Settings, request.count);
}

static void
set_text (GimpProcedureConfig *config,
          const gchar         *name,
          const gchar         *text)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (config), name))
    g_object_set (config, name, text, NULL);
}

void
record_to_config (const Record        *record,
                  GimpProcedureConfig *config)
{
  Settings all = { record->settings, record->request, record->source };

  set_text (config, "prompt", record->prompt);
  set_text (config, "negative-prompt", record->negative_prompt);
  set_text (config, "model", record->model);
  arguments_write (config, &all, is_of_layer, NULL);
}
