/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog.h"

#include "dialog_form.h"
#include "dialog_pictures.h"
#include "dialog_presets.h"
#include "dialog_text.h"
#include "procedures.h"

#include "model_panel.h"
#include "prompt_panel.h"
#include "region_view.h"
#include "result_panel.h"

#include <libgimp/gimpui.h>

#include <string.h>

#include "intl.h"

#define RESPONSE_GENERATE 1
#define RESPONSE_STOP     2
#define RESPONSE_FOLDER   3
#define UPDATE_DELAY      200 /* milliseconds after the last change of a setting */
#define SELECTION_CHECK   700 /* milliseconds between looks at the selection */

typedef struct
{
  Run        *run;
  GtkWidget  *window;
  GtkWidget  *prompt, *models, *region, *results;
  GtkWidget  *bar, *bar_text, *bar_button;   /* the info bar */
  GtkWidget  *estimate, *generate, *stop;
  GMainLoop  *loop;
  guint       update_id, watch_id;
  EditRect    seen_selection;                /* what the picture shows */
  gboolean    seen_any, running, closing, planned;
  gint        inserted;
  GimpLayer  *layer;                         /* the last one inserted, borrowed */
  GimpImage  *layer_image;
  Candidate  *last;                          /* borrowed from the results */
} Dialog;

static void schedule_update (Dialog *self);
static void open_folder_cb  (gpointer user);

/* ---- messages ------------------------------------------------------------ */

static void
say (Dialog         *self,
     GtkMessageType  type,
     const gchar    *text)
{
  gtk_info_bar_set_message_type (GTK_INFO_BAR (self->bar), type);
  gtk_label_set_text (GTK_LABEL (self->bar_text), text ? text : "");
  gtk_widget_hide (self->bar_button);
  gtk_widget_set_visible (self->bar, text != NULL);
}

/* Shows an error and forgets it; FALSE where there was none. */
static gboolean
complain (Dialog *self,
          GError *error)
{
  if (! error)
    return FALSE;
  say (self, GTK_MESSAGE_ERROR, error->message);
  g_error_free (error);
  return TRUE;
}

static void
bar_response_cb (GtkInfoBar *bar,
                 gint        response,
                 Dialog     *self)
{
  (void) bar;
  if (response == RESPONSE_FOLDER)
    open_folder_cb (self);
  else
    say (self, GTK_MESSAGE_INFO, NULL);
}

/* ---- models -------------------------------------------------------------- */

static void
show_models (Dialog *self)
{
  GPtrArray *list  = model_store_list (self->run->store);
  ModelRow  *rows  = g_new0 (ModelRow, list->len + 1);
  GPtrArray *texts = g_ptr_array_new_with_free_func (g_free);
  gdouble    strength = 1;
  gint       usable = 0;

  if (self->run->mode == EDIT_INPAINT || self->run->mode == EDIT_IMAGE_TO_IMAGE)
    g_object_get (self->run->config, "strength", &strength, NULL);
  rows[0] = (ModelRow) { "", _("The one that fits best"), "", NULL };
  for (guint i = 0; i < list->len; i++)
    {
      Model *model  = list->pdata[i];
      gchar *reason = NULL;
      gint   fits   = model->state == MODEL_READY
                      ? model_fits (&model->info, self->run->mode, strength, &reason) : 0;

      if (! fits && ! reason)
        reason = g_strdup (model->info.reason[0] ? model->info.reason
                                                 : model->info.summary);
      if (fits)
        g_clear_pointer (&reason, g_free);
      usable += fits > 0;
      if (reason)
        g_ptr_array_add (texts, reason);
      rows[i + 1] = (ModelRow) { model->path, model->name, model->info.summary, reason };
    }
  model_panel_set_rows (self->models, rows, list->len + 1);
  if (usable <= 1)
    {
      gchar *folder = model_store_user_folder (self->run->store);
      gchar *shown  = g_filename_display_name (folder);
      gchar *note   = g_strdup_printf (
        _("The demo draws simple things.  Put Stable Diffusion checkpoints "
          "(.safetensors) into %s, or add the folder of another program."), shown);

      model_panel_set_note (self->models, note);
      g_free (note);
      g_free (shown);
      g_free (folder);
    }
  g_ptr_array_unref (texts);
  g_free (rows);
}

static void
scanned_cb (ModelStore *store,
            gpointer    user)
{
  (void) store;
  show_models (user);
  schedule_update (user);
}

