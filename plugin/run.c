/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "run.h"

#include "models/model_sibling.h"
#include "failure.h"
#include "scene.h"
#include "settings/arguments.h"

#include "intl.h"

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
  run->beneath   = g_ptr_array_new ();
  for (gint i = 0; run->chosen[i]; i++)
    g_ptr_array_add (run->beneath, run->chosen[i]);
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
  g_ptr_array_unref (run->beneath);
  g_free (run->chosen);
  g_free (run);
}

gboolean
run_find_model (Run     *run,
                GError **error)
{
  gchar    *wanted = arguments_get_text (run->config, "model");
  Settings  now    = arguments_read (run->config, run->mode);
  gchar    *path   = model_store_find (run->store, wanted, run->mode,
                                       (gdouble) now.edit.strength, error);

  g_free (run->model_path);
  run->model_path = path ? model_sibling_known (run->store, path, run->mode) : NULL;
  g_free (wanted);

  return run->model_path != NULL;
}

gboolean
run_choose_model (Run     *run,
                  GError **error)
{
  EngineError failure = { 0 };

  if (! run_find_model (run, error))
    return FALSE;
  /* Since the scan the drive may be gone or the file another one. */
  if (engine_inspect (run->model_path, &run->model, &failure))
    {
      model_sibling_take (&run->model_path, &run->model, run->mode);
      return TRUE;
    }
  failure_to_error (&failure, error);

  return FALSE;
}

void
run_renew_job (Run *run)
{
  job_free (run->job);
  run->job = job_new ();
}

/* To read a selection takes longer than to see that it has changed, so it is read again where it is
 * small, where it has changed, and before a task. */
static void
find_islands (Run          *run,
              EditSettings *settings)
{
  enum { SMALL = 1 << 22 };
  const EditRect *bounds = &settings->selection;
  guint           print  = 0;
  gint            count;

  if (run->mode != EDIT_INPAINT && run->mode != EDIT_IMAGE_TO_IMAGE)
    return;
  if ((gdouble) bounds->width * bounds->height > SMALL)
    {
      print = canvas_fingerprint (run->image);
      if (print == run->islands_seen && run->settings.has_selection &&
          ! memcmp (bounds, &run->settings.selection, sizeof *bounds))
        {
          settings->island_count = run->settings.island_count;
          memcpy (settings->islands, run->settings.islands, sizeof settings->islands);
          return;
        }
    }
  count = canvas_selection_islands (run->image, bounds, settings->islands);
  settings->island_count = count;
  run->islands_seen      = print;
}

/* The clear places in the middle of what the layers show, for an outpaint that adds nothing: all that
 * is clear is filled then. */
static void
find_holes (Run          *run,
            EditSettings *settings)
{
  enum { BAND = 1024 };
  EditRect     known = settings->known;
  guint        print = canvas_fingerprint (run->image);
  EditIslands *finder;
  GimpLayer  **chosen;
  gboolean     read  = TRUE;

  if (settings->left || settings->right || settings->top || settings->bottom ||
      ! canvas_has_empty_places (run->image))
    return;
  if (print == run->islands_seen && run->settings.mode == EDIT_OUTPAINT)
    {
      settings->island_count = run->settings.island_count;
      memcpy (settings->islands, run->settings.islands, sizeof settings->islands);
      return;
    }
  finder = edit_islands_create (settings->canvas_width, settings->canvas_height);
  chosen = scene_layers (run->image, run->chosen);
  for (gint y = 0; finder && read && y < known.height; y += BAND)
    {
      EditRect  band = { known.x, known.y + y, known.width, MIN (BAND, known.height - y) };
      gfloat   *rgba = canvas_read (run->image, run_source (run), chosen, NULL, &band, NULL);
      gsize     all  = (gsize) band.width * (gsize) band.height;

      read = rgba != NULL;
      for (gsize i = 0; read && i < all; i++)
        rgba[i] = rgba[4 * i + 3] < 0.5f / 255;
      if (read)
        edit_islands_add (finder, band, rgba);
      g_free (rgba);
    }
  if (! finder || ! read ||
      ! edit_islands_find (finder, settings->islands, &settings->island_count))
    settings->island_count = 0;
  edit_islands_destroy (finder);
  g_free (chosen);
  run->islands_seen = print;
}

static void
read_settings (Run *run)
{
  EditSettings settings = arguments_read (run->config, run->mode).edit;

  run->extended       = FALSE;
  settings.max_pixels = run->max_pixels;
  if (run->mode == EDIT_TEXT_TO_IMAGE)
    {
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
      if (settings.has_selection && ! run->replay)
        find_islands (run, &settings);
      else if (run->mode == EDIT_OUTPAINT && ! run->replay)
        find_holes (run, &settings);
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
  run->settings.island_count  = record->settings.island_count;
  memcpy (run->settings.islands, record->settings.islands, sizeof run->settings.islands);
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
      for (gint i = 0; i < run->settings.island_count; i++)
        {
          run->settings.islands[i].x += dx;
          run->settings.islands[i].y += dy;
        }
    }

  return TRUE;
}

