/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "readers.h"

#include "failure.h"
#include "models/model_store.h"
#include "settings/parameters.h"

#include "intl.h"

/* ---- what a file is ------------------------------------------------------ */

GimpValueArray *
readers_inspect (GimpProcedure       *procedure,
                 GimpProcedureConfig *config,
                 gpointer             data G_GNUC_UNUSED)
{
  EngineModelInfo  info;
  GimpValueArray  *values;
  GError          *error  = NULL;
  gchar           *folder = g_path_get_dirname (gimp_get_progname ());
  ModelStore      *store  = model_store_new (folder);
  gchar           *wanted = NULL;
  gchar           *path;
  gchar            sha256[65];

  g_object_get (config, "model", &wanted, NULL);
  path = model_store_choose (store, wanted, EDIT_TEXT_TO_IMAGE, 1.0, &info, &error);
  if (! path)
    {
      values = failure_values (procedure, error);
    }
  else
    {
      model_store_hash (path, sha256, NULL);
      values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
      GIMP_VALUES_SET_STRING (values, 1, info.summary);
      GIMP_VALUES_SET_STRING (values, 2, choice_name (choices_file_kinds, info.kind));
      GIMP_VALUES_SET_STRING (values, 3, info.family);
      GIMP_VALUES_SET_BOOLEAN (values, 4, info.runnable);
      GIMP_VALUES_SET_STRING (values, 5, info.reason);
      GIMP_VALUES_SET_INT (values, 6, info.in_channels);
      GIMP_VALUES_SET_INT (values, 7, info.native_width);
      GIMP_VALUES_SET_INT (values, 8, info.native_height);
      GIMP_VALUES_SET_STRING (values, 9, info.precision);
      GIMP_VALUES_SET_STRING (values, 10, sha256);
    }
  g_free (path);
  g_free (wanted);
  model_store_free (store);
  g_free (folder);

  return values;
}

/* ---- settings out of a picture ------------------------------------------- */

static gdouble
number_of (const Parameters *parameters,
           const gchar      *name,
           gdouble           otherwise)
{
  const Setting *setting = settings_find (EDIT_TEXT_TO_IMAGE, name);

  return parameters_have (parameters, setting)
         ? settings_get (&parameters->settings, setting) : otherwise;
}

static const gchar *
name_of (const Parameters *parameters,
         const gchar      *name)
{
  const Setting *setting = settings_find (EDIT_TEXT_TO_IMAGE, name);

  return names_name (setting->names, (gint) number_of (parameters, name, -1));
}

GimpValueArray *
readers_parameters (GimpProcedure       *procedure,
                    GimpProcedureConfig *config,
                    gpointer             data G_GNUC_UNUSED)
{
  GimpValueArray *values;
  GError         *error      = NULL;
  Parameters     *parameters = NULL;
  gchar          *file       = NULL;
  gchar          *text;

  g_object_get (config, "file", &file, NULL);
  text = parameters_of_file (file ? file : "", &error);
  if (text)
    parameters = parameters_read (text, &error);
  if (! parameters)
    {
      values = failure_values (procedure, error);
    }
  else
    {
      values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
      GIMP_VALUES_SET_STRING (values, 1, text);
      GIMP_VALUES_SET_STRING (values, 2, parameters->prompt);
      GIMP_VALUES_SET_STRING (values, 3, parameters->negative_prompt);
      GIMP_VALUES_SET_DOUBLE (values, 4, number_of (parameters, "seed", -1));
      GIMP_VALUES_SET_INT (values, 5, (gint) number_of (parameters, "steps", 0));
      GIMP_VALUES_SET_STRING (values, 6, name_of (parameters, "sampler"));
      GIMP_VALUES_SET_STRING (values, 7, name_of (parameters, "schedule"));
      GIMP_VALUES_SET_DOUBLE (values, 8, number_of (parameters, "cfg", -1));
    }
  parameters_free (parameters);
  g_free (text);
  g_free (file);

  return values;
}
