/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of a form: a label with a mnemonic on the left, a widget bound to a property of any
 * GObject on the right.  The label names the widget for screen readers. */
#pragma once

#include <gtk/gtk.h>

/* A grid with the form's spacing; rows are added below one another. */
GtkWidget *fields_new         (void);

/* The last row takes the width of one pair of columns, though nothing stands beside it. */
void       fields_narrow      (GtkWidget          *fields);

/* The next row stands beside the last one, in a second pair of columns. */
void       fields_beside      (GtkWidget          *fields);

/* The labels of several forms get the same width, so that their columns stand in line. */
void       fields_align       (GtkWidget *const   *forms,
                               gint                count);

/* Any widget as a row; `label' NULL: none; `tooltip' may be NULL.  Returns `widget'. */
GtkWidget *fields_add         (GtkWidget          *fields,
                               const gchar        *label,
                               GtkWidget          *widget,
                               const gchar        *tooltip);

/* A spin button for a gint or gdouble property; its range is the property's, at most
 * [low, high] is offered by the arrows.  `digits' behind the point. */
GtkWidget *fields_add_number  (GtkWidget          *fields,
                               GObject            *settings,
                               const gchar        *property,
                               const gchar        *label,
                               gdouble             low,
                               gdouble             high,
                               gdouble             step,
                               guint               digits,
                               const gchar        *tooltip);

/* A slider with a number for a gdouble property in low … high. */
GtkWidget *fields_add_slider  (GtkWidget          *fields,
                               GObject            *settings,
                               const gchar        *property,
                               const gchar        *label,
                               gdouble             low,
                               gdouble             high,
                               gdouble             step,
                               const gchar        *tooltip);

/* A drop-down for a string property; `ids' and `labels' end with NULL and go together. */
GtkWidget *fields_add_choice  (GtkWidget          *fields,
                               GObject            *settings,
                               const gchar        *property,
                               const gchar        *label,
                               const gchar *const *ids,
                               const gchar *const *labels,
                               const gchar        *tooltip);

/* A check button for a gboolean property, over both columns. */
GtkWidget *fields_add_check   (GtkWidget          *fields,
                               GObject            *settings,
                               const gchar        *property,
                               const gchar        *label,
                               const gchar        *tooltip);

/* The seed, a gdouble property: a number (-1: a new one for each run), a die that draws one, and a
 * lock that keeps the last run's.  Returns the spin button. */
GtkWidget *fields_add_seed    (GtkWidget          *fields,
                               GObject            *settings,
                               const gchar        *property,
                               const gchar        *label);
/* What the last run used: the lock keeps it.  `seed' is what fields_add_seed () gave. */
void       fields_seed_used   (GtkWidget          *seed,
                               gdouble             used);