static void
open_folder_cb (gpointer user)
{
  Dialog *self   = user;
  gchar  *folder = model_store_user_folder (self->run->store);
  GFile  *file   = g_file_new_for_path (folder);
  gchar  *uri    = g_file_get_uri (file);
  GError *error  = NULL;

  if (! gtk_show_uri_on_window (GTK_WINDOW (self->window), uri, GDK_CURRENT_TIME, &error))
    {
      gchar *shown = g_filename_display_name (folder);
      gchar *text  = g_strdup_printf (_("No program opens folders here; models go into %s"),
                                      shown);

      say (self, GTK_MESSAGE_INFO, text);
      g_free (text);
      g_free (shown);
      g_error_free (error);
    }
  g_free (uri);
  g_object_unref (file);
  g_free (folder);
}

static void
add_folder_cb (const gchar *folder,
               gpointer     user)
{
  Dialog *self  = user;
  GError *error = NULL;

  if (model_store_add_folder (self->run->store, folder, &error))
    model_store_scan (self->run->store, scanned_cb, self);
  complain (self, error);
}

static void
refresh_cb (gpointer user)
{
  Dialog *self = user;

  model_store_scan (self->run->store, scanned_cb, self);
}

/* ---- what happens where -------------------------------------------------- */

static void
show_region (Dialog *self)
{
  const EditPlan *plan    = &self->run->plan;
  EditMode        mode    = self->run->mode;
  GdkRectangle    context = { plan->region.x, plan->region.y, plan->region.width,
                              plan->region.height };
  GdkRectangle    place   = { 0 };
  GdkPixbuf      *pixels;

  if (self->planned)
    region_view_set_canvas (self->region, plan->canvas.width, plan->canvas.height);
  if (! self->run->image || mode == EDIT_TEXT_TO_IMAGE)
    return;
  place.width  = gimp_image_get_width (self->run->image);
  place.height = gimp_image_get_height (self->run->image);
  if (! self->planned)
    region_view_set_canvas (self->region, place.width, place.height);
  else if (! self->run->extended)
    {
      place.x = plan->shift_x;
      place.y = plan->shift_y;
    }
  pixels = dialog_picture_of_image (self->run->image);
  region_view_set_picture (self->region, pixels, &place);
  g_clear_object (&pixels);
  if (mode != EDIT_OUTPAINT)
    pixels = dialog_picture_of_selection (self->run->image);
  region_view_set_mask (self->region, pixels, &place);
  g_clear_object (&pixels);
  region_view_set_context (self->region,
                           self->planned && (mode == EDIT_INPAINT || mode == EDIT_OUTPAINT)
                           ? &context : NULL);
}

static void
show_estimate (Dialog *self)
{
  EngineEstimate estimate;
  EngineError    failure = { 0 };
  GError        *error   = NULL;
  JobTask       *task    = run_task_empty (self->run, &error);
  gchar         *text, *name;

  if (! task)
    {
      complain (self, error);
      return;
    }
  if (! job_estimate (self->run->job, task, &estimate, &failure))
    {
      say (self, GTK_MESSAGE_ERROR, failure.message);
      job_task_free (task);
      return;
    }
  job_task_free (task);
  text = dialog_text_estimate (&estimate);
  gtk_label_set_text (GTK_LABEL (self->estimate), text);
  g_free (text);
  if (estimate.available_bytes && estimate.scratch_bytes > estimate.available_bytes)
    {
      text = g_strdup_printf (
        _("This needs %.1f GB of memory and %.1f GB are free: make it smaller, or close "
          "other programs."), (gdouble) estimate.scratch_bytes / 1e9,
        (gdouble) estimate.available_bytes / 1e9);
      say (self, GTK_MESSAGE_WARNING, text);
      g_free (text);
    }
  name = g_filename_display_basename (self->run->model_path);
  text = g_strdup_printf ("%s: %s", name, self->run->model.summary);
  model_panel_set_note (self->models, text);
  g_free (text);
  g_free (name);
}

