/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog's forms: which settings a mode has, in which order. */
#pragma once

#include "edit.h"

#include <gtk/gtk.h>

/* What happens where: intent, edge, context, amounts, strength; may be an empty form.
 * `width' and `height': the image's, or 0. */
GtkWidget *dialog_form_where   (GObject  *config,
                                EditMode  mode,
                                gint      width,
                                gint      height);
/* Sampler, steps, guidance, seed, size, count.  `where' is the form above: their columns
 * stand in line. */
GtkWidget *dialog_form_quality (GObject   *config,
                                EditMode   mode,
                                GtkWidget *where);
