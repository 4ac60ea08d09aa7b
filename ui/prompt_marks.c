/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "prompt_marks.h"

#include "base/prompt_scan.h"

#include <stdlib.h>
#include <string.h>

#define OPENS  (1 << PROMPT_MARK_KINDS) /* the { of a choice */
#define CLOSES (2 << PROMPT_MARK_KINDS) /* and its } */

/* All that follows paints bits, 1 << PromptMarkKind, over the bytes of the text. */

static void
paint_comments (const gchar *text,
                guint8      *paint)
{
  gsize step;

  for (gsize at = 0; text[at]; at += step)
    {
      step = prompt_scan_step (text + at);
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
  PromptScan scan = { 0 };

  if (prompt_scan_written (&scan, text))
    for (gsize i = 0; i < scan.count; i++)
      for (gsize at = scan.pieces[i].begin; at < scan.pieces[i].end; at++)
        paint[at] |= bit_of (scan.weights[i]);
  prompt_scan_clear (&scan);
}

static void
paint_choices (const gchar *text,
               guint8      *paint)
{
  gsize         count   = 0;
  PromptChoice *choices = prompt_scan_choices (text, &count);
  guint         depth   = 0;

  for (gsize i = 0; choices && i < count; i++)
    {
      if (choices[i].close && choices[i].kind == '{')
        paint[choices[i].at] |= OPENS;
      if (choices[i].close && choices[i].kind == '}')
        paint[choices[i].at] |= CLOSES;
    }
  free (choices);
  for (gsize at = 0; text[at]; at++)
    {
      depth += (paint[at] & OPENS) != 0;
      if (depth > 0)
        paint[at] |= 1 << PROMPT_MARK_CHOICE;
      depth -= (paint[at] & CLOSES) != 0;
    }
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
