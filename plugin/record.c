/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "record.h"

#include "recipe.h"
#include "settings/names.h"
#include "settings/parameters.h"
#include "settings/png_text.h"

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

/* Shortest text that reads back as the same float. */
static void
set_float (GKeyFile    *file,
           const gchar *key,
           gfloat       value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  for (gint digits = 6; digits <= 9; digits++)
    {
      gchar format[8];

      g_snprintf (format, sizeof format, "%%.%dg", digits);
      g_ascii_formatd (text, sizeof text, format, value);
      if ((gfloat) g_ascii_strtod (text, NULL) == value)
        break;
    }
  g_key_file_set_value (file, GROUP, key, text);
}

static gfloat
get_float (GKeyFile    *file,
           const gchar *key,
           gfloat       low,
           gfloat       high)
{
  gdouble value = g_key_file_get_double (file, GROUP, key, NULL);

  return value >= low && value <= high ? (gfloat) value : low;
}

static gint
get_int (GKeyFile    *file,
         const gchar *key,
         gint         low,
         gint         high)
{
  return CLAMP (g_key_file_get_integer (file, GROUP, key, NULL), low, high);
}

static gchar *
get_text (GKeyFile    *file,
          const gchar *key)
{
  gchar *text = g_key_file_get_string (file, GROUP, key, NULL);

  return text ? text : g_strdup ("");
}

static gint
get_name (GKeyFile     *file,
          const gchar  *key,
          const NameOf *names)
{
  gchar *name  = get_text (file, key);
  gint   value = names_value (names, name);

  g_free (name);

  return MAX (value, 0);
}

gchar *
record_write (const Candidate *candidate,
              CanvasSource     source)
{
  const EditSettings  *settings = &candidate->settings;
  const EngineRequest *request  = &candidate->request;
  GKeyFile            *file     = g_key_file_new ();
  gchar               *base     = g_path_get_basename (candidate->model_path);
  gchar               *shown    = g_filename_display_name (base);
  gchar               *text;

  g_key_file_set_integer (file, GROUP, "version", VERSION);
  g_key_file_set_string (file, GROUP, "engine", ENGINE_VERSION);
  g_key_file_set_string (file, GROUP, "mode", names_name (mode_names, settings->mode));
  g_key_file_set_string (file, GROUP, "prompt", candidate->prompt);
  g_key_file_set_string (file, GROUP, "negative-prompt", candidate->negative_prompt);
  g_key_file_set_string (file, GROUP, "model", shown);
  g_key_file_set_string (file, GROUP, "sha256", candidate->sha256);
  g_key_file_set_uint64 (file, GROUP, "seed", request->seed);
  g_key_file_set_integer (file, GROUP, "steps", request->steps);
  g_key_file_set_string (file, GROUP, "sampler", engine_sampler_name (request->sampler));
  g_key_file_set_string (file, GROUP, "schedule",
                         engine_schedule_name (request->schedule));
  g_key_file_set_string (file, GROUP, "noise", names_name (noise_names, request->noise));
  set_float (file, "cfg", request->cfg);
  set_float (file, "cfg-rescale", request->cfg_rescale);
  set_float (file, "image-cfg", request->image_cfg);
  g_key_file_set_integer (file, GROUP, "clip-skip", request->clip_skip);
  set_float (file, "strength", settings->strength);
  g_key_file_set_string (file, GROUP, "intent",
                         names_name (intent_names, settings->intent));
  g_key_file_set_string (file, GROUP, "edge-mode",
                         names_name (edge_names, settings->edge));
  g_key_file_set_string (file, GROUP, "context",
                         names_name (context_names, settings->context));
  g_key_file_set_integer (file, GROUP, "context-pixels", settings->context_pixels);
  g_key_file_set_string (file, GROUP, "source", names_name (source_names, source));
  g_key_file_set_boolean (file, GROUP, "colour-match", settings->colour_match);
  g_key_file_set_boolean (file, GROUP, "keep-transparency", settings->keep_transparency);
  g_key_file_set_boolean (file, GROUP, "tile-x", settings->tile_x);
  g_key_file_set_boolean (file, GROUP, "tile-y", settings->tile_y);
  g_key_file_set_integer_list (file, GROUP, "sides",
                               (gint[]) { settings->left, settings->right,
                                          settings->top, settings->bottom }, 4);
  set_rect (file, "canvas", &(EditRect) { 0, 0, settings->canvas_width,
                                          settings->canvas_height });
  if (settings->known.width)
    set_rect (file, "known", &settings->known);
  if (settings->has_selection)
    set_rect (file, "selection", &settings->selection);
  set_rect (file, "region", &candidate->plan.region);
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
         get_rect (file, "region", &record->region) &&
         get_rect (file, "result", &record->result);
  if (good)
    {
      record->settings.canvas_width  = canvas.width;
      record->settings.canvas_height = canvas.height;
      record->settings.left          = sides[0];
      record->settings.right         = sides[1];
      record->settings.top           = sides[2];
      record->settings.bottom        = sides[3];
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
read_request (GKeyFile *file,
              Record   *record)
{
  EngineRequest *request  = &record->request;
  gchar         *sampler  = get_text (file, "sampler");
  gchar         *schedule = get_text (file, "schedule");

  *request = engine_request_default (NULL);
  engine_sampler_from_name (sampler, &request->sampler);
  engine_schedule_from_name (schedule, &request->schedule);
  request->seed            = g_key_file_get_uint64 (file, GROUP, "seed", NULL);
  request->steps           = get_int (file, "steps", 1, 1000);
  request->noise           = get_name (file, "noise", noise_names);
  request->cfg             = get_float (file, "cfg", 0.0f, 100.0f);
  request->cfg_rescale     = get_float (file, "cfg-rescale", 0.0f, 1.0f);
  request->image_cfg       = get_float (file, "image-cfg", 0.0f, 100.0f);
  request->clip_skip       = get_int (file, "clip-skip", 0, 12);
  record->prompt           = get_text (file, "prompt");
  record->negative_prompt  = get_text (file, "negative-prompt");
  request->prompt          = record->prompt;
  request->negative_prompt = record->negative_prompt;
  g_free (sampler);
  g_free (schedule);
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
      mode = names_value (mode_names, name);
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
      record                             = g_new0 (Record, 1);
      record->settings                   = edit_settings_default (mode);
      record->settings.strength          = get_float (file, "strength", 0.0f, 1.0f);
      record->settings.intent            = get_name (file, "intent", intent_names);
      record->settings.edge              = get_name (file, "edge-mode", edge_names);
      record->settings.context           = get_name (file, "context", context_names);
      record->settings.context_pixels    = get_int (file, "context-pixels", 0, 16384);
      record->settings.colour_match      = g_key_file_get_boolean (file, GROUP,
                                                                   "colour-match", NULL);
      record->settings.keep_transparency = g_key_file_get_boolean (file, GROUP,
                                                                   "keep-transparency",
                                                                   NULL);
      record->settings.tile_x            = g_key_file_get_boolean (file, GROUP, "tile-x",
                                                                   NULL);
      record->settings.tile_y            = g_key_file_get_boolean (file, GROUP, "tile-y",
                                                                   NULL);
      record->source = get_name (file, "source", source_names);
      record->model  = get_text (file, "model");
      record->sha256 = get_text (file, "sha256");
      read_request (file, record);
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
  gsize         wanted    = (gsize) record->region.width * record->region.height *
                            sizeof (gfloat);
  GBytes       *selection = NULL;

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

static void
set_if_there (GimpProcedureConfig *config,
              const gchar         *name,
              const GValue        *value)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (config), name))
    g_object_set_property (G_OBJECT (config), name, value);
}

