/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings to bind panels to, and help for tests of panels. */
#pragma once

#include <gtk/gtk.h>

/* Strings prompt, negative-prompt, model, sampler (""); doubles seed (-1 … 1e15), strength (0 … 1);
 * gint steps (1 … 1000); gboolean check; gint left, right, top, bottom (0 … 16384). */
/* `property' is set to `text', or NULL. */
GObject   *settings_new       (const gchar *property,
                               const gchar *text);
/* To be freed. */
gchar     *settings_string    (GObject     *settings,
                               const gchar *property);

/* The panel in a window of its own, shown. */
GtkWidget *settings_show      (GtkWidget   *panel);
/* Until nothing is pending; or as long as a few frames take. */
void       settings_wait      (void);
void       settings_wait_long (void);
/* The n-th widget of a type in what is packed in `panel', in that order; NULL: there is none. */
GtkWidget *settings_nth       (GtkWidget   *panel,
                               GType        type,
                               gint         n);
