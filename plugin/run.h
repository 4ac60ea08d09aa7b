/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of a mode: config -> settings and request -> a task for the job.
 *
 *   run_choose_model ()   which file, and what it is
 *   run_plan ()           what will be read and made: no pixel, no weight is touched
 *   run_task ()           reads the pixels: a JobTask for job_start (run->job, …)
 *
 * Then insertion.h puts what the job made into the image.  unattended.c does it all at once; the
 * dialog may generate several times and insert later.
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
  GPtrArray           *beneath;      /* of GimpItem, borrowed: results come above the highest of
                                        them: what was chosen, and what was inserted before */
  GimpLayer          **chosen;       /* NULL-terminated; borrowed; see scene.h */
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
  guint                islands_seen; /* fingerprint of the selection that settings.islands are of */
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
/* The same for who looks into the file later: sets the path alone. */
gboolean  run_find_model     (Run                  *run,
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

/* Leaves a job alone that opens a model, and takes a new one: nothing can end it. */
void      run_renew_job      (Run                  *run);
/* Whether all that the model is to see, and the layer that is made again, still are in the
 * image; else a sentence. */
gboolean  run_check_scene    (Run                  *run,
                              GError              **error);
/* What the config lets the model see. */
CanvasSource run_source      (Run                  *run);
