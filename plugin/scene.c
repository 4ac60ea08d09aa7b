/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scene.h"

gboolean
scene_has_image (GimpImage *image)
{
  return image && gimp_image_is_valid (image);
}

gboolean
scene_lost_image (GimpImage *image)
{
  return image && ! gimp_image_is_valid (image);
}

gboolean
scene_has_item (GimpImage *image,
                gpointer   item)
{
  return item && scene_has_image (image) && gimp_item_is_valid (item) &&
         gimp_item_get_image (item) == image;
}

GimpLayer **
scene_layers (GimpImage        *image,
              GimpLayer *const *layers)
{
  GPtrArray *there = g_ptr_array_new ();

  for (gint i = 0; layers && layers[i]; i++)
    if (scene_has_item (image, layers[i]))
      g_ptr_array_add (there, layers[i]);
  g_ptr_array_add (there, NULL);

  return (GimpLayer **) g_ptr_array_free (there, FALSE);
}

/* From the top; a group before what is in it. */
static GimpItem *
first_of (GimpItem  **stack,
          GPtrArray  *items)
{
  GimpItem *found = NULL;

  for (gint i = 0; stack && stack[i] && ! found; i++)
    {
      if (g_ptr_array_find (items, stack[i], NULL))
        {
          found = stack[i];
        }
      else if (gimp_item_is_group (stack[i]))
        {
          GimpItem **children = gimp_item_get_children (stack[i]);

          found = first_of (children, items);
          g_free (children);
        }
    }

  return found;
}

GimpItem *
scene_topmost (GimpImage *image,
               GPtrArray *items)
{
  GimpLayer **layers;
  GimpItem   *topmost;

  if (! scene_has_image (image))
    return NULL;

  layers  = gimp_image_get_layers (image);
  topmost = first_of ((GimpItem **) layers, items);
  g_free (layers);

  return topmost;
}
