/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog.h"

#include "dialog_bar.h"
#include "dialog_form.h"
#include "dialog_models.h"
#include "dialog_pictures.h"
#include "dialog_plan.h"
#include "dialog_presets.h"
#include "dialog_results.h"
#include "dialog_text.h"
#include "dialog_where.h"
#include "failure.h"
#include "insertion.h"
#include "record.h"
#include "scene.h"
#include "settings/modes.h"

#include "fields.h"
#include "prompt_panel.h"
#include "result_panel.h"

#include <libgimp/gimpui.h>

#include <string.h>

#include "intl.h"

#define RESPONSE_GENERATE 1
#define RESPONSE_STOP     2
#define RESPONSE_KEEP     3
#define UPDATE_DELAY      200 /* milliseconds after the last change of a setting */
#define IMAGE_CHECK       700 /* milliseconds between looks at the image */
#define WIDTH             1060
#define HEIGHT            690
#define FORM_WIDTH        490

typedef struct
{
  Run         *run;
  DialogForm   form;
  DialogPlan   plan;                         /* what would be done */
  GtkWidget   *window;
  GtkWidget   *prompt, *models, *where, *bar, *results;
  DialogResults made;                        /* what `results' shows */
  GtkWidget   *estimate, *generate, *stop, *keep;
  GtkWidget   *ask;                          /* the question before closing, or NULL */
  GMainLoop   *loop;
  guint        update_id, watch_id;
  gboolean     running, closing;
  gboolean     wanted;                       /* Generate was pressed: as soon as it is planned */
  gboolean     changed;                      /* since a result was shown: show what would be done */
} Dialog;

static void schedule_update (Dialog *self);

/* ---- messages ------------------------------------------------------------ */

