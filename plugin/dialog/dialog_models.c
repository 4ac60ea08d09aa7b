/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_models.h"

#include "model_panel.h"
#include "models/model_sibling.h"

#include <string.h>

#include "intl.h"

typedef struct
{
  Run              *run;
  DialogModelsHooks hooks;
  gpointer          user;
  GtkWidget        *panel;
} DialogModels;

static DialogModels *
models_of (GtkWidget *models)
{
  return g_object_get_data (G_OBJECT (models), "dialog-models");
}

static gboolean
has_sibling (DialogModels *self,
             const Model  *model)
{
  gchar    *sibling = model_sibling (model->path, &model->info, self->run->mode);
  gboolean  has     = sibling != NULL;

  g_free (sibling);
  return has;
}

/* Why a model cannot be chosen, in as many words as a list has room for; NULL: it can. */
static const gchar *
reason_in_short (DialogModels *self,
                 const Model  *model)
{
  switch (model->state)
    {
    case MODEL_DAMAGED:
      return g_str_has_suffix (model->path, ".safetensors") ? _("damaged file")
                                                             : _("another format");
    case MODEL_INCOMPLETE:
      return model->info.lacks_vae && ! model->info.lacks_text_encoder
               ? _("its VAE is missing") : _("parts of it are missing");
    case MODEL_UNSUPPORTED:
      return model->info.summary;
    case MODEL_READY:
      break;
    }
  if (model_fits (&model->info, self->run->mode, 1.0, NULL) ||
      has_sibling (self, model))
    return NULL;
  return self->run->mode == EDIT_INSTRUCT ? _("follows no instructions")
                                          : _("only follows instructions");
}

/* A layer's record and a script know a model by its file's name; the list by its path. */
static void
name_by_path (DialogModels *self)
{
  const Model *model;
  gchar       *wanted;

  g_object_get (self->run->config, "model", &wanted, NULL);
  model = wanted && wanted[0] ? model_store_named (self->run->store, wanted) : NULL;
  if (model)
    g_object_set (self->run->config, "model", model->path, NULL);
  g_free (wanted);
}

static void
show_models (DialogModels *self)
{
  GPtrArray *list = model_store_list (self->run->store);
  ModelRow  *rows = g_new0 (ModelRow, list->len + 1);

  name_by_path (self);
  rows[0] = (ModelRow) { "", _("The one that fits best"), "", NULL };
  for (guint i = 0; i < list->len; i++)
    {
      const Model *model = list->pdata[i];

      rows[i + 1] = (ModelRow) { model->path, model->name, model->info.summary,
                                 reason_in_short (self, model) };
    }
  model_panel_set_rows (self->panel, rows, list->len + 1);
  g_free (rows);
}

static void
scanned_cb (ModelStore *store,
            gpointer    user)
{
  DialogModels *self = user;

  (void) store;
  show_models (self);
  self->hooks.changed (self->user);
}

static void
open_folder_cb (gpointer user)
{
  DialogModels *self   = user;
  GtkWidget    *window = gtk_widget_get_toplevel (self->panel);
  gchar        *folder = model_store_user_folder (self->run->store);
  GFile        *file   = g_file_new_for_path (folder);
  gchar        *uri    = g_file_get_uri (file);

  if (! gtk_show_uri_on_window (GTK_WINDOW (window), uri, GDK_CURRENT_TIME, NULL))
    {
      gchar *shown = g_filename_display_name (folder);
      gchar *text  = g_strdup_printf (_("No program on this computer opens "
                                        "folders; models go into %s"),
                                      shown);

      self->hooks.say (text, self->user);
      g_free (text);
      g_free (shown);
    }
  g_free (uri);
  g_object_unref (file);
  g_free (folder);
}

static void
add_folder_cb (const gchar *folder,
               gpointer     user)
{
  DialogModels *self  = user;
  GError       *error = NULL;

  if (model_store_add_folder (self->run->store, folder, &error))
    model_store_scan (self->run->store, scanned_cb, self);
  else
    self->hooks.say (error->message, self->user);
  g_clear_error (&error);
}

static void
refresh_cb (gpointer user)
{
  DialogModels *self = user;

  model_store_scan (self->run->store, scanned_cb, self);
}

static void
explain_cb (gpointer user)
{
  DialogModels *self = user;

  self->hooks.explain (self->user);
}

static const ModelPanelHooks panel_hooks = { open_folder_cb, add_folder_cb, refresh_cb,
                                             explain_cb };

GtkWidget *
dialog_models_new (Run                     *run,
                   const DialogModelsHooks *hooks,
                   gpointer                 user)
{
  DialogModels *self = g_new0 (DialogModels, 1);

  self->run   = run;
  self->hooks = *hooks;
  self->user  = user;
  self->panel = model_panel_new (G_OBJECT (run->config), "model", &panel_hooks, self);
  g_object_set_data_full (G_OBJECT (self->panel), "dialog-models", self, g_free);
  show_models (self);
  return self->panel;
}

GtkWidget *
dialog_models_page (GtkWidget *models)
{
  DialogModels *self   = models_of (models);
  gchar        *folder = model_store_user_folder (self->run->store);
  gchar        *shown  = g_filename_display_name (folder);
  GtkWidget    *page   = model_page_new (shown, &panel_hooks, self);

  g_free (shown);
  g_free (folder);
  return page;
}

void
dialog_models_scan (GtkWidget *models)
{
  refresh_cb (models_of (models));
}

void
dialog_models_open_folder (GtkWidget *models)
{
  open_folder_cb (models_of (models));
}

gboolean
dialog_models_has_demo_only (GtkWidget *models)
{
  GPtrArray *list = model_store_list (models_of (models)->run->store);

  for (guint i = 0; i < list->len; i++)
    {
      const Model *model = list->pdata[i];

      if (model->state == MODEL_READY && ! model->is_demo)
        return FALSE;
    }
  return TRUE;
}

/* A file's name without folder and ending, for people. */
static gchar *
shown_name (const gchar *path)
{
  gchar *name = g_filename_display_basename (path);

  if (g_str_has_suffix (name, ".safetensors"))
    name[strlen (name) - strlen (".safetensors")] = '\0';
  return name;
}

void
dialog_models_show_used (GtkWidget *models)
{
  DialogModels *self = models_of (models);
  gchar        *name = shown_name (self->run->model_path);
  gchar        *wanted, *chosen, *text;

  g_object_get (self->run->config, "model", &wanted, NULL);
  chosen = shown_name (wanted && wanted[0] ? wanted : self->run->model_path);
  if (! strcmp (chosen, name))
    text = g_strdup_printf ("%s: %s", name, self->run->model.summary);
  else if (self->run->mode == EDIT_INSTRUCT)
    text = g_strdup_printf (_("%s is used here, which follows instructions: %s"), name,
                            self->run->model.summary);
  else
    text = g_strdup_printf (_("%s is used here, which draws without instructions: %s"),
                            name, self->run->model.summary);
  model_panel_set_note (self->panel, text);
  g_free (text);
  g_free (chosen);
  g_free (wanted);
  g_free (name);
}
