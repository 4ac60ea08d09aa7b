/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "canvas.h"

#include "scene.h"

#include <string.h>

#include "intl.h"

/* babl looks for the way between two formats once per pair, for half a second: two
 * formats are enough for everything. */
#define COLOUR_FORMAT "R'G'B'A float"
#define MASK_FORMAT   "Y float"

/* ---- reading ------------------------------------------------------------- */

static gfloat *
pixels_new (const EditRect *rect,
            gint            channels)
{
  return g_malloc0_n ((gsize) rect->width * rect->height * channels, sizeof (gfloat));
}

/* The part of a drawable that lies in rect, both in canvas coordinates; the rest of out
 * stays as it is.  FALSE: GIMP has no such drawable any more. */
static gboolean
read_drawable (GimpDrawable   *drawable,
               gint            offset_x,
               gint            offset_y,
               const EditRect *rect,
               const gchar    *format,
               gint            channels,
               gfloat         *out)
{
  GeglBuffer    *buffer = drawable ? gimp_drawable_get_buffer (drawable) : NULL;
  GeglRectangle  wanted = { rect->x - offset_x, rect->y - offset_y,
                            rect->width, rect->height };
  GeglRectangle  part;

  if (! buffer)
    return FALSE;

  if (gegl_rectangle_intersect (&part, &wanted, gegl_buffer_get_extent (buffer)))
    {
      gsize row = (gsize) rect->width * channels;

      gegl_buffer_get (buffer, &part, 1.0, babl_format (format),
                       out + (part.y - wanted.y) * row +
                       (gsize) (part.x - wanted.x) * channels,
                       (gint) (row * sizeof (gfloat)), GEGL_ABYSS_NONE);
    }
  g_object_unref (buffer);

  return TRUE;
}

static void
set_read_error (GError **error)
{
  g_set_error (error, GIMP_PLUG_IN_ERROR, 0, _("The picture cannot be read: %s"),
               gimp_pdb_get_last_error (gimp_get_pdb ()));
}

gboolean
canvas_check (GimpImage  *image,
              GError    **error)
{
  if (image && gimp_image_get_base_type (image) == GIMP_INDEXED)
    {
      g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                   _("This image has indexed colors, which cannot hold the result: convert "
                     "it with Image > Mode > RGB first."));
      return FALSE;
    }
  if (image && gimp_image_get_floating_sel (image))
    {
      g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                   _("The image has a floating selection: anchor it or make it a layer "
                     "first."));
      return FALSE;
    }

  return TRUE;
}

gboolean
canvas_selection_bounds (GimpImage *image,
                         EditRect  *bounds)
{
  gboolean non_empty = FALSE;
  gint     x1, y1, x2, y2;

  if (! gimp_selection_bounds (image, &non_empty, &x1, &y1, &x2, &y2) || ! non_empty)
    return FALSE;

  bounds->x      = x1;
  bounds->y      = y1;
  bounds->width  = x2 - x1;
  bounds->height = y2 - y1;

  return TRUE;
}

gint
canvas_selection_islands (GimpImage      *image,
                          const EditRect *bounds,
                          EditRect       *islands)
{
  enum { BAND = 256 };
  EditIslands *finder = edit_islands_create (gimp_image_get_width (image),
                                             gimp_image_get_height (image));
  gint         count  = 0;
  gboolean     read   = finder != NULL;

  for (gint y = 0; read && y < bounds->height; y += BAND)
    {
      EditRect  band = { bounds->x, bounds->y + y, bounds->width,
                         MIN (BAND, bounds->height - y) };
      gfloat   *mask = canvas_read_selection (image, &band, NULL);

      read = mask != NULL;
      if (read)
        edit_islands_add (finder, band, mask);
      g_free (mask);
    }
  if (! read || ! edit_islands_find (finder, islands, &count))
    count = 0;
  edit_islands_destroy (finder);

  return count;
}

