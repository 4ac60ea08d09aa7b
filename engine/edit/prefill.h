/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands in the unknown area before the picture is encoded.
 *
 *   Fill              known pixels blurred over it, radius 65 at native size 512
 *   Add, Background   flat grey
 *   Remove, Expand    the smoothest continuation of what surrounds it
 *   Refine            nothing: the pixels that are there
 *
 * The first two begin 9 pixels inside the hole and run into the continuation towards its edge, so
 * no stale pixel shows and no edge is drawn.  The continuation is a push-pull pyramid (Gortler et
 * al., The Lumigraph, SIGGRAPH 1996, section 3.2) with two steps of diffusion on each level:
 * O(pixels), where repeated box blurs with falling radius, which it stands for, need 80 passes. */
#pragma once

#include "../compute/threads.h"
#include "../edit.h"

/* rgb [h, w, 3] becomes weight * rgb + (1 - weight) * what surrounds; all grey where nothing is
 * known. weight [h, w] 0 … 1.  False: no memory. */
bool prefill_continue(Threads *threads, float *rgb, const float *weight, int w, int h);

/* hole [h, w]: where > 0 the intent's filling goes; native: the model's size in pixels.
 * False: no memory. */
bool prefill_hole(Threads *threads, float *rgb, const float *hole, int w, int h, EditIntent intent,
                  int native);
