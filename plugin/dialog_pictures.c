/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_pictures.h"

#define MOST 640 /* pixels of a picture's longer side */

/* Float RGBA to a pixbuf, made smaller by a whole factor. */
GdkPixbuf *
dialog_picture_of_result (const EditResult *result,
                          gint              most)
{
  gint       longer = MAX (result->rect.width, result->rect.height);
  gint       factor = MAX (1, (longer + most - 1) / most);
  gint       width  = MAX (1, result->rect.width / factor);
  gint       height = MAX (1, result->rect.height / factor);
  GdkPixbuf *pixels = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, width, height);
  guchar    *out    = gdk_pixbuf_get_pixels (pixels);
  gint       stride = gdk_pixbuf_get_rowstride (pixels);

  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      {
        gfloat sum[4] = { 0 };

        for (gint j = 0; j < factor; j++)
          for (gint i = 0; i < factor; i++)
            {
              gsize         at    = (gsize) (y * factor + j) * (gsize) result->rect.width +
                                    (gsize) (x * factor + i);
              const gfloat *pixel = result->rgba + 4 * at;
              gfloat        cover = pixel[3] * result->mask[at];

              for (gint c = 0; c < 3; c++)
                sum[c] += pixel[c] * cover;
              sum[3] += cover;
            }
        for (gint c = 0; c < 4; c++)
          {
            gfloat value = c == 3 ? sum[3] / (gfloat) (factor * factor)
                                  : sum[3] > 0 ? sum[c] / sum[3] : 0;

            out[y * stride + 4 * x + c] = (guchar) (CLAMP (value, 0, 1) * 255 + 0.5f);
          }
      }
  return pixels;
}

GdkPixbuf *
dialog_picture_of_image (GimpImage *image)
{
  return canvas_thumbnail (image, MOST);
}

GdkPixbuf *
dialog_picture_of_selection (GimpImage *image)
{
  return canvas_selection_thumbnail (image, MOST);
}
