/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens where, as a picture: the canvas with the selection, the frame that the model sees, the new
 * canvas of an outpaint, the preview of a run, and a result in its place. */
#pragma once

#include "run.h"

#include <gtk/gtk.h>

typedef struct _DialogWhere DialogWhere;

/* The widget owns it.  `run' is borrowed as long as the widget lives. */
GtkWidget   *dialog_where_new      (Run               *run);

/* Draws again what the image shows and, if it is `planned', what the run's plan says. */
void         dialog_where_update   (GtkWidget         *where,
                                    gboolean           planned);
/* Whether picture or selection have changed since the last call. */
gboolean     dialog_where_changed  (GtkWidget         *where);

void         dialog_where_preview  (GtkWidget         *where,
                                    const JobProgress *now);
/* A result in its place; NULL: none. */
void         dialog_where_result   (GtkWidget         *where,
                                    const Candidate   *candidate);