static void
say (Dialog         *self,
     GtkMessageType  type,
     const gchar    *text)
{
  dialog_bar_say (self->bar, type, text, NULL, NULL, NULL);
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

/* ---- models -------------------------------------------------------------- */

static void
models_changed_cb (gpointer user)
{
  Dialog *self = user;

  if (dialog_models_has_demo_only (self->models) && ! self->running &&
      ! dialog_presets_is_marked ("first-run-seen") &&
      result_panel_count (self->results) == 0)
    result_panel_show_page (self->results, TRUE);
  schedule_update (self);
}

static void
models_say_cb (const gchar *text,
               gpointer     user)
{
  say (user, GTK_MESSAGE_INFO, text);
}

/* The page of the first run comes and goes. */
static void
explain_cb (gpointer user)
{
  Dialog  *self  = user;
  gboolean shown = result_panel_shows_page (self->results);

  if (shown)
    dialog_presets_mark ("first-run-seen", TRUE);
  result_panel_show_page (self->results, ! shown);
}

/* ---- what would be done -------------------------------------------------- */

static void
follow_advice_cb (gpointer user)
{
  Dialog *self = user;

  if (self->plan.advice.kind == ADVICE_OPEN_FOLDER)
    dialog_models_open_folder (self->models);
  else
    advice_follow (&self->plan.advice, self->run);
  schedule_update (self);
}

static void
show_advice (Dialog *self)
{
  Advice *advice = &self->plan.advice;
  gchar  *label  = advice->text ? advice_label (advice) : NULL;

  dialog_bar_say (self->bar, advice->refused ? GTK_MESSAGE_ERROR : GTK_MESSAGE_WARNING,
                  advice->text, label, follow_advice_cb, self);
  g_free (label);
}

/* Time and memory below the form. */
static void
show_cost (Dialog *self)
{
  gchar *text = self->plan.has_cost ? dialog_text_estimate (&self->plan.cost) : NULL;

  gtk_label_set_text (GTK_LABEL (self->estimate), text ? text : "");
  if (text)
    dialog_models_show_used (self->models);
  g_free (text);
}

static void
suit_settings_cb (gpointer user)
{
  Dialog *self = user;

  dialog_presets_suit (self->run);
}

static void
slow_cb (gpointer user)
{
  Dialog *self = user;

  gtk_label_set_text (GTK_LABEL (self->estimate), _("Opening the model…"));
  gtk_widget_set_sensitive (self->stop, TRUE);
}

static void start (Dialog *self);

static void
planned_cb (gpointer user)
{
  Dialog   *self   = user;
  gboolean  wanted = self->wanted;

  self->wanted = FALSE;
  show_cost (self);
  gtk_widget_set_sensitive (self->generate, ! self->plan.advice.refused);
  gtk_widget_set_sensitive (self->stop, FALSE);
  show_advice (self);
  if (scene_lost_image (self->run->image))
    return;
  if (self->changed)
    dialog_where_result (self->where, NULL);
  self->changed = FALSE;
  dialog_where_update (self->where, self->plan.good);
  if (wanted && self->plan.good && ! self->plan.advice.refused)
    start (self);
  else if (wanted)
    result_panel_set_progress (self->results, 0, _("Ready"));
}

static void
update (Dialog *self)
{
  if (self->running || self->closing)
    return;
  if (scene_lost_image (self->run->image))
    {
      dialog_plan_stop (&self->plan);
      say (self, GTK_MESSAGE_WARNING,
           _("The image was closed; results can still be inserted as a new image."));
      self->plan.good = self->wanted = FALSE;
      gtk_widget_set_sensitive (self->generate, FALSE);
      return;
    }
  if (self->run->image)
    dialog_form_set_size (&self->form, self->run->mode,
                          gimp_image_get_width (self->run->image),
                          gimp_image_get_height (self->run->image));
  dialog_plan_start (&self->plan);
}

static gboolean
update_cb (gpointer data)
{
  Dialog *self = data;

  self->update_id = 0;
  update (self);
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
  if (! strcmp (property->name, "prompt") || ! strcmp (property->name, "negative-prompt"))
    return;
  self->changed = TRUE;
  schedule_update (self);
}

/* No signal of the image reaches a plug-in. */
static gboolean
watch_image_cb (gpointer data)
{
  Dialog *self = data;

  dialog_results_look (&self->made);
  if (self->running)
    return G_SOURCE_CONTINUE;
  if (scene_lost_image (self->run->image))
    {
      update (self);
      return G_SOURCE_CONTINUE;
    }
  if (dialog_where_changed (self->where))
    {
      self->changed = TRUE;
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
  gtk_widget_set_sensitive (self->keep, running);
}

static void
progress_cb (const JobProgress *now,
             gpointer           user)
{
  Dialog *self = user;
  gchar  *text = dialog_text_progress (now);

  if (gtk_widget_get_sensitive (self->stop))
    result_panel_set_progress (self->results, now->fraction, text);
  g_free (text);
  dialog_where_preview (self->where, now);
}

static void
candidate_cb (Candidate *candidate,
              gpointer   user)
{
  Dialog *self = user;

  dialog_results_add (&self->made, candidate);
  fields_seed_used (self->form.seed, (gdouble) candidate->edit.seed);
}

static void
finished_cb (const EngineError *failure,
             gpointer           user)
{
  Dialog *self = user;

  set_running (self, FALSE);
  if (failure->status == ENGINE_OK)
    {
      result_panel_set_progress (self->results, 0, _("Finished"));
    }
  else
    {
      dialog_where_result (self->where, result_panel_chosen (self->results));
      result_panel_set_progress (self->results, 0,
                                 failure->status == ENGINE_CANCELLED ? _("Stopped")
                                                                     : _("Failed"));
      if (failure->status != ENGINE_CANCELLED)
        say (self, GTK_MESSAGE_ERROR, failure->message);
    }
  if (self->closing)
    g_main_loop_quit (self->loop);
  else if (failure->status == ENGINE_OK || failure->status == ENGINE_CANCELLED)
    schedule_update (self); /* what was changed meanwhile; an error stays to be read */
}

static void
start (Dialog *self)
{
  static const JobCallbacks callbacks = { NULL, progress_cb, candidate_cb, finished_cb };
  GError                   *error     = NULL;
  JobTask                  *task      = run_task (self->run, &error);

  if (complain (self, error))
    return;
  task->want_preview = TRUE;
  prompt_panel_remember (self->prompt);
  dialog_presets_mark ("first-run-seen", TRUE);
  dialog_presets_keep_last (self->run);
  result_panel_show_page (self->results, FALSE);
  set_running (self, TRUE);
  job_start (self->run->job, task, &callbacks, self);
}

/* What was planned may have changed in the image since. */
static void
generate (Dialog *self)
{
  if (self->running || self->wanted)
    return;
  if (self->update_id)
    g_source_remove (self->update_id);
  self->update_id = 0;
  self->wanted    = TRUE;
  result_panel_set_progress (self->results, 0, _("Starting"));
  update (self);
}

static void
generate_cb (gpointer user)
{
  generate (user);
}

static void
stop (Dialog   *self,
      gboolean  keep)
{
  gtk_widget_set_sensitive (self->keep, FALSE);
  if (! keep)
    gtk_widget_set_sensitive (self->stop, FALSE);
  if (! self->running)
    {
      dialog_plan_stop (&self->plan);
      self->wanted = FALSE;
      gtk_label_set_text (GTK_LABEL (self->estimate), "");
      gtk_widget_set_sensitive (self->generate, TRUE);
      result_panel_set_progress (self->results, 0, _("Stopped"));
      return;
    }
  result_panel_set_progress (self->results, 0, keep ? _("Finishing with the "
                                                        "steps so far")
                                                    : _("Stopping"));
  if (keep)
    job_keep (self->run->job);
  else
    job_cancel (self->run->job);
}

/* ---- results ------------------------------------------------------------- */

static void
failed_cb (const gchar *text,
           gpointer     user)
{
  say (user, GTK_MESSAGE_ERROR, text);
}

static void
inserted_cb (gpointer user)
{
  Dialog *self = user;

  dialog_presets_keep_last (self->run);
  schedule_update (self);
}

static void
chosen_cb (gpointer result,
           gpointer user)
{
  Dialog *self = user;

  self->changed = FALSE;
  if (! self->running || result)
    dialog_where_result (self->where, result);
  if (! result && self->plan.good)
    dialog_where_update (self->where, TRUE);
}

/* ---- the window ---------------------------------------------------------- */

static void
close_dialog (Dialog *self)
{
  self->closing = TRUE;
  if (self->running)
    job_cancel (self->run->job);
  else
    g_main_loop_quit (self->loop);
}

static void
answered_cb (GtkDialog *ask,
             gint       response,
             Dialog    *self)
{
  gtk_widget_destroy (GTK_WIDGET (ask));
  self->ask = NULL;
  if (response == GTK_RESPONSE_CLOSE)
    close_dialog (self);
}

/* Asks before something is lost that nobody has put into an image.  No loop of its own: who presses
 * Close by AT-SPI would wait in it. */
static void
ask_and_close (Dialog *self)
{
  guint open;

  dialog_results_look (&self->made);
  open = result_panel_count_open (self->results);
  if (self->ask || self->closing)
    return;
  if (open == 0 && ! self->running)
    {
      close_dialog (self);
      return;
    }
  self->ask = gtk_message_dialog_new (GTK_WINDOW (self->window),
                                      GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT,
                                      GTK_MESSAGE_QUESTION, GTK_BUTTONS_NONE, "%s",
                                      self->running ? _("Stop the run and close?")
                                                    : _("Close without these results?"));
  if (open > 0)
    gtk_message_dialog_format_secondary_text (GTK_MESSAGE_DIALOG (self->ask),
      ngettext_ ("%u result has not been inserted into the image and would be lost.",
                 "%u results have not been inserted into the image and would be lost.", open),
      open);
  gtk_dialog_add_buttons (GTK_DIALOG (self->ask), _("_Keep open"), GTK_RESPONSE_CANCEL,
                          _("_Close"), GTK_RESPONSE_CLOSE, NULL);
  gtk_dialog_set_default_response (GTK_DIALOG (self->ask), GTK_RESPONSE_CANCEL);
  g_signal_connect (self->ask, "response", G_CALLBACK (answered_cb), self);
  gtk_widget_show (self->ask);
}

static void
response_cb (GtkDialog *window,
             gint       response,
             Dialog    *self)
{
  (void) window;
  if (response == RESPONSE_GENERATE)
    generate (self);
  else if (response == RESPONSE_STOP || response == RESPONSE_KEEP)
    stop (self, response == RESPONSE_KEEP);
  else if (response != GTK_RESPONSE_HELP)
    ask_and_close (self);
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
  static const DialogModelsHooks model_hooks = { models_changed_cb, models_say_cb,
                                                 explain_cb };
  GObject         *config = G_OBJECT (self->run->config);
  GtkWidget       *left   = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget       *scroll = gtk_scrolled_window_new (NULL, NULL);
  GtkWidget       *column = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gchar           *store  = dialog_presets_file ("prompts.ini");
  PromptPanelHooks hooks  = { .count = count_tokens, .store = store,
                              .activate = generate_cb, .user = self };

  self->prompt = prompt_panel_new (config, "prompt", "negative-prompt", &hooks);
  prompt_panel_set_placeholder (self->prompt, _(modes_of (self->run->mode)->example));
  self->models = dialog_models_new (self->run, &model_hooks, self);
  dialog_form_init (&self->form, config, self->run->mode, self->models);
  self->estimate = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (self->estimate), 0.0);
  gtk_label_set_ellipsize (GTK_LABEL (self->estimate), PANGO_ELLIPSIZE_END);
  gtk_container_set_border_width (GTK_CONTAINER (left), 12);
  gtk_box_pack_start (GTK_BOX (left), self->prompt, FALSE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (left), self->form.box, FALSE, TRUE, 0);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroll), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_container_add (GTK_CONTAINER (scroll), left);
  gtk_widget_set_margin_start (self->estimate, 12);
  gtk_widget_set_margin_top (self->estimate, 6);
  gtk_box_pack_start (GTK_BOX (column), scroll, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (column), self->estimate, FALSE, TRUE, 0);
  g_free (store);
  return column;
}

