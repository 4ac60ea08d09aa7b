/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The `parameters' text that AUTOMATIC1111 and others write into PNG files: prompt,
 * negative prompt, settings. */
#pragma once

#include "job.h"

#include <libgimp/gimp.h>

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

/* The text of a PNG file given by full path or file:// address; tEXt, zTXt and iTXt. */
gchar        *parameters_of_file   (const gchar          *file,
                                    GError              **error);

/* For an image: GIMP's PNG export writes it as a text chunk. */
GimpParasite *parameters_parasite  (const Candidate      *candidate);
