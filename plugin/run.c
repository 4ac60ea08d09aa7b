/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "run.h"

#include "batch.h"
#include "dialog/dialog.h"
#include "procedures.h"
#include "settings/names.h"
#include "settings/parameters.h"

#include <math.h>
#include <string.h>

#include "intl.h"

/* ---- errors -------------------------------------------------------------- */

G_DEFINE_QUARK (gimp-diffusion-engine-error, engine_error)

void
engine_error_to_g (const EngineError  *failure,
                   GError            **error)
{
  g_set_error_literal (error, ENGINE_ERROR, failure->status, failure->message);
}

GimpValueArray *
run_fail (GimpProcedure *procedure,
          GError        *error)
{
  GimpPDBStatusType status = GIMP_PDB_EXECUTION_ERROR;

  if (g_error_matches (error, ENGINE_ERROR, ENGINE_CANCELLED))
    {
      g_error_free (error);
      return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
    }
  /* What the caller asked for or gave us cannot be done. */
  if (g_error_matches (error, ENGINE_ERROR, ENGINE_BAD_REQUEST) ||
      error->domain == GIMP_PLUG_IN_ERROR                       ||
      error->domain == G_FILE_ERROR)
    status = GIMP_PDB_CALLING_ERROR;

  return gimp_procedure_new_return_values (procedure, status, error);
}

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

gboolean
run_use_parameters (GimpProcedureConfig  *config,
                    const gchar          *text,
                    GError              **error)
{
  Parameters *parameters = parameters_read (text, error);

  if (! parameters)
    return FALSE;

  parameters_to_config (parameters, config);
  parameters_free (parameters);

  return TRUE;
}

