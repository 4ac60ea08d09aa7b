/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The `parameters' text that AUTOMATIC1111 and others write into PNG files: prompt,
 * negative prompt, settings. */
#pragma once

#include <libgimp/gimp.h>

/* Seeds are whole numbers in a double: GIMP's integers end at 2^31 - 1, and
 * pictures from elsewhere carry seeds up to 2^32 - 1. */
#define SEED_MAX 9007199254740991.0

/* How the text is called in a PNG file. */
#define PARAMETERS_KEYWORD "parameters"

typedef struct
{
  gchar       *prompt;
  gchar       *negative_prompt;
  gdouble      seed;       /* -1: not in the text */
  gint         steps;      /* 0: not in the text */
  const gchar *sampler;    /* as the procedures name them */
  const gchar *schedule;
  const gchar *noise;
  gint         clip_skip;
  gdouble      cfg;        /* -1: not in the text */
  gint         width;      /* 0: not in the text */
  gint         height;
} Parameters;

void          parameters_free      (Parameters           *parameters);

/* NULL with a sentence: there is nothing in the text that looks like settings. */
Parameters   *parameters_read      (const gchar          *text,
                                    GError              **error);
/* Sets what is in the text and what the config has. */
void          parameters_to_config (const Parameters     *parameters,
                                    GimpProcedureConfig  *config);
/* Both. */
gboolean      parameters_use       (GimpProcedureConfig  *config,
                                    const gchar          *text,
                                    GError              **error);

/* The text of a PNG file given by full path or file:// address; tEXt, zTXt and iTXt. */
gchar        *parameters_of_file   (const gchar          *file,
                                    GError              **error);
