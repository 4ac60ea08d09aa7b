/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "region_view.h"

#include "ui_intl.h"

typedef struct
{
  GdkPixbuf    *pixels;
  GdkRectangle  place;
} Piece;

typedef struct
{
  gint          width, height;
  Piece         picture, mask, overlay;
  GdkRectangle  contexts[REGION_VIEW_MOST];
  gint          context_count;
  gboolean      extended;
} RegionView;

static void
region_view_free (RegionView *self)
{
  g_clear_object (&self->picture.pixels);
  g_clear_object (&self->mask.pixels);
  g_clear_object (&self->overlay.pixels);
  g_free (self);
}

static RegionView *
view_of (GtkWidget *view)
{
  return g_object_get_data (G_OBJECT (view), "region-view");
}

/* A chequered ground, as GIMP shows what is transparent. */
static void
draw_ground (cairo_t *cr,
             gdouble  x,
             gdouble  y,
             gdouble  width,
             gdouble  height)
{
  const gdouble check = 8;

  cairo_save (cr);
  cairo_rectangle (cr, x, y, width, height);
  cairo_clip (cr);
  cairo_set_source_rgb (cr, 0.6, 0.6, 0.6);
  cairo_paint (cr);
  cairo_set_source_rgb (cr, 0.4, 0.4, 0.4);
  for (gint row = 0; row * check < height; row++)
    for (gint column = row % 2; column * check < width; column += 2)
      cairo_rectangle (cr, x + column * check, y + row * check, check, check);
  cairo_fill (cr);
  cairo_restore (cr);
}

static void
draw_piece (cairo_t     *cr,
            const Piece *piece)
{
  if (! piece->pixels)
    return;
  cairo_save (cr);
  cairo_translate (cr, piece->place.x, piece->place.y);
  cairo_scale (cr,
               (gdouble) piece->place.width / gdk_pixbuf_get_width (piece->pixels),
               (gdouble) piece->place.height / gdk_pixbuf_get_height (piece->pixels));
  gdk_cairo_set_source_pixbuf (cr, piece->pixels, 0, 0);
  cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD);
  cairo_rectangle (cr, 0, 0, gdk_pixbuf_get_width (piece->pixels),
                   gdk_pixbuf_get_height (piece->pixels));
  cairo_fill (cr);
  cairo_restore (cr);
}

/* What lies beside the picture, as a ring of two rectangles. */
static void
draw_extension (cairo_t          *cr,
                const RegionView *self)
{
  GdkRectangle inner = self->picture.place;

  cairo_save (cr);
  cairo_set_fill_rule (cr, CAIRO_FILL_RULE_EVEN_ODD);
  cairo_rectangle (cr, 0, 0, self->width, self->height);
  cairo_rectangle (cr, inner.x, inner.y, inner.width, inner.height);
  cairo_set_source_rgba (cr, 230 / 255.0, 60 / 255.0, 40 / 255.0, 0.5);
  cairo_fill (cr);
  cairo_restore (cr);
}

/* A light and a dark line, seen on any ground. */
static void
draw_frame (cairo_t            *cr,
            const GdkRectangle *frame,
            gdouble             scale)
{
  const gdouble dash = 6 / scale;

  cairo_rectangle (cr, frame->x, frame->y, frame->width, frame->height);
  cairo_set_line_width (cr, 2 / scale);
  cairo_set_source_rgb (cr, 0, 0, 0);
  cairo_stroke_preserve (cr);
  cairo_set_dash (cr, &dash, 1, 0);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_stroke (cr);
  cairo_set_dash (cr, NULL, 0, 0);
}

static gboolean
draw_cb (GtkWidget  *view,
         cairo_t    *cr,
         RegionView *self)
{
  gdouble width  = gtk_widget_get_allocated_width (view);
  gdouble height = gtk_widget_get_allocated_height (view);
  gdouble scale, x, y;

  if (self->width < 1 || self->height < 1)
    return FALSE;
  scale = MIN (width / self->width, height / self->height);
  x     = (width - scale * self->width) / 2;
  y     = (height - scale * self->height) / 2;
  draw_ground (cr, x, y, scale * self->width, scale * self->height);
  cairo_translate (cr, x, y);
  cairo_scale (cr, scale, scale);
  cairo_rectangle (cr, 0, 0, self->width, self->height);
  cairo_clip (cr);
  draw_piece (cr, &self->picture);
  if (self->overlay.pixels)
    {
      draw_piece (cr, &self->overlay);
      return FALSE;
    }
  draw_piece (cr, &self->mask);
  if (self->extended && self->picture.pixels)
    draw_extension (cr, self);
  for (gint i = 0; i < self->context_count; i++)
    draw_frame (cr, &self->contexts[i], scale);
  return FALSE;
}

GtkWidget *
region_view_new (void)
{
  GtkWidget  *view = gtk_drawing_area_new ();
  RegionView *self = g_new0 (RegionView, 1);

  g_object_set_data_full (G_OBJECT (view), "region-view", self,
                          (GDestroyNotify) region_view_free);
  gtk_widget_set_size_request (view, 240, 160);
  gtk_widget_set_hexpand (view, TRUE);
  gtk_widget_set_vexpand (view, TRUE);
  atk_object_set_name (gtk_widget_get_accessible (view), _("Preview of the canvas"));
  atk_object_set_role (gtk_widget_get_accessible (view), ATK_ROLE_IMAGE);
  g_signal_connect (view, "draw", G_CALLBACK (draw_cb), self);
  return view;
}

void
region_view_set_canvas (GtkWidget *view,
                        gint       width,
                        gint       height)
{
  RegionView *self = view_of (view);

  self->width  = width;
  self->height = height;
  gtk_widget_queue_draw (view);
}

static void
set_piece (GtkWidget          *view,
           Piece              *piece,
           GdkPixbuf          *pixels,
           const GdkRectangle *place)
{
  g_set_object (&piece->pixels, pixels);
  if (pixels)
    piece->place = *place;
  gtk_widget_queue_draw (view);
}

void
region_view_set_picture (GtkWidget          *view,
                         GdkPixbuf          *picture,
                         const GdkRectangle *place)
{
  set_piece (view, &view_of (view)->picture, picture, place);
}

void
region_view_set_mask (GtkWidget          *view,
                      GdkPixbuf          *mask,
                      const GdkRectangle *place)
{
  set_piece (view, &view_of (view)->mask, mask, place);
}

void
region_view_set_overlay (GtkWidget          *view,
                         GdkPixbuf          *overlay,
                         const GdkRectangle *place)
{
  set_piece (view, &view_of (view)->overlay, overlay, place);
}

void
region_view_set_extended (GtkWidget *view,
                          gboolean   extended)
{
  view_of (view)->extended = extended;
  gtk_widget_queue_draw (view);
}

void
region_view_set_contexts (GtkWidget          *view,
                          const GdkRectangle *contexts,
                          gint                count)
{
  RegionView *self = view_of (view);

  self->context_count = MIN (count, REGION_VIEW_MOST);
  for (gint i = 0; i < self->context_count; i++)
    self->contexts[i] = contexts[i];
  gtk_widget_queue_draw (view);
}
