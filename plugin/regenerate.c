/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "regenerate.h"

#include "unattended.h"
#include "dialog/dialog.h"
#include "failure.h"
#include "settings/modes.h"

#include "intl.h"

/* ---- a layer again ------------------------------------------------------- */

/* The chosen layer that has a record; a group of candidates stands for the visible one
 * in it. */
static GimpLayer *
layer_with_record (GimpDrawable **drawables)
{
  GimpLayer *layer = NULL;

  if (! drawables || ! drawables[0])
    return NULL;

  if (GIMP_IS_LAYER_MASK (drawables[0]))
    layer = gimp_layer_from_mask (GIMP_LAYER_MASK (drawables[0]));
  else if (GIMP_IS_LAYER (drawables[0]))
    layer = GIMP_LAYER (drawables[0]);
  if (layer && gimp_item_is_group (GIMP_ITEM (layer)))
    {
      GimpItem **children = gimp_item_get_children (GIMP_ITEM (layer));

      for (gint i = 0; children && children[i]; i++)
        if (gimp_item_get_visible (children[i]))
          {
            layer = GIMP_LAYER (children[i]);
            break;
          }
      g_free (children);
    }

  return layer;
}

static void
override (GimpProcedureConfig *config,
          GimpProcedureConfig *arguments)
{
  gchar    *prompt   = NULL;
  gchar    *model    = NULL;
  gboolean  new_seed = FALSE;
  gint      count    = 1;

  g_object_get (arguments, "prompt", &prompt, "model", &model, "new-seed", &new_seed,
                "count", &count, NULL);
  if (prompt && prompt[0])
    g_object_set (config, "prompt", prompt, NULL);
  if (model && model[0])
    g_object_set (config, "model", model, NULL);
  if (new_seed)
    g_object_set (config, "seed", -1.0, NULL);
  g_object_set (config, "count", count, NULL);
  g_free (prompt);
  g_free (model);
}

static GimpValueArray *
run_again (GimpProcedure        *procedure,
           GimpRunMode           run_mode,
           GimpImage            *image,
           GimpLayer            *layer,
           GimpProcedureConfig  *arguments,
           const Record         *record)
{
  GimpPlugIn          *plug_in      = gimp_procedure_get_plug_in (procedure);
  GimpDrawable        *drawables[2] = { GIMP_DRAWABLE (layer), NULL };
  GimpProcedureConfig *config;
  GimpProcedure       *of_mode;
  GimpValueArray      *values;
  GBytes              *selection = record_selection (layer, record);
  Run                 *run;

  of_mode = GIMP_PLUG_IN_GET_CLASS (plug_in)->create_procedure (
    plug_in, modes_of (record->settings.mode)->procedure);
  config  = gimp_procedure_create_config (of_mode);
  record_to_config (record, config);
  override (config, arguments);

  run            = run_new (procedure, config, run_mode, record->settings.mode, image,
                            drawables);
  run->replay    = record;
  run->hidden    = layer;
  run->selection = selection;
  if (run_mode == GIMP_RUN_INTERACTIVE)
    {
      values = dialog_run (run);
    }
  else
    {
      values = unattended_run (run, procedure);
      run_free (run);
    }

  g_clear_pointer (&selection, g_bytes_unref);
  g_object_unref (config);
  g_object_unref (of_mode);

  return values;
}

GimpValueArray *
regenerate_procedure (GimpProcedure        *procedure,
                      GimpRunMode           run_mode,
                      GimpImage            *image,
                      GimpDrawable        **drawables,
                      GimpProcedureConfig  *config,
                      gpointer              data G_GNUC_UNUSED)
{
  GimpLayer      *layer  = layer_with_record (drawables);
  GimpValueArray *values = NULL;
  GError         *error  = NULL;
  Record         *record = NULL;

  if (! layer)
    g_set_error (&error, GIMP_PLUG_IN_ERROR, 0,
                 _("No layer is chosen: choose one that a Diffusion filter made."));
  else
    record = record_of_layer (layer, &error);

  if (! record)
    values = failure_values (procedure, error);
  else
    values = run_again (procedure, run_mode, image, layer, config, record);
  record_free (record);

  return values;
}
