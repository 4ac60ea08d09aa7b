/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which characters of a prompt are shown how: weighted ones, choices, comments, all as the engine reads
 * them (base/prompt_scan.h).  No widgets. */
#pragma once

#include <glib.h>

/* Marks of a line that are more than that are left out, comments apart: GTK takes the square of the
 * tags in a line to lay it out, seconds for some thousand. */
#define PROMPT_MARKS_IN_LINE 500

typedef enum
{
  PROMPT_MARK_STRONGER, /* by all brackets around them; one that is not closed weighs to the end */
  PROMPT_MARK_WEAKER,
  PROMPT_MARK_CHOICE,   /* {a|b}, its braces included */
  PROMPT_MARK_COMMENT,  /* # to the end of the line; nothing else is marked in it */
  PROMPT_MARK_KINDS
} PromptMarkKind;

/* From a character up to, not including, another. */
typedef struct
{
  gint from, to;
} PromptMark;

/* Of each kind a GArray of PromptMark, in order, none touching the next. */
typedef struct
{
  GArray *of[PROMPT_MARK_KINDS];
  gint    length; /* of the text, in characters */
} PromptMarks;

/* Takes time in proportion to the text, whatever stands in it. */
void     prompt_marks_read            (PromptMarks       *marks,
                                       const gchar       *text);
void     prompt_marks_clear           (PromptMarks       *marks);

/* Whether what is appended would stand in a comment. */
gboolean prompt_marks_end_in_comment  (const PromptMarks *marks);
