/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small pictures for the dialog. */
#pragma once

#include "canvas.h"

#include <gdk-pixbuf/gdk-pixbuf.h>

/* All that is visible, and the selection as a tint: at most some hundred pixels wide; NULL where there
 * is none. */
GdkPixbuf *dialog_picture_of_image     (GimpImage        *image);
GdkPixbuf *dialog_picture_of_selection (GimpImage        *image);
/* A result with its mask, at most `most' pixels wide and high. */
GdkPixbuf *dialog_picture_of_result    (const EditResult *result,
                                        gint              most);