/* The argument `parameters-from'. */
static gboolean
use_parameters_file (Run     *run,
                     GError **error)
{
  gchar    *file = get_string (run, "parameters-from");
  gchar    *text = NULL;
  gboolean  used = TRUE;

  if (file[0])
    {
      text = parameters_of_file (file, error);
      used = text && run_use_parameters (run->config, text, error);
    }
  g_free (text);
  g_free (file);

  return used;
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

/* An outpaint with no amounts fills what the canvas has around its layers. */
static void
fill_empty_border (Run          *run,
                   EditSettings *settings)
{
  EditRect known;

  run->extended = FALSE;
  if (settings->left || settings->right || settings->top || settings->bottom)
    return;
  canvas_shown_bounds (run->image, &known);
  if (known.width < settings->canvas_width || known.height < settings->canvas_height)
    {
      edit_settings_surround (settings, known);
      run->extended = TRUE;
    }
}

static void
read_settings (Run *run)
{
  EditSettings settings = edit_settings_default (run->mode);
  gint         tile     = get_choice (run, "tile", tile_names, 0);

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
        fill_empty_border (run, &settings);
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
      engine_error_to_g (&failure, error);
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

static CanvasSource
source_of (Run *run)
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

  if (source_of (run) != CANVAS_LAYER || ! run->settings.has_selection ||
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
      task->rgba = canvas_read (run->image, source_of (run), run->chosen, run->hidden,
                                &region, error);
      read = task->rgba != NULL;
    }
  if (! read)
    g_clear_pointer (&task, job_task_free);

  return task;
}

/* ---- insertion ----------------------------------------------------------- */

/* The prompt's first words, or what the procedure is called. */
static gchar *
short_prompt (Run             *run,
              const Candidate *candidate)
{
  gchar *line = g_strdup (candidate->prompt);
  gchar *name;

  g_strdelimit (line, "\r\n\t", ' ');
  g_strstrip (line);
  if (! line[0] || ! g_utf8_validate (line, -1, NULL))
    {
      g_free (line);
      line = g_strdup (gimp_procedure_get_menu_label (run->procedure));
      g_strdelimit (line, "_", ' ');
      g_strstrip (line);
    }
  if (g_utf8_strlen (line, -1) > 40)
    {
      gchar *start = g_utf8_substring (line, 0, 39);

      name = g_strconcat (g_strchomp (start), "…", NULL);
      g_free (start);
      g_free (line);
    }
  else
    {
      name = line;
    }

  return name;
}

static GimpLayer *
candidate_layer (Run             *run,
                 const Candidate *candidate,
                 GimpImage       *image,
                 gint             move_x,
                 gint             move_y)
{
  gchar     *prompt = short_prompt (run, candidate);
  gchar     *seed   = g_strdup_printf ("%" G_GUINT64_FORMAT, candidate->request.seed);
  /* Translators: a layer's name: prompt and seed. */
  gchar     *name   = g_strdup_printf (_("%s (seed %s)"), prompt, seed);
  EditRect   rect   = candidate->edit.rect;
  GimpLayer *layer;

  rect.x += move_x;
  rect.y += move_y;
  layer   = canvas_layer_new (image, name, &rect, candidate->edit.rgba,
                              candidate->settings.mode == EDIT_TEXT_TO_IMAGE
                              ? NULL : candidate->edit.mask);
  record_attach (layer, candidate, source_of (run));
  g_free (name);
  g_free (seed);
  g_free (prompt);

  return layer;
}

static gboolean
has_size (GimpImage *image,
          gint       width,
          gint       height)
{
  return gimp_image_get_width (image) == width && gimp_image_get_height (image) == height;
}

/* Whether the candidate still belongs where it was made for.  *grows: the canvas has to be extended for
 * it, which another one of the same run may have done, and an undo taken back. */
static gboolean
place_is_there (Run             *run,
                const Candidate *candidate,
                gboolean        *grows)
{
  const EditSettings *settings = &candidate->settings;
  const EditRect     *canvas   = &candidate->plan.canvas;

  *grows = FALSE;
  if (! run->image || ! gimp_image_is_valid (run->image) ||
      ! canvas_check (run->image, NULL))
    return FALSE;
  if (settings->mode == EDIT_TEXT_TO_IMAGE || has_size (run->image, canvas->width, canvas->height))
    return TRUE;

  *grows = settings->mode == EDIT_OUTPAINT;
  return *grows && has_size (run->image, settings->canvas_width, settings->canvas_height);
}

static gboolean
insert_here (Run        *run,
             GimpImage  *image,
             Candidate **candidates,
             gint        count,
             gint        move_x,
             gint        move_y,
             gboolean    grows,
             GimpLayer **layer,
             GError    **error)
{
  const Candidate  *first    = candidates[0];
  GimpLayer       **layers   = g_new0 (GimpLayer *, count + 1);
  gchar            *name;
  CanvasGrowth      growth   = { first->plan.canvas.width, first->plan.canvas.height,
                                 first->plan.shift_x, first->plan.shift_y };
  GimpParasite     *parasite = NULL;
  gboolean          inserted;

  for (gint i = 0; i < count; i++)
    layers[i] = candidate_layer (run, candidates[i], image, move_x, move_y);
  *layer = layers[0];
  if (count > 1)
    {
      name   = short_prompt (run, first);
      *layer = canvas_group_new (image, name, layers, count);
      g_free (name);
    }
  g_free (layers);

  if (get_boolean (run, "parameters", FALSE))
    parasite = parameters_parasite (first);
  inserted = canvas_insert (image, *layer, run->above, grows ? &growth : NULL, parasite,
                            error);
  g_clear_pointer (&parasite, gimp_parasite_free);

  return inserted;
}

static gboolean
insert_as_image (Run        *run,
                 Candidate **candidates,
                 gint        count,
                 GimpLayer **layer,
                 GimpImage **image,
                 GError    **error)
{
  EditRect  all  = candidates[0]->edit.rect;
  gboolean  made;

  for (gint i = 1; i < count; i++)
    {
      const EditRect *rect   = &candidates[i]->edit.rect;
      gint            right  = MAX (all.x + all.width, rect->x + rect->width);
      gint            bottom = MAX (all.y + all.height, rect->y + rect->height);

      all.x      = MIN (all.x, rect->x);
      all.y      = MIN (all.y, rect->y);
      all.width  = right - all.x;
      all.height = bottom - all.y;
    }
  *image = canvas_image_new (all.width, all.height, NULL);
  gimp_image_undo_disable (*image);
  made = insert_here (run, *image, candidates, count, -all.x, -all.y, FALSE, layer, error);
  gimp_image_undo_enable (*image);
  if (! made)
    gimp_image_delete (*image);

  return made;
}

gboolean
run_insert (Run        *run,
            Candidate **candidates,
            gint        count,
            GimpLayer **layer,
            GimpImage **image,
            GError    **error)
{
  gint     move_x = 0;
  gint     move_y = 0;
  gboolean grows;

  g_return_val_if_fail (count >= 1, FALSE);

  if (! place_is_there (run, candidates[0], &grows))
    return insert_as_image (run, candidates, count, layer, image, error);

  if (run->mode == EDIT_TEXT_TO_IMAGE)
    {
      move_x = (gimp_image_get_width (run->image) - candidates[0]->edit.rect.width) / 2;
      move_y = (gimp_image_get_height (run->image) - candidates[0]->edit.rect.height) / 2;
    }
  *image = run->image;

  return insert_here (run, run->image, candidates, count, move_x, move_y, grows, layer, error);
}

/* ---- procedures ---------------------------------------------------------- */

GimpValueArray *
run_procedure (GimpProcedure        *procedure,
               GimpRunMode           run_mode,
               GimpImage            *image,
               GimpDrawable        **drawables,
               GimpProcedureConfig  *config,
               gpointer              data G_GNUC_UNUSED)
{
  EditMode        mode = EDIT_TEXT_TO_IMAGE;
  GimpValueArray *values;
  GError         *error = NULL;
  Run            *run;

  procedures_get_mode (gimp_procedure_get_name (procedure), &mode);
  if (! image && mode != EDIT_TEXT_TO_IMAGE)
    {
      g_set_error (&error, GIMP_PLUG_IN_ERROR, 0, _("There is no image to work on."));
      return run_fail (procedure, error);
    }
  if (! canvas_check (image, &error))
    return run_fail (procedure, error);
  if (run_mode == GIMP_RUN_INTERACTIVE)
    return dialog_run (procedure, config, mode, image, drawables);

  run = run_new (procedure, config, run_mode, mode, image, drawables);
  if (use_parameters_file (run, &error))
    values = batch_run (run, procedure);
  else
    values = run_fail (procedure, error);
  run_free (run);

  return values;
}
