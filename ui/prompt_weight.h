/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The weights in a prompt, as text: (word:1.2), (word), [word].  No widgets.
 *
 * As the engine reads them (base/prompt_scan.h): behind a backslash a bracket is text, and comments do
 * not count.  [from:to:when] and [a|b] weigh nothing. */
#pragma once

#include <glib.h>

/* A weighted passage in bytes of the text, its brackets included. */
typedef struct
{
  gsize   start, end;
  gsize   inner_end;  /* of what is weighted; it begins behind the bracket */
  gdouble own;        /* what its brackets say */
  gdouble weight;     /* of this passage with all that surrounds it */
} PromptWeight;

/* All weighted passages, outermost first.  GArray of PromptWeight.  A bracket that is not closed yet has
 * none, though it weighs: its passage has no end to write a weight to. */
GArray *prompt_weights       (const gchar *text);

/* Text with a weight changed by `change' (0.1: stronger), within 0 … 10.
 * Where *start and *end differ it is that of the text between them, else that of the weighted
 * passage or word that holds *start or ends there.  Both are set to where the same text is now.
 * NULL: there is nothing that could have a weight. */
gchar  *prompt_weight_change (const gchar *text,
                              gdouble      change,
                              gsize       *start,
                              gsize       *end);
