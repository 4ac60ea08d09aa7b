/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_plan.h"

#include "models/inspection.h"

#include "failure.h"
#include "scene.h"

#include "intl.h"

#define SLOW 400 /* milliseconds */

void
dialog_plan_init (DialogPlan            *self,
                  Run                   *run,
                  const DialogPlanHooks *hooks,
                  gpointer               user)
{
  *self = (DialogPlan) { .run = run, .hooks = *hooks, .user = user };
}

static gboolean
slow_cb (gpointer data)
{
  DialogPlan *self = data;

  self->slow_id = 0;
  self->hooks.slow (self->user);
  return G_SOURCE_REMOVE;
}

static void
end (DialogPlan *self)
{
  if (self->slow_id)
    g_source_remove (self->slow_id);
  self->slow_id = 0;
  self->busy    = FALSE;
}

static void
finish (DialogPlan *self)
{
  end (self);
  if (self->again)
    dialog_plan_start (self);
  else
    self->hooks.planned (self->user);
}

static void
refuse (DialogPlan  *self,
        const gchar *text)
{
  advice_clear (&self->advice);
  self->advice.refused = TRUE;
  self->advice.text    = g_strdup (text);
  self->good           = FALSE;
  finish (self);
}

/* ---- what it takes ------------------------------------------------------- */

static void
estimated_cb (const Estimate    *estimate,
              const EngineError *error,
              gpointer           user)
{
  DialogPlan *self = user;

  if (! self->busy)
    return; /* it was stopped */
  if (error)
    {
      refuse (self, error->message);
      return;
    }
  self->has_cost = TRUE;
  self->cost     = estimate->cost;
  advice_of_estimate (self->run, estimate, &self->advice);
  finish (self);
}

/* ---- which pixels -------------------------------------------------------- */

static void
inspected_cb (const EngineModelInfo *info,
              const EngineError     *error,
              gpointer               user)
{
  DialogPlan *self   = user;
  GError     *failed = NULL;

  self->inspection = NULL;
  if (error)
    {
      failure_to_error (error, &failed);
      advice_of_model (self->run, failed, &self->advice);
      g_error_free (failed);
      finish (self);
      return;
    }
  self->run->model = *info;
  self->hooks.model (self->user);
  advice_before_plan (self->run, &self->advice);
  if (self->advice.refused)
    {
      finish (self);
    }
  else if (! run_plan (self->run, &failed))
    {
      refuse (self, failed->message);
      g_error_free (failed);
    }
  else
    {
      self->good = TRUE;
      job_estimate (self->run->job, run_task_empty (self->run, NULL), estimated_cb, self);
    }
}

/* ---- which model --------------------------------------------------------- */

/* Whether the job still works on the last plan.  It is left alone where it opens another model
 * than the one that is wanted now. */
static gboolean
job_is_taken (DialogPlan *self)
{
  const gchar *opens;

  if (! job_is_running (self->run->job))
    return FALSE;
  if (! job_is_opening (self->run->job, &opens) ||
      ! g_strcmp0 (opens, self->run->model_path))
    return TRUE;
  run_renew_job (self->run);
  return FALSE;
}

void
dialog_plan_start (DialogPlan *self)
{
  GError   *error = NULL;
  gboolean  found;

  if (self->busy && ! self->inspection && ! job_is_running (self->run->job))
    {
      self->again = TRUE; /* folders are looked through: the main loop runs below */
      return;
    }
  inspection_forget (self->inspection);
  self->inspection = NULL;
  self->again      = FALSE;
  self->busy       = TRUE;
  self->good       = FALSE;
  self->has_cost   = FALSE;
  if (! self->slow_id)
    self->slow_id = g_timeout_add (SLOW, slow_cb, self);
  found = run_find_model (self->run, &error);
  if (! self->busy)
    {
      g_clear_error (&error); /* stopped meanwhile */
    }
  else if (! found)
    {
      advice_of_model (self->run, error, &self->advice);
      g_error_free (error);
      finish (self);
    }
  else if (job_is_taken (self))
    {
      self->again = TRUE;
    }
  else
    {
      self->inspection = inspection_start (self->run->model_path, inspected_cb, self);
    }
}

void
dialog_plan_stop (DialogPlan *self)
{
  inspection_forget (self->inspection);
  self->inspection = NULL;
  self->again      = FALSE;
  if (self->busy && job_is_opening (self->run->job, NULL))
    run_renew_job (self->run);
  end (self);
}

void
dialog_plan_clear (DialogPlan *self)
{
  dialog_plan_stop (self);
  advice_clear (&self->advice);
}