gfloat *
canvas_read_selection (GimpImage       *image,
                       const EditRect  *rect,
                       GError         **error)
{
  GimpSelection *selection = gimp_image_get_selection (image);
  gfloat        *mask      = pixels_new (rect, 1);

  if (! read_drawable ((GimpDrawable *) selection, 0, 0, rect, MASK_FORMAT, 1, mask))
    {
      set_read_error (error);
      g_clear_pointer (&mask, g_free);
    }

  return mask;
}

/* ---- a duplicate with some layers hidden --------------------------------- */

static gboolean
is_chosen (GimpItem   *item,
           GimpLayer **chosen)
{
  for (gint i = 0; chosen && chosen[i]; i++)
    if (GIMP_ITEM (chosen[i]) == item)
      return TRUE;

  return FALSE;
}

/* Walks a stack and its duplicate, which have the same order.  With `chosen', the copy
 * shows these layers (and what is in them) and nothing else. */
static gboolean
show_only (GimpItem  **originals,
           GimpItem  **copies,
           GimpLayer **chosen,
           GimpLayer  *hidden,
           gboolean    inside)
{
  gboolean any = FALSE;

  for (gint i = 0; originals && originals[i] && copies[i]; i++)
    {
      gboolean here  = inside || is_chosen (originals[i], chosen);
      gboolean below = FALSE;

      if (gimp_item_is_group (originals[i]))
        {
          GimpItem **children        = gimp_item_get_children (originals[i]);
          GimpItem **copied_children = gimp_item_get_children (copies[i]);

          below = show_only (children, copied_children, chosen, hidden, here);
          g_free (children);
          g_free (copied_children);
        }
      if (chosen)
        {
          if (! here && ! below)
            gimp_item_set_visible (copies[i], FALSE);
          else if (! inside)
            gimp_item_set_visible (copies[i], TRUE);
        }
      if (hidden && GIMP_ITEM (hidden) == originals[i])
        gimp_item_set_visible (copies[i], FALSE);
      any |= here || below;
    }

  return any;
}

static gboolean
read_projection (GimpImage       *image,
                 GimpLayer      **chosen,
                 GimpLayer       *hidden,
                 const EditRect  *rect,
                 gfloat          *out,
                 GError         **error)
{
  GimpImage *copy = gimp_image_duplicate (image);
  GimpLayer *blended;
  gboolean   read = FALSE;

  if (copy)
    {
      gimp_image_undo_disable (copy);
      if (chosen || hidden)
        {
          GimpLayer **originals = gimp_image_get_layers (image);
          GimpLayer **copies    = gimp_image_get_layers (copy);

          show_only ((GimpItem **) originals, (GimpItem **) copies, chosen, hidden,
                     FALSE);
          g_free (originals);
          g_free (copies);
        }
      gimp_image_resize (copy, rect->width, rect->height, -rect->x, -rect->y);
      blended = gimp_layer_new_from_visible (copy, copy, "visible");
      if (blended)
        {
          EditRect all = { 0, 0, rect->width, rect->height };

          read = read_drawable (GIMP_DRAWABLE (blended), 0, 0, &all, COLOUR_FORMAT, 4, out);
          gimp_item_delete (GIMP_ITEM (blended));
        }
      gimp_image_delete (copy);
    }
  if (! read)
    set_read_error (error);

  return read;
}

/* What lies beyond the canvas is not known to the model, though a layer may reach there. */
static void
clear_beyond (GimpImage      *image,
              const EditRect *rect,
              gfloat         *rgba)
{
  gint width  = gimp_image_get_width (image);
  gint height = gimp_image_get_height (image);

  for (gint y = 0; y < rect->height; y++)
    for (gint x = 0; x < rect->width; x++)
      if (rect->x + x < 0 || rect->x + x >= width ||
          rect->y + y < 0 || rect->y + y >= height)
        memset (rgba + ((gsize) y * rect->width + x) * 4, 0, 4 * sizeof (gfloat));
}

