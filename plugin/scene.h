/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run was started on.  GIMP stays usable meanwhile, so that an image, a layer or a
 * mask may be gone at any time: here is told whether it still is where it was.  libgimp's
 * objects of things that are gone stay, and reading one is a crash. */
#pragma once

#include <libgimp/gimp.h>

/* FALSE for NULL too. */
gboolean    scene_has_image (GimpImage         *image);
/* There was one, and it is gone. */
gboolean    scene_lost_image (GimpImage        *image);
/* Whether a layer, mask or channel is in that image; FALSE for NULL too. */
gboolean    scene_has_item  (GimpImage         *image,
                             gpointer           item);
/* Those of a NULL-terminated list that are there, in its order; g_free (). */
GimpLayer **scene_layers    (GimpImage         *image,
                             GimpLayer *const  *layers);
/* Of some layers and groups (element-type GimpItem) the highest in the stack; NULL: none of
 * them is there. */
GimpItem   *scene_topmost   (GimpImage         *image,
                             GPtrArray         *items);
