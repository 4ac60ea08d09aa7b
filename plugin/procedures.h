/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, menus, arguments with ranges and help of each procedure. */
#pragma once

#include <libgimp/gimp.h>

#define PROCEDURE_INSPECT        "plug-in-diffusion-inspect"
#define PROCEDURE_REGENERATE     "plug-in-diffusion-regenerate"
#define PROCEDURE_READ_PARAMETERS "plug-in-diffusion-read-parameters"

/* All of them, in the menu's order. */
GList         *procedures_list   (void);
GimpProcedure *procedures_create (GimpPlugIn  *plug_in,
                                  const gchar *name);
