/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "procedures.h"

#include "batch.h"
#include "dialog/dialog.h"
#include "failure.h"
#include "readers.h"
#include "regenerate.h"
#include "settings/modes.h"
#include "settings/parameters.h"

#include <string.h>

#include "intl.h"

#define ARGUMENT G_PARAM_READWRITE

/* ---- arguments, each declared once --------------------------------------- */

static void
add_prompts (GimpProcedure *procedure,
             EditMode       mode)
{
  gimp_procedure_add_string_argument (procedure, "prompt", _("_Prompt"),
    mode == EDIT_INSTRUCT
    ? _("What to do with the picture, in English: “make it winter”")
    : _("What should be there, in English. (word:1.3) gives weight, {a|b} picks one by "
        "the seed, # begins a comment"),
    "", ARGUMENT);
  gimp_procedure_add_string_argument (procedure, "negative-prompt", _("_Negative prompt"),
    _("What should not be there"),
    "", ARGUMENT);
}

static void
add_model (GimpProcedure *procedure)
{
  gimp_procedure_add_string_argument (procedure, "model", _("_Model"),
    _("A checkpoint: its name in the model folders, its full path, or a file:// address; "
      "empty: the one that fits best"),
    "", ARGUMENT);
}

static void
add_sampling (GimpProcedure *procedure)
{
  EngineRequest  request   = engine_request_default (NULL);
  GimpChoice    *samplers  = gimp_choice_new ();
  GimpChoice    *schedules = gimp_choice_new ();

  for (gint i = 0; i < ENGINE_SAMPLER_COUNT; i++)
    gimp_choice_add (samplers, engine_sampler_name (i), i, engine_sampler_label (i), NULL);
  for (gint i = 0; i < ENGINE_SCHEDULE_COUNT; i++)
    gimp_choice_add (schedules, engine_schedule_name (i), i, engine_schedule_label (i),
                     NULL);

  gimp_procedure_add_int_argument (procedure, "steps", _("Steps"),
    _("More steps take longer and show more detail, up to a point"),
    1, 1000, request.steps, ARGUMENT);
  gimp_procedure_add_choice_argument (procedure, "sampler", _("Sampler"),
    _("The way from noise to picture"),
    samplers, engine_sampler_name (request.sampler), ARGUMENT);
  gimp_procedure_add_choice_argument (procedure, "schedule", _("Schedule"),
    _("How the noise levels are spread over the steps"),
    schedules, engine_schedule_name (request.schedule), ARGUMENT);
  gimp_procedure_add_double_argument (procedure, "cfg", _("Guidance"),
    _("How strictly the prompt is followed; 1 ignores the negative prompt and is twice as "
      "quick"),
    0.0, 100.0, request.cfg, ARGUMENT);
  gimp_procedure_add_double_argument (procedure, "cfg-rescale", _("Rescale"),
    _("Takes overexposure out of strong guidance"),
    0.0, 1.0, request.cfg_rescale, ARGUMENT);
  gimp_procedure_add_double_argument (procedure, "seed", _("Seed"),
    _("The same seed and settings make the same picture; -1 takes a random one"),
    -1.0, SEED_MAX, -1.0, ARGUMENT);
  gimp_procedure_add_choice_argument (procedure, "noise", _("Noise"),
    _("Where another program would have made the noise of this seed"),
    gimp_choice_new_with_values ("gpu", ENGINE_NOISE_GPU, _("Graphics card"), NULL,
                                 "cpu", ENGINE_NOISE_CPU, _("Processor"), NULL,
                                 NULL),
    "gpu", ARGUMENT);
  gimp_procedure_add_int_argument (procedure, "clip-skip", _("CLIP skip"),
    _("0 as the model was trained, 1 the text encoder's last layer, 2 the one before"),
    0, 12, request.clip_skip, ARGUMENT);
  gimp_procedure_add_int_argument (procedure, "count", _("Pictures"),
    _("How many to make, with seeds that follow each other; several come as a layer "
      "group"),
    1, 64, 1, ARGUMENT);
}

static void
add_size (GimpProcedure *procedure)
{
  gimp_procedure_add_int_argument (procedure, "width", _("_Width"),
    _("In pixels, a multiple of 8; 0 is what the model was trained for"),
    0, 16384, 0, ARGUMENT);
  gimp_procedure_add_int_argument (procedure, "height", _("Height"),
    _("In pixels, a multiple of 8; 0 is what the model was trained for"),
    0, 16384, 0, ARGUMENT);
}

static void
add_tiling (GimpProcedure *procedure)
{
  gimp_procedure_add_choice_argument (procedure, "tile", _("Tileable"),
    _("Which opposite edges fit together"),
    gimp_choice_new_with_values ("none", 0, _("No"), NULL,
                                 "x", 1, _("Left and right"), NULL,
                                 "y", 2, _("Top and bottom"), NULL,
                                 "xy", 3, _("Both"), NULL,
                                 NULL),
    "none", ARGUMENT);
}

static void
add_strength (GimpProcedure *procedure,
              EditMode       mode)
{
  gimp_procedure_add_double_argument (procedure, "strength", _("St_rength"),
    _("0 keeps the picture, 1 makes it new"),
    0.0, 1.0, edit_settings_default (mode).strength, ARGUMENT);
}

