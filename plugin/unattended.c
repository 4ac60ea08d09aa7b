/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "unattended.h"

#include "failure.h"
#include "insertion.h"
#include "scene.h"

#include "intl.h"

/* What the callbacks gather while the main loop runs. */
typedef struct
{
  Run        *run;
  GMainLoop  *loop;
  GPtrArray  *candidates;
  EngineError failure;
  gint64      shown;    /* when the progress bar's text was written */
} Waiting;

static gchar *
progress_text (const JobProgress *now)
{
  GString *text = g_string_new (NULL);

  switch (now->stage)
    {
    case ENGINE_STAGE_TEXT:
      g_string_append (text, _("Reading the prompt"));
      break;
    case ENGINE_STAGE_ENCODE:
      g_string_append (text, _("Looking at the picture"));
      break;
    case ENGINE_STAGE_SAMPLE:
      g_string_append_printf (text, _("Step %d of %d"), MIN (now->step + 1, now->steps),
                              now->steps);
      break;
    case ENGINE_STAGE_DECODE:
      g_string_append (text, _("Painting"));
      break;
    }
  if (now->count > 1)
    {
      g_string_append (text, " · ");
      g_string_append_printf (text, _("picture %d of %d"), now->image + 1, now->count);
    }
  if (now->seconds_left >= 90.0)
    {
      gint minutes = (gint) (now->seconds_left / 60.0 + 0.5);

      g_string_append (text, " · ");
      g_string_append_printf (text, ngettext_ ("%d minute left", "%d minutes left",
                                               minutes), minutes);
    }
  else if (now->seconds_left >= 0.0)
    {
      gint seconds = (gint) (now->seconds_left + 0.5);

      g_string_append (text, " · ");
      g_string_append_printf (text, ngettext_ ("%d second left", "%d seconds left",
                                               seconds), seconds);
    }

  return g_string_free (text, FALSE);
}

static void
waiting_progress (const JobProgress *now,
                  gpointer           user)
{
  Waiting *waiting = user;
  gint64   time    = g_get_monotonic_time ();

  if (time - waiting->shown > 150000)
    {
      gchar *text = progress_text (now);

      gimp_progress_set_text (text);
      gimp_progress_update (now->fraction);
      waiting->shown = time;
      g_free (text);
    }
}

static void
waiting_candidate (Candidate *candidate,
                   gpointer   user)
{
  Waiting *waiting = user;

  g_ptr_array_add (waiting->candidates, candidate);
}

static void
waiting_finished (const EngineError *error,
                  gpointer           user)
{
  Waiting *waiting = user;

  waiting->failure = *error;
  g_main_loop_quit (waiting->loop);
}

/* The main loop runs until the task is done. */
static gboolean
wait_for (Run       *run,
          JobTask   *task,
          GPtrArray *candidates,
          GError   **error)
{
  JobCallbacks callbacks = { NULL, waiting_progress, waiting_candidate,
                             waiting_finished };
  Waiting      waiting   = { run, g_main_loop_new (NULL, FALSE), candidates, { 0 }, 0 };

  gimp_progress_init (_("Opening the model"));
  job_start (run->job, task, &callbacks, &waiting);
  g_main_loop_run (waiting.loop);
  g_main_loop_unref (waiting.loop);
  gimp_progress_end ();
  if (waiting.failure.status != ENGINE_OK)
    {
      failure_to_error (&waiting.failure, error);
      return FALSE;
    }

  return TRUE;
}

static GimpValueArray *
success (Run             *run,
         GimpProcedure   *procedure,
         GimpImage       *image,
         GimpLayer       *layer,
         const Candidate *first)
{
  GimpValueArray *values;
  gchar          *base  = g_path_get_basename (first->model_path);
  gchar          *shown = g_filename_display_name (base);

  /* libgimp keeps the arguments of an interactive run with its image, which may be
   * gone. */
  if (run->run_mode != GIMP_RUN_NONINTERACTIVE && scene_lost_image (run->image))
    {
      values = gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
    }
  else
    {
      values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
      GIMP_VALUES_SET_LAYER (values, 1, layer);
      GIMP_VALUES_SET_IMAGE (values, 2, image);
      GIMP_VALUES_SET_DOUBLE (values, 3, (gdouble) first->request.seed);
      GIMP_VALUES_SET_STRING (values, 4, shown);
    }
  g_free (shown);
  g_free (base);

  return values;
}

GimpValueArray *
unattended_run (Run           *run,
                GimpProcedure *values_of)
{
  GPtrArray      *candidates;
  GimpValueArray *values = NULL;
  GimpLayer      *layer  = NULL;
  GimpImage      *image  = NULL;
  JobTask        *task   = NULL;
  GError         *error  = NULL;

  candidates = g_ptr_array_new_with_free_func ((GDestroyNotify) candidate_free);
  if (canvas_check (run->image, &error) &&
      run_choose_model (run, &error)    &&
      run_plan (run, &error))
    task = run_task (run, &error);

  if (task                                        &&
      wait_for (run, task, candidates, &error)    &&
      insertion_make (run, (Candidate **) candidates->pdata, candidates->len, &layer, &image,
                  &error))
    {
      if (image != run->image && run->run_mode != GIMP_RUN_NONINTERACTIVE)
        {
          gimp_display_new (image);
          gimp_displays_flush ();
        }
      values = success (run, values_of, image, layer, candidates->pdata[0]);
    }
  if (! values)
    values = failure_values (values_of, error);
  g_ptr_array_unref (candidates);

  return values;
}
