/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The weights in a prompt, as text: (word:1.2), (word), [word].  No widgets. */
#pragma once

#include <glib.h>

/* A weighted passage in bytes of the text, its brackets included. */
typedef struct
{
  gsize   start, end;
  gdouble weight;     /* of this passage with all that surrounds it */
} PromptWeight;

/* All passages whose weight is not 1, outermost first.  GArray of PromptWeight. */
GArray *prompt_weights       (const gchar *text);

/* Text with the weight of the word (or weighted passage) at byte `at' changed by
 * `change' (0.1: stronger), from 0 to 10; *start, *end are set to where it stands now. */
gchar  *prompt_weight_change (const gchar *text,
                              gsize        at,
                              gdouble      change,
                              gsize       *start,
                              gsize       *end);
