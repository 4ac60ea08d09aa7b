/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of models with kind and state, bound to a string property that names the chosen one; and
 * the ways to more of them. */
#pragma once

#include <gtk/gtk.h>

typedef struct
{
  const gchar *id;      /* what the property is set to; "": the best one is picked */
  const gchar *name;
  const gchar *kind;    /* "SD 1.x inpainting, 512 × 512" */
  const gchar *reason;  /* why it cannot be chosen, or NULL */
} ModelRow;

typedef struct
{
  void (* open_folder) (gpointer user);
  void (* add_folder)  (const gchar *folder, gpointer user); /* bytes of a file name */
  void (* refresh)     (gpointer user);
} ModelPanelHooks;

GtkWidget *model_panel_new      (GObject               *settings,
                                 const gchar           *property,
                                 const ModelPanelHooks *hooks,
                                 gpointer               user);

void       model_panel_set_rows (GtkWidget      *panel,
                                 const ModelRow *rows,
                                 guint           count);
/* A line below the list: what will be used, or where models come from. */
void       model_panel_set_note (GtkWidget      *panel,
                                 const gchar    *note);
