/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words for choices, as the command line, the PDB and the layers' records spell
 * them. */
#pragma once

#include <glib.h>

typedef struct
{
  const gchar *name;  /* NULL ends a list */
  gint         value;
} NameOf;

extern const NameOf mode_names[];    /* EditMode */
extern const NameOf intent_names[];  /* EditIntent */
extern const NameOf edge_names[];    /* EditEdge */
extern const NameOf context_names[]; /* EditContext */
extern const NameOf source_names[];  /* CanvasSource */
extern const NameOf noise_names[];   /* EngineNoise */
extern const NameOf tile_names[];    /* 1: left and right, 2: top and bottom, 3: both */
extern const NameOf kind_names[];    /* EngineFileKind */

/* "" for a value that is not in the list. */
const gchar *names_name  (const NameOf *names,
                          gint          value);
/* -1 for a name that is not in the list. */
gint         names_value (const NameOf *names,
                          const gchar  *name);
