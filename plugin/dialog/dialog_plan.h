/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run would do, found out while the dialog stays usable: which model, what it is (on a
 * thread), which pixels (here: GIMP is asked), and what it takes (on a thread, which opens the
 * model).  Nobody waits for a drive that is slow. */
#pragma once

#include "advice.h"
#include "run.h"

typedef struct
{
  /* The model is known, and run->model is it: settings that suit it may be set. */
  void (* model)   (gpointer user);
  /* It takes longer than one would not notice: say so. */
  void (* slow)    (gpointer user);
  /* The end; not after dialog_plan_stop (). */
  void (* planned) (gpointer user);
} DialogPlanHooks;

typedef struct
{
  Run             *run;        /* borrowed */
  DialogPlanHooks  hooks;
  gpointer         user;

  /* When it is planned. */
  gboolean         good;       /* run->settings and run->plan are what would be done */
  gboolean         has_cost;
  EngineEstimate   cost;
  Advice           advice;     /* what is in the way */

  /* While it works. */
  gboolean         busy;
  gboolean         again;      /* something has changed meanwhile */
  guint            slow_id;
  struct _Inspection *inspection;
} DialogPlan;

void     dialog_plan_init  (DialogPlan            *self,
                            Run                   *run,
                            const DialogPlanHooks *hooks,
                            gpointer               user);
void     dialog_plan_clear (DialogPlan            *self);

/* Begins, or begins again. */
void     dialog_plan_start (DialogPlan            *self);
/* Ends it, whatever it waits for. */
void     dialog_plan_stop  (DialogPlan            *self);
