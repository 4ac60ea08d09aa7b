/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of models with kind and state, bound to a string property that names the chosen one; the
 * ways to more of them; and a page that says where models come from. */
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
  void (* explain)     (gpointer user);  /* show the page, or hide it */
} ModelPanelHooks;

GtkWidget *model_panel_new      (GObject               *settings,
                                 const gchar           *property,
                                 const ModelPanelHooks *hooks,
                                 gpointer               user);

/* The list itself, for a label's mnemonic. */
GtkWidget *model_panel_get_list (GtkWidget             *panel);

void       model_panel_set_rows (GtkWidget      *panel,
                                 const ModelRow *rows,
                                 guint           count);
/* A line below the list: what will be used, or where models come from. */
void       model_panel_set_note (GtkWidget      *panel,
                                 const gchar    *note);

/* The page of the first run: what the demo can do, where checkpoints come from, and that they go into
 * `folder' (for people, UTF-8).  Its buttons call the hooks. */
GtkWidget *model_page_new       (const gchar           *folder,
                                 const ModelPanelHooks *hooks,
                                 gpointer               user);