static gboolean
update_cb (gpointer data)
{
  Dialog  *self  = data;
  GError  *error = NULL;
  gboolean chosen;

  self->update_id = 0;
  if (self->running || self->closing)
    return G_SOURCE_REMOVE;
  if (self->run->image && ! gimp_image_is_valid (self->run->image))
    {
      say (self, GTK_MESSAGE_WARNING,
           _("The image was closed; results can still be inserted as a new image."));
      gtk_widget_set_sensitive (self->generate, FALSE);
      return G_SOURCE_REMOVE;
    }
  chosen        = run_choose_model (self->run, &error);
  self->planned = chosen && run_plan (self->run, &error);
  gtk_widget_set_sensitive (self->generate, self->planned);
  if (complain (self, error))
    {
      gtk_label_set_text (GTK_LABEL (self->estimate), "");
      gtk_widget_set_visible (self->bar_button, ! chosen);
      show_region (self);
      return G_SOURCE_REMOVE;
    }
  if (self->run->plan.warning[0])
    say (self, GTK_MESSAGE_WARNING, self->run->plan.warning);
  else
    say (self, GTK_MESSAGE_INFO, NULL);
  show_region (self);
  show_estimate (self);
  return G_SOURCE_REMOVE;
}

static void
schedule_update (Dialog *self)
{
  if (self->update_id)
    g_source_remove (self->update_id);
  self->update_id = g_timeout_add (UPDATE_DELAY, update_cb, self);
}

static void
setting_changed_cb (GObject    *config,
                    GParamSpec *property,
                    Dialog     *self)
{
  (void) config;
  if (strcmp (property->name, "prompt") && strcmp (property->name, "negative-prompt"))
    schedule_update (self);
}

/* The selection has no signal that reaches a plug-in. */
static gboolean
watch_selection_cb (gpointer data)
{
  Dialog  *self = data;
  EditRect now  = { 0 };
  gboolean any;

  if (self->running || ! self->run->image || ! gimp_image_is_valid (self->run->image))
    return G_SOURCE_CONTINUE;
  any = canvas_selection_bounds (self->run->image, &now);
  if (any != self->seen_any || memcmp (&now, &self->seen_selection, sizeof now))
    {
      self->seen_any       = any;
      self->seen_selection = now;
      schedule_update (self);
    }
  return G_SOURCE_CONTINUE;
}

/* ---- running ------------------------------------------------------------- */

static void
set_running (Dialog   *self,
             gboolean  running)
{
  self->running = running;
  gtk_widget_set_sensitive (self->generate, ! running);
  gtk_widget_set_sensitive (self->stop, running);
}

static void
progress_cb (const JobProgress *now,
             gpointer           user)
{
  Dialog *self = user;
  gchar  *text = dialog_text_progress (now);

  result_panel_set_progress (self->results, now->fraction, text);
  g_free (text);
  if (now->preview)
    {
      GdkRectangle place  = { now->preview_rect.x, now->preview_rect.y,
                              now->preview_rect.width, now->preview_rect.height };
      GBytes      *bytes  = g_bytes_new (now->preview, (gsize) now->preview_width *
                                         (gsize) now->preview_height * 3);
      GdkPixbuf   *pixels = gdk_pixbuf_new_from_bytes (bytes, GDK_COLORSPACE_RGB, FALSE, 8,
                                                       now->preview_width,
                                                       now->preview_height,
                                                       now->preview_width * 3);

      region_view_set_overlay (self->region, pixels, &place);
      g_object_unref (pixels);
      g_bytes_unref (bytes);
    }
}

static void
candidate_cb (Candidate *candidate,
              gpointer   user)
{
  Dialog    *self      = user;
  GdkPixbuf *thumbnail = dialog_picture_of_result (&candidate->edit, 96);
  gchar     *caption   = g_strdup_printf ("%" G_GUINT64_FORMAT, candidate->edit.seed);

  result_panel_add (self->results, candidate, thumbnail, caption);
  g_object_unref (thumbnail);
  g_free (caption);
}

static void
finished_cb (const EngineError *failure,
             gpointer           user)
{
  Dialog *self = user;

  set_running (self, FALSE);
  if (! failure || failure->status == ENGINE_OK)
    {
      result_panel_set_progress (self->results, 0, _("Finished"));
    }
  else if (failure->status == ENGINE_CANCELLED)
    {
      result_panel_set_progress (self->results, 0, _("Stopped"));
      region_view_set_overlay (self->region, NULL, NULL);
    }
  else
    {
      result_panel_set_progress (self->results, 0, _("Failed"));
      region_view_set_overlay (self->region, NULL, NULL);
      say (self, GTK_MESSAGE_ERROR, failure->message);
    }
  if (self->closing)
    g_main_loop_quit (self->loop);
}

