/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "prompt_marks.h"

#include "prompt_weight.h"

#include <string.h>

#define OPENS  (1 << PROMPT_MARK_KINDS) /* the { of a choice */
#define CLOSES (2 << PROMPT_MARK_KINDS) /* and its } */

/* A { or [ that is open. */
typedef struct
{
  gsize    at;
  gchar    kind;
  gboolean has_bar;
} Open;

/* All that follows paints bits, 1 << PromptMarkKind, over the bytes of the text. */

static void
paint_comments (const gchar *text,
                guint8      *paint)
{
  gsize step;

  for (gsize at = 0; text[at]; at += step)
    {
      step = prompt_weight_step (text + at);
      if (text[at] == '#')
        memset (paint + at, 1 << PROMPT_MARK_COMMENT, step);
    }
}

static guint8
bit_of (gdouble weight)
{
  if (ABS (weight - 1) < 0.005)
    return 0;
  return weight > 1 ? 1 << PROMPT_MARK_STRONGER : 1 << PROMPT_MARK_WEAKER;
}

static void
paint_weights (const gchar *text,
               guint8      *paint)
{
  GArray *weights = prompt_weights (text);
  GArray *around  = g_array_new (FALSE, FALSE, sizeof (guint));
  guint   next    = 0;

  for (gsize at = 0; text[at] && (next < weights->len || around->len > 0); at++)
    {
      while (around->len > 0 &&
             g_array_index (weights, PromptWeight,
                            g_array_index (around, guint, around->len - 1)).end <= at)
        g_array_set_size (around, around->len - 1);
      if (next < weights->len && g_array_index (weights, PromptWeight, next).start == at)
        {
          g_array_append_val (around, next);
          next++;
        }
      if (around->len > 0)
        paint[at] |= bit_of (g_array_index (weights, PromptWeight,
                                            g_array_index (around, guint,
                                                           around->len - 1)).weight);
    }
  g_array_free (around, TRUE);
  g_array_free (weights, TRUE);
}

static Open *
innermost (GArray *opened)
{
  return opened->len > 0 ? &g_array_index (opened, Open, opened->len - 1) : NULL;
}

/* A } closes the innermost {, whatever is open in it; braces without a bar are text. */
static void
close_brace (GArray *opened,
             guint  *braces,
             guint8 *paint,
             gsize   at)
{
  Open open;

  if (*braces == 0)
    return;
  do
    {
      open = *innermost (opened);
      g_array_set_size (opened, opened->len - 1);
    }
  while (open.kind != '{');
  --*braces;
  if (open.has_bar)
    {
      paint[open.at] |= OPENS;
      paint[at]      |= CLOSES;
    }
}

static void
paint_choices (const gchar *text,
               guint8      *paint)
{
  GArray *opened = g_array_new (FALSE, FALSE, sizeof (Open));
  guint   braces = 0, depth = 0;

  for (gsize at = 0; text[at]; at += prompt_weight_step (text + at))
    {
      Open *open = innermost (opened);

      if (text[at] == '{' || text[at] == '[')
        {
          Open next = { at, text[at], FALSE };

          braces += text[at] == '{';
          g_array_append_val (opened, next);
        }
      else if (text[at] == '|' && open && open->kind == '{')
        open->has_bar = TRUE;
      else if (text[at] == ']' && open && open->kind == '[')
        g_array_set_size (opened, opened->len - 1);
      else if (text[at] == '}')
        close_brace (opened, &braces, paint, at);
    }
  for (gsize at = 0; text[at]; at++)
    {
      depth += (paint[at] & OPENS) != 0;
      if (depth > 0)
        paint[at] |= 1 << PROMPT_MARK_CHOICE;
      depth -= (paint[at] & CLOSES) != 0;
    }
  g_array_free (opened, TRUE);
}

/* `in_line' counts the marks of the line so far. */
static void
add_mark (PromptMarks *marks,
          guint        kind,
          gint         from,
          gint         to,
          guint       *in_line)
{
  PromptMark mark = { from, to };

  *in_line += kind != PROMPT_MARK_COMMENT;
  if (kind == PROMPT_MARK_COMMENT || *in_line <= PROMPT_MARKS_IN_LINE)
    g_array_append_val (marks->of[kind], mark);
}

/* What is painted to marks in characters. */
static void
collect (PromptMarks  *marks,
         const gchar  *text,
         const guint8 *paint)
{
  gint   from[PROMPT_MARK_KINDS];
  guint8 last = 0, bits;
  gint   length = 0;
  guint  in_line = 0;

  for (gsize at = 0;; at++)
    {
      bits = ! text[at] ? 0
             : paint[at] & 1 << PROMPT_MARK_COMMENT ? 1 << PROMPT_MARK_COMMENT : paint[at];
      for (guint kind = 0; kind < PROMPT_MARK_KINDS && bits != last; kind++)
        {
          if (bits & ~last & 1 << kind)
            from[kind] = length;
          if (last & ~bits & 1 << kind)
            add_mark (marks, kind, from[kind], length, &in_line);
        }
      last = bits;
      if (! text[at])
        break;
      if (text[at] == '\n')
        in_line = 0;
      length += (text[at + 1] & 0xc0) != 0x80; /* another character begins behind it */
    }
  marks->length = length;
}

void
prompt_marks_read (PromptMarks *marks,
                   const gchar *text)
{
  guint8 *paint = g_malloc0 (strlen (text) + 1);

  for (guint kind = 0; kind < PROMPT_MARK_KINDS; kind++)
    marks->of[kind] = g_array_new (FALSE, FALSE, sizeof (PromptMark));
  paint_comments (text, paint);
  paint_weights (text, paint);
  paint_choices (text, paint);
  collect (marks, text, paint);
  g_free (paint);
}

void
prompt_marks_clear (PromptMarks *marks)
{
  for (guint kind = 0; kind < PROMPT_MARK_KINDS; kind++)
    g_clear_pointer (&marks->of[kind], g_array_unref);
  marks->length = 0;
}

gboolean
prompt_marks_end_in_comment (const PromptMarks *marks)
{
  GArray *comments = marks->of[PROMPT_MARK_COMMENT];

  return comments->len > 0 &&
         g_array_index (comments, PromptMark, comments->len - 1).to == marks->length;
}
