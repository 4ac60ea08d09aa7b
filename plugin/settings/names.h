/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choices as people read them.  Their names, as the command line, the PDB and the layers'
 * records spell them, are the engine's. */
#pragma once

#include "engine.h"

#include <glib.h>

/* One choice that people are offered; a label of NULL ends a list. */
typedef struct
{
  gint         value;
  const gchar *label;   /* to be translated */
  const gchar *help;    /* to be translated, or NULL */
} NameText;

typedef struct
{
  const Choice   *choices;
  const NameText *texts;  /* NULL: all are offered, with the engine's labels */
} Names;

extern const Names intent_names;   /* EditIntent */
extern const Names edge_names;     /* EditEdge */
extern const Names context_names;  /* EditContext */
extern const Names source_names;   /* CanvasSource */
extern const Names sampler_names;  /* EngineSampler */
extern const Names schedule_names; /* EngineSchedule */
extern const Names noise_names;    /* EngineNoise */
extern const Names tile_names;     /* EngineTile */

/* The one at an index of those that people are offered: FALSE beyond the last. */
gboolean     names_at    (const Names *names,
                          gint         index,
                          NameText    *text);
/* "" for a value that is not in the list. */
const gchar *names_name  (const Names *names,
                          gint         value);
/* -1 for a name that is not in the list, or NULL. */
gint         names_value (const Names *names,
                          const gchar *name);
