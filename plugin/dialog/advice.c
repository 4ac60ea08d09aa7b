/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "advice.h"

#include "scene.h"

#include <math.h>

#include "intl.h"

#define LEAST_SIDE 64
#define MOST_PIXELS (6 << 20) /* of a picture that is made at once */

void
advice_clear (Advice *advice)
{
  g_free (advice->text);
  *advice = (Advice) { .kind = ADVICE_NONE };
}

gchar *
advice_label (const Advice *advice)
{
  switch (advice->kind)
    {
    case ADVICE_NONE:
      break;
    case ADVICE_OPEN_FOLDER:
      return g_strdup (_("Open models _folder"));
    case ADVICE_BEST_MODEL:
      return g_strdup (_("Use the one that _fits best"));
    case ADVICE_SELECT_ALL:
      return g_strdup (_("Select e_verything"));
    case ADVICE_EXTEND:
      return g_strdup (_("E_xtend by 25 %"));
    case ADVICE_SIZE:
      return g_strdup_printf (_("Make it _%d × %d"), advice->width, advice->height);
    case ADVICE_SMALLER_PASSES:
      return g_strdup (_("_Work at a smaller size"));
    case ADVICE_MORE_CONTEXT:
      return g_strdup (_("Show the _whole image"));
    case ADVICE_SEE_ALL:
      return g_strdup (_("Show all that is _visible"));
    }
  return NULL;
}

void
advice_follow (const Advice *advice,
               Run          *run)
{
  GObject *config = G_OBJECT (run->config);

  switch (advice->kind)
    {
    case ADVICE_NONE:
    case ADVICE_OPEN_FOLDER:
      break;
    case ADVICE_BEST_MODEL:
      g_object_set (config, "model", "", NULL);
      break;
    case ADVICE_SELECT_ALL:
      gimp_selection_all (run->image);
      gimp_displays_flush ();
      break;
    case ADVICE_EXTEND:
      {
        gint across = MAX (1, gimp_image_get_width (run->image) / 4);
        gint down   = MAX (1, gimp_image_get_height (run->image) / 4);

        g_object_set (config, "left", across, "right", across, "top", down,
                      "bottom", down, NULL);
      }
      break;
    case ADVICE_SIZE:
      g_object_set (config, "width", advice->width, "height", advice->height, NULL);
      break;
    case ADVICE_SMALLER_PASSES:
      run->max_pixels = advice->max_pixels;
      break;
    case ADVICE_MORE_CONTEXT:
      g_object_set (config, "context", "whole", NULL);
      break;
    case ADVICE_SEE_ALL:
      g_object_set (config, "source", "visible", NULL);
      break;
    }
}

/* ---- models -------------------------------------------------------------- */