gboolean
run_check_scene (Run     *run,
                 GError **error)
{
  CanvasSource   source = run_source (run);
  GimpLayer    **there;
  gboolean       good   = TRUE;

  if (run->mode == EDIT_TEXT_TO_IMAGE)
    return TRUE;

  there = scene_layers (run->image, run->chosen);
  if (! scene_has_image (run->image))
    {
      g_set_error (error, GIMP_PLUG_IN_ERROR, 0, _("The image was closed."));
      good = FALSE;
    }
  else if (run->hidden && ! scene_has_item (run->image, run->hidden))
    {
      g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                   _("The layer that is to be made again was deleted."));
      good = FALSE;
    }
  else if ((source == CANVAS_LAYER && run->chosen[0] && there[0] != run->chosen[0]) ||
           (source == CANVAS_LAYERS && run->chosen[0] && ! there[0]))
    {
      g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                   _("The layer that the model should see was deleted: let it see all that "
                     "is visible, or close this and choose another layer."));
      good = FALSE;
    }
  g_free (there);

  return good;
}

gboolean
run_plan (Run     *run,
          GError **error)
{
  EngineError failure = { 0 };

  if (! arguments_check (run->config, run->mode, error) || ! run_check_scene (run, error))
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

JobTask *
run_task_empty (Run     *run,
                GError **error G_GNUC_UNUSED)
{
  JobTask *task = job_task_new ();

  task->request         = arguments_read (run->config, run->mode).request;
  task->model_path      = g_strdup (run->model_path);
  task->settings        = run->settings;
  task->plan            = run->plan;
  task->prompt          = arguments_get_text (run->config, "prompt");
  task->negative_prompt = arguments_get_text (run->config, "negative-prompt");
  task->want_hash       = TRUE;
  task->request.tile_x  = run->settings.tile_x;
  task->request.tile_y  = run->settings.tile_y;

  return task;
}

CanvasSource
run_source (Run *run)
{
  return arguments_read (run->config, run->mode).source;
}

/* The record's selection for the crop that is seen today, which may have another size: the canvas's
 * borders can be elsewhere.  NULL: part of it would be lost. */
static gfloat *
move_selection (Run            *run,
                gint            crop,
                const EditRect *region)
{
  const EditRect *now    = &run->settings.selection;
  const EditRect *then   = &run->replay->settings.selection;
  const EditRect *kept   = &run->plan.crops[crop].result;
  EditRect        stored = run->replay->regions[crop];
  const gfloat   *values = g_bytes_get_data (run->selection, NULL);
  gfloat         *moved;

  for (gint i = 0; i < crop; i++)
    values += (gsize) run->replay->regions[i].width * (gsize) run->replay->regions[i].height;
  stored.x += now->x - then->x;
  stored.y += now->y - then->y;
  if (run->plan.crop_count == 1)
    kept = now;
  if (MAX (kept->x, now->x) < region->x || MAX (kept->y, now->y) < region->y ||
      MIN (kept->x + kept->width, now->x + now->width) > region->x + region->width ||
      MIN (kept->y + kept->height, now->y + now->height) > region->y + region->height)
    return NULL;

  moved = g_malloc0_n ((gsize) region->width * region->height, sizeof (gfloat));
  for (gint y = MAX (region->y, stored.y);
       y < MIN (region->y + region->height, stored.y + stored.height); y++)
    for (gint x = MAX (region->x, stored.x);
         x < MIN (region->x + region->width, stored.x + stored.width); x++)
      moved[(gsize) (y - region->y) * region->width + (x - region->x)] =
        values[(gsize) (y - stored.y) * stored.width + (x - stored.x)];

  return moved;
}

static gboolean
read_selection (Run       *run,
                JobTask   *task,
                gint       crop,
                EditRect  *region,
                GError   **error)
{
  if (! run->settings.has_selection)
    return TRUE;
  if (! run->replay)
    {
      task->selection[crop] = canvas_read_selection (run->image, region, error);
      return task->selection[crop] != NULL;
    }
  if (run->selection && run->replay->region_count == run->plan.crop_count)
    task->selection[crop] = move_selection (run, crop, region);
  if (! task->selection[crop])
    g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                 _("This layer's selection cannot be used any more: its place in the image "
                   "has changed too much."));

  return task->selection[crop] != NULL;
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

/* The pixels of one crop, in today's canvas. */
static gboolean
read_crop (Run      *run,
           JobTask  *task,
           gint      crop,
           GError  **error)
{
  EditRect    region = run->plan.crops[crop].region;
  GimpLayer **chosen;

  if (! run->extended)
    {
      region.x -= run->plan.shift_x;
      region.y -= run->plan.shift_y;
    }
  if (! read_selection (run, task, crop, &region, error))
    return FALSE;
  chosen           = scene_layers (run->image, run->chosen);
  task->rgba[crop] = canvas_read (run->image, run_source (run), chosen, run->hidden, &region,
                                  error);
  g_free (chosen);

  return task->rgba[crop] != NULL;
}

JobTask *
run_task (Run     *run,
          GError **error)
{
  JobTask  *task;
  gboolean  read;

  /* The selection as it is now, whatever a form has seen of it. */
  run->islands_seen = 0;
  if (run->mode != EDIT_TEXT_TO_IMAGE && run->settings.island_count > 0 && ! run->replay &&
      run_check_scene (run, NULL) && ! run_plan (run, error))
    return NULL;
  task = run_task_empty (run, error);
  if (run->mode == EDIT_TEXT_TO_IMAGE)
    {
      task->rgba[0] = g_malloc0_n ((gsize) run->plan.region.width * run->plan.region.height * 4,
                                   sizeof (gfloat));
      return task;
    }

  read = run_check_scene (run, error) && check_touch (run, error);
  for (gint i = 0; read && i < run->plan.crop_count; i++)
    read = read_crop (run, task, i, error);
  if (! read)
    g_clear_pointer (&task, job_task_free);

  return task;
}