static GtkWidget *
make_right (Dialog *self)
{
  static const DialogResultsHooks hooks = { chosen_cb, inserted_cb, failed_cb };
  GtkWidget *right = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  self->where   = dialog_where_new (self->run);
  self->bar     = dialog_bar_new ();
  self->results = dialog_results_init (&self->made, self->run, &hooks, self);
  result_panel_set_page (self->results, dialog_models_page (self->models));
  gtk_container_set_border_width (GTK_CONTAINER (right), 12);
  gtk_box_pack_start (GTK_BOX (right), self->where, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (right), self->bar, FALSE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (right), self->results, FALSE, TRUE, 0);
  return right;
}

static void
add_presets (Dialog *self)
{
  GtkWidget *presets = dialog_presets_new (self->run);
  GtkWidget *buttons = gtk_widget_get_parent (self->generate);

  gtk_box_pack_start (GTK_BOX (buttons), presets, FALSE, FALSE, 0);
  gtk_button_box_set_child_secondary (GTK_BUTTON_BOX (buttons), presets, TRUE);
}

/* No larger than the screen has room for. */
static void
set_size (Dialog *self)
{
  GdkDisplay  *display = gtk_widget_get_display (self->window);
  GdkMonitor  *monitor = gdk_display_get_primary_monitor (display);
  GdkRectangle room    = { 0, 0, 1366, 768 };

  if (! monitor)
    monitor = gdk_display_get_monitor (display, 0);
  if (monitor)
    gdk_monitor_get_workarea (monitor, &room);
  gtk_window_set_default_size (GTK_WINDOW (self->window), MIN (WIDTH, room.width - 24),
                               MIN (HEIGHT, room.height - 60));
}

