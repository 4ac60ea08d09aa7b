/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "run.h"

#include "failure.h"
#include "settings/names.h"

#include <math.h>

#include "intl.h"

/* ---- arguments ----------------------------------------------------------- */

static gboolean
has_argument (Run         *run,
              const gchar *name)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (run->config), name) != NULL;
}

static gint
get_int (Run         *run,
         const gchar *name,
         gint         otherwise)
{
  gint value = otherwise;

  if (has_argument (run, name))
    g_object_get (run->config, name, &value, NULL);

  return value;
}

static gdouble
get_double (Run         *run,
            const gchar *name,
            gdouble      otherwise)
{
  gdouble value = otherwise;

  if (has_argument (run, name))
    g_object_get (run->config, name, &value, NULL);

  return value;
}

static gboolean
get_boolean (Run         *run,
             const gchar *name,
             gboolean     otherwise)
{
  gboolean value = otherwise;

  if (has_argument (run, name))
    g_object_get (run->config, name, &value, NULL);

  return value;
}

static gchar *
get_string (Run         *run,
            const gchar *name)
{
  gchar *value = NULL;

  if (has_argument (run, name))
    g_object_get (run->config, name, &value, NULL);

  return value ? value : g_strdup ("");
}

static gint
get_choice (Run          *run,
            const gchar  *name,
            const NameOf *names,
            gint          otherwise)
{
  gchar *text  = get_string (run, name);
  gint   value = names_value (names, text);

  g_free (text);

  return value >= 0 ? value : otherwise;
}

