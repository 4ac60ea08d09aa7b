/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of a procedure: config -> settings and request -> job -> layers -> return
 * values.
 *
 * batch.c does it all at once; dialog.c, which may generate several times and insert later,
 * uses the same pieces:
 *
 *   run_choose_model ()   which file, and what it is
 *   run_plan ()           what will be read and made: no pixel, no weight is touched
 *   run_task ()           reads the pixels: a JobTask for job_start (run->job, …)
 *   run_insert ()         puts candidates into the image, as one undo step
 *
 * All on the main thread. */
#pragma once

#include "canvas.h"
#include "job.h"
#include "models/model_store.h"
#include "record.h"

#include <libgimp/gimp.h>

typedef struct
{
  GimpProcedure       *procedure;    /* borrowed; whose label and help the run has */
  GimpProcedureConfig *config;       /* borrowed; the mode's arguments */
  GimpRunMode          run_mode;
  EditMode             mode;
  GimpImage           *image;        /* borrowed; NULL: text to image without one */
  GimpItem            *above;        /* borrowed; the results' neighbour below, or NULL */
  GimpLayer          **chosen;       /* NULL-terminated; borrowed layers */
  const Record        *replay;       /* borrowed; a layer's record that is made again */
  GimpLayer           *hidden;       /* borrowed; the layer of that record, or NULL */
  GBytes              *selection;    /* borrowed; its selection, or NULL */

  guint64              max_pixels;   /* of one pass; 0: the engine's own limit */

  ModelStore          *store;
  Job                 *job;

  /* Of the last run_choose_model () and run_plan (). */
  gchar               *model_path;
  EngineModelInfo      model;
  EditSettings         settings;
  EditPlan             plan;
  gboolean             extended;     /* an outpainted canvas has its new size already */
} Run;

Run      *run_new            (GimpProcedure        *procedure,
                              GimpProcedureConfig  *config,
                              GimpRunMode           run_mode,
                              EditMode              mode,
                              GimpImage            *image,
                              GimpDrawable        **drawables);
void      run_free           (Run                  *run);

/* From the config's `model'.  The main loop runs while folders are looked through. */
gboolean  run_choose_model   (Run                  *run,
                              GError              **error);
/* After run_choose_model (): fills settings and plan from config, image, selection. */
gboolean  run_plan           (Run                  *run,
                              GError              **error);
/* After run_plan (): with pixels, to be started.  A random seed is drawn here. */
JobTask  *run_task           (Run                  *run,
                              GError              **error);
/* Without pixels, for job_estimate (). */
JobTask  *run_task_empty     (Run                  *run,
                              GError              **error);

/**
 * run_insert:
 * @candidates: (array length=count): stay the caller's
 * @layer: (out): the new layer, or the group of several
 * @image: (out): the image it is in: another one, not yet on a display, if the place
 * where it belongs is gone
 */
gboolean  run_insert         (Run                  *run,
                              Candidate           **candidates,
                              gint                  count,
                              GimpLayer           **layer,
                              GimpImage           **image,
                              GError              **error);

/* Sets the config's arguments to what a `parameters' text says. */
gboolean  run_use_parameters (GimpProcedureConfig  *config,
                              const gchar          *text,
                              GError              **error);

/* An engine's failure as GError (domain ENGINE_ERROR, code EngineStatus). */
#define ENGINE_ERROR (engine_error_quark ())
GQuark          engine_error_quark (void);
void            engine_error_to_g  (const EngineError *failure,
                                    GError           **error);
/* CANCEL, CALLING_ERROR or EXECUTION_ERROR; takes the error over. */
GimpValueArray *run_fail           (GimpProcedure     *procedure,
                                    GError            *error);

/* The GimpRunImageFunc of all modes. */
GimpValueArray *run_procedure      (GimpProcedure        *procedure,
                                    GimpRunMode           run_mode,
                                    GimpImage            *image,
                                    GimpDrawable        **drawables,
                                    GimpProcedureConfig  *config,
                                    gpointer              data);
