/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_pictures.h"

#define MOST 640 /* pixels of a picture's longer side */

GdkPixbuf *
dialog_picture_of_image (GimpImage *image)
{
  return canvas_thumbnail (image, MOST);
}

GdkPixbuf *
dialog_picture_of_selection (GimpImage *image,
                             gboolean   inverted)
{
  return canvas_selection_thumbnail (image, MOST, inverted);
}

GdkPixbuf *
dialog_picture_of_result (const Candidate *candidate)
{
  return gdk_pixbuf_new_from_bytes (candidate->shown, GDK_COLORSPACE_RGB, TRUE, 8,
                                    candidate->shown_width, candidate->shown_height,
                                    candidate->shown_width * 4);
}

GdkPixbuf *
dialog_thumbnail_of_result (const Candidate *candidate,
                            gint             most)
{
  GdkPixbuf *picture = dialog_picture_of_result (candidate);
  gint       longer  = MAX (candidate->shown_width, candidate->shown_height);
  GdkPixbuf *small;

  small = gdk_pixbuf_scale_simple (picture,
                                   MAX (1, candidate->shown_width * most / longer),
                                   MAX (1, candidate->shown_height * most / longer),
                                   GDK_INTERP_BILINEAR);
  g_object_unref (picture);
  return small;
}