gfloat *
canvas_read (GimpImage       *image,
             CanvasSource     source,
             GimpLayer      **chosen,
             GimpLayer       *hidden,
             const EditRect  *rect,
             GError         **error)
{
  gfloat *rgba = pixels_new (rect, 4);

  if (source != CANVAS_VISIBLE && ! (chosen && chosen[0]))
    {
      g_set_error (error, GIMP_PLUG_IN_ERROR, 0,
                   _("No layer is chosen: choose what the model may see in the Layers "
                     "dialog."));
      g_clear_pointer (&rgba, g_free);
    }
  else if (source == CANVAS_LAYER)
    {
      EditRect there;

      canvas_layer_rect (chosen[0], &there);
      if (! read_drawable (GIMP_DRAWABLE (chosen[0]), there.x, there.y, rect,
                           COLOUR_FORMAT, 4, rgba))
        {
          set_read_error (error);
          g_clear_pointer (&rgba, g_free);
        }
    }
  else if (! read_projection (image, source == CANVAS_LAYERS ? chosen : NULL, hidden,
                              rect, rgba, error))
    {
      g_clear_pointer (&rgba, g_free);
    }
  if (rgba)
    clear_beyond (image, rect, rgba);

  return rgba;
}

void
canvas_layer_rect (GimpLayer *layer,
                   EditRect  *rect)
{
  gimp_drawable_get_offsets (GIMP_DRAWABLE (layer), &rect->x, &rect->y);
  rect->width  = gimp_drawable_get_width (GIMP_DRAWABLE (layer));
  rect->height = gimp_drawable_get_height (GIMP_DRAWABLE (layer));
}

/* ---- writing ------------------------------------------------------------- */

/* @rect: in the drawable. */
static void
write_part (GeglBuffer     *buffer,
            const EditRect *rect,
            const gchar    *format,
            const gfloat   *pixels)
{
  gegl_buffer_set (buffer, GEGL_RECTANGLE (rect->x, rect->y, rect->width, rect->height), 0,
                   babl_format (format), pixels, GEGL_AUTO_ROWSTRIDE);
}

/* All parts' pixels, or their masks. */
static void
write_parts (GimpDrawable   *drawable,
             const EditRect *rect,
             const EditPart *parts,
             gint            count,
             gboolean        masks)
{
  GeglBuffer *buffer = gimp_drawable_get_buffer (drawable);

  for (gint i = 0; i < count; i++)
    {
      EditRect part = parts[i].rect;

      part.x -= rect->x;
      part.y -= rect->y;
      if (part.width < 1 || part.height < 1)
        continue;
      write_part (buffer, &part, masks ? MASK_FORMAT : COLOUR_FORMAT,
                  masks ? parts[i].mask : parts[i].rgba);
    }
  /* This flushes the tiles to GIMP. */
  g_object_unref (buffer);
  gimp_drawable_update (drawable, 0, 0, rect->width, rect->height);
}

GimpLayer *
canvas_layer_new (GimpImage      *image,
                  const gchar    *name,
                  const EditRect *rect,
                  const EditPart *parts,
                  gint            count,
                  gboolean        masked)
{
  GimpImageType  type = gimp_image_get_base_type (image) == GIMP_GRAY
                        ? GIMP_GRAYA_IMAGE : GIMP_RGBA_IMAGE;
  GimpLayer     *layer;

  layer = gimp_layer_new (image, name, rect->width, rect->height, type, 100.0,
                          gimp_image_get_default_new_layer_mode (image));
  gimp_layer_set_offsets (layer, rect->x, rect->y);
  write_parts (GIMP_DRAWABLE (layer), rect, parts, count, FALSE);
  if (masked)
    {
      GimpLayerMask *layer_mask = gimp_layer_create_mask (layer, GIMP_ADD_MASK_BLACK);

      gimp_layer_add_mask (layer, layer_mask);
      /* The next brush stroke is for the picture. */
      gimp_layer_set_edit_mask (layer, FALSE);
      write_parts (GIMP_DRAWABLE (layer_mask), rect, parts, count, TRUE);
    }

  return layer;
}