static void
generate (Dialog *self)
{
  static const JobCallbacks callbacks = { NULL, progress_cb, candidate_cb, finished_cb };
  GError                   *error     = NULL;
  JobTask                  *task      = NULL;

  if (self->running)
    return;
  if (self->update_id)
    {
      g_source_remove (self->update_id);
      update_cb (self);
    }
  if (! self->planned)
    return;
  task = run_task (self->run, &error);
  if (! task)
    {
      complain (self, error);
      return;
    }
  task->want_preview = TRUE;
  prompt_panel_remember (self->prompt);
  say (self, GTK_MESSAGE_INFO, NULL);
  set_running (self, TRUE);
  result_panel_set_progress (self->results, 0, _("Starting"));
  job_start (self->run->job, task, &callbacks, self);
}

/* ---- results ------------------------------------------------------------- */

static void
chosen_cb (gpointer result,
           gpointer user)
{
  Dialog    *self      = user;
  Candidate *candidate = result;

  if (candidate)
    {
      GdkPixbuf   *pixels = dialog_picture_of_result (&candidate->edit, 768);
      GdkRectangle place  = { candidate->edit.rect.x, candidate->edit.rect.y,
                              candidate->edit.rect.width, candidate->edit.rect.height };

      region_view_set_canvas (self->region, candidate->plan.canvas.width,
                              candidate->plan.canvas.height);
      region_view_set_overlay (self->region, pixels, &place);
      g_object_unref (pixels);
    }
  else
    {
      region_view_set_overlay (self->region, NULL, NULL);
    }
}

static void
insert (Dialog *self,
        GList  *results)
{
  gint        count = (gint) g_list_length (results);
  Candidate **all   = g_new0 (Candidate *, (gsize) count + 1);
  GError     *error = NULL;
  GimpImage  *image = NULL;
  gint        i     = 0;

  for (GList *item = results; item; item = item->next)
    all[i++] = item->data;
  if (count > 0 && run_insert (self->run, all, count, &self->layer, &image, &error))
    {
      for (i = 0; i < count; i++)
        result_panel_set_inserted (self->results, all[i]);
      self->inserted += count;
      self->last        = all[0];
      self->layer_image = image;
      if (image != self->run->image)
        gimp_display_new (image);
      gimp_displays_flush ();
      schedule_update (self);
    }
  complain (self, error);
  g_free (all);
}

static void
insert_cb (gpointer result,
           gpointer user)
{
  GList *one = g_list_append (NULL, result);

  insert (user, one);
  g_list_free (one);
}

static void
insert_all_cb (gpointer user)
{
  Dialog *self = user;
  GList  *all  = result_panel_list (self->results);

  insert (self, all);
  g_list_free (all);
}

static void
use_settings_cb (gpointer result,
                 gpointer user)
{
  Candidate *candidate = result;
  Dialog    *self      = user;
  GError    *error     = NULL;
  gchar     *text      = record_write (candidate, CANVAS_VISIBLE);
  Record    *record    = record_read (text, strlen (text), &error);

  if (record)
    record_to_config (record, self->run->config);
  record_free (record);
  complain (self, error);
  g_free (text);
}

static void
discarded_cb (gpointer result,
              gpointer user)
{
  Dialog *self = user;

  if (self->last == result)
    self->last = NULL;
  candidate_free (result);
}

/* ---- the window ---------------------------------------------------------- */

static gboolean
may_close (Dialog *self)
{
  guint      open = result_panel_count_open (self->results);
  GtkWidget *ask;
  gint       answer;

  if (open == 0 || self->inserted > 0)
    return TRUE;
  ask = gtk_message_dialog_new (GTK_WINDOW (self->window), GTK_DIALOG_MODAL,
                                GTK_MESSAGE_QUESTION, GTK_BUTTONS_NONE,
                                ngettext_ ("Close and forget %u result?",
                                           "Close and forget %u results?", open), open);
  gtk_message_dialog_format_secondary_text (GTK_MESSAGE_DIALOG (ask), "%s",
    _("No result has been inserted into the image."));
  gtk_dialog_add_buttons (GTK_DIALOG (ask), _("_Keep open"), GTK_RESPONSE_CANCEL,
                          _("_Close"), GTK_RESPONSE_CLOSE, NULL);
  gtk_dialog_set_default_response (GTK_DIALOG (ask), GTK_RESPONSE_CANCEL);
  answer = gtk_dialog_run (GTK_DIALOG (ask));
  gtk_widget_destroy (ask);
  return answer == GTK_RESPONSE_CLOSE;
}

