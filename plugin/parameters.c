/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "parameters.h"

#include "png_text.h"
#include "procedures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "intl.h"

#define KEYWORD "parameters"

void
parameters_free (Parameters *parameters)
{
  if (! parameters)
    return;

  g_free (parameters->prompt);
  g_free (parameters->negative_prompt);
  g_free (parameters);
}

/* A number between low and high, or `otherwise'. */
static gdouble
number (const gchar *text,
        gdouble      low,
        gdouble      high,
        gdouble      otherwise)
{
  gchar   *end;
  gdouble  value = g_ascii_strtod (text, &end);

  return end != text && value >= low && value <= high ? value : otherwise;
}

/* One `Key: value' of the last line. */
static void
read_pair (Parameters  *parameters,
           const gchar *key,
           const gchar *value)
{
  EngineSampler  sampler;
  EngineSchedule schedule;

  if (! strcmp (key, "Steps"))
    parameters->steps = (gint) number (value, 1.0, 1000.0, 0.0);
  else if (! strcmp (key, "Seed"))
    parameters->seed = floor (number (value, 0.0, SEED_MAX, -1.0));
  else if (! strcmp (key, "CFG scale"))
    parameters->cfg = number (value, 0.0, 100.0, -1.0);
  else if (! strcmp (key, "Schedule type") &&
           engine_schedule_from_name (value, &schedule))
    parameters->schedule = engine_schedule_name (schedule);
  else if (! strcmp (key, "Size"))
    {
      const gchar *x = strchr (value, 'x');

      if (x)
        {
          parameters->width  = (gint) number (value, 64.0, 16384.0, 0.0);
          parameters->height = (gint) number (x + 1, 64.0, 16384.0, 0.0);
        }
    }
  else if (! strcmp (key, "Sampler"))
    {
      /* Older versions wrote both into one: "DPM++ 2M Karras". */
      gchar *name = g_strdup (value);
      gchar *last = strrchr (name, ' ');

      if (! engine_sampler_from_name (name, &sampler) && last &&
          engine_schedule_from_name (last + 1, &schedule))
        {
          *last = '\0';
          parameters->schedule = engine_schedule_name (schedule);
        }
      if (engine_sampler_from_name (name, &sampler))
        parameters->sampler = engine_sampler_name (sampler);
      g_free (name);
    }
}

/* `Steps: 20, Sampler: Euler, Model: "a, b", …': a value in quotes may hold commas. */
static void
read_settings (Parameters  *parameters,
               const gchar *line)
{
  while (*line)
    {
      const gchar *colon  = strchr (line, ':');
      gboolean     quoted = FALSE;
      const gchar *end;
      gchar       *key;
      gchar       *value;

      if (! colon)
        return;
      for (end = colon + 1; *end && (quoted || *end != ','); end++)
        if (*end == '\\' && end[1])
          end++;
        else if (*end == '"')
          quoted = ! quoted;

      key   = g_strstrip (g_strndup (line, colon - line));
      value = g_strstrip (g_strndup (colon + 1, end - colon - 1));
      read_pair (parameters, key, value);
      g_free (key);
      g_free (value);
      line = *end ? end + 1 : end;
    }
}

Parameters *
parameters_read (const gchar  *text,
                 GError      **error)
{
  static const gchar   negative[]   = "Negative prompt:";
  gchar              **lines        = g_strsplit (text, "\n", -1);
  gint                 count        = g_strv_length (lines);
  GString             *prompts[2]   = { g_string_new (NULL), g_string_new (NULL) };
  gint                 part         = 0;
  Parameters          *parameters   = g_new0 (Parameters, 1);

  parameters->seed     = -1.0;
  parameters->cfg      = -1.0;
  parameters->sampler  = "";
  parameters->schedule = "";
  while (count > 0 && ! g_strstrip (lines[count - 1])[0])
    count--;
  if (count > 0 && g_str_has_prefix (lines[count - 1], "Steps:"))
    read_settings (parameters, lines[--count]);

  for (gint i = 0; i < count; i++)
    {
      const gchar *line = lines[i];

      if (part == 0 && g_str_has_prefix (line, negative))
        {
          part  = 1;
          line += strlen (negative);
          line += *line == ' ';
        }
      else if (prompts[part]->len)
        {
          g_string_append_c (prompts[part], '\n');
        }
      g_string_append (prompts[part], line);
    }
  parameters->prompt          = g_strstrip (g_string_free (prompts[0], FALSE));
  parameters->negative_prompt = g_strstrip (g_string_free (prompts[1], FALSE));
  g_strfreev (lines);

  if (! parameters->prompt[0] && ! parameters->steps)
    {
      g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                   _("The text holds no prompt and no settings."));
      g_clear_pointer (&parameters, parameters_free);
    }

  return parameters;
}

