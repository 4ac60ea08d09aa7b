/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "estimate.h"

#include <math.h>

#define LEAST_SIDE 64 /* pixels */
#define MOST_TRIES 12 /* of smaller sizes until one fits */

static gboolean
fits (const EngineEstimate *cost)
{
  return ! cost->available_bytes ||
         cost->scratch_bytes + cost->picture_bytes <= cost->available_bytes;
}

/* Of the same shape, `share' of the pixels. */
static void
make_smaller (Estimate       *estimate,
              EditSettings   *settings,
              const EditPlan *plan,
              gdouble         share)
{
  gdouble scale = sqrt (share);

  if (settings->mode == EDIT_TEXT_TO_IMAGE)
    {
      estimate->width  = MAX (LEAST_SIDE, (gint) (settings->width * scale) / 64 * 64);
      estimate->height = MAX (LEAST_SIDE, (gint) (settings->height * scale) / 64 * 64);
      settings->width  = settings->canvas_width  = estimate->width;
      settings->height = settings->canvas_height = estimate->height;
    }
  else
    {
      gdouble pixels = (gdouble) plan->work_width * plan->work_height * share;

      estimate->max_pixels = (guint64) MAX (LEAST_SIDE * LEAST_SIDE * 4, pixels);
      settings->max_pixels = estimate->max_pixels;
    }
}

static gboolean
find_smaller (Estimate            *estimate,
              Engine              *engine,
              const EditSettings  *settings,
              const EditPlan      *plan,
              const EngineRequest *request)
{
  gdouble share = (gdouble) estimate->cost.available_bytes /
                  (gdouble) estimate->cost.scratch_bytes;

  for (gint i = 0; i < MOST_TRIES; i++)
    {
      EditSettings   smaller = *settings;
      EngineError    failure = { 0 };
      EngineEstimate cost;
      EditPlan       other;

      make_smaller (estimate, &smaller, plan, share * pow (0.85, i));
      if (edit_plan (&smaller, engine_model (engine), &other, &failure)              &&
          edit_estimate (&smaller, &other, engine, request, &cost, &failure) &&
          fits (&cost))
        return TRUE;
    }

  return FALSE;
}

gboolean
estimate_make (Estimate            *estimate,
               Engine              *engine,
               const EditSettings  *settings,
               const EditPlan      *plan,
               const EngineRequest *request,
               EngineError         *error)
{
  *estimate = (Estimate) { .fits = TRUE };
  if (! edit_estimate (settings, plan, engine, request, &estimate->cost, error))
    return FALSE;

  estimate->fits = fits (&estimate->cost);
  if (! estimate->fits)
    estimate->has_smaller = find_smaller (estimate, engine, settings, plan, request);

  return TRUE;
}
