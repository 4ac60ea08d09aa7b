/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Colours that can be read, whatever the theme. */
#pragma once

#include <gdk/gdk.h>

#define CONTRAST_READABLE 4.5

/* As WCAG 2.1 has it: 1 … 21. */
gdouble  contrast_of      (const GdkRGBA *a,
                           const GdkRGBA *b);

gboolean contrast_is_dark (const GdkRGBA *background);

/* `share' of one colour, 0 … 1, and the rest of the other. */
GdkRGBA  contrast_mix     (const GdkRGBA *one,
                           const GdkRGBA *other,
                           gdouble        share);

/* A colour with as much of the text's own mixed in as it takes to be read on the background. */
GdkRGBA  contrast_reach   (const GdkRGBA *colour,
                           const GdkRGBA *text,
                           const GdkRGBA *background);
