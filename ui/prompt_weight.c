/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "prompt_weight.h"

#include <math.h>
#include <string.h>

/* An opened bracket. */
typedef struct
{
  gsize start;
  gchar kind;
} Open;

/* "…:1.25" before the closing bracket: the number, or 0 when there is none. */
static gdouble
explicit_weight (const gchar *text,
                 gsize        start,
                 gsize        end,
                 gsize       *colon)
{
  gsize   at = end;
  gchar  *stop;
  gdouble weight;

  while (at > start && (g_ascii_isdigit (text[at - 1]) || text[at - 1] == '.' ||
                        text[at - 1] == ' '))
    at--;
  if (at <= start || at == end || text[at - 1] != ':')
    return 0;
  weight = g_ascii_strtod (text + at, &stop);
  *colon = at - 1;
  return stop > text + at && weight > 0 && weight <= 100 ? weight : 0;
}

static void
close_bracket (const gchar *text,
               GArray      *weights,
               GArray      *opened,
               gsize        at)
{
  Open         open    = g_array_index (opened, Open, opened->len - 1);
  gsize        colon;
  gdouble      written = open.kind == '('
                         ? explicit_weight (text, open.start + 1, at, &colon) : 0;
  PromptWeight passage = { open.start, at + 1,
                           written > 0 ? written : open.kind == '(' ? 1.1 : 1 / 1.1 };

  g_array_set_size (opened, opened->len - 1);
  for (guint i = 0; i < weights->len; i++)
    {
      PromptWeight *inner = &g_array_index (weights, PromptWeight, i);

      if (inner->start > passage.start && inner->end < passage.end)
        inner->weight *= passage.weight;
    }
  g_array_append_val (weights, passage);
}

static gint
outermost_first (gconstpointer a,
                 gconstpointer b)
{
  const PromptWeight *first = a, *second = b;

  return first->start < second->start ? -1 : first->start > second->start;
}

GArray *
prompt_weights (const gchar *text)
{
  GArray *weights = g_array_new (FALSE, FALSE, sizeof (PromptWeight));
  GArray *opened  = g_array_new (FALSE, FALSE, sizeof (Open));

  for (gsize at = 0; text[at]; at++)
    {
      if (text[at] == '\\' && text[at + 1])
        {
          at++;
        }
      else if (text[at] == '(' || text[at] == '[')
        {
          Open open = { at, text[at] };

          g_array_append_val (opened, open);
        }
      else if ((text[at] == ')' || text[at] == ']') && opened->len > 0 &&
               g_array_index (opened, Open, opened->len - 1).kind ==
               (text[at] == ')' ? '(' : '['))
        {
          close_bracket (text, weights, opened, at);
        }
    }
  g_array_free (opened, TRUE);
  g_array_sort (weights, outermost_first);
  return weights;
}

static gboolean
in_word (gchar c)
{
  return c && ! strchr (" \t\n,.;:()[]{}|", c);
}

gchar *
prompt_weight_change (const gchar *text,
                      gsize        at,
                      gdouble      change,
                      gsize       *start,
                      gsize       *end)
{
  GArray  *weights = prompt_weights (text);
  gsize    from = at, to = at, inner_from, inner_to;
  gdouble  weight = 1;
  gboolean found = FALSE;
  gchar    number[G_ASCII_DTOSTR_BUF_SIZE];
  gchar   *before, *inner, *result;

  /* The innermost passage in round brackets around the cursor. */
  for (guint i = 0; i < weights->len; i++)
    {
      PromptWeight *passage = &g_array_index (weights, PromptWeight, i);

      if (text[passage->start] == '(' && passage->start <= at && at <= passage->end)
        {
          from  = passage->start;
          to    = passage->end;
          found = TRUE;
        }
    }
  g_array_free (weights, TRUE);
  if (found)
    {
      gsize colon;

      inner_from = from + 1;
      inner_to   = to - 1;
      weight     = explicit_weight (text, inner_from, inner_to, &colon);
      if (weight > 0)
        inner_to = colon;
      else
        weight = 1.1;
    }
  else
    {
      while (from > 0 && in_word (text[from - 1]))
        from--;
      while (in_word (text[to]))
        to++;
      inner_from = from;
      inner_to   = to;
    }
  weight = CLAMP (round ((weight + change) * 100) / 100, 0, 10);
  before = g_strndup (text, from);
  inner  = g_strndup (text + inner_from, inner_to - inner_from);
  if (from == to)
    result = g_strdup (text);
  else if (fabs (weight - 1) < 0.005)
    result = g_strconcat (before, inner, text + to, NULL);
  else
    result = g_strconcat (before, "(", inner, ":",
                          g_ascii_formatd (number, sizeof number, weight < 1 ? "%.2g" : "%.3g", weight), ")",
                          text + to, NULL);
  *start = from;
  *end   = strlen (result) - strlen (text + to);
  g_free (before);
  g_free (inner);
  return result;
}
