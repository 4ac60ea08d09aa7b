/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small pictures for the dialog. */
#pragma once

#include "canvas.h"
#include "job.h"

#include <gdk-pixbuf/gdk-pixbuf.h>

/* All that is visible, and the selection (or all but the selection) as a tint: at most some hundred
 * pixels wide; NULL where there is none. */
GdkPixbuf *dialog_picture_of_image     (GimpImage       *image);
GdkPixbuf *dialog_picture_of_selection (GimpImage       *image,
                                        gboolean         inverted);
/* A result with its mask as alpha, and the same no larger than `most'. */
GdkPixbuf *dialog_picture_of_result    (const Candidate *candidate);
GdkPixbuf *dialog_thumbnail_of_result  (const Candidate *candidate,
                                        gint             most);
