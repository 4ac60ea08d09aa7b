/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_results.h"

#include "dialog_pictures.h"
#include "dialog_text.h"
#include "insertion.h"
#include "record.h"
#include "scene.h"

#include "result_panel.h"

#include <string.h>

#include "intl.h"

#define THUMBNAIL 96 /* pixels of the longer side */

void
dialog_results_add (DialogResults *self,
                    Candidate     *candidate)
{
  GdkPixbuf *thumbnail = dialog_thumbnail_of_result (candidate, THUMBNAIL);
  gchar     *caption   = dialog_text_caption (candidate);
  gchar     *tooltip   = dialog_text_tooltip (candidate);

  result_panel_add (self->panel, candidate, thumbnail, caption, tooltip);
  g_object_unref (thumbnail);
  g_free (tooltip);
  g_free (caption);
}

static gboolean
is_inserted (DialogResults *self,
             gpointer       candidate)
{
  GimpItem *layer = g_hash_table_lookup (self->layers, candidate);

  return layer && (scene_has_item (self->run->image, layer) ||
                   scene_has_item (self->image, layer));
}

void
dialog_results_look (DialogResults *self)
{
  GHashTableIter iter;
  gpointer       candidate;

  g_hash_table_iter_init (&iter, self->layers);
  while (g_hash_table_iter_next (&iter, &candidate, NULL))
    result_panel_set_inserted (self->panel, candidate, is_inserted (self, candidate));
}

/* ---- what is done with them ---------------------------------------------- */

static void
chosen_cb (gpointer candidate,
           gpointer user)
{
  DialogResults *self = user;

  self->hooks.chosen (candidate, self->user);
}

static void
insert (DialogResults *self,
        GPtrArray     *candidates)
{
  GError *error = NULL;

  if (candidates->len == 0)
    return;
  if (! insertion_make (self->run, (Candidate **) candidates->pdata, (gint) candidates->len,
                        &self->layer, &self->image, &error))
    {
      self->hooks.failed (error->message, self->user);
      g_error_free (error);
      return;
    }
  for (guint i = 0; i < candidates->len; i++)
    g_hash_table_insert (self->layers, candidates->pdata[i], self->layer);
  self->last = candidates->pdata[0];
  dialog_results_look (self);
  if (self->image != self->run->image)
    gimp_display_new (self->image);
  gimp_displays_flush ();
  self->hooks.inserted (self->user);
}

static void
insert_cb (gpointer candidate,
           gpointer user)
{
  GPtrArray *one = g_ptr_array_new ();

  g_ptr_array_add (one, candidate);
  insert (user, one);
  g_ptr_array_unref (one);
}

static void
insert_all_cb (gpointer user)
{
  DialogResults *self = user;
  GPtrArray     *open = g_ptr_array_new ();
  GList         *all  = result_panel_list (self->panel);

  for (GList *item = all; item; item = item->next)
    if (! is_inserted (self, item->data))
      g_ptr_array_add (open, item->data);
  insert (self, open);
  g_list_free (all);
  g_ptr_array_unref (open);
}

static void
use_settings_cb (gpointer result,
                 gpointer user)
{
  Candidate     *candidate = result;
  DialogResults *self      = user;
  GError        *error     = NULL;
  gchar         *text      = record_write (candidate, CANVAS_VISIBLE);
  Record        *record    = record_read (text, strlen (text), &error);

  if (record)
    {
      record_to_config (record, self->run->config);
      g_object_set (self->run->config, "model", candidate->model_path, NULL);
    }
  else
    {
      self->hooks.failed (error->message, self->user);
    }
  record_free (record);
  g_clear_error (&error);
  g_free (text);
}

static void
discarded_cb (gpointer candidate,
              gpointer user)
{
  DialogResults *self = user;

  if (self->last == candidate)
    self->last = NULL;
  g_hash_table_remove (self->layers, candidate);
  candidate_free (candidate);
}

/* ---- from beginning to end ----------------------------------------------- */

GtkWidget *
dialog_results_init (DialogResults            *self,
                     Run                      *run,
                     const DialogResultsHooks *hooks,
                     gpointer                  user)
{
  static const ResultPanelHooks panel_hooks = { chosen_cb, insert_cb, insert_all_cb,
                                                use_settings_cb, discarded_cb };

  self->run    = run;
  self->hooks  = *hooks;
  self->user   = user;
  self->layers = g_hash_table_new (NULL, NULL);
  self->panel  = result_panel_new (&panel_hooks, self);
  return self->panel;
}

void
dialog_results_clear (DialogResults *self)
{
  result_panel_clear (self->panel);
  g_clear_pointer (&self->layers, g_hash_table_unref);
}

GimpValueArray *
dialog_results_values (DialogResults *self)
{
  GimpProcedure  *procedure = self->run->procedure;
  GimpValueArray *values;
  gchar          *name;

  /* libgimp keeps the arguments with the image, which may be gone. */
  if (! self->layer || scene_lost_image (self->run->image))
    return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
  values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
  if (scene_has_item (self->image, self->layer))
    GIMP_VALUES_SET_LAYER (values, 1, self->layer);
  if (scene_has_image (self->image))
    GIMP_VALUES_SET_IMAGE (values, 2, self->image);
  if (self->last)
    {
      name = g_filename_display_basename (self->last->model_path);
      GIMP_VALUES_SET_DOUBLE (values, 3, (gdouble) self->last->edit.seed);
      GIMP_VALUES_SET_STRING (values, 4, name);
      g_free (name);
    }
  return values;
}
