/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "parameters.h"

#include "names.h"
#include "png_text.h"
#include "recipe.h"

#include <string.h>

void
parameters_free (Parameters *parameters)
{
  if (! parameters)
    return;

  g_free (parameters->prompt);
  g_free (parameters->negative_prompt);
  g_free (parameters);
}

Parameters *
parameters_read (const gchar  *text,
                 GError      **error)
{
  EngineRequest  base    = engine_request_default (NULL);
  EngineError    failure = { 0 };
  Recipe         recipe  = { 0 };
  Parameters    *parameters;

  /* What stays as it is was not in the text. */
  base.seed   = G_MAXUINT64;
  base.steps  = 0;
  base.cfg    = -1.0f;
  base.width  = 0;
  base.height = 0;
  if (! recipe_read (&recipe, text, strlen (text), &base, &failure))
    {
      recipe_clear (&recipe);
      g_set_error_literal (error, GIMP_PLUG_IN_ERROR, 0, failure.message);
      return NULL;
    }

  parameters                  = g_new0 (Parameters, 1);
  parameters->prompt          = g_strdup (recipe.request.prompt ? recipe.request.prompt
                                                                : "");
  parameters->negative_prompt = g_strdup (recipe.request.negative_prompt
                                          ? recipe.request.negative_prompt : "");
  parameters->seed            = recipe.request.seed <= (guint64) SEED_MAX
                                ? (gdouble) recipe.request.seed : -1.0;
  parameters->steps           = recipe.request.steps;
  parameters->sampler         = engine_sampler_name (recipe.request.sampler);
  parameters->schedule        = engine_schedule_name (recipe.request.schedule);
  parameters->noise           = names_name (noise_names, recipe.request.noise);
  parameters->clip_skip       = CLAMP (recipe.request.clip_skip, 0, 12);
  parameters->cfg             = recipe.request.cfg;
  parameters->width           = recipe.request.width;
  parameters->height          = recipe.request.height;
  recipe_clear (&recipe);

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
  g_object_set (config,
                "sampler",   parameters->sampler,
                "schedule",  parameters->schedule,
                "noise",     parameters->noise,
                "clip-skip", parameters->clip_skip,
                NULL);
  if (parameters->cfg >= 0.0)
    g_object_set (config, "cfg", parameters->cfg, NULL);
  if (has (config, "width") && parameters->width && parameters->height)
    g_object_set (config,
                  "width",  parameters->width,
                  "height", parameters->height,
                  NULL);
}

gboolean
parameters_use (GimpProcedureConfig  *config,
                const gchar          *text,
                GError              **error)
{
  Parameters *parameters = parameters_read (text, error);

  if (! parameters)
    return FALSE;

  parameters_to_config (parameters, config);
  parameters_free (parameters);

  return TRUE;
}

gchar *
parameters_of_file (const gchar  *file,
                    GError      **error)
{
  GFile *source = g_str_has_prefix (file, "file:") ? g_file_new_for_uri (file)
                                                   : g_file_new_for_path (file);
  gchar *text   = png_text_read (source, PARAMETERS_KEYWORD, error);

  g_object_unref (source);

  return text;
}
