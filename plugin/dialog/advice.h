/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in the way of a run, in a sentence, and what can be done about it by a button.
 *
 * Looks at a Run's config, image and model before and after it is planned; no widgets. */
#pragma once

#include "run.h"

typedef enum
{
  ADVICE_NONE,            /* nothing a button could do */
  ADVICE_OPEN_FOLDER,     /* of models */
  ADVICE_BEST_MODEL,      /* let the best one be picked */
  ADVICE_SELECT_ALL,
  ADVICE_EXTEND,          /* by a quarter on all sides */
  ADVICE_SIZE,            /* width x height */
  ADVICE_SMALLER_PASSES,  /* at most max_pixels at once */
  ADVICE_MORE_CONTEXT,    /* the whole image */
  ADVICE_SEE_ALL          /* all that is visible, not a layer */
} AdviceKind;

typedef struct
{
  AdviceKind  kind;
  gboolean    refused;    /* a run would fail: do not start it */
  gchar      *text;       /* NULL: nothing is in the way */
  gint        width, height;
  guint64     max_pixels;
} Advice;

void         advice_clear        (Advice               *advice);

/* The button's label with its mnemonic, or NULL; the caller frees. */
gchar       *advice_label        (const Advice         *advice);

/* Does it, but for ADVICE_OPEN_FOLDER, which is the dialog's. */
void         advice_follow       (const Advice         *advice,
                                  Run                  *run);

/* Of an outpaint: nothing is added on any side, and nothing is empty. */
gboolean     advice_misses_amounts (Run                *run);

/* After run_find_model () or a look into the file has failed with `error', which stays the caller's. */
void         advice_of_model     (Run                  *run,
                                  const GError         *error,
                                  Advice               *advice);
/* Between that and run_plan (): what a plan would refuse, where it can be mended. */
void         advice_before_plan  (Run                  *run,
                                  Advice               *advice);
/* After run_plan (): its warnings, and whether memory will do. */
void         advice_of_estimate  (Run                  *run,
                                  const Estimate       *estimate,
                                  Advice               *advice);
