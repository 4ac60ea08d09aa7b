/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Results as thumbnails in a row, with what can be done with them; and the run's progress. */
#pragma once

#include <gtk/gtk.h>

typedef struct
{
  /* The chosen result changed; NULL: none. */
  void (* chosen)       (gpointer result, gpointer user);
  void (* insert)       (gpointer result, gpointer user);
  void (* insert_all)   (gpointer user);     /* that are not inserted yet */
  void (* use_settings) (gpointer result, gpointer user);
  /* The result is forgotten: free it. */
  void (* discarded)    (gpointer result, gpointer user);
} ResultPanelHooks;

GtkWidget *result_panel_new          (const ResultPanelHooks *hooks,
                                      gpointer                user);

/* A result at the end of the row, and chosen. `caption': its seed; `tooltip': all about it, or
 * NULL. */
void       result_panel_add          (GtkWidget   *panel,
                                      gpointer     result,
                                      GdkPixbuf   *thumbnail,
                                      const gchar *caption,
                                      const gchar *tooltip);
/* Marks it as inserted (a tick), or not any more. */
void       result_panel_set_inserted (GtkWidget   *panel,
                                      gpointer     result,
                                      gboolean     inserted);
/* All results in order: (element-type gpointer) (transfer container). */
GList     *result_panel_list         (GtkWidget   *panel);
guint      result_panel_count        (GtkWidget   *panel);
guint      result_panel_count_open   (GtkWidget   *panel);  /* not inserted yet */
gpointer   result_panel_chosen       (GtkWidget   *panel);  /* NULL: none */
/* Takes all away; each is `discarded'. */
void       result_panel_clear        (GtkWidget   *panel);

/* `page' in place of the results, as long as there are none or it is asked for; NULL: none. */
void       result_panel_set_page     (GtkWidget   *panel,
                                      GtkWidget   *page);
gboolean   result_panel_shows_page   (GtkWidget   *panel);
void       result_panel_show_page    (GtkWidget   *panel,
                                      gboolean     shown);

/* fraction < 0: nothing runs, the bar shows `text' and is empty. */
void       result_panel_set_progress (GtkWidget   *panel,
                                      gdouble      fraction,
                                      const gchar *text);