GimpImage *
canvas_image_new (gint       width,
                  gint       height,
                  GimpImage *like)
{
  GimpImage        *image;
  GimpColorProfile *profile;

  if (! like)
    return gimp_image_new (width, height, GIMP_RGB);

  image   = gimp_image_new_with_precision (width, height,
                                           gimp_image_get_base_type (like),
                                           gimp_image_get_precision (like));
  profile = gimp_image_get_color_profile (like);
  if (profile)
    {
      gimp_image_set_color_profile (image, profile);
      g_object_unref (profile);
    }

  return image;
}

/* A group can be filled only inside an image, and step by step the user could see it
 * half full.  So it is filled in a scratch image and comes over whole. */
GimpLayer *
canvas_group_new (GimpImage    *image,
                  const gchar  *name,
                  GimpLayer   **layers,
                  gint          count)
{
  GimpImage *scratch = canvas_image_new (gimp_image_get_width (image),
                                         gimp_image_get_height (image), image);
  GimpLayer *group;
  GimpLayer *result;

  gimp_image_undo_disable (scratch);
  group = GIMP_LAYER (gimp_group_layer_new (scratch, name));
  gimp_image_insert_layer (scratch, group, NULL, 0);
  for (gint i = 0; i < count; i++)
    {
      GimpLayer *copy = gimp_layer_new_from_drawable (GIMP_DRAWABLE (layers[i]), scratch);
      gchar     *own  = gimp_item_get_name (GIMP_ITEM (layers[i]));

      gimp_image_insert_layer (scratch, copy, group, i);
      gimp_item_set_name (GIMP_ITEM (copy), own);
      gimp_item_set_visible (GIMP_ITEM (copy), i == 0);
      if (gimp_layer_get_mask (copy))
        gimp_layer_set_edit_mask (copy, FALSE);
      gimp_item_delete (GIMP_ITEM (layers[i]));
      g_free (own);
    }
  result = gimp_layer_new_from_drawable (GIMP_DRAWABLE (group), image);
  gimp_item_set_name (GIMP_ITEM (result), name);
  gimp_image_delete (scratch);

  return result;
}

/* Above `above', in its group; a group whose contents are locked takes no layer, so then
 * above that group. */
static void
find_place (GimpImage  *image,
            GimpItem   *above,
            GimpLayer **parent,
            gint       *position)
{
  GimpItem *place = above;

  *parent   = NULL;
  *position = 0;
  if (! scene_has_item (image, place))
    return;

  for (GimpItem *group = gimp_item_get_parent (place); group;
       group = gimp_item_get_parent (group))
    if (gimp_item_get_lock_content (group))
      place = group;

  *position = gimp_image_get_item_position (image, place);
  if (gimp_item_get_parent (place))
    *parent = GIMP_LAYER (gimp_item_get_parent (place));
}

gboolean
canvas_insert (GimpImage           *image,
               GimpLayer           *layer,
               GimpItem            *above,
               const CanvasGrowth  *growth,
               const GimpParasite  *parasite,
               GError             **error)
{
  GimpChannel **channels = gimp_image_get_selected_channels (image);
  GimpLayer    *parent;
  gint          position;
  gboolean      inserted;

  find_place (image, above, &parent, &position);

  if (growth)
    {
      EditRect rect;

      canvas_layer_rect (layer, &rect);
      gimp_layer_set_offsets (layer, rect.x - growth->left, rect.y - growth->top);
    }

  /* As few calls as possible: whoever ends this process between them leaves the image
   * between before and after.  The resize moves all layers, the new one as well. */
  gimp_image_undo_group_start (image);
  inserted = gimp_image_insert_layer (image, layer, parent, position);
  if (inserted && growth)
    gimp_image_resize (image, growth->width, growth->height, growth->left, growth->top);
  if (inserted && parasite)
    gimp_image_attach_parasite (image, parasite);
  gimp_image_undo_group_end (image);

  if (! inserted)
    g_set_error (error, GIMP_PLUG_IN_ERROR, 0, _("The layer cannot be inserted: %s"),
                 gimp_pdb_get_last_error (gimp_get_pdb ()));
  else if (channels && channels[0])
    gimp_image_set_selected_channels (image, (const GimpChannel **) channels);
  g_free (channels);
  gimp_displays_flush ();

  return inserted;
}