static void
add_intent (GimpProcedure *procedure)
{
  gimp_procedure_add_choice_argument (procedure, "intent", _("In_tent"),
    _("What should become of the selected place"),
    gimp_choice_new_with_values (
      "fill", EDIT_FILL, _("Fill"), _("Fill it so that it fits its surroundings"),
      "add", EDIT_ADD, _("Add"), _("Put something new there"),
      "remove", EDIT_REMOVE, _("Remove"), _("Continue the surroundings"),
      "refine", EDIT_REFINE, _("Refine"), _("Keep what is there and work it out"),
      "background", EDIT_BACKGROUND, _("Background"),
      _("Replace what is around the selected thing"),
      NULL),
    "fill", ARGUMENT);
}

static void
add_sides (GimpProcedure *procedure)
{
  gimp_procedure_add_int_argument (procedure, "left", _("_Left"),
    _("Pixels to add on the left"), 0, 16384, 0, ARGUMENT);
  gimp_procedure_add_int_argument (procedure, "right", _("_Right"),
    _("Pixels to add on the right"), 0, 16384, 0, ARGUMENT);
  gimp_procedure_add_int_argument (procedure, "top", _("_Top"),
    _("Pixels to add at the top"), 0, 16384, 0, ARGUMENT);
  gimp_procedure_add_int_argument (procedure, "bottom", _("_Bottom"),
    _("Pixels to add at the bottom"), 0, 16384, 0, ARGUMENT);
}

static void
add_editing (GimpProcedure *procedure)
{
  gimp_procedure_add_choice_argument (procedure, "edge-mode", _("Edge"),
    _("What happens at the border of the selection"),
    gimp_choice_new_with_values (
      "blend", EDIT_BLEND, _("Blend"), _("Grow a little over the border and fade out"),
      "keep-inside", EDIT_KEEP_INSIDE, _("Keep inside"),
      _("Change nothing outside the selection"),
      "as-drawn", EDIT_AS_DRAWN, _("As drawn"),
      _("Use the selection's own softness: half selected is half changed"),
      NULL),
    "blend", ARGUMENT);
  gimp_procedure_add_choice_argument (procedure, "context", _("Conte_xt"),
    _("How much around the selection the model sees"),
    gimp_choice_new_with_values (
      "auto", EDIT_CONTEXT_AUTO, _("Automatic"), NULL,
      "selection", EDIT_CONTEXT_SELECTION, _("The selection"), NULL,
      "whole", EDIT_CONTEXT_WHOLE, _("The whole image"), NULL,
      "pixels", EDIT_CONTEXT_PIXELS, _("So many pixels around"), NULL,
      NULL),
    "auto", ARGUMENT);
  gimp_procedure_add_int_argument (procedure, "context-pixels", _("Pixels"),
    _("How many pixels around the selection the model sees, for that kind of context"),
    0, 16384, 64, ARGUMENT);
  gimp_procedure_add_choice_argument (procedure, "source", _("Model sees"),
    _("Which part of the image the model sees"),
    gimp_choice_new_with_values (
      "visible", CANVAS_VISIBLE, _("All that is visible"), NULL,
      "layers", CANVAS_LAYERS, _("The chosen layers"), NULL,
      "layer", CANVAS_LAYER, _("The first chosen layer's own pixels"), NULL,
      NULL),
    "visible", ARGUMENT);
  gimp_procedure_add_boolean_argument (procedure, "colour-match", _("Match colors"),
    _("Bring the result to the colors of its surroundings"),
    TRUE, ARGUMENT);
  gimp_procedure_add_boolean_argument (procedure, "keep-transparency",
    _("Keep transparency"),
    _("The result is as transparent as the picture was"),
    FALSE, ARGUMENT);
}

static void
add_record (GimpProcedure *procedure)
{
  gimp_procedure_add_boolean_argument (procedure, "parameters",
    _("Write settings into exported PNG"),
    _("Gives the image a text with prompt and settings that goes into a PNG export, as "
      "other programs write it"),
    FALSE, ARGUMENT);
  gimp_procedure_add_string_argument (procedure, "parameters-from",
    _("Settings from"),
    _("A PNG file with such a text: its prompt and settings are used in place of those "
      "above"),
    "", ARGUMENT);
}

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
    values = batch_run (run, procedure);
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

  add_prompts (procedure, mode);
  add_model (procedure);
  if (mode == EDIT_TEXT_TO_IMAGE)
    add_size (procedure);
  if (mode == EDIT_INPAINT)
    add_intent (procedure);
  if (mode == EDIT_OUTPAINT)
    add_sides (procedure);
  if (mode != EDIT_TEXT_TO_IMAGE && mode != EDIT_INSTRUCT)
    add_strength (procedure, mode);
  add_sampling (procedure);
  if (mode == EDIT_INSTRUCT)
    gimp_procedure_add_double_argument (procedure, "image-cfg", _("Image guidance"),
      _("How closely the picture is kept"),
      0.0, 100.0, engine_request_default (NULL).image_cfg, ARGUMENT);
  if (mode == EDIT_TEXT_TO_IMAGE)
    add_tiling (procedure);
  else
    add_editing (procedure);
  add_record (procedure);
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
    _("-1: not in the text"), -1.0, 100.0, -1.0, ARGUMENT);

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
