/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One text area of the prompt panel, bound to a string property, with its counter, colours, keys
 * and undo. */
#pragma once

#include "prompt_panel.h"

/* The scrolled area, `lines' high. */
GtkWidget *prompt_area_new             (GObject                *settings,
                                        const gchar            *property,
                                        gint                    lines,
                                        const PromptPanelHooks *hooks);

GtkWidget *prompt_area_get_view        (GtkWidget   *area);
/* A label that waits to be packed. */
GtkWidget *prompt_area_get_counter     (GtkWidget   *area);
/* To be freed. */
gchar     *prompt_area_get_text        (GtkWidget   *area);
/* Can be undone. */
void       prompt_area_set_text        (GtkWidget   *area,
                                        const gchar *text);
void       prompt_area_set_placeholder (GtkWidget   *area,
                                        const gchar *text);

/* A text view in a frame that is `lines' of its font high and scrolls. */
GtkWidget *prompt_area_frame           (GtkWidget   *view,
                                        gint         lines);