static gboolean
has (GimpProcedureConfig *config,
     const gchar         *name)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (config), name) != NULL;
}

void
parameters_to_config (const Parameters    *parameters,
                      GimpProcedureConfig *config)
{
  g_object_set (config,
                "prompt",          parameters->prompt,
                "negative-prompt", parameters->negative_prompt,
                NULL);
  if (parameters->seed >= 0.0)
    g_object_set (config, "seed", parameters->seed, NULL);
  if (parameters->steps)
    g_object_set (config, "steps", parameters->steps, NULL);
  if (parameters->sampler[0])
    g_object_set (config, "sampler", parameters->sampler, NULL);
  if (parameters->schedule[0])
    g_object_set (config, "schedule", parameters->schedule, NULL);
  if (parameters->cfg >= 0.0)
    g_object_set (config, "cfg", parameters->cfg, NULL);
  if (has (config, "width") && parameters->width && parameters->height)
    g_object_set (config,
                  "width",  parameters->width,
                  "height", parameters->height,
                  NULL);
}

gchar *
parameters_of_file (const gchar  *file,
                    GError      **error)
{
  GFile *source = g_str_has_prefix (file, "file:") ? g_file_new_for_uri (file)
                                                   : g_file_new_for_path (file);
  gchar *text   = png_text_read (source, KEYWORD, error);

  g_object_unref (source);

  return text;
}

/* ---- writing ------------------------------------------------------------- */

static gchar *
text_of_candidate (const Candidate *candidate)
{
  const EngineRequest *request = &candidate->request;
  GString             *text    = g_string_new (candidate->prompt);
  gchar               *base    = g_path_get_basename (candidate->model_path);
  gchar               *shown   = g_filename_display_name (base);
  gchar               *ending  = strrchr (shown, '.');
  gboolean             is_new  = candidate->settings.mode == EDIT_TEXT_TO_IMAGE;
  gchar                cfg[32], strength[32];

  if (ending)
    *ending = '\0';
  g_ascii_formatd (cfg, sizeof cfg, "%.6g", request->cfg);
  g_ascii_formatd (strength, sizeof strength, "%.6g", candidate->settings.strength);
  if (candidate->negative_prompt[0])
    g_string_append_printf (text, "\nNegative prompt: %s", candidate->negative_prompt);
  g_string_append_printf (text,
                          "\nSteps: %d, Sampler: %s, Schedule type: %s, CFG scale: %s, "
                          "Seed: %" G_GUINT64_FORMAT ", Size: %dx%d",
                          request->steps, engine_sampler_label (request->sampler),
                          engine_schedule_label (request->schedule), cfg, request->seed,
                          is_new ? candidate->settings.width : candidate->plan.work_width,
                          is_new ? candidate->settings.height
                                 : candidate->plan.work_height);
  if (candidate->sha256[0])
    g_string_append_printf (text, ", Model hash: %.10s", candidate->sha256);
  if (! strpbrk (shown, ",:\""))
    g_string_append_printf (text, ", Model: %s", shown);
  if (candidate->settings.mode != EDIT_TEXT_TO_IMAGE &&
      candidate->settings.mode != EDIT_INSTRUCT)
    g_string_append_printf (text, ", Denoising strength: %s", strength);
  if (request->noise == ENGINE_NOISE_CPU)
    g_string_append (text, ", RNG: CPU");
  g_string_append (text, ", Version: gimp-diffusion " ENGINE_VERSION);
  g_free (shown);
  g_free (base);

  return g_string_free (text, FALSE);
}

GimpParasite *
parameters_parasite (const Candidate *candidate)
{
  gchar        *text = text_of_candidate (candidate);
  const gchar  *chunk;
  GBytes       *data = png_text_chunk (KEYWORD, text, &chunk);
  gchar        *name = g_strconcat ("png/", chunk, NULL);
  GimpParasite *parasite;

  /* GIMP's PNG export writes what is called so as a chunk of that name. */
  parasite = gimp_parasite_new (name, GIMP_PARASITE_PERSISTENT | GIMP_PARASITE_UNDOABLE,
                                g_bytes_get_size (data), g_bytes_get_data (data, NULL));
  g_free (name);
  g_bytes_unref (data);
  g_free (text);

  return parasite;
}
