/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the dialog says in words; the caller frees with g_free (). */
#pragma once

#include "job.h"

#include <libgimp/gimp.h>

/* The procedure's menu label without mnemonic and dots. */
gchar *dialog_text_title    (GimpProcedure        *procedure);
/* "Picture 1 of 3: step 4 of 20, 7 s left" */
gchar *dialog_text_progress (const JobProgress    *now);
/* Below a result: its seed, and where its run was ended early. */
gchar *dialog_text_caption  (const Candidate      *candidate);
/* All about a result: prompt, steps, model, time. */
gchar *dialog_text_tooltip  (const Candidate      *candidate);
/* Time and memory of a run. */
gchar *dialog_text_estimate (const EngineEstimate *estimate);
