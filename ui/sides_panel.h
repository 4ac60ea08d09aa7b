/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much is added on each side of a picture: four numbers in pixels or percent of the picture, bound
 * to gint properties that count pixels; and usual amounts and shapes by a button. */
#pragma once

#include <gtk/gtk.h>

typedef enum { SIDE_LEFT, SIDE_RIGHT, SIDE_TOP, SIDE_BOTTOM, SIDE_COUNT } Side;

/* Pixels on each side that bring a picture to a shape of `across' to `down' by adding as little as
 * possible, half of it on either side. */
void       sides_for_shape    (gint          amounts[SIDE_COUNT],
                               gint          width,
                               gint          height,
                               gint          across,
                               gint          down);

/* Adds the rows to a form of fields.h.  `properties' and `labels' in the order of Side; `most' is the
 * largest amount in pixels. */
void       sides_panel_add    (GtkWidget          *fields,
                               GObject            *settings,
                               const gchar *const *properties,
                               const gchar *const *labels,
                               gint                most);

/* The picture's size: what percent and shapes refer to.  `fields' is the form. */
void       sides_panel_set_size (GtkWidget        *fields,
                                 gint              width,
                                 gint              height);