static void
set_string (GimpProcedureConfig *config,
            const gchar         *name,
            const gchar         *text)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, text);
  set_if_there (config, name, &value);
  g_value_unset (&value);
}

static void
set_int (GimpProcedureConfig *config,
         const gchar         *name,
         gint                 number)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT);
  g_value_set_int (&value, number);
  set_if_there (config, name, &value);
}

static void
set_double (GimpProcedureConfig *config,
            const gchar         *name,
            gdouble              number)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_DOUBLE);
  g_value_set_double (&value, number);
  set_if_there (config, name, &value);
}

static void
set_boolean (GimpProcedureConfig *config,
             const gchar         *name,
             gboolean             truth)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_BOOLEAN);
  g_value_set_boolean (&value, truth);
  set_if_there (config, name, &value);
}

void
record_to_config (const Record        *record,
                  GimpProcedureConfig *config)
{
  const EditSettings  *settings = &record->settings;
  const EngineRequest *request  = &record->request;
  gint                 tile     = settings->tile_x + 2 * settings->tile_y;

  set_string (config, "prompt", record->prompt);
  set_string (config, "negative-prompt", record->negative_prompt);
  set_string (config, "model", record->model);
  set_double (config, "seed", (gdouble) request->seed);
  set_int (config, "steps", request->steps);
  set_string (config, "sampler", engine_sampler_name (request->sampler));
  set_string (config, "schedule", engine_schedule_name (request->schedule));
  set_string (config, "noise", names_name (noise_names, request->noise));
  set_double (config, "cfg", request->cfg);
  set_double (config, "cfg-rescale", request->cfg_rescale);
  set_double (config, "image-cfg", request->image_cfg);
  set_int (config, "clip-skip", request->clip_skip);
  set_double (config, "strength", settings->strength);
  set_string (config, "intent", names_name (intent_names, settings->intent));
  set_string (config, "edge-mode", names_name (edge_names, settings->edge));
  set_string (config, "context", names_name (context_names, settings->context));
  set_int (config, "context-pixels", settings->context_pixels);
  set_string (config, "source", names_name (source_names, record->source));
  set_boolean (config, "colour-match", settings->colour_match);
  set_boolean (config, "keep-transparency", settings->keep_transparency);
  set_string (config, "tile", names_name (tile_names, tile));
  set_int (config, "left", settings->left);
  set_int (config, "right", settings->right);
  set_int (config, "top", settings->top);
  set_int (config, "bottom", settings->bottom);
  set_int (config, "width", settings->width);
  set_int (config, "height", settings->height);
}
