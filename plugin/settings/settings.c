/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "settings.h"

#include <stddef.h>
#include <string.h>

#include "intl.h"

#define CREATE    (1u << EDIT_TEXT_TO_IMAGE)
#define REDRAW    (1u << EDIT_IMAGE_TO_IMAGE)
#define INPAINT   (1u << EDIT_INPAINT)
#define OUTPAINT  (1u << EDIT_OUTPAINT)
#define INSTRUCT  (1u << EDIT_INSTRUCT)
#define FROM_PICTURE (REDRAW | INPAINT | OUTPAINT | INSTRUCT)
#define ALL       (CREATE | FROM_PICTURE)
#define SIDE_MOST 16384 /* pixels */

#define FIELD(name) offsetof (Settings, name)

static const Setting rows[] =
{
  /* ---- what to make ---- */
  { .name = "prompt", .type = SETTING_TEXT, .modes = ALL & ~INSTRUCT,
    .label = N_("_Prompt"),
    .help = N_("What should be there, in English. (word:1.3) gives weight, {a|b} picks "
               "one by the seed, # begins a comment") },
  { .name = "prompt", .type = SETTING_TEXT, .modes = INSTRUCT,
    .label = N_("_Prompt"),
    .help = N_("What to do with the picture, in English: “make it night”") },
  { .name = "negative-prompt", .type = SETTING_TEXT, .modes = ALL,
    .label = N_("_Negative prompt"),
    .help = N_("What should not be there") },
  { .name = "model", .type = SETTING_TEXT, .modes = ALL,
    .label = N_("_Model"),
    .help = N_("A checkpoint: its name in the model folders, its full path, or a file:// "
               "address; empty: the one that fits best") },
  { .name = "width", .type = SETTING_WHOLE, .modes = CREATE,
    .field = FIELD (edit.width), .high = SIDE_MOST, .in_text = TRUE,
    .part = SETTING_QUALITY, .place = 1, .step = 64,
    .label = N_("_Width"),
    .help = N_("In pixels, a multiple of 8; 0 is what the model was trained for") },
  { .name = "height", .type = SETTING_WHOLE, .modes = CREATE,
    .field = FIELD (edit.height), .high = SIDE_MOST, .in_text = TRUE,
    .part = SETTING_QUALITY, .place = 2, .beside = TRUE, .step = 64,
    .label = N_("Height"),
    .help = N_("In pixels, a multiple of 8; 0 is what the model was trained for") },

  /* ---- what happens where ---- */
  { .name = "intent", .type = SETTING_CHOICE, .modes = INPAINT,
    .field = FIELD (edit.intent), .names = &intent_names, .recorded = TRUE,
    .part = SETTING_WHERE, .place = 2,
    .label = N_("In_tent"),
    .help = N_("What should become of the selected place") },
  { .name = "left", .type = SETTING_WHOLE, .modes = OUTPAINT,
    .field = FIELD (edit.left), .high = SIDE_MOST,
    .part = SETTING_WHERE, .place = 1,
    .label = N_("_Left"),
    .help = N_("Pixels to add on the left") },
  { .name = "right", .type = SETTING_WHOLE, .modes = OUTPAINT,
    .field = FIELD (edit.right), .high = SIDE_MOST,
    .label = N_("_Right"),
    .help = N_("Pixels to add on the right") },
  { .name = "top", .type = SETTING_WHOLE, .modes = OUTPAINT,
    .field = FIELD (edit.top), .high = SIDE_MOST,
    .label = N_("_Top"),
    .help = N_("Pixels to add at the top") },
  { .name = "bottom", .type = SETTING_WHOLE, .modes = OUTPAINT,
    .field = FIELD (edit.bottom), .high = SIDE_MOST,
    .label = N_("_Bottom"),
    .help = N_("Pixels to add at the bottom") },
  { .name = "strength", .type = SETTING_NUMBER, .modes = REDRAW | INPAINT | OUTPAINT,
    .field = FIELD (edit.strength), .high = 1, .recorded = TRUE, .in_text = TRUE,
    .part = SETTING_WHERE, .place = 4, .shown = REDRAW | INPAINT, .slider = TRUE,
    .step = 0.05, .digits = 2,
    .label = N_("St_rength"),
    .help = N_("0 keeps the picture, 1 makes it new") },

  /* ---- how ---- */
  { .name = "steps", .type = SETTING_WHOLE, .modes = ALL,
    .field = FIELD (request.steps), .low = 1, .high = 1000, .recorded = TRUE,
    .in_text = TRUE, .part = SETTING_QUALITY, .place = 3, .step = 1,
    .label = N_("Steps"),
    .help = N_("More steps take longer and show more detail, up to a point") },
  { .name = "sampler", .type = SETTING_CHOICE, .modes = ALL,
    .field = FIELD (request.sampler), .names = &sampler_names, .recorded = TRUE,
    .in_text = TRUE, .part = SETTING_QUALITY, .place = 8,
    .label = N_("Sampler"),
    .help = N_("The way from noise to picture") },
  { .name = "schedule", .type = SETTING_CHOICE, .modes = ALL,
    .field = FIELD (request.schedule), .names = &schedule_names, .recorded = TRUE,
    .in_text = TRUE, .part = SETTING_QUALITY, .place = 9, .beside = TRUE,
    .label = N_("Schedule"),
    .help = N_("How the noise levels are spread over the steps") },
  { .name = "cfg", .type = SETTING_NUMBER, .modes = ALL,
    .field = FIELD (request.cfg), .low = -100, .high = 100, .recorded = TRUE, .in_text = TRUE,
    .part = SETTING_QUALITY, .place = 4, .beside = TRUE, .step = 0.5, .digits = 1,
    .label = N_("Guidance"),
    .help = N_("How strictly the prompt is followed; 1 ignores the negative "
               "prompt and is twice as fast") },
  { .name = "cfg-rescale", .type = SETTING_NUMBER, .modes = ALL,
    .field = FIELD (request.cfg_rescale), .high = 1, .recorded = TRUE, .in_text = TRUE,
    .part = SETTING_MORE, .place = 1, .step = 0.05, .digits = 2,
    .label = N_("Rescale"),
    .help = N_("Keeps strong guidance from overexposing the picture") },
  { .name = "guidance-start", .type = SETTING_NUMBER, .modes = ALL,
    .field = FIELD (request.guidance_start), .high = 1, .recorded = TRUE, .in_text = TRUE,
    .part = SETTING_MORE, .place = 12, .step = 0.05, .digits = 2,
    .label = N_("Guidance from"),
    .help = N_("Share of the steps that go by before guidance begins; each of them "
               "takes half the time") },
  { .name = "guidance-end", .type = SETTING_NUMBER, .modes = ALL,
    .field = FIELD (request.guidance_end), .high = 1, .recorded = TRUE, .in_text = TRUE,
    .part = SETTING_MORE, .place = 13, .beside = TRUE, .step = 0.05, .digits = 2,
    .label = N_("Guidance to"),
    .help = N_("Share of the steps after which guidance ends; each of the rest takes "
               "half the time") },
  { .name = "seed", .type = SETTING_SEED, .modes = ALL,
    .field = FIELD (request.seed), .low = -1, .high = SEED_MAX, .recorded = TRUE,
    .in_text = TRUE, .part = SETTING_QUALITY, .place = 7,
    .label = N_("Seed"),
    .help = N_("The same seed and settings make the same picture; -1 takes a random one") },
  { .name = "noise", .type = SETTING_CHOICE, .modes = ALL,
    .field = FIELD (request.noise), .names = &noise_names, .recorded = TRUE,
    .in_text = TRUE, .part = SETTING_MORE, .place = 3,
    .label = N_("Noise"),
    .help = N_("Which noise a seed stands for: the one that other programs "
               "make on a graphics card, or on the processor") },
  { .name = "clip-skip", .type = SETTING_WHOLE, .modes = ALL,
    .field = FIELD (request.clip_skip), .high = 12, .recorded = TRUE, .in_text = TRUE,
    .part = SETTING_MORE, .place = 2, .beside = TRUE, .step = 1,
    .label = N_("CLIP skip"),
    .help = N_("0 as the model was trained, 1 the text encoder's last layer, 2 the one "
               "before") },
  { .name = "count", .type = SETTING_WHOLE, .modes = ALL,
    .field = FIELD (request.count), .low = 1, .high = 64,
    .part = SETTING_QUALITY, .place = 5, .step = 1,
    .label = N_("Pictures"),
    .help = N_("How many to make, with seeds that follow each other; several come as a "
               "layer group") },
  { .name = "image-cfg", .type = SETTING_NUMBER, .modes = INSTRUCT,
    .field = FIELD (request.image_cfg), .high = 100, .recorded = TRUE, .in_text = TRUE,
    .part = SETTING_QUALITY, .place = 6, .beside = TRUE, .step = 0.1, .digits = 1,
    .label = N_("Image guidance"),
    .help = N_("How closely the picture is kept") },
  { .name = "tile", .type = SETTING_TILES, .modes = CREATE,
    .field = FIELD (edit.tile_x), .names = &tile_names, .recorded = TRUE, .in_text = TRUE,
    .part = SETTING_MORE, .place = 4, .beside = TRUE,
    .label = N_("Tileable"),
    .help = N_("Which opposite edges fit together") },

  /* ---- how it meets the rest ---- */
  { .name = "edge-mode", .type = SETTING_CHOICE, .modes = FROM_PICTURE,
    .field = FIELD (edit.edge), .names = &edge_names, .recorded = TRUE,
    .part = SETTING_WHERE, .place = 3, .shown = FROM_PICTURE & ~OUTPAINT, .beside = TRUE,
    .label = N_("Edge"),
    .help = N_("The result fades across the edge of the selection, or inside it, or follows "
               "the selection's own grays") },
  { .name = "edge-width", .type = SETTING_WHOLE, .modes = REDRAW | INPAINT | INSTRUCT,
    .field = FIELD (edit.edge_width), .low = -1, .high = EDIT_MAX_WIDTH, .recorded = TRUE,
    .part = SETTING_MORE, .place = 9, .step = 1,
    .label = N_("Edge width"),
    .help = /* xgettext:no-c-format */
            N_("Over how many pixels the result fades at the selection's edge, half of them on "
               "each side; -1 is 2.5 % of its size") },
  { .name = "feather", .type = SETTING_WHOLE, .modes = REDRAW | INPAINT | INSTRUCT,
    .field = FIELD (edit.feather), .low = -1, .high = EDIT_MAX_WIDTH, .recorded = TRUE,
    .part = SETTING_MORE, .place = 10, .beside = TRUE, .step = 1,
    .label = N_("Feather"),
    .help = /* xgettext:no-c-format */
            N_("How softly the change begins around the selection, in pixels; -1 is 10 % of "
               "its size") },
  { .name = "grow", .type = SETTING_WHOLE, .modes = REDRAW | INPAINT | INSTRUCT,
    .field = FIELD (edit.grow), .low = -1, .high = EDIT_MAX_WIDTH, .recorded = TRUE,
    .part = SETTING_MORE, .place = 11, .step = 1,
    .label = N_("Grow"),
    .help = N_("Makes the selection larger by so many pixels first; -1 is none") },
  { .name = "context", .type = SETTING_CHOICE, .modes = FROM_PICTURE,
    .field = FIELD (edit.context), .names = &context_names, .recorded = TRUE,
    .part = SETTING_WHERE, .place = 5, .shown = FROM_PICTURE & ~OUTPAINT,
    .label = N_("Conte_xt"),
    .help = N_("How much around the selection the model sees") },
  { .name = "context-pixels", .type = SETTING_WHOLE, .modes = FROM_PICTURE,
    .field = FIELD (edit.context_pixels), .high = SIDE_MOST, .recorded = TRUE,
    .part = SETTING_WHERE, .place = 6, .shown = FROM_PICTURE & ~OUTPAINT, .beside = TRUE,
    .step = 16,
    .label = N_("Pixels"),
    .help = N_("How many pixels around the selection the model sees, where "
               "the context is in pixels") },
  { .name = "source", .type = SETTING_CHOICE, .modes = FROM_PICTURE,
    .field = FIELD (source), .names = &source_names, .recorded = TRUE,
    .part = SETTING_MORE, .place = 5,
    .label = N_("Model sees"),
    .help = N_("Which part of the image the model sees") },
  { .name = "colour-match", .type = SETTING_SWITCH, .modes = FROM_PICTURE,
    .field = FIELD (edit.colour_match), .recorded = TRUE,
    .part = SETTING_MORE, .place = 6,
    .label = N_("Match colors"),
    .help = N_("Adjust the colors of the result to its surroundings; with nothing selected, to "
               "those it came from, as far as the strength keeps them") },
  { .name = "keep-transparency", .type = SETTING_SWITCH, .modes = FROM_PICTURE,
    .field = FIELD (edit.keep_transparency), .recorded = TRUE,
    .part = SETTING_MORE, .place = 7, .beside = TRUE,
    .label = N_("Keep transparency"),
    .help = N_("The result is exactly as transparent as the picture was; without it what is "
               "repainted is opaque") },

  /* ---- prompt and settings in a PNG file ---- */
  { .name = "parameters", .type = SETTING_SWITCH, .modes = ALL,
    .part = SETTING_MORE, .place = 8,
    .label = N_("Write settings into exported PNG"),
    .help = N_("Gives the image a text with prompt and settings that goes into a PNG "
               "export, as other programs write it") },
  { .name = "parameters-from", .type = SETTING_TEXT, .modes = ALL,
    .label = N_("Settings from"),
    .help = N_("A PNG file with such a text: its prompt and settings are used in place of "
               "those above") },
};

