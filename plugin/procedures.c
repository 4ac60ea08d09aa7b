/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "procedures.h"

#include "unattended.h"
#include "dialog/dialog.h"
#include "failure.h"
#include "readers.h"
#include "regenerate.h"
#include "settings/arguments.h"
#include "settings/modes.h"
#include "settings/parameters.h"

#include <string.h>

#include "intl.h"

#define ARGUMENT G_PARAM_READWRITE

/* ---- return values ------------------------------------------------------- */

static void
add_results (GimpProcedure *procedure)
{
  gimp_procedure_add_layer_return_value (procedure, "layer", _("Layer"),
    _("The new layer, or the group of them"), TRUE, ARGUMENT);
  gimp_procedure_add_image_return_value (procedure, "result-image", _("Image"),
    _("The image that has the new layer"), TRUE, ARGUMENT);
  gimp_procedure_add_double_return_value (procedure, "used-seed", _("Seed"),
    _("The first picture's seed"), -1.0, SEED_MAX, -1.0, ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "used-model", _("Model"),
    _("The name of the checkpoint's file"), "", ARGUMENT);
}

/* ---- what the modes' procedures do ---------------------------------------- */

/* The argument `parameters-from'. */
static gboolean
use_parameters_file (GimpProcedureConfig  *config,
                     GError              **error)
{
  gchar    *file = NULL;
  gchar    *text = NULL;
  gboolean  used = TRUE;

  g_object_get (config, "parameters-from", &file, NULL);
  if (file && file[0])
    {
      text = parameters_of_file (file, error);
      used = text && parameters_use (config, text, error);
    }
  g_free (text);
  g_free (file);

  return used;
}

/* The GimpRunImageFunc of all modes. */
static GimpValueArray *
run_mode_cb (GimpProcedure        *procedure,
             GimpRunMode           run_mode,
             GimpImage            *image,
             GimpDrawable        **drawables,
             GimpProcedureConfig  *config,
             gpointer              data)
{
  const Mode     *mode  = data;
  GError         *error = NULL;
  GimpValueArray *values;
  Run            *run;

  if (! image && mode->mode != EDIT_TEXT_TO_IMAGE)
    {
      g_set_error (&error, GIMP_PLUG_IN_ERROR, 0, _("There is no image to work on."));
      return failure_values (procedure, error);
    }
  if (! canvas_check (image, &error))
    return failure_values (procedure, error);

  run = run_new (procedure, config, run_mode, mode->mode, image, drawables);
  if (run_mode == GIMP_RUN_INTERACTIVE)
    return dialog_run (run);
  if (use_parameters_file (config, &error))
    values = unattended_run (run, procedure);
  else
    values = failure_values (procedure, error);
  run_free (run);

  return values;
}

/* ---- procedures ---------------------------------------------------------- */

GList *
procedures_list (void)
{
  GList *list = NULL;

  for (gint i = 0; i < MODE_COUNT; i++)
    list = g_list_append (list, g_strdup (modes_at (i)->procedure));
  list = g_list_append (list, g_strdup (PROCEDURE_REGENERATE));
  list = g_list_append (list, g_strdup (PROCEDURE_INSPECT));
  list = g_list_append (list, g_strdup (PROCEDURE_READ_PARAMETERS));

  return list;
}

static void
add_to_menu (GimpProcedure *procedure,
             const gchar   *label)
{
  gimp_procedure_set_menu_label (procedure, label);
  gimp_procedure_add_menu_path (procedure, "<Image>/Filters/Diffusion");
}

static GimpProcedure *
create_mode (GimpPlugIn *plug_in,
             const Mode *text)
{
  EditMode       mode = text->mode;
  GimpProcedure *procedure;

  procedure = gimp_image_procedure_new (plug_in, text->procedure,
                                        GIMP_PDB_PROC_TYPE_PLUGIN, run_mode_cb,
                                        (gpointer) text, NULL);
  gimp_procedure_set_image_types (procedure, "RGB*, GRAY*");
  gimp_procedure_set_sensitivity_mask (procedure,
    GIMP_PROCEDURE_SENSITIVE_DRAWABLE     |
    GIMP_PROCEDURE_SENSITIVE_DRAWABLES    |
    GIMP_PROCEDURE_SENSITIVE_NO_DRAWABLES |
    (mode == EDIT_TEXT_TO_IMAGE ? GIMP_PROCEDURE_SENSITIVE_NO_IMAGE : 0));
  gimp_procedure_set_documentation (procedure, _(text->blurb), _(text->help),
                                    text->procedure);
  add_to_menu (procedure, _(text->label));

  arguments_add (procedure, mode);
  add_results (procedure);

  return procedure;
}