static GtkWidget *
add_button (Dialog      *self,
            const gchar *label,
            gint         response,
            const gchar *tooltip)
{
  GtkWidget *button = gimp_dialog_add_button (GIMP_DIALOG (self->window), label, response);

  gtk_widget_set_tooltip_text (button, tooltip);
  return button;
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
  self->keep     = add_button (self, _("Stop and _keep"), RESPONSE_KEEP,
                               _("Ends the run now and makes a picture from "
                                 "the steps so far"));
  self->stop     = add_button (self, _("_Stop"), RESPONSE_STOP,
                               _("Ends the run and forgets the unfinished picture"));
  self->generate = add_button (self, _("_Generate"), RESPONSE_GENERATE,
                               _("Ctrl+Enter in the prompt does the same"));
  add_presets (self);
  gtk_dialog_set_default_response (GTK_DIALOG (self->window), RESPONSE_GENERATE);
  set_size (self);
  content = gtk_dialog_get_content_area (GTK_DIALOG (self->window));
  gtk_paned_pack1 (GTK_PANED (columns), make_left (self), FALSE, FALSE);
  gtk_paned_pack2 (GTK_PANED (columns), make_right (self), TRUE, FALSE);
  gtk_paned_set_position (GTK_PANED (columns), FORM_WIDTH);
  gtk_box_pack_start (GTK_BOX (content), columns, TRUE, TRUE, 0);
  result_panel_set_progress (self->results, 0, _("Ready"));
  set_running (self, FALSE);
  gtk_widget_set_sensitive (self->generate, FALSE); /* until the first plan */
  g_signal_connect (self->window, "response", G_CALLBACK (response_cb), self);
  g_signal_connect (self->run->config, "notify", G_CALLBACK (setting_changed_cb), self);
  gimp_window_set_transient (GTK_WINDOW (self->window));
  gtk_widget_show_all (self->window);
  gtk_widget_grab_focus (prompt_panel_get_entry (self->prompt));
  g_free (title);
}

