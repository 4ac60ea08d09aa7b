/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words for choices: as the command line, the PDB and the layers' records spell them,
 * and as people read them. */
#pragma once

#include <glib.h>

typedef struct
{
  const gchar *name;   /* NULL ends a list */
  gint         value;
  const gchar *label;  /* to be translated; NULL: is not offered to people */
  const gchar *help;   /* to be translated, or NULL */
} NameOf;

/* Either a list, or what the engine calls them, 0 … count - 1. */
typedef struct
{
  const NameOf  *list;
  gint           count;
  const gchar *(* name)  (gint value);
  const gchar *(* label) (gint value);
} Names;

extern const Names mode_names;     /* EditMode */
extern const Names intent_names;   /* EditIntent */
extern const Names edge_names;     /* EditEdge */
extern const Names context_names;  /* EditContext */
extern const Names source_names;   /* CanvasSource */
extern const Names sampler_names;  /* EngineSampler */
extern const Names schedule_names; /* EngineSchedule */
extern const Names noise_names;    /* EngineNoise */
extern const Names tile_names;     /* 1: left and right, 2: top and bottom, 3: both */
extern const Names kind_names;     /* EngineFileKind */

/* The one at an index: FALSE beyond the last. */
gboolean     names_at    (const Names *names,
                          gint         index,
                          NameOf      *name);
/* "" for a value that is not in the list. */
const gchar *names_name  (const Names *names,
                          gint         value);
/* -1 for a name that is not in the list. */
gint         names_value (const Names *names,
                          const gchar *name);
