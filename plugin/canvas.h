/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drawables, selection and layers to and from pictures; the only file that calls
 * gegl_buffer_* ().
 *
 * Pixels are R'G'B'A float in sRGB, straight alpha, rows from top to bottom, whatever the
 * image's precision and profile; babl converts.  Rectangles are canvas pixels. */
#pragma once

#include "edit.h"

#include <libgimp/gimp.h>

/* What the model may see. */
typedef enum
{
  CANVAS_VISIBLE, /* everything visible, as shown */
  CANVAS_LAYERS,  /* the chosen layers alone, blended as they would be */
  CANVAS_LAYER    /* the first chosen layer's own pixels */
} CanvasSource;

/* ---- reading ------------------------------------------------------------- */

/**
 * canvas_check:
 * @image: an image, or %NULL
 *
 * Returns: %TRUE if results can be put into @image; else a sentence in @error: indexed
 * colours, a floating selection.
 */
gboolean   canvas_check           (GimpImage     *image,
                                   GError       **error);

/**
 * canvas_selection_bounds:
 * @bounds: (out): where the selection is more than nothing
 *
 * Returns: %FALSE if nothing is selected.
 */
gboolean   canvas_selection_bounds (GimpImage    *image,
                                    EditRect     *bounds);

/**
 * canvas_selection_islands:
 * @bounds: of the selection
 * @islands: (out) (array length=EDIT_MAX_ISLANDS): bounds of its parts
 *
 * Reads the selection in bands: memory does not follow its size.
 *
 * Returns: how many parts; 0 when there is no memory to find them.
 */
gint       canvas_selection_islands (GimpImage      *image,
                                     const EditRect *bounds,
                                     EditRect       *islands);

/**
 * canvas_read_selection:
 * @rect: may reach beyond the canvas: nothing is selected there
 *
 * Returns: (transfer full): [height, width] 0 … 1, as drawn, soft values and all; %NULL
 * with a sentence: the image is gone.
 */
gfloat    *canvas_read_selection  (GimpImage       *image,
                                   const EditRect  *rect,
                                   GError         **error);

/**
 * canvas_read:
 * @chosen: (array zero-terminated=1): for %CANVAS_LAYERS and %CANVAS_LAYER
 * @hidden: a layer to leave out, or %NULL
 * @rect: may reach beyond the canvas: alpha is 0 there
 *
 * Memory and time follow @rect, not the canvas: for the visible picture a duplicate of
 * the image, which shares its tiles, gets the size of @rect before anything is blended
 * (12000 x 12000 with two layers, 300 x 300 of it: 0.16 s and 110 MB; blending it all:
 * 2.9 s and 1.1 GB).
 *
 * Returns: (transfer full): [height, width, 4], or %NULL with a sentence.
 */
gfloat    *canvas_read            (GimpImage       *image,
                                   CanvasSource     source,
                                   GimpLayer      **chosen,
                                   GimpLayer       *hidden,
                                   const EditRect  *rect,
                                   GError         **error);

/* ---- writing ------------------------------------------------------------- */

/**
 * canvas_layer_new:
 * @rect: of the layer
 * @parts: (array length=count): what lies in it, in the coordinates of @rect; clear elsewhere
 * @masked: whether it gets a layer mask, of the parts'
 *
 * Makes a layer in the image's own precision that is not yet in the image: nothing the
 * user could see changes.
 *
 * Returns: (transfer none): the layer, to be inserted or deleted.
 */
GimpLayer *canvas_layer_new       (GimpImage      *image,
                                   const gchar    *name,
                                   const EditRect *rect,
                                   const EditPart *parts,
                                   gint            count,
                                   gboolean        masked);

/**
 * canvas_group_new:
 * @layers: (array length=count): layers of @image that are not in it; consumed
 *
 * Gathers candidates in one layer group with the first one visible.
 *
 * Returns: (transfer none): the group, not yet in the image.
 */
GimpLayer *canvas_group_new       (GimpImage      *image,
                                   const gchar    *name,
                                   GimpLayer     **layers,
                                   gint            count);

/* Canvas growth that goes with a layer. */
typedef struct
{
  gint width, height;   /* of the new canvas */
  gint left, top;       /* where the old origin lies in it */
} CanvasGrowth;

/**
 * canvas_insert:
 * @layer: a layer (or group) that is not in the image
 * @above: the new layer's neighbour below, or %NULL: on top
 * @growth: or %NULL: the canvas keeps its size
 * @parasite: something the image gets with it, or %NULL
 *
 * Puts a complete layer into the image as one undo step named after the running
 * procedure.  Selection and active channel stay as they were; with no active channel the
 * new layer becomes the active one: the layer, not its mask.
 */
gboolean   canvas_insert          (GimpImage          *image,
                                   GimpLayer          *layer,
                                   GimpItem           *above,
                                   const CanvasGrowth *growth,
                                   const GimpParasite *parasite,
                                   GError            **error);

/**
 * canvas_image_new:
 * @like: an image for precision and profile, or %NULL: 8 bits, sRGB
 *
 * Returns: (transfer none): an empty image without a display.
 */
GimpImage *canvas_image_new       (gint       width,
                                   gint       height,
                                   GimpImage *like);

/**
 * canvas_layer_rect:
 * @rect: (out): where a layer lies
 */
void       canvas_layer_rect      (GimpLayer *layer,
                                   EditRect  *rect);

/**
 * canvas_shown_bounds:
 * @bounds: (out): the part of the canvas that visible layers lie on; all of it if there
 * are none
 */
void       canvas_shown_bounds (GimpImage *image,
                                EditRect  *bounds);

/* ---- small pictures ------------------------------------------------------ */

/* GIMP keeps these itself: after the first one they take milliseconds at any size of canvas. */

/**
 * canvas_thumbnail:
 * @most: of the longer side, 1 … 1024
 *
 * Returns: (transfer full): all that is visible, 8-bit sRGB with alpha; %NULL: there is none.
 */
GdkPixbuf *canvas_thumbnail           (GimpImage *image,
                                       gint       most);

/**
 * canvas_selection_thumbnail:
 * @inverted: tint what is not selected
 *
 * Returns: (transfer full): a tint as strong as what is selected, or %NULL: nothing.
 */
GdkPixbuf *canvas_selection_thumbnail (GimpImage *image,
                                       gint       most,
                                       gboolean   inverted);

/**
 * canvas_fingerprint:
 *
 * Returns: a number that changes when the picture or its selection is seen to.
 */
guint      canvas_fingerprint         (GimpImage *image);

/**
 * canvas_has_empty_places:
 *
 * Returns: whether some of the visible picture is transparent.
 */
gboolean   canvas_has_empty_places    (GimpImage *image);
