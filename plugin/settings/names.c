/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "names.h"

#include "canvas.h"

#include <string.h>

const NameOf mode_names[] =
{
  { "text-to-image", EDIT_TEXT_TO_IMAGE }, { "image-to-image", EDIT_IMAGE_TO_IMAGE },
  { "inpaint", EDIT_INPAINT }, { "outpaint", EDIT_OUTPAINT },
  { "instruct", EDIT_INSTRUCT }, { NULL, 0 }
};

const NameOf intent_names[] =
{
  { "fill", EDIT_FILL }, { "add", EDIT_ADD }, { "remove", EDIT_REMOVE },
  { "refine", EDIT_REFINE }, { "background", EDIT_BACKGROUND },
  { "expand", EDIT_EXPAND }, { NULL, 0 }
};

const NameOf edge_names[] =
{
  { "blend", EDIT_BLEND }, { "keep-inside", EDIT_KEEP_INSIDE },
  { "as-drawn", EDIT_AS_DRAWN }, { NULL, 0 }
};

const NameOf context_names[] =
{
  { "auto", EDIT_CONTEXT_AUTO }, { "selection", EDIT_CONTEXT_SELECTION },
  { "whole", EDIT_CONTEXT_WHOLE }, { "pixels", EDIT_CONTEXT_PIXELS }, { NULL, 0 }
};

const NameOf source_names[] =
{
  { "visible", CANVAS_VISIBLE }, { "layers", CANVAS_LAYERS }, { "layer", CANVAS_LAYER },
  { NULL, 0 }
};

const NameOf noise_names[] =
{
  { "gpu", ENGINE_NOISE_GPU }, { "cpu", ENGINE_NOISE_CPU }, { NULL, 0 }
};

const NameOf tile_names[] =
{
  { "none", 0 }, { "x", 1 }, { "y", 2 }, { "xy", 3 }, { NULL, 0 }
};

const NameOf kind_names[] =
{
  { "unknown", ENGINE_FILE_UNKNOWN }, { "checkpoint", ENGINE_FILE_CHECKPOINT },
  { "incomplete", ENGINE_FILE_INCOMPLETE }, { "unet", ENGINE_FILE_UNET },
  { "vae", ENGINE_FILE_VAE }, { "taesd", ENGINE_FILE_TAESD },
  { "text-encoder", ENGINE_FILE_TEXT_ENCODER }, { "lora", ENGINE_FILE_LORA },
  { "controlnet", ENGINE_FILE_CONTROLNET }, { "embedding", ENGINE_FILE_EMBEDDING },
  { "upscaler", ENGINE_FILE_UPSCALER }, { "other", ENGINE_FILE_OTHER_MODEL },
  { NULL, 0 }
};

const gchar *
names_name (const NameOf *names,
            gint          value)
{
  for (; names->name; names++)
    if (names->value == value)
      return names->name;

  return "";
}

gint
names_value (const NameOf *names,
             const gchar  *name)
{
  for (; names->name; names++)
    if (! g_strcmp0 (names->name, name))
      return names->value;

  return -1;
}
