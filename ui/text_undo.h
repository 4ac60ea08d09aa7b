/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Undo for a text area, which GTK 3 has not: Ctrl+Z, Ctrl+Shift+Z, Ctrl+Y and the context menu.
 *
 * A step is what one user action changed; characters typed or deleted one after another are one
 * step up to the next word, line or pause.  When there are many the oldest are forgotten. */
#pragma once

#include <gtk/gtk.h>

/* From here on; what is in the area now is the beginning.  The view keeps its buffer. */
void text_undo_add      (GtkTextView *view);

/* Another text as one step of its own.  Only what differs is replaced: marks, tags and the place
 * that is shown stay.  The view was given to text_undo_add(). */
void text_undo_set_text (GtkTextView *view,
                         const gchar *text);
