/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The result's colours made those of the picture it goes into.
 *
 * A trip through the VAE shifts colours a little, and a hard look at a flat sky shows it.  What is
 * known on both sides (it was in the picture, and came out of the model) tells the shift. */
#pragma once

#include "../compute/threads.h"

enum { MATCH_MIN_KNOWN = 1024 }; /* pixels; fewer say little about colours */

/* Mean and deviation of each Lab channel of picture over known pixels are made those of reference,
 * and all of the picture follows: (x - mean) * ratio + mean', ratio .8 … 1.25.
 *   picture    [h, w, 3] sRGB, changed
 *   reference  [h, w, 3]
 *   known      [h, w], counts where > 0
 * Leaves the picture alone when fewer than MATCH_MIN_KNOWN pixels are known or nothing differs.
 * False: no memory.  Lab: CIE 1976, D65.  Reinhard et al., IEEE CG&A 21 (2001) 34. */
bool match_colours(Threads *threads, float *picture, const float *reference, const float *known,
                   int w, int h);

/* What still differs over known pixels, low-passed and continued smoothly over the rest, is taken
 * off the picture.  The low pass has a deviation of 16 pixels at a native size of 512 and goes with
 * it, so that no detail is touched.  known [h, w] are weights 0 … 1.  False: no memory. With 16
 * pixels at 256 too, the border showed more than uncorrected on 3 of 20 pictures of the demo
 * checkpoint, with 8 on 1. */
bool match_ring(Threads *threads, float *picture, const float *reference, const float *known, int w,
                int h, int native);

/* What a picture changed as a whole keeps of the colours it came from: of their low frequencies, as
 * match_ring()'s, as much as its strength keeps.  All at .3 and less, where a trip through the model
 * is no more than that; nothing from .7 on, where places and colours are new. */
float match_kept(float strength);
bool  match_low(Threads *threads, float *picture, const float *reference, const float *known, int w,
                int h, int native, float share);

/* The same along an edge that is laid over the picture: near [h, w] tells how much of the difference
 * is taken off where, 1 on the edge and less away from it, so that what crosses it meets what is
 * there and the middle keeps its own colours. */
bool match_edge(Threads *threads, float *picture, const float *reference, const float *known,
                const float *near, int w, int h, int native);

/* How visible is the border of a mask in a composed picture?  Along the line where the mask crosses
 * one half, the mean step of the colours across it over the mean step along it.  Steps are 1, 2, 4
 * and 8 pixels wide, and the width at which the border shows most counts: a hard edge or a change
 * of tint. 1: nothing to see; 0: there is no border.  rgba [h, w, 4] as composed, mask [h, w]. */
float match_seam_score(const float *rgba, const float *mask, int w, int h);
