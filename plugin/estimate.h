/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a task will take, and which smaller one memory would do for.  On any thread. */
#pragma once

#include "edit.h"

#include <glib.h>

typedef struct
{
  EngineEstimate cost;
  gboolean       fits;         /* the memory that is free will do */
  gboolean       has_smaller;  /* else: the largest of the same shape that fits */
  gint           width, height; /* of a text to image's picture */
  guint64        max_pixels;    /* of a pass of the others */
} Estimate;

gboolean estimate_make (Estimate            *estimate,
                        Engine              *engine,
                        const EditSettings  *settings,
                        const EditPlan      *plan,
                        const EngineRequest *request,
                        EngineError         *error);
