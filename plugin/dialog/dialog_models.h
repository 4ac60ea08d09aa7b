/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The models in the dialog: the list with what fits the mode, the folders, and the page of the first
 * run, which says where checkpoints come from and go. */
#pragma once

#include "run.h"

#include <gtk/gtk.h>

typedef struct
{
  void (* changed) (gpointer user);                    /* the list is a new one */
  void (* say)     (const gchar *text, gpointer user); /* something that did not work */
  void (* explain) (gpointer user);                    /* the page is wanted, or not any more */
} DialogModelsHooks;

/* The list, bound to the run's config; `run' and `hooks' are borrowed as long as the widget lives. */
GtkWidget *dialog_models_new         (Run                     *run,
                                      const DialogModelsHooks *hooks,
                                      gpointer                 user);
/* The page of the first run. */
GtkWidget *dialog_models_page        (GtkWidget               *models);

/* Looks through the folders; then `changed' is called. */
void       dialog_models_scan        (GtkWidget               *models);
/* Shows the folder where the user's checkpoints go. */
void       dialog_models_open_folder (GtkWidget               *models);
/* Whether nothing but the demo is there. */
gboolean   dialog_models_has_demo_only (GtkWidget             *models);
/* Whether the run's model is the demo. */
/* Below the list: what the run will use. */
void       dialog_models_show_used   (GtkWidget               *models);
