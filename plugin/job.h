/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine on a worker thread.
 *
 * The worker only computes: every callback below runs on the main thread, from the
 * main loop, so that it may call libgimp and GTK.  A Job runs one task at a time and
 * keeps the opened model for the next one. */
#pragma once

#include "edit.h"
#include "estimate.h"

#include <gio/gio.h>

typedef struct _Job Job;

/* What to compute.  Owned by the job from job_start () on. */
typedef struct
{
  gchar         *model_path;  /* bytes of a file name */
  EditSettings   settings;
  EditPlan       plan;
  gfloat        *rgba[EDIT_MAX_ISLANDS];      /* of each crop [region.height, region.width, 4] */
  gfloat        *selection[EDIT_MAX_ISLANDS]; /* [region.height, region.width], or NULL */

  /* Prompts as written: wildcards are picked by each candidate's seed. */
  gchar         *prompt;
  gchar         *negative_prompt;
  EngineRequest  request;     /* how: steps, sampler, guidance …, seed, count */
  gboolean       want_preview;
  gboolean       want_hash;   /* the model's SHA-256 for the record */
} JobTask;

/* One finished picture and all that is needed to put it into an image later. */
typedef struct
{
  EditResult      edit;       /* pixels, mask and place in the (new) canvas */
  EditSettings    settings;
  EditPlan        plan;
  EngineRequest   request;    /* prompt and negative_prompt point to the strings below */
  gchar          *prompt;     /* as written */
  gchar          *negative_prompt;
  gchar          *model_path;
  EngineModelInfo model;
  gchar           sha256[65]; /* of the model's file, or "" */
  GBytes         *selection;  /* as read: floats of each crop's region in turn; or NULL */
  GBytes         *shown;      /* [shown_height, shown_width, 4] 8-bit sRGB with the mask in alpha:
                                 the picture at most CANDIDATE_SHOWN wide and high */
  gint            shown_width, shown_height;
  gdouble         seconds;
} Candidate;

#define CANDIDATE_SHOWN 768

void candidate_free (Candidate *candidate);

/* How far the run is.  Pixels are borrowed during the call. */
typedef struct
{
  EngineStage   stage;
  gint          step, steps;
  gint          image, count;
  gdouble       fraction;     /* of all candidates, 0 … 1 */
  gdouble       seconds_left; /* < 0: not known */
  const guchar *preview;      /* [preview_height, preview_width, 3] sRGB, or NULL */
  gint          preview_width, preview_height;
  EditRect      preview_rect; /* where it lies in the (new) canvas */
} JobProgress;

typedef struct
{
  void (* opened)    (const EngineModelInfo *model, gpointer user); /* may be NULL */
  void (* progress)  (const JobProgress *progress, gpointer user);  /* may be NULL */
  void (* candidate) (Candidate *candidate, gpointer user); /* takes it over */
  /* Always called, once, last; ENGINE_CANCELLED when job_cancel () was heard.
   * The job may be started again or freed from here. */
  void (* finished)  (const EngineError *error, gpointer user);
} JobCallbacks;

Job      *job_new        (void);
/* Stops what runs, waits for it unless it opens a model, and forgets what it had to report. */
void      job_free       (Job                *job);

JobTask  *job_task_new   (void);
void      job_task_free  (JobTask            *task);

/* Not while another task runs. */
void      job_start      (Job                *job,
                          JobTask            *task,
                          const JobCallbacks *callbacks,
                          gpointer            user);
/* Heard within 0.3 s; candidates that are finished have been handed out. */
void      job_cancel     (Job                *job);
/* Ends the steps early: the picture under way is made of what there is after its first step, and is the
 * last one.  It is handed out like the others. */
void      job_keep       (Job                *job);
gboolean  job_is_running (Job                *job);

/* Memory and time of a task before it starts; opens the model.  Takes the task over, which
 * needs no pixels.  `done' comes once, from the main loop, and may start the job or free it;
 * its `error' is NULL where there is an estimate.  Not while a task runs. */
typedef void (* JobEstimated) (const Estimate    *estimate,
                               const EngineError *error,
                               gpointer           user);

void      job_estimate   (Job                *job,
                          JobTask            *task,
                          JobEstimated        done,
                          gpointer            user);
/* Whether a model is being opened, which nothing can end on a drive that is slow: job_free ()
 * leaves it alone then.  `path', if not NULL, is set to the model's; borrowed. */
gboolean  job_is_opening (Job                *job,
                          const gchar       **path);
