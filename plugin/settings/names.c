/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "names.h"

#include "canvas.h"

#include "intl.h"

static const NameOf modes[] =
{
  { "text-to-image", EDIT_TEXT_TO_IMAGE, NULL, NULL },
  { "image-to-image", EDIT_IMAGE_TO_IMAGE, NULL, NULL },
  { "inpaint", EDIT_INPAINT, NULL, NULL },
  { "outpaint", EDIT_OUTPAINT, NULL, NULL },
  { "instruct", EDIT_INSTRUCT, NULL, NULL },
  { NULL, 0, NULL, NULL }
};

static const NameOf intents[] =
{
  { "fill", EDIT_FILL, N_("Fill"), N_("Fill it so that it fits its surroundings") },
  { "add", EDIT_ADD, N_("Add"), N_("Put something new there") },
  { "remove", EDIT_REMOVE, N_("Remove"), N_("Continue the surroundings") },
  { "refine", EDIT_REFINE, N_("Refine"), N_("Keep what is there and work it out") },
  { "background", EDIT_BACKGROUND, N_("Background"),
    N_("Replace what is around the selected thing") },
  { "expand", EDIT_EXPAND, NULL, NULL },
  { NULL, 0, NULL, NULL }
};

static const NameOf edges[] =
{
  { "blend", EDIT_BLEND, N_("Blend"), N_("Grow a little over the border and fade out") },
  { "keep-inside", EDIT_KEEP_INSIDE, N_("Keep inside"),
    N_("Change nothing outside the selection") },
  { "as-drawn", EDIT_AS_DRAWN, N_("As drawn"),
    N_("Use the selection's own softness: half selected is half changed") },
  { NULL, 0, NULL, NULL }
};

static const NameOf contexts[] =
{
  { "auto", EDIT_CONTEXT_AUTO, N_("Automatic"), NULL },
  { "selection", EDIT_CONTEXT_SELECTION, N_("The selection"), NULL },
  { "whole", EDIT_CONTEXT_WHOLE, N_("The whole image"), NULL },
  { "pixels", EDIT_CONTEXT_PIXELS, N_("So many pixels around"), NULL },
  { NULL, 0, NULL, NULL }
};

static const NameOf sources[] =
{
  { "visible", CANVAS_VISIBLE, N_("All that is visible"), NULL },
  { "layers", CANVAS_LAYERS, N_("The chosen layers"), NULL },
  { "layer", CANVAS_LAYER, N_("The first chosen layer's own pixels"), NULL },
  { NULL, 0, NULL, NULL }
};

static const NameOf noises[] =
{
  { "gpu", ENGINE_NOISE_GPU, N_("Graphics card"), NULL },
  { "cpu", ENGINE_NOISE_CPU, N_("Processor"), NULL },
  { NULL, 0, NULL, NULL }
};

static const NameOf tiles[] =
{
  { "none", 0, N_("No"), NULL },
  { "x", 1, N_("Left and right"), NULL },
  { "y", 2, N_("Top and bottom"), NULL },
  { "xy", 3, N_("Both"), NULL },
  { NULL, 0, NULL, NULL }
};

static const NameOf kinds[] =
{
  { "unknown", ENGINE_FILE_UNKNOWN, NULL, NULL },
  { "checkpoint", ENGINE_FILE_CHECKPOINT, NULL, NULL },
  { "incomplete", ENGINE_FILE_INCOMPLETE, NULL, NULL },
  { "unet", ENGINE_FILE_UNET, NULL, NULL },
  { "vae", ENGINE_FILE_VAE, NULL, NULL },
  { "taesd", ENGINE_FILE_TAESD, NULL, NULL },
  { "text-encoder", ENGINE_FILE_TEXT_ENCODER, NULL, NULL },
  { "lora", ENGINE_FILE_LORA, NULL, NULL },
  { "controlnet", ENGINE_FILE_CONTROLNET, NULL, NULL },
  { "embedding", ENGINE_FILE_EMBEDDING, NULL, NULL },
  { "upscaler", ENGINE_FILE_UPSCALER, NULL, NULL },
  { "other", ENGINE_FILE_OTHER_MODEL, NULL, NULL },
  { NULL, 0, NULL, NULL }
};

static const gchar *
sampler_name (gint value)
{
  return engine_sampler_name ((EngineSampler) value);
}

static const gchar *
sampler_label (gint value)
{
  return engine_sampler_label ((EngineSampler) value);
}

static const gchar *
schedule_name (gint value)
{
  return engine_schedule_name ((EngineSchedule) value);
}

static const gchar *
schedule_label (gint value)
{
  return engine_schedule_label ((EngineSchedule) value);
}

const Names mode_names     = { .list = modes };
const Names intent_names   = { .list = intents };
const Names edge_names     = { .list = edges };
const Names context_names  = { .list = contexts };
const Names source_names   = { .list = sources };
const Names sampler_names  = { .count = ENGINE_SAMPLER_COUNT, .name = sampler_name,
                               .label = sampler_label };
const Names schedule_names = { .count = ENGINE_SCHEDULE_COUNT, .name = schedule_name,
                               .label = schedule_label };
const Names noise_names    = { .list = noises };
const Names tile_names     = { .list = tiles };
const Names kind_names     = { .list = kinds };

gboolean
names_at (const Names *names,
          gint         index,
          NameOf      *name)
{
  if (names->list)
    *name = names->list[index];
  else if (index < names->count)
    *name = (NameOf) { names->name (index), index, names->label (index), NULL };
  else
    return FALSE;

  return name->name != NULL;
}

const gchar *
names_name (const Names *names,
            gint         value)
{
  NameOf name;

  for (gint i = 0; names_at (names, i, &name); i++)
    if (name.value == value)
      return name.name;

  return "";
}

gint
names_value (const Names *names,
             const gchar *wanted)
{
  NameOf name;

  for (gint i = 0; names_at (names, i, &name); i++)
    if (! g_strcmp0 (name.name, wanted))
      return name.value;

  return -1;
}
