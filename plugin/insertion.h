/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How results become layers of the image, as one undo step. */
#pragma once

#include "run.h"

/**
 * insertion_make:
 * @candidates: (array length=count): stay the caller's
 * @layer: (out): the new layer, or the group of several
 * @image: (out): the image it is in: another one, not yet on a display, if the place
 * where it belongs is gone
 */
gboolean insertion_make (Run        *run,
                         Candidate **candidates,
                         gint        count,
                         GimpLayer **layer,
                         GimpImage **image,
                         GError    **error);
