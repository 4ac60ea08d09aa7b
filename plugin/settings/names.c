/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "names.h"

#include "canvas.h"

#include "intl.h"

static const NameText intents[] =
{
  { EDIT_FILL, N_("Fill"), N_("Fill it so that it fits its surroundings") },
  { EDIT_ADD, N_("Add"), N_("Put something new there") },
  { EDIT_REMOVE, N_("Remove"), N_("Continue the surroundings") },
  { EDIT_REFINE, N_("Refine"), N_("Keep what is there and work it out") },
  { EDIT_BACKGROUND, N_("Background"),
    N_("Replace what is around the selected thing") },
  { 0, NULL, NULL }
};

static const NameText edges[] =
{
  { EDIT_BLEND, N_("Blend"), N_("Grow a little over the border and fade out") },
  { EDIT_KEEP_INSIDE, N_("Keep inside"),
    N_("Change nothing outside the selection") },
  { EDIT_AS_DRAWN, N_("As drawn"),
    N_("Use the selection's own softness: half selected is half changed") },
  { 0, NULL, NULL }
};

static const NameText contexts[] =
{
  { EDIT_CONTEXT_AUTO, N_("Automatic"), NULL },
  { EDIT_CONTEXT_SELECTION, N_("The selection"), NULL },
  { EDIT_CONTEXT_WHOLE, N_("The whole image"), NULL },
  { EDIT_CONTEXT_PIXELS, N_("So many pixels around"), NULL },
  { 0, NULL, NULL }
};

static const Choice source_choices[] =
{
  { "visible", CANVAS_VISIBLE, NULL },
  { "layers", CANVAS_LAYERS, NULL },
  { "layer", CANVAS_LAYER, NULL },
  { NULL, 0, NULL }
};

static const NameText sources[] =
{
  { CANVAS_VISIBLE, N_("All that is visible"), NULL },
  { CANVAS_LAYERS, N_("The chosen layers"), NULL },
  { CANVAS_LAYER, N_("The first chosen layer's own pixels"), NULL },
  { 0, NULL, NULL }
};

static const NameText noises[] =
{
  { ENGINE_NOISE_GPU, N_("Graphics card"), NULL },
  { ENGINE_NOISE_CPU, N_("Processor"), NULL },
  { 0, NULL, NULL }
};

static const NameText tiles[] =
{
  { ENGINE_TILE_NONE, N_("No"), NULL },
  { ENGINE_TILE_X, N_("Left and right"), NULL },
  { ENGINE_TILE_Y, N_("Top and bottom"), NULL },
  { ENGINE_TILE_BOTH, N_("Both"), NULL },
  { 0, NULL, NULL }
};

const Names intent_names   = { choices_intents, intents };
const Names edge_names     = { choices_edges, edges };
const Names context_names  = { choices_contexts, contexts };
const Names source_names   = { source_choices, sources };
const Names sampler_names  = { choices_samplers, NULL };
const Names schedule_names = { choices_schedules, NULL };
const Names noise_names    = { choices_noises, noises };
const Names tile_names     = { choices_tiles, tiles };

gboolean
names_at (const Names *names,
          gint         index,
          NameText    *text)
{
  const Choice *choice = &names->choices[index];

  if (names->texts)
    *text = names->texts[index];
  else if (choice->name)
    *text = (NameText) { choice->value, choice_label (names->choices, choice->value), NULL };
  else
    return FALSE;

  return text->label != NULL;
}

const gchar *
names_name (const Names *names,
            gint         value)
{
  return choice_name (names->choices, value);
}

gint
names_value (const Names *names,
             const gchar *name)
{
  gint value;

  return name && choice_find (names->choices, name, &value) ? value : -1;
}
