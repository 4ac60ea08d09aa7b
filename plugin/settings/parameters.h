/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The `parameters' text that AUTOMATIC1111 and others write into PNG files: prompt,
 * negative prompt, settings. */
#pragma once

#include "settings.h"

#include <libgimp/gimp.h>

/* How the text is called in a PNG file. */
#define PARAMETERS_KEYWORD "parameters"

typedef struct
{
  gchar    *prompt;
  gchar    *negative_prompt;
  Settings  settings;   /* as far as they are in the text */
  Settings  without;    /* the same, read over other values: what differs is not in it */
} Parameters;

void        parameters_free    (Parameters           *parameters);

/* NULL with a sentence: there is nothing in the text that looks like settings. */
Parameters *parameters_read    (const gchar          *text,
                                GError              **error);
/* Whether a setting is in the text, or is as usual because it is not. */
gboolean    parameters_have    (const Parameters     *parameters,
                                const Setting        *setting);
/* Reads a text and sets what is in it and what the config has. */
gboolean    parameters_use     (GimpProcedureConfig  *config,
                                const gchar          *text,
                                GError              **error);

/* The text of a PNG file given by full path or file:// address; tEXt, zTXt and iTXt. */
gchar      *parameters_of_file (const gchar          *file,
                                GError              **error);
