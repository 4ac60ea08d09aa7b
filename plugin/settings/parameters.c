/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "parameters.h"

#include "arguments.h"
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

/* Every setting of a text at one end of its range or at the other, so that what stays as it
 * was can be told. */
static Settings
unlike (gboolean high)
{
  Settings       settings = settings_default (EDIT_TEXT_TO_IMAGE);
  const Setting *setting;

  for (gint i = 0; (setting = settings_at (i)); i++)
    if (setting->in_text && setting->names)
      settings_set (&settings, setting, high);
    else if (setting->in_text && setting->type != SETTING_SEED)
      settings_set (&settings, setting, high ? setting->high : setting->low);
  settings.request.seed = high ? G_MAXUINT64 : G_MAXUINT64 - 1;

  return settings;
}

/* Some fields are in EngineRequest and in EditSettings. */
static void
to_request (Settings *settings)
{
  settings->request.width    = settings->edit.width;
  settings->request.height   = settings->edit.height;
  settings->request.strength = settings->edit.strength;
  settings->request.tile_x   = settings->edit.tile_x;
  settings->request.tile_y   = settings->edit.tile_y;
}

static void
from_request (Settings *settings)
{
  settings->edit.width    = settings->request.width;
  settings->edit.height   = settings->request.height;
  settings->edit.strength = settings->request.strength;
  settings->edit.tile_x   = settings->request.tile_x;
  settings->edit.tile_y   = settings->request.tile_y;
}

/* The prompts of `recipe' live until it is cleared. */
static gboolean
read_over (Settings     *settings,
           const gchar  *text,
           Recipe       *recipe,
           GError      **error)
{
  EngineError failure = { 0 };

  to_request (settings);
  if (! recipe_read (recipe, text, strlen (text), &settings->request, &failure))
    {
      g_set_error_literal (error, GIMP_PLUG_IN_ERROR, 0, failure.message);
      return FALSE;
    }
  settings->request = recipe->request;
  from_request (settings);

  return TRUE;
}

Parameters *
parameters_read (const gchar  *text,
                 GError      **error)
{
  Parameters *parameters = g_new0 (Parameters, 1);
  Recipe      first      = { 0 };
  Recipe      second     = { 0 };

  parameters->settings = unlike (FALSE);
  parameters->without  = unlike (TRUE);
  if (read_over (&parameters->settings, text, &first, error) &&
      read_over (&parameters->without, text, &second, error))
    {
      parameters->prompt          = g_strdup (first.request.prompt ? first.request.prompt
                                                                   : "");
      parameters->negative_prompt = g_strdup (first.request.negative_prompt
                                              ? first.request.negative_prompt : "");
    }
  else
    {
      g_clear_pointer (&parameters, parameters_free);
    }
  recipe_clear (&first);
  recipe_clear (&second);

  return parameters;
}

gboolean
parameters_have (const Parameters *parameters,
                 const Setting    *setting)
{
  if (! setting->in_text)
    return FALSE;
  if (setting->type == SETTING_SEED)
    return parameters->settings.request.seed == parameters->without.request.seed &&
           parameters->settings.request.seed <= (guint64) SEED_MAX;

  return settings_get (&parameters->settings, setting) ==
         settings_get (&parameters->without, setting);
}

static gboolean
is_wanted (const Setting *setting,
           gpointer       user)
{
  return parameters_have (user, setting);
}

gboolean
parameters_use (GimpProcedureConfig  *config,
                const gchar          *text,
                GError              **error)
{
  Parameters *parameters = parameters_read (text, error);

  if (! parameters)
    return FALSE;

  g_object_set (config, "prompt", parameters->prompt, "negative-prompt",
                parameters->negative_prompt, NULL);
  arguments_write (config, &parameters->settings, is_wanted, parameters);
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
