/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "keys.h"

/* The keys of the two bools behind SETTING_TILES. */
static const gchar *const tile_keys[2] = { "tile-x", "tile-y" };

/* Shortest text that reads back as the same float. */
static void
write_float (GKeyFile    *file,
             const gchar *group,
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
  g_key_file_set_value (file, group, key, text);
}

static void
write_key (GKeyFile      *file,
           const gchar   *group,
           const Setting *setting,
           gdouble        value)
{
  switch (setting->type)
    {
    case SETTING_WHOLE:
      g_key_file_set_integer (file, group, setting->name, (gint) value);
      break;
    case SETTING_NUMBER:
      write_float (file, group, setting->name, (gfloat) value);
      break;
    case SETTING_SWITCH:
      g_key_file_set_boolean (file, group, setting->name, value != 0);
      break;
    case SETTING_CHOICE:
      g_key_file_set_string (file, group, setting->name,
                             names_name (setting->names, (gint) value));
      break;
    case SETTING_TILES:
      for (gint i = 0; i < 2; i++)
        g_key_file_set_boolean (file, group, tile_keys[i], ((gint) value >> i & 1) != 0);
      break;
    case SETTING_SEED:
    case SETTING_TEXT:
      break;
    }
}

void
keys_write (GKeyFile       *file,
            const gchar    *group,
            const Settings *settings)
{
  const Setting *setting;

  for (gint i = 0; (setting = settings_at (i)); i++)
    {
      if (! setting->recorded)
        continue;
      if (setting->type == SETTING_SEED) /* all of its digits */
        g_key_file_set_uint64 (file, group, setting->name, settings->request.seed);
      else
        write_key (file, group, setting, settings_get (settings, setting));
    }
}

static void
read_number (GKeyFile      *file,
             const gchar   *group,
             const Setting *setting,
             Settings      *settings)
{
  GError  *error = NULL;
  gdouble  value = g_key_file_get_double (file, group, setting->name, &error);

  if (! error && value == value)
    settings_set (settings, setting, CLAMP (value, setting->low, setting->high));
  g_clear_error (&error);
}

static void
read_choice (GKeyFile      *file,
             const gchar   *group,
             const Setting *setting,
             Settings      *settings)
{
  gchar *name  = g_key_file_get_string (file, group, setting->name, NULL);
  gint   value = names_value (setting->names, name);

  if (value >= 0)
    settings_set (settings, setting, value);
  g_free (name);
}

static void
read_key (GKeyFile      *file,
          const gchar   *group,
          const Setting *setting,
          Settings      *settings)
{
  gint tiles = 0;

  switch (setting->type)
    {
    case SETTING_WHOLE:
    case SETTING_NUMBER:
      read_number (file, group, setting, settings);
      break;
    case SETTING_SWITCH:
      if (g_key_file_has_key (file, group, setting->name, NULL))
        settings_set (settings, setting,
                      g_key_file_get_boolean (file, group, setting->name, NULL));
      break;
    case SETTING_CHOICE:
      read_choice (file, group, setting, settings);
      break;
    case SETTING_TILES:
      for (gint i = 0; i < 2; i++)
        tiles += g_key_file_get_boolean (file, group, tile_keys[i], NULL) << i;
      settings_set (settings, setting, tiles);
      break;
    case SETTING_SEED:
      settings->request.seed = g_key_file_get_uint64 (file, group, setting->name, NULL);
      break;
    case SETTING_TEXT:
      break;
    }
}

void
keys_read (GKeyFile    *file,
           const gchar *group,
           Settings    *settings)
{
  const Setting *setting;

  for (gint i = 0; (setting = settings_at (i)); i++)
    if (setting->recorded)
      read_key (file, group, setting, settings);
}
