/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "contrast.h"

#include <math.h>

#define DARK 0.18 /* luminance of the grey that looks half as light as white */

static gdouble
linear (gdouble part)
{
  return part <= 0.04045 ? part / 12.92 : pow ((part + 0.055) / 1.055, 2.4);
}

static gdouble
luminance (const GdkRGBA *colour)
{
  return 0.2126 * linear (colour->red) + 0.7152 * linear (colour->green) +
         0.0722 * linear (colour->blue);
}

gdouble
contrast_of (const GdkRGBA *a,
             const GdkRGBA *b)
{
  gdouble first = luminance (a) + 0.05, second = luminance (b) + 0.05;

  return MAX (first, second) / MIN (first, second);
}

gboolean
contrast_is_dark (const GdkRGBA *background)
{
  return luminance (background) < DARK;
}

GdkRGBA
contrast_mix (const GdkRGBA *one,
              const GdkRGBA *other,
              gdouble        share)
{
  GdkRGBA mixed = { share * one->red + (1 - share) * other->red,
                    share * one->green + (1 - share) * other->green,
                    share * one->blue + (1 - share) * other->blue, 1 };

  return mixed;
}

GdkRGBA
contrast_reach (const GdkRGBA *colour,
                const GdkRGBA *text,
                const GdkRGBA *background)
{
  GdkRGBA mixed = *colour;

  for (gint tenth = 1; tenth <= 10 && contrast_of (&mixed, background) < CONTRAST_READABLE; tenth++)
    mixed = contrast_mix (text, colour, tenth / 10.0);
  return mixed;
}