static void
response_cb (GtkDialog *window,
             gint       response,
             Dialog    *self)
{
  (void) window;
  if (response == RESPONSE_GENERATE)
    {
      generate (self);
    }
  else if (response == RESPONSE_STOP)
    {
      result_panel_set_progress (self->results, 0, _("Stopping"));
      job_cancel (self->run->job);
    }
  else if (response != GTK_RESPONSE_HELP && may_close (self))
    {
      self->closing = TRUE;
      if (self->running)
        job_cancel (self->run->job);
      else
        g_main_loop_quit (self->loop);
    }
}

static GtkWidget *
make_bar (Dialog *self)
{
  self->bar      = gtk_info_bar_new ();
  self->bar_text = gtk_label_new (NULL);
  gtk_label_set_line_wrap (GTK_LABEL (self->bar_text), TRUE);
  gtk_label_set_xalign (GTK_LABEL (self->bar_text), 0.0);
  gtk_label_set_selectable (GTK_LABEL (self->bar_text), TRUE);
  gtk_container_add (GTK_CONTAINER (gtk_info_bar_get_content_area (GTK_INFO_BAR (self->bar))),
                     self->bar_text);
  self->bar_button = gtk_info_bar_add_button (GTK_INFO_BAR (self->bar),
                                              _("Open models _folder"), RESPONSE_FOLDER);
  gtk_info_bar_set_show_close_button (GTK_INFO_BAR (self->bar), TRUE);
  gtk_widget_show (self->bar_text);
  gtk_widget_set_no_show_all (self->bar, TRUE);
  g_signal_connect (self->bar, "response", G_CALLBACK (bar_response_cb), self);
  return self->bar;
}

static gboolean
count_tokens (const gchar *text,
              gint        *tokens,
              gint        *chunks,
              gpointer     user)
{
  (void) user;
  return engine_count_tokens (text, tokens, chunks);
}

static GtkWidget *
make_left (Dialog *self)
{
  static const ModelPanelHooks model_hooks  = { open_folder_cb, add_folder_cb, refresh_cb };
  PromptPanelHooks             prompt_hooks = { .count = count_tokens };
  GObject   *config = G_OBJECT (self->run->config);
  GtkWidget *left   = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *where  = dialog_form_where (
    config, self->run->mode,
    self->run->image ? gimp_image_get_width (self->run->image) : 0,
    self->run->image ? gimp_image_get_height (self->run->image) : 0);
  GtkWidget *scroll = gtk_scrolled_window_new (NULL, NULL);
  GtkWidget *column = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gchar     *folder = g_build_filename (g_get_user_config_dir (), "gimp-diffusion", NULL);
  gchar     *store  = g_build_filename (folder, "prompts.ini", NULL);

  g_mkdir_with_parents (folder, 0700);
  prompt_hooks.store = store;
  self->prompt = prompt_panel_new (config, "prompt", "negative-prompt", &prompt_hooks);
  self->models = model_panel_new (config, "model", &model_hooks, self);
  self->estimate = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (self->estimate), 0.0);
  gtk_container_set_border_width (GTK_CONTAINER (left), 12);
  gtk_box_pack_start (GTK_BOX (left), self->prompt, FALSE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (left), where, FALSE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (left), self->models, FALSE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (left),
                      dialog_form_quality (config, self->run->mode, where), FALSE, TRUE, 0);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroll), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_container_add (GTK_CONTAINER (scroll), left);
  gtk_widget_set_margin_start (self->estimate, 12);
  gtk_widget_set_margin_top (self->estimate, 6);
  gtk_box_pack_start (GTK_BOX (column), scroll, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (column), self->estimate, FALSE, TRUE, 0);
  g_free (store);
  g_free (folder);
  return column;
}

static GtkWidget *
make_right (Dialog *self)
{
  static const ResultPanelHooks hooks = { chosen_cb, insert_cb, insert_all_cb,
                                          use_settings_cb, discarded_cb };
  GtkWidget *right = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  self->region  = region_view_new ();
  self->results = result_panel_new (&hooks, self);
  gtk_container_set_border_width (GTK_CONTAINER (right), 12);
  gtk_box_pack_start (GTK_BOX (right), self->region, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (right), self->results, FALSE, TRUE, 0);
  return right;
}

static void
add_presets (Dialog *self)
{
  gchar     *folder  = g_build_filename (g_get_user_config_dir (), "gimp-diffusion", "presets",
                                         gimp_procedure_get_name (self->run->procedure), NULL);
  GtkWidget *presets = dialog_presets_new (self->run->config, folder);
  GtkWidget *buttons = gtk_widget_get_parent (self->generate);

  gtk_box_pack_start (GTK_BOX (buttons), presets, FALSE, FALSE, 0);
  gtk_button_box_set_child_secondary (GTK_BUTTON_BOX (buttons), presets, TRUE);
  g_free (folder);
}