const Setting *
settings_at (gint index)
{
  return index < (gint) G_N_ELEMENTS (rows) ? &rows[index] : NULL;
}

gboolean
settings_has (const Setting *setting,
              EditMode       mode)
{
  return (setting->modes & 1u << mode) != 0;
}

const Setting *
settings_find (EditMode     mode,
               const gchar *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (settings_has (&rows[i], mode) && ! strcmp (rows[i].name, name))
      return &rows[i];

  return NULL;
}

Settings
settings_default (EditMode mode)
{
  Settings settings = { edit_settings_default (mode), engine_request_default (NULL),
                        CANVAS_VISIBLE };

  settings.request.count = 1;
  if (mode != EDIT_TEXT_TO_IMAGE)
    settings.edit.context_pixels = 64;

  return settings;
}

gdouble
settings_strength (EditIntent intent)
{
  return intent == EDIT_REFINE ? 0.4 : 1;
}

/* ---- fields -------------------------------------------------------------- */

gdouble
settings_get (const Settings *settings,
              const Setting  *setting)
{
  const guint8 *field = (const guint8 *) settings + setting->field;

  switch (setting->type)
    {
    case SETTING_WHOLE:
      return *(const gint *) (const void *) field;
    case SETTING_NUMBER:
      return (gdouble) *(const gfloat *) (const void *) field;
    case SETTING_SWITCH:
      return *(const bool *) field;
    case SETTING_TILES:
      return ((const bool *) field)[0] + 2 * ((const bool *) field)[1];
    case SETTING_SEED:
      return (gdouble) *(const guint64 *) (const void *) field;
    case SETTING_CHOICE:
      {
        gint value;

        memcpy (&value, field, sizeof value);
        return value;
      }
    case SETTING_TEXT:
      break;
    }

  g_return_val_if_reached (0);
}

void
settings_set (Settings      *settings,
              const Setting *setting,
              gdouble        value)
{
  guint8 *field = (guint8 *) settings + setting->field;
  gint    whole = setting->type == SETTING_SEED ? 0 : (gint) value;

  switch (setting->type)
    {
    case SETTING_WHOLE:
      *(gint *) (void *) field = whole;
      break;
    case SETTING_NUMBER:
      *(gfloat *) (void *) field = (gfloat) value;
      break;
    case SETTING_SWITCH:
      *(bool *) field = value != 0;
      break;
    case SETTING_TILES:
      ((bool *) field)[0] = (whole & 1) != 0;
      ((bool *) field)[1] = (whole & 2) != 0;
      break;
    case SETTING_SEED:
      *(guint64 *) (void *) field = (guint64) value;
      break;
    case SETTING_CHOICE:
      memcpy (field, &whole, sizeof whole);
      break;
    case SETTING_TEXT:
      break;
    }
}
