/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "arguments.h"

#include <math.h>

#include "intl.h"

#define ARGUMENT G_PARAM_READWRITE

/* ---- a procedure's ------------------------------------------------------- */

static void
add_choice (GimpProcedure *procedure,
            const Setting *setting,
            gint           usual)
{
  GimpChoice *choice = gimp_choice_new ();
  NameText    text;

  for (gint i = 0; names_at (setting->names, i, &text); i++)
    gimp_choice_add (choice, names_name (setting->names, text.value), text.value,
                     _(text.label), text.help ? _(text.help) : NULL);
  gimp_procedure_add_choice_argument (procedure, setting->name, _(setting->label),
                                      _(setting->help), choice,
                                      names_name (setting->names, usual), ARGUMENT);
}

static void
add_argument (GimpProcedure  *procedure,
              const Setting  *setting,
              const Settings *usual)
{
  const gchar *name  = setting->name;
  const gchar *label = _(setting->label);
  const gchar *help  = _(setting->help);
  gdouble      value = setting->field ? settings_get (usual, setting) : 0;

  switch (setting->type)
    {
    case SETTING_TEXT:
      gimp_procedure_add_string_argument (procedure, name, label, help, "", ARGUMENT);
      break;
    case SETTING_WHOLE:
      gimp_procedure_add_int_argument (procedure, name, label, help, (gint) setting->low,
                                       (gint) setting->high, (gint) value, ARGUMENT);
      break;
    case SETTING_NUMBER:
      gimp_procedure_add_double_argument (procedure, name, label, help, setting->low,
                                          setting->high, value, ARGUMENT);
      break;
    case SETTING_SEED:
      /* GObject takes what is out of range for the nearest that is in it, and the nearest
       * to -2 would be a random one: arguments_check () refuses it. */
      gimp_procedure_add_double_argument (procedure, name, label, help, -G_MAXDOUBLE,
                                          G_MAXDOUBLE, -1, ARGUMENT);
      break;
    case SETTING_SWITCH:
      gimp_procedure_add_boolean_argument (procedure, name, label, help, value != 0,
                                           ARGUMENT);
      break;
    case SETTING_CHOICE:
    case SETTING_TILES:
      add_choice (procedure, setting, (gint) value);
      break;
    }
}

void
arguments_add (GimpProcedure *procedure,
               EditMode       mode)
{
  Settings       usual = settings_default (mode);
  const Setting *setting;

  for (gint i = 0; (setting = settings_at (i)); i++)
    if (settings_has (setting, mode))
      add_argument (procedure, setting, &usual);
}

/* ---- a config's ---------------------------------------------------------- */

static gboolean
has (GimpProcedureConfig *config,
     const gchar         *name)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (config), name) != NULL;
}

gchar *
arguments_get_text (GimpProcedureConfig *config,
                    const gchar         *name)
{
  gchar *text = NULL;

  if (has (config, name))
    g_object_get (config, name, &text, NULL);

  return text ? text : g_strdup ("");
}

static gdouble
get_double (GimpProcedureConfig *config,
            const gchar         *name)
{
  gdouble value;

  g_object_get (config, name, &value, NULL);

  return value;
}

static gboolean
check_seed (gdouble   seed,
            GError  **error)
{
  if (seed != floor (seed))
    g_set_error (error, GIMP_PLUG_IN_ERROR, 0, _("The seed must be a whole number."));
  else if (seed < -1 || seed > SEED_MAX)
    g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                 _("The seed must be -1, for a random one, or from 0 to 9007199254740991."));
  else
    return TRUE;

  return FALSE;
}

/* GIMP checks ranges, but a comparison with NaN lets it through. */
gboolean
arguments_check (GimpProcedureConfig  *config,
                 EditMode              mode,
                 GError              **error)
{
  const Setting *setting;

  for (gint i = 0; (setting = settings_at (i)); i++)
    {
      if (! settings_has (setting, mode) ||
          (setting->type != SETTING_NUMBER && setting->type != SETTING_SEED))
        continue;
      if (! isfinite (get_double (config, setting->name)))
        {
          g_set_error (error, GIMP_PLUG_IN_ERROR, 0, _("“%s” is not a number."),
                       setting->name);
          return FALSE;
        }
      if (setting->type == SETTING_SEED &&
          ! check_seed (get_double (config, setting->name), error))
        return FALSE;
    }

  return TRUE;
}

static gint
get_choice (GimpProcedureConfig *config,
            const Setting       *setting)
{
  gchar *name  = arguments_get_text (config, setting->name);
  gint   value = names_value (setting->names, name);

  g_free (name);

  return value;
}

static void
read_argument (GimpProcedureConfig *config,
               const Setting       *setting,
               Settings            *settings)
{
  gdouble value = 0;

  switch (setting->type)
    {
    case SETTING_TEXT:
      return;
    case SETTING_WHOLE:
      {
        gint whole;

        g_object_get (config, setting->name, &whole, NULL);
        value = whole;
      }
      break;
    case SETTING_NUMBER:
      value = get_double (config, setting->name);
      break;
    case SETTING_SEED:
      value = get_double (config, setting->name);
      if (value < 0)
        value = (gdouble) g_random_int ();
      break;
    case SETTING_SWITCH:
      {
        gboolean truth;

        g_object_get (config, setting->name, &truth, NULL);
        value = truth;
      }
      break;
    case SETTING_CHOICE:
    case SETTING_TILES:
      value = get_choice (config, setting);
      if (value < 0)
        return;
      break;
    }
  settings_set (settings, setting, value);
}

Settings
arguments_read (GimpProcedureConfig *config,
                EditMode             mode)
{
  Settings       settings = settings_default (mode);
  const Setting *setting;

  for (gint i = 0; (setting = settings_at (i)); i++)
    if (setting->field && settings_has (setting, mode))
      read_argument (config, setting, &settings);

  return settings;
}

static void
write_argument (GimpProcedureConfig *config,
                const Setting       *setting,
                gdouble              value)
{
  switch (setting->type)
    {
    case SETTING_WHOLE:
      g_object_set (config, setting->name, (gint) value, NULL);
      break;
    case SETTING_NUMBER:
    case SETTING_SEED:
      g_object_set (config, setting->name, value, NULL);
      break;
    case SETTING_SWITCH:
      g_object_set (config, setting->name, value != 0, NULL);
      break;
    case SETTING_CHOICE:
    case SETTING_TILES:
      g_object_set (config, setting->name, names_name (setting->names, (gint) value), NULL);
      break;
    case SETTING_TEXT:
      break;
    }
}

void
arguments_write (GimpProcedureConfig  *config,
                 const Settings       *settings,
                 gboolean           (* wanted) (const Setting *setting,
                                                gpointer       user),
                 gpointer              user)
{
  const Setting *setting;

  for (gint i = 0; (setting = settings_at (i)); i++)
    if (setting->field && has (config, setting->name) && wanted (setting, user))
      write_argument (config, setting, settings_get (settings, setting));
}