/* gimp_ui_init () would end the process. */
static gboolean
has_screen (void)
{
  GdkDisplay *display = gdk_display_open (gimp_display_name ());

  if (! display)
    display = gdk_display_open (NULL);
  if (display)
    gdk_display_close (display);
  return display != NULL;
}

static GimpValueArray *
refuse_without_screen (Run *run)
{
  GimpProcedure *procedure = run->procedure;
  GError        *error     = NULL;

  g_set_error (&error, GIMP_PLUG_IN_ERROR, 0,
               _("There is no screen for the dialog: call this with RUN-NONINTERACTIVE."));
  run_free (run);
  return failure_values (procedure, error);
}

GimpValueArray *
dialog_run (Run *run)
{
  Dialog               self   = { 0 };
  GimpProcedureConfig *config = run->config;
  GimpValueArray      *values;

  if (! has_screen ())
    return refuse_without_screen (run);
  gimp_ui_init (PLUG_IN_BINARY);
  self.loop = g_main_loop_new (NULL, FALSE);
  self.run  = run;
  dialog_plan_init (&self.plan, run,
                    &(DialogPlanHooks) { suit_settings_cb, slow_cb, planned_cb }, &self);
  /* An outpaint that knows no better begins with a quarter on the right. */
  if (run->mode == EDIT_OUTPAINT && advice_misses_amounts (run))
    g_object_set (config, "right", MAX (1, gimp_image_get_width (run->image) / 4), NULL);
  make_window (&self);
  dialog_models_scan (self.models);
  self.watch_id = g_timeout_add (IMAGE_CHECK, watch_image_cb, &self);
  schedule_update (&self);
  g_main_loop_run (self.loop);

  values = dialog_results_values (&self.made);
  g_source_remove (self.watch_id);
  if (self.update_id)
    g_source_remove (self.update_id);
  g_signal_handlers_disconnect_by_data (config, &self);
  gtk_widget_hide (self.window);
  if (self.plan.advice.kind == ADVICE_SIZE) /* what is remembered can be made */
    advice_follow (&self.plan.advice, self.run);
  dialog_presets_keep_last (self.run);
  dialog_plan_clear (&self.plan);
  dialog_results_clear (&self.made);
  run_free (self.run);
  gtk_widget_destroy (self.window);
  g_main_loop_unref (self.loop);
  return values;
}