/* GIMP checks ranges, but a comparison with NaN lets it through. */
static gboolean
check_numbers (Run     *run,
               GError **error)
{
  static const gchar *names[] = { "cfg", "cfg-rescale", "image-cfg", "strength", "seed" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (! isfinite (get_double (run, names[i], 0.0)))
      {
        g_set_error (error, GIMP_PLUG_IN_ERROR, 0, _("“%s” is not a number."), names[i]);
        return FALSE;
      }
  if (get_double (run, "seed", 0.0) != floor (get_double (run, "seed", 0.0)))
    {
      g_set_error (error, GIMP_PLUG_IN_ERROR, 0, _("The seed must be a whole number."));
      return FALSE;
    }

  return TRUE;
}

/* ---- a run --------------------------------------------------------------- */

static gchar *
plugin_folder (void)
{
  return g_path_get_dirname (gimp_get_progname ());
}

/* Layers among the drawables; a layer mask stands for its layer. */
static GimpLayer **
layers_of (GimpDrawable **drawables)
{
  GPtrArray *layers = g_ptr_array_new ();

  for (gint i = 0; drawables && drawables[i]; i++)
    {
      GimpLayer *layer = NULL;

      if (GIMP_IS_LAYER_MASK (drawables[i]))
        layer = gimp_layer_from_mask (GIMP_LAYER_MASK (drawables[i]));
      else if (GIMP_IS_LAYER (drawables[i]))
        layer = GIMP_LAYER (drawables[i]);
      if (layer && ! g_ptr_array_find (layers, layer, NULL))
        g_ptr_array_add (layers, layer);
    }
  g_ptr_array_add (layers, NULL);

  return (GimpLayer **) g_ptr_array_free (layers, FALSE);
}

Run *
run_new (GimpProcedure        *procedure,
         GimpProcedureConfig  *config,
         GimpRunMode           run_mode,
         EditMode              mode,
         GimpImage            *image,
         GimpDrawable        **drawables)
{
  Run   *run    = g_new0 (Run, 1);
  gchar *folder = plugin_folder ();

  run->procedure = procedure;
  run->config    = config;
  run->run_mode  = run_mode;
  run->mode      = mode;
  run->image     = image;
  run->chosen    = layers_of (drawables);
  run->store     = model_store_new (folder);
  run->job       = job_new ();
  if (run->chosen[0])
    run->above = GIMP_ITEM (run->chosen[0]);
  g_free (folder);

  return run;
}

void
run_free (Run *run)
{
  if (! run)
    return;

  job_free (run->job);
  model_store_free (run->store);
  g_free (run->model_path);
  g_free (run->chosen);
  g_free (run);
}

gboolean
run_choose_model (Run     *run,
                  GError **error)
{
  gchar   *wanted   = get_string (run, "model");
  gdouble  strength = get_double (run, "strength",
                                  edit_settings_default (run->mode).strength);

  g_free (run->model_path);
  run->model_path = model_store_choose (run->store, wanted, run->mode, strength,
                                        &run->model, error);
  g_free (wanted);

  return run->model_path != NULL;
}

static void
read_settings (Run *run)
{
  EditSettings settings = edit_settings_default (run->mode);
  gint         tile     = get_choice (run, "tile", tile_names, 0);

  run->extended              = FALSE;
  settings.left              = get_int (run, "left", 0);
  settings.right             = get_int (run, "right", 0);
  settings.top               = get_int (run, "top", 0);
  settings.bottom            = get_int (run, "bottom", 0);
  settings.intent            = get_choice (run, "intent", intent_names, settings.intent);
  settings.edge              = get_choice (run, "edge-mode", edge_names, settings.edge);
  settings.context           = get_choice (run, "context", context_names,
                                           settings.context);
  settings.context_pixels    = get_int (run, "context-pixels", settings.context_pixels);
  settings.strength          = get_double (run, "strength", settings.strength);
  settings.colour_match      = get_boolean (run, "colour-match", settings.colour_match);
  settings.keep_transparency = get_boolean (run, "keep-transparency",
                                            settings.keep_transparency);
  settings.max_pixels        = run->max_pixels;
  settings.tile_x            = (tile & 1) != 0;
  settings.tile_y            = (tile & 2) != 0;
  if (run->mode == EDIT_TEXT_TO_IMAGE)
    {
      settings.width  = get_int (run, "width", 0);
      settings.height = get_int (run, "height", 0);
      if (! settings.width)
        settings.width = run->model.native_width;
      if (! settings.height)
        settings.height = run->model.native_height;
      settings.canvas_width  = settings.width;
      settings.canvas_height = settings.height;
    }
  else
    {
      settings.canvas_width  = gimp_image_get_width (run->image);
      settings.canvas_height = gimp_image_get_height (run->image);
      if (run->mode == EDIT_OUTPAINT)
        canvas_shown_bounds (run->image, &settings.known);
      else
        settings.has_selection = canvas_selection_bounds (run->image,
                                                          &settings.selection);
    }
  run->settings = settings;
}

/* A layer's record is made again where the layer is now, for it may have been moved, and
 * the canvas cropped or grown: the record's places in place of today's selection and of
 * the config's sides. */
static gboolean
replay_places (Run     *run,
                 GError **error)
{
  const Record *record = run->replay;
  EditRect      now;
  gint          dx, dy;

  canvas_layer_rect (run->hidden, &now);
  dx = now.x - record->result.x;
  dy = now.y - record->result.y;

  if (run->mode == EDIT_TEXT_TO_IMAGE)
    return TRUE;

  run->settings.left          = record->settings.left;
  run->settings.right         = record->settings.right;
  run->settings.top           = record->settings.top;
  run->settings.bottom        = record->settings.bottom;
  run->settings.known         = record->settings.known;
  run->settings.has_selection = record->settings.has_selection;
  run->settings.selection     = record->settings.selection;
  if (run->mode == EDIT_OUTPAINT)
    {
      gint width  = record->settings.canvas_width + record->settings.left +
                    record->settings.right;
      gint height = record->settings.canvas_height + record->settings.top +
                    record->settings.bottom;

      if (dx || dy || gimp_image_get_width (run->image) != width ||
          gimp_image_get_height (run->image) != height)
        {
          g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                       _("The canvas has changed since this layer was made, so its "
                         "extension cannot be made again."));
          return FALSE;
        }
      run->settings.canvas_width  = record->settings.canvas_width;
      run->settings.canvas_height = record->settings.canvas_height;
      run->extended               = TRUE;
    }
  else
    {
      run->settings.selection.x += dx;
      run->settings.selection.y += dy;
    }

  return TRUE;
}

gboolean
run_plan (Run     *run,
          GError **error)
{
  EngineError failure = { 0 };

  if (! check_numbers (run, error))
    return FALSE;
  read_settings (run);
  if (run->replay && ! replay_places (run, error))
    return FALSE;
  if (! edit_plan (&run->settings, &run->model, &run->plan, &failure))
    {
      failure_to_error (&failure, error);
      return FALSE;
    }

  return TRUE;
}

