/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What made a layer, kept with the layer: a text of some hundred bytes as parasite, and
 * the selection, compressed, as another.  Both go into the XCF file.
 *
 * The text is a key file with a version; numbers have a point in every locale.  It names
 * the model by file name and SHA-256, never a path, a user or a host. */
#pragma once

#include "canvas.h"
#include "job.h"

#include <libgimp/gimp.h>

#define RECORD_PARASITE    "gimp-diffusion-recipe"
#define SELECTION_PARASITE "gimp-diffusion-selection"

typedef struct
{
  EditSettings   settings;
  CanvasSource   source;
  EngineRequest  request;    /* prompts point to the strings below */
  gchar         *prompt;
  gchar         *negative_prompt;
  gchar         *model;      /* file name without folder */
  gchar         *sha256;     /* or "" */
  EditRect       regions[EDIT_MAX_ISLANDS]; /* what the model saw, in the (new) canvas */
  gint           region_count;
  EditRect       result;     /* where the layer was put */
} Record;

void      record_free           (Record          *record);

/* Gives `layer' what made it. */
void      record_attach         (GimpLayer       *layer,
                                 const Candidate *candidate,
                                 CanvasSource     source);

/* NULL with a sentence: not a result's layer, or of a version to come. */
Record   *record_of_layer       (GimpLayer       *layer,
                                 GError         **error);
/* Floats of each region in turn, or NULL: none was stored. */
GBytes   *record_selection      (GimpLayer       *layer,
                                 const Record    *record);

/* For an image that has this result: the text of prompt and settings that other programs
 * write; GIMP's PNG export makes a text chunk of it. */
GimpParasite *record_png_text   (const Candidate *candidate);

/* The text alone. */
gchar    *record_write          (const Candidate *candidate,
                                 CanvasSource     source);
Record   *record_read           (const gchar     *text,
                                 gsize            bytes,
                                 GError         **error);

/* Sets the arguments that the config has. */
void      record_to_config      (const Record        *record,
                                 GimpProcedureConfig *config);