void
canvas_shown_bounds (GimpImage *image,
                     EditRect  *bounds)
{
  GimpLayer **layers = gimp_image_get_layers (image);
  EditRect    canvas = { 0, 0, gimp_image_get_width (image),
                         gimp_image_get_height (image) };
  gint        left = canvas.width, top = canvas.height, right = 0, bottom = 0;

  for (gsize i = 0; layers && layers[i]; i++)
    {
      EditRect rect;

      if (! gimp_item_get_visible (GIMP_ITEM (layers[i])))
        continue;
      canvas_layer_rect (layers[i], &rect);
      left   = MAX (0, MIN (left, rect.x));
      top    = MAX (0, MIN (top, rect.y));
      right  = MIN (canvas.width, MAX (right, rect.x + rect.width));
      bottom = MIN (canvas.height, MAX (bottom, rect.y + rect.height));
    }
  g_free (layers);
  *bounds = right > left && bottom > top
            ? (EditRect) { left, top, right - left, bottom - top } : canvas;
}

/* ---- small pictures ------------------------------------------------------ */

static void
thumbnail_size (GimpImage *image,
                gint       most,
                gint      *width,
                gint      *height)
{
  gint    full_width  = gimp_image_get_width (image);
  gint    full_height = gimp_image_get_height (image);
  gdouble scale       = MIN (1.0, (gdouble) most / MAX (full_width, full_height));

  *width  = MAX (1, (gint) (full_width * scale));
  *height = MAX (1, (gint) (full_height * scale));
}

/* GimpPrecision counts the type in hundreds and the curve in the rest. */
static const gchar *
component_type (GimpImage *image)
{
  static const gchar *const types[] = { "u8", "u8", "u16", "u32", "u32", "half", "float",
                                        "double" };

  return types[CLAMP (gimp_image_get_precision (image) / 100, 0, 7)];
}

/* How the numbers of the image's thumbnails are meant: in its own precision and profile. */
static const Babl *
thumbnail_format (GimpImage *image,
                  gboolean   alpha)
{
  static const gchar *const colour[3][2] = {
    { "RGB", "RGBA" }, { "R'G'B'", "R'G'B'A" }, { "R~G~B~", "R~G~B~A" } };
  static const gchar *const grey[3][2] = {
    { "Y", "YA" }, { "Y'", "Y'A" }, { "Y~", "Y~A" } };
  GimpPrecision     precision = gimp_image_get_precision (image);
  gint              curve     = precision % 100 == 0 ? 0 : precision % 100 == 50 ? 1 : 2;
  gboolean          is_grey   = gimp_image_get_base_type (image) == GIMP_GRAY;
  GimpColorProfile *profile   = gimp_image_get_effective_color_profile (image);
  const Babl       *space     = NULL;
  const Babl       *format;
  gchar            *name;

  if (profile)
    space = gimp_color_profile_get_space (profile,
                                          GIMP_COLOR_RENDERING_INTENT_RELATIVE_COLORIMETRIC,
                                          NULL);
  name   = g_strdup_printf ("%s %s", is_grey ? grey[curve][alpha] : colour[curve][alpha],
                            component_type (image));
  format = babl_format_with_space (name, space);
  g_free (name);
  g_clear_object (&profile);

  return format;
}

