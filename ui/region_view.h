/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small picture of the canvas that shows what happens where: the picture, the mask as a tint, the
 * rectangle that the model sees, and a result or preview laid over its place. */
#pragma once

#include <gtk/gtk.h>

enum { REGION_VIEW_MOST = 32 };

GtkWidget *region_view_new          (void);

/* The (new) canvas' size in pixels; everything below is in its coordinates. */
void       region_view_set_canvas   (GtkWidget          *view,
                                     gint                width,
                                     gint                height);
/* The picture, lying at `place'; NULL: none.  Takes its own reference. */
void       region_view_set_picture  (GtkWidget          *view,
                                     GdkPixbuf          *picture,
                                     const GdkRectangle *place);
/* A tint where something changes: one channel in the picture's alpha; NULL: none. */
void       region_view_set_mask     (GtkWidget          *view,
                                     GdkPixbuf          *mask,
                                     const GdkRectangle *place);
/* The same tint over all of the canvas that the picture does not lie on: what is extended. */
void       region_view_set_extended (GtkWidget          *view,
                                     gboolean            extended);
/* What the model sees, a frame each; at most REGION_VIEW_MOST. */
void       region_view_set_contexts (GtkWidget          *view,
                                     const GdkRectangle *contexts,
                                     gint                count);
/* A preview or result over its place; NULL: none. */
void       region_view_set_overlay  (GtkWidget          *view,
                                     GdkPixbuf          *overlay,
                                     const GdkRectangle *place);
