/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "prompt_weight.h"

#include "base/prompt_scan.h"

#include <math.h>
#include <string.h>

GArray *
prompt_weights (const gchar *text)
{
  GArray    *weights = g_array_new (FALSE, FALSE, sizeof (PromptWeight));
  PromptScan scan    = { 0 };

  if (prompt_scan_written (&scan, text))
    for (gsize i = 0; i < scan.count; i++)
      {
        const PromptPiece *piece = &scan.pieces[i];
        const PromptPiece *close = &scan.pieces[piece->close];
        PromptWeight       passage = { piece->begin, close->end, close->begin, piece->own,
                                       scan.weights[i] };

        if (piece->close)
          g_array_append_val (weights, passage);
      }
  prompt_scan_clear (&scan);
  return weights;
}

/* ---- changing ------------------------------------------------------------- */

static gboolean
in_word (const gchar *text)
{
  if (*text == '\\')
    return text[1] && text[1] != '\n';
  return *text && ! strchr (" \t\r\n,.;:()[]{}|#", *text);
}

/* The word that holds `at' or ends there. */
static gboolean
find_word (const gchar *text,
           gsize        at,
           gsize       *start,
           gsize       *end)
{
  gboolean inside = FALSE;
  gsize    begin  = 0;

  for (gsize i = 0;; i += prompt_scan_step (text + i))
    {
      gboolean word = in_word (text + i);

      if (word && ! inside)
        begin = i;
      if (! word && inside && begin <= at && at <= i)
        {
          *start = begin;
          *end   = i;
          return TRUE;
        }
      inside = word;
      if (! text[i] || (i > at && ! inside))
        return FALSE;
    }
}

static gboolean
in_comment (const gchar *text,
            gsize        at)
{
  gsize step;

  for (gsize i = 0; i < at && text[i]; i += step)
    {
      step = prompt_scan_step (text + i);
      if (text[i] == '#' && at <= i + step)
        return TRUE;
    }
  return FALSE;
}

/* The passage or word at a cursor; the passage is NULL for a word. */
static gboolean
find_at_cursor (const gchar         *text,
                GArray              *weights,
                gsize                at,
                gsize               *start,
                gsize               *end,
                const PromptWeight **found)
{
  const PromptWeight *before = NULL; /* the passage begins right here */

  if (in_comment (text, at))
    return FALSE;
  for (guint i = 0; i < weights->len; i++)
    {
      const PromptWeight *passage = &g_array_index (weights, PromptWeight, i);

      if (text[passage->start] == '(' && passage->start < at && at <= passage->end)
        *found = passage;
      if (text[passage->start] == '(' && passage->start == at)
        before = passage;
    }
  if (*found || find_word (text, at, start, end))
    return TRUE;
  *found = before;
  return before != NULL;
}

/* Trims what is selected and widens it to whole passages; `found' is set where it is just one. */
static gboolean
find_selected (const gchar         *text,
               GArray              *weights,
               gsize               *start,
               gsize               *end,
               const PromptWeight **found)
{
  while (*start < *end && g_ascii_isspace (text[*start]))
    ++*start;
  while (*start < *end && g_ascii_isspace (text[*end - 1]))
    --*end;
  if (*start == *end || in_comment (text, *start) || in_comment (text, *end))
    return FALSE;
  for (guint i = 0; i < weights->len; i++)
    {
      const PromptWeight *passage = &g_array_index (weights, PromptWeight, i);
      gboolean            apart   = *end <= passage->start || passage->end <= *start;
      gboolean            within  = passage->start < *start && *end <= passage->inner_end;

      if (! apart && ! within)
        {
          *start = MIN (*start, passage->start);
          *end   = MAX (*end, passage->end);
        }
    }
  for (guint i = 0; i < weights->len; i++)
    {
      const PromptWeight *passage = &g_array_index (weights, PromptWeight, i);

      if (text[passage->start] == '(' &&
          ((passage->start == *start && passage->end == *end) ||
           (passage->start + 1 == *start && passage->inner_end == *end)))
        *found = passage;
    }
  return TRUE;
}

gchar *
prompt_weight_change (const gchar *text,
                      gdouble      change,
                      gsize       *start,
                      gsize       *end)
{
  GArray             *weights = prompt_weights (text);
  const PromptWeight *passage = NULL;
  gboolean            cursor  = *start == *end, bracketed;
  gsize               at      = *start, from = at, to = *end, inner, length;
  gdouble             weight  = 1;
  gchar               number[G_ASCII_DTOSTR_BUF_SIZE] = "";
  GString            *result;

  if (! (cursor ? find_at_cursor (text, weights, at, &from, &to, &passage)
                : find_selected (text, weights, &from, &to, &passage)))
    {
      g_array_free (weights, TRUE);
      return NULL;
    }
  inner  = passage ? passage->start + 1 : from;
  length = (passage ? passage->inner_end : to) - inner;
  if (passage)
    {
      from   = passage->start;
      to     = passage->end;
      weight = passage->own;
    }
  weight    = CLAMP (round ((weight + change) * 100) / 100, MIN (weight, 0), MAX (weight, 10));
  bracketed = fabs (weight - 1) > 0.005;
  if (bracketed)
    g_ascii_formatd (number, sizeof number, "%.4g", weight);

  result = g_string_new_len (text, (gssize) from);
  g_string_append (result, bracketed ? "(" : "");
  *start = result->len;
  g_string_append_len (result, text + inner, (gssize) length);
  *end = result->len;
  if (bracketed)
    g_string_append_printf (result, ":%s)", number);
  if (cursor)
    {
      /* Behind a word it stays behind the brackets, that what is typed next is not in them. */
      if (at == to)
        *start = result->len;
      else
        *start += CLAMP (at, inner, inner + length) - inner;
      *end = *start;
    }
  g_string_append (result, text + to);
  g_array_free (weights, TRUE);
  return g_string_free (result, FALSE);
}