GdkPixbuf *
canvas_thumbnail (GimpImage *image,
                  gint       most)
{
  gint        width, height, bytes;
  const Babl *format;
  GBytes     *data;
  GdkPixbuf  *pixels = NULL;

  thumbnail_size (image, most, &width, &height);
  data = gimp_image_get_thumbnail_data (image, &width, &height, &bytes);
  if (! data)
    return NULL;

  format = thumbnail_format (image, bytes % 2 == 0);
  if (babl_format_get_bytes_per_pixel (format) == bytes &&
      g_bytes_get_size (data) == (gsize) width * (gsize) height * (gsize) bytes)
    {
      const Babl   *fish = babl_fish (format, babl_format ("R'G'B'A u8"));
      const guchar *in   = g_bytes_get_data (data, NULL);

      pixels = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, width, height);
      for (gint y = 0; y < height; y++)
        babl_process (fish, in + (gsize) y * (gsize) width * (gsize) bytes,
                      gdk_pixbuf_get_pixels (pixels) +
                      (gsize) y * (gsize) gdk_pixbuf_get_rowstride (pixels), width);
    }
  g_bytes_unref (data);

  return pixels;
}

/* Values 0 … 255, [height, width]; the caller frees. */
static guchar *
selection_values (GimpImage *image,
                  gint       most,
                  gint      *width,
                  gint      *height)
{
  GimpSelection *selection = gimp_image_get_selection (image);
  guchar        *values    = NULL;
  gchar         *name      = g_strdup_printf ("Y %s", component_type (image));
  const Babl    *format    = babl_format (name);
  gint           bytes;
  GBytes        *data;

  thumbnail_size (image, most, width, height);
  data = gimp_drawable_get_thumbnail_data (GIMP_DRAWABLE (selection), *width, *height, width,
                                           height, &bytes);
  if (data && babl_format_get_bytes_per_pixel (format) == bytes &&
      g_bytes_get_size (data) == (gsize) *width * (gsize) *height * (gsize) bytes)
    {
      values = g_malloc ((gsize) *width * (gsize) *height);
      babl_process (babl_fish (format, babl_format ("Y u8")), g_bytes_get_data (data, NULL),
                    values, (glong) *width * *height);
    }
  g_clear_pointer (&data, g_bytes_unref);
  g_free (name);

  return values;
}

GdkPixbuf *
canvas_selection_thumbnail (GimpImage *image,
                            gint       most,
                            gboolean   inverted)
{
  gint       width, height;
  guchar    *values = NULL;
  GdkPixbuf *pixels = NULL;

  if (! gimp_selection_is_empty (image))
    values = selection_values (image, most, &width, &height);
  if (values)
    {
      pixels = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, width, height);
      for (gint y = 0; y < height; y++)
        for (gint x = 0; x < width; x++)
          {
            guchar *pixel = gdk_pixbuf_get_pixels (pixels) +
                            y * gdk_pixbuf_get_rowstride (pixels) + 4 * x;
            guchar  value = values[(gsize) y * (gsize) width + (gsize) x];

            pixel[0] = 230;
            pixel[1] = 60;
            pixel[2] = 40;
            pixel[3] = (inverted ? 255 - value : value) / 2;
          }
    }
  g_free (values);

  return pixels;
}

guint
canvas_fingerprint (GimpImage *image)
{
  GimpSelection *selection = gimp_image_get_selection (image);
  guint          print     = 0;
  gint           width, height, bytes;

  thumbnail_size (image, 256, &width, &height);
  for (gint i = 0; i < 2; i++)
    {
      GBytes *data = i == 0
        ? gimp_image_get_thumbnail_data (image, &width, &height, &bytes)
        : gimp_drawable_get_thumbnail_data (GIMP_DRAWABLE (selection), width, height, &width,
                                            &height, &bytes);

      if (data)
        print = print * 31 + g_bytes_hash (data);
      g_clear_pointer (&data, g_bytes_unref);
    }

  return print;
}

gboolean
canvas_has_empty_places (GimpImage *image)
{
  GdkPixbuf *pixels = canvas_thumbnail (image, 256);
  gboolean   empty  = FALSE;

  for (gint y = 0; pixels && y < gdk_pixbuf_get_height (pixels) && ! empty; y++)
    for (gint x = 0; x < gdk_pixbuf_get_width (pixels) && ! empty; x++)
      empty = gdk_pixbuf_get_pixels (pixels)[y * gdk_pixbuf_get_rowstride (pixels) +
                                             4 * x + 3] < 128;
  g_clear_object (&pixels);

  return empty;
}
