/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_where.h"

#include "dialog_pictures.h"

#include "region_view.h"
#include "scene.h"

#include "intl.h"

struct _DialogWhere
{
  Run       *run;
  GtkWidget *view, *caption;
  guint      seen;       /* fingerprint of what is drawn */
};

static DialogWhere *
where_of (GtkWidget *where)
{
  return g_object_get_data (G_OBJECT (where), "dialog-where");
}

GtkWidget *
dialog_where_new (Run *run)
{
  DialogWhere *self = g_new0 (DialogWhere, 1);
  GtkWidget   *box  = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  self->run     = run;
  self->view    = region_view_new ();
  self->caption = gtk_label_new (NULL);
  gtk_label_set_ellipsize (GTK_LABEL (self->caption), PANGO_ELLIPSIZE_END);
  gtk_style_context_add_class (gtk_widget_get_style_context (self->caption), "dim-label");
  gtk_box_pack_start (GTK_BOX (box), self->view, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (box), self->caption, FALSE, FALSE, 0);
  g_object_set_data_full (G_OBJECT (box), "dialog-where", self, g_free);
  return box;
}

static gchar *
caption_text (DialogWhere *self)
{
  const EditPlan *plan = &self->run->plan;

  switch (self->run->mode)
    {
    case EDIT_TEXT_TO_IMAGE:
      return g_strdup_printf (_("%d × %d pixels"), plan->canvas.width, plan->canvas.height);
    case EDIT_OUTPAINT:
      return g_strdup_printf (_("New canvas: %d × %d pixels"), plan->canvas.width,
                              plan->canvas.height);
    case EDIT_INPAINT:
    case EDIT_IMAGE_TO_IMAGE:
    case EDIT_INSTRUCT:
    case EDIT_SEAMS:
      break;
    }
  if (plan->crop_count > 1)
    /* Translators: parts of the selection; the size at which the largest is worked on. */
    return g_strdup_printf (ngettext ("The model sees %d part, at %d × %d",
                                      "The model sees %d parts, the largest at %d × %d",
                                      plan->crop_count),
                            plan->crop_count, plan->work_width, plan->work_height);
  return g_strdup_printf (_("The model sees %d × %d pixels, at %d × %d"),
                          plan->region.width, plan->region.height, plan->work_width,
                          plan->work_height);
}

static void
draw_image (DialogWhere *self,
            gboolean     planned)
{
  GimpImage      *image    = self->run->image;
  const EditPlan *plan     = &self->run->plan;
  EditMode        mode     = self->run->mode;
  gboolean        inverted = planned && mode == EDIT_INPAINT &&
                             self->run->settings.intent == EDIT_BACKGROUND;
  GdkRectangle    place    = { 0, 0, gimp_image_get_width (image),
                               gimp_image_get_height (image) };
  GdkPixbuf      *pixels;

  if (! planned)
    region_view_set_canvas (self->view, place.width, place.height);
  else if (! self->run->extended)
    {
      place.x = plan->shift_x;
      place.y = plan->shift_y;
    }
  pixels = dialog_picture_of_image (image);
  region_view_set_picture (self->view, pixels, &place);
  g_clear_object (&pixels);
  if (mode != EDIT_OUTPAINT)
    pixels = dialog_picture_of_selection (image, inverted);
  region_view_set_mask (self->view, pixels, &place);
  region_view_set_extended (self->view, planned && mode == EDIT_OUTPAINT);
  g_clear_object (&pixels);
}

void
dialog_where_update (GtkWidget *where,
                     gboolean   planned)
{
  DialogWhere    *self    = where_of (where);
  const EditPlan *plan    = &self->run->plan;
  EditMode        mode    = self->run->mode;
  GdkRectangle    contexts[REGION_VIEW_MOST];
  gint            count   = MIN (plan->crop_count, REGION_VIEW_MOST);
  gboolean        framed  = planned && (mode == EDIT_INPAINT || mode == EDIT_OUTPAINT ||
                                        self->run->settings.has_selection);
  gchar          *text    = planned ? caption_text (self) : g_strdup ("");

  gtk_label_set_text (GTK_LABEL (self->caption), text);
  atk_object_set_description (gtk_widget_get_accessible (self->view), text);
  g_free (text);
  if (planned)
    region_view_set_canvas (self->view, plan->canvas.width, plan->canvas.height);
  if (self->run->image && mode != EDIT_TEXT_TO_IMAGE)
    draw_image (self, planned);
  for (gint i = 0; i < count; i++)
    contexts[i] = (GdkRectangle) { plan->crops[i].region.x, plan->crops[i].region.y,
                                   plan->crops[i].region.width, plan->crops[i].region.height };
  region_view_set_contexts (self->view, contexts,
                            framed && mode != EDIT_TEXT_TO_IMAGE ? count : 0);
}

gboolean
dialog_where_changed (GtkWidget *where)
{
  DialogWhere *self = where_of (where);
  guint        now;

  if (self->run->mode == EDIT_TEXT_TO_IMAGE || ! scene_has_image (self->run->image))
    return FALSE;
  now = canvas_fingerprint (self->run->image);
  if (now == self->seen)
    return FALSE;
  self->seen = now;
  return TRUE;
}

void
dialog_where_preview (GtkWidget         *where,
                      const JobProgress *now)
{
  DialogWhere *self   = where_of (where);
  GdkRectangle place  = { now->preview_rect.x, now->preview_rect.y, now->preview_rect.width,
                          now->preview_rect.height };
  GBytes      *bytes;
  GdkPixbuf   *pixels;

  if (! now->preview)
    return;
  bytes  = g_bytes_new (now->preview,
                        (gsize) now->preview_width * (gsize) now->preview_height * 3);
  pixels = gdk_pixbuf_new_from_bytes (bytes, GDK_COLORSPACE_RGB, FALSE, 8, now->preview_width,
                                      now->preview_height, now->preview_width * 3);
  region_view_set_overlay (self->view, pixels, &place);
  g_object_unref (pixels);
  g_bytes_unref (bytes);
}

void
dialog_where_result (GtkWidget       *where,
                     const Candidate *candidate)
{
  DialogWhere *self = where_of (where);
  GdkRectangle place;
  GdkPixbuf   *pixels;

  if (! candidate)
    {
      region_view_set_overlay (self->view, NULL, NULL);
      return;
    }
  place = (GdkRectangle) { candidate->edit.rect.x, candidate->edit.rect.y,
                           candidate->edit.rect.width, candidate->edit.rect.height };
  pixels = dialog_picture_of_result (candidate);
  region_view_set_canvas (self->view, candidate->plan.canvas.width,
                          candidate->plan.canvas.height);
  region_view_set_overlay (self->view, pixels, &place);
  g_object_unref (pixels);
}
