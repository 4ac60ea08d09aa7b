/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "prompt_weight.h"

#include <math.h>
#include <string.h>

#define BIGGEST 1e30 /* nested weights stay finite */

/* A bracket that is open. */
typedef struct
{
  gsize start, last_colon;
  gchar kind;
  guint colons, bars; /* directly in it */
  guint braces;       /* around it */
} Open;

typedef struct
{
  const gchar *text;
  GArray      *weights, *opened;
  guint        round, square; /* how many are open */
  guint        braces;
} Reader;

gsize
prompt_weight_step (const gchar *text)
{
  if (*text == '#')
    return strcspn (text, "\n");
  return *text == '\\' && text[1] ? 2 : 1;
}

/* Past blanks and comments. */
static gsize
skip_blanks (const gchar *text,
             gsize        at)
{
  while (g_ascii_isspace (text[at]) || text[at] == '#')
    at += prompt_weight_step (text + at);
  return at;
}

/* ":1.25)" at text[0], with blanks around the number: how many bytes, or 0. */
static gsize
read_weight (const gchar *text,
             gdouble     *weight)
{
  gsize        at       = skip_blanks (text, 1);
  gboolean     negative = text[at] == '-';
  gchar        number[64];
  const gchar *point;
  gsize        length;

  if (text[at] == '-' || text[at] == '+')
    at++;
  length = strspn (text + at, ".0123456789");
  if (length == 0 || length >= sizeof number)
    return 0;
  memcpy (number, text + at, length);
  number[length] = '\0';
  point = strchr (number, '.');
  if (point && (length == 1 || strchr (point + 1, '.')))
    return 0;
  at = skip_blanks (text, at + length);
  if (text[at] != ')')
    return 0;
  *weight = g_ascii_strtod (number, NULL) * (negative ? -1 : 1);
  return at + 1;
}

/* ---- reading -------------------------------------------------------------- */

static Open *
innermost (Reader *reader)
{
  return reader->opened->len > 0
         ? &g_array_index (reader->opened, Open, reader->opened->len - 1) : NULL;
}

static void
open_bracket (Reader *reader,
              gsize   at)
{
  Open open = { .start = at, .kind = reader->text[at], .braces = reader->braces };

  *(open.kind == '(' ? &reader->round : &reader->square) += 1;
  g_array_append_val (reader->opened, open);
}

/* Whether text[open->start … at] is [from:to:when] or [a|b]. */
static gboolean
changes_on_the_way (const gchar *text,
                    const Open  *open,
                    gsize        at)
{
  gsize number;

  if (open->colons == 0)
    return open->bars > 0;
  number = open->last_colon + 1;
  return open->bars == 0 && open->colons <= 2 && number < at &&
         number + strspn (text + number, "+-.0123456789eE \t\n") >= at;
}

/* `start' of the bracket, `inner_end' and `end' of what closes the innermost one of its kind;
 * those that are open in it were text. */
static void
close_bracket (Reader *reader,
               gchar   kind,
               gsize   inner_end,
               gsize   end,
               gdouble weight)
{
  guint *count = kind == '(' ? &reader->round : &reader->square;
  Open   open;

  if (*count == 0)
    return;
  do
    {
      open = *innermost (reader);
      *(open.kind == '(' ? &reader->round : &reader->square) -= 1;
      g_array_set_size (reader->opened, reader->opened->len - 1);
    }
  while (open.kind != kind);
  if (kind == '(' || ! changes_on_the_way (reader->text, &open, inner_end))
    {
      PromptWeight passage = { open.start, end, inner_end, weight, weight };

      g_array_append_val (reader->weights, passage);
    }
}

/* Takes in what stands at `at'; returns how many bytes it has. */
static gsize
read_one (Reader *reader,
          gsize   at)
{
  const gchar *text = reader->text + at;
  Open        *open = innermost (reader);
  gdouble      weight;
  gsize        length;

  switch (*text)
    {
    case '(':
    case '[':
      open_bracket (reader, at);
      return 1;
    case ')':
      close_bracket (reader, '(', at, at + 1, 1.1);
      return 1;
    case ']':
      close_bracket (reader, '[', at, at + 1, 1 / 1.1);
      return 1;
    case ':':
      length = read_weight (text, &weight);
      if (length && reader->round)
        {
          close_bracket (reader, '(', at, at + length, weight);
          return length;
        }
      if (open)
        {
          open->colons++;
          open->last_colon = at;
        }
      return 1;
    case '|':
      if (open && open->braces == reader->braces)
        open->bars++;
      return 1;
    case '{':
      reader->braces++;
      return 1;
    case '}':
      reader->braces -= reader->braces > 0;
      return 1;
    case '\\':
      return text[1] == ':' ? 1 : prompt_weight_step (text);
    default:
      return prompt_weight_step (text);
    }
}

static gint
outermost_first (gconstpointer a,
                 gconstpointer b)
{
  const PromptWeight *first = a, *second = b;

  return first->start < second->start ? -1 : first->start > second->start;
}

/* Multiplies each passage with those around it. */
static void
multiply (GArray *weights)
{
  GArray *around = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < weights->len; i++)
    {
      PromptWeight *passage = &g_array_index (weights, PromptWeight, i);

      while (around->len > 0)
        {
          guint               index = g_array_index (around, guint, around->len - 1);
          const PromptWeight *outer = &g_array_index (weights, PromptWeight, index);

          if (outer->end > passage->start)
            {
              passage->weight = CLAMP (passage->own * outer->weight, -BIGGEST, BIGGEST);
              break;
            }
          g_array_set_size (around, around->len - 1);
        }
      g_array_append_val (around, i);
    }
  g_array_free (around, TRUE);
}

GArray *
prompt_weights (const gchar *text)
{
  Reader reader = { .text = text };

  reader.weights = g_array_new (FALSE, FALSE, sizeof (PromptWeight));
  reader.opened  = g_array_new (FALSE, FALSE, sizeof (Open));
  for (gsize at = 0; text[at];)
    at += read_one (&reader, at);
  g_array_free (reader.opened, TRUE);
  g_array_sort (reader.weights, outermost_first);
  multiply (reader.weights);
  return reader.weights;
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

  for (gsize i = 0;; i += prompt_weight_step (text + i))
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
      step = prompt_weight_step (text + i);
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