static void
read_request (Run           *run,
              EngineRequest *request)
{
  gchar   *sampler  = get_string (run, "sampler");
  gchar   *schedule = get_string (run, "schedule");
  gdouble  seed     = get_double (run, "seed", -1.0);

  engine_sampler_from_name (sampler, &request->sampler);
  engine_schedule_from_name (schedule, &request->schedule);
  request->steps       = get_int (run, "steps", request->steps);
  request->cfg         = get_double (run, "cfg", request->cfg);
  request->cfg_rescale = get_double (run, "cfg-rescale", request->cfg_rescale);
  request->image_cfg   = get_double (run, "image-cfg", request->image_cfg);
  request->noise       = get_choice (run, "noise", noise_names, request->noise);
  request->clip_skip   = get_int (run, "clip-skip", request->clip_skip);
  request->count       = get_int (run, "count", 1);
  request->seed        = seed < 0.0 ? g_random_int () : (guint64) seed;
  g_free (sampler);
  g_free (schedule);
}

JobTask *
run_task_empty (Run     *run,
                GError **error G_GNUC_UNUSED)
{
  JobTask *task = job_task_new ();

  read_request (run, &task->request);
  task->model_path      = g_strdup (run->model_path);
  task->settings        = run->settings;
  task->plan            = run->plan;
  task->prompt          = get_string (run, "prompt");
  task->negative_prompt = get_string (run, "negative-prompt");
  task->want_hash       = TRUE;
  task->request.tile_x  = run->settings.tile_x;
  task->request.tile_y  = run->settings.tile_y;

  return task;
}

CanvasSource
run_source (Run *run)
{
  return get_choice (run, "source", source_names, CANVAS_VISIBLE);
}

/* The record's selection for the region that is seen today, which may have another size:
 * the canvas's borders can be elsewhere.  NULL: part of it would be lost. */
static gfloat *
move_selection (Run            *run,
                const EditRect *region)
{
  const EditRect *now    = &run->settings.selection;
  const EditRect *then   = &run->replay->settings.selection;
  EditRect        stored = run->replay->region;
  const gfloat   *values = g_bytes_get_data (run->selection, NULL);
  gfloat         *moved;

  stored.x += now->x - then->x;
  stored.y += now->y - then->y;
  if (now->x < region->x || now->x + now->width > region->x + region->width ||
      now->y < region->y || now->y + now->height > region->y + region->height)
    return NULL;

  moved = g_malloc0_n ((gsize) region->width * region->height, sizeof (gfloat));
  for (gint y = MAX (now->y, stored.y);
       y < MIN (now->y + now->height, stored.y + stored.height); y++)
    for (gint x = MAX (now->x, stored.x);
         x < MIN (now->x + now->width, stored.x + stored.width); x++)
      moved[(gsize) (y - region->y) * region->width + (x - region->x)] =
        values[(gsize) (y - stored.y) * stored.width + (x - stored.x)];

  return moved;
}

static gboolean
read_selection (Run      *run,
                JobTask  *task,
                EditRect *region,
                GError  **error)
{
  if (! run->settings.has_selection)
    return TRUE;
  if (! run->replay)
    {
      task->selection = canvas_read_selection (run->image, region);
      return TRUE;
    }
  if (run->selection)
    task->selection = move_selection (run, region);
  if (! task->selection)
    g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                 _("This layer's selection cannot be used any more: its place in the image "
                   "has changed too much."));

  return task->selection != NULL;
}

/* One layer's own pixels are nothing where the layer is not. */
static gboolean
check_touch (Run     *run,
             GError **error)
{
  const EditRect *wanted = &run->settings.selection;
  EditRect        there;

  if (run_source (run) != CANVAS_LAYER || ! run->settings.has_selection ||
      ! run->chosen[0])
    return TRUE;

  canvas_layer_rect (run->chosen[0], &there);
  if (wanted->x < there.x + there.width  && there.x < wanted->x + wanted->width &&
      wanted->y < there.y + there.height && there.y < wanted->y + wanted->height)
    return TRUE;

  g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
               _("The selection does not touch the chosen layer: choose another layer, or "
                 "let the model see all that is visible."));

  return FALSE;
}

JobTask *
run_task (Run     *run,
          GError **error)
{
  JobTask  *task   = run_task_empty (run, error);
  EditRect  region = run->plan.region;
  gboolean  read;

  if (run->mode == EDIT_TEXT_TO_IMAGE)
    {
      task->rgba = g_malloc0_n ((gsize) region.width * region.height * 4,
                                sizeof (gfloat));
      return task;
    }

  /* In today's canvas. */
  if (! run->extended)
    {
      region.x -= run->plan.shift_x;
      region.y -= run->plan.shift_y;
    }
  read = check_touch (run, error) && read_selection (run, task, &region, error);
  if (read)
    {
      task->rgba = canvas_read (run->image, run_source (run), run->chosen, run->hidden,
                                &region, error);
      read = task->rgba != NULL;
    }
  if (! read)
    g_clear_pointer (&task, job_task_free);

  return task;
}