static void
make_window (Dialog *self)
{
  GimpProcedure *procedure = self->run->procedure;
  gchar         *title     = dialog_text_title (procedure);
  GtkWidget     *columns   = gtk_paned_new (GTK_ORIENTATION_HORIZONTAL);
  GtkWidget     *content;

  self->window = gimp_dialog_new (title, PLUG_IN_BINARY, NULL, 0, gimp_standard_help_func,
                                  gimp_procedure_get_name (procedure),
                                  _("_Close"), GTK_RESPONSE_CLOSE, NULL);
  self->stop = gimp_dialog_add_button (GIMP_DIALOG (self->window), _("_Stop"),
                                       RESPONSE_STOP);
  self->generate = gimp_dialog_add_button (GIMP_DIALOG (self->window), _("_Generate"),
                                           RESPONSE_GENERATE);
  add_presets (self);
  gtk_dialog_set_default_response (GTK_DIALOG (self->window), RESPONSE_GENERATE);
  gtk_window_set_default_size (GTK_WINDOW (self->window), 960, 640);
  content = gtk_dialog_get_content_area (GTK_DIALOG (self->window));
  gtk_box_pack_start (GTK_BOX (content), make_bar (self), FALSE, TRUE, 0);
  gtk_paned_pack1 (GTK_PANED (columns), make_left (self), FALSE, FALSE);
  gtk_paned_pack2 (GTK_PANED (columns), make_right (self), TRUE, FALSE);
  gtk_box_pack_start (GTK_BOX (content), columns, TRUE, TRUE, 0);
  result_panel_set_progress (self->results, 0, _("Ready"));
  set_running (self, FALSE);
  g_signal_connect (self->window, "response", G_CALLBACK (response_cb), self);
  g_signal_connect (self->run->config, "notify", G_CALLBACK (setting_changed_cb), self);
  gimp_window_set_transient (GTK_WINDOW (self->window));
  gtk_widget_show_all (self->window);
  gtk_widget_grab_focus (prompt_panel_get_entry (self->prompt));
  g_free (title);
}

static GimpValueArray *
return_values (Dialog *self)
{
  GimpProcedure  *procedure = self->run->procedure;
  GimpValueArray *values;
  gchar          *name;

  /* libgimp keeps the arguments with the image, which may be gone. */
  if (! self->inserted || (self->run->image && ! gimp_image_is_valid (self->run->image)))
    return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
  values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
  if (self->layer && gimp_item_is_valid (GIMP_ITEM (self->layer)))
    GIMP_VALUES_SET_LAYER (values, 1, self->layer);
  if (self->layer_image && gimp_image_is_valid (self->layer_image))
    GIMP_VALUES_SET_IMAGE (values, 2, self->layer_image);
  if (self->last)
    {
      name = g_filename_display_basename (self->last->model_path);
      GIMP_VALUES_SET_DOUBLE (values, 3, (gdouble) self->last->edit.seed);
      GIMP_VALUES_SET_STRING (values, 4, name);
      g_free (name);
    }
  return values;
}

GimpValueArray *
dialog_run (GimpProcedure        *procedure,
            GimpProcedureConfig  *config,
            EditMode              mode,
            GimpImage            *image,
            GimpDrawable        **drawables)
{
  return dialog_run_with (run_new (procedure, config, GIMP_RUN_INTERACTIVE, mode, image,
                                   drawables));
}

GimpValueArray *
dialog_run_with (Run *run)
{
  Dialog               self   = { 0 };
  GimpProcedureConfig *config = run->config;
  GimpValueArray      *values;

  gimp_ui_init (PLUG_IN_BINARY);
  self.loop = g_main_loop_new (NULL, FALSE);
  self.run  = run;
  make_window (&self);
  show_models (&self);
  model_store_scan (self.run->store, scanned_cb, &self);
  self.watch_id = g_timeout_add (SELECTION_CHECK, watch_selection_cb, &self);
  schedule_update (&self);
  g_main_loop_run (self.loop);

  values = return_values (&self);
  g_source_remove (self.watch_id);
  if (self.update_id)
    g_source_remove (self.update_id);
  g_signal_handlers_disconnect_by_data (config, &self);
  gtk_widget_hide (self.window);
  result_panel_clear (self.results);
  run_free (self.run);
  gtk_widget_destroy (self.window);
  g_main_loop_unref (self.loop);
  return values;
}