static GimpProcedure *
create_regenerate (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure;

  procedure = gimp_image_procedure_new (plug_in, PROCEDURE_REGENERATE,
                                        GIMP_PDB_PROC_TYPE_PLUGIN,
                                        regenerate_procedure, NULL, NULL);
  gimp_procedure_set_image_types (procedure, "RGB*, GRAY*");
  gimp_procedure_set_sensitivity_mask (procedure, GIMP_PROCEDURE_SENSITIVE_DRAWABLE);
  gimp_procedure_set_documentation (procedure,
    _("Make a result layer's picture again"),
    _("Takes prompt, settings, selection and place from a layer that one of the Diffusion "
      "filters made, and generates again, with the same seed or a new one.  The result is "
      "a new layer above it."),
    PROCEDURE_REGENERATE);
  add_to_menu (procedure, _("_Regenerate from This Layer…"));

  gimp_procedure_add_boolean_argument (procedure, "new-seed", _("New _seed"),
    _("Make another picture with the same settings; otherwise the same again"),
    FALSE, ARGUMENT);
  gimp_procedure_add_string_argument (procedure, "prompt", _("_Prompt"),
    _("Another prompt; empty: the layer's own"),
    "", ARGUMENT);
  gimp_procedure_add_string_argument (procedure, "model", _("_Model"),
    _("Another checkpoint; empty: the layer's own"),
    "", ARGUMENT);
  gimp_procedure_add_int_argument (procedure, "count", _("Pictures"),
    _("How many to make"), 1, 64, 1, ARGUMENT);
  add_results (procedure);

  return procedure;
}

static GimpProcedure *
create_inspect (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure;

  procedure = gimp_procedure_new (plug_in, PROCEDURE_INSPECT, GIMP_PDB_PROC_TYPE_PLUGIN,
                                  readers_inspect, NULL, NULL);
  gimp_procedure_set_documentation (procedure,
    _("Tell what a model file is"),
    _("Reads the header of a .safetensors file or a diffusers folder and tells what it is "
      "and whether it can be used."),
    PROCEDURE_INSPECT);

  gimp_procedure_add_string_argument (procedure, "model", _("_Model"),
    _("The name of a file in the model folders, a full path, or a file:// address"),
    "", ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "summary", _("Summary"),
    _("One line for people"), "", ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "kind", _("Kind"),
    _("checkpoint, incomplete, unet, vae, taesd, text-encoder, lora, controlnet, "
      "embedding, upscaler, other or unknown"), "", ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "family", _("Family"),
    _("“SD 1.x”, “SD 2.x”, “SDXL” or nothing"), "", ARGUMENT);
  gimp_procedure_add_boolean_return_value (procedure, "runnable", _("Runnable"),
    _("Whether it can be used"), FALSE, ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "reason", _("Reason"),
    _("Why it cannot be used, or nothing"), "", ARGUMENT);
  gimp_procedure_add_int_return_value (procedure, "in-channels", _("Input channels"),
    _("4 for pictures, 8 for instructions, 9 for inpainting"), 0, G_MAXINT, 0, ARGUMENT);
  gimp_procedure_add_int_return_value (procedure, "native-width", _("Native width"),
    _("What it was trained for, in pixels"), 0, G_MAXINT, 0, ARGUMENT);
  gimp_procedure_add_int_return_value (procedure, "native-height", _("Native height"),
    _("What it was trained for, in pixels"), 0, G_MAXINT, 0, ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "precision", _("Precision"),
    _("How its numbers are stored"), "", ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "sha256", "SHA-256",
    _("Of the whole file, 64 hexadecimal digits, or nothing for a folder"), "", ARGUMENT);

  return procedure;
}

static GimpProcedure *
create_read_parameters (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure;

  procedure = gimp_procedure_new (plug_in, PROCEDURE_READ_PARAMETERS,
                                  GIMP_PDB_PROC_TYPE_PLUGIN,
                                  readers_parameters, NULL, NULL);
  gimp_procedure_set_documentation (procedure,
    _("Read prompt and settings from a PNG file"),
    _("Reads the “parameters” text that this and other programs write into PNG files."),
    PROCEDURE_READ_PARAMETERS);

  gimp_procedure_add_string_argument (procedure, "file", _("_File"),
    _("A full path or a file:// address"), "", ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "text", _("Text"),
    _("As it stands in the file"), "", ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "prompt", _("Prompt"),
    _("What should be there"), "", ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "negative-prompt",
    _("Negative prompt"), _("What should not be there"), "", ARGUMENT);
  gimp_procedure_add_double_return_value (procedure, "seed", _("Seed"),
    _("-1: not in the text"), -1.0, SEED_MAX, -1.0, ARGUMENT);
  gimp_procedure_add_int_return_value (procedure, "steps", _("Steps"),
    _("0: not in the text"), 0, 1000, 0, ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "sampler", _("Sampler"),
    _("As the procedures name it"), "", ARGUMENT);
  gimp_procedure_add_string_return_value (procedure, "schedule", _("Schedule"),
    _("As the procedures name it"), "", ARGUMENT);
  gimp_procedure_add_double_return_value (procedure, "cfg", _("Guidance"),
    _("-1: not in the text"), -100.0, 100.0, -1.0, ARGUMENT);

  return procedure;
}

GimpProcedure *
procedures_create (GimpPlugIn  *plug_in,
                   const gchar *name)
{
  GimpProcedure *procedure = NULL;

  if (modes_of_procedure (name))
    procedure = create_mode (plug_in, modes_of_procedure (name));
  if (! strcmp (name, PROCEDURE_REGENERATE))
    procedure = create_regenerate (plug_in);
  if (! strcmp (name, PROCEDURE_INSPECT))
    procedure = create_inspect (plug_in);
  if (! strcmp (name, PROCEDURE_READ_PARAMETERS))
    procedure = create_read_parameters (plug_in);

  if (procedure)
    gimp_procedure_set_attribution (procedure, "The gimp-diffusion authors",
                                    "The gimp-diffusion authors", "2026");

  return procedure;
}