static gboolean
any_fits (Run *run)
{
  GPtrArray *list = model_store_list (run->store);

  for (guint i = 0; i < list->len; i++)
    {
      const Model *model = list->pdata[i];

      if (model->state == MODEL_READY && model_fits (&model->info, run->mode, 1.0, NULL) > 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
model_is_chosen (Run *run)
{
  gchar   *wanted;
  gboolean chosen;

  g_object_get (run->config, "model", &wanted, NULL);
  chosen = wanted && wanted[0];
  g_free (wanted);
  return chosen;
}

void
advice_of_model (Run          *run,
                 const GError *error,
                 Advice       *advice)
{
  advice_clear (advice);
  advice->refused = TRUE;
  advice->text    = g_strdup (error->message);
  advice->kind    = model_is_chosen (run) && any_fits (run) ? ADVICE_BEST_MODEL
                                                            : ADVICE_OPEN_FOLDER;
}

/* ---- before the plan ----------------------------------------------------- */

static gint
rounded (gint value,
         gint native)
{
  if (value == 0)
    return native;
  return MAX (LEAST_SIDE, (value + 4) / 8 * 8);
}

static void
check_size (Run    *run,
            Advice *advice)
{
  gint    width, height;
  gdouble scale;

  g_object_get (run->config, "width", &width, "height", &height, NULL);
  advice->width  = rounded (width, run->model.native_width);
  advice->height = rounded (height, run->model.native_height);
  scale          = sqrt ((gdouble) MOST_PIXELS / ((gdouble) advice->width * advice->height));
  if (scale < 1)
    {
      advice->kind    = ADVICE_SIZE;
      advice->refused = TRUE;
      advice->text    = g_strdup_printf (
        _("A picture of %d × %d pixels is too large to be made at once."), advice->width,
        advice->height);
      advice->width  = MAX (LEAST_SIDE, (gint) (advice->width * scale) / 64 * 64);
      advice->height = MAX (LEAST_SIDE, (gint) (advice->height * scale) / 64 * 64);
      return;
    }
  if ((width == 0 || width == advice->width) && (height == 0 || height == advice->height))
    return;
  advice->kind    = ADVICE_SIZE;
  advice->refused = TRUE;
  advice->text    = g_strdup_printf (
    _("A picture of %d × %d pixels cannot be made: both sides must be multiples of 8, and 64 "
      "or more."), width ? width : advice->width, height ? height : advice->height);
}

static void
check_selection (Run    *run,
                 Advice *advice)
{
  gchar   *intent;
  EditRect bounds;

  if (run->replay || canvas_selection_bounds (run->image, &bounds))
    return;
  g_object_get (run->config, "intent", &intent, NULL);
  advice->refused = TRUE;
  if (g_strcmp0 (intent, "background") == 0)
    {
      advice->text = g_strdup (_("Nothing is selected: select what should "
                                 "stay; the rest will be replaced."));
    }
  else
    {
      advice->kind = ADVICE_SELECT_ALL;
      advice->text = g_strdup (_("Nothing is selected: select in the image "
                                 "what should be repainted."));
    }
  g_free (intent);
}

gboolean
advice_misses_amounts (Run *run)
{
  gint     left, right, top, bottom;
  EditRect bounds;

  g_object_get (run->config, "left", &left, "right", &right, "top", &top,
                "bottom", &bottom, NULL);
  if (run->replay || left || right || top || bottom)
    return FALSE;
  canvas_shown_bounds (run->image, &bounds);
  return bounds.width >= gimp_image_get_width (run->image)   &&
         bounds.height >= gimp_image_get_height (run->image) &&
         ! canvas_has_empty_places (run->image);
}

static void
check_amounts (Run    *run,
               Advice *advice)
{
  if (! advice_misses_amounts (run))
    return;
  advice->kind    = ADVICE_EXTEND;
  advice->refused = TRUE;
  advice->text    = g_strdup (_("Nothing is added on any side: enter how "
                                "much to add."));
}

void
advice_before_plan (Run    *run,
                    Advice *advice)
{
  gchar  *reason = NULL;
  GError *gone   = NULL;

  advice_clear (advice);
  if (! run_check_scene (run, &gone))
    {
      advice->kind    = scene_has_image (run->image) && ! run->hidden ? ADVICE_SEE_ALL
                                                                      : ADVICE_NONE;
      advice->refused = TRUE;
      advice->text    = g_strdup (gone->message);
      g_error_free (gone);
      return;
    }
  if (! model_fits (&run->model, run->mode, 1.0, &reason))
    {
      advice->kind    = any_fits (run) ? ADVICE_BEST_MODEL : ADVICE_OPEN_FOLDER;
      advice->refused = TRUE;
      advice->text    = reason;
      return;
    }
  g_free (reason);
  if (run->mode == EDIT_TEXT_TO_IMAGE)
    check_size (run, advice);
  else if (run->mode == EDIT_INPAINT)
    check_selection (run, advice);
  else if (run->mode == EDIT_OUTPAINT)
    check_amounts (run, advice);
}

/* ---- after the plan ------------------------------------------------------ */

static void
check_memory (Run            *run,
              const Estimate *estimate,
              Advice         *advice)
{
  gchar *need  = g_format_size (estimate->cost.scratch_bytes +
                               estimate->cost.picture_bytes);
  gchar *there = g_format_size (estimate->cost.available_bytes);

  advice->refused    = TRUE;
  advice->width      = estimate->width;
  advice->height     = estimate->height;
  advice->max_pixels = estimate->max_pixels;
  if (! estimate->has_smaller)
    {
      advice->text = g_strdup_printf (
        _("This needs %s of memory and only %s is free: close other programs."), need, there);
    }
  else if (run->mode == EDIT_TEXT_TO_IMAGE)
    {
      advice->kind = ADVICE_SIZE;
      advice->text = g_strdup_printf (
        _("This needs %s of memory and only %s is free: make it smaller, or "
          "close other programs."), need, there);
    }
  else
    {
      advice->kind = ADVICE_SMALLER_PASSES;
      advice->text = g_strdup_printf (
        _("This needs %s of memory and only %s is free: paint it at a "
          "smaller size and enlarge it, or close other programs."), need, there);
    }
  g_free (need);
  g_free (there);
}

void
advice_of_estimate (Run            *run,
                    const Estimate *estimate,
                    Advice         *advice)
{
  advice_clear (advice);
  if (! estimate->fits)
    {
      check_memory (run, estimate, advice);
    }
  else if (run->plan.little_context)
    {
      advice->kind = run->settings.context == EDIT_CONTEXT_WHOLE ? ADVICE_NONE
                                                                 : ADVICE_MORE_CONTEXT;
      if (run->plan.region.width == run->plan.canvas.width &&
          run->plan.region.height == run->plan.canvas.height)
        advice->kind = ADVICE_NONE;
      advice->text = g_strdup (_("Little of the picture is left around the selection: the "
                                 "result may not fit it."));
    }
  else if (run->plan.warning[0])
    {
      advice->text = g_strdup (run->plan.warning);
    }
  else if (estimate->cost.available_bytes &&
           estimate->cost.scratch_bytes + estimate->cost.picture_bytes +
           estimate->cost.weight_bytes >
           estimate->cost.available_bytes)
    {
      advice->text = g_strdup (_("The model is larger than the free memory: it has to be read "
                                 "from disk again and again, which is slow."));
    }
}
