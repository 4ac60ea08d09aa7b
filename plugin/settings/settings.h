/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings of all modes, one row each.
 *
 * The rows drive the procedures' arguments (arguments.h), the dialog's form, a layer's
 * record (keys.h), and what the text in a PNG file sets (parameters.h).  To add a setting:
 * a field in EditSettings or EngineRequest, and a row in settings.c. */
#pragma once

#include "canvas.h"
#include "edit.h"
#include "names.h"

/* Seeds are whole numbers in a double: GIMP's integers end at 2^31 - 1, and pictures from
 * elsewhere carry seeds up to 2^32 - 1. */
#define SEED_MAX 9007199254740991.0

/* What the rows' fields are in. */
typedef struct
{
  EditSettings  edit;
  EngineRequest request;
  CanvasSource  source;
} Settings;

typedef enum
{
  SETTING_WHOLE,   /* an int */
  SETTING_NUMBER,  /* a float; its argument is a double */
  SETTING_SWITCH,  /* a bool */
  SETTING_CHOICE,  /* an enum; its argument is a name */
  SETTING_TILES,   /* two bools side by side, as tile_names */
  SETTING_SEED,    /* a guint64; its argument is a double, -1: draw one */
  SETTING_TEXT     /* no field: it stays in the config */
} SettingType;

/* Where the form has it. */
typedef enum
{
  SETTING_HIDDEN,  /* nowhere */
  SETTING_WHERE,   /* what happens where */
  SETTING_QUALITY, /* how well */
  SETTING_MORE     /* rarely needed: behind an expander */
} SettingPart;

typedef struct
{
  const gchar *name;      /* of the argument, and in a record */
  const gchar *label;     /* with its mnemonic; this and what follows: to be translated */
  const gchar *help;
  SettingType  type;
  guint        modes;     /* that have it: bits 1 << EditMode */
  gsize        field;     /* its offset in Settings; 0: none */
  gdouble      low, high; /* of numbers; what is usual is in settings_default () */
  const Names *names;     /* of choices and tiles */
  gboolean     recorded;  /* a layer's record has it */
  gboolean     in_text;   /* a PNG file's text may have it */

  /* In the form. */
  SettingPart  part;
  gint         place;     /* rising from top to bottom */
  guint        shown;     /* in these modes; 0: in all that have it */
  gboolean     beside;    /* the one before it, not below */
  gboolean     slider;    /* for numbers from low to high */
  gdouble      step;      /* of the arrows */
  guint        digits;    /* behind the point */
} Setting;

/* In the order of the arguments; NULL beyond the last. */
const Setting *settings_at      (gint            index);
/* NULL: the mode has none of this name. */
const Setting *settings_find    (EditMode        mode,
                                 const gchar    *name);
gboolean       settings_has     (const Setting  *setting,
                                 EditMode        mode);

/* What is usual in a mode. */
Settings       settings_default (EditMode        mode);
/* The strength that an intent is mostly used with. */
gdouble        settings_strength (EditIntent     intent);

/* A setting that has a field: numbers as they are, choices by number, a seed as far as a
 * double holds it. */
gdouble        settings_get     (const Settings *settings,
                                 const Setting  *setting);
void           settings_set     (Settings       *settings,
                                 const Setting  *setting,
                                 gdouble         value);
