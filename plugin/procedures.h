/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, menus, arguments with ranges and help of each procedure. */
#pragma once

#include "edit.h"

#include <libgimp/gimp.h>

#define PROCEDURE_TEXT_TO_IMAGE  "plug-in-diffusion-text-to-image"
#define PROCEDURE_IMAGE_TO_IMAGE "plug-in-diffusion-image-to-image"
#define PROCEDURE_INPAINT        "plug-in-diffusion-inpaint"
#define PROCEDURE_OUTPAINT       "plug-in-diffusion-outpaint"
#define PROCEDURE_INSTRUCT       "plug-in-diffusion-instruct"
#define PROCEDURE_INSPECT        "plug-in-diffusion-inspect"
#define PROCEDURE_REGENERATE     "plug-in-diffusion-regenerate"
#define PROCEDURE_READ_PARAMETERS "plug-in-diffusion-read-parameters"

/* Seeds are whole numbers in a double: GIMP's integers end at 2^31 - 1, and
 * pictures from elsewhere carry seeds up to 2^32 - 1. */
#define SEED_MAX 9007199254740991.0

/* All of them, in the menu's order. */
GList         *procedures_list   (void);
GimpProcedure *procedures_create (GimpPlugIn  *plug_in,
                                  const gchar *name);

/* FALSE for the procedures that generate nothing. */
gboolean       procedures_get_mode (const gchar *name,
                                    EditMode    *mode);
/* The procedure of a mode. */
const gchar   *procedures_name     (EditMode     mode);
